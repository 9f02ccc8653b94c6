/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slab caches, counters of memory, run queues: what they say, and what of it is believed. */
#include "vmcore_test.h"

#include <string.h>

#include "fake_waits.h"
#include "vmcore/address.h"
#include "vmcore/meminfo.h"
#include "vmcore/runqueue.h"
#include "vmcore/slab.h"

#define CACHE	(FAKE_WAITS_FREE + 0x000)
#define NODE	(FAKE_WAITS_FREE + 0x100)
#define NAME	(FAKE_WAITS_FREE + 0x180)
#define PAGE(i) (FAKE_WAITS_PAGES + (uint64_t)(i)*FAKE_WAITS_PAGE_BYTES)

// One cache of objects of 96 bytes, two pages a slab, 3 slabs of 80 objects, one partly used: 5 of
// its objects are.
static struct fake_dump one_cache(void)
{
	const uint64_t caches[] = {FAKE_WAITS_CACHES, CACHE + W_CACHE_LIST};
	const uint64_t partial[] = {NODE + W_CACHE_NODE_PARTIAL, PAGE(2) + W_SLAB_LIST};
	struct fake_dump f;

	fake_waits_init(&f);
	fake_waits_ring(&f, caches, 2);
	fake_dump_put(&f, NAME, "kmalloc-96", 11);
	fake_dump_put_u64(&f, CACHE + W_CACHE_NAME, NAME);
	fake_dump_put_u32(&f, CACHE + W_CACHE_SIZE, 96);
	fake_dump_put_u32(&f, CACHE + W_CACHE_OBJECT_SIZE, 80);
	fake_dump_put_u32(&f, CACHE + W_CACHE_OO, 1 << 16 | 80);
	fake_dump_put_u64(&f, CACHE + W_CACHE_NODE, NODE);
	fake_dump_put_u64(&f, NODE + W_CACHE_NODE_SLABS, 3);
	fake_dump_put_u64(&f, NODE + W_CACHE_NODE_TOTAL, 240);
	fake_waits_ring(&f, partial, 2);
	fake_dump_put_u64(&f, PAGE(2) + W_SLAB_CACHE, CACHE);
	fake_dump_put_u32(&f, PAGE(2) + W_SLAB_COUNTERS, 80 << 16 | 5);
	fake_dump_put_u64(&f, FAKE_WAITS_VMEMMAP, PAGE(0));
	return f;
}

static void a_cache_is_counted(void **state)
{
	struct fake_dump f = one_cache();
	struct kernel *k = fake_waits_open(&f, false);
	struct slab_list list;

	assert_ok(slab_list_read(k, "test", &list));
	assert_int_equal(list.count, 1);
	assert_string_equal(list.caches[0].name, "kmalloc-96");
	assert_int_equal(list.caches[0].object_size, 80);
	assert_int_equal(list.caches[0].slab_bytes, 8192);
	assert_int_equal(list.caches[0].slabs, 3);
	assert_int_equal(list.caches[0].objects, 240);
	assert_int_equal(list.caches[0].active, -1);
	slab_count_active(k, &list.caches[0]);
	assert_int_equal(list.caches[0].active, 240 - 75);
	slab_list_deinit(&list);
	fake_kernel_close(k);
}

static void lists_that_do_not_end(void **state)
{
	struct fake_dump f = one_cache();
	struct slab_list list;

	// The partial list goes round beside its head, the list of caches in itself.
	fake_dump_put_u64(&f, PAGE(2) + W_SLAB_LIST, PAGE(2) + W_SLAB_LIST);
	fake_dump_put_u64(&f, CACHE + W_CACHE_LIST, CACHE + W_CACHE_LIST);
	struct kernel *k = fake_waits_open(&f, false);
	assert_ok(slab_list_read(k, "test", &list));
	assert_non_null(strstr(fake_kernel_gap(k, "test"), "does not end"));
	slab_count_active(k, &list.caches[0]);
	assert_int_equal(list.caches[0].active, -1);
	slab_list_deinit(&list);
	fake_kernel_close(k);
}

