/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks by ORC. For each stretch of code the table says where the caller's frame is: so many
 * bytes above the stack pointer or the frame pointer, and whether a return address lies below it
 * or the registers saved at an exception.
 */
#include "vmcore_test.h"

#include <stdlib.h>
#include <string.h>

#include "fake_stack.h"
#include "vmcore/module.h"
#include "vmcore/orc.h"
#include "vmcore/stack.h"

enum { UNDEFINED = 0, PREV_SP = 1, BP = 4, SP = 5 };

// Values of the field "type" in both layouts.
struct kinds {
	uint32_t undefined, call, regs, partial;
};
static const struct kinds kinds_6_1 = {0, 0, 1, 2}, kinds_6_4 = {0, 2, 3, 4};

static void at_function(struct fake_stack *s, int n, uint32_t sp_reg, int16_t sp_offset,
			uint32_t bp_reg, int16_t bp_offset, uint32_t type)
{
	// The end mark of 6.1 stands beside an undefined register; since 6.4 it is type 1.
	bool end = sp_reg == UNDEFINED && type == 1;
	bool old = s->layout.bits[ORC_FIELD_TYPE].size == 2;

	// Registers of an exception: the numbers are 1 and 2, or 3 and 4.
	bool signal = sp_reg != UNDEFINED && type && type != 2 + (old ? 2u : 0u);

	fake_stack_orc(s, FAKE_FUNCTION(n, 0), sp_offset, bp_offset,
		       (uint32_t[]){sp_reg, bp_reg, end && old ? 0 : type, signal, end});
}

enum { END_OF_STACK = 1 };

/*
 * f_0 has 8 bytes of frame and was interrupted; f_1 called it and saved bp; f_2 is the entry code
 * of an exception; f_3, which was interrupted by it, uses bp; f_4 begins the stack.
 */
static void write_table(struct fake_stack *s, const struct kinds *t)
{
	at_function(s, 0, SP, 16, 0, 0, t->call);
	at_function(s, 1, SP, 24, PREV_SP, -16, t->call);
	at_function(s, 2, SP, 0, 0, 0, t->regs);
	at_function(s, 3, BP, 16, PREV_SP, -16, t->call);
	at_function(s, 4, UNDEFINED, 0, 0, 0, END_OF_STACK);
	at_function(s, 5, SP, 8, 0, 0, t->call);
	at_function(s, 6, SP, 0, 0, 0, t->partial);
	at_function(s, 7, UNDEFINED, 0, 0, 0, t->undefined);
	at_function(s, 8, SP, 8, 0, 0, t->call);
}

#define STACK(offset) (FAKE_STACK + 0x1000 + (offset))

static void begin(struct fake_stack *s, int n, uint64_t offset)
{
	fake_stack_init(s);
	s->regs = (struct cpu_regs){.ip = FAKE_FUNCTION(n, 0x10), .sp = STACK(offset), .cs = 0x10};
}

// The stack of CPU 0 as "function+offset ..."; '*': interrupted there, '?': not sure.
static void assert_stack(struct fake_stack *s, const char *expected, const char *broken)
{
	_cleanup_buf_ struct ey_buf got = EY_BUF_INIT;
	struct kernel *k = fake_stack_open(s);
	struct stack stack;

	assert_non_null(k->orc);
	assert_ok(stack_of_cpu(k, 0, &stack));
	for (size_t i = 0; i < stack.count; i++) {
		const struct stack_frame *f = &stack.frames[i];

		ey_buf_printf(&got, "%s%s+%x%s%s", i ? " " : "", f->function,
			      (unsigned int)f->offset, f->interrupted ? "*" : "",
			      f->reliable ? "" : "?");
	}
	assert_string_equal(ey_buf_str(&got), expected);
	if (broken)
		assert_string_equal(stack.broken, broken);
	else
		assert_null(stack.broken);
	assert_int_equal(stack.task.pid, 77);
	stack_deinit(&stack);
	fake_kernel_close(k);
}

