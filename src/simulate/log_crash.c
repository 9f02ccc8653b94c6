/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last lines of a kernel, in the words of arch/x86/kernel/dumpstack.c, traps.c, mm/fault.c,
 * kernel/panic.c, watchdog.c, hung_task.c and cpu/mce/core.c of 6.1. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "simulate/log.h"

#define SAY(...) sim_log_line(log, 0.000011, __VA_ARGS__)

// One frame of a trace: "function", "function@module", "?function".
static void frame(struct sim_log *log, const char *word, size_t len, bool keep)
{
	struct sim_frame spare, *f = &spare;
	const char *at;

	if (keep && log->frame_count < SIM_FRAMES)
		f = &log->frames[log->frame_count++];
	*f = (struct sim_frame){.reliable = *word != '?'};
	if (*word == '?') {
		word++;
		len--;
	}
	at = memchr(word, '@', len);
	size_t name = at ? (size_t)(at - word) : len;
	snprintf(f->function, sizeof(f->function), "%.*s", (int)name, word);
	if (at)
		snprintf(f->module, sizeof(f->module), "%.*s", (int)(len - name - 1), at + 1);
	f->size = sim_function_size(f->function);
	f->offset = sim_function_offset(f->function, log->c->kernel);
	SAY(" %s%s+0x%x/0x%x%s%s%s", f->reliable ? "" : "? ", f->function, f->offset, f->size,
	    at ? " [" : "", f->module, at ? "]" : "");
	f->line = log->lines;
}

// Frames and marks, separated by spaces.
static void trace(struct sim_log *log, const char *words, bool keep)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		if (*words == '<')
			SAY(" %.*s", (int)len, words);
		else
			frame(log, words, len, keep);
		words += len;
		words += *words == ' ';
	}
}

static void who(struct sim_log *log)
{
	const struct sim_case *c = log->c;
	char hardware[256];

	SAY("CPU: %u PID: %u Comm: %s Kdump: loaded %s%s %s #1  Debian %s", log->cpu, log->pid,
	    log->comm, log->taint[0] ? "Tainted: " : "Not tainted", log->taint, c->kernel,
	    c->package);
	if (!log->cpu_line)
		log->cpu_line = log->lines;
	sim_log_hardware(c, hardware, sizeof(hardware));
	SAY("Hardware name: %s", hardware);
	if (!log->hardware_line)
		log->hardware_line = log->lines;
}

static void rip(struct sim_log *log)
{
	const struct sim_place *p = &log->c->fault->place;

	SAY("RIP: 0010:%s+0x%x/0x%x%s%s%s", p->function,
	    sim_function_offset(p->function, log->c->kernel), sim_function_size(p->function),
	    p->module ? " [" : "", p->module ? p->module : "", p->module ? "]" : "");
	if (!log->place_line)
		log->place_line = log->lines;
}

static uint64_t pointer(struct sim_log *log)
{
	return UINT64_C(0xffff888000000000) | (sim_rng_next(&log->rng) & 0x3fffffff8);
}

// RIP, code and registers; @p rax is what the instruction goes by.
static void state(struct sim_log *log, const char *instruction, uint64_t rax, uint64_t cr2)
{
	char code[160];
	int n = 0;

	rip(log);
	// What stands before is of no matter: moves between registers.
	for (int i = 0; i < 14; i++)
		n += snprintf(code + n, sizeof(code) - (size_t)n, "48 89 %02x ",
			      0xc0 + (unsigned int)sim_rng_below(&log->rng, 0x30));
	SAY("Code: %s%s 48 85 c0 74 0b 48 89 c7 e8 1f 33 00 00 85 c0 75 0a 31 c0", code,
	    instruction);
	SAY("RSP: 0018:ffffa1c2%08" PRIx64 " EFLAGS: 00010246",
	    sim_rng_below(&log->rng, UINT64_C(1) << 29) * 8);
	SAY("RAX: %016" PRIx64 " RBX: %016" PRIx64 " RCX: %016x", rax, pointer(log), 0);
	SAY("RDX: %016x RSI: %016" PRIx64 " RDI: %016" PRIx64, 1, pointer(log), pointer(log));
	SAY("RBP: %016" PRIx64 " R08: %016x R09: %016x", pointer(log), 0x18, 2);
	SAY("R10: %016x R11: %016x R12: %016" PRIx64, 0x3a, 0x246, pointer(log));
	SAY("R13: %016" PRIx64 " R14: %016" PRIx64 " R15: %016x", pointer(log), pointer(log), 0);
	SAY("FS:  0000000000000000(0000) GS:%016" PRIx64 "(0000) knlGS:0000000000000000",
	    UINT64_C(0xffff8890c0000000) + ((uint64_t)log->cpu << 18));
	SAY("CS:  0010 DS: 0000 ES: 0000 CR0: 0000000080050033");
	SAY("CR2: %016" PRIx64 " CR3: 00000001%08" PRIx64 " CR4: 0000000000770ee0", cr2,
	    sim_rng_below(&log->rng, 0x10000) << 12);
	SAY("DR0: 0000000000000000 DR1: 0000000000000000 DR2: 0000000000000000");
	SAY("DR3: 0000000000000000 DR6: 00000000fffe0ff0 DR7: 0000000000000400");
	SAY("PKRU: 55555554");
}