static void an_address_in_an_object(void **state)
{
	struct fake_dump f = one_cache();
	char text[ADDRESS_TEXT_SIZE];
	struct slab_object object;
	struct slab_list list;

	// The second page of the slab is a tail: it leads to the head.
	fake_dump_put_u64(&f, PAGE(3) + W_PAGE_HEAD, PAGE(2) | 1);
	struct kernel *k = fake_waits_open(&f, false);
	assert_ok(slab_list_read(k, "test", &list));
	uint64_t slab = FAKE_LINEAR + 2 * 4096ULL;
	assert_true(slab_find_object(k, &list, slab + 96 + 16, &object));
	assert_int_equal(object.address, slab + 96);
	assert_int_equal(object.offset, 16);
	assert_true(slab_find_object(k, &list, slab + 96 * 50 + 1, &object));
	assert_int_equal(object.address, slab + 96 * 50);
	assert_true(address_describe(k, &list, slab + 96 + 16, text));
	assert_string_equal(text, "kmalloc-96 object ffff888000002060 + 0x10");
	// A page that is no slab's, an address that is not of the direct mapping.
	assert_false(slab_find_object(k, &list, FAKE_LINEAR + 4096, &object));
	assert_false(slab_find_object(k, &list, FAKE_VMALLOC, &object));
	assert_false(address_describe(k, &list, FAKE_VMALLOC, text));
	assert_string_equal(text, "");
	slab_list_deinit(&list);
	fake_kernel_close(k);
}

static void memory_is_what_meminfo_says(void **state)
{
	const uint64_t inodes[] = {FAKE_WAITS_FREE, FAKE_WAITS_FREE + 0x40};
	struct fake_dump f;
	struct meminfo m;

	fake_waits_init(&f);
	fake_dump_put_u64(&f, FAKE_WAITS_NUMBERS, 10000);
	fake_dump_put_u64(&f, FAKE_WAITS_NUMBERS + 8, 500);
	fake_dump_put_u64(&f, FAKE_WAITS_NUMBERS + 16, 400);
	fake_dump_put_u64(&f, FAKE_WAITS_NUMBERS + 24, 100);
	fake_dump_put_u32(&f, FAKE_WAITS_NUMBERS + 40, 50);
	fake_dump_put_u32(&f, FAKE_WAITS_NUMBERS + 44, 1);
	fake_dump_put_u64(&f, FAKE_WAITS_ZONE_STAT, 3000);
	for (unsigned int i = 0; i < 6; i++)
		fake_dump_put_u64(&f, FAKE_WAITS_NODE_STAT + i * 8, 1000 - 100 * i);
	// A node of one zone: 10 free, watermarks 1, 2, 3, 900 managed.
	fake_dump_put_u64(&f, FAKE_WAITS_NODE_DATA, FAKE_WAITS_FREE + 0x100);
	fake_dump_put_u32(&f, FAKE_WAITS_FREE + 0x100, 1);
	for (unsigned int i = 0; i < 4; i++)
		fake_dump_put_u64(&f, FAKE_WAITS_FREE + 0x108 + i * 8, i ? i : 10);
	fake_dump_put_u64(&f, FAKE_WAITS_FREE + 0x108 + 32, 900);
	// A block device with 70 pages.
	fake_dump_put_u64(&f, FAKE_WAITS_SUPER, inodes[0]);
	fake_waits_ring(&f, inodes, 2);
	fake_dump_put_u64(&f, inodes[1] + 16, FAKE_WAITS_FREE + 0x80);
	fake_dump_put_u64(&f, FAKE_WAITS_FREE + 0x80, 70);
	// Committed: 200, of which the CPU has yet to take 50 off.
	fake_dump_put_u64(&f, FAKE_WAITS_COMMITTED + 8, 200);
	fake_dump_put_u64(&f, FAKE_WAITS_COMMITTED + 16, FAKE_WAITS_FREE + 0x90);
	fake_dump_put_u32(&f, FAKE_WAITS_FREE + 0x90, (uint32_t)-50);
	struct kernel *k = fake_waits_open(&f, false);
	assert_ok(meminfo_read(k, &m));
	assert_int_equal(m.total, 10000);
	assert_int_equal(m.free, 3000);
	assert_int_equal(m.buffers, 70);
	assert_int_equal(m.cached, 1000 - 70);
	assert_int_equal(m.swap_total, 500);
	assert_int_equal(m.swap_free, 400);
	assert_int_equal(m.commit_limit, 5000 + 500);
	assert_int_equal(m.committed, 150);
	assert_int_equal(m.zone_count, 1);
	assert_int_equal(m.zones[0].free, 10);
	assert_int_equal(m.zones[0].high, 3);
	assert_int_equal(m.zones[0].managed, 900);
	// free - reserve + (800 + 700 - 2) + (900 + 500 - 2)
	assert_int_equal(m.available, 3000 - 100 + 1498 + 1398);
	assert_int_equal(m.anon, -1);
	fake_kernel_close(k);
}