// f_0 <- f_1 <- f_2, an exception in f_3 <- f_4.
static void write_exception(struct fake_stack *s)
{
	const struct cpu_regs saved = {
		.ip = FAKE_FUNCTION(3, 0x30), .cs = 0x10, .sp = STACK(0x200), .bp = STACK(0x300)};

	fake_stack_word(s, STACK(0x8), FAKE_FUNCTION(1, 0x20)); // f_0's return address
	fake_stack_word(s, STACK(0x20), FAKE_FUNCTION(2, 0x40));
	fake_dump_put(&s->fake, STACK(0x28), &saved, sizeof(saved));
	fake_stack_word(s, STACK(0x308), FAKE_FUNCTION(4, 0x50)); // behind f_3's saved bp
}

// The layouts that there have been, with their kinds; registers renumbered or not.
static const struct {
	const struct fake_orc_layout *layout;
	const struct kinds *kinds;
	bool new_registers;
} tables[] = {{&fake_orc_6_1, &kinds_6_1, false},
	      {&fake_orc_6_3, &kinds_6_1, false},
	      {&fake_orc_6_4, &kinds_6_4, false},
	      {&fake_orc_6_4, &kinds_6_4, true}};

// Table i, without the types of its entries in the second half.
static void begin_table(struct fake_stack *s, size_t i)
{
	const size_t t = i % EY_ARRAY_SIZE(tables);

	begin(s, 0, 0);
	s->layout = *tables[t].layout;
	s->new_registers = tables[t].new_registers;
	s->no_orc_types = i >= EY_ARRAY_SIZE(tables);
	write_table(s, tables[t].kinds);
}

static void calls_and_exceptions_are_followed(void **state)
{
	for (size_t i = 0; i < 2 * EY_ARRAY_SIZE(tables); i++) {
		struct fake_stack s;

		begin_table(&s, i);
		write_exception(&s);
		assert_stack(&s, "f_0+10* f_1+20 f_2+40 f_3+30* f_4+50", NULL);
	}
}

static void registers_of_an_exception_are_kept(void **state)
{
	struct fake_stack s;
	struct stack stack;

	begin(&s, 0, 0);
	write_table(&s, &kinds_6_1);
	write_exception(&s);
	struct kernel *k = fake_stack_open(&s);
	assert_ok(stack_of_cpu(k, 1, &stack));
	assert_int_equal(stack.count, 5);
	assert_non_null(stack.frames[0].regs);
	assert_null(stack.frames[1].regs);
	assert_int_equal(stack.frames[3].regs->bp, STACK(0x300));
	assert_false(stack.frames[3].partial_regs);
	stack_deinit(&stack);
	fake_kernel_close(k);
}

// QEMU notes each CPU, a dying kernel has stopped all but the one that panicked: the second note is
// the second CPU's, though it is the only one online.
static void notes_of_qemu_count_stopped_cpus(void **state)
{
	static const uint8_t of_qemu[440] = {1};
	struct fake_stack s;
	struct stack stack;

	for (int qemu = 0; qemu < 2; qemu++) {
		begin(&s, 0, 0);
		write_table(&s, &kinds_6_1);
		write_exception(&s);
		if (qemu)
			fake_note(&s.fake.notes, "QEMU", 0, of_qemu, sizeof(of_qemu));
		struct kernel *k = fake_stack_open(&s);
		bool present[] = {true, true};
		bool *had = k->cpu_present;
		struct elf_note first;
		size_t pos = 0;

		k->cpu_online[0] = false;
		k->cpu_present = present;
		assert_true(notes_next(k->dump.notes, k->dump.notes_len, &pos, &first));
		memset(k->dump.notes + (first.desc - k->dump.notes), 0, first.desc_len);
		if (qemu) {
			assert_ok(stack_of_cpu(k, 1, &stack));
			assert_int_equal(stack.count, 5);
		} else {
			assert_error(stack_of_cpu(k, 1, &stack), EY_ERR_INPUT, "not sound");
		}
		stack_deinit(&stack);
		k->cpu_present = had;
		fake_kernel_close(k);
	}
}

