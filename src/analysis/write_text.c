/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "analysis/facts.h"
#include "analysis/text.h"
#include "vmcore/module.h"

static void add_field(struct ey_buf *out, const char *name, const char *value)
{
	ey_buf_printf(out, "%12s: ", name);
	text_add_plain(out, value && value[0] ? value : "(not known)",
		       value && value[0] ? strlen(value) : 11);
	ey_buf_addc(out, '\n');
}

static void add_event(struct ey_buf *out, const struct facts *f)
{
	const struct oops_event *e = f->event;

	if (!e) {
		add_field(out, "EVENT",
			  f->kernel->dump.live ? "none: a live look at the kernel that runs"
			  : !f->log.len && !f->stack_count
				  ? "not known: neither the log nor a stack could be read"
				  : "no crash is told of, neither by the log nor by the stack");
		return;
	}
	add_field(out, "EVENT", e->title);
	add_field(out, "KIND", oops_kind_name(e->kind));
	if (e->signature) {
		ey_buf_printf(out, "%12s: ", "WHERE");
		text_add_plain(out, e->signature, strlen(e->signature));
		if (e->module) {
			ey_buf_adds(out, " [");
			text_add_plain(out, e->module, strlen(e->module));
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
	text_add_plain(out, f->dump_name, strlen(f->dump_name));
	ey_buf_printf(out, "  [%s%s]\n", dump_format_name(&f->kernel->dump),
		      f->kernel->dump.incomplete && f->kernel->dump.format != DUMP_NONE
			      ? ", INCOMPLETE"
			      : "");
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
	if (s->cpu_mhz >= 0 && s->machine[0])
		snprintf(number, sizeof(number), "%.32s  (%" PRId64 " Mhz)", s->machine,
			 s->cpu_mhz);
	add_field(out, "MACHINE", s->cpu_mhz >= 0 && s->machine[0] ? number : s->machine);
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
	if (f->have_panic_task && f->stacks[0].task.pid >= 0) {
		const struct stack *p = &f->stacks[0];

		ey_buf_printf(out, "%12s: %" PRId64 "\n", "PID", p->task.pid);
		ey_buf_printf(out, "%12s: \"", "COMMAND");
		text_add_plain(out, p->task.comm, strlen(p->task.comm));
		ey_buf_printf(out, "\"\n%12s: %016" PRIx64 "\n%12s: %d\n%12s: %s (PANIC)\n", "TASK",
			      p->task.address, "CPU", p->cpu, "STATE", p->task.state);
	}
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
		text_add_plain(out, t->comm, strlen(t->comm));
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
		text_add_plain(out, m->name, strlen(m->name));
		int pad = 24 - (int)(out->len - before);
		ey_buf_printf(out, "%*s  %016" PRIx64 " %10" PRIu64 "  %s\n", pad > 0 ? pad : 0, "",
			      m->base, m->size, m->taint[0] ? m->taint : "-");
	}
}

void facts_write_text(const struct facts *f, struct ey_buf *out)
{
	const struct kernel *k = f->kernel;

	add_event(out, f);
	add_sys(out, f);
	if (k->gap_count) {
		text_add_heading(out, "what could not be read");
		for (size_t i = 0; i < k->gap_count; i++) {
			ey_buf_printf(out, "%s: ", k->gaps[i].what);
			text_add_plain(out, k->gaps[i].why, strlen(k->gaps[i].why));
			ey_buf_addc(out, '\n');
		}
	}
	if (f->have_panic_task) {
		text_add_heading(out, "bt: the panic task");
		text_add_stack(out, &f->stacks[0]);
	}
	if (f->stack_count > (f->have_panic_task ? 1 : 0)) {
		text_add_heading(out, "bt -a: what the other CPUs did");
		for (size_t i = f->have_panic_task ? 1 : 0; i < f->stack_count; i++) {
			text_add_stack(out, &f->stacks[i]);
			ey_buf_addc(out, '\n');
		}
	}
	ey_buf_add(out, ey_buf_str(&f->pass_text), f->pass_text.len);
	text_add_heading(out, "log");
	text_add_plain(out, ey_buf_str(&f->log), f->log.len);
	if (f->tasks.count) {
		text_add_heading(out, "ps");
		add_ps(out, f);
	}
	if (k->module_count) {
		text_add_heading(out, "mod");
		add_mod(out, k);
	}
}