static void numbers_that_no_machine_has(void **state)
{
	struct fake_dump f;
	struct meminfo m;

	fake_waits_init(&f);
	fake_dump_put_u64(&f, FAKE_WAITS_NUMBERS, UINT64_MAX / 2);
	fake_dump_put_u64(&f, FAKE_WAITS_ZONE_STAT, (uint64_t)-5);
	fake_dump_put_u64(&f, FAKE_WAITS_NODE_STAT, UINT64_MAX / 3);
	fake_dump_put_u32(&f, FAKE_WAITS_NUMBERS + 44, UINT32_MAX);
	struct kernel *k = fake_waits_open(&f, false);
	assert_ok(meminfo_read(k, &m));
	assert_int_equal(m.total, -1);
	assert_int_equal(m.free, 0);
	assert_int_equal(m.cached, -1);
	assert_int_equal(m.commit_limit, -1);
	fake_kernel_close(k);
}

static void run_queues(void **state)
{
	struct runqueue rq;
	struct task task;
	struct fake_dump f;
	int64_t prio;

	fake_waits_init(&f);
	fake_dump_put_u32(&f, FAKE_WAITS_RQ + W_RQ_NR, 3);
	fake_dump_put_u32(&f, FAKE_WAITS_RQ + W_RQ_CFS, 0xffffffff);
	fake_dump_put_u64(&f, FAKE_WAITS_RQ + W_RQ_CURR, FAKE_WAITS_TASK(1));
	fake_dump_put_u64(&f, FAKE_WAITS_RQ + W_RQ_IDLE, FAKE_WAITS_TASK(1));
	fake_dump_put_u64(&f, FAKE_WAITS_RQ + W_RQ_CLOCK, 9000000000);
	fake_dump_put_u64(&f, FAKE_WAITS_TASK(0) + W_TASK_ARRIVAL, 8500000000);
	fake_dump_put_u64(&f, FAKE_WAITS_TASK(2) + W_TASK_ARRIVAL, 9500000000);
	fake_dump_put_u32(&f, FAKE_WAITS_TASK(0) + W_TASK_ON_RQ, 1);
	fake_dump_put_u32(&f, FAKE_WAITS_TASK(0) + W_TASK_PRIO, (uint32_t)-1);
	fake_dump_put_u32(&f, FAKE_WAITS_TASK(1) + W_TASK_ON_RQ, 1);
	fake_dump_put_u32(&f, FAKE_WAITS_TASK(1) + W_TASK_DELAYED, 1);
	fake_dump_put_u32(&f, FAKE_WAITS_TASK(3) + W_TASK_ON_RQ, 2);
	struct kernel *k = fake_waits_open(&f, false);
	assert_true(runqueue_read(k, 0, &rq));
	assert_int_equal(rq.nr_running, 3);
	assert_int_equal(rq.nr_cfs, -1);
	assert_int_equal(rq.nr_rt, -1);
	assert_true(rq.idle);
	assert_int_equal(rq.current.pid, 101);
	assert_false(runqueue_read(k, 1, &rq));
	assert_int_equal(runqueue_place_of(k, FAKE_WAITS_TASK(0), &prio), RUNQUEUE_QUEUED);
	assert_int_equal(prio, -1);
	assert_int_equal(runqueue_place_of(k, FAKE_WAITS_TASK(1), &prio), RUNQUEUE_DELAYED);
	assert_int_equal(runqueue_place_of(k, FAKE_WAITS_TASK(2), &prio), RUNQUEUE_NONE);
	assert_int_equal(runqueue_place_of(k, FAKE_WAITS_TASK(3), &prio), RUNQUEUE_MIGRATING);
	assert_true(task_read(k, FAKE_WAITS_TASK(0), &task));
	assert_int_equal(runqueue_ms_since_ran(k, &task), 500);
	// Ran after the clock: not to be believed.
	assert_true(task_read(k, FAKE_WAITS_TASK(2), &task));
	assert_int_equal(runqueue_ms_since_ran(k, &task), -1);
	fake_kernel_close(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cache_is_counted),
		cmocka_unit_test(lists_that_do_not_end),
		cmocka_unit_test(an_address_in_an_object),
		cmocka_unit_test(memory_is_what_meminfo_says),
		cmocka_unit_test(numbers_that_no_machine_has),
		cmocka_unit_test(run_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
