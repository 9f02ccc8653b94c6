/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event of a text of crash's: from its log; where the text has none, from the panic task's
 * stack and the line PANIC, written as the kernel would have printed them and given to the same
 * parser.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "analysis/crash_text_internal.h"
#include "base/cleanup.h"
#include "oops/parser.h"

// The kernel prints "name+0xoffset/0xsize". crash gives no size, and an offset only of exceptions
// (bt -s: of all). The parser must get both; these sizes, which no function has, say what is not
// known when the event comes back.
#define NO_SIZE	  UINT64_C(0xfffffffffffffffe)
#define NO_OFFSET UINT64_C(0xffffffffffffffff)

// How the kernel begins its report of an exception, by the entry code that was on the stack
// (arch/x86/include/asm/idtentry.h, before 5.8 arch/x86/entry/entry_64.S; arch/arm64/kernel/
// entry.S).
static const struct {
	const char *entry, *header;
} exceptions[] = {
	{"asm_exc_page_fault", "BUG: unable to handle page fault"},
	{"page_fault", "BUG: unable to handle page fault"},
	{"async_page_fault", "BUG: unable to handle page fault"},
	{"asm_exc_general_protection", "general protection fault: 0000 [#1] SMP"},
	{"general_protection", "general protection fault: 0000 [#1] SMP"},
	{"asm_exc_invalid_op", "invalid opcode: 0000 [#1] SMP"},
	{"invalid_op", "invalid opcode: 0000 [#1] SMP"},
	{"asm_exc_divide_error", "divide error: 0000 [#1] SMP"},
	{"divide_error", "divide error: 0000 [#1] SMP"},
	{"asm_exc_double_fault", "double fault: 0000 [#1] SMP"},
	{"double_fault", "double fault: 0000 [#1] SMP"},
	{"asm_exc_stack_segment", "stack segment: 0000 [#1] SMP"},
	{"stack_segment", "stack segment: 0000 [#1] SMP"},
	{"asm_exc_int3", "int3: 0000 [#1] SMP"},
	{"int3", "int3: 0000 [#1] SMP"},
	{"el1_da", "Unable to handle kernel paging request"},
	{"el1_sync", "Unable to handle kernel paging request"},
	{"el1h_64_sync", "Unable to handle kernel paging request"},
};

static const char *exception_header(const struct crash_frame *entry)
{
	for (size_t i = 0; entry->function && i < EY_ARRAY_SIZE(exceptions); i++) {
		if (!strcmp(entry->function, exceptions[i].entry))
			return exceptions[i].header;
	}
	return NULL;
}

static void add_symbol(struct ey_buf *out, const struct crash_frame *f)
{
	ey_buf_printf(out, "%s+0x%" PRIx64 "/0x%" PRIx64, f->function, f->offset,
		      f->have_offset ? NO_SIZE : NO_OFFSET);
	if (f->module)
		ey_buf_printf(out, " [%s]", f->module);
	ey_buf_addc(out, '\n');
}

// The rest of a report: who, where, and the calls from frame @p from on.
static void add_report(struct ey_buf *out, const struct crash_text *t, const struct crash_frame *pc,
		       size_t from)
{
	const struct crash_stack *s = &t->stacks[0];

	ey_buf_printf(out, "CPU: %d PID: %" PRId64 " Comm: %s Not tainted %s\n",
		      s->cpu >= 0 ? s->cpu : 0, s->pid, s->comm,
		      t->sys.release[0] ? t->sys.release : "0");
	if (pc && pc->function) {
		ey_buf_adds(out, "RIP: 0010:");
		add_symbol(out, pc);
	} else if (pc) {
		ey_buf_adds(out, "RIP: 0010:0x0\n");
	}
	ey_buf_adds(out, "Call Trace:\n <TASK>\n");
	for (size_t i = from; i < s->count; i++) {
		if (!s->frames[i].function)
			continue;
		ey_buf_addc(out, ' ');
		add_symbol(out, &s->frames[i]);
	}
	ey_buf_adds(out, " </TASK>\n");
}

static bool frame_is(const struct crash_frame *f, const char *name)
{
	return f->function && !strcmp(f->function, name);
}

// The next frame that was interrupted, or the count.
static size_t find_interrupted(const struct crash_stack *s, size_t from)
{
	while (from < s->count && !(s->frames[from].interrupted && s->frames[from].function))
		from++;
	return from;
}

// The header of a fault: crash's PANIC line where it is one, else by how the kernel was entered.
static const char *fault_header(const struct crash_text *t, const struct crash_frame *entry)
{
	const char *panic = t->sys.panic;
	const char *by_entry = exception_header(entry);

	// handle_stack_overflow() names the guard page, and then dies in these words.
	if (by_entry && strstr(panic, "stack guard page"))
		return "BUG: TASK stack guard page was hit";
	// "Oops: 0002 [#1] ..." tells a page fault, and of what kind stands in the line before.
	if (!panic[0] || (!strncmp(panic, "Oops: ", 6) && panic[6] >= '0' && panic[6] <= '9') ||
	    !strncmp(panic, "Oops: Oops:", 11) || strstr(panic, "SysRq") ||
	    !strncmp(panic, "Kernel panic", 12))
		return by_entry;
	return by_entry ? panic : NULL;
}