static void call_at_the_end_of_a_function_is_its_own(void **state)
{
	struct fake_stack s;

	begin(&s, 5, 0);
	write_table(&s, &kinds_6_1);
	// The return address is the first of f_1: the call was the last instruction of f_0.
	fake_stack_word(&s, STACK(0), FAKE_FUNCTION(1, 0));
	fake_stack_word(&s, STACK(0x10), FAKE_FUNCTION(4, 0x10)); // by f_0's rule, not f_1's
	assert_stack(&s, "f_5+10* f_0+100 f_4+10", NULL);
}

static void entry_from_user_space_ends_the_stack(void **state)
{
	struct cpu_regs saved = {.ip = 0x401000, .cs = 0x33, .sp = 0x7ffe0000};
	struct fake_stack s;
	struct stack stack;

	begin(&s, 5, 0);
	write_table(&s, &kinds_6_1);
	fake_stack_word(&s, STACK(0), FAKE_FUNCTION(2, 0x20));
	fake_dump_put(&s.fake, STACK(8), &saved, sizeof(saved));
	struct kernel *k = fake_stack_open(&s);
	assert_ok(stack_of_cpu(k, 0, &stack));
	assert_int_equal(stack.count, 2);
	assert_null(stack.broken);
	assert_non_null(stack.user_regs);
	assert_int_equal(stack.user_regs->ip, 0x401000);
	stack_deinit(&stack);
	fake_kernel_close(k);
}

static void irq_stack_leads_to_the_task_stack(void **state)
{
	const struct cpu_regs saved = {
		.ip = FAKE_FUNCTION(8, 0x30), .cs = 0x10, .sp = STACK(0x100)};
	struct fake_stack s;

	begin(&s, 5, 0);
	s.regs.sp = FAKE_IRQ_STACK + 0x3000;
	write_table(&s, &kinds_6_1);
	fake_stack_word(&s, FAKE_IRQ_STACK + 0x3000, FAKE_FUNCTION(2, 0x20));
	fake_dump_put(&s.fake, FAKE_IRQ_STACK + 0x3008, &saved, sizeof(saved));
	fake_stack_word(&s, STACK(0x100), FAKE_FUNCTION(4, 0x20));
	assert_stack(&s, "f_5+10* f_2+20 f_8+30* f_4+20", NULL);
}

static void bad_pointer_that_was_called_is_a_frame(void **state)
{
	struct fake_stack s;

	begin(&s, 0, 0);
	s.regs.ip = 0; // a call of NULL: its return address lies on top
	write_table(&s, &kinds_6_1);
	fake_stack_word(&s, STACK(0), FAKE_FUNCTION(5, 0x20));
	fake_stack_word(&s, STACK(8), FAKE_FUNCTION(4, 0x20));
	assert_stack(&s, "+0* f_5+20 f_4+20", NULL);
}

static void bad_return_address_ends_the_stack(void **state)
{
	struct fake_stack s;

	begin(&s, 5, 0);
	write_table(&s, &kinds_6_1);
	fake_stack_word(&s, STACK(0), 0x4141414141414141);
	assert_stack(&s, "f_5+10*", "a return address is not in the kernel's text");
}

static void stack_that_is_left_ends(void **state)
{
	struct fake_stack s;

	begin(&s, 5, 0);
	s.regs.sp = FAKE_STACK + FAKE_STACK_SIZE; // just behind
	write_table(&s, &kinds_6_1);
	assert_stack(&s, "f_5+10*", "it leaves the stack");
	begin(&s, 5, 3); // not aligned
	write_table(&s, &kinds_6_1);
	assert_stack(&s, "f_5+10*", "it leaves the stack");
}

// Above the damage the stack goes on from a return address behind a call instruction, which is
// not sure.
static void stack_resumes_above_damage(void **state)
{
	struct fake_stack s;

	begin(&s, 5, 0);
	write_table(&s, &kinds_6_1);
	fake_stack_word(&s, STACK(0), 0x4141414141414141);
	fake_stack_word(&s, STACK(0x40), FAKE_FUNCTION(8, 0x80)); // no call before it
	fake_stack_word(&s, STACK(0x48), FAKE_FUNCTION(8, 0x20));
	fake_dump_put(&s.fake, FAKE_FUNCTION(8, 0x20) - 5, "\xe8\1\2\3\4", 5);
	fake_stack_word(&s, STACK(0x50), FAKE_FUNCTION(4, 0x20));
	assert_stack(&s, "f_5+10* f_8+20? f_4+20", "a return address is not in the kernel's text");
}

