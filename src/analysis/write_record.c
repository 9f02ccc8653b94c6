/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "analysis/facts.h"
#include "base/clock.h"
#include "base/json.h"
#include "vmcore/module.h"

// null rather than an empty string: "not known".
static void kv_text(struct ey_json *w, const char *key, const char *s)
{
	ey_json_kv_string(w, key, s[0] ? s : NULL);
}

static void kv_known(struct ey_json *w, const char *key, int64_t v)
{
	ey_json_key(w, key);
	if (v < 0)
		ey_json_null(w);
	else
		ey_json_int(w, v);
}

static void write_system(struct ey_json *w, const struct system_info *s)
{
	char time[EY_TIME_TEXT_SIZE];

	ey_json_key(w, "system");
	ey_json_object_begin(w);
	kv_text(w, "hostname", s->hostname);
	kv_text(w, "release", s->release);
	kv_text(w, "version", s->version);
	kv_text(w, "machine", s->machine);
	kv_known(w, "cpus", s->cpus);
	kv_known(w, "memory_bytes", s->memory_bytes);
	kv_text(w, "crash_time", s->crash_time > 0 ? ey_time_format(s->crash_time, time) : "");
	kv_known(w, "uptime_seconds", s->uptime_seconds);
	ey_json_key(w, "load");
	if (s->have_load) {
		ey_json_array_begin(w);
		for (size_t i = 0; i < 3; i++)
			ey_json_double(w, s->load[i], 2);
		ey_json_array_end(w);
	} else {
		ey_json_null(w);
	}
	ey_json_kv_string(w, "taint", s->have_taint ? s->taint : NULL);
	ey_json_object_end(w);
}

static void write_inventory(struct ey_json *w, const struct system_info *s)
{
	char microcode[32] = "";

	if (s->microcode >= 0)
		snprintf(microcode, sizeof(microcode), "0x%" PRIx64, s->microcode);
	ey_json_key(w, "inventory");
	ey_json_object_begin(w);
	kv_text(w, "vendor", s->vendor);
	kv_text(w, "product", s->product);
	kv_text(w, "product_version", s->product_version);
	kv_text(w, "board_vendor", s->board_vendor);
	kv_text(w, "board_name", s->board_name);
	kv_text(w, "bios_vendor", s->bios_vendor);
	kv_text(w, "bios_version", s->bios_version);
	kv_text(w, "bios_date", s->bios_date);
	kv_text(w, "cpu_model", s->cpu_model);
	kv_text(w, "microcode", microcode);
	ey_json_object_end(w);
}

static void write_regs(struct ey_json *w, const struct cpu_regs *r, bool partial)
{
	const struct {
		const char *name;
		uint64_t value;
		bool always;
	} regs[] = {
		{"rip", r->ip, true},	{"rsp", r->sp, true},	{"rflags", r->flags, true},
		{"cs", r->cs, true},	{"ss", r->ss, true},	{"rax", r->ax, false},
		{"rbx", r->bx, false},	{"rcx", r->cx, false},	{"rdx", r->dx, false},
		{"rsi", r->si, false},	{"rdi", r->di, false},	{"rbp", r->bp, false},
		{"r8", r->r8, false},	{"r9", r->r9, false},	{"r10", r->r10, false},
		{"r11", r->r11, false}, {"r12", r->r12, false}, {"r13", r->r13, false},
		{"r14", r->r14, false}, {"r15", r->r15, false}, {"orig_rax", r->orig_ax, false},
	};

	ey_json_object_begin(w);
	for (size_t i = 0; i < EY_ARRAY_SIZE(regs); i++) {
		if (regs[i].always || !partial)
			ey_json_kv_address(w, regs[i].name, regs[i].value);
	}
	ey_json_object_end(w);
}

