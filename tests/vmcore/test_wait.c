/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for whom: the waiter on a stack leads to the lock only where every link is right. */
#include "vmcore_test.h"

#include <string.h>

#include "fake_waits.h"
#include "vmcore/wait.h"

#define LOCK  FAKE_WAITS_FREE
#define LOCK2 (FAKE_WAITS_FREE + 0x100)
// Somewhere in the middle of what there is of a stack.
#define WAITER(i) (FAKE_WAITS_SP(i) + 0x80)

// What T0 waits for, sleeping in @function.
struct found {
	struct wait wait;
	const char *owner;
};

static void find(struct fake_dump *f, bool rt, const char *function, struct found *ret)
{
	static char comm[17];
	struct kernel *k = fake_waits_open(f, rt);
	struct task_list tasks = fake_waits_tasks(k);
	char name[64], caller[] = "caller";
	struct stack_frame frames[] = {{.function = name}, {.function = caller}};
	struct stack stack = {.frames = frames, .count = 2};
	struct wait_search search;

	snprintf(name, sizeof(name), "%s", function);
	assert_ok(wait_search_init(&search, k, &tasks));
	wait_find(&search, &tasks.tasks[0], &stack, &ret->wait);
	ret->owner = NULL;
	if (ret->wait.owner) {
		memcpy(comm, ret->wait.owner->comm, sizeof(comm));
		ret->owner = comm;
	}
	wait_search_deinit(&search);
	task_list_deinit(&tasks);
	fake_kernel_close(k);
}

// T0's waiter of a list whose head is at @head, T1's before it if @two.
static struct fake_dump waiting(uint64_t head, bool two)
{
	const uint64_t nodes[] = {head, WAITER(0), WAITER(1)};
	struct fake_dump f;

	fake_waits_init(&f);
	for (unsigned int i = 0; i < 2; i++)
		fake_dump_put_u64(&f, WAITER(i) + W_WAITER_TASK, FAKE_WAITS_TASK(i));
	fake_waits_ring(&f, nodes, two ? 3 : 2);
	return f;
}

static void a_mutex_and_its_owner(void **state)
{
	struct fake_dump f = waiting(LOCK + W_MUTEX_LIST, true);
	struct found got;

	// With flags in the lowest bits.
	fake_dump_put_u64(&f, LOCK + W_MUTEX_OWNER, FAKE_WAITS_TASK(2) | 3);
	find(&f, false, "__mutex_lock.constprop.0", &got);
	assert_int_equal(got.wait.kind, WAIT_MUTEX);
	assert_int_equal(got.wait.lock, LOCK);
	assert_int_equal(got.wait.owner_kind, OWNER_TASK);
	assert_string_equal(got.owner, "T2");
	assert_string_equal(got.wait.function, "__mutex_lock.constprop.0");
	assert_string_equal(got.wait.caller, "caller");
}

static void an_owner_that_is_no_task(void **state)
{
	struct fake_dump f = waiting(LOCK + W_MUTEX_LIST, false);
	struct found got;

	fake_dump_put_u64(&f, LOCK + W_MUTEX_OWNER, 0xffff888012345600 | 1);
	find(&f, false, "mutex_lock", &got);
	assert_int_equal(got.wait.owner_kind, OWNER_GONE);
	assert_int_equal(got.wait.owner_address, 0xffff888012345600);
	assert_null(got.owner);
	f = waiting(LOCK + W_MUTEX_LIST, false);
	fake_dump_put_u64(&f, LOCK + W_MUTEX_OWNER, 2);
	find(&f, false, "mutex_lock", &got);
	assert_int_equal(got.wait.owner_kind, OWNER_NONE);
}