// f_7 has no unwind data: its caller is whose call instruction calls it.
static void function_without_data_is_found_by_its_caller(void **state)
{
	const uint64_t ret = FAKE_FUNCTION(8, 0x20);
	int32_t distance = (int32_t)(FAKE_FUNCTION(7, 0) - ret);
	struct fake_stack s;

	begin(&s, 5, 0);
	write_table(&s, &kinds_6_1);
	fake_stack_word(&s, STACK(0), FAKE_FUNCTION(7, 0x20));
	fake_stack_word(&s, STACK(0x20), FAKE_FUNCTION(8, 0x90)); // calls another
	fake_stack_word(&s, STACK(0x30), ret);
	fake_dump_put(&s.fake, ret - 5, "\xe8", 1);
	fake_dump_put(&s.fake, ret - 4, &distance, 4);
	fake_stack_word(&s, STACK(0x38), FAKE_FUNCTION(4, 0x20));
	assert_stack(&s, "f_5+10* f_7+20 f_8+20 f_4+20", NULL);
}

static void frames_in_circles_end(void **state)
{
	struct fake_stack s;

	// f_3's frame is found by bp, which leads back down to itself.
	begin(&s, 3, 0x100);
	s.regs.bp = STACK(0x0);
	write_table(&s, &kinds_6_1);
	fake_stack_word(&s, STACK(0x0), STACK(0x0));
	fake_stack_word(&s, STACK(0x8), FAKE_FUNCTION(3, 0x20));
	assert_stack(&s, "f_3+10*", "its frames go in circles");
}

// Saved registers that lead to themselves: each step is one "exception" more.
static void exceptions_in_circles_end(void **state)
{
	const struct cpu_regs saved = {.ip = FAKE_FUNCTION(2, 0x30), .cs = 0x10, .sp = STACK(0)};
	struct fake_stack s;
	struct stack stack;

	begin(&s, 2, 0);
	write_table(&s, &kinds_6_1);
	fake_dump_put(&s.fake, STACK(0), &saved, sizeof(saved));
	struct kernel *k = fake_stack_open(&s);
	assert_ok(stack_of_cpu(k, 0, &stack));
	assert_non_null(stack.broken);
	assert_true(stack.count <= 4);
	stack_deinit(&stack);
	fake_kernel_close(k);
}

// What runs machine_kexec() goes on running while registers are saved: it is looked for on the
// stack, from where __crash_kexec() is its caller.
static void crash_path_is_found_on_the_stack(void **state)
{
	struct fake_stack s;

	begin(&s, 5, 0x800);
	write_table(&s, &kinds_6_1);
	at_function(&s, 14, SP, 8, 0, 0, kinds_6_1.call);
	at_function(&s, 15, SP, 8, 0, 0, kinds_6_1.call);
	fake_stack_word(&s, STACK(0x10), FAKE_FUNCTION(14, 0x40)); // left from an earlier call
	fake_stack_word(&s, STACK(0x40), FAKE_FUNCTION(14, 0x40));
	fake_stack_word(&s, STACK(0x48), FAKE_FUNCTION(15, 0x40));
	fake_stack_word(&s, STACK(0x50), FAKE_FUNCTION(4, 0x40));
	assert_stack(&s, "machine_kexec+40 __crash_kexec+40 f_4+40", NULL);
}

// No types at all: the stack that the noted stack pointer is in, and that of the IRQ stack's top.
static void stacks_are_found_without_types(void **state)
{
	struct fake_stack s;
	struct stack stack;

	begin(&s, 0, 0);
	write_table(&s, &kinds_6_1);
	write_exception(&s);
	s.no_orc_types = true;
	struct kernel *k = fake_stack_open(&s);
	for (int m = 0; m < MEM_COUNT; m++)
		k->members[m].state = 2;
	assert_ok(stack_of_cpu(k, 0, &stack));
	assert_int_equal(stack.count, 5);
	assert_string_equal(stack.frames[4].function, "f_4");
	assert_null(stack.broken);
	assert_int_equal(stack.task.pid, -1);
	assert_int_equal(stack.task.address, FAKE_TASK);
	stack_deinit(&stack);
	fake_kernel_close(k);
}

