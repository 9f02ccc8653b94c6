/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mails of an alert: it fires, somebody takes it, it is over. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "notify/compose.h"
#include "notify/words.h"

enum { MAX_LISTED = 15, MAX_LOG_LINES = 40 };

static bool is_set(const char *s)
{
	return s && *s;
}

// "web-01 crashed 4 times in 24 h", "6 hosts of model X crashed in 24 h".
static void add_headline(struct ey_buf *s, const struct notify_alert *a)
{
	const char *name = is_set(a->name) ? a->name : "(unnamed)";

	if (a->scope == NOTIFY_SCOPE_HOST) {
		ey_buf_printf(s, "%s crashed ", name);
		notify_add_count(s, a->count, "time", "times");
	} else {
		notify_add_count(s, a->count, "host", "hosts");
	}
	switch (a->scope) {
	case NOTIFY_SCOPE_HOST:
		break;
	case NOTIFY_SCOPE_MODEL:
		ey_buf_printf(s, " of model %s crashed", name);
		break;
	case NOTIFY_SCOPE_REASON:
		ey_buf_printf(s, " crashed by %s", name);
		break;
	case NOTIFY_SCOPE_SITE:
		ey_buf_printf(s, " of site %s crashed", name);
		break;
	case NOTIFY_SCOPE_KERNEL:
		ey_buf_printf(s, " with kernel %s crashed", name);
		break;
	case NOTIFY_SCOPE_FLEET:
		ey_buf_adds(s, " crashed");
		break;
	}
	if (a->window_seconds > 0) {
		ey_buf_adds(s, " within ");
		notify_add_duration(s, a->window_seconds);
	}
}

static const char *advice(const struct notify_alert *a)
{
	switch (a->scope) {
	case NOTIFY_SCOPE_HOST:
		// Three crashes of four by one reason are no sign of a machine that fails at
		// random.
		if (a->reason_count && a->reasons[0].count >= a->count - a->count / 4)
			return "What to do: it is the same reason nearly each time, so it will "
			       "come "
			       "again. Take the host out of service if you can, and look whether "
			       "its work, its kernel or its configuration changed shortly before "
			       "the first crash.";
		if (a->reason_count)
			return "What to do: one machine that crashes for different reasons often "
			       "has bad memory or another broken part. Take it out of service, "
			       "read its event log (ipmitool sel list), run a memory test.";
		return "What to do: one machine that keeps crashing is one sick machine. Take it "
		       "out of service if you can, and look at its crashes.";
	case NOTIFY_SCOPE_MODEL:
		return "What to do: several machines of one model point to its firmware, a driver "
		       "for its parts, or a bad batch. Compare firmware and kernels below with "
		       "the machines of that model that do not crash.";
	case NOTIFY_SCOPE_REASON:
		if (a->kernel_count == 1)
			return "What to do: all these hosts run the same kernel. Stop its "
			       "roll-out, "
			       "and consider going back to the one before until this is "
			       "understood.";
		return "What to do: this bug spreads. Look below what the hosts have in common, "
		       "stop roll-outs that touch them, and look for a fixed kernel.";
	case NOTIFY_SCOPE_SITE:
		return "What to do: many hosts of one site at once often share a cause outside of "
		       "the machines: power, network storage, a roll-out there.";
	case NOTIFY_SCOPE_KERNEL:
		return "What to do: stop the roll-out of this kernel, and consider going back to "
		       "the one before.";
	case NOTIFY_SCOPE_FLEET:
		return "What to do: find out what changed everywhere: a roll-out, a shared "
		       "service, an attack.";
	}
	return "";
}

static void add_list(struct notify_document *d, const char *heading,
		     const struct notify_count *list, size_t count)
{
	_cleanup_buf_ struct ey_buf lines = EY_BUF_INIT;

	if (!count)
		return;
	for (size_t i = 0; i < count && i < MAX_LISTED; i++) {
		ey_buf_printf(&lines, "%5" PRIu64 "  ", list[i].count);
		for (const char *s = list[i].name ? list[i].name : "(unknown)"; *s; s++)
			ey_buf_addc(&lines, *s == '\n' || *s == '\r' ? ' ' : *s);
		if (is_set(list[i].note)) {
			ey_buf_adds(&lines, "  ");
			for (const char *s = list[i].note; *s; s++)
				ey_buf_addc(&lines, *s == '\n' || *s == '\r' ? ' ' : *s);
		}
		ey_buf_addc(&lines, '\n');
	}
	if (count > MAX_LISTED)
		ey_buf_printf(&lines, "       and %zu more\n", count - MAX_LISTED);
	notify_document_heading(d, heading);
	notify_document_lines(d, ey_buf_str(&lines));
	d->text.failed |= lines.failed;
}

static void add_fire(struct notify_document *d, const struct notify_alert *a)
{
	_cleanup_buf_ struct ey_buf s = EY_BUF_INIT;

	ey_buf_adds(&s, "The alert began at ");
	notify_add_time(&s, a->fired_at);
	ey_buf_adds(&s, ": more than ");
	if (a->scope == NOTIFY_SCOPE_HOST)
		notify_add_count(&s, a->threshold, "crash", "crashes");
	else
		notify_add_count(&s, a->threshold, "host", "different hosts");
	if (a->window_seconds > 0) {
		ey_buf_adds(&s, " within ");
		notify_add_duration(&s, a->window_seconds);
	}
	ey_buf_adds(&s, " raise it");
	if (a->scope != NOTIFY_SCOPE_HOST && a->crashes) {
		ey_buf_adds(&s, "; there were ");
		notify_add_count(&s, a->crashes, "crash", "crashes");
		ey_buf_adds(&s, " in all");
	}
	ey_buf_adds(&s, ". No further mail comes for it until it is acknowledged or over.");
	notify_document_paragraph(d, "%s", ey_buf_str(&s));
	notify_document_paragraph(d, "%s", advice(a));
	d->text.failed |= s.failed;
}

