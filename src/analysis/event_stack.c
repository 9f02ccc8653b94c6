/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "analysis/facts.h"
#include "oops/parser.h"

// How the kernel begins its report of an exception, by the entry code that was on the stack
// (arch/x86/include/asm/idtentry.h, arch/x86/kernel/traps.c, arch/x86/mm/fault.c).
static const struct {
	const char *entry, *header;
} exceptions[] = {
	{"asm_exc_page_fault", "BUG: unable to handle page fault"},
	{"asm_exc_general_protection", "general protection fault: 0000 [#1] SMP"},
	{"asm_exc_invalid_op", "invalid opcode: 0000 [#1] SMP"},
	{"asm_exc_divide_error", "divide error: 0000 [#1] SMP"},
	{"asm_exc_double_fault", "double fault: 0000 [#1] SMP"},
	{"asm_exc_stack_segment", "stack segment: 0000 [#1] SMP"},
	{"asm_exc_int3", "int3: 0000 [#1] SMP"},
};

static const char *exception_header(const char *entry)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(exceptions); i++) {
		if (!strcmp(entry, exceptions[i].entry))
			return exceptions[i].header;
	}
	return NULL;
}

static void add_symbol(struct ey_buf *text, const struct stack_frame *f)
{
	ey_buf_printf(text, "%s+0x%" PRIx64 "/0x%" PRIx64, f->function, f->offset, f->size);
	if (f->module)
		ey_buf_printf(text, " [%s]", f->module);
	ey_buf_addc(text, '\n');
}

static void add_trace(struct ey_buf *text, const struct stack *s, size_t from)
{
	ey_buf_adds(text, "Call Trace:\n <TASK>\n");
	for (size_t i = from; i < s->count; i++) {
		if (!s->frames[i].function[0])
			continue;
		ey_buf_adds(text, s->frames[i].reliable ? " " : " ? ");
		add_symbol(text, &s->frames[i]);
	}
	ey_buf_adds(text, " </TASK>\n");
}

static void add_cpu_line(struct ey_buf *text, const struct stack *s, const char *release)
{
	ey_buf_printf(text, "CPU: %d PID: %" PRId64 " Comm: %s Not tainted %s\n", s->cpu,
		      s->task.pid, s->task.comm, release);
}

struct ey_error *event_from_stack(const struct stack *s, const char *release,
				  struct oops_event **events_ret, size_t *count_ret)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	*events_ret = NULL;
	*count_ret = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct stack_frame *f = &s->frames[i];

		if (!strcmp(f->function, "panic")) {
			ey_buf_adds(&text, "Kernel panic - not syncing: (the log is lost)\n");
			add_cpu_line(&text, s, release);
			add_trace(&text, s, i);
			break;
		}
		const char *header = i ? exception_header(s->frames[i - 1].function) : NULL;
		if (f->interrupted && header && f->function[0]) {
			ey_buf_printf(&text, "%s\n", header);
			add_cpu_line(&text, s, release);
			ey_buf_adds(&text, "RIP: 0010:");
			add_symbol(&text, f);
			add_trace(&text, s, i + 1);
			ey_buf_adds(&text, "Kernel panic - not syncing: Fatal exception\n");
			break;
		}
	}
	struct ey_error *err = ey_buf_error(&text);
	if (err || !text.len || (err = oops_parse_text(text.data, text.len, events_ret, count_ret)))
		return err;
	// The lines of this text are no log's.
	for (size_t i = 0; i < *count_ret; i++)
		oops_event_forget_lines(&(*events_ret)[i]);
	return NULL;
}
