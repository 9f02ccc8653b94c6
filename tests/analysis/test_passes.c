/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of passes, one that fails, and what the code pass reads out of instructions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analysis/origin.h"
#include "analysis/passes.h"
#include "fake_waits.h"

#define CODE FAKE_IMAGE
#define DATA FAKE_WAITS_FREE

static void assert_refused(const char *with, const char *text)
{
	_cleanup_error_ struct ey_error *err = passes_check(with);

	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_USAGE);
	if (!strstr(err->message, text))
		fail_msg("%s: \"%s\"", with, err->message);
}

static void lists_of_passes(void **state)
{
	char many[2048] = "";

	assert_null(passes_check(NULL));
	assert_null(passes_check("un"));
	assert_null(passes_check("all,bt:1,bt:swapper/0"));
	assert_null(passes_check("none,cpus"));
	assert_refused("", "no pass \"\"");
	assert_refused("un,", "no pass \"\"");
	assert_refused("stack", "no pass \"stack\"");
	assert_refused("bt", "bt:TASK");
	assert_refused("bt:", "missing");
	assert_refused("un:3", "no argument");
	for (int i = 0; i < 100; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "bt:%d,", i);
	assert_refused(strcat(many, "un"), "more than");
	memset(many, 'x', 200);
	memcpy(many, "bt:", 3);
	many[200] = '\0';
	assert_refused(many, "too long");
}

// Without tasks and types each fails alone, with a gap of its name; nothing is written.
static void a_pass_that_fails_is_a_gap(void **state)
{
	struct facts facts = {0};
	struct fake_dump f;

	fake_waits_init(&f);
	facts.kernel = fake_waits_open(&f, false);
	facts.kernel->members[MEM_RQ_CURR].state = 2;
	facts.kernel->symbols[SYM_vm_zone_stat].found = false;
	passes_run(&facts, "all,bt:17");
	assert_non_null(strstr(fake_kernel_gap(facts.kernel, "bt"), "no task \"17\""));
	assert_non_null(strstr(fake_kernel_gap(facts.kernel, "waits"), "tasks"));
	assert_non_null(strstr(fake_kernel_gap(facts.kernel, "cpus"), "struct rq"));
	assert_non_null(strstr(fake_kernel_gap(facts.kernel, "memory"), "vm_zone_stat"));
	assert_non_null(strstr(fake_kernel_gap(facts.kernel, "code"), "no exception"));
	assert_int_equal(facts.part_count, 0);
	assert_null(strstr(ey_buf_str(&facts.pass_text), "kmem"));
	// "un" has nothing to tell, and says that.
	assert_non_null(strstr(ey_buf_str(&facts.pass_text), "no task is in unint"));
	struct kernel *k = facts.kernel;
	facts_deinit(&facts);
	fake_kernel_close(k);
}

struct trace {
	struct kernel *k;
	struct code code;
	struct cpu_regs regs;
	struct origin origin;
};

static void trace_init(struct trace *t, const uint8_t *bytes, size_t len)
{
	struct fake_dump f;

	fake_waits_init(&f);
	fake_dump_put_u64(&f, DATA + 0x18, 0x1122334455667788);
	*t = (struct trace){.k = fake_waits_open(&f, false)};
	t->code = (struct code){
		.k = t->k, .from_start = true, .function = "victim", .regs = &t->regs};
	struct ey_error *err = disasm_run(bytes, len, CODE, &t->code.insns, &t->code.count);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		fake_kernel_close(t->k);
		skip(); // built without capstone
	}
	assert_null(err);
	assert_true(code_find_targets(&t->code));
}

static void trace_deinit(struct trace *t)
{
	free(t->code.insns);
	free(t->code.is_target);
	fake_kernel_close(t->k);
}

static void assert_step(const struct trace *t, size_t i, const char *text)
{
	if (i >= t->origin.count || !strstr(t->origin.steps[i], text))
		fail_msg("step %zu is \"%s\", not \"%s\"", i,
			 i < t->origin.count ? t->origin.steps[i] : "(none)", text);
}

// mov 0x18(%rdi),%rax; mov (%rax),%rcx: rax is what is bad, and came from the first argument.
static void a_pointer_out_of_an_argument(void **state)
{
	static const uint8_t bytes[] = {0x48, 0x8b, 0x47, 0x18, 0x48, 0x8b, 0x08};
	uint64_t address;
	struct trace t;

	trace_init(&t, bytes, sizeof(bytes));
	assert_int_equal(t.code.count, 2);
	assert_string_equal(t.code.insns[0].text, "mov    0x18(%rdi),%rax");
	t.code.at = 1;
	t.regs.di = DATA;
	t.regs.ax = 0x1122334455667788;
	assert_true(code_effective_address(t.k, &t.code.insns[1], &t.regs, -1, &address));
	assert_int_equal(address, 0x1122334455667788);
	origin_trace(&t.code, t.code.insns[1].base, &t.origin);
	assert_step(&t, 0, "rax: loaded from 0x18(%rdi)");
	assert_step(&t, 0, "stands 0x1122334455667788");
	assert_step(&t, 1, "rdi: the first argument of victim()");
	trace_deinit(&t);
}

