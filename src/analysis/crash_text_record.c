/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "analysis/crash_text.h"
#include "base/clock.h"
#include "base/json.h"

// null rather than an empty string: "not known".
static void kv_text(struct ey_json *w, const char *key, const char *s)
{
	ey_json_kv_string(w, key, s && s[0] ? s : NULL);
}

static void kv_known(struct ey_json *w, const char *key, int64_t v)
{
	ey_json_key(w, key);
	if (v < 0)
		ey_json_null(w);
	else
		ey_json_int(w, v);
}

static void kv_address(struct ey_json *w, const char *key, uint64_t address)
{
	if (address)
		ey_json_kv_address(w, key, address);
	else
		ey_json_kv_string(w, key, NULL);
}

static void write_identity(struct ey_json *w, const struct crash_sys *s)
{
	ey_json_key(w, "identity");
	ey_json_object_begin(w);
	kv_text(w, "hostname", s->hostname);
	ey_json_kv_string(w, "machine_id", NULL);
	ey_json_kv_string(w, "boot_id", NULL);
	kv_text(w, "dmi_uuid", s->product_uuid);
	kv_text(w, "dmi_serial", s->product_serial);
	ey_json_object_end(w);
}

static void write_dump(struct ey_json *w, const struct crash_text *t, const struct crash_dump *d)
{
	ey_json_key(w, "dump");
	ey_json_object_begin(w);
	kv_text(w, "format", d->format);
	ey_json_kv_uint(w, "bytes", d->bytes);
	ey_json_kv_bool(w, "complete", !d->incomplete && !t->sys.incomplete);
	ey_json_object_end(w);
}

static void write_gaps(struct ey_json *w, const struct crash_text *t)
{
	ey_json_key(w, "gaps");
	ey_json_array_begin(w);
	for (size_t i = 0; i < t->gap_count; i++) {
		ey_json_object_begin(w);
		ey_json_kv_string(w, "what", t->gaps[i].what);
		ey_json_kv_string(w, "why", t->gaps[i].why);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void write_system(struct ey_json *w, const struct crash_sys *s)
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

static void write_inventory(struct ey_json *w, const struct crash_sys *s)
{
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
	ey_json_object_end(w);
}

static void write_panic_task(struct ey_json *w, const struct crash_text *t)
{
	ey_json_key(w, "panic_task");
	if (!t->have_panic_task) {
		ey_json_null(w);
		return;
	}
	ey_json_object_begin(w);
	kv_known(w, "pid", t->panic_pid);
	kv_text(w, "comm", t->panic_comm);
	kv_known(w, "cpu", t->panic_cpu);
	kv_address(w, "address", t->panic_address);
	ey_json_object_end(w);
}

static void write_frame(struct ey_json *w, const struct crash_frame *f)
{
	ey_json_object_begin(w);
	kv_text(w, "function", f->function);
	ey_json_key(w, "offset");
	// An offset that JSON's readers cannot hold is none.
	if (f->have_offset && f->offset <= INT64_MAX)
		ey_json_uint(w, f->offset);
	else
		ey_json_null(w);
	ey_json_kv_string(w, "size", NULL);
	ey_json_kv_string(w, "module", f->module);
	ey_json_kv_address(w, "address", f->address);
	ey_json_kv_bool(w, "reliable", true);
	if (f->interrupted)
		ey_json_kv_bool(w, "interrupted", true);
	if (f->reg_count) {
		ey_json_key(w, "registers");
		ey_json_object_begin(w);
		for (size_t i = 0; i < f->reg_count; i++) {
			bool again = false;

			for (size_t j = 0; j < i && !again; j++)
				again = !strcmp(f->regs[i].name, f->regs[j].name);
			if (!again)
				ey_json_kv_address(w, f->regs[i].name, f->regs[i].value);
		}
		ey_json_object_end(w);
	}
	ey_json_object_end(w);
}

static void write_stacks(struct ey_json *w, const struct crash_text *t)
{
	ey_json_key(w, "stacks");
	ey_json_array_begin(w);
	for (size_t i = 0; i < t->stack_count; i++) {
		const struct crash_stack *s = &t->stacks[i];

		ey_json_object_begin(w);
		ey_json_kv_int(w, "pid", s->pid);
		ey_json_kv_string(w, "comm", s->comm);
		kv_known(w, "cpu", s->cpu);
		kv_address(w, "address", s->task);
		ey_json_key(w, "frames");
		ey_json_array_begin(w);
		for (size_t j = 0; j < s->count; j++)
			write_frame(w, &s->frames[j]);
		ey_json_array_end(w);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void write_lists(struct ey_json *w, const struct crash_text *t)
{
	ey_json_key(w, "tasks");
	ey_json_array_begin(w);
	for (size_t i = 0; i < t->task_count; i++) {
		const struct crash_task *task = &t->tasks[i];

		ey_json_object_begin(w);
		ey_json_kv_int(w, "pid", task->pid);
		kv_known(w, "ppid", task->ppid);
		kv_known(w, "cpu", task->cpu);
		ey_json_kv_string(w, "state", task->state);
		ey_json_kv_string(w, "comm", task->comm);
		kv_address(w, "address", task->address);
		ey_json_kv_uint(w, "vsz_kib", task->vsz_kib);
		ey_json_kv_uint(w, "rss_kib", task->rss_kib);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
	ey_json_key(w, "modules");
	ey_json_array_begin(w);
	for (size_t i = 0; i < t->module_count; i++) {
		const struct crash_module *m = &t->modules[i];

		ey_json_object_begin(w);
		ey_json_kv_string(w, "name", m->name);
		kv_address(w, "base", m->base);
		ey_json_kv_uint(w, "size", m->size);
		ey_json_kv_string(w, "taint", m->taint);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

void crash_text_write_record(const struct crash_text *t, const struct crash_dump *dump,
			     struct ey_buf *ret)
{
	char engine[48];
	struct ey_json w;

	snprintf(engine, sizeof(engine), "crash%s%s", t->version[0] ? " " : "", t->version);
	ey_json_init(&w, ret, 1);
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "schema", "eyrie/crash/1");
	write_identity(&w, &t->sys);
	write_dump(&w, t, dump);
	ey_json_kv_string(&w, "engine", engine);
	write_gaps(&w, t);
	write_system(&w, &t->sys);
	write_inventory(&w, &t->sys);
	ey_json_key(&w, "event");
	if (t->event)
		oops_event_write(t->event, &w);
	else
		ey_json_null(&w);
	write_panic_task(&w, t);
	write_stacks(&w, t);
	write_lists(&w, t);
	ey_json_key(&w, "log");
	ey_json_stringn(&w, ey_buf_str(&t->log), t->log.len);
	ey_json_object_end(&w);
	ey_buf_addc(ret, '\n');
}
