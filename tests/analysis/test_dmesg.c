/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log in place of a dump: its event, and what it says of the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/dmesg.h"
#include "base/cleanup.h"

static const char boot[] =
	"[    0.000000] Linux version 6.1.0-56-amd64 (a@b) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU "
	"ld "
	"2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)\n"
	"[    0.000000] DMI: Dell Inc. PowerEdge R740/0923K0, BIOS 2.10.2 02/24/2021\n"
	"[    0.000000] tsc: Detected 2596.119 MHz processor\n"
	"[    0.177599] Memory: 113404K/359900K available (14343K kernel code)\n"
	"[    0.685225] smpboot: CPU0: Intel(R) Xeon(R) Gold 6130 (family: 0x6, model: 0x55)\n"
	"[    0.809909] smp: Brought up 2 nodes, 64 CPUs\n"
	"[    0.869012] audit: type=2000 audit(1795449915.560:1): state=initialized\n"
	"[    1.111111] microcode: sig=0x50654, pf=0x80, revision=0x2006b06\n"
	"[    1.500000] rtc_cmos 00:04: setting system clock to 2026-11-23T16:05:16 UTC "
	"(1795449916)\n"
	"[    5.000000] systemd[1]: Hostname set to <web-01>.\n";

static const char crash[] =
	"[  100.400000] BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
	"[  100.400001] #PF: supervisor write access in kernel mode\n"
	"[  100.400002] Oops: 0002 [#1] PREEMPT SMP NOPTI\n"
	"[  100.400003] CPU: 1 PID: 148 Comm: bash Tainted: G           OE      6.1.0-56-amd64 #1\n"
	"[  100.400004] RIP: 0010:do_harm+0x14/0x20 [harm]\n"
	"[  100.400005] Call Trace:\n"
	"[  100.400006]  <TASK>\n"
	"[  100.400007]  do_more+0x10/0x20 [harm]\n"
	"[  100.400008]  </TASK>\n"
	"[  100.400009] Kernel panic - not syncing: Fatal exception\n";

struct world {
	struct kernel kernel;
	struct facts facts;
};

static struct ey_error *read_text(struct world *w, const char *text, size_t len)
{
	_cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, len), len);
	return dmesg_collect(&w->facts, &w->kernel, fd, "vmcore-dmesg.txt");
}

static void world_deinit(struct world *w)
{
	facts_deinit(&w->facts);
	kernel_close(&w->kernel);
}

static bool has_gap(const struct world *w, const char *what)
{
	for (size_t i = 0; i < w->kernel.gap_count; i++) {
		if (!strcmp(w->kernel.gaps[i].what, what))
			return true;
	}
	return false;
}

static void log_gives_event_and_machine(void **state)
{
	_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;
	struct world w;
	const struct system_info *s = &w.facts.system;

	ey_buf_adds(&log, boot);
	ey_buf_adds(&log, crash);
	assert_null(read_text(&w, log.data, log.len));
	assert_string_equal(dump_format_name(&w.kernel.dump), "dmesg");
	assert_non_null(w.facts.event);
	assert_string_equal(w.facts.event->signature, "do_harm+0x14");
	assert_string_equal(s->release, "6.1.0-56-amd64");
	assert_string_equal(s->version, "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)");
	assert_string_equal(s->hostname, "web-01");
	assert_string_equal(s->vendor, "Dell Inc.");
	assert_string_equal(s->product, "PowerEdge R740");
	assert_string_equal(s->board_name, "0923K0");
	assert_string_equal(s->bios_version, "2.10.2");
	assert_string_equal(s->bios_date, "02/24/2021");
	assert_string_equal(s->cpu_model, "Intel(R) Xeon(R) Gold 6130");
	assert_int_equal(s->cpu_mhz, 2596);
	assert_int_equal(s->cpus, 64);
	assert_int_equal(s->memory_bytes, 359900 * 1024);
	assert_int_equal(s->microcode, 0x2006b06);
	assert_string_equal(s->taint, "OE");
	// 1795449916 at 1.5 s, dead at 100.4 s.
	assert_int_equal(s->uptime_seconds, 100);
	assert_int_equal(s->crash_time, 1795449916 + 98);
	assert_true(has_gap(&w, "dump"));
	assert_true(has_gap(&w, "crash_time"));
	assert_false(has_gap(&w, "hostname"));
	assert_false(has_gap(&w, "event"));
	world_deinit(&w);
}

