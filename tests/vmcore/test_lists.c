/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks and modules: lists through the kernel's memory. A list is a circle of nodes within the
 * structures; in a damaged kernel it may lead anywhere, or round and round.
 */
#include "vmcore_test.h"

#include <elf.h>
#include <string.h>

#include "fake_lists.h"
#include "vmcore/module.h"
#include "vmcore/system.h"
#include "vmcore/task.h"

#define A	(FAKE_LISTS_FREE + 0x000)
#define B	(FAKE_LISTS_FREE + 0x100)
#define C	(FAKE_LISTS_FREE + 0x200)
#define SIGNAL	(FAKE_LISTS_FREE + 0x300)
#define MM	(FAKE_LISTS_FREE + 0x400)
#define PARTS	(FAKE_LISTS_FREE + 0x500)
#define NOWHERE 0xdead000000000100ULL

// swapper/0, and the tasks A and B.
static struct fake_dump three_tasks(void)
{
	struct fake_dump f;

	fake_dump_init(&f, 4);
	fake_task(&f, FAKE_INIT_TASK, 0, "swapper/0");
	fake_task(&f, A, 30, "second");
	fake_task(&f, B, 2, "first");
	fake_link(&f, FAKE_INIT_TASK + TASK_TASKS, A + TASK_TASKS);
	fake_link(&f, A + TASK_TASKS, B + TASK_TASKS);
	fake_link(&f, B + TASK_TASKS, FAKE_INIT_TASK + TASK_TASKS);
	return f;
}

// Give A the thread C.
static void add_thread(struct fake_dump *f)
{
	fake_task(f, C, 31, "thread");
	fake_dump_put_u64(f, A + TASK_SIGNAL, SIGNAL);
	fake_link(f, SIGNAL + SIGNAL_HEAD, A + TASK_THREAD_NODE);
	fake_link(f, A + TASK_THREAD_NODE, C + TASK_THREAD_NODE);
	fake_link(f, C + TASK_THREAD_NODE, SIGNAL + SIGNAL_HEAD);
}

// The list's tasks as "pid comm, ...", and the gap "tasks".
static void assert_tasks(struct fake_dump *f, const char *expected, const char *gap)
{
	_cleanup_buf_ struct ey_buf got = EY_BUF_INIT;
	struct kernel *k = fake_lists_open(f, false);
	struct task_list list;

	assert_ok(task_list_read(k, &list));
	for (size_t i = 0; i < list.count; i++)
		ey_buf_printf(&got, "%s%d %s", i ? ", " : "", (int)list.tasks[i].pid,
			      list.tasks[i].comm);
	assert_string_equal(ey_buf_str(&got), expected);
	const char *why = fake_kernel_gap(k, "tasks");
	if (gap ? !why || !strstr(why, gap) : why != NULL)
		fail_msg("gap: %s", why);
	task_list_deinit(&list);
	fake_kernel_close(k);
}

static void tasks_are_listed_by_pid(void **state)
{
	struct fake_dump f = three_tasks();

	assert_tasks(&f, "0 swapper/0, 2 first, 30 second", NULL);
}

static void idle_tasks_of_all_cpus_are_listed(void **state)
{
	struct fake_dump f = three_tasks();

	fake_task(&f, C, 0, "swapper/1");
	fake_dump_put_u32(&f, C + TASK_CPU, 1);
	fake_dump_put_u64(&f, FAKE_IDLE, FAKE_INIT_TASK);
	fake_dump_put_u64(&f, FAKE_IDLE + FAKE_CPU_STRIDE, C);
	assert_tasks(&f, "0 swapper/0, 0 swapper/1, 2 first, 30 second", NULL);
}

