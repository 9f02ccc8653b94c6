/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own words at the beginning of a report, as its sources print them; re2c makes a
 * DFA of them at build time. The place in the sources stands beside each group.
 */
#include "oops/rules.h"

#include <string.h>

const struct oops_rule_info oops_rule_info[OOPS_RULE_COUNT] = {
#define X(id, kind, flags) [RULE_##id] = {OOPS_##kind, flags},
	OOPS_RULES(X)
#undef X
};

static enum oops_rule match(const char *YYCURSOR, const char **end_ret)
{
	const char *YYMARKER;

	/*!re2c
	re2c:define:YYCTYPE = "unsigned char";
	re2c:yyfill:enable = 0;

	any = [^\x00];
	word = [a-zA-Z0-9_];
	file = [^\x00 :]+ ":" [0-9]+;

	// A shorter rule below never hides a longer one: the DFA takes the longest match.
	*      { return RULE_NONE; }

	// mm/kasan/report.c; "KASan" until 4.4.
	"BUG: KAS" ("AN"|"an") ": "     { *end_ret = YYCURSOR; return RULE_KASAN; }
	// mm/kfence/report.c, mm/kmsan/report.c, kernel/kcsan/report.c
	"BUG: KFENCE: "                 { *end_ret = YYCURSOR; return RULE_KFENCE; }
	"BUG: KMSAN: "                  { *end_ret = YYCURSOR; return RULE_KMSAN; }
	"BUG: KCSAN: "                  { *end_ret = YYCURSOR; return RULE_KCSAN; }

	// arch/x86/mm/fault.c, arch/{arm,arm64,riscv,powerpc,s390}/mm/fault.c
	"BUG: "? ("unable"|"Unable") " to handle kernel NULL pointer dereference" { *end_ret = YYCURSOR; return RULE_NULL_DEREF; }
	"BUG: "? ("kernel"|"Kernel") " NULL pointer dereference" { *end_ret = YYCURSOR; return RULE_NULL_DEREF; }
	"BUG: " ("unable"|"Unable") " to handle "   { *end_ret = YYCURSOR; return RULE_PAGE_FAULT; }
	"Unable to handle kernel "      { *end_ret = YYCURSOR; return RULE_PAGE_FAULT; }
	"BUG: unable to handle page fault for address" { *end_ret = YYCURSOR; return RULE_PAGE_FAULT; }
	"Unable to handle kernel pointer dereference" { *end_ret = YYCURSOR; return RULE_PAGE_FAULT; }

	// arch/x86/kernel/traps.c; "Oops: " stands before since 6.10 (arch/x86/kernel/dumpstack.c).
	"Oops: "? "general protection fault" ([,:] | " for non-canonical address ") { *end_ret = YYCURSOR; return RULE_GPF; }
	// kasan_die_handler() of 4.x printed no newline.
	"GPF could be caused by NULL-ptr deref or user memory accessgeneral protection fault:" { *end_ret = YYCURSOR; return RULE_GPF_GLUED; }
	"Oops: "? "invalid opcode: " [0-9]   { *end_ret = YYCURSOR; return RULE_INVALID_OP; }
	"Oops: "? ("divide error"|"stack segment"|"segment not present"|"invalid TSS"|"alignment check"|"int3"|"bounds"|"overflow"|"coprocessor segment overrun"|"debug"|"control protection"|"simd exception"|"fpu exception"|"trap invalid opcode"|"stack guard page"|"double fault"|"Bad pagetable"|"iret exception"|"math error"|"unexpected #NM exception") ": " [0-9] { *end_ret = YYCURSOR; return RULE_TRAP; }
	"PANIC: double fault"           { *end_ret = YYCURSOR; return RULE_DOUBLE_FAULT; }
	// arch/x86/mm/extable.c early_fixup_exception(), entry/entry_fred.c, before head_32.S
	"PANIC: early exception "       { *end_ret = YYCURSOR; return RULE_DOUBLE_FAULT; }
	("PANIC"|"BUG") ": invalid or fatal FRED event" { *end_ret = YYCURSOR; return RULE_DOUBLE_FAULT; }
	"BUG: Int " [0-9]               { *end_ret = YYCURSOR; return RULE_DOUBLE_FAULT; }
	// arch/arm*/kernel/traps.c, mm/fault.c
	"Internal error: "              { *end_ret = YYCURSOR; return RULE_TRAP; }
	("Unhandled fault: "|"Unhandled prefetch abort: ") { *end_ret = YYCURSOR; return RULE_TRAP; }
	// arch/arm64/kernel/traps.c arm64_serror_panic(), bad_mode() until 5.x, entry-common.c
	"SError Interrupt on CPU"       { *end_ret = YYCURSOR; return RULE_SERROR; }
	"Bad mode in Error handler detected" { *end_ret = YYCURSOR; return RULE_SERROR; }
	"Bad mode in " [^\x00]* " handler detected" { *end_ret = YYCURSOR; return RULE_BAD_MODE; }
	"Unhandled " [0-9]+ "-bit el" [^\x00]* " exception on CPU" { *end_ret = YYCURSOR; return RULE_BAD_MODE; }
	"Alignment trap: not handling instruction" { *end_ret = YYCURSOR; return RULE_TRAP; }
	// arch/s390/kernel/traps.c, dumpstack.c: "illegal operation: 0001 ilc:1 [#1] SMP"
	("illegal operation"|"monitor event"|"specification exception"|"addressing exception"|"fixpoint divide exception"|"stack overflow"|"data exception"|"operand exception"|"privileged operation"|"execute exception"|"protection exception"|"translation exception") ": " [0-9a-f]{4} " " { *end_ret = YYCURSOR; return RULE_TRAP; }
	("Oops"|"Oops - " word [^\x00:]*) ": " { *end_ret = YYCURSOR; return RULE_OOPS; }
	// arch/riscv: "Kernel BUG [#1]", "Oops - illegal instruction [#1]". What other die paths call
	// their own is told by "[#1]": die_header() below.
	"Kernel BUG [#"                 { *end_ret = YYCURSOR; return RULE_OOPS; }
	"Oops [#"                       { *end_ret = YYCURSOR; return RULE_OOPS; }
	"Oops - " word [^\x00:[]* "[#" { *end_ret = YYCURSOR; return RULE_OOPS; }

	// lib/bug.c, and arch BUG handlers
	("kernel"|"Kernel") " BUG at " [^\x00 ] { *end_ret = YYCURSOR; return RULE_BUG_AT; }
	// lib/list_debug.c
	"list_" ("add"|"del") ("_rcu"|"_double")? " corruption" { *end_ret = YYCURSOR; return RULE_LIST; }
	"list_add double add: "         { *end_ret = YYCURSOR; return RULE_LIST; }
	// kernel/cfi.c report_cfi_failure()
	"CFI failure " ("at "|"(target: ") { *end_ret = YYCURSOR; return RULE_CFI; }
	// rust/kernel/lib.rs, its panic handler; BUG() follows
	"rust_kernel: panicked at "     { *end_ret = YYCURSOR; return RULE_RUST; }
	// mm/usercopy.c
	"usercopy: " ("K"|"k") "ernel memory " ("exposure"|"overwrite") " attempt detected" { *end_ret = YYCURSOR; return RULE_USERCOPY; }
	// lib/string_helpers.c
	"detected buffer overflow in "  { *end_ret = YYCURSOR; return RULE_FORTIFY; }

	// arch/x86/kernel/dumpstack.c, traps.c; arch/arm64, riscv traps.c
	"BUG: " [a-zA-Z_0-9#]* " "? "stack guard page was hit" { *end_ret = YYCURSOR; return RULE_STACK_GUARD; }
	"kernel stack overflow (" [a-z]+ [ -] "fault)" { *end_ret = YYCURSOR; return RULE_STACK_OVERFLOW; }
	// arch/powerpc/kernel/process.c, arch/s390/kernel/dumpstack.c; arch/{x86,powerpc}/kernel/irq*.c
	"Kernel stack overflow" ("."|" in process ") { *end_ret = YYCURSOR; return RULE_STACK_OVERFLOW; }
	"do_IRQ: stack overflow: "      { *end_ret = YYCURSOR; return RULE_STACK_OVERFLOW; }

	// kernel/panic.c __warn(): "WARNING: CPU: 1 PID: 2 at file:line f+0x1/0x2", before 3.11
	// "WARNING: at file:line f()", since 6.17 "WARNING: file:line at f+0x1/0x2, CPU#1: comm/2".
	"WARNING: CPU: " [0-9]+ " PID: " [0-9]+ " at " { *end_ret = YYCURSOR; return RULE_WARN_AT; }
	"WARNING: at " [^\x00 ]         { *end_ret = YYCURSOR; return RULE_WARN_AT; }
	"WARNING: " [^\x00 :]+ [.] [chS] ":" [0-9]+ " at " { *end_ret = YYCURSOR; return RULE_WARN_AT; }
	"WARNING: "                     { *end_ret = YYCURSOR; return RULE_WARN; }
	// arch/x86/kernel/unwind_frame.c
	"WARNING: kernel stack "        { *end_ret = YYCURSOR; return RULE_UNWIND; }

	// kernel/locking/lockdep.c
	lockdep_what = "possible circular locking dependency"|"possible recursive locking"|"possible irq lock inversion"|"possible bad unlock balance"|"inconsistent lock state"|"inconsistent " [{(] |"possible deadlock"|([A-Z_-]+ "-safe -> " [A-Z_-]+ "-unsafe lock order detected")|"possible reason"|"held lock freed"|"bad unlock balance"|"bad contention"|"lock held when returning to user"|"lock held at task exit time"|"circular locking deadlock detected"|"chain_key collision"|"Nested lock was not taken"|"nested lock was not taken"|"Invalid wait context"|"still has locks held"|"key is still in use";
	("WARNING: "|"INFO: "|"[ INFO: "|"BUG: "|"[ BUG: ") lockdep_what { *end_ret = YYCURSOR; return RULE_LOCKDEP; }
	("WARNING: "|"INFO: "|"[ INFO: "|"BUG: "|"[ BUG: ") [^\x00 ]+ "/" [0-9]+ (" still has locks held"|" still holding locks") { *end_ret = YYCURSOR; return RULE_LOCKDEP; }
	"BUG: key " [^\x00 ]+ " has not been registered" { *end_ret = YYCURSOR; return RULE_LOCKDEP; }
	"BUG: looking up invalid subclass" { *end_ret = YYCURSOR; return RULE_LOCKDEP; }
	"INFO: trying to register non-static key" { *end_ret = YYCURSOR; return RULE_LOCKDEP; }
	("WARNING: "|"INFO: "|"[ INFO: ") "suspicious " ("RCU usage"|"rcu_dereference_") { *end_ret = YYCURSOR; return RULE_RCU_USAGE; }
	"BUG: workqueue leaked " ("lock"|"atomic")  { *end_ret = YYCURSOR; return RULE_LOCKDEP; }
	"BUG: workqueue leaked lock or atomic" { *end_ret = YYCURSOR; return RULE_LOCKDEP; }
	// kernel/locking/spinlock_debug.c, lockdep's tables
	"BUG: " ("spinlock"|"rwlock"|"rtmutex") [ -] { *end_ret = YYCURSOR; return RULE_SPINLOCK; }

	// kernel/sched/core.c, lib/smp_processor_id.c
	"BUG: sleeping function called from invalid context" { *end_ret = YYCURSOR; return RULE_SLEEP_ATOMIC; }
	"BUG: scheduling while atomic"  { *end_ret = YYCURSOR; return RULE_SCHED_ATOMIC; }
	"BUG: scheduling in a non-blocking section" { *end_ret = YYCURSOR; return RULE_SCHED_ATOMIC; }
	"BUG: assuming " ("atomic"|"non migratable") " context" { *end_ret = YYCURSOR; return RULE_SLEEP_ATOMIC; }
	"BUG: using " [^\x00 ]+ " in preemptible" { *end_ret = YYCURSOR; return RULE_PREEMPT; }

	// kernel/hung_task.c, kernel/workqueue.c
	"INFO: task " [^\x00]* " blocked " ("for more than "|"in I/O wait for more than ") { *end_ret = YYCURSOR; return RULE_HUNG_TASK; }
	"INFO: task " [^\x00]* " can't die for more than " { *end_ret = YYCURSOR; return RULE_HUNG_TASK; }
	"BUG: workqueue lockup"         { *end_ret = YYCURSOR; return RULE_WORKQUEUE; }

	// kernel/smp.c csd_lock_wait_toolong()
	"csd: Detected non-responsive CSD lock" { *end_ret = YYCURSOR; return RULE_CSD; }

	// kernel/rcu/tree_stall.h, tasks.h
	"INFO: " [a-z_]* "rcu" [a-z_]* " " "self-"? "detected " "expedited "? "stall" { *end_ret = YYCURSOR; return RULE_RCU_STALL; }
	"INFO: " [a-z_]* "rcu" [a-z_]* " detected stalls" { *end_ret = YYCURSOR; return RULE_RCU_STALL; }

	// kernel/watchdog.c, watchdog_hld.c
	"BUG: soft lockup"              { *end_ret = YYCURSOR; return RULE_SOFT_LOCKUP; }
	"Watchdog detected hard LOCKUP on cpu" { *end_ret = YYCURSOR; return RULE_HARD_LOCKUP; }
	"Watchdog CPU:" [0-9]+ " Hard LOCKUP" { *end_ret = YYCURSOR; return RULE_HARD_LOCKUP; }
	"CPU " [0-9]+ " self-detected hard LOCKUP" { *end_ret = YYCURSOR; return RULE_HARD_LOCKUP; }
	"CPU " [0-9]+ " Hard LOCKUP"    { *end_ret = YYCURSOR; return RULE_HARD_LOCKUP; }
	"NMI Watchdog detected LOCKUP on CPU" { *end_ret = YYCURSOR; return RULE_HARD_LOCKUP; }
	"CPU " [0-9]+ " detected hard LOCKUP on other CPUs" { *end_ret = YYCURSOR; return RULE_HARD_LOCKUP; }

	// kernel/panic.c
	"Kernel panic - not syncing"    { *end_ret = YYCURSOR; return RULE_PANIC; }

	// lib/ubsan.c
	"UBSAN: " [a-zA-Z]              { *end_ret = YYCURSOR; return RULE_UBSAN; }

	// mm/kmemleak.c
	"BUG: memory leak"              { *end_ret = YYCURSOR; return RULE_LEAK; }
	"unreferenced object 0x"        { *end_ret = YYCURSOR; return RULE_LEAK; }

	// mm/page_alloc.c, mm/memory.c, fs/dcache.c, mm/slub.c
	"BUG: Bad page " ("state"|"map"|"cache") { *end_ret = YYCURSOR; return RULE_BAD_PAGE; }
	"BUG: Bad page " ("state"|"map") ": " [0-9]+ " messages suppressed" { return RULE_NONE; }
	// mm/slab.c (until 6.7), mm/slab_common.c, mm/page_poison.c
	"slab error in " word           { *end_ret = YYCURSOR; return RULE_SLAB; }
	"Slab corruption" (":"|" (")    { *end_ret = YYCURSOR; return RULE_SLAB; }
	"kmem_cache_destroy " [^\x00 ]+ ": Slab cache still has objects" { *end_ret = YYCURSOR; return RULE_SLAB; }
	"pagealloc: " ("memory corruption"|"corrupted page details") { *end_ret = YYCURSOR; return RULE_SLAB; }
	"pagealloc: single bit error"   { *end_ret = YYCURSOR; return RULE_HW; }
	"BUG: Dentry "                  { *end_ret = YYCURSOR; return RULE_DENTRY; }
	"BUG " [^\x00 :(]+ (" (" [^\x00)]* ")")? ": " { *end_ret = YYCURSOR; return RULE_SLAB; }
	// mm/slub.c print_track(): what is left of a report whose beginning was lost.
	"INFO: " ("Allocated"|"Freed") " in " { *end_ret = YYCURSOR; return RULE_SLAB_TRACK; }
	"BUG: "                         { *end_ret = YYCURSOR; return RULE_BUG_MSG; }

	// net/core/dev.c, fs/file_table.c, fs/super.c
	"unregister_netdevice: waiting for " [^\x00 ]+ " to become free" { *end_ret = YYCURSOR; return RULE_STUCK_REF; }
	"VFS: Close: file count is " ("zero"|"0") { *end_ret = YYCURSOR; return RULE_STUCK_REF; }
	"VFS: Busy inodes after unmount of " { *end_ret = YYCURSOR; return RULE_STUCK_REF; }

	// mm/oom_kill.c
	("Out of memory"|"Memory cgroup out of memory") (" (oom_kill_allocating_task)")? ": Kill" { *end_ret = YYCURSOR; return RULE_OOM_KILL; }

	// arch/x86/kernel/cpu/mce/core.c
	"CPU" [ #] [0-9]+ ": Machine Check" " Exception"? ": " { *end_ret = YYCURSOR; return RULE_MCE; }
	"Machine check events logged"   { *end_ret = YYCURSOR; return RULE_MCE; }
	"Uncorrected hardware memory error in user-access" { *end_ret = YYCURSOR; return RULE_MCE; }
	// arch/x86/mm/fault.c do_sigbus(); arch/powerpc/kernel/mce.c
	"MCE: Killing "                 { *end_ret = YYCURSOR; return RULE_MCE; }
	"MCE: CPU" [0-9]+ ": machine check (" ("Severe"|"Fatal"|"ERROR_SYNC") { *end_ret = YYCURSOR; return RULE_MCE; }
	// mm/memory-failure.c action_result()
	"Memory failure: 0x" [0-9a-f]+ ": recovery action for " { *end_ret = YYCURSOR; return RULE_HW; }
	// arch/x86/kernel/nmi.c
	"Uhhuh. NMI received for unknown reason" { *end_ret = YYCURSOR; return RULE_NMI; }
	"NMI: " ("PCI system error (SERR)"|"IOCK error"|"memory parity error") { *end_ret = YYCURSOR; return RULE_NMI; }
	// drivers/edac/edac_mc.c, drivers/pci/pcie/aer.c, drivers/firmware/efi/cper.c, thermal
	"EDAC " [^\x00 ]+ ": UE" [ :]   { *end_ret = YYCURSOR; return RULE_HW; }
	"EDAC " [^\x00 ]+ ": " [0-9]+ " UE " { *end_ret = YYCURSOR; return RULE_HW; }
	("AER: "|"PCIe Bus Error: "|"CXL Bus Error: ") "Multiple "? ("Uncorrected (Fatal) error "|"Uncorrectable (Fatal) error "|"severity=Uncorrected (Fatal)"|"severity=Uncorrectable (Fatal)") { *end_ret = YYCURSOR; return RULE_HW; }
	"[Hardware Error]: event severity: " ("fatal"|"panic"|"recoverable") { *end_ret = YYCURSOR; return RULE_HW; }
	"critical temperature reached"  { *end_ret = YYCURSOR; return RULE_HW; }
	// kernel/reboot.c hw_protection_trigger()
	"HARDWARE PROTECTION "          { *end_ret = YYCURSOR; return RULE_HW; }
	// kernel/irq/spurious.c __report_bad_irq(); mm/page_alloc.c warn_alloc()
	"irq " [0-9]+ ": nobody cared"  { *end_ret = YYCURSOR; return RULE_BAD_IRQ; }
	"page allocation failure" [:.] " order:" { *end_ret = YYCURSOR; return RULE_ALLOC_FAIL; }
	// The rest of a line that was cut off: any of the above may have stood there.
	"INFO:" / [\x00]                { *end_ret = YYCURSOR; return RULE_CUT; }
	*/
}

// The first bytes of any rule: most positions of a line are none of these.
static bool may_begin(unsigned char c)
{
	switch (c) {
	case 'A': case 'B': case 'C': case 'E': case 'I': case 'K': case 'M': case 'N': case 'O':
	case 'P': case 'U': case 'V': case 'W': case '[': case 'u': case 'k': case 'g': case 'i':
	case 'd': case 's': case 'a': case 'b': case 'o': case 'c': case 'f': case 'l': case 'm':
	case 'p': case 'e': case 't': case 'G': case 'H': case 'S': case 'r':
		return true;
	default:
		return false;
	}
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

// Each architecture's die path prints "what it was: code [#1] SMP ..."; what it was is any words.
static bool die_header(const char *text, size_t len, struct oops_header *ret)
{
	const char *end = text + len, *mark = memmem(text, len, "[#", 2);
	const char *p = mark;

	if (!mark)
		return false;
	for (p += 2; p < end && is_digit(*p); p++)
		;
	// Behind it stand the words of the configuration, or a colon (MIPS), or nothing.
	if (p == mark + 2 || p - mark > 8 || p == end || *p != ']' ||
	    (p + 1 < end && p[1] != ':' &&
	     !(p + 2 < end && p[1] == ' ' && p[2] >= 'A' && p[2] <= 'Z')))
		return false;
	// Before it words, and in most of them the code after a colon or "sig: 11".
	size_t begin = 0, n = (size_t)(mark - text);
	while (begin < n && text[begin] == ' ')
		begin++;
	if (n - begin < 6 || n - begin > 120 || !is_word(text[begin]) || is_digit(text[begin]) ||
	    memchr(text + begin, '=', n - begin) || memchr(text + begin, '[', n - begin))
		return false;
	*ret = (struct oops_header){RULE_DIED, begin, n};
	return true;
}

// "systemd[1]: BUG: ...": a program's own words in the kernel's log (/dev/kmsg).
static bool is_program(const char *text, size_t at)
{
	if (at < 5 || memcmp(text + at - 3, "]: ", 3) != 0)
		return false;
	size_t i = at - 3;
	while (i && is_digit(text[i - 1]))
		i--;
	return i > 1 && i < at - 3 && text[i - 1] == '[' && is_word(text[i - 2]) &&
	       !memchr(text, ' ', i);
}

bool oops_header_find(const char *text, size_t len, struct oops_header *ret)
{
	bool start = true;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == ' ' && start)
			continue;
		if (may_begin((unsigned char)text[i]) && (!i || !is_word(text[i - 1]))) {
			const char *end = NULL;
			enum oops_rule rule = match(text + i, &end);

			// "---[ end Kernel panic - not syncing: ... ]---"
			if (rule == RULE_PANIC && i >= 4 && !memcmp(text + i - 4, "end ", 4))
				continue;
			if (rule == RULE_BUG_MSG && is_program(text, i))
				continue;
			if (rule != RULE_NONE &&
			    (start || !(oops_rule_info[rule].flags & RULE_START))) {
				*ret = (struct oops_header){rule, i, (size_t)(end - text)};
				return true;
			}
		}
		start = false;
	}
	return die_header(text, len, ret);
}