// Functions of a kernel that has frame pointers and no ORC tables.
static struct kernel *open_with_frame_pointers(struct fake_stack *s)
{
	static const uint8_t prologue[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5};

	for (int n = FAKE_MACHINE_KEXEC; n <= FAKE_CRASH_KEXEC; n++)
		fake_dump_put(&s->fake, FAKE_FUNCTION(n, 0), prologue, sizeof(prologue));
	struct kernel *k = fake_stack_open(s);
	orc_destroy(k->orc);
	k->orc = NULL;
	assert_false(orc_is_replaced_by_frame_pointers(k));
	k->symbols[SYM___start_orc_unwind].found = false;
	k->frame_pointers = orc_is_replaced_by_frame_pointers(k);
	assert_true(k->frame_pointers);
	return k;
}

static void assert_frame_pointers(struct fake_stack *s, const char *expected, const char *broken)
{
	_cleanup_buf_ struct ey_buf got = EY_BUF_INIT;
	struct kernel *k = open_with_frame_pointers(s);
	struct stack stack;

	assert_ok(stack_of_cpu(k, 0, &stack));
	for (size_t i = 0; i < stack.count; i++)
		ey_buf_printf(&got, "%s%s+%x%s", i ? " " : "", stack.frames[i].function,
			      (unsigned int)stack.frames[i].offset,
			      stack.frames[i].interrupted ? "*" : "");
	assert_string_equal(ey_buf_str(&got), expected);
	if (broken)
		assert_string_equal(stack.broken, broken);
	else
		assert_null(stack.broken);
	stack_deinit(&stack);
	fake_kernel_close(k);
}

// A frame: the caller's bp, and the return address above it.
static void put_frame(struct fake_stack *s, uint64_t at, uint64_t bp, uint64_t ip)
{
	fake_stack_word(s, at, bp);
	fake_stack_word(s, at + 8, ip);
}

static void frame_pointers_are_followed(void **state)
{
	const struct cpu_regs saved = {
		.ip = FAKE_FUNCTION(3, 0x30), .cs = 0x10, .sp = STACK(0x200), .bp = STACK(0x300)};
	struct fake_stack s;

	// As write_exception(): f_0 <- f_1 <- f_2, the entry code, an exception in f_3 <- f_4.
	begin(&s, 0, 0);
	s.regs.bp = STACK(0x10);
	put_frame(&s, STACK(0x10), STACK(0x20), FAKE_FUNCTION(1, 0x20));
	put_frame(&s, STACK(0x20), STACK(0x40) | 1, FAKE_FUNCTION(2, 0x40));
	fake_dump_put(&s.fake, STACK(0x40), &saved, sizeof(saved));
	put_frame(&s, STACK(0x300), 0, FAKE_FUNCTION(4, 0x50));
	assert_frame_pointers(&s, "f_0+10* f_1+20 f_2+40 f_3+30* f_4+50", NULL);
}

static void frame_pointers_lead_from_the_crash_path(void **state)
{
	struct fake_stack s;

	begin(&s, 5, 0x800);
	put_frame(&s, STACK(0x38), STACK(0x60), FAKE_FUNCTION(14, 0x40));
	put_frame(&s, STACK(0x60), STACK(0x80), FAKE_FUNCTION(15, 0x40));
	put_frame(&s, STACK(0x80), 0, FAKE_FUNCTION(4, 0x40));
	assert_frame_pointers(&s, "machine_kexec+40 __crash_kexec+40 f_4+40", NULL);
}

