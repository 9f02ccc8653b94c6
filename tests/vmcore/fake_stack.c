// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_stack.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "fake_tables.h"
#include "vmcore/orc.h"

enum { PRSTATUS_SIZE = 336, PRSTATUS_REGS = 112, CPU_STRIDE = 0x100, CPUS = 2 };
enum { TASK_PID = 0, TASK_TGID = 4, TASK_STATE = 8, TASK_COMM = 16, TASK_STACK = 32, TASK_SP = 40 };

const struct fake_orc_layout fake_orc_6_1 = {{{32, 4}, {36, 4}, {40, 2}, {0, 0}, {42, 1}}};
const struct fake_orc_layout fake_orc_6_3 = {{{32, 4}, {36, 4}, {40, 2}, {42, 1}, {43, 1}}};
const struct fake_orc_layout fake_orc_6_4 = {{{32, 4}, {36, 4}, {40, 3}, {43, 1}, {0, 0}}};

void fake_stack_init(struct fake_stack *s)
{
	*s = (struct fake_stack){.layout = fake_orc_6_1};
	fake_dump_init(&s->fake, 4);
	fake_dump_reserve(&s->fake, FAKE_TEXT, FAKE_TEXT_SIZE);
	fake_dump_reserve(&s->fake, FAKE_STACK, FAKE_STACK_SIZE);
	fake_dump_reserve(&s->fake, FAKE_IRQ_STACK, FAKE_STACK_SIZE);
}

void fake_stack_orc(struct fake_stack *s, uint64_t ip, int16_t sp_offset, int16_t bp_offset,
		    const uint32_t fields[ORC_FIELDS])
{
	uint64_t place = FAKE_ORC_IPS + s->orc_count * 4;
	int32_t relative = (int32_t)(ip - place);
	uint64_t bits = (uint64_t)(uint16_t)bp_offset << 16 | (uint16_t)sp_offset;

	// ORC_REG_* (arch/x86/include/asm/orc_types.h): PREV_SP, DX, DI, BP, SP, R10, R13, and the
	// indirect ones by BP and SP.
	static const uint32_t renumbered[10] = {0, 8, 2, 5, 4, 3, 6, 7, 10, 9};

	for (int i = 0; i < ORC_FIELDS; i++) {
		uint32_t value = fields[i];

		if (s->new_registers && i <= ORC_FIELD_BP_REG)
			value = renumbered[value];
		if (s->layout.bits[i].size)
			bits |= (uint64_t)value << s->layout.bits[i].offset;
	}
	fake_dump_put(&s->fake, place, &relative, sizeof(relative));
	fake_dump_put(&s->fake, FAKE_ORCS + s->orc_count * 6, &bits, 6);
	s->orc_count++;
}

void fake_stack_word(struct fake_stack *s, uint64_t at, uint64_t value)
{
	fake_dump_put_u64(&s->fake, at, value);
}

static void put_symbols(struct fake_stack *s)
{
	struct fake_symbol symbols[FAKE_FUNCTIONS + 1];
	char names[FAKE_FUNCTIONS][20];
	struct fake_kallsyms k;

	for (int i = 0; i < FAKE_FUNCTIONS; i++) {
		snprintf(names[i], sizeof(names[i]), "Tf_%d", i);
		symbols[i] = (struct fake_symbol){FAKE_FUNCTION(i, 0), names[i]};
	}
	symbols[FAKE_MACHINE_KEXEC].name = "Tmachine_kexec";
	symbols[FAKE_CRASH_KEXEC].name = "T__crash_kexec";
	symbols[FAKE_FUNCTIONS] = (struct fake_symbol){FAKE_FUNCTION(FAKE_FUNCTIONS, 0), "D_etext"};
	fake_kallsyms_make(&k, symbols, EY_ARRAY_SIZE(symbols), FAKE_IMAGE, true);
	fake_kallsyms_put(&k, &s->fake);
}

