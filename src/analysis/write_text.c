/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "analysis/facts.h"
#include "vmcore/module.h"

// What a dump holds must not steer a terminal: only printable bytes pass.
static void add_plain(struct ey_buf *out, const char *text, size_t len)
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

static void add_field(struct ey_buf *out, const char *name, const char *value)
{
	ey_buf_printf(out, "%12s: ", name);
	add_plain(out, value && value[0] ? value : "(not known)",
		  value && value[0] ? strlen(value) : 11);
	ey_buf_addc(out, '\n');
}

static void add_heading(struct ey_buf *out, const char *text)
{
	ey_buf_printf(out, "\n---- %s ----\n\n", text);
}

static void add_event(struct ey_buf *out, const struct oops_event *e)
{
	if (!e) {
		add_field(out, "EVENT", "no crash is told of, neither by the log nor by the stack");
		return;
	}
	add_field(out, "EVENT", e->title);
	add_field(out, "KIND", oops_kind_name(e->kind));
	if (e->signature) {
		ey_buf_printf(out, "%12s: ", "WHERE");
		add_plain(out, e->signature, strlen(e->signature));
		if (e->module) {
			ey_buf_adds(out, " [");
			add_plain(out, e->module, strlen(e->module));
			ey_buf_adds(out, "]");
		}
		ey_buf_addc(out, '\n');
	}
	add_field(out, "REASON", e->reason);
}

static void add_times(struct ey_buf *out, const struct system_info *s)
{
	char date[64] = "";
	struct tm tm;
	time_t t = (time_t)s->crash_time;

	if (s->crash_time > 0 && gmtime_r(&t, &tm))
		strftime(date, sizeof(date), "%a %b %e %H:%M:%S UTC %Y", &tm);
	add_field(out, "DATE", date);
	if (s->uptime_seconds >= 0) {
		int64_t days = s->uptime_seconds / 86400, rest = s->uptime_seconds % 86400;

		ey_buf_printf(out, "%12s: ", "UPTIME");
		if (days)
			ey_buf_printf(out, "%" PRId64 " days, ", days);
		ey_buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 "\n", rest / 3600,
			      rest / 60 % 60, rest % 60);
	} else {
		add_field(out, "UPTIME", "");
	}
	if (s->have_load)
		ey_buf_printf(out, "%12s: %.2f, %.2f, %.2f\n", "LOAD AVERAGE", s->load[0],
			      s->load[1], s->load[2]);
}

static void add_sys(struct ey_buf *out, const struct facts *f)
{
	const struct system_info *s = &f->system;
	char hardware[4 * SYSTEM_TEXT_SIZE + 16] = "";
	char number[64] = "";

	ey_buf_printf(out, "%12s: ", "DUMPFILE");
	add_plain(out, f->dump_name, strlen(f->dump_name));
	ey_buf_printf(out, "  [%s%s]\n", dump_format_name(&f->kernel->dump),
		      f->kernel->dump.incomplete ? ", INCOMPLETE" : "");
	if (s->cpus >= 0)
		snprintf(number, sizeof(number), "%" PRId64, s->cpus);
	add_field(out, "CPUS", number);
	add_times(out, s);
	number[0] = '\0';
	if (f->tasks.count)
		snprintf(number, sizeof(number), "%zu", f->tasks.count);
	add_field(out, "TASKS", number);
	add_field(out, "NODENAME", s->hostname);
	add_field(out, "RELEASE", s->release);
	add_field(out, "VERSION", s->version);
	if (s->cpu_mhz >= 0)
		snprintf(number, sizeof(number), "%.32s  (%" PRId64 " Mhz)", s->machine,
			 s->cpu_mhz);
	add_field(out, "MACHINE", s->cpu_mhz >= 0 ? number : s->machine);
	number[0] = '\0';
	if (s->memory_bytes >= 0)
		snprintf(number, sizeof(number), "%.1f MB", (double)s->memory_bytes / (1 << 20));
	add_field(out, "MEMORY", number);
	if (s->vendor[0] || s->product[0] || s->bios_version[0])
		snprintf(hardware, sizeof(hardware), "%s %s, firmware %s %s", s->vendor, s->product,
			 s->bios_version, s->bios_date);
	add_field(out, "HARDWARE", hardware);
	if (s->have_taint)
		add_field(out, "TAINT", s->taint[0] ? s->taint : "none");
	if (f->have_panic_task) {
		const struct stack *p = &f->stacks[0];

		ey_buf_printf(out, "%12s: %" PRId64 "\n", "PID", p->task.pid);
		ey_buf_printf(out, "%12s: \"", "COMMAND");
		add_plain(out, p->task.comm, strlen(p->task.comm));
		ey_buf_printf(out, "\"\n%12s: %016" PRIx64 "\n%12s: %d\n%12s: %s (PANIC)\n", "TASK",
			      p->task.address, "CPU", p->cpu, "STATE", p->task.state);
	}
}

static void add_regs(struct ey_buf *out, const struct cpu_regs *r, bool partial)
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

