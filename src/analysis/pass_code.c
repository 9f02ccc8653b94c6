/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The code that the exception of the event was in: instructions, the operand's address beside the
 * fault's, and where the registers that made it came from. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/origin.h"
#include "analysis/passes.h"
#include "analysis/text.h"

enum {
	// Instructions shown before and behind the one that it is about.
	SHOWN_BEFORE = 16,
	SHOWN_BEHIND = 6,
	// Behind the exception nothing is needed but what is shown.
	MAX_INSN = 15,
	MAX_FUNCTION = 1 << 16,
	MAX_REGISTERS = 2,
};

struct code_result {
	struct code code;
	const struct stack *stack;
	const struct stack_frame *frame;
	/** Its registers, at the instruction that is shown. */
	struct cpu_regs regs;
	struct symbol symbol;
	/** The entry of the exception on the stack, e.g. "asm_exc_page_fault"; "" not known. */
	const char *entry;
	/** RIP was no code: what is shown is the call that led there. */
	bool called;
	bool have_fault;
	uint64_t fault;
	/** Where the fault address was read. */
	const char *fault_from;
	/** The operand as text, and its address. */
	bool have_address;
	uint64_t address;
	/** The operand's address (or the pointer that was called) is the fault's. */
	bool matches;
	struct {
		enum disasm_reg reg;
		struct origin origin;
	} registers[MAX_REGISTERS];
	size_t register_count;
};

static void code_result_deinit(struct code_result *r)
{
	free(r->code.insns);
	free(r->code.is_target);
}

static bool has_kernel_regs(const struct stack_frame *f)
{
	return f->interrupted && f->regs && !f->partial_regs && !(f->regs->cs & 3);
}

// Where the event says that it was; else what an exception, not an interrupt, stopped first.
static bool find_frame(const struct facts *f, struct code_result *r)
{
	for (size_t i = 0; f->event && f->event->function && i < f->stack_count; i++) {
		for (size_t j = 0; j < f->stacks[i].count; j++) {
			const struct stack_frame *frame = &f->stacks[i].frames[j];

			if (!has_kernel_regs(frame) ||
			    strcmp(frame->function, f->event->function) != 0 ||
			    frame->offset != f->event->offset)
				continue;
			r->stack = &f->stacks[i];
			r->frame = frame;
			r->entry = j ? frame[-1].function : "";
			return true;
		}
	}
	for (size_t j = 1; f->have_panic_task && j < f->stacks[0].count; j++) {
		const char *entry = f->stacks[0].frames[j - 1].function;

		if (!has_kernel_regs(&f->stacks[0].frames[j]) ||
		    strncmp(entry, "asm_exc_", 8) != 0 || !strcmp(entry, "asm_exc_nmi"))
			continue;
		r->stack = &f->stacks[0];
		r->frame = &f->stacks[0].frames[j];
		r->entry = entry;
		return true;
	}
	return false;
}

// How the kernel prints the address (show_fault_oops() and __show_regs(), arch/x86/mm/fault.c and
// kernel/process_64.c; exc_general_protection(), kernel/traps.c).
static const struct {
	const char *line, *before, *from;
} fault_lines[] = {
	{"BUG: kernel NULL pointer dereference", "address: ", "BUG line of the log"},
	{"BUG: unable to handle ", " address: ", "BUG line of the log"},
	{"BUG: unable to handle ", " request at ", "BUG line of the log"},
	{"general protection fault", "non-canonical address ",
	 "general protection fault of the log"},
	{"CR2: ", "CR2: ", "CR2 of the log"},
};

static bool is_page_fault(const struct code_result *r)
{
	return !strcmp(r->entry, "asm_exc_page_fault") || !strcmp(r->entry, "asm_exc_double_fault");
}

static bool fault_in_line(const char *line, size_t len, struct code_result *r)
{
	char text[256];

	len = EY_MIN(len, sizeof(text) - 1);
	memcpy(text, line, len);
	text[len] = '\0';
	for (size_t i = 0; i < EY_ARRAY_SIZE(fault_lines); i++) {
		const char *at = strstr(text, fault_lines[i].line);
		char *end;

		at = at ? strstr(at, fault_lines[i].before) : NULL;
		// CR2 is of the last page fault, and that may have been long before.
		if (!at || (!strcmp(fault_lines[i].line, "CR2: ") && !is_page_fault(r)))
			continue;
		at += strlen(fault_lines[i].before);
		r->fault = strtoull(at, &end, 16);
		r->fault_from = fault_lines[i].from;
		return end != at;
	}
	return false;
}