static void damaged_frame_pointers_end(void **state)
{
	static const struct {
		uint64_t bp;
		const char *broken;
	} cases[] = {
		{STACK(0x10), "its frames go in circles"},
		{FAKE_VMALLOC, "it leaves the stack"},
		{FAKE_VMALLOC | 1, "the registers saved at an exception are not on the stack"}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct fake_stack s;

		begin(&s, 0, 0);
		s.regs.bp = STACK(0x10);
		put_frame(&s, STACK(0x10), cases[i].bp, FAKE_FUNCTION(1, 0x20));
		assert_frame_pointers(&s, "f_0+10* f_1+20", cases[i].broken);
	}
}

static void sleeping_task_is_followed_from_its_stack_pointer(void **state)
{
	struct task task = {.address = FAKE_TASK};
	struct fake_stack s;
	struct stack stack;

	begin(&s, 0, 0);
	write_table(&s, &kinds_6_1);
	fake_stack_word(&s, STACK(6 * 8), FAKE_FUNCTION(8, 0x10)); // behind r15 ... bp
	fake_stack_word(&s, STACK(7 * 8), FAKE_FUNCTION(4, 0x10));
	struct kernel *k = fake_stack_open(&s);
	assert_ok(stack_of_task(k, &task, &stack));
	assert_int_equal(stack.count, 2);
	assert_string_equal(stack.frames[0].function, "f_8");
	assert_int_equal(stack.cpu, -1);
	stack_deinit(&stack);
	fake_kernel_close(k);

	begin(&s, 0, 0);
	s.regs.sp = FAKE_LINEAR; // not within the stack
	write_table(&s, &kinds_6_1);
	k = fake_stack_open(&s);
	assert_error(stack_of_task(k, &task, &stack), EY_ERR_FAULT, "not in its stack");
	stack_deinit(&stack);
	fake_kernel_close(k);
}

static void orc_entries_of_all_layouts_are_decoded(void **state)
{
	for (size_t i = 0; i < 2 * EY_ARRAY_SIZE(tables); i++) {
		struct fake_stack s;
		struct orc_entry e;

		begin_table(&s, i);
		struct kernel *k = fake_stack_open(&s);
		assert_true(orc_find(k, FAKE_FUNCTION(1, 0xff), &e));
		assert_int_equal(e.type, ORC_TYPE_CALL);
		assert_int_equal(e.sp_reg, ORC_REG_SP);
		assert_int_equal(e.sp_offset, 24);
		assert_int_equal(e.bp_reg, ORC_REG_PREV_SP);
		assert_int_equal(e.bp_offset, -16);
		assert_false(e.signal);
		assert_true(orc_find(k, FAKE_FUNCTION(3, 0), &e));
		assert_int_equal(e.sp_reg, ORC_REG_BP);
		assert_true(orc_find(k, FAKE_FUNCTION(2, 0), &e));
		assert_int_equal(e.type, ORC_TYPE_REGS);
		assert_true(e.signal);
		assert_true(orc_find(k, FAKE_FUNCTION(6, 0), &e));
		assert_int_equal(e.type, ORC_TYPE_REGS_PARTIAL);
		assert_true(orc_find(k, FAKE_FUNCTION(4, 0), &e));
		assert_int_equal(e.type, ORC_TYPE_END_OF_STACK);
		assert_true(orc_find(k, FAKE_FUNCTION(7, 0), &e));
		assert_int_equal(e.type, ORC_TYPE_UNDEFINED);
		assert_false(orc_find(k, FAKE_TEXT - 1, &e));
		assert_false(orc_find(k, FAKE_TEXT + FAKE_TEXT_SIZE, &e));
		fake_kernel_close(k);
	}
}