// Left on the stack from an earlier call: the list no longer leads back to it.
static void a_stale_waiter_is_none(void **state)
{
	struct fake_dump f = waiting(LOCK + W_MUTEX_LIST, false);
	struct found got;

	fake_dump_put_u64(&f, LOCK + W_MUTEX_LIST, LOCK + W_MUTEX_LIST);
	fake_dump_put_u64(&f, LOCK + W_MUTEX_LIST + 8, LOCK + W_MUTEX_LIST);
	find(&f, false, "mutex_lock", &got);
	assert_int_equal(got.wait.kind, WAIT_MUTEX);
	assert_int_equal(got.wait.lock, 0);
	assert_int_equal(got.wait.owner_kind, OWNER_NOT_RECORDED);
}

static void a_ring_has_one_head(void **state)
{
	const uint64_t none[] = {WAITER(0), WAITER(1)};
	const uint64_t two[] = {LOCK + W_MUTEX_LIST, WAITER(0), LOCK2 + W_MUTEX_LIST};
	struct fake_dump f = waiting(LOCK + W_MUTEX_LIST, false);
	struct found got;

	fake_waits_ring(&f, none, 2);
	find(&f, false, "mutex_lock", &got);
	assert_int_equal(got.wait.lock, 0);
	f = waiting(LOCK + W_MUTEX_LIST, false);
	fake_waits_ring(&f, two, 3);
	find(&f, false, "mutex_lock", &got);
	assert_int_equal(got.wait.lock, 0);
}

// A list that does not come back, and a waiter that goes round in itself.
static void a_list_in_circles_ends(void **state)
{
	struct fake_dump f = waiting(LOCK + W_MUTEX_LIST, true);
	struct found got;

	fake_dump_put_u64(&f, WAITER(1), WAITER(1));
	fake_dump_put_u64(&f, WAITER(1) + 8, WAITER(1));
	find(&f, false, "mutex_lock", &got);
	assert_int_equal(got.wait.lock, 0);
	f = waiting(LOCK + W_MUTEX_LIST, false);
	fake_dump_put_u64(&f, WAITER(0), WAITER(0));
	fake_dump_put_u64(&f, WAITER(0) + 8, WAITER(0));
	find(&f, false, "mutex_lock", &got);
	assert_int_equal(got.wait.lock, 0);
}

static void an_rwsem_by_who_has_it(void **state)
{
	struct fake_dump f = waiting(LOCK + W_RWSEM_LIST, false);
	struct found got;

	fake_dump_put_u64(&f, LOCK + W_RWSEM_COUNT, 1 | 2);
	fake_dump_put_u64(&f, LOCK + W_RWSEM_OWNER, FAKE_WAITS_TASK(3));
	find(&f, false, "rwsem_down_read_slowpath", &got);
	assert_int_equal(got.wait.kind, WAIT_RWSEM_READ);
	assert_int_equal(got.wait.lock, LOCK);
	assert_int_equal(got.wait.owner_kind, OWNER_TASK);
	assert_string_equal(got.owner, "T3");
	// Three readers, of which T1 came last.
	f = waiting(LOCK + W_RWSEM_LIST, false);
	fake_dump_put_u64(&f, LOCK + W_RWSEM_COUNT, 3 << 8 | 2);
	fake_dump_put_u64(&f, LOCK + W_RWSEM_OWNER, FAKE_WAITS_TASK(1) | 1);
	find(&f, false, "rwsem_down_write_slowpath", &got);
	assert_int_equal(got.wait.kind, WAIT_RWSEM_WRITE);
	assert_int_equal(got.wait.owner_kind, OWNER_READERS);
	assert_int_equal(got.wait.readers, 3);
	assert_string_equal(got.owner, "T1");
}

static void what_has_no_owner(void **state)
{
	struct fake_dump f = waiting(LOCK + W_SEMAPHORE_LIST, false);
	const uint64_t nodes[] = {LOCK + W_COMPLETION_LIST, WAITER(0) + W_SWAIT_LIST};
	struct found got;

	find(&f, false, "__down_common", &got);
	assert_int_equal(got.wait.kind, WAIT_SEMAPHORE);
	assert_int_equal(got.wait.lock, LOCK);
	assert_int_equal(got.wait.owner_kind, OWNER_NOT_RECORDED);
	fake_waits_init(&f);
	fake_dump_put_u64(&f, WAITER(0) + W_SWAIT_TASK, FAKE_WAITS_TASK(0));
	fake_waits_ring(&f, nodes, 2);
	find(&f, false, "__wait_for_common", &got);
	assert_int_equal(got.wait.kind, WAIT_COMPLETION);
	assert_int_equal(got.wait.lock, LOCK);
	assert_int_equal(got.wait.owner_kind, OWNER_NOT_RECORDED);
}