static void find_fault(const struct facts *f, struct code_result *r)
{
	const char *p = ey_buf_str(&f->log), *end = p + f->log.len;
	uint64_t number = 1;

	if (!f->event)
		return;
	for (; p < end && !r->have_fault && number <= f->event->last_line; number++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = newline ? (size_t)(newline - p) : (size_t)(end - p);

		if (number >= f->event->first_line)
			r->have_fault = fault_in_line(p, len, r);
		p += len + 1;
	}
}

static struct ey_error *read_code(struct kernel *k, struct code_result *r, uint64_t ip)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	uint64_t start, len;

	if (!kernel_find_symbol(k, ip, &r->symbol))
		return ey_error_create(EY_ERR_INPUT, "no function is known at 0x%016" PRIx64, ip);
	r->code.from_start = ip - r->symbol.address < MAX_FUNCTION;
	start = r->code.from_start ? r->symbol.address : ip;
	len = ip - start + (SHOWN_BEHIND + 1) * MAX_INSN;
	// To its end, so that jumps back from behind are seen.
	if (r->code.from_start && r->symbol.size && r->symbol.size <= MAX_FUNCTION)
		len = EY_MAX(r->symbol.size, ip - start + 1);
	bytes = malloc(len);
	if (!bytes)
		return &ey_error_nomem;
	struct ey_error *err = memory_read(&k->memory, start, bytes, len);
	if (err)
		return ey_error_prefix(err, "the code of %.100s", r->symbol.name);
	return disasm_run(bytes, len, start, &r->code.insns, &r->code.count);
}

// The instruction at ip, or the one that ends there.
static struct ey_error *find_insn(struct code_result *r, uint64_t ip)
{
	for (size_t i = 0; i < r->code.count; i++) {
		const struct disasm_insn *insn = &r->code.insns[i];

		if (ip == (r->called ? insn->address + insn->len : insn->address)) {
			r->code.at = i;
			return NULL;
		}
	}
	return ey_error_create(
		EY_ERR_INPUT,
		"taken apart from its start, %.100s has no instruction at 0x%016" PRIx64,
		r->symbol.name, ip);
}

static void add_register(struct code_result *r, enum disasm_reg reg)
{
	if (reg >= DISASM_RIP || r->register_count == MAX_REGISTERS)
		return;
	r->registers[r->register_count].reg = reg;
	origin_trace(&r->code, reg, &r->registers[r->register_count].origin);
	r->register_count++;
}

// The register of a call by a thunk (arch/x86/lib/retpoline.S): __x86_indirect_thunk_rax.
static enum disasm_reg thunk_reg(struct kernel *k, uint64_t target)
{
	static const char prefix[] = "__x86_indirect_";
	struct symbol s;

	if (!target || !kernel_find_symbol(k, target, &s) ||
	    strncmp(s.name, prefix, sizeof(prefix) - 1) != 0)
		return DISASM_NO_REG;
	const char *name = strrchr(s.name, '_') + 1;
	// The first of them has the name of them all, too.
	if (!strcmp(name, "array"))
		return target == s.address ? DISASM_RAX : DISASM_NO_REG;
	for (enum disasm_reg reg = DISASM_RAX; reg < DISASM_RIP; reg++) {
		if (!strcmp(name, disasm_reg_name(reg)))
			return reg;
	}
	return DISASM_NO_REG;
}

static void judge_call(struct kernel *k, struct code_result *r)
{
	const struct disasm_insn *insn = &r->code.insns[r->code.at];
	uint64_t ip = r->frame->regs->ip, pointer;
	enum disasm_reg reg = insn->target_reg;

	if (reg == DISASM_NO_REG)
		reg = thunk_reg(k, insn->target);
	if (reg != DISASM_NO_REG) {
		r->have_address = true;
		r->address = code_reg(&r->regs, reg);
		r->matches = r->address == ip;
		add_register(r, reg);
	} else if (code_effective_address(k, insn, &r->regs, r->stack->cpu, &pointer) &&
		   memory_u64(&k->memory, pointer, &r->address)) {
		r->have_address = true;
		r->matches = r->address == ip;
		add_register(r, insn->base);
		add_register(r, insn->index);
	}
}

