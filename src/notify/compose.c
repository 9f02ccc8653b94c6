/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mail of a new crash reason. */
#include "notify/compose.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "notify/words.h"

enum { MAX_LOG_LINES = 70 };

static bool is_set(const char *s)
{
	return s && *s;
}

static bool is_one_of(const char *kind, const char *const *list)
{
	for (; kind && *list; list++) {
		if (!strcmp(kind, *list))
			return true;
	}
	return false;
}

static bool is_hardware(const char *kind)
{
	return is_one_of(kind, (const char *const[]){"MCE", "NMI", "HW-OTHER", NULL});
}

// What a person who knows the kind of crash would do first.
static void add_advice(struct notify_document *d, const struct notify_reason *r,
		       const struct notify_crash *c)
{
	static const char *const stuck[] = {"HANG",	   "RCU-STALL", "SOFT-LOCKUP",
					    "HARD-LOCKUP", "ATOMIC",	NULL};
	_cleanup_buf_ struct ey_buf taint = EY_BUF_INIT;
	bool foreign = is_set(r->module) && is_set(c->taint) && strpbrk(c->taint, "OP");

	notify_add_taint(&taint, c->taint);
	if (is_hardware(r->kind))
		notify_document_paragraph(
			d, "What to do: the hardware reported this. Read the machine's own event "
			   "log (ipmitool sel list, the BMC's page), take the host out of service "
			   "before it fails again, and have the part replaced.");
	else if (r->kind && !strcmp(r->kind, "OOM"))
		notify_document_paragraph(
			d, "What to do: the host ran out of memory. The process list in the "
			   "analysis says who had it; give that service a limit or the host more "
			   "memory.");
	else if (foreign)
		notify_document_paragraph(
			d,
			"What to do: the crash is in module %s, and modules from outside of the "
			"kernel are loaded (taint %s). If %s is one of them, its vendor is the "
			"one to ask; the lines below are what they will want to see.",
			r->module, ey_buf_str(&taint), r->module);
	else if (is_one_of(r->kind, stuck))
		notify_document_paragraph(
			d, "What to do: something did not come to its end. Look what the stuck "
			   "task waits for (call trace below); slow or lost storage, a driver, or "
			   "a starved virtual machine are the usual causes. Watch whether it "
			   "happens again.");
	else
		notify_document_paragraph(
			d,
			"What to do: check that the host is back at work; more is not urgent while "
			"it stays with one crash. Then look for a kernel update that names %s, or "
			"report it to the kernel's vendor with the lines below. Eyrie counts this "
			"reason from now on and raises an alert if it spreads.",
			is_set(r->function) ? r->function : "this crash");
}

static void add_opening(struct notify_document *d, const struct notify_reason *r,
			const struct notify_crash *c)
{
	_cleanup_buf_ struct ey_buf s = EY_BUF_INIT;

	ey_buf_adds(&s, is_set(c->host) ? c->host : "A host");
	ey_buf_adds(&s, " crashed");
	if (c->time) {
		ey_buf_adds(&s, " at ");
		notify_add_time(&s, c->time);
	}
	if (c->uptime_seconds >= 0) {
		ey_buf_adds(&s, ", ");
		notify_add_duration(&s, c->uptime_seconds);
		ey_buf_adds(&s, " after its boot");
	}
	ey_buf_adds(&s, ". ");
	if (r->crashes > 1) {
		ey_buf_adds(&s, "This reason is new here: ");
		notify_add_count(&s, r->crashes, "crash", "crashes");
		ey_buf_adds(&s, " on ");
		notify_add_count(&s, r->hosts, "host", "hosts");
		if (r->first_seen && r->first_seen < c->time) {
			ey_buf_adds(&s, ", the first at ");
			notify_add_time(&s, r->first_seen);
		}
		ey_buf_adds(&s, ".");
	} else {
		ey_buf_adds(&s, "This reason was never seen before, on any host.");
	}
	notify_document_paragraph(d, "%s", ey_buf_str(&s));
	d->text.failed |= s.failed;
}

struct ey_error *notify_compose_new_reason(const struct notify_reason *reason,
					   const struct notify_crash *crash,
					   struct notify_text *ret)
{
	_cleanup_buf_ struct ey_buf subject = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf label = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf key = EY_BUF_INIT;
	_cleanup_document_ struct notify_document d = {0};

	notify_add_reason_label(&label, reason);
	ey_buf_printf(&subject, "new crash reason: %s", ey_buf_str(&label));
	if (is_set(crash->kernel))
		ey_buf_printf(&subject, " (%s)", crash->kernel);
	if (is_set(crash->host))
		ey_buf_printf(&subject, " on %s", crash->host);

	notify_document_begin(&d);
	notify_document_title(&d, is_set(reason->title) ? reason->title : ey_buf_str(&label));
	add_opening(&d, reason, crash);
	add_advice(&d, reason, crash);
	notify_document_rows_begin(&d);
	notify_add_crash_rows(&d, crash);
	notify_document_row(&d, "Module", reason->module);
	notify_document_row(&d, "Exact key", reason->signature);
	notify_document_row(&d, "Reason", reason->key);
	notify_document_row(&d, "Folder", crash->location);
	notify_document_rows_end(&d);
	if (is_set(crash->url) || is_set(reason->url))
		ey_buf_addc(&d.text, '\n');
	notify_document_link(&d, "This crash", crash->url);
	notify_document_link(&d, "All crashes of this reason", reason->url);
	notify_add_crash_lines(&d, crash, MAX_LOG_LINES);

	// The same for each try to send it: an older crash of the reason may come in between.
	ey_buf_printf(&key, "reason-%" PRId64 "-%" PRId64, reason->id,
		      crash->time ? crash->time : reason->first_seen);
	return notify_finish(&d, &subject, &key, NULL, ret);
}