// A module's table stands in its own memory, with the kernel's layout.
static void modules_have_their_own_table(void **state)
{
	enum { ENTRIES = 2 };
	const uint64_t text = FAKE_IMAGE + 0x40000000ULL, ips = text + 0x2000, orcs = text + 0x3000;

	for (size_t i = 0; i < 2 * EY_ARRAY_SIZE(tables); i++) {
		struct fake_stack s;
		struct orc_entry e;

		begin_table(&s, i);
		// As those of the kernel's f_1 and f_3, put elsewhere.
		for (uint64_t n = 0; n < ENTRIES; n++) {
			const int16_t from_prev_sp = -16;
			int32_t relative = (int32_t)(text + n * 0x100 - (ips + n * 4));
			uint64_t bits = (n ? 16 : 24) | (uint64_t)(uint16_t)from_prev_sp << 16;

			bits |= (n ? 4ULL : s.new_registers ? 3ULL : 5ULL) << 32;
			bits |= (s.new_registers ? 8ULL : 1ULL) << 36;
			bits |= (uint64_t)tables[i % EY_ARRAY_SIZE(tables)].kinds->call << 40;
			fake_dump_put(&s.fake, ips + n * 4, &relative, sizeof(relative));
			fake_dump_put(&s.fake, orcs + n * 6, &bits, 6);
		}
		struct kernel *k = fake_stack_open(&s);
		k->modules = calloc(1, sizeof(*k->modules));
		assert_non_null(k->modules);
		k->modules[0] = (struct module){.text_base = text,
						.text_size = 0x200,
						.orc_ips = ips,
						.orc_entries = orcs,
						.orc_count = ENTRIES};
		k->module_count = 1;
		assert_true(orc_find(k, text + 0x80, &e));
		assert_int_equal(e.type, ORC_TYPE_CALL);
		assert_int_equal(e.sp_reg, ORC_REG_SP);
		assert_int_equal(e.sp_offset, 24);
		assert_int_equal(e.bp_reg, ORC_REG_PREV_SP);
		assert_int_equal(e.bp_offset, -16);
		assert_true(orc_find(k, text + 0x180, &e));
		assert_int_equal(e.sp_reg, ORC_REG_BP);
		assert_false(orc_find(k, text + 0x200, &e));
		fake_kernel_close(k);
	}
}

static void wild_layouts_are_refused(void **state)
{
	static const struct {
		uint32_t offset, size;
	} cases[] = {{0, 4}, {46, 4}, {0xfffffff0, 64}, {1000, 1}, {40, 255}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		for (int field = 0; field < ORC_FIELDS; field++) {
			struct fake_stack s;

			begin(&s, 0, 0);
			write_table(&s, &kinds_6_1);
			s.layout.bits[field].offset = cases[i].offset;
			s.layout.bits[field].size = cases[i].size;
			struct kernel *k = fake_stack_open(&s);
			struct orc_entry e;
			// A field that one can do without is left aside.
			if (field >= ORC_FIELD_SIGNAL)
				assert_true(orc_find(k, FAKE_FUNCTION(1, 0), &e));
			else
				assert_null(k->orc);
			fake_kernel_close(k);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_and_exceptions_are_followed),
		cmocka_unit_test(registers_of_an_exception_are_kept),
		cmocka_unit_test(notes_of_qemu_count_stopped_cpus),
		cmocka_unit_test(call_at_the_end_of_a_function_is_its_own),
		cmocka_unit_test(entry_from_user_space_ends_the_stack),
		cmocka_unit_test(irq_stack_leads_to_the_task_stack),
		cmocka_unit_test(bad_pointer_that_was_called_is_a_frame),
		cmocka_unit_test(bad_return_address_ends_the_stack),
		cmocka_unit_test(stack_that_is_left_ends),
		cmocka_unit_test(stack_resumes_above_damage),
		cmocka_unit_test(function_without_data_is_found_by_its_caller),
		cmocka_unit_test(frames_in_circles_end),
		cmocka_unit_test(exceptions_in_circles_end),
		cmocka_unit_test(crash_path_is_found_on_the_stack),
		cmocka_unit_test(stacks_are_found_without_types),
		cmocka_unit_test(frame_pointers_are_followed),
		cmocka_unit_test(frame_pointers_lead_from_the_crash_path),
		cmocka_unit_test(damaged_frame_pointers_end),
		cmocka_unit_test(sleeping_task_is_followed_from_its_stack_pointer),
		cmocka_unit_test(orc_entries_of_all_layouts_are_decoded),
		cmocka_unit_test(modules_have_their_own_table),
		cmocka_unit_test(wild_layouts_are_refused),
	};

	return cmocka_run_group_tests_name("unwind", tests, NULL, NULL);
}
