/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/origin.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/address.h"

static const char *const reg_names[] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
	"r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip",
};

const char *disasm_reg_name(enum disasm_reg reg)
{
	return reg < DISASM_NO_REG ? reg_names[reg] : "?";
}

uint64_t code_reg(const struct cpu_regs *r, enum disasm_reg reg)
{
	switch (reg) {
	case DISASM_RAX:
		return r->ax;
	case DISASM_RCX:
		return r->cx;
	case DISASM_RDX:
		return r->dx;
	case DISASM_RBX:
		return r->bx;
	case DISASM_RSP:
		return r->sp;
	case DISASM_RBP:
		return r->bp;
	case DISASM_RSI:
		return r->si;
	case DISASM_RDI:
		return r->di;
	case DISASM_R8:
		return r->r8;
	case DISASM_R9:
		return r->r9;
	case DISASM_R10:
		return r->r10;
	case DISASM_R11:
		return r->r11;
	case DISASM_R12:
		return r->r12;
	case DISASM_R13:
		return r->r13;
	case DISASM_R14:
		return r->r14;
	case DISASM_R15:
		return r->r15;
	case DISASM_RIP:
		return r->ip;
	default:
		return 0;
	}
}

bool code_effective_address(struct kernel *k, const struct disasm_insn *insn,
			    const struct cpu_regs *regs, int cpu, uint64_t *ret)
{
	uint64_t address = (uint64_t)insn->displacement;

	if (!insn->has_memory || insn->segment == DISASM_SEGMENT_FS)
		return false;
	// gs is the CPU's memory (arch/x86/include/asm/percpu.h).
	if (insn->segment == DISASM_SEGMENT_GS) {
		if (cpu < 0 || (unsigned int)cpu >= k->cpu_count)
			return false;
		address += k->percpu_offsets[cpu];
	}
	if (insn->base == DISASM_RIP)
		address += insn->address + insn->len;
	else
		address += code_reg(regs, insn->base);
	*ret = address + code_reg(regs, insn->index) * insn->scale;
	return true;
}

void code_place(struct kernel *k, uint64_t address, char *buf, size_t size)
{
	struct symbol s;
	int n = snprintf(buf, size, "0x%" PRIx64, address);

	if (n < 0 || (size_t)n >= size || !kernel_find_symbol(k, address, &s))
		return;
	if (address == s.address)
		snprintf(buf + n, size - (size_t)n, " <%.120s>", s.name);
	else
		snprintf(buf + n, size - (size_t)n, " <%.120s+%" PRIu64 ">", s.name,
			 address - s.address);
}

static ssize_t index_of(const struct code *c, uint64_t address)
{
	size_t lo = 0, hi = c->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->insns[mid].address == address)
			return (ssize_t)mid;
		if (c->insns[mid].address < address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return -1;
}

bool code_find_targets(struct code *c)
{
	c->is_target = calloc(c->count + 1, sizeof(*c->is_target));
	if (!c->is_target)
		return false;
	for (size_t i = 0; i < c->count; i++) {
		const struct disasm_insn *insn = &c->insns[i];
		ssize_t target = -1;

		if (insn->kind == DISASM_BRANCH || insn->kind == DISASM_LEAVE)
			target = index_of(c, insn->target);
		if (target >= 0)
			c->is_target[target] = true;
	}
	return true;
}

__attribute__((format(printf, 2, 3))) static void add_step(struct origin *o, const char *format,
							   ...)
{
	va_list ap;

	if (o->count == ORIGIN_MAX_STEPS)
		return;
	va_start(ap, format);
	vsnprintf(o->steps[o->count++], ORIGIN_TEXT_SIZE, format, ap);
	va_end(ap);
}

// What a call may change (the x86-64 psABI's caller-saved registers).
static bool survives_call(enum disasm_reg reg)
{
	return reg == DISASM_RBX || reg == DISASM_RBP || reg == DISASM_RSP ||
	       (reg >= DISASM_R12 && reg <= DISASM_R15);
}

