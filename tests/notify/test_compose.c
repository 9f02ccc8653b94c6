/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of the mails against files in golden/, which people read and judge. After a wanted
 * change: EYRIE_UPDATE_GOLDEN=1 meson test -C build compose, then read the diff.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "notify/compose.h"

static const char trace[] = "lkdtm_ACCESS_NULL+0x7e/0x90 [lkdtm]\n"
			    "direct_entry.cold+0x18/0x24 [lkdtm]\n"
			    "full_proxy_write+0x53/0x80\n"
			    "vfs_write+0xc7/0x3f0\n"
			    "ksys_write+0x6b/0xf0\n"
			    "do_syscall_64+0x5d/0xb0\n"
			    "entry_SYSCALL_64_after_hwframe+0x6e/0xd8\n";

static const char kernel_log[] =
	"[    0.000000] Linux version 6.1.0-56-amd64\n"
	"[    4.310685] loop: module loaded\n"
	"[    5.497378] lkdtm: Performing direct entry ACCESS_NULL\n"
	"[    5.497866] BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
	"[    5.498527] Oops: 0002 [#1] PREEMPT SMP NOPTI\n"
	"[    5.499216] RIP: 0010:lkdtm_ACCESS_NULL+0x7e/0x90 [lkdtm]\n"
	"[    5.501414] Call Trace:\n"
	"[    5.501702]  direct_entry.cold+0x18/0x24 [lkdtm]\n"
	"[    5.501702] Kernel panic - not syncing: Fatal exception\n";

static struct notify_crash sample_crash(void)
{
	struct notify_crash c = NOTIFY_CRASH_INIT;

	c.id = 1;
	c.site = "default";
	c.host = "web-01";
	c.kernel = "6.1.0-56-amd64";
	c.model = "QEMU Standard PC (Q35 + ICH9, 2009)";
	c.firmware = "1.16.2-debian-1.16.2-1 04/01/2014";
	c.taint = "G           OE";
	c.time = 1795444049; // 2026-11-23T14:27:29Z
	c.uptime_seconds = 273909;
	c.comm = "kdt-crasher";
	c.pid = 148;
	c.cpu = 1;
	c.call_trace = trace;
	c.log = kernel_log;
	c.event_first_line = 4;
	c.event_last_line = 9;
	c.location = "/var/lib/eyrie/repository/default/web-01/2026-11-23T14:27:29Z-1";
	c.url = "https://eyrie.example.com/#/crashes/1";
	return c;
}

static struct notify_reason sample_reason(void)
{
	return (struct notify_reason){
		.id = 7,
		.kind = "NULL-DEREF",
		.title = "BUG: kernel NULL pointer dereference in lkdtm_ACCESS_NULL",
		.function = "lkdtm_ACCESS_NULL",
		.module = "lkdtm",
		.key = "g1:NULL-DEREF:lkdtm_ACCESS_NULL",
		.signature = "lkdtm_ACCESS_NULL+0x7e",
		.crashes = 1,
		.hosts = 1,
		.first_seen = 1795444049,
		.url = "https://eyrie.example.com/#/reasons/7",
	};
}

static void check_golden(const char *name, const char *got)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *want = NULL;

	assert_true(asprintf(&path, "%s/golden/%s", TEST_SOURCE_DIR, name) > 0);
	if (getenv("EYRIE_UPDATE_GOLDEN"))
		assert_null(ey_file_write_whole(path, 0644, got, strlen(got)));
	assert_null(ey_file_read_whole(path, 1 << 20, &want, NULL));
	assert_string_equal(got, want);
}

static void check_text(const char *name, const struct notify_text *t)
{
	_cleanup_free_ char *all = NULL;
	_cleanup_free_ char *file = NULL;

	assert_true(asprintf(&all, "Subject: %s\nKey: %s\nThread: %s\n\n%s", t->subject, t->key,
			     t->thread_key ? t->thread_key : "-", t->text) > 0);
	assert_true(asprintf(&file, "%s.txt", name) > 0);
	check_golden(file, all);
}