// A dying kernel marks the CPUs that it stops as offline.
static void idle_task_of_stopped_cpu_is_listed(void **state)
{
	struct fake_dump f = three_tasks();
	struct task_list list;

	fake_task(&f, C, 0, "swapper/1");
	fake_dump_put_u32(&f, C + TASK_CPU, 1);
	fake_dump_put_u64(&f, FAKE_IDLE, FAKE_INIT_TASK);
	fake_dump_put_u64(&f, FAKE_IDLE + FAKE_CPU_STRIDE, C);
	struct kernel *k = fake_lists_open(&f, false);
	k->cpu_online[1] = false;
	assert_ok(task_list_read(k, &list));
	assert_int_equal(list.count, 3);
	task_list_deinit(&list);
	k->cpu_present = calloc(k->cpu_count, sizeof(*k->cpu_present));
	assert_non_null(k->cpu_present);
	k->cpu_present[1] = true;
	assert_ok(task_list_read(k, &list));
	assert_int_equal(list.count, 4);
	assert_string_equal(list.tasks[1].comm, "swapper/1");
	task_list_deinit(&list);
	fake_kernel_close(k);
}

static void threads_are_listed(void **state)
{
	struct fake_dump f = three_tasks();

	add_thread(&f);
	assert_tasks(&f, "0 swapper/0, 2 first, 30 second, 31 thread", NULL);
}

// makedumpfile left out the page of the list's head: the leader leads on.
static void threads_without_their_list_head_are_listed(void **state)
{
	struct fake_dump f = three_tasks();

	add_thread(&f);
	fake_dump_put_u64(&f, A + TASK_SIGNAL, NOWHERE);
	fake_link(&f, C + TASK_THREAD_NODE, NOWHERE + SIGNAL_HEAD);
	assert_tasks(&f, "0 swapper/0, 2 first, 30 second, 31 thread", NULL);
	f = three_tasks();
	add_thread(&f);
	fake_dump_put_u64(&f, A + TASK_SIGNAL, NOWHERE);
	fake_link(&f, C + TASK_THREAD_NODE, NOWHERE + 0x1000);
	assert_tasks(&f, "0 swapper/0, 2 first, 30 second, 31 thread", "is not in the dump");
}

static void list_that_goes_in_circles_ends(void **state)
{
	struct fake_dump f = three_tasks();

	fake_link(&f, B + TASK_TASKS, A + TASK_TASKS);
	assert_tasks(&f, "0 swapper/0, 2 first, 30 second", "goes in circles");
}

static void list_that_leaves_the_dump_ends(void **state)
{
	struct fake_dump f = three_tasks();

	fake_link(&f, A + TASK_TASKS, NOWHERE);
	assert_tasks(&f, "0 swapper/0, 30 second", "not in the dump");
}

static void threads_in_circles_end(void **state)
{
	static const uint64_t back[] = {A + TASK_THREAD_NODE, C + TASK_THREAD_NODE,
					B + TASK_THREAD_NODE};

	for (size_t i = 0; i < EY_ARRAY_SIZE(back); i++) {
		struct fake_dump f = three_tasks();

		add_thread(&f);
		// The last leads back: to the leader, to itself, or to another process.
		fake_link(&f, C + TASK_THREAD_NODE, back[i]);
		if (i == 2) {
			struct kernel *k = fake_lists_open(&f, false);
			struct task_list list;

			assert_ok(task_list_read(k, &list));
			assert_non_null(fake_kernel_gap(k, "tasks"));
			task_list_deinit(&list);
			fake_kernel_close(k);
			continue;
		}
		assert_tasks(&f, "0 swapper/0, 2 first, 30 second, 31 thread",
			     "threads of process 30 cannot all be listed");
	}
}

// The leader alone, again and again: nothing new is ever added.
static void leader_that_follows_itself_ends(void **state)
{
	struct fake_dump f = three_tasks();

	fake_dump_put_u64(&f, A + TASK_SIGNAL, SIGNAL);
	fake_link(&f, SIGNAL + SIGNAL_HEAD, A + TASK_THREAD_NODE);
	fake_link(&f, A + TASK_THREAD_NODE, A + TASK_THREAD_NODE);
	assert_tasks(&f, "0 swapper/0, 2 first, 30 second", "threads of process 30");
}

