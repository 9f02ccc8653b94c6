/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stacks that bt, bt -a and foreach bt print. */
#include <ctype.h>
#include <stdlib.h>

#include "analysis/crash_text_internal.h"
#include "base/cleanup.h"

// Take "LABEL: value" with its label off the front of @p line.
static bool labelled(struct span *line, const char *label, struct span *ret)
{
	struct span word;

	return span_word(line, &word) && span_is(word, label) && span_word(line, ret);
}

// "PID: 190      TASK: ffff8c1f8342a100  CPU: 1    COMMAND: "poweroff"": the columns are narrower
// in crash 7; CPU is "-" of a task that was never on one.
static bool parse_header(struct span line, struct crash_stack *s)
{
	struct span pid, task, cpu, word;
	int64_t number;

	if (!labelled(&line, "PID:", &pid) || !span_decimal(pid, &s->pid) || s->pid < 0 ||
	    !labelled(&line, "TASK:", &task) || !span_hex(task, &s->task) ||
	    !labelled(&line, "CPU:", &cpu) || !span_word(&line, &word) ||
	    !span_is(word, "COMMAND:"))
		return false;
	s->cpu = span_decimal(cpu, &number) && number >= 0 && number < 65536 ? (int)number : -1;
	struct span comm = span_trim(line);
	const char *last = memrchr(comm.p, '"', span_len(comm));
	if (!span_begins(comm, "\"") || last == comm.p)
		return false;
	span_copy((struct span){comm.p + 1, last}, s->comm, sizeof(s->comm));
	return true;
}

bool crash_is_stack_header(struct span line)
{
	struct crash_stack ignored;

	return span_begins(line, "PID: ") && parse_header(line, &ignored);
}

struct ey_error *crash_stack_begin(struct crash_parser *p, struct span line)
{
	struct crash_text *t = p->text;
	struct crash_stack s = {0};

	p->stack = NULL;
	p->in_regs = false;
	p->stack_switched = false;
	p->stack_skip = true;
	if (!parse_header(line, &s))
		return NULL;
	// bt and bt -a print the panic task's both. An empty one (files, task, vm print the same
	// header) gives way to one with frames.
	for (size_t i = 0; i < t->stack_count; i++) {
		if (t->stacks[i].task != s.task || t->stacks[i].pid != s.pid ||
		    t->stacks[i].cpu != s.cpu)
			continue;
		if (!t->stacks[i].count) {
			p->stack = &t->stacks[i];
			p->stack_skip = false;
		}
		return NULL;
	}
	if (t->stack_count == CRASH_STACKS_MAX)
		return crash_text_gap(t, "stacks", "there are more than %d, which are left out",
				      CRASH_STACKS_MAX);
	if (t->stack_count == p->stack_capacity) {
		size_t more = p->stack_capacity ? 2 * p->stack_capacity : 8;
		struct crash_stack *list = reallocarray(t->stacks, more, sizeof(*list));

		if (!list)
			return &ey_error_nomem;
		t->stacks = list;
		p->stack_capacity = more;
	}
	t->stacks[t->stack_count] = s;
	p->stack = &t->stacks[t->stack_count++];
	p->stack_skip = false;
	return NULL;
}

static struct ey_error *add_frame(struct crash_parser *p, const struct crash_frame *frame)
{
	struct crash_stack *s = p->stack;

	if (!s->frames || s->count == s->capacity) {
		size_t more = s->capacity ? 2 * s->capacity : 16;
		struct crash_frame *list = reallocarray(s->frames, more, sizeof(*list));

		if (!list)
			return &ey_error_nomem;
		s->frames = list;
		s->capacity = more;
	}
	s->frames[s->count++] = *frame;
	return NULL;
}

// "name", "name+5", "name+0x5" (with radix 16): name and offset of @p s.
static struct ey_error *take_symbol(struct span s, struct crash_frame *f)
{
	const char *plus = memrchr(s.p, '+', span_len(s));
	int64_t offset = 0;

	if (plus && plus > s.p) {
		struct span number = {plus + 1, s.end};

		f->have_offset =
			span_begins(number, "0x")
				? span_hex((struct span){number.p + 2, number.end}, &f->offset)
				: span_decimal(number, &offset) && offset >= 0;
		if (f->have_offset && !span_begins(number, "0x"))
			f->offset = (uint64_t)offset;
		if (f->have_offset)
			s.end = plus;
	}
	char text[512];
	if (!span_len(s) || span_len(s) >= sizeof(text))
		return NULL;
	span_copy(s, text, sizeof(text));
	f->function = strdup(text);
	return f->function ? NULL : &ey_error_nomem;
}

// " #7 [ffffcf8d000d0df0] asm_exc_invalid_op at ffffffffa1e00b96 [lkdtm]"; bt -s has offsets,
// bt -v and others words behind.
static bool parse_frame(struct span line, struct span *name, struct crash_frame *f,
			struct span *module)
{
	struct span word;
	int64_t number;
	uint64_t sp;

	if (!span_word(&line, &word) || !span_begins(word, "#") ||
	    !span_decimal((struct span){word.p + 1, word.end}, &number))
		return false;
	if (!span_word(&line, &word) || span_len(word) < 3 || *word.p != '[' || word.end[-1] != ']')
		return false;
	if (!span_hex((struct span){word.p + 1, word.end - 1}, &sp) || !span_word(&line, name) ||
	    !span_word(&line, &word) || !span_is(word, "at") || !span_word(&line, &word) ||
	    !span_hex(word, &f->address))
		return false;
	*module = (struct span){0};
	if (span_word(&line, &word) && span_len(word) > 2 && span_len(word) < 66 &&
	    *word.p == '[' && word.end[-1] == ']')
		*module = (struct span){word.p + 1, word.end - 1};
	return true;
}