static void new_reason(void **state)
{
	_cleanup_notify_text_ struct notify_text t = {0};
	struct notify_crash crash = sample_crash();
	struct notify_reason reason = sample_reason();

	assert_null(notify_compose_new_reason(&reason, &crash, &t));
	assert_string_equal(t.subject, "new crash reason: NULL-DEREF in lkdtm_ACCESS_NULL "
				       "(6.1.0-56-amd64) on web-01");
	check_text("new-reason", &t);
	check_golden("new-reason.html", t.html);
}

static void new_reason_of_hardware_seen_twice(void **state)
{
	_cleanup_notify_text_ struct notify_text t = {0};
	struct notify_crash crash = sample_crash();
	struct notify_reason reason = {
		.id = 8,
		.kind = "MCE",
		.title = "mce: [Hardware Error]: Machine check: Processor context corrupt",
		.key = "g1:MCE:memory",
		.crashes = 3,
		.hosts = 2,
		.first_seen = 1795440000,
	};

	crash.call_trace = NULL;
	crash.taint = "M";
	assert_null(notify_compose_new_reason(&reason, &crash, &t));
	check_text("new-reason-hardware", &t);
}

static void nothing_known(void **state)
{
	_cleanup_notify_text_ struct notify_text t = {0};
	struct notify_crash crash = NOTIFY_CRASH_INIT;
	struct notify_reason reason = {0};

	assert_null(notify_compose_new_reason(&reason, &crash, &t));
	check_text("nothing-known", &t);
}

static void hostile_strings_stay_text(void **state)
{
	_cleanup_notify_text_ struct notify_text t = {0};
	struct notify_crash crash = sample_crash();
	struct notify_reason reason = sample_reason();

	reason.title = "<script>alert(1)</script>";
	crash.host = "web\"><img src=x onerror=alert(1)>";
	crash.comm = "evil\nReason     forged";
	crash.url = "javascript:alert(1)";
	assert_null(notify_compose_new_reason(&reason, &crash, &t));
	assert_null(strstr(t.html, "<script"));
	assert_null(strstr(t.html, "<img"));
	assert_null(strstr(t.html, "javascript:"));
	assert_non_null(strstr(t.html, "&lt;script&gt;"));
	assert_null(strstr(t.text, "\nReason     forged"));
}

static const struct notify_count reasons[] = {
	{"NULL-DEREF in lkdtm_ACCESS_NULL", 3, NULL},
	{"SOFT-LOCKUP in nf_conntrack_tuple_taken", 1, "new"},
};

static struct notify_alert sample_alert(const struct notify_crash *last)
{
	return (struct notify_alert){
		.event = NOTIFY_ALERT_FIRE,
		.id = 17,
		.scope = NOTIFY_SCOPE_HOST,
		.name = "web-01",
		.count = 4,
		.threshold = 3,
		.window_seconds = 86400,
		.fired_at = 1795444200,
		.at = 1795444200,
		.reasons = reasons,
		.reason_count = 2,
		.last = last,
		.url = "https://eyrie.example.com/#/alerts/17",
	};
}

static void host_alert(void **state)
{
	_cleanup_notify_text_ struct notify_text fire = {0};
	_cleanup_notify_text_ struct notify_text taken = {0};
	_cleanup_notify_text_ struct notify_text over = {0};
	struct notify_crash last = sample_crash();
	struct notify_alert a = sample_alert(&last);

	assert_null(notify_compose_alert(&a, &fire));
	check_text("alert-host-fire", &fire);
	a.event = NOTIFY_ALERT_ACKNOWLEDGE;
	a.at += 720;
	a.who = "operator";
	a.note = "Memory test is running.";
	assert_null(notify_compose_alert(&a, &taken));
	check_text("alert-host-acknowledge", &taken);
	a.event = NOTIFY_ALERT_RESOLVE;
	a.at += 90000;
	a.who = NULL;
	a.note = NULL;
	assert_null(notify_compose_alert(&a, &over));
	check_text("alert-host-resolve", &over);
	// One conversation: the answers name the first mail, and each is a mail of its own.
	assert_null(fire.thread_key);
	assert_string_equal(taken.thread_key, fire.key);
	assert_string_equal(over.thread_key, fire.key);
	assert_string_not_equal(taken.key, over.key);
}

