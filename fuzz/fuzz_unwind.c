/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwinding: the pieces are the layout of struct orc_entry, registers, addresses of the ORC
 * entries, the entries, the stack, the text; then, each of which may be missing, the table that
 * makes the search for an entry shorter, and what ftrace knows of its trampolines.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "fake_stack.h"
#include "pieces.h"
#include "vmcore/module.h"
#include "vmcore/orc.h"
#include "vmcore/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the text of a module is, a trampoline, and the kernel's list of those. */
#define MODULE_TEXT (FAKE_TEXT + 0x100000)
#define TRAMPOLINE  (FAKE_VMALLOC + 0x20000)
#define FTRACE_LIST (FAKE_PERCPU + 0x800)
#define LOOKUP	    (FAKE_ORCS + 0x100000)
#define MAX_LOOKUP  0x1000
enum { OPS_NEXT = 0, OPS_FLAGS = 8, OPS_TRAMPOLINE = 16, OPS_TRAMPOLINE_SIZE = 24 };

static void add_module(struct kernel *k, const struct fake_stack *s)
{
	k->modules = calloc(1, sizeof(*k->modules));
	if (!k->modules)
		abort();
	k->modules[0] = (struct module){.name = "fuzz",
					.base = MODULE_TEXT,
					.size = FAKE_TEXT_SIZE,
					.text_base = MODULE_TEXT,
					.text_size = FAKE_TEXT_SIZE,
					.orc_ips = FAKE_ORC_IPS,
					.orc_entries = FAKE_ORCS,
					.orc_count = (uint32_t)s->orc_count};
	k->module_count = 1;
}

static void add_ftrace(struct kernel *k)
{
	fake_kernel_symbol(k, SYM_ftrace_ops_list, FTRACE_LIST);
	fake_kernel_symbol(k, SYM_ftrace_caller, FAKE_FUNCTION(12, 0));
	fake_kernel_symbol(k, SYM_ftrace_regs_caller, FAKE_FUNCTION(13, 0));
	fake_kernel_member(k, MEM_FTRACE_OPS_NEXT, OPS_NEXT, 8);
	fake_kernel_member(k, MEM_FTRACE_OPS_FLAGS, OPS_FLAGS, 8);
	fake_kernel_member(k, MEM_FTRACE_OPS_TRAMPOLINE, OPS_TRAMPOLINE, 8);
	fake_kernel_member(k, MEM_FTRACE_OPS_TRAMPOLINE_SIZE, OPS_TRAMPOLINE_SIZE, 8);
}

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
	struct piece lookup = next_piece(&data, &size), ops = next_piece(&data, &size);
	struct fake_stack s;

	fake_stack_init(&s);
	memcpy(&s.regs, regs.data, EY_MIN(regs.len, sizeof(s.regs)));
	fake_dump_put(&s.fake, FAKE_ORC_IPS, ips.data, ips.len);
	fake_dump_put(&s.fake, FAKE_ORCS, entries.data, entries.len);
	fake_dump_put(&s.fake, FAKE_STACK, stack.data, EY_MIN(stack.len, (size_t)FAKE_STACK_SIZE));
	fake_dump_put(&s.fake, FAKE_TEXT, text.data, EY_MIN(text.len, (size_t)FAKE_TEXT_SIZE));
	fake_dump_put(&s.fake, LOOKUP, lookup.data, EY_MIN(lookup.len, (size_t)MAX_LOOKUP));
	fake_dump_put(&s.fake, FTRACE_LIST, ops.data, EY_MIN(ops.len, (size_t)FAKE_PAGE / 4));
	s.orc_count = EY_MIN(ips.len / 4, entries.len / 6);
	memcpy(&s.layout, layout.data, EY_MIN(layout.len, sizeof(s.layout)));
	for (size_t i = 0; i < ORC_FIELDS; i++)
		s.layout.bits[i].size &= 0xff; // what BTF can say
	struct kernel *k = fake_stack_open(&s);
	fake_kernel_symbol(k, SYM_crash_nmi_callback, FAKE_FUNCTION(11, 0));
	if (ops.len)
		add_ftrace(k);
	add_module(k, &s);
	if (k->orc && lookup.len) {
		struct ey_error *ignored;

		// Made anew, now that the symbols of the lookup table are there.
		fake_kernel_symbol(k, SYM_orc_lookup, LOOKUP);
		fake_kernel_symbol(k, SYM_orc_lookup_end,
				   LOOKUP + EY_MIN(lookup.len, (size_t)MAX_LOOKUP));
		orc_destroy(k->orc);
		ignored = orc_create(k, &k->orc);
		ey_error_destroy(ignored);
	}
	if (k->orc)
		unwind_all(k);
	fake_kernel_close(k);
	return 0;
}