static void memory_of_a_process_is_counted(void **state)
{
	for (int counters = 0; counters < 2; counters++) {
		struct fake_dump f = three_tasks();
		struct task_list list;

		add_thread(&f);
		fake_dump_put_u64(&f, A + TASK_MM, MM);
		fake_dump_put_u64(&f, C + TASK_MM, MM);
		fake_dump_put_u64(&f, MM + MM_TOTAL_VM, 1000);
		if (counters) {
			// File 10 pages, and 5 and -1 on the CPUs; shared 100.
			fake_dump_put_u64(&f, MM + MM_RSS + COUNTER_COUNT, 10);
			fake_dump_put_u64(&f, MM + MM_RSS + COUNTER_PARTS, PARTS);
			fake_dump_put_u32(&f, PARTS, 5);
			fake_dump_put_u32(&f, PARTS + FAKE_CPU_STRIDE, (uint32_t)-1);
			fake_dump_put_u64(&f, MM + MM_RSS + 3 * COUNTER_BYTES + COUNTER_COUNT, 100);
			// Swapped out: not resident.
			fake_dump_put_u64(&f, MM + MM_RSS + 2 * COUNTER_BYTES + COUNTER_COUNT,
					  5000);
		} else {
			fake_dump_put_u64(&f, MM + MM_RSS, 10);
			fake_dump_put_u64(&f, MM + MM_RSS + 8, 100);
			fake_dump_put_u64(&f, MM + MM_RSS + 16, 5000);
			// What the two threads have not added yet.
			fake_dump_put_u32(&f, A + TASK_RSS, 5);
			fake_dump_put_u32(&f, C + TASK_RSS + 4, (uint32_t)-1);
		}
		struct kernel *k = fake_lists_open(&f, counters);
		assert_ok(task_list_read(k, &list));
		assert_int_equal(list.count, 4);
		for (size_t i = 2; i < 4; i++) { // both threads
			assert_int_equal(list.tasks[i].vsz_kib, 4000);
			assert_int_equal(list.tasks[i].rss_kib, 114 * 4);
		}
		assert_int_equal(list.tasks[1].vsz_kib, 0);
		task_list_deinit(&list);
		fake_kernel_close(k);
	}
}

static void absurd_memory_counts_do_not_overflow(void **state)
{
	struct fake_dump f = three_tasks();
	struct task_list list;

	fake_dump_put_u64(&f, A + TASK_MM, MM);
	for (uint64_t i = 0; i < 4; i++) {
		fake_dump_put_u64(&f, MM + MM_RSS + i * COUNTER_BYTES + COUNTER_COUNT, INT64_MAX);
		fake_dump_put_u64(&f, MM + MM_RSS + i * COUNTER_BYTES + COUNTER_PARTS, PARTS);
	}
	fake_dump_put_u32(&f, PARTS, 7);
	struct kernel *k = fake_lists_open(&f, true);
	assert_ok(task_list_read(k, &list));
	assert_true(list.tasks[2].rss_kib < 1ULL << 32);
	task_list_deinit(&list);
	fake_kernel_close(k);
}

static void states_have_the_letters_of_crash(void **state)
{
	static const struct {
		uint32_t state, exit_state;
		const char *letters;
	} cases[] = {{0, 0, "RU"},	{1, 0, "IN"},	   {2, 0, "UN"},     {0x402, 0, "ID"},
		     {4, 0, "ST"},	{8, 0, "TR"},	   {0, 0x20, "ZO"},  {0, 0x10, "DE"},
		     {0x40, 0, "PA"},	{0x2001, 0, "IN"}, {0x800, 0, "NE"}, {0x100000, 0, "??"},
		     {0x1000, 0, "UN"}, {0x8000, 0, "UN"}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct fake_dump f = three_tasks();
		struct task task;

		fake_dump_put_u32(&f, A + TASK_STATE, cases[i].state);
		fake_dump_put_u32(&f, A + TASK_EXIT_STATE, cases[i].exit_state);
		fake_dump_put_u64(&f, A + TASK_PARENT, B);
		struct kernel *k = fake_lists_open(&f, false);
		assert_true(task_read(k, A, &task));
		assert_string_equal(task.state, cases[i].letters);
		assert_int_equal(task.ppid, 2);
		assert_false(task_read(k, NOWHERE, &task));
		fake_kernel_close(k);
	}
}

