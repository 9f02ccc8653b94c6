/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The passes: the first piece chooses, the second is the memory that run queues, counters, slab
 * caches and locks stand in, the third what is on the stacks of the four tasks, the fourth code.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/origin.h"
#include "analysis/passes.h"
#include "base/cleanup.h"
#include "fake_waits.h"
#include "pieces.h"
#include "vmcore/address.h"
#include "vmcore/wait.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kernel *open_kernel(const struct piece *choice, const struct piece *memory,
				  struct piece stacks)
{
	struct fake_dump f;

	fake_waits_init(&f);
	fake_dump_put(&f, FAKE_WAITS, memory->data, EY_MIN(memory->len, (size_t)FAKE_WAITS_SIZE));
	for (unsigned int i = 0; i < FAKE_WAITS_TASKS; i++) {
		size_t n = EY_MIN(stacks.len, (size_t)FAKE_WAITS_STACK_BYTES);

		fake_dump_put(&f, FAKE_WAITS_SP(i), stacks.data, n);
		stacks.data += n;
		stacks.len -= n;
	}
	return fake_waits_open(&f, piece_number(choice, 0) & 1);
}

static void follow_waits(struct kernel *k, const struct task_list *tasks, uint64_t choice)
{
	static const char *const functions[] = {
		"__mutex_lock",	     "down_read",  "rwsem_down_write_slowpath", "__down",
		"rwbase_write_lock", "mutex_lock", "wait_for_completion",	"rt_mutex_lock",
	};
	struct wait_search search;

	_cleanup_error_ struct ey_error *err = wait_search_init(&search, k, tasks);
	for (size_t i = 0; !err && i < tasks->count; i++) {
		char name[32];
		struct stack_frame frame = {.function = name};
		const struct stack stack = {.frames = &frame, .count = 1};
		struct wait wait;

		snprintf(name, sizeof(name), "%s", functions[choice >> (8 + 3 * i) & 7]);
		wait_find(&search, &tasks->tasks[i], &stack, &wait);
		wait_is_suspect(&search, &tasks->tasks[i]);
		// An owner is one of the tasks, whatever the lock says.
		if (wait.owner_kind == OWNER_TASK &&
		    wait_search_task(&search, wait.owner_address) != wait.owner)
			abort();
	}
	wait_search_deinit(&search);
}

static void name_addresses(struct kernel *k)
{
	char text[ADDRESS_TEXT_SIZE];
	struct slab_list list;

	_cleanup_error_ struct ey_error *err = slab_list_read(k, "fuzz", &list);
	for (uint64_t i = 0; !err && i < 16; i++) {
		struct slab_object object;
		uint64_t address = FAKE_LINEAR + i * 0x1000 + 0x123;

		address_describe(k, &list, address, text);
		if (slab_find_object(k, &list, address, &object) &&
		    (object.offset >= object.cache->size || object.address > address))
			abort();
	}
	if (!err)
		slab_list_deinit(&list);
}

static void read_code(struct kernel *k, const struct piece *code, const struct piece *choice)
{
	struct cpu_regs regs = {
		.ax = FAKE_WAITS_FREE, .di = FAKE_WAITS_FREE, .sp = FAKE_WAITS_SP(0)};
	struct code c = {.k = k, .from_start = true, .function = "f", .regs = &regs};
	struct origin origin;
	uint64_t address;

	_cleanup_error_ struct ey_error *err = disasm_run(
		code->data, EY_MIN(code->len, (size_t)4096), FAKE_IMAGE, &c.insns, &c.count);
	if (!err && c.count && code_find_targets(&c)) {
		c.at = piece_number(choice, 4) % c.count;
		for (enum disasm_reg reg = DISASM_RAX; reg <= DISASM_NO_REG; reg++) {
			origin_trace(&c, reg, &origin);
			if (origin.count > ORIGIN_MAX_STEPS)
				abort();
		}
		for (size_t i = 0; i < c.count; i++)
			code_effective_address(k, &c.insns[i], &regs, 0, &address);
	}
	free(c.insns);
	free(c.is_target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct piece choice = next_piece(&data, &size), memory = next_piece(&data, &size);
	struct piece stacks = next_piece(&data, &size), code = next_piece(&data, &size);
	struct kernel *k = open_kernel(&choice, &memory, stacks);
	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	struct facts facts = {.kernel = k, .dump_name = "fuzz"};

	facts.tasks = fake_waits_tasks(k);
	follow_waits(k, &facts.tasks, piece_number(&choice, 0));
	name_addresses(k);
	read_code(k, &code, &choice);
	ey_buf_adds(&facts.log, "BUG: unable to handle page fault for address: 1\nOut of memory\n");
	passes_run(&facts, "all,bt:T1,bt:1");
	facts_write_record(&facts, &record);
	facts_write_text(&facts, &text);
	facts_deinit(&facts);
	fake_kernel_close(k);
	return 0;
}