static void what_the_log_does_not_tell_is_unknown(void **state)
{
	struct world w;
	const struct system_info *s = &w.facts.system;

	assert_null(read_text(&w, crash, strlen(crash)));
	assert_non_null(w.facts.event);
	assert_string_equal(s->release, "");
	assert_string_equal(s->product, "");
	assert_int_equal(s->cpus, -1);
	assert_int_equal(s->memory_bytes, -1);
	assert_int_equal(s->crash_time, -1);
	assert_true(has_gap(&w, "hostname"));
	world_deinit(&w);
}

static void log_without_a_crash_says_so(void **state)
{
	struct world w;

	assert_null(read_text(&w, boot, strlen(boot)));
	assert_null(w.facts.event);
	assert_true(has_gap(&w, "event"));
	assert_false(w.facts.system.have_taint);
	world_deinit(&w);
}

// A serial console has the boot after the crash, too: the machine is that of the crash.
static void later_boot_is_another(void **state)
{
	_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;
	struct world w;

	ey_buf_adds(&log, "[    0.000000] Linux version 5.10.0 (x) (y) #9 old\n"
			  "[    0.100000] smp: Brought up 1 node, 1 CPU\n");
	ey_buf_adds(&log, boot);
	ey_buf_adds(&log, crash);
	ey_buf_adds(&log, "[    0.000000] Linux version 6.12.0 (x) (y) #3 new\n"
			  "[    7.000000] systemd[1]: Hostname set to <other>.\n");
	assert_null(read_text(&w, log.data, log.len));
	assert_string_equal(w.facts.system.release, "6.1.0-56-amd64");
	assert_string_equal(w.facts.system.hostname, "web-01");
	assert_int_equal(w.facts.system.cpus, 64);
	assert_int_equal(w.facts.system.uptime_seconds, 100);
	world_deinit(&w);
}

// Whose vendor is not known is not guessed.
static void unknown_vendor_is_not_guessed(void **state)
{
	static const char log[] = "[    0.000000] DMI: Frob Works Model 7, BIOS 1 01/01/2020\n";
	struct world w;

	assert_null(read_text(&w, log, strlen(log)));
	assert_string_equal(w.facts.system.vendor, "");
	assert_string_equal(w.facts.system.product, "");
	assert_string_equal(w.facts.system.bios_version, "1");
	world_deinit(&w);
}

static void other_texts_are_refused(void **state)
{
	static const char *const texts[] = {"", "hello\n", "a letter\n\nof two lines\n"};

	for (size_t i = 0; i < EY_ARRAY_SIZE(texts); i++) {
		struct world w;
		_cleanup_error_ struct ey_error *err = read_text(&w, texts[i], strlen(texts[i]));

		assert_non_null(err);
		assert_int_equal(err->code, EY_ERR_INPUT);
		world_deinit(&w);
	}
}

static void lines_may_be_anything(void **state)
{
	_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;
	struct world w;

	ey_buf_adds(&log, "[    1.000000] Linux version ");
	for (int i = 0; i < 5000; i++)
		ey_buf_addc(&log, 'x');
	ey_buf_adds(
		&log,
		"\n[99999999999999.000000] DMI: , BIOS \n[    2.000000] DMI: QEMU , BIOS 1\n"
		"[    2.000000] smp: Brought up 99999999999 nodes, 1\n"
		"[    2.000000] audit: type=2000 audit(99999999999999999999.1:1): x\n"
		"[    2.000000] Memory: 1K/99999999999999999999K available\n"
		"[    2.000000] systemd[1]: Hostname set to <never ends\n"
		"[    2.000000] CPU: 1 Tainted: ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRST\n");
	ey_buf_add(&log, "[    3.0\0\0\0\0\0", 13);
	assert_null(read_text(&w, log.data, log.len));
	assert_int_equal(strlen(w.facts.system.release), SYSTEM_TEXT_SIZE - 1);
	assert_string_equal(w.facts.system.hostname, "");
	assert_int_equal(w.facts.system.memory_bytes, -1);
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_gives_event_and_machine),
		cmocka_unit_test(what_the_log_does_not_tell_is_unknown),
		cmocka_unit_test(log_without_a_crash_says_so),
		cmocka_unit_test(later_boot_is_another),
		cmocka_unit_test(unknown_vendor_is_not_guessed),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(lines_may_be_anything),
	};

	return cmocka_run_group_tests_name("dmesg", tests, NULL, NULL);
}