static void running_tasks_are_marked(void **state)
{
	struct fake_dump f = three_tasks();
	struct task_list list;

	fake_dump_put_u64(&f, FAKE_CURRENT + FAKE_CPU_STRIDE, B);
	struct kernel *k = fake_lists_open(&f, false);
	assert_ok(task_list_read(k, &list));
	assert_false(list.tasks[0].running);
	assert_true(list.tasks[1].running);
	task_list_deinit(&list);
	fake_kernel_close(k);
}

static void modules_are_listed(void **state)
{
	struct fake_dump f = three_tasks();

	fake_link(&f, FAKE_MODULES, A + MODULE_LIST);
	fake_module(&f, A, "ext4", FAKE_VMALLOC, 0x2000, B + MODULE_LIST);
	fake_module(&f, B, "unformed", FAKE_VMALLOC + 0x8000, 0x2000, C + MODULE_LIST);
	fake_dump_put_u32(&f, B + MODULE_STATE, 3); // still being set up: garbage
	fake_module(&f, C, "own", FAKE_VMALLOC + 0x4000, 0x1000, FAKE_MODULES);
	fake_dump_put_u64(&f, C + MODULE_TAINTS, 1 << 12 | 1 << 13);
	struct kernel *k = fake_lists_open(&f, false);
	assert_ok(modules_load(k));
	assert_int_equal(k->module_count, 2);
	assert_string_equal(k->modules[0].name, "ext4");
	assert_int_equal(k->modules[0].base, FAKE_VMALLOC);
	assert_int_equal(k->modules[0].size, 0x2000);
	assert_string_equal(k->modules[1].taint, "OE");
	assert_ptr_equal(module_of_text(k, FAKE_VMALLOC + 0xfff), &k->modules[0]);
	assert_null(module_of_text(k, FAKE_VMALLOC + 0x1000)); // its data
	assert_null(module_of_text(k, 0));
	fake_kernel_close(k);
}

static void module_list_that_does_not_end_is_cut(void **state)
{
	struct fake_dump f = three_tasks();

	fake_link(&f, FAKE_MODULES, A + MODULE_LIST);
	fake_module(&f, A, "ext4", FAKE_VMALLOC, 0x2000, B + MODULE_LIST);
	fake_module(&f, B, "jbd2", FAKE_VMALLOC, 0x2000, B + MODULE_LIST);
	struct kernel *k = fake_lists_open(&f, false);
	assert_error(modules_load(k), EY_ERR_INPUT, "damaged");
	assert_int_equal(k->module_count, 2); // each once
	fake_kernel_close(k);

	// Those that are still being set up are not listed, and are not to be followed for ever.
	f = three_tasks();
	fake_link(&f, FAKE_MODULES, A + MODULE_LIST);
	fake_module(&f, A, "unformed", FAKE_VMALLOC, 0x2000, A + MODULE_LIST);
	fake_dump_put_u32(&f, A + MODULE_STATE, 3);
	k = fake_lists_open(&f, false);
	assert_error(modules_load(k), EY_ERR_INPUT, "damaged");
	assert_int_equal(k->module_count, 0);
	fake_kernel_close(k);

	f = three_tasks();
	fake_link(&f, FAKE_MODULES, A + MODULE_LIST);
	fake_module(&f, A, "ext4", FAKE_VMALLOC, 0x2000, NOWHERE);
	k = fake_lists_open(&f, false);
	assert_error(modules_load(k), EY_ERR_FAULT, "could not be read");
	assert_int_equal(k->module_count, 1); // what was read stays
	fake_kernel_close(k);
}