// mov (%rdi),%rdi: the register that made the address is gone.
static void a_load_over_its_own_base(void **state)
{
	static const uint8_t bytes[] = {0x48, 0x8b, 0x3f, 0x48, 0x8b, 0x07};
	struct trace t;

	trace_init(&t, bytes, sizeof(bytes));
	t.code.at = 1;
	t.regs.di = DATA;
	origin_trace(&t.code, DISASM_RDI, &t.origin);
	assert_step(&t, 0, "rdi: loaded from (%rdi)");
	assert_null(strstr(t.origin.steps[0], "stands"));
	trace_deinit(&t);
}

// call; mov (%rax),%rcx; mov (%rbx),%rcx; mov (%rsi),%rcx
static void behind_a_call(void **state)
{
	static const uint8_t bytes[] = {0x53, 0x48, 0x89, 0xfb, 0x90, 0x90, 0xe8, 0,   1,
					0,    0,    0x48, 0x8b, 0x08, 0x48, 0x8b, 0x0b};
	struct trace t;

	trace_init(&t, bytes, sizeof(bytes));
	t.code.at = t.code.count - 2;
	origin_trace(&t.code, DISASM_RAX, &t.origin);
	assert_step(&t, 0, "rax: returned by 0xffffffff8100010b");
	origin_trace(&t.code, DISASM_RSI, &t.origin);
	assert_step(&t, 0, "rsi: not known: left by the call");
	// What calls keep is followed beyond it.
	origin_trace(&t.code, DISASM_RBX, &t.origin);
	assert_step(&t, 0, "rbx: copied from %rdi");
	assert_step(&t, 1, "rdi: the first argument");
	trace_deinit(&t);
}

// xor %eax,%eax; test %edi,%edi; je +3; mov %rsi,%rax; 1: mov (%rax),%rcx: two ways to 1.
static void where_ways_meet(void **state)
{
	static const uint8_t bytes[] = {0x31, 0xc0, 0x85, 0xff, 0x74, 0x03,
					0x48, 0x89, 0xf0, 0x48, 0x8b, 0x08};
	struct trace t;

	trace_init(&t, bytes, sizeof(bytes));
	t.code.at = t.code.count - 1;
	origin_trace(&t.code, DISASM_RAX, &t.origin);
	assert_int_equal(t.origin.count, 1);
	assert_step(&t, 0, "rax: not followed beyond 0xffffffff81000009");
	trace_deinit(&t);
}

// mov %rdi,%rbx; test; je +1; nop; 1: mov (%rbx),%rcx: one instruction alone sets rbx.
static void where_ways_meet_but_it_is_set_once(void **state)
{
	static const uint8_t bytes[] = {0x48, 0x89, 0xfb, 0x85, 0xf6, 0x74,
					0x01, 0x90, 0x48, 0x8b, 0x0b};
	struct trace t;

	trace_init(&t, bytes, sizeof(bytes));
	t.code.at = t.code.count - 1;
	origin_trace(&t.code, DISASM_RBX, &t.origin);
	assert_step(&t, 0, "rbx: copied from %rdi");
	trace_deinit(&t);
}

// addl $-1,0x8(%rax,%rcx,8); mov %gs:0x10,%rdx; push %rbp; rep stos; idiv %rcx; ud2
static void operands(void **state)
{
	static const uint8_t bytes[] = {0x83, 0x44, 0xc8, 0x08, 0xff, 0x65, 0x48, 0x8b,
					0x14, 0x25, 0x10, 0,	0,    0,    0x55, 0xf3,
					0x48, 0xab, 0x48, 0xf7, 0xf9, 0x0f, 0x0b};
	uint64_t address;
	struct trace t;

	trace_init(&t, bytes, sizeof(bytes));
	assert_int_equal(t.code.count, 6);
	t.regs.ax = 0x1000;
	t.regs.cx = 2;
	t.regs.sp = 0x5000;
	t.regs.di = 0x7000;
	assert_string_equal(t.code.insns[0].text, "addl   $0xffffffff,0x8(%rax,%rcx,8)");
	assert_true(code_effective_address(t.k, &t.code.insns[0], &t.regs, -1, &address));
	assert_int_equal(address, 0x1018);
	assert_int_equal(t.code.insns[0].size, 4);
	// Per-CPU memory only where the CPU is known.
	assert_false(code_effective_address(t.k, &t.code.insns[1], &t.regs, -1, &address));
	assert_true(code_effective_address(t.k, &t.code.insns[1], &t.regs, 0, &address));
	assert_int_equal(address, 0x10);
	assert_string_equal(t.code.insns[2].text, "push   %rbp");
	assert_true(code_effective_address(t.k, &t.code.insns[2], &t.regs, -1, &address));
	assert_int_equal(address, 0x4ff8);
	assert_true(t.code.insns[3].is_string);
	assert_true(code_effective_address(t.k, &t.code.insns[3], &t.regs, -1, &address));
	assert_int_equal(address, 0x7000);
	assert_false(t.code.insns[4].has_memory);
	assert_int_equal(t.code.insns[4].source, DISASM_RCX);
	assert_int_equal(t.code.insns[5].kind, DISASM_LEAVE);
	trace_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_passes),
		cmocka_unit_test(a_pass_that_fails_is_a_gap),
		cmocka_unit_test(a_pointer_out_of_an_argument),
		cmocka_unit_test(a_load_over_its_own_base),
		cmocka_unit_test(behind_a_call),
		cmocka_unit_test(where_ways_meet),
		cmocka_unit_test(where_ways_meet_but_it_is_set_once),
		cmocka_unit_test(operands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