// The tracer's call in a function's first bytes keeps all registers.
static bool is_tracer(const struct code *c, size_t i)
{
	enum { FENTRY_MAX_OFFSET = 4 };

	return c->insns[i].kind == DISASM_CALL && c->from_start &&
	       c->insns[i].address - c->insns[0].address <= FENTRY_MAX_OFFSET;
}

static bool changed_since(const struct code *c, size_t from, enum disasm_reg reg)
{
	for (size_t i = from; i < c->at; i++) {
		const struct disasm_insn *insn = &c->insns[i];

		if (is_tracer(c, i))
			continue;
		if (insn->writes >> reg & 1 || (insn->kind == DISASM_CALL && !survives_call(reg)))
			return true;
	}
	return false;
}

// The operand as the instruction's text has it: up to the comma that is in no brackets.
static void operand_text(const struct disasm_insn *insn, char *buf, size_t size)
{
	const char *p = strchr(insn->text, ' ');
	size_t n = 0;
	int depth = 0;

	for (p = p ? p + strspn(p, " ") : ""; *p && n + 1 < size && (*p != ',' || depth); p++) {
		depth += (*p == '(') - (*p == ')');
		buf[n++] = *p;
	}
	buf[n] = '\0';
}

// "loaded from 0x18(%rdi)", and what stands there in the dump, if it can still be told where.
static void add_load(const struct code *c, size_t i, enum disasm_reg reg, struct origin *o)
{
	const struct disasm_insn *insn = &c->insns[i];
	uint64_t address, value = 0;
	char operand[96], place[192], name[ADDRESS_TEXT_SIZE];

	operand_text(insn, operand, sizeof(operand));
	code_place(c->k, insn->address, place, sizeof(place));
	// The registers that made the address must be as they were then: also by this load itself.
	bool known = (insn->base >= DISASM_RIP || !changed_since(c, i, insn->base)) &&
		     (insn->index >= DISASM_RIP || !changed_since(c, i, insn->index)) &&
		     insn->segment == DISASM_SEGMENT_NONE && insn->size && insn->size <= 8 &&
		     code_effective_address(c->k, insn, c->regs, -1, &address);
	_cleanup_error_ struct ey_error *err =
		known ? memory_read(&c->k->memory, address, &value, insn->size) : NULL;
	if (!known || err) {
		add_step(o, "%s: loaded from %s at %s", disasm_reg_name(reg), operand, place);
		return;
	}
	bool named = address_describe(c->k, NULL, address, name);
	add_step(o,
		 "%s: loaded from %s at %s; there, at 0x%" PRIx64 "%s%.100s%s, stands 0x%" PRIx64,
		 disasm_reg_name(reg), operand, place, address, named ? " (" : "", name,
		 named ? ")" : "", value);
}

// The stack pointer comes from nowhere that anyone would ask for.
static bool is_data(enum disasm_reg reg)
{
	return reg < DISASM_RIP && reg != DISASM_RSP;
}

// An instruction that changed the register. Returns the register to follow on, or none.
static enum disasm_reg add_change(const struct code *c, size_t i, enum disasm_reg reg,
				  struct origin *o)
{
	const struct disasm_insn *insn = &c->insns[i];
	char place[192];

	code_place(c->k, insn->address, place, sizeof(place));
	if (insn->dest != reg) {
		add_step(o, "%s: changed by \"%s\" at %s", disasm_reg_name(reg), insn->text, place);
		return DISASM_NO_REG;
	}
	switch (insn->kind) {
	case DISASM_LOAD:
		add_load(c, i, reg, o);
		return is_data(insn->base) ? insn->base : DISASM_NO_REG;
	case DISASM_MOVE:
		add_step(o, "%s: copied from %%%s at %s", disasm_reg_name(reg),
			 disasm_reg_name(insn->source), place);
		return insn->source;
	case DISASM_CONSTANT:
		add_step(o, "%s: set to 0x%" PRIx64 " at %s", disasm_reg_name(reg),
			 (uint64_t)insn->constant, place);
		return DISASM_NO_REG;
	case DISASM_LEA:
	case DISASM_ADD:
		add_step(o, "%s: computed by \"%s\" at %s", disasm_reg_name(reg), insn->text,
			 place);
		if (insn->kind == DISASM_ADD)
			return reg;
		return insn->index == DISASM_NO_REG && is_data(insn->base) ? insn->base
									   : DISASM_NO_REG;
	default:
		add_step(o, "%s: computed by \"%s\" at %s", disasm_reg_name(reg), insn->text,
			 place);
		return DISASM_NO_REG;
	}
}

