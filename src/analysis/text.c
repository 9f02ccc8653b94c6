/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/text.h"

#include <inttypes.h>
#include <string.h>

// What a dump holds must not steer a terminal: only printable bytes pass.
void text_add_plain(struct ey_buf *out, const char *text, size_t len)
{
	size_t plain = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t')
			continue;
		ey_buf_add(out, text + plain, i - plain);
		ey_buf_addc(out, '.');
		plain = i + 1;
	}
	ey_buf_add(out, text + plain, len - plain);
}

void text_add_heading(struct ey_buf *out, const char *text)
{
	ey_buf_printf(out, "\n---- %s ----\n\n", text);
}

void text_add_regs(struct ey_buf *out, const struct cpu_regs *r, bool partial)
{
	ey_buf_printf(out, "    RIP: %016" PRIx64 "  RSP: %016" PRIx64 "  RFLAGS: %08" PRIx64 "\n",
		      r->ip, r->sp, r->flags);
	if (!partial) {
		ey_buf_printf(out,
			      "    RAX: %016" PRIx64 "  RBX: %016" PRIx64 "  RCX: %016" PRIx64 "\n"
			      "    RDX: %016" PRIx64 "  RSI: %016" PRIx64 "  RDI: %016" PRIx64 "\n"
			      "    RBP: %016" PRIx64 "   R8: %016" PRIx64 "   R9: %016" PRIx64 "\n"
			      "    R10: %016" PRIx64 "  R11: %016" PRIx64 "  R12: %016" PRIx64 "\n"
			      "    R13: %016" PRIx64 "  R14: %016" PRIx64 "  R15: %016" PRIx64 "\n"
			      "    ORIG_RAX: %016" PRIx64 "  ",
			      r->ax, r->bx, r->cx, r->dx, r->si, r->di, r->bp, r->r8, r->r9, r->r10,
			      r->r11, r->r12, r->r13, r->r14, r->r15, r->orig_ax);
	} else {
		ey_buf_adds(out, "    ");
	}
	ey_buf_printf(out, "CS: %04" PRIx64 "  SS: %04" PRIx64 "\n", r->cs, r->ss);
}

void text_add_stack(struct ey_buf *out, const struct stack *s)
{
	unsigned int number = 0;

	char pid[24] = "?";

	// Without types only where the task is.
	if (s->task.pid >= 0)
		snprintf(pid, sizeof(pid), "%" PRId64, s->task.pid);
	ey_buf_printf(out, "PID: %-8s TASK: %016" PRIx64 "  CPU: %-4d COMMAND: \"", pid,
		      s->task.address, s->cpu >= 0 ? s->cpu : s->task.cpu);
	const char *comm = s->task.pid >= 0 ? s->task.comm : "?";
	text_add_plain(out, comm, strlen(comm));
	ey_buf_adds(out, "\"\n");
	for (size_t i = 0; i < s->count; i++) {
		const struct stack_frame *f = &s->frames[i];

		if (f->interrupted && f->regs) {
			if (f->function[0]) {
				ey_buf_adds(out, "    [exception RIP: ");
				text_add_plain(out, f->function, strlen(f->function));
				ey_buf_printf(out, "+%" PRIu64 "]\n", f->offset);
			} else {
				ey_buf_adds(out,
					    "    [exception RIP: unknown or invalid address]\n");
			}
			text_add_regs(out, f->regs, f->partial_regs);
			continue;
		}
		ey_buf_printf(out, "%s#%u [%016" PRIx64 "] ", number < 10 ? " " : "", number,
			      f->sp);
		number++;
		if (f->function[0])
			text_add_plain(out, f->function, strlen(f->function));
		else
			ey_buf_adds(out, "(unknown)");
		ey_buf_printf(out, " at %016" PRIx64, f->address);
		if (f->module) {
			ey_buf_adds(out, " [");
			text_add_plain(out, f->module, strlen(f->module));
			ey_buf_adds(out, "]");
		}
		ey_buf_adds(out, f->reliable ? "\n" : "  (not sure)\n");
	}
	if (s->user_regs)
		text_add_regs(out, s->user_regs, false);
	if (s->broken)
		ey_buf_printf(out, "    (the stack cannot be followed further: %s)\n", s->broken);
}
