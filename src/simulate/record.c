/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "simulate/log.h"

void sim_texts_deinit(struct sim_texts *texts)
{
	ey_buf_deinit(&texts->log);
	ey_buf_deinit(&texts->record);
	ey_buf_deinit(&texts->light);
	ey_buf_deinit(&texts->analysis);
}

static const char *const commands[] = {
	"systemd", "kthreadd",	 "rcu_preempt", "migration/0",	"ksoftirqd/0", "kworker/0:1",
	"kswapd0", "sshd",	 "nginx",	"postgres",	"containerd",  "node_exporter",
	"chronyd", "rsyslogd",	 "dockerd",	"java",		"memcached",   "haproxy",
	"etcd",	   "kube-proxy", "prometheus",	"redis-server", "python3",     "agetty",
};

enum { TASKS_FULL = 72, TASKS_SMALL = 6 };

static uint64_t kernel_text(const struct sim_case *c, const char *function, uint32_t offset)
{
	return UINT64_C(0xffffffff81000000) +
	       (sim_hash(sim_hash_text(function), sim_hash_text(c->kernel), 1) & 0xfffff0) + offset;
}

static void write_frame(struct ey_json *w, const struct sim_case *c, const char *function,
			const char *module, uint32_t offset, bool reliable, unsigned int line)
{
	ey_json_object_begin(w);
	ey_json_kv_string(w, "function", function);
	ey_json_kv_uint(w, "offset", offset);
	ey_json_kv_uint(w, "size", sim_function_size(function));
	ey_json_kv_string(w, "module", module && *module ? module : NULL);
	if (!line)
		ey_json_kv_address(w, "address", kernel_text(c, function, offset));
	ey_json_kv_bool(w, "reliable", reliable);
	if (line)
		ey_json_kv_uint(w, "line", line);
	ey_json_object_end(w);
}

static void write_hardware_error(struct ey_json *w, const struct sim_log *log)
{
	static const char evidence[] = "the hardware reported it: a fatal machine check";
	static const char *const flags[] = {"VAL", "UC", "EN", "MISCV", "ADDRV", "PCC", "S", "AR"};

	ey_json_kv_string(w, "verdict", "hardware");
	ey_json_kv_string(w, "evidence", evidence);
	ey_json_key(w, "hints");
	ey_json_array_begin(w);
	ey_json_object_begin(w);
	ey_json_kv_string(w, "verdict", "hardware");
	ey_json_kv_string(w, "evidence", evidence);
	ey_json_object_end(w);
	ey_json_array_end(w);
	ey_json_key(w, "hardware_error");
	ey_json_object_begin(w);
	ey_json_kv_string(w, "source", "mce");
	ey_json_kv_string(w, "severity", "fatal");
	ey_json_kv_bool(w, "corrected", false);
	ey_json_kv_string(w, "class", "memory controller");
	ey_json_kv_string(w, "detail", "memory read error on channel 1");
	ey_json_kv_uint(w, "cpu", log->cpu);
	ey_json_kv_uint(w, "socket", 0);
	ey_json_kv_uint(w, "bank", 7);
	ey_json_kv_string(w, "status", "bf80000000800091");
	ey_json_kv_address(w, "address", log->address);
	ey_json_key(w, "flags");
	ey_json_array_begin(w);
	for (size_t i = 0; i < EY_ARRAY_SIZE(flags); i++)
		ey_json_string(w, flags[i]);
	ey_json_array_end(w);
	ey_json_kv_string(w, "vendor", "Intel");
	ey_json_kv_string(w, "cpuid", "606a6");
	ey_json_kv_string(w, "microcode", "d0003d1");
	ey_json_kv_string(w, "kernel_says", "Processor context corrupt");
	ey_json_key(w, "lines");
	ey_json_object_begin(w);
	ey_json_kv_uint(w, "status", log->status_line);
	ey_json_object_end(w);
	ey_json_object_end(w);
}