// A panic that carries out what a warning or a watchdog found: the report that came before it.
static bool add_watchdog(struct ey_buf *out, const struct crash_text *t, size_t from)
{
	const struct crash_stack *s = &t->stacks[0];
	const char *panic = t->sys.panic;
	size_t at = find_interrupted(s, from);
	const struct crash_frame *pc = at < s->count ? &s->frames[at] : NULL;

	if (!pc)
		return false;
	if (strstr(panic, "panic_on_warn")) {
		ey_buf_printf(out, "WARNING: CPU: %d PID: %" PRId64 " at (unknown):0 ",
			      s->cpu >= 0 ? s->cpu : 0, s->pid);
		add_symbol(out, pc);
	} else if (strstr(panic, "softlockup")) {
		ey_buf_printf(
			out, "watchdog: BUG: soft lockup - CPU#%d stuck for 0s! [%s:%" PRId64 "]\n",
			s->cpu >= 0 ? s->cpu : 0, s->comm, s->pid);
	} else if (strstr(panic, "Hard LOCKUP") || strstr(panic, "hard LOCKUP")) {
		ey_buf_printf(out, "NMI watchdog: Watchdog detected hard LOCKUP on cpu %d\n",
			      s->cpu >= 0 ? s->cpu : 0);
	} else {
		return false;
	}
	add_report(out, t, pc, at + 1);
	ey_buf_printf(out, "%s\n", panic);
	return true;
}

static void add_panic(struct ey_buf *out, const struct crash_text *t, size_t from)
{
	const char *panic = t->sys.panic;

	if (add_watchdog(out, t, from))
		return;
	ey_buf_printf(out, "%s\n",
		      !strncmp(panic, "Kernel panic - not syncing", 26)
			      ? panic
			      : "Kernel panic - not syncing: (the text has no log)");
	add_report(out, t, NULL, from);
}

// panic() out of the die path is about the exception below it.
static bool is_die_path(const struct crash_stack *s, size_t panic)
{
	for (size_t i = panic + 1; i < s->count && !s->frames[i].interrupted; i++) {
		if (frame_is(&s->frames[i], "oops_end") || frame_is(&s->frames[i], "die") ||
		    frame_is(&s->frames[i], "oops_exit"))
			return true;
	}
	return false;
}

// As the kernel would have told it; nothing where the stack shows no crash.
static void write_report(struct ey_buf *out, const struct crash_text *t)
{
	const struct crash_stack *s = &t->stacks[0];

	for (size_t i = 0; i < s->count; i++) {
		const struct crash_frame *f = &s->frames[i];

		if ((frame_is(f, "panic") || frame_is(f, "vpanic")) && !is_die_path(s, i)) {
			add_panic(out, t, i);
			return;
		}
		const char *header = i ? fault_header(t, &s->frames[i - 1]) : NULL;
		if (!header)
			continue;
		// crash shows no registers of an exception at an address that it takes for wrong.
		static const struct crash_frame unknown;
		ey_buf_printf(out, "%s\n", header);
		add_report(out, t, f->interrupted ? f : &unknown, i + f->interrupted);
		ey_buf_adds(out, "Kernel panic - not syncing: Fatal exception\n");
		return;
	}
}

/**
 * What the panic task's stack cannot tell, though it looks as if it did; NULL where it can. A
 * watchdog that panics was looking at others.
 */
static const char *not_in_stack(const struct crash_text *t)
{
	const struct crash_stack *s = &t->stacks[0];

	if (strstr(t->sys.panic, "hung_task"))
		return "the task that hung is not the one that panicked";
	if (strstr(t->sys.panic, "RCU Stall"))
		return "the CPU that stalled need not be the one that panicked";
	// A call that does not return may be the last instruction of its function. crash then names
	// the function that comes next, at its very beginning.
	for (size_t i = 0; i + 1 < s->count; i++) {
		const struct crash_frame *next = &s->frames[i + 1];

		if (frame_is(&s->frames[i], "panic") && next->have_offset && !next->offset)
			return "crash names the function behind the one that called panic()";
	}
	return NULL;
}

// What the stack did not tell is not known, rather than a number.
static void forget_unknown(struct oops_event *e)
{
	oops_event_forget_lines(e);
	for (size_t i = 0; i < e->frame_count; i++) {
		if (e->frames[i].size == NO_OFFSET)
			e->frames[i].offset = 0;
		e->frames[i].size = 0;
	}
	if (e->size == NO_OFFSET) {
		e->have_offset = false;
		e->offset = 0;
		free(e->signature);
		e->signature = NULL;
	}
	e->size = 0;
}

static struct ey_error *event_of_stack(struct crash_text *t)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	if (!t->have_panic_task || !t->stack_count)
		return NULL;
	const char *why = not_in_stack(t);
	if (why)
		return crash_text_gap(t, "event", "only the log would tell it: %s", why);
	write_report(&text, t);
	struct ey_error *err = ey_buf_error(&text);
	if (err || !text.len)
		return err;
	err = oops_parse_text(text.data, text.len, &t->events, &t->event_count);
	if (err)
		return err;
	t->event = oops_pick_fatal(t->events, t->event_count);
	for (size_t i = 0; i < t->event_count; i++)
		forget_unknown(&t->events[i]);
	if (!t->event)
		return NULL;
	const char *doubt = t->event->kind == OOPS_PAGE_FAULT
				    ? "; whether the bad pointer was NULL only the log would tell"
				    : "";
	return crash_text_gap(t, "event",
			      "%s: the event is taken from the panic task's stack and the PANIC "
			      "line%s",
			      t->log.len ? "the log tells of no crash" : "the text holds no log",
			      doubt);
}

struct ey_error *crash_text_event(struct crash_text *t)
{
	struct ey_error *err =
		oops_parse_text(ey_buf_str(&t->log), t->log.len, &t->events, &t->event_count);

	if (err)
		return err;
	t->event = oops_pick_fatal(t->events, t->event_count);
	if (t->event)
		return NULL;
	oops_events_free(t->events, t->event_count);
	t->events = NULL;
	t->event_count = 0;
	return event_of_stack(t);
}