static void reason_alert_counts_hosts(void **state)
{
	_cleanup_notify_text_ struct notify_text t = {0};
	struct notify_crash last = sample_crash();
	struct notify_alert a = sample_alert(&last);
	struct notify_count hosts[20];
	char names[20][16];
	static const struct notify_count kernels[] = {{"6.1.0-56-amd64", 20, NULL}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(hosts); i++) {
		snprintf(names[i], sizeof(names[i]), "web-%02zu", i + 1);
		hosts[i] = (struct notify_count){names[i], 1 + (i == 0), NULL};
	}
	a.scope = NOTIFY_SCOPE_REASON;
	a.name = "NULL-DEREF in lkdtm_ACCESS_NULL";
	a.count = 20;
	a.threshold = 5;
	a.crashes = 21;
	a.reason_count = 0;
	a.hosts = hosts;
	a.host_count = EY_ARRAY_SIZE(hosts);
	a.kernels = kernels;
	a.kernel_count = 1;
	assert_null(notify_compose_alert(&a, &t));
	check_text("alert-reason-fire", &t);
	check_golden("alert-reason-fire.html", t.html);
}

static void excerpt_shows_the_event(void **state)
{
	_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	for (int i = 1; i <= 1000; i++)
		ey_buf_printf(&log, "line %d\n", i);
	notify_log_excerpt(ey_buf_str(&log), 500, 503, 40, &out);
	assert_string_equal(ey_buf_str(&out),
			    "line 492\nline 493\nline 494\nline 495\nline 496\nline 497\nline 498\n"
			    "line 499\nline 500\nline 501\nline 502\nline 503\n");
	ey_buf_clear(&out);
	notify_log_excerpt(ey_buf_str(&log), 500, 900, 8, &out);
	assert_string_equal(ey_buf_str(&out),
			    "line 492\nline 493\nline 494\nline 495\nline 496\nline 497\n"
			    "[... 401 lines ...]\nline 899\nline 900\n");
	// Where the event is not known, or its place is nonsense: the end.
	ey_buf_clear(&out);
	notify_log_excerpt(ey_buf_str(&log), 0, 0, 4, &out);
	assert_string_equal(ey_buf_str(&out), "line 997\nline 998\nline 999\nline 1000\n");
	ey_buf_clear(&out);
	notify_log_excerpt(ey_buf_str(&log), 5000, UINT64_MAX, 4, &out);
	assert_string_equal(ey_buf_str(&out), "line 997\nline 998\nline 999\nline 1000\n");
	ey_buf_clear(&out);
	notify_log_excerpt("", 1, 1, 4, &out);
	assert_string_equal(ey_buf_str(&out), "");
	ey_buf_clear(&out);
	notify_log_excerpt("no newline", 1, 1, 4, &out);
	assert_string_equal(ey_buf_str(&out), "no newline\n");
}

static void excerpt_cuts_long_lines_between_characters(void **state)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	char line[512] = "x";

	for (size_t i = 1; i + 2 < sizeof(line); i += 2)
		memcpy(line + i, "\xc3\xa9", 2);
	line[sizeof(line) - 1] = '\0';
	notify_log_excerpt(line, 0, 0, 10, &out);
	assert_true(out.len < 420);
	assert_string_equal(out.data + out.len - 9, "\xc3\xa9 [...]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_reason),
		cmocka_unit_test(new_reason_of_hardware_seen_twice),
		cmocka_unit_test(nothing_known),
		cmocka_unit_test(hostile_strings_stay_text),
		cmocka_unit_test(host_alert),
		cmocka_unit_test(reason_alert_counts_hosts),
		cmocka_unit_test(excerpt_shows_the_event),
		cmocka_unit_test(excerpt_cuts_long_lines_between_characters),
	};

	return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