static void call_trace(struct sim_log *log)
{
	SAY("Call Trace:");
	trace(log, log->c->fault->place.callers, true);
}

static void modules(struct sim_log *log)
{
	SAY("Modules linked in: tls nft_ct nf_conntrack nf_defrag_ipv6 nf_defrag_ipv4 nf_tables "
	    "nfnetlink veth overlay 8021q garp stp mrp llc bonding intel_rapl_msr "
	    "intel_rapl_common i10nm_edac nfit libnvdimm kvm_intel kvm irqbypass rapl xfs "
	    "ipmi_ssif ast drm_shmem_helper mei_me acpi_ipmi ipmi_si ipmi_devintf "
	    "ipmi_msghandler evdev ext4 crc16 mbcache jbd2 raid1 md_mod dm_mod sd_mod bnxt_en "
	    "nvme nvme_core megaraid_sas mlx5_core");
}

static void end_of_oops(struct sim_log *log, uint64_t cr2)
{
	modules(log);
	if (cr2)
		SAY("CR2: %016" PRIx64, cr2);
	SAY("---[ end trace 0000000000000000 ]---");
}

// What panic() prints; the frames are another trace's.
static void panic_called(struct sim_log *log, const char *words, const char *callers, bool keep)
{
	SAY("Kernel panic - not syncing: %s", words);
	who(log);
	SAY("Call Trace:");
	trace(log, callers, keep);
}

static void fault(struct sim_log *log)
{
	uint64_t address = pointer(log) | UINT64_C(0x40000000000);

	switch (log->c->fault->kind) {
	case SIM_KIND_NULL_DEREF:
		SAY("BUG: kernel NULL pointer dereference, address: 0000000000000038");
		log->first_line = log->lines;
		SAY("#PF: supervisor read access in kernel mode");
		SAY("#PF: error_code(0x0000) - not-present page");
		SAY("PGD 0 P4D 0");
		SAY("Oops: 0000 [#1] PREEMPT SMP NOPTI");
		who(log);
		state(log, "<48> 8b 40 38", 0, 0x38);
		call_trace(log);
		end_of_oops(log, 0x38);
		break;
	case SIM_KIND_PAGE_FAULT:
		SAY("BUG: unable to handle page fault for address: %016" PRIx64, address);
		log->first_line = log->lines;
		SAY("#PF: supervisor read access in kernel mode");
		SAY("#PF: error_code(0x0000) - not-present page");
		SAY("PGD 207f401067 P4D 207f401067 PUD 0");
		SAY("Oops: 0000 [#1] PREEMPT SMP NOPTI");
		who(log);
		state(log, "<48> 8b 40 38", address - 0x38, address);
		call_trace(log);
		end_of_oops(log, address);
		break;
	case SIM_KIND_GPF:
		SAY("general protection fault, probably for non-canonical address "
		    "0xdead000000000122: 0000 [#1] PREEMPT SMP NOPTI");
		log->first_line = log->lines;
		who(log);
		state(log, "<48> 8b 40 38", UINT64_C(0xdead0000000000ea), UINT64_C(0x7f31c2a41000));
		call_trace(log);
		end_of_oops(log, 0);
		break;
	default:
		break;
	}
}

static void bug(struct sim_log *log)
{
	const struct sim_place *p = &log->c->fault->place;

	SAY("------------[ cut here ]------------");
	log->first_line = log->lines;
	SAY("kernel BUG at %s:%u!", p->file, 100 + sim_function_size(p->function));
	SAY("invalid opcode: 0000 [#1] PREEMPT SMP NOPTI");
	who(log);
	state(log, "<0f> 0b 66 90", 0, UINT64_C(0x7f31c2a41000));
	call_trace(log);
	end_of_oops(log, 0);
}

