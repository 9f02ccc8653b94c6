/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwinding: the pieces are the layout of struct orc_entry, registers, addresses of the ORC
 * entries, the entries, the stack, the text.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "fake_stack.h"
#include "pieces.h"
#include "vmcore/orc.h"
#include "vmcore/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unwind_all(struct kernel *k)
{
	struct stack s;

	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		_cleanup_error_ struct ey_error *err = stack_of_cpu(k, cpu, &s);

		if (s.count > STACK_MAX_FRAMES)
			abort();
		stack_deinit(&s);
	}
	struct task task = {.address = FAKE_TASK};
	_cleanup_error_ struct ey_error *err = stack_of_task(k, &task, &s);
	stack_deinit(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct piece layout = next_piece(&data, &size), regs = next_piece(&data, &size);
	struct piece ips = next_piece(&data, &size), entries = next_piece(&data, &size);
	struct piece stack = next_piece(&data, &size), text = next_piece(&data, &size);
	struct fake_stack s;

	fake_stack_init(&s);
	memcpy(&s.regs, regs.data, EY_MIN(regs.len, sizeof(s.regs)));
	fake_dump_put(&s.fake, FAKE_ORC_IPS, ips.data, ips.len);
	fake_dump_put(&s.fake, FAKE_ORCS, entries.data, entries.len);
	fake_dump_put(&s.fake, FAKE_STACK, stack.data, EY_MIN(stack.len, (size_t)FAKE_STACK_SIZE));
	fake_dump_put(&s.fake, FAKE_TEXT, text.data, EY_MIN(text.len, (size_t)FAKE_TEXT_SIZE));
	s.orc_count = EY_MIN(ips.len / 4, entries.len / 6);
	memcpy(&s.layout, layout.data, EY_MIN(layout.len, sizeof(s.layout)));
	for (size_t i = 0; i < ORC_FIELDS; i++)
		s.layout.bits[i].size &= 0xff; // what BTF can say
	struct kernel *k = fake_stack_open(&s);
	if (k->orc)
		unwind_all(k);
	fake_kernel_close(k);
	return 0;
}