static bool is_canonical(uint64_t address)
{
	// 57 bits with 5 levels; what is not canonical there is not with 4 either.
	int64_t high = (int64_t)address >> 56;

	return high == 0 || high == -1;
}

static void judge_access(struct kernel *k, struct code_result *r)
{
	const struct disasm_insn *insn = &r->code.insns[r->code.at];

	r->have_address = code_effective_address(k, insn, &r->regs, r->stack->cpu, &r->address);
	if (!r->have_address) {
		add_register(r, insn->source);
		return;
	}
	// Anywhere in what is accessed: the part on the next page may be what was not there.
	if (r->have_fault)
		r->matches = r->fault - r->address < EY_MAX(insn->size, (uint8_t)1);
	else
		r->matches = !is_canonical(r->address);
	// Of the two ends of a copy the other.
	if (r->have_fault && !r->matches && insn->is_string && insn->base == DISASM_RDI &&
	    r->fault - r->regs.si < EY_MAX(insn->size, (uint8_t)1)) {
		r->address = r->regs.si;
		r->matches = true;
		add_register(r, DISASM_RSI);
		return;
	}
	add_register(r, insn->base);
	if (insn->index != insn->base)
		add_register(r, insn->index);
}

static void add_shown(struct ey_buf *out, struct kernel *k, const struct code_result *r, size_t i)
{
	const struct disasm_insn *insn = &r->code.insns[i];
	char place[256];

	code_place(k, insn->address, place, sizeof(place));
	text_add_plain(out, place, strlen(place));
	ey_buf_printf(out, ":\t%s", insn->text);
	if (insn->target) {
		code_place(k, insn->target, place, sizeof(place));
		const char *name = strchr(place, ' ');

		if (name)
			text_add_plain(out, name, strlen(name));
	}
}

static size_t first_shown(const struct code_result *r)
{
	return r->code.at > SHOWN_BEFORE ? r->code.at - SHOWN_BEFORE : 0;
}

static size_t end_shown(const struct code_result *r)
{
	return EY_MIN(r->code.count, r->code.at + SHOWN_BEHIND + 1);
}

static const char *comparison(const struct code_result *r)
{
	if (r->matches)
		return "the fault address";
	// What faulted then was the stack that the first exception was to be put on.
	if (!strcmp(r->entry, "asm_exc_double_fault"))
		return "not the fault address, which in a double fault is the second fault's";
	return "not the fault address: another instruction, or these are not its registers";
}

static void write_verdict(struct ey_buf *out, const struct code_result *r)
{
	if (r->have_fault)
		ey_buf_printf(out, "FAULT ADDRESS: %016" PRIx64 "  (%s)\n", r->fault,
			      r->fault_from);
	if (r->called && r->have_address)
		ey_buf_printf(out, "POINTER CALLED: %016" PRIx64 "  (%s)\n", r->address,
			      r->matches ? "the RIP of the exception"
					 : "not the RIP of the exception, so it has changed since");
	else if (r->have_address && r->have_fault)
		ey_buf_printf(out, "      OPERAND: %016" PRIx64 "  (%s)\n", r->address,
			      comparison(r));
	else if (r->have_address)
		ey_buf_printf(out, "      OPERAND: %016" PRIx64 "%s\n", r->address,
			      r->matches ? "  (not canonical)" : "");
	for (size_t i = 0; i < r->register_count; i++) {
		ey_buf_printf(out, "     REGISTER: %s = %016" PRIx64 "\n",
			      disasm_reg_name(r->registers[i].reg),
			      code_reg(&r->regs, r->registers[i].reg));
		for (size_t j = 0; j < r->registers[i].origin.count; j++) {
			const char *step = r->registers[i].origin.steps[j];

			ey_buf_adds(out, "               ");
			text_add_plain(out, step, strlen(step));
			ey_buf_addc(out, '\n');
		}
	}
}

static void write_text(struct ey_buf *out, struct kernel *k, const struct code_result *r)
{
	text_add_heading(out, r->called ? "dis: the call that led to the exception"
					: "dis: the code of the exception");
	for (size_t i = first_shown(r); i < end_shown(r); i++) {
		ey_buf_adds(out, i == r->code.at ? "=> " : "   ");
		add_shown(out, k, r, i);
		ey_buf_addc(out, '\n');
	}
	ey_buf_addc(out, '\n');
	write_verdict(out, r);
}