static void add_stack(struct ey_buf *out, const struct stack *s)
{
	unsigned int number = 0;

	ey_buf_printf(out, "PID: %-8" PRId64 " TASK: %016" PRIx64 "  CPU: %-4d COMMAND: \"",
		      s->task.pid, s->task.address, s->cpu >= 0 ? s->cpu : s->task.cpu);
	add_plain(out, s->task.comm, strlen(s->task.comm));
	ey_buf_adds(out, "\"\n");
	for (size_t i = 0; i < s->count; i++) {
		const struct stack_frame *f = &s->frames[i];

		if (f->interrupted && f->regs) {
			if (f->function[0]) {
				ey_buf_adds(out, "    [exception RIP: ");
				add_plain(out, f->function, strlen(f->function));
				ey_buf_printf(out, "+%" PRIu64 "]\n", f->offset);
			} else {
				ey_buf_adds(out,
					    "    [exception RIP: unknown or invalid address]\n");
			}
			add_regs(out, f->regs, f->partial_regs);
			continue;
		}
		ey_buf_printf(out, "%s#%u [%016" PRIx64 "] ", number < 10 ? " " : "", number,
			      f->sp);
		number++;
		if (f->function[0])
			add_plain(out, f->function, strlen(f->function));
		else
			ey_buf_adds(out, "(unknown)");
		ey_buf_printf(out, " at %016" PRIx64, f->address);
		if (f->module) {
			ey_buf_adds(out, " [");
			add_plain(out, f->module, strlen(f->module));
			ey_buf_adds(out, "]");
		}
		ey_buf_adds(out, f->reliable ? "\n" : "  (not sure)\n");
	}
	if (s->user_regs)
		add_regs(out, s->user_regs, false);
	if (s->broken)
		ey_buf_printf(out, "    (the stack cannot be followed further: %s)\n", s->broken);
}

static void add_ps(struct ey_buf *out, const struct facts *f)
{
	ey_buf_adds(out,
		    "      PID    PPID  CPU       TASK        ST  %MEM      VSZ      RSS  COMM\n");
	for (size_t i = 0; i < f->tasks.count; i++) {
		const struct task *t = &f->tasks.tasks[i];
		double share = f->system.memory_bytes > 0 ? 100.0 * 1024 * (double)t->rss_kib /
								    (double)f->system.memory_bytes
							  : 0;

		ey_buf_printf(out,
			      "%c %7" PRId64 " %7" PRId64 " %3d  %016" PRIx64
			      "  %s  %4.1f %8" PRIu64 " %8" PRIu64 "  ",
			      t->running ? '>' : ' ', t->pid, t->ppid, t->cpu, t->address, t->state,
			      share, t->vsz_kib, t->rss_kib);
		// crash shows kernel threads, which have no memory, in brackets.
		bool kernel_thread = !t->vsz_kib;
		ey_buf_adds(out, kernel_thread ? "[" : "");
		add_plain(out, t->comm, strlen(t->comm));
		ey_buf_adds(out, kernel_thread ? "]\n" : "\n");
	}
}

static void add_mod(struct ey_buf *out, const struct kernel *k)
{
	ey_buf_printf(out, "     MODULE       %-24s       BASE           SIZE  TAINT\n", "NAME");
	for (size_t i = 0; i < k->module_count; i++) {
		const struct module *m = &k->modules[i];

		ey_buf_printf(out, "%016" PRIx64 "  ", m->address);
		size_t before = out->len;
		add_plain(out, m->name, strlen(m->name));
		int pad = 24 - (int)(out->len - before);
		ey_buf_printf(out, "%*s  %016" PRIx64 " %10" PRIu64 "  %s\n", pad > 0 ? pad : 0, "",
			      m->base, m->size, m->taint[0] ? m->taint : "-");
	}
}

void facts_write_text(const struct facts *f, struct ey_buf *out)
{
	const struct kernel *k = f->kernel;

	add_event(out, f->event);
	add_sys(out, f);
	if (k->gap_count) {
		add_heading(out, "what could not be read");
		for (size_t i = 0; i < k->gap_count; i++) {
			ey_buf_printf(out, "%s: ", k->gaps[i].what);
			add_plain(out, k->gaps[i].why, strlen(k->gaps[i].why));
			ey_buf_addc(out, '\n');
		}
	}
	if (f->have_panic_task) {
		add_heading(out, "bt: the panic task");
		add_stack(out, &f->stacks[0]);
	}
	if (f->stack_count > (f->have_panic_task ? 1 : 0)) {
		add_heading(out, "bt -a: what the other CPUs did");
		for (size_t i = f->have_panic_task ? 1 : 0; i < f->stack_count; i++) {
			add_stack(out, &f->stacks[i]);
			ey_buf_addc(out, '\n');
		}
	}
	add_heading(out, "log");
	add_plain(out, ey_buf_str(&f->log), f->log.len);
	if (f->tasks.count) {
		add_heading(out, "ps");
		add_ps(out, f);
	}
	if (k->module_count) {
		add_heading(out, "mod");
		add_mod(out, k);
	}
}