static void write_event(struct ey_json *w, const struct sim_log *log)
{
	const struct sim_case *c = log->c;
	const struct sim_fault *f = c->fault;
	char signature[SIM_SIGNATURE_SIZE], hardware[256];
	const char *function;
	uint32_t offset;

	sim_fault_where(f, c->kernel, &function, &offset, signature);
	sim_log_hardware(c, hardware, sizeof(hardware));
	ey_json_object_begin(w);
	ey_json_kv_string(w, "kind", sim_kind_name(f->kind));
	ey_json_kv_string(w, "title", f->title);
	ey_json_kv_string(w, "function", function);
	ey_json_kv_uint(w, "offset", offset);
	ey_json_kv_uint(w, "size", sim_function_size(function));
	ey_json_kv_string(w, "module", function == f->place.function ? f->place.module : NULL);
	ey_json_kv_string(w, "guilty", f->guilty[0] ? f->guilty : NULL);
	ey_json_kv_string(w, "signature", signature);
	ey_json_kv_string(w, "reason", f->reason);
	ey_json_kv_uint(w, "cpu", log->cpu);
	ey_json_kv_uint(w, "pid", log->pid);
	ey_json_kv_string(w, "comm", log->comm);
	ey_json_kv_string(w, "taint", log->taint[0] ? log->taint : NULL);
	ey_json_kv_string(w, "kernel", c->kernel);
	ey_json_kv_string(w, "hardware", hardware);
	ey_json_key(w, "frames");
	ey_json_array_begin(w);
	for (size_t i = 0; i < log->frame_count; i++)
		write_frame(w, c, log->frames[i].function, log->frames[i].module,
			    log->frames[i].offset, log->frames[i].reliable, log->frames[i].line);
	ey_json_array_end(w);
	ey_json_kv_bool(w, "corrupted", false);
	if (f->kind == SIM_KIND_MCE)
		write_hardware_error(w, log);
	ey_json_kv_uint(w, "first_line", log->first_line);
	ey_json_kv_uint(w, "last_line", log->last_line);
	ey_json_key(w, "lines");
	ey_json_object_begin(w);
	ey_json_kv_uint(w, "title", log->first_line);
	if (log->place_line)
		ey_json_kv_uint(w, "function", log->place_line);
	ey_json_kv_uint(w, "cpu", log->cpu_line);
	ey_json_kv_uint(w, "kernel", log->cpu_line);
	ey_json_kv_uint(w, "hardware", log->hardware_line);
	ey_json_object_end(w);
	ey_json_object_end(w);
}

static void write_head(struct ey_json *w, const struct sim_log *log)
{
	const struct sim_case *c = log->c;
	char text[256], when[EY_TIME_TEXT_SIZE];

	ey_json_kv_string(w, "schema", "eyrie/crash/1");
	ey_json_key(w, "identity");
	ey_json_object_begin(w);
	ey_json_kv_string(w, "hostname", c->hostname);
	ey_json_kv_string(w, "machine_id", c->machine_id);
	ey_json_kv_string(w, "boot_id", c->boot_id);
	ey_json_kv_string(w, "dmi_uuid", c->dmi_uuid);
	ey_json_kv_string(w, "dmi_serial", c->dmi_serial);
	ey_json_object_end(w);
	ey_json_key(w, "dump");
	ey_json_object_begin(w);
	ey_json_kv_string(w, "format", "kdump-compressed");
	ey_json_kv_uint(w, "bytes", 100000003 + sim_hash(c->seed, 7, 0) % 900000000);
	ey_json_kv_bool(w, "complete", true);
	ey_json_object_end(w);
	ey_json_kv_string(w, "engine", "native");
	ey_json_key(w, "gaps");
	ey_json_array_begin(w);
	ey_json_array_end(w);
	ey_json_key(w, "system");
	ey_json_object_begin(w);
	ey_json_kv_string(w, "hostname", c->hostname);
	ey_json_kv_string(w, "release", c->kernel);
	snprintf(text, sizeof(text), "#1 SMP PREEMPT_DYNAMIC Debian %s", c->package);
	ey_json_kv_string(w, "version", text);
	ey_json_kv_string(w, "machine", "x86_64");
	ey_json_kv_uint(w, "cpus", c->model->cpus);
	ey_json_kv_uint(w, "memory_bytes", c->model->memory_gib << 30);
	ey_json_kv_string(w, "crash_time", ey_time_format(c->time, when));
	ey_json_kv_int(w, "uptime_seconds", c->uptime);
	ey_json_key(w, "load");
	ey_json_array_begin(w);
	for (uint64_t i = 0; i < 3; i++)
		ey_json_double(w, (double)(sim_hash(c->seed, 8, i) % 3000) / 100, 2);
	ey_json_array_end(w);
	ey_json_kv_string(w, "taint", NULL);
	ey_json_object_end(w);
	ey_json_key(w, "inventory");
	ey_json_object_begin(w);
	ey_json_kv_string(w, "vendor", c->model->vendor);
	ey_json_kv_string(w, "product", c->model->product);
	ey_json_kv_string(w, "bios_vendor", c->model->vendor);
	ey_json_kv_string(w, "bios_version", c->bios);
	ey_json_kv_string(w, "bios_date", c->bios_date);
	ey_json_kv_string(w, "microcode", "0xd0003d1");
	ey_json_object_end(w);
}