static void put_machine(struct fake_stack *s)
{
	struct fake_dump *f = &s->fake;
	uint8_t status[PRSTATUS_SIZE] = {0};

	memcpy(status + PRSTATUS_REGS, &s->regs, sizeof(s->regs));
	for (uint64_t cpu = 0; cpu < CPUS; cpu++) {
		uint64_t at = FAKE_PERCPU + cpu * CPU_STRIDE;

		fake_note(&f->notes, "CORE", NT_PRSTATUS, status, sizeof(status));
		fake_dump_put_u64(f, at, FAKE_TASK);
		fake_dump_put_u64(f, at + 8, FAKE_IRQ_STACK + FAKE_STACK_SIZE - 8);
	}
	fake_dump_put_u32(f, FAKE_TASK + TASK_PID, 77);
	fake_dump_put_u32(f, FAKE_TASK + TASK_TGID, 77);
	fake_dump_put(f, FAKE_TASK + TASK_COMM, "worker", 7);
	fake_dump_put_u64(f, FAKE_TASK + TASK_STACK, FAKE_STACK);
	fake_dump_put_u64(f, FAKE_TASK + TASK_SP, s->regs.sp);
}

static void set_orc_members(struct kernel *k, const struct fake_orc_layout *layout)
{
	static const enum kernel_member members[ORC_FIELDS] = {
		MEM_ORC_SP_REG, MEM_ORC_BP_REG, MEM_ORC_TYPE, MEM_ORC_SIGNAL, MEM_ORC_END};

	fake_kernel_member(k, MEM_ORC_SP_OFFSET, 0, 2);
	fake_kernel_member(k, MEM_ORC_BP_OFFSET, 2, 2);
	for (int i = 0; i < ORC_FIELDS; i++) {
		if (layout->bits[i].size)
			fake_kernel_bits(k, members[i], layout->bits[i].offset,
					 layout->bits[i].size);
	}
}

struct kernel *fake_stack_open(struct fake_stack *s)
{
	const struct {
		enum kernel_symbol symbol;
		uint64_t address;
	} symbols[] = {
		{SYM__stext, FAKE_TEXT},
		{SYM__etext, FAKE_TEXT + FAKE_TEXT_SIZE},
		{SYM___start_orc_unwind_ip, FAKE_ORC_IPS},
		{SYM___stop_orc_unwind_ip, FAKE_ORC_IPS + s->orc_count * 4},
		{SYM___start_orc_unwind, FAKE_ORCS},
		{SYM___stop_orc_unwind, FAKE_ORCS + s->orc_count * 6},
		{SYM_current_task, FAKE_PERCPU},
		{SYM_hardirq_stack_ptr, FAKE_PERCPU + 8},
		{SYM_machine_kexec, FAKE_FUNCTION(FAKE_MACHINE_KEXEC, 0)},
		{SYM___crash_kexec, FAKE_FUNCTION(FAKE_CRASH_KEXEC, 0)},
	};

	put_symbols(s);
	put_machine(s);
	struct kernel *k = fake_kernel_open(&s->fake);

	for (size_t i = 0; i < EY_ARRAY_SIZE(symbols); i++)
		fake_kernel_symbol(k, symbols[i].symbol, symbols[i].address);
	fake_kernel_member(k, MEM_TASK_PID, TASK_PID, 4);
	fake_kernel_member(k, MEM_TASK_TGID, TASK_TGID, 4);
	fake_kernel_member(k, MEM_TASK_STATE, TASK_STATE, 4);
	fake_kernel_member(k, MEM_TASK_COMM, TASK_COMM, 16);
	fake_kernel_member(k, MEM_TASK_STACK, TASK_STACK, 8);
	fake_kernel_member(k, MEM_TASK_THREAD_SP, TASK_SP, 8);
	fake_kernel_cpus(k, CPUS, CPU_STRIDE);
	if (!s->no_orc_types)
		set_orc_members(k, &s->layout);
	_cleanup_error_ struct ey_error *err = orc_create(k, &k->orc);
	return k;
}