static void add_call(const struct code *c, size_t i, enum disasm_reg reg, struct origin *o)
{
	const struct disasm_insn *insn = &c->insns[i];
	char place[192], target[192] = "an indirect call";

	code_place(c->k, insn->address, place, sizeof(place));
	if (insn->target)
		code_place(c->k, insn->target, target, sizeof(target));
	if (reg == DISASM_RAX)
		add_step(o, "rax: returned by %s, called at %s", target, place);
	else
		add_step(o, "%s: not known: left by the call of %s at %s", disasm_reg_name(reg),
			 target, place);
}

// At the function's first instruction: an argument, in the psABI's order.
static void add_entry(const struct code *c, enum disasm_reg reg, struct origin *o)
{
	static const enum disasm_reg arguments[] = {DISASM_RDI, DISASM_RSI, DISASM_RDX,
						    DISASM_RCX, DISASM_R8,  DISASM_R9};
	static const char *const ordinals[] = {"first",	 "second", "third",
					       "fourth", "fifth",  "sixth"};

	for (size_t i = 0; i < EY_ARRAY_SIZE(arguments); i++) {
		if (arguments[i] == reg) {
			add_step(o, "%s: the %s argument of %.120s(), if it takes so many",
				 disasm_reg_name(reg), ordinals[i], c->function);
			return;
		}
	}
	add_step(o, "%s: as it was when %.120s() was called", disasm_reg_name(reg), c->function);
}

// The one instruction of the function that sets a register that calls keep; what takes it off the
// stack again, at the function's ends, apart. -1 where there is none or several.
static ssize_t only_change(const struct code *c, enum disasm_reg reg)
{
	ssize_t only = -1;

	if (!c->from_start || reg == DISASM_RSP)
		return -1;
	for (size_t i = 0; i < c->count; i++) {
		if (!(c->insns[i].writes >> reg & 1) || !strncmp(c->insns[i].text, "pop", 3))
			continue;
		if (only >= 0)
			return -1;
		only = (ssize_t)i;
	}
	return only;
}

void origin_trace(const struct code *c, enum disasm_reg reg, struct origin *ret)
{
	char place[192];

	*ret = (struct origin){0};
	if (!c->insns)
		return;
	for (size_t i = c->at; reg < DISASM_RIP && ret->count < ORIGIN_MAX_STEPS;) {
		const struct disasm_insn *before = i ? &c->insns[i - 1] : NULL;

		if (!before && c->from_start) {
			add_entry(c, reg, ret);
			return;
		}
		bool joined = before && (c->is_target[i] || before->kind == DISASM_LEAVE);
		ssize_t only = joined && survives_call(reg) ? only_change(c, reg) : -1;

		if (only >= 0 && only < (ssize_t)i) {
			// However it got here, the value is that one.
			i = (size_t)only;
			reg = add_change(c, i, reg, ret);
			continue;
		}
		if (!before || joined) {
			code_place(c->k, c->insns[i].address, place, sizeof(place));
			add_step(ret, "%s: not followed beyond %s, %s", disasm_reg_name(reg), place,
				 before ? "where jumps lead to" : "where the code shown begins");
			return;
		}
		i--;
		if (before->kind == DISASM_CALL && !is_tracer(c, i)) {
			if (survives_call(reg))
				continue;
			add_call(c, i, reg, ret);
			return;
		}
		if (before->writes >> reg & 1 && !is_tracer(c, i))
			reg = add_change(c, i, reg, ret);
	}
}