static void write_task_name(struct ey_json *w, const struct sim_log *log)
{
	ey_json_kv_uint(w, "pid", log->pid);
	ey_json_kv_string(w, "comm", log->comm);
	ey_json_kv_uint(w, "cpu", log->cpu);
	ey_json_kv_address(w, "address", log->task);
}

static void write_panic_stack(struct ey_json *w, const struct sim_log *log)
{
	const struct sim_case *c = log->c;
	char signature[SIM_SIGNATURE_SIZE];
	const char *function;
	uint32_t offset;

	sim_fault_where(c->fault, c->kernel, &function, &offset, signature);
	ey_json_object_begin(w);
	write_task_name(w, log);
	ey_json_key(w, "frames");
	ey_json_array_begin(w);
	write_frame(w, c, "machine_kexec", NULL, 0x1b3, true, 0);
	write_frame(w, c, "__crash_kexec", NULL, 0x79, true, 0);
	write_frame(w, c, "crash_kexec", NULL, 0x24, true, 0);
	write_frame(w, c, function,
		    function == c->fault->place.function ? c->fault->place.module : NULL, offset,
		    true, 0);
	for (size_t i = 0; i < log->frame_count; i++) {
		if (log->frames[i].reliable)
			write_frame(w, c, log->frames[i].function, log->frames[i].module,
				    log->frames[i].offset, true, 0);
	}
	ey_json_array_end(w);
	ey_json_object_end(w);
}

static void write_idle_stacks(struct ey_json *w, const struct sim_log *log, unsigned int count)
{
	static const char *const frames[] = {
		"crash_nmi_callback", "default_do_nmi",	     "exc_nmi",	      "end_repeat_nmi",
		"intel_idle",	      "cpuidle_enter_state", "cpuidle_enter", "do_idle",
		"cpu_startup_entry",  "start_secondary"};
	char comm[16];

	for (unsigned int cpu = 0; cpu < count; cpu++) {
		if (cpu == log->cpu)
			continue;
		snprintf(comm, sizeof(comm), "swapper/%u", cpu);
		ey_json_object_begin(w);
		ey_json_kv_uint(w, "pid", 0);
		ey_json_kv_string(w, "comm", comm);
		ey_json_kv_uint(w, "cpu", cpu);
		ey_json_kv_address(w, "address", UINT64_C(0xffff888100200000) + cpu * 0x2000);
		ey_json_key(w, "frames");
		ey_json_array_begin(w);
		for (size_t i = 0; i < EY_ARRAY_SIZE(frames); i++)
			write_frame(w, log->c, frames[i], NULL,
				    sim_function_offset(frames[i], log->c->kernel), true, 0);
		ey_json_array_end(w);
		ey_json_object_end(w);
	}
}