static struct fake_dump waiting_rt(uint64_t lock)
{
	struct fake_dump f;

	fake_waits_init(&f);
	fake_dump_put_u64(&f, FAKE_WAITS_TASK(0) + W_TASK_PI, WAITER(0));
	fake_dump_put_u64(&f, WAITER(0) + W_RT_WAITER_TASK, FAKE_WAITS_TASK(0));
	fake_dump_put_u64(&f, WAITER(0) + W_RT_WAITER_LOCK, lock);
	fake_dump_put_u64(&f, lock + W_RT_OWNER, FAKE_WAITS_TASK(2) | 1);
	return f;
}

static void an_rt_mutex_by_the_task(void **state)
{
	struct fake_dump f = waiting_rt(LOCK);
	struct found got;

	find(&f, false, "rt_mutex_slowlock_block.constprop.0", &got);
	assert_int_equal(got.wait.kind, WAIT_RT_MUTEX);
	assert_int_equal(got.wait.lock, LOCK);
	assert_string_equal(got.owner, "T2");
	// Part of an rw_semaphore on PREEMPT_RT.
	f = waiting_rt(LOCK + W_RT_IN_RWSEM);
	find(&f, true, "down_read", &got);
	assert_int_equal(got.wait.kind, WAIT_RWSEM_READ);
	assert_int_equal(got.wait.lock, LOCK);
	assert_string_equal(got.owner, "T2");
	// A waiter of another task is not ours.
	f = waiting_rt(LOCK);
	fake_dump_put_u64(&f, WAITER(0) + W_RT_WAITER_TASK, FAKE_WAITS_TASK(1));
	find(&f, false, "rt_mutex_lock", &got);
	assert_int_equal(got.wait.lock, 0);
}

static void a_writer_that_waits_for_readers_on_rt(void **state)
{
	struct fake_dump f;
	struct found got;

	fake_waits_init(&f);
	fake_dump_put_u64(&f, WAITER(0), LOCK);
	fake_dump_put_u64(&f, LOCK + W_RT_IN_RWSEM + W_RT_OWNER, FAKE_WAITS_TASK(0));
	fake_dump_put_u32(&f, LOCK, 2);
	find(&f, true, "rwbase_write_lock", &got);
	assert_int_equal(got.wait.lock, LOCK);
	assert_int_equal(got.wait.owner_kind, OWNER_READERS);
	assert_int_equal(got.wait.readers, 2);
}

static void names_are_not_taken_for_others(void **state)
{
	struct fake_dump f;
	struct found got;

	fake_waits_init(&f);
	find(&f, false, "download_firmware", &got);
	assert_int_equal(got.wait.kind, WAIT_OTHER);
	assert_string_equal(got.wait.caller, "download_firmware");
	fake_waits_init(&f);
	find(&f, false, "down_interruptible", &got);
	assert_int_equal(got.wait.kind, WAIT_SEMAPHORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mutex_and_its_owner),
		cmocka_unit_test(an_owner_that_is_no_task),
		cmocka_unit_test(a_stale_waiter_is_none),
		cmocka_unit_test(a_ring_has_one_head),
		cmocka_unit_test(a_list_in_circles_ends),
		cmocka_unit_test(an_rwsem_by_who_has_it),
		cmocka_unit_test(what_has_no_owner),
		cmocka_unit_test(an_rt_mutex_by_the_task),
		cmocka_unit_test(a_writer_that_waits_for_readers_on_rt),
		cmocka_unit_test(names_are_not_taken_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