static void module_symbol_is_the_nearest_below(void **state)
{
	const struct {
		uint32_t name;
		uint16_t section;
		uint64_t value;
	} symbols[] = {
		{0, 0, 0},
		{1, 1, FAKE_VMALLOC + 0x200},	    // "second"
		{8, 1, FAKE_VMALLOC + 0x100},	    // "first"
		{14, 1, FAKE_VMALLOC + 0x210},	    // ".Lx": says nothing
		{18, 0, FAKE_VMALLOC + 0x220},	    // undefined
		{1 << 30, 1, FAKE_VMALLOC + 0x230}, // its name is not in the dump
	};
	static const char strings[] = "\0second\0first\0.Lx\0undefined";
	// Not aligned, as a damaged module may have it.
	const uint64_t kallsyms = B, table = C + 1, names = MM;
	struct fake_dump f = three_tasks();
	struct symbol s;

	fake_link(&f, FAKE_MODULES, A + MODULE_LIST);
	fake_module(&f, A, "ext4", FAKE_VMALLOC, 0x2000, FAKE_MODULES);
	fake_dump_put_u64(&f, A + MODULE_KALLSYMS, kallsyms);
	fake_dump_put_u64(&f, kallsyms + KALLSYMS_SYMTAB, table);
	fake_dump_put_u32(&f, kallsyms + KALLSYMS_NUM, EY_ARRAY_SIZE(symbols));
	fake_dump_put_u64(&f, kallsyms + KALLSYMS_STRTAB, names);
	fake_dump_put(&f, names, strings, sizeof(strings));
	for (size_t i = 0; i < EY_ARRAY_SIZE(symbols); i++) {
		Elf64_Sym sym = {.st_name = symbols[i].name,
				 .st_shndx = symbols[i].section,
				 .st_value = symbols[i].value};

		fake_dump_put(&f, table + i * sizeof(sym), &sym, sizeof(sym));
	}
	struct kernel *k = fake_lists_open(&f, false);
	assert_ok(modules_load(k));
	struct module *m = &k->modules[0];
	assert_true(module_find_symbol(k, m, FAKE_VMALLOC + 0x1ff, &s));
	assert_string_equal(s.name, "first");
	assert_string_equal(s.module, "ext4");
	assert_int_equal(s.address, FAKE_VMALLOC + 0x100);
	assert_int_equal(s.size, 0x100);
	assert_true(module_find_symbol(k, m, FAKE_VMALLOC + 0x300, &s));
	assert_string_equal(s.name, "second");
	assert_int_equal(s.size, 0xe00); // to the end of its text
	assert_false(module_find_symbol(k, m, FAKE_VMALLOC + 0x80, &s));
	fake_kernel_close(k);
}

static void taint_letters_stand_for_bits(void **state)
{
	char letters[33], few[4];

	taint_letters(0, letters, sizeof(letters));
	assert_string_equal(letters, "");
	taint_letters(1 << 7 | 1 << 9, letters, sizeof(letters));
	assert_string_equal(letters, "DW");
	taint_letters(UINT64_MAX, few, sizeof(few));
	assert_int_equal(strlen(few), 3);
}