static void warning(struct sim_log *log)
{
	const struct sim_place *p = &log->c->fault->place;

	SAY("------------[ cut here ]------------");
	log->first_line = log->lines;
	SAY("WARNING: CPU: %u PID: %u at %s:%u %s+0x%x/0x%x%s%s%s", log->cpu, log->pid, p->file,
	    100 + sim_function_size(p->function), p->function,
	    sim_function_offset(p->function, log->c->kernel), sim_function_size(p->function),
	    p->module ? " [" : "", p->module ? p->module : "", p->module ? "]" : "");
	modules(log);
	who(log);
	state(log, "<0f> 0b 66 90", 0, UINT64_C(0x7f31c2a41000));
	call_trace(log);
	SAY("---[ end trace 0000000000000000 ]---");
	panic_called(log, "kernel: panic_on_warn set ...",
		     "<TASK> dump_stack_lvl panic check_panic_on_warn.cold __warn report_bug "
		     "handle_bug exc_invalid_op asm_exc_invalid_op </TASK>",
		     false);
}

static void soft_lockup(struct sim_log *log)
{
	SAY("watchdog: BUG: soft lockup - CPU#%u stuck for 26s! [%s:%u]", log->cpu, log->comm,
	    log->pid);
	log->first_line = log->lines;
	modules(log);
	who(log);
	state(log, "<f3> 90 48 8b 07", 0, UINT64_C(0x7f31c2a41000));
	call_trace(log);
	panic_called(log, "softlockup: hung tasks",
		     "<IRQ> dump_stack_lvl panic watchdog_timer_fn.cold __hrtimer_run_queues "
		     "hrtimer_interrupt __sysvec_apic_timer_interrupt sysvec_apic_timer_interrupt "
		     "</IRQ>",
		     false);
}

static void hang(struct sim_log *log)
{
	char callers[512];

	SAY("INFO: task %s:%u blocked for more than 120 seconds.", log->comm, log->pid);
	log->first_line = log->lines;
	SAY("      %s%s %s #1 Debian %s", log->taint[0] ? "Tainted: " : "Not tainted", log->taint,
	    log->c->kernel, log->c->package);
	SAY("\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.");
	SAY("task:%-15.15s state:D stack:0     pid:%-5u ppid:2      flags:0x00004000", log->comm,
	    log->pid);
	SAY("Call Trace:");
	snprintf(callers, sizeof(callers),
		 "<TASK> __schedule schedule schedule_timeout __down down %s%s%s %s </TASK>",
		 log->c->fault->place.function, log->c->fault->place.module ? "@" : "",
		 log->c->fault->place.module ? log->c->fault->place.module : "",
		 log->c->fault->place.callers);
	trace(log, callers, true);
	// Who panics is the detector's thread, on a CPU of its own choice.
	log->cpu = (log->cpu + 7) % (unsigned int)log->c->model->cpus;
	log->pid = 512;
	snprintf(log->comm, sizeof(log->comm), "khungtaskd");
	panic_called(log, "hung_task: blocked tasks",
		     "<TASK> dump_stack_lvl panic watchdog.cold kthread ret_from_fork </TASK>",
		     false);
}

static void machine_check(struct sim_log *log)
{
	uint64_t a = UINT64_C(0x1f00000000) + sim_rng_below(&log->rng, 1 << 24) * 64;

	log->address = a;
	log->tsc = sim_rng_next(&log->rng) >> 12;
	SAY("mce: [Hardware Error]: CPU %u: Machine Check Exception: 5 Bank 7: bf80000000800091",
	    log->cpu);
	log->first_line = log->status_line = log->lines;
	SAY("mce: [Hardware Error]: RIP !INEXACT! 10:<ffffffff81a2b3c4> {intel_idle+0x54/0x80}");
	SAY("mce: [Hardware Error]: TSC %" PRIx64 " ADDR %" PRIx64 " MISC 86 PPIN 2", log->tsc, a);
	SAY("mce: [Hardware Error]: PROCESSOR 0:606a6 TIME %" PRId64
	    " SOCKET 0 APIC %x microcode d0003d1",
	    log->c->time, log->cpu * 2);
	SAY("mce: [Hardware Error]: Machine check: Processor context corrupt");
	snprintf(log->taint, sizeof(log->taint), "G   M              ");
	panic_called(log, "Fatal machine check",
		     "<#MC> dump_stack_lvl panic mce_panic.cold do_machine_check exc_machine_check "
		     "asm_exc_machine_check",
		     true);
	SAY("RIP: 0010:intel_idle+0x54/0x80");
	SAY(" </#MC>");
}

void sim_log_crash(struct sim_log *log)
{
	log->now = (double)log->c->uptime + sim_rng_unit(&log->rng);
	switch (log->c->fault->kind) {
	case SIM_KIND_BUG:
		bug(log);
		break;
	case SIM_KIND_WARNING:
		warning(log);
		break;
	case SIM_KIND_SOFT_LOCKUP:
		soft_lockup(log);
		break;
	case SIM_KIND_HANG:
		hang(log);
		break;
	case SIM_KIND_MCE:
		machine_check(log);
		break;
	default:
		fault(log);
		break;
	}
	log->last_line = log->lines;
}