static struct ey_error *take_frame(struct crash_parser *p, struct span name, struct span module,
				   struct crash_frame *f)
{
	struct crash_stack *s = p->stack;
	const struct crash_frame *last = s->count ? &s->frames[s->count - 1] : NULL;
	bool again = p->stack_switched && last && last->interrupted && last->address == f->address;
	struct ey_error *err;

	p->stack_switched = false;
	p->in_regs = false;
	// What an NMI or an exception interrupted stands there twice: by its registers, and as the
	// first frame of the stack that it ran on.
	if (again || s->count >= CRASH_FRAMES_MAX)
		return NULL;
	if (!(span_begins(name, "(") && name.end[-1] == ')') && (err = take_symbol(name, f)))
		return err;
	if (module.p && !(f->module = strndup(module.p, span_len(module)))) {
		free(f->function);
		return &ey_error_nomem;
	}
	err = add_frame(p, f);
	if (err) {
		free(f->function);
		free(f->module);
	}
	return err;
}

// "    [exception RIP: lkdtm_BUG+5]", "    [exception RIP: unknown or invalid address]"; on arm64
// "     PC: ffff800008098b00  [sysrq_handle_crash+24]".
static struct ey_error *take_exception(struct crash_parser *p, struct span symbol, uint64_t address)
{
	struct crash_frame f = {.interrupted = true, .address = address};
	struct ey_error *err;

	p->in_regs = true;
	p->stack_switched = false;
	if (p->stack->count >= CRASH_FRAMES_MAX)
		return NULL;
	if (memchr(symbol.p, ' ', span_len(symbol)))
		symbol.end = symbol.p;
	if ((err = take_symbol(symbol, &f)))
		return err;
	err = add_frame(p, &f);
	if (err)
		free(f.function);
	return err;
}

// "    RIP: ffffffffc055c645  RSP: ffffcf8d000d0ea0  RFLAGS: 00000082": pairs and nothing else.
static size_t parse_regs(struct span line, struct crash_reg *regs, size_t max)
{
	struct span name, value;
	size_t n = 0;

	while (n < max && span_word(&line, &name)) {
		if (span_len(name) < 3 || span_len(name) > sizeof(regs->name) ||
		    name.end[-1] != ':' || !span_word(&line, &value) ||
		    !span_hex(value, &regs[n].value))
			return 0;
		for (size_t i = 0; i + 1 < span_len(name); i++) {
			if (!isalnum((unsigned char)name.p[i]) && name.p[i] != '_')
				return 0;
			regs[n].name[i] = (char)tolower((unsigned char)name.p[i]);
		}
		regs[n].name[span_len(name) - 1] = '\0';
		n++;
	}
	return n;
}

static struct ey_error *add_regs(struct crash_parser *p, const struct crash_reg *regs, size_t n)
{
	struct crash_stack *s = p->stack;
	struct crash_frame *f = s->count ? &s->frames[s->count - 1] : NULL;

	// Without an exception line before them they are those of user space.
	if (!p->in_regs || !f || !f->interrupted)
		return NULL;
	n = EY_MIN(n, (size_t)CRASH_REGS_MAX - f->reg_count);
	if (!n)
		return NULL;
	struct crash_reg *list = reallocarray(f->regs, f->reg_count + n, sizeof(*list));
	if (!list)
		return &ey_error_nomem;
	memcpy(list + f->reg_count, regs, n * sizeof(*regs));
	f->regs = list;
	f->reg_count += n;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(regs[i].name, "rip"))
			f->address = regs[i].value;
	}
	return NULL;
}

struct ey_error *crash_stack_line(struct crash_parser *p, struct span line, bool *ret)
{
	static const char rip[] = "[exception RIP: ";
	struct crash_reg regs[8];
	struct crash_frame f = {0};
	struct span name, module, s = span_trim(line), rest = s, pc;
	size_t n;

	*ret = true;
	if (!p->stack && !p->stack_skip) {
		*ret = false;
		return NULL;
	}
	if (p->stack_skip)
		return NULL;
	if (parse_frame(line, &name, &f, &module)) {
		p->known_lines++;
		return take_frame(p, name, module, &f);
	}
	if (span_begins(s, rip) && s.end[-1] == ']')
		return take_exception(p, (struct span){s.p + sizeof(rip) - 1, s.end - 1}, 0);
	if (labelled(&rest, "PC:", &pc) && span_hex(pc, &f.address)) {
		rest = span_trim(rest);
		// Without a symbol it is an address of user space.
		if (span_len(rest) > 2 && *rest.p == '[' && rest.end[-1] == ']')
			return take_exception(p, (struct span){rest.p + 1, rest.end - 1},
					      f.address);
		return NULL;
	}
	if (span_begins(s, "--- <")) {
		p->stack_switched = true;
		p->in_regs = false;
		return NULL;
	}
	if ((n = parse_regs(s, regs, EY_ARRAY_SIZE(regs))))
		return add_regs(p, regs, n);
	// Source lines (bt -l), words of the stack (bt -f), an empty line.
	return NULL;
}