static void write_registers(struct ey_json *w, const struct code_result *r)
{
	ey_json_key(w, "registers");
	ey_json_array_begin(w);
	for (size_t i = 0; i < r->register_count; i++) {
		ey_json_object_begin(w);
		ey_json_kv_string(w, "name", disasm_reg_name(r->registers[i].reg));
		ey_json_kv_address(w, "value", code_reg(&r->regs, r->registers[i].reg));
		ey_json_key(w, "history");
		ey_json_array_begin(w);
		for (size_t j = 0; j < r->registers[i].origin.count; j++)
			ey_json_string(w, r->registers[i].origin.steps[j]);
		ey_json_array_end(w);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void kv_address(struct ey_json *w, const char *key, bool known, uint64_t address)
{
	ey_json_key(w, key);
	if (known)
		ey_json_address(w, address);
	else
		ey_json_null(w);
}

static void write_record(struct ey_json *w, struct kernel *k, const struct code_result *r)
{
	const struct disasm_insn *at = &r->code.insns[r->code.at];

	ey_json_object_begin(w);
	ey_json_kv_string(w, "function", r->symbol.name);
	ey_json_kv_string(w, "module", r->symbol.module[0] ? r->symbol.module : NULL);
	ey_json_kv_uint(w, "offset", at->address - r->symbol.address);
	ey_json_kv_address(w, "address", at->address);
	ey_json_kv_bool(w, "call", r->called);
	ey_json_key(w, "instructions");
	ey_json_array_begin(w);
	for (size_t i = first_shown(r); i < end_shown(r); i++) {
		_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

		add_shown(&text, k, r, i);
		ey_json_string(w, ey_buf_str(&text));
	}
	ey_json_array_end(w);
	ey_json_kv_uint(w, "at", r->code.at - first_shown(r));
	kv_address(w, "fault_address", r->have_fault, r->fault);
	ey_json_kv_string(w, "fault_address_from", r->fault_from);
	kv_address(w, "operand_address", r->have_address, r->address);
	ey_json_key(w, "matches");
	if (r->have_address)
		ey_json_bool(w, r->matches);
	else
		ey_json_null(w);
	write_registers(w, r);
	ey_json_object_end(w);
}

static struct ey_error *run(struct pass_run *p)
{
	_cleanup_(code_result_deinit) struct code_result r = {.code.k = p->kernel};
	struct kernel *k = p->kernel;

	if (!find_frame(p->facts, &r))
		return p->by_default ? NULL
				     : ey_error_create(EY_ERR_INPUT,
						       "no exception in the kernel is on a stack");
	uint64_t ip = r.frame->regs->ip;
	r.called = !kernel_is_text(k, ip);
	if (r.called) {
		// What called it stands next on the stack.
		if (r.frame + 1 == r.stack->frames + r.stack->count)
			return ey_error_create(EY_ERR_INPUT,
					       "the exception was at 0x%016" PRIx64
					       ", which is no code, and who called that is lost",
					       ip);
		ip = r.frame[1].address;
	}
	struct ey_error *err = read_code(k, &r, r.called ? ip - 1 : ip);
	// The small program of the crash kernel has none: nothing is lost that could be had there.
	if (err && err->code == EY_ERR_NOT_FOUND && p->by_default) {
		ey_error_destroy(err);
		return NULL;
	}
	if (!err)
		err = find_insn(&r, ip);
	if (err)
		return err;
	r.code.function = r.symbol.name;
	r.regs = *r.frame->regs;
	// The call put its return address on the stack.
	if (r.called)
		r.regs.sp += 8;
	r.code.regs = &r.regs;
	if (!code_find_targets(&r.code))
		return &ey_error_nomem;
	find_fault(p->facts, &r);
	if (r.called)
		judge_call(k, &r);
	else
		judge_access(k, &r);
	write_text(p->text, k, &r);
	write_record(&p->json, k, &r);
	return NULL;
}

const struct pass pass_code = {
	.name = "code",
	.key = "code",
	.help = "the instructions around the exception, and where the bad pointer came from (dis)",
	.by_default = true,
	.run = run,
};