static void write_same(struct ey_json *w, const struct facts_stack *more)
{
	ey_json_key(w, "same");
	ey_json_array_begin(w);
	for (size_t i = 0; i < more->same_count; i++) {
		ey_json_object_begin(w);
		ey_json_kv_int(w, "pid", more->same[i].pid);
		ey_json_kv_string(w, "comm", more->same[i].comm);
		ey_json_kv_address(w, "address", more->same[i].address);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

// Without types only the address of a task is known.
static void write_pid_and_comm(struct ey_json *w, const struct task *t)
{
	ey_json_key(w, "pid");
	if (t->pid < 0)
		ey_json_null(w);
	else
		ey_json_int(w, t->pid);
	ey_json_kv_string(w, "comm", t->pid < 0 ? NULL : t->comm);
}

static void write_stack(struct ey_json *w, const struct stack *s, const struct facts_stack *more)
{
	ey_json_object_begin(w);
	write_pid_and_comm(w, &s->task);
	ey_json_kv_int(w, "cpu", s->cpu >= 0 ? s->cpu : s->task.cpu);
	ey_json_kv_address(w, "address", s->task.address);
	if (more) {
		ey_json_kv_string(w, "state", s->task.state);
		write_same(w, more);
	}
	ey_json_key(w, "frames");
	ey_json_array_begin(w);
	for (size_t i = 0; i < s->count; i++) {
		const struct stack_frame *f = &s->frames[i];

		ey_json_object_begin(w);
		kv_text(w, "function", f->function);
		ey_json_kv_uint(w, "offset", f->offset);
		ey_json_kv_uint(w, "size", f->size);
		ey_json_kv_string(w, "module", f->module);
		ey_json_kv_address(w, "address", f->address);
		ey_json_kv_bool(w, "reliable", f->reliable);
		if (f->interrupted)
			ey_json_kv_bool(w, "interrupted", true);
		if (f->regs) {
			ey_json_key(w, "registers");
			write_regs(w, f->regs, f->partial_regs);
		}
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
	ey_json_object_end(w);
}

static void write_tasks(struct ey_json *w, const struct task_list *list)
{
	ey_json_key(w, "tasks");
	ey_json_array_begin(w);
	for (size_t i = 0; i < list->count; i++) {
		const struct task *t = &list->tasks[i];

		ey_json_object_begin(w);
		ey_json_kv_int(w, "pid", t->pid);
		ey_json_kv_int(w, "ppid", t->ppid);
		ey_json_kv_int(w, "cpu", t->cpu);
		ey_json_kv_string(w, "state", t->state);
		ey_json_kv_string(w, "comm", t->comm);
		ey_json_kv_address(w, "address", t->address);
		ey_json_kv_uint(w, "vsz_kib", t->vsz_kib);
		ey_json_kv_uint(w, "rss_kib", t->rss_kib);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void write_modules(struct ey_json *w, const struct kernel *k)
{
	ey_json_key(w, "modules");
	ey_json_array_begin(w);
	for (size_t i = 0; i < k->module_count; i++) {
		const struct module *m = &k->modules[i];

		ey_json_object_begin(w);
		ey_json_kv_string(w, "name", m->name);
		ey_json_kv_address(w, "base", m->base);
		ey_json_kv_uint(w, "size", m->size);
		ey_json_kv_string(w, "taint", m->taint);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void write_gaps(struct ey_json *w, const struct kernel *k)
{
	ey_json_key(w, "gaps");
	ey_json_array_begin(w);
	for (size_t i = 0; i < k->gap_count; i++) {
		ey_json_object_begin(w);
		ey_json_kv_string(w, "what", k->gaps[i].what);
		ey_json_kv_string(w, "why", k->gaps[i].why);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void write_identity(struct ey_json *w, const struct system_info *s)
{
	ey_json_key(w, "identity");
	ey_json_object_begin(w);
	kv_text(w, "hostname", s->hostname);
	// The agent of the host adds what a dump does not hold.
	ey_json_kv_string(w, "machine_id", NULL);
	kv_text(w, "boot_id", s->boot_id);
	kv_text(w, "dmi_uuid", s->product_uuid);
	kv_text(w, "dmi_serial", s->product_serial);
	ey_json_object_end(w);
}

static void write_panic_task(struct ey_json *w, const struct facts *f)
{
	ey_json_key(w, "panic_task");
	if (!f->have_panic_task) {
		ey_json_null(w);
		return;
	}
	const struct stack *s = &f->stacks[0];
	ey_json_object_begin(w);
	write_pid_and_comm(w, &s->task);
	ey_json_kv_int(w, "cpu", s->cpu);
	ey_json_kv_address(w, "address", s->task.address);
	ey_json_object_end(w);
}

void facts_write_record(const struct facts *f, struct ey_buf *ret)
{
	const struct kernel *k = f->kernel;
	struct ey_json w;

	ey_json_init(&w, ret, 1);
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "schema", "eyrie/crash/1");
	write_identity(&w, &f->system);
	ey_json_key(&w, "dump");
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "format", dump_format_name(&k->dump));
	ey_json_kv_uint(&w, "bytes", f->dump_bytes);
	ey_json_kv_bool(&w, "complete", !k->dump.incomplete);
	ey_json_object_end(&w);
	ey_json_kv_string(&w, "engine", "native");
	write_gaps(&w, k);
	write_system(&w, &f->system);
	write_inventory(&w, &f->system);
	ey_json_key(&w, "event");
	if (f->event)
		oops_event_write(f->event, &w);
	else
		ey_json_null(&w);
	write_panic_task(&w, f);
	ey_json_key(&w, "stacks");
	ey_json_array_begin(&w);
	for (size_t i = 0; i < f->stack_count; i++)
		write_stack(&w, &f->stacks[i], NULL);
	for (size_t i = 0; i < f->more_count; i++)
		write_stack(&w, &f->more_stacks[i].stack, &f->more_stacks[i]);
	ey_json_array_end(&w);
	write_tasks(&w, &f->tasks);
	write_modules(&w, k);
	for (size_t i = 0; i < f->part_count; i++) {
		ey_json_key(&w, f->parts[i].key);
		ey_json_raw(&w, f->parts[i].json.data, f->parts[i].json.len);
	}
	ey_json_key(&w, "log");
	ey_json_stringn(&w, ey_buf_str(&f->log), f->log.len);
	ey_json_object_end(&w);
	ey_buf_addc(ret, '\n');
}