static void write_tasks(struct ey_json *w, const struct sim_log *log, unsigned int count)
{
	struct sim_rng rng;

	sim_rng_init(&rng, log->c->seed, 3);
	ey_json_key(w, "tasks");
	ey_json_array_begin(w);
	for (unsigned int i = 0; i < count; i++) {
		bool thread = i < 7, hit = i == count - 1;

		ey_json_object_begin(w);
		ey_json_kv_uint(w, "pid", hit ? log->pid : i + i / 8 * 37);
		ey_json_kv_uint(w, "ppid", i < 2 ? 0 : thread ? 2 : 1);
		ey_json_kv_uint(w, "cpu", hit ? log->cpu : i % log->c->model->cpus);
		ey_json_kv_string(w, "state", hit ? "RU" : "IN");
		ey_json_kv_string(w, "comm",
				  hit ? log->comm : commands[i % EY_ARRAY_SIZE(commands)]);
		ey_json_kv_address(w, "address",
				   hit ? log->task : UINT64_C(0xffff888100400000) + i * 0x2600);
		ey_json_kv_uint(w, "vsz_kib", thread ? 0 : 4096 + sim_rng_below(&rng, 400000));
		ey_json_kv_uint(w, "rss_kib", thread ? 0 : 512 + sim_rng_below(&rng, 90000));
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void write_modules(struct ey_json *w)
{
	static const char *const names[] = {"nf_tables", "veth",	 "overlay",  "bonding",
					    "kvm_intel", "kvm",		 "xfs",	     "ipmi_si",
					    "ext4",	 "raid1",	 "dm_mod",   "bnxt_en",
					    "nvme",	 "megaraid_sas", "mlx5_core"};

	ey_json_key(w, "modules");
	ey_json_array_begin(w);
	for (size_t i = 0; i < EY_ARRAY_SIZE(names); i++) {
		ey_json_object_begin(w);
		ey_json_kv_string(w, "name", names[i]);
		ey_json_kv_address(w, "base", UINT64_C(0xffffffffc0100000) + i * 0x40000);
		ey_json_kv_uint(w, "size", 16384 * (i + 1));
		ey_json_kv_string(w, "taint", "");
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void write_record(const struct sim_log *log, enum sim_evidence evidence, bool light,
			 struct ey_buf *buf)
{
	bool full = evidence == SIM_EVIDENCE_FULL;
	struct ey_json w;

	ey_buf_clear(buf);
	ey_json_init(&w, buf, 0);
	ey_json_object_begin(&w);
	write_head(&w, log);
	ey_json_key(&w, "event");
	write_event(&w, log);
	ey_json_key(&w, "panic_task");
	ey_json_object_begin(&w);
	write_task_name(&w, log);
	ey_json_object_end(&w);
	ey_json_key(&w, "stacks");
	ey_json_array_begin(&w);
	write_panic_stack(&w, log);
	if (!light && full)
		write_idle_stacks(&w, log, 3);
	ey_json_array_end(&w);
	if (!light)
		write_tasks(&w, log, full ? TASKS_FULL : TASKS_SMALL);
	write_modules(&w);
	if (!light) {
		ey_json_key(&w, "log");
		ey_json_stringn(&w, ey_buf_str(log->text), log->text->len);
	}
	ey_json_object_end(&w);
	ey_buf_addc(buf, '\n');
}

// As `eyrie analyze` lays it out.
static void write_analysis(const struct sim_log *log, bool full, struct ey_buf *b)
{
	const struct sim_case *c = log->c;
	char signature[SIM_SIGNATURE_SIZE], when[EY_TIME_TEXT_SIZE];
	const char *function;
	uint32_t offset;
	unsigned int n = 0;

	sim_fault_where(c->fault, c->kernel, &function, &offset, signature);
	ey_buf_clear(b);
	ey_buf_printf(b, "       EVENT: %s\n        KIND: %s\n       WHERE: %s\n      REASON: %s\n",
		      c->fault->title, sim_kind_name(c->fault->kind), signature, c->fault->reason);
	ey_buf_printf(b,
		      "    DUMPFILE: vmcore  [kdump-compressed]\n        CPUS: %" PRIu64
		      "\n        DATE: %s\n      UPTIME: %" PRId64 " days, %02" PRId64 ":%02" PRId64
		      ":%02" PRId64 "\n",
		      c->model->cpus, ey_time_format(c->time, when), c->uptime / 86400,
		      c->uptime / 3600 % 24, c->uptime / 60 % 60, c->uptime % 60);
	ey_buf_printf(b,
		      "    NODENAME: %s\n     RELEASE: %s\n     VERSION: #1 SMP PREEMPT_DYNAMIC "
		      "Debian %s\n     MACHINE: x86_64\n      MEMORY: %" PRIu64
		      " GB\n    HARDWARE: %s %s, firmware %s %s\n",
		      c->hostname, c->kernel, c->package, c->model->memory_gib, c->model->vendor,
		      c->model->product, c->bios, c->bios_date);
	ey_buf_printf(b,
		      "         PID: %u\n     COMMAND: \"%s\"\n        TASK: %016" PRIx64
		      "\n         CPU: %u\n       STATE: RU (PANIC)\n\n",
		      log->pid, log->comm, log->task, log->cpu);
	ey_buf_printf(b,
		      "---- bt: the panic task ----\n\nPID: %-8u TASK: %016" PRIx64
		      "  CPU: %-4u COMMAND: \"%s\"\n",
		      log->pid, log->task, log->cpu, log->comm);
	ey_buf_printf(b, " #%u %s at %016" PRIx64 "\n", n++, function,
		      kernel_text(c, function, offset));
	for (size_t i = 0; i < log->frame_count; i++) {
		const struct sim_frame *f = &log->frames[i];

		if (f->reliable)
			ey_buf_printf(b, "%s#%u %s at %016" PRIx64 "%s%s%s\n", n < 10 ? " " : "", n,
				      f->function, kernel_text(c, f->function, f->offset),
				      f->module[0] ? " [" : "", f->module, f->module[0] ? "]" : "");
		n += f->reliable;
	}
	if (!full)
		return;
	ey_buf_adds(b, "\n---- log ----\n\n");
	ey_buf_add(b, log->text->data, log->text->len);
}

struct ey_error *sim_texts_make(const struct sim_case *c, enum sim_evidence evidence,
				struct sim_texts *ret)
{
	struct sim_log log = {.text = &ret->log, .c = c};
	bool full = evidence == SIM_EVIDENCE_FULL;
	struct ey_error *err;

	ey_buf_clear(&ret->log);
	sim_rng_init(&log.rng, c->seed, 2);
	log.cpu = (unsigned int)sim_rng_below(&log.rng, c->model->cpus);
	log.pid = 2 + (unsigned int)sim_rng_below(&log.rng, 60000);
	log.task = UINT64_C(0xffff888100000000) + sim_rng_below(&log.rng, 1 << 20) * 0x40;
	snprintf(log.comm, sizeof(log.comm), "%s",
		 commands[sim_rng_below(&log.rng, EY_ARRAY_SIZE(commands))]);
	sim_log_boot(&log, full);
	sim_log_days(&log, full ? 30 + (unsigned int)sim_rng_below(&log.rng, 20) : 0);
	sim_log_crash(&log);
	write_record(&log, evidence, false, &ret->record);
	write_record(&log, evidence, true, &ret->light);
	write_analysis(&log, full, &ret->analysis);
	err = ey_buf_error(&ret->log);
	if (!err)
		err = ey_buf_error(&ret->record);
	if (!err)
		err = ey_buf_error(&ret->light);
	return err ? err : ey_buf_error(&ret->analysis);
}