static void add_acknowledge(struct notify_document *d, const struct notify_alert *a)
{
	_cleanup_buf_ struct ey_buf s = EY_BUF_INIT;

	ey_buf_printf(&s, "%s has taken this alert", is_set(a->who) ? a->who : "Somebody");
	ey_buf_adds(&s, " at ");
	notify_add_time(&s, a->at);
	ey_buf_adds(&s, ", ");
	notify_add_duration(&s, a->at - a->fired_at);
	ey_buf_adds(&s, " after it began.");
	notify_document_paragraph(d, "%s", ey_buf_str(&s));
	if (is_set(a->note))
		notify_document_paragraph(d, "They say: %s", a->note);
	d->text.failed |= s.failed;
}

static void add_resolve(struct notify_document *d, const struct notify_alert *a)
{
	_cleanup_buf_ struct ey_buf s = EY_BUF_INIT;

	ey_buf_adds(&s, "The alert is over since ");
	notify_add_time(&s, a->at);
	ey_buf_adds(&s, "; it began at ");
	notify_add_time(&s, a->fired_at);
	ey_buf_adds(&s, " and lasted ");
	notify_add_duration(&s, a->at - a->fired_at);
	ey_buf_adds(&s, ".");
	if (is_set(a->who))
		ey_buf_printf(&s, " It was closed by %s.", a->who);
	else
		ey_buf_adds(&s, " The count fell below its threshold by itself; that does not mean "
				"that the cause is gone.");
	notify_document_paragraph(d, "%s", ey_buf_str(&s));
	if (is_set(a->note))
		notify_document_paragraph(d, "They say: %s", a->note);
	d->text.failed |= s.failed;
}

static void add_last(struct notify_document *d, const struct notify_alert *a)
{
	if (!a->last)
		return;
	notify_document_heading(d, "The latest crash");
	notify_document_rows_begin(d);
	notify_add_crash_rows(d, a->last);
	notify_document_row(d, "Folder", a->last->location);
	notify_document_rows_end(d);
	if (is_set(a->last->url))
		ey_buf_addc(&d->text, '\n');
	notify_document_link(d, "This crash", a->last->url);
	notify_add_crash_lines(d, a->last, MAX_LOG_LINES);
}

struct ey_error *notify_compose_alert(const struct notify_alert *a, struct notify_text *ret)
{
	static const char *const words[] = {
		[NOTIFY_ALERT_FIRE] = "fire",
		[NOTIFY_ALERT_ACKNOWLEDGE] = "acknowledge",
		[NOTIFY_ALERT_RESOLVE] = "resolve",
	};
	_cleanup_buf_ struct ey_buf headline = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf subject = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf key = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf thread = EY_BUF_INIT;
	_cleanup_document_ struct notify_document d = {0};

	add_headline(&headline, a);
	switch (a->event) {
	case NOTIFY_ALERT_FIRE:
		ey_buf_adds(&subject, "ALERT: ");
		break;
	case NOTIFY_ALERT_ACKNOWLEDGE:
		ey_buf_printf(&subject, "taken by %s: ", is_set(a->who) ? a->who : "somebody");
		break;
	case NOTIFY_ALERT_RESOLVE:
		ey_buf_adds(&subject, "over: ");
		break;
	}
	ey_buf_adds(&subject, ey_buf_str(&headline));

	notify_document_begin(&d);
	notify_document_title(&d, ey_buf_str(&subject));
	if (a->event == NOTIFY_ALERT_FIRE)
		add_fire(&d, a);
	else if (a->event == NOTIFY_ALERT_ACKNOWLEDGE)
		add_acknowledge(&d, a);
	else
		add_resolve(&d, a);
	if (is_set(a->url))
		ey_buf_addc(&d.text, '\n');
	notify_document_link(&d, "This alert", a->url);
	add_list(&d, "Reasons", a->reasons, a->reason_count);
	add_list(&d, "Hosts", a->hosts, a->scope == NOTIFY_SCOPE_HOST ? 0 : a->host_count);
	add_list(&d, "Kernels", a->kernels, a->kernel_count);
	add_list(&d, "Models", a->models, a->model_count);
	if (a->event == NOTIFY_ALERT_FIRE)
		add_last(&d, a);

	ey_buf_printf(&key, "alert-%" PRId64 "-%" PRId64 "-%s", a->id, a->fired_at,
		      words[a->event]);
	if (a->event != NOTIFY_ALERT_FIRE) {
		// An alert can be taken more than once: by another person, or after a hand-over.
		ey_buf_printf(&key, "-%" PRId64, a->at);
		ey_buf_printf(&thread, "alert-%" PRId64 "-%" PRId64 "-fire", a->id, a->fired_at);
	}
	return notify_finish(&d, &subject, &key, a->event == NOTIFY_ALERT_FIRE ? NULL : &thread,
			     ret);
}