static void system_is_read(void **state)
{
	const uint64_t loads[] = {1 << 11, 3 << 10, 0};
	struct fake_dump f = three_tasks();
	struct system_info s;

	fake_dump_put(&f, FAKE_UTS + 65, "web-01", 7);
	fake_dump_put(&f, FAKE_UTS + 2 * 65, "6.1.0-9-amd64", 14);
	fake_dump_put(&f, FAKE_UTS + 4 * 65, "x86_64", 7);
	fake_dump_put_u64(&f, FAKE_TK + TK_XTIME, 1700000000);
	fake_dump_put_u64(&f, FAKE_TK + TK_WALL_TO_MONOTONIC, (uint64_t)-1699999000LL);
	fake_dump_put_u64(&f, FAKE_TK + TK_OFFS_BOOT, 5000000000);
	// The fractions make another second: 0.7 of one and 0.6, the first shifted.
	fake_dump_put_u64(&f, FAKE_TK + TK_WALL_TO_MONOTONIC_NSEC, 700000000);
	fake_dump_put_u64(&f, FAKE_TK + TK_XTIME_NSEC, 600000000ULL << 8);
	fake_dump_put_u32(&f, FAKE_TK + TK_SHIFT, 8);
	fake_dump_put_u64(&f, FAKE_TAINTED, 1 << 9);
	fake_dump_put(&f, FAKE_AVENRUN, loads, sizeof(loads));
	fake_dump_put_u64(&f, FAKE_TOTALRAM, 1 << 18);
	fake_dump_put(&f, FAKE_BOOTID,
		      "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 16);
	fake_dump_put(&f, FAKE_CPU_DATA, "Some CPU", 9);
	fake_dump_put_u32(&f, FAKE_CPU_DATA + CPU_MICROCODE, 0x42);
	struct kernel *k = fake_lists_open(&f, false);
	system_read(k, &s);
	assert_string_equal(s.hostname, "web-01");
	assert_string_equal(s.release, "6.1.0-9-amd64");
	assert_string_equal(s.machine, "x86_64");
	assert_int_equal(s.crash_time, 1700000000);
	assert_int_equal(s.uptime_seconds, 1006);
	assert_string_equal(s.taint, "W");
	assert_true(s.have_load && s.load[0] > 0.99 && s.load[0] < 1.01 && s.load[1] > 1.49 &&
		    s.load[1] < 1.51);
	assert_int_equal(s.memory_bytes, 1 << 30);
	assert_string_equal(s.boot_id, "01234567-89ab-cdef-0123-456789abcdef");
	assert_string_equal(s.cpu_model, "Some CPU");
	assert_int_equal(s.microcode, 0x42);
	assert_int_equal(s.cpus, 2);
	assert_string_equal(s.vendor, "");
	fake_kernel_close(k);
}

static void absurd_times_are_not_known(void **state)
{
	struct fake_dump f = three_tasks();
	struct system_info s;

	ey_buf_adds(&f.info, "CRASHTIME=99\n");
	fake_dump_put_u64(&f, FAKE_TK + TK_XTIME, INT64_MAX);
	fake_dump_put_u64(&f, FAKE_TK + TK_WALL_TO_MONOTONIC, INT64_MAX);
	fake_dump_put_u64(&f, FAKE_TOTALRAM, UINT64_MAX);
	struct kernel *k = fake_lists_open(&f, false);
	system_read(k, &s);
	assert_int_equal(s.crash_time, 99);
	assert_int_equal(s.uptime_seconds, -1);
	assert_int_equal(s.memory_bytes, -1);
	assert_string_equal(s.boot_id, "");	      // nothing had read it
	assert_string_equal(s.release, "6.1.0-fake"); // VMCOREINFO knows it
	fake_kernel_close(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_are_listed_by_pid),
		cmocka_unit_test(idle_tasks_of_all_cpus_are_listed),
		cmocka_unit_test(idle_task_of_stopped_cpu_is_listed),
		cmocka_unit_test(threads_are_listed),
		cmocka_unit_test(threads_without_their_list_head_are_listed),
		cmocka_unit_test(list_that_goes_in_circles_ends),
		cmocka_unit_test(list_that_leaves_the_dump_ends),
		cmocka_unit_test(threads_in_circles_end),
		cmocka_unit_test(leader_that_follows_itself_ends),
		cmocka_unit_test(memory_of_a_process_is_counted),
		cmocka_unit_test(absurd_memory_counts_do_not_overflow),
		cmocka_unit_test(states_have_the_letters_of_crash),
		cmocka_unit_test(running_tasks_are_marked),
		cmocka_unit_test(modules_are_listed),
		cmocka_unit_test(module_list_that_does_not_end_is_cut),
		cmocka_unit_test(module_symbol_is_the_nearest_below),
		cmocka_unit_test(taint_letters_stand_for_bits),
		cmocka_unit_test(system_is_read),
		cmocka_unit_test(absurd_times_are_not_known),
	};

	return cmocka_run_group_tests_name("lists", tests, NULL, NULL);
}
