/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A dumped kernel: its memory, symbols and types opened together, and reading its variables by
 * name.
 *
 * Kernel differences are met by asking the dump (is there such a symbol, such a member?), never
 * by comparing version numbers.
 */
#ifndef EYRIE_VMCORE_KERNEL_H
#define EYRIE_VMCORE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vmcore/btf.h"
#include "vmcore/dump.h"
#include "vmcore/kallsyms.h"
#include "vmcore/memory.h"
#include "vmcore/symbol_file.h"

/** The symbols that an analysis asks for, found in one walk over the names. */
#define KERNEL_SYMBOLS(X)           \
	X(init_task)                \
	X(init_stack)               \
	X(__end_init_task)          \
	X(__end_init_stack)         \
	X(init_uts_ns)              \
	X(modules)                  \
	X(prb)                      \
	X(_stext)                   \
	X(_etext)                   \
	X(_sinittext)               \
	X(_einittext)               \
	X(__per_cpu_offset)         \
	X(__cpu_online_mask)        \
	X(__cpu_present_mask)       \
	X(nr_cpu_ids)               \
	X(current_task)             \
	X(pcpu_hot)                 \
	X(hardirq_stack_ptr)        \
	X(irq_stack_backing_store)  \
	X(cea_exception_stacks)     \
	X(idle_threads)             \
	X(panic_cpu)                \
	X(crashing_cpu)             \
	X(tainted_mask)             \
	X(avenrun)                  \
	X(shadow_timekeeper)        \
	X(timekeeper_data)          \
	X(tk_core)                  \
	X(dmi_ident)                \
	X(sysctl_bootid)            \
	X(page_offset_base)         \
	X(node_data)                \
	X(cpu_khz)                  \
	X(_totalram_pages)          \
	X(boot_cpu_data)            \
	X(__start_BTF)              \
	X(__stop_BTF)               \
	X(__start_orc_unwind_ip)    \
	X(__stop_orc_unwind_ip)     \
	X(__start_orc_unwind)       \
	X(__stop_orc_unwind)        \
	X(orc_lookup)               \
	X(orc_lookup_end)           \
	X(ftrace_ops_list)          \
	X(ftrace_caller)            \
	X(ftrace_regs_caller)       \
	X(runqueues)                \
	X(__sched_text_start)       \
	X(__sched_text_end)         \
	X(waiting_for_crash_ipi)    \
	X(slab_caches)              \
	X(vmemmap_base)             \
	X(vm_zone_stat)             \
	X(vm_node_stat)             \
	X(total_swap_pages)         \
	X(nr_swap_pages)            \
	X(sysctl_overcommit_kbytes) \
	X(sysctl_overcommit_ratio)  \
	X(vm_committed_as)          \
	X(hstates)                  \
	X(hugetlb_max_hstate)       \
	X(totalreserve_pages)       \
	X(oom_killer_disabled)      \
	X(oom_victims)              \
	X(nr_node_ids)              \
	X(blockdev_superblock)      \
	X(machine_kexec)            \
	X(__crash_kexec)            \
	X(crash_nmi_callback)

enum kernel_symbol {
#define X(name) SYM_##name,
	KERNEL_SYMBOLS(X)
#undef X
		SYM_COUNT
};

/** The members of kernel types that an analysis asks for: name here, type, member. */
#define KERNEL_MEMBERS(X)                                                       \
	X(LIST_NEXT, "list_head", "next")                                       \
	X(TASK_TASKS, "task_struct", "tasks")                                   \
	X(TASK_THREAD_NODE, "task_struct", "thread_node")                       \
	X(TASK_SIGNAL, "task_struct", "signal")                                 \
	X(TASK_PID, "task_struct", "pid")                                       \
	X(TASK_TGID, "task_struct", "tgid")                                     \
	X(TASK_COMM, "task_struct", "comm")                                     \
	X(TASK_STATE, "task_struct", "__state")                                 \
	X(TASK_STATE_OLD, "task_struct", "state")                               \
	X(TASK_EXIT_STATE, "task_struct", "exit_state")                         \
	X(TASK_REAL_PARENT, "task_struct", "real_parent")                       \
	X(TASK_CPU, "task_struct", "thread_info.cpu")                           \
	X(TASK_CPU_OLD, "task_struct", "cpu")                                   \
	X(TASK_STACK, "task_struct", "stack")                                   \
	X(TASK_THREAD_SP, "task_struct", "thread.sp")                           \
	X(TASK_FLAGS, "task_struct", "flags")                                   \
	X(TASK_MM, "task_struct", "mm")                                         \
	X(TASK_RSS_STAT, "task_struct", "rss_stat.count")                       \
	X(SIGNAL_THREAD_HEAD, "signal_struct", "thread_head")                   \
	X(MM_TOTAL_VM, "mm_struct", "total_vm")                                 \
	X(MM_RSS_STAT, "mm_struct", "rss_stat")                                 \
	X(MM_RSS_STAT_COUNT, "mm_struct", "rss_stat.count")                     \
	X(PERCPU_COUNTER_COUNT, "percpu_counter", "count")                      \
	X(PERCPU_COUNTER_COUNTERS, "percpu_counter", "counters")                \
	X(UTS_NAME, "uts_namespace", "name")                                    \
	X(UTS_NODENAME, "new_utsname", "nodename")                              \
	X(UTS_RELEASE, "new_utsname", "release")                                \
	X(UTS_VERSION, "new_utsname", "version")                                \
	X(UTS_MACHINE, "new_utsname", "machine")                                \
	X(PCPU_HOT_CURRENT, "pcpu_hot", "current_task")                         \
	X(PCPU_HOT_IRQ_STACK, "pcpu_hot", "hardirq_stack_ptr")                  \
	X(CEA_NMI_STACK, "cea_exception_stacks", "NMI_stack")                   \
	X(CEA_DF_STACK, "cea_exception_stacks", "DF_stack")                     \
	X(CEA_ESTACKS, "cpu_entry_area", "estacks")                             \
	X(CEA_ENTRY_STACK, "cpu_entry_area", "entry_stack_page")                \
	X(MODULE_LIST, "module", "list")                                        \
	X(MODULE_NAME, "module", "name")                                        \
	X(MODULE_STATE, "module", "state")                                      \
	X(MODULE_TAINTS, "module", "taints")                                    \
	X(MODULE_KALLSYMS, "module", "kallsyms")                                \
	X(MODULE_CORE_BASE, "module", "core_layout.base")                       \
	X(MODULE_CORE_SIZE, "module", "core_layout.size")                       \
	X(MODULE_CORE_TEXT_SIZE, "module", "core_layout.text_size")             \
	X(MODULE_INIT_BASE, "module", "init_layout.base")                       \
	X(MODULE_INIT_TEXT_SIZE, "module", "init_layout.text_size")             \
	X(MODULE_MEM, "module", "mem")                                          \
	X(MODULE_MEMORY_BASE, "module_memory", "base")                          \
	X(MODULE_MEMORY_SIZE, "module_memory", "size")                          \
	X(MODULE_NUM_ORCS, "module", "arch.num_orcs")                           \
	X(MODULE_ORC_IPS, "module", "arch.orc_unwind_ip")                       \
	X(MODULE_ORCS, "module", "arch.orc_unwind")                             \
	X(MOD_KALLSYMS_SYMTAB, "mod_kallsyms", "symtab")                        \
	X(MOD_KALLSYMS_NUM, "mod_kallsyms", "num_symtab")                       \
	X(MOD_KALLSYMS_STRTAB, "mod_kallsyms", "strtab")                        \
	X(ORC_SP_OFFSET, "orc_entry", "sp_offset")                              \
	X(ORC_BP_OFFSET, "orc_entry", "bp_offset")                              \
	X(ORC_SP_REG, "orc_entry", "sp_reg")                                    \
	X(ORC_BP_REG, "orc_entry", "bp_reg")                                    \
	X(ORC_TYPE, "orc_entry", "type")                                        \
	X(ORC_SIGNAL, "orc_entry", "signal")                                    \
	X(ORC_END, "orc_entry", "end")                                          \
	X(FTRACE_OPS_NEXT, "ftrace_ops", "next")                                \
	X(FTRACE_OPS_FLAGS, "ftrace_ops", "flags")                              \
	X(FTRACE_OPS_TRAMPOLINE, "ftrace_ops", "trampoline")                    \
	X(FTRACE_OPS_TRAMPOLINE_SIZE, "ftrace_ops", "trampoline_size")          \
	X(TK_XTIME_SEC, "timekeeper", "xtime_sec")                              \
	X(TK_WALL_TO_MONOTONIC, "timekeeper", "wall_to_monotonic.tv_sec")       \
	X(TK_WALL_TO_MONOTONIC_NSEC, "timekeeper", "wall_to_monotonic.tv_nsec") \
	X(TK_XTIME_NSEC, "timekeeper", "tkr_mono.xtime_nsec")                   \
	X(TK_SHIFT, "timekeeper", "tkr_mono.shift")                             \
	X(NODE_PRESENT_PAGES, "pglist_data", "node_present_pages")              \
	X(TK_OFFS_BOOT, "timekeeper", "offs_boot")                              \
	X(TK_DATA_SHADOW, "tk_data", "shadow_timekeeper")                       \
	X(TASK_ON_RQ, "task_struct", "on_rq")                                   \
	X(TASK_PRIO, "task_struct", "prio")                                     \
	X(TASK_SCHED_DELAYED, "task_struct", "se.sched_delayed")                \
	X(TASK_LAST_ARRIVAL, "task_struct", "sched_info.last_arrival")          \
	X(TASK_PI_BLOCKED_ON, "task_struct", "pi_blocked_on")                   \
	X(RQ_NR_RUNNING, "rq", "nr_running")                                    \
	X(RQ_CURR, "rq", "curr")                                                \
	X(RQ_IDLE, "rq", "idle")                                                \
	X(RQ_CLOCK, "rq", "clock")                                              \
	X(RQ_CFS_NR, "rq", "cfs.h_nr_running")                                  \
	X(RQ_CFS_NR_QUEUED, "rq", "cfs.h_nr_queued")                            \
	X(RQ_RT_NR, "rq", "rt.rt_nr_running")                                   \
	X(RQ_DL_NR, "rq", "dl.dl_nr_running")                                   \
	X(LIST_PREV, "list_head", "prev")                                       \
	X(MUTEX_OWNER, "mutex", "owner")                                        \
	X(MUTEX_WAIT_LIST, "mutex", "wait_list")                                \
	X(MUTEX_RT, "mutex", "rtmutex")                                         \
	X(RWSEM_OWNER, "rw_semaphore", "owner")                                 \
	X(RWSEM_COUNT, "rw_semaphore", "count")                                 \
	X(RWSEM_WAIT_LIST, "rw_semaphore", "wait_list")                         \
	X(SEMAPHORE_WAIT_LIST, "semaphore", "wait_list")                        \
	X(COMPLETION_WAIT_LIST, "completion", "wait.task_list")                 \
	X(SWAIT_TASK, "swait_queue", "task")                                    \
	X(SWAIT_LIST, "swait_queue", "task_list")                               \
	X(WAIT_ENTRY_PRIVATE, "wait_queue_entry", "private")                    \
	X(WAIT_ENTRY_LIST, "wait_queue_entry", "entry")                         \
	X(WAIT_HEAD_LIST, "wait_queue_head", "head")                            \
	X(MUTEX_WAITER_LIST, "mutex_waiter", "list")                            \
	X(RWSEM_WAITER_LIST, "rwsem_waiter", "list")                            \
	X(SEMAPHORE_WAITER_LIST, "semaphore_waiter", "list")                    \
	X(MUTEX_WAITER_TASK, "mutex_waiter", "task")                            \
	X(RWSEM_WAITER_TASK, "rwsem_waiter", "task")                            \
	X(RWSEM_WAITER_TYPE, "rwsem_waiter", "type")                            \
	X(SEMAPHORE_WAITER_TASK, "semaphore_waiter", "task")                    \
	X(RT_WAITER_TASK, "rt_mutex_waiter", "task")                            \
	X(RT_WAITER_LOCK, "rt_mutex_waiter", "lock")                            \
	X(RT_MUTEX_OWNER, "rt_mutex_base", "owner")                             \
	X(RWBASE_RT_MUTEX, "rw_semaphore", "rwbase.rtmutex")                    \
	X(RWBASE_READERS, "rw_semaphore", "rwbase.readers")                     \
	X(ATOMIC_COUNTER, "atomic_t", "counter")                                \
	X(ZONE_NAME, "zone", "name")                                            \
	X(ZONE_VM_STAT, "zone", "vm_stat")                                      \
	X(ZONE_WATERMARK, "zone", "_watermark")                                 \
	X(ZONE_BOOST, "zone", "watermark_boost")                                \
	X(ZONE_MANAGED, "zone", "managed_pages")                                \
	X(ZONE_PRESENT, "zone", "present_pages")                                \
	X(NODE_ZONES, "pglist_data", "node_zones")                              \
	X(NODE_NR_ZONES, "pglist_data", "nr_zones")                             \
	X(HSTATE_ORDER, "hstate", "order")                                      \
	X(HSTATE_TOTAL, "hstate", "nr_huge_pages")                              \
	X(HSTATE_FREE, "hstate", "free_huge_pages")                             \
	X(CACHE_LIST, "kmem_cache", "list")                                     \
	X(CACHE_NAME, "kmem_cache", "name")                                     \
	X(CACHE_SIZE, "kmem_cache", "size")                                     \
	X(CACHE_OBJECT_SIZE, "kmem_cache", "object_size")                       \
	X(CACHE_OO, "kmem_cache", "oo")                                         \
	X(CACHE_FLAGS, "kmem_cache", "flags")                                   \
	X(CACHE_NODE, "kmem_cache", "node")                                     \
	X(CACHE_NODE_NR_SLABS, "kmem_cache_node", "nr_slabs")                   \
	X(CACHE_NODE_TOTAL, "kmem_cache_node", "total_objects")                 \
	X(CACHE_NODE_NR_PARTIAL, "kmem_cache_node", "nr_partial")               \
	X(CACHE_NODE_PARTIAL, "kmem_cache_node", "partial")                     \
	X(SLAB_CACHE, "slab", "slab_cache")                                     \
	X(SLAB_LIST, "slab", "slab_list")                                       \
	X(SLAB_INUSE, "slab", "inuse")                                          \
	X(SLAB_OBJECTS, "slab", "objects")                                      \
	X(PAGE_COMPOUND_HEAD, "page", "compound_head")                          \
	X(SIGNAL_OOM_MM, "signal_struct", "oom_mm")                             \
	X(SIGNAL_OOM_ADJ, "signal_struct", "oom_score_adj")                     \
	X(SUPER_INODES, "super_block", "s_inodes")                              \
	X(INODE_SB_LIST, "inode", "i_sb_list")                                  \
	X(INODE_MAPPING, "inode", "i_mapping")                                  \
	X(MAPPING_NRPAGES, "address_space", "nrpages")                          \
	X(PRB_DESC_RING, "printk_ringbuffer", "desc_ring")                      \
	X(PRB_TEXT_RING, "printk_ringbuffer", "text_data_ring")                 \
	X(DESC_RING_COUNT_BITS, "prb_desc_ring", "count_bits")                  \
	X(DESC_RING_DESCS, "prb_desc_ring", "descs")                            \
	X(DESC_RING_INFOS, "prb_desc_ring", "infos")                            \
	X(DESC_RING_HEAD_ID, "prb_desc_ring", "head_id")                        \
	X(DESC_RING_TAIL_ID, "prb_desc_ring", "tail_id")                        \
	X(PRB_DESC_STATE_VAR, "prb_desc", "state_var")                          \
	X(PRB_DESC_LPOS, "prb_desc", "text_blk_lpos")                           \
	X(LPOS_BEGIN, "prb_data_blk_lpos", "begin")                             \
	X(LPOS_NEXT, "prb_data_blk_lpos", "next")                               \
	X(PRINTK_INFO_SEQ, "printk_info", "seq")                                \
	X(PRINTK_INFO_TS, "printk_info", "ts_nsec")                             \
	X(PRINTK_INFO_TEXT_LEN, "printk_info", "text_len")                      \
	X(DATA_RING_SIZE_BITS, "prb_data_ring", "size_bits")                    \
	X(DATA_RING_DATA, "prb_data_ring", "data")                              \
	X(CPUINFO_MICROCODE, "cpuinfo_x86", "microcode")                        \
	X(CPUINFO_MODEL_ID, "cpuinfo_x86", "x86_model_id")

enum kernel_member {
#define X(id, type, member) MEM_##id,
	KERNEL_MEMBERS(X)
#undef X
		MEM_COUNT
};

enum {
	/** What could not be read, and why. More than these say nothing new. */
	KERNEL_MAX_GAPS = 64,
	/** NR_CPUS of the largest distribution kernels. */
	KERNEL_MAX_CPUS = 8192,
};

struct gap {
	char *what;
	char *why;
};

struct module;

struct kernel {
	struct dump dump;
	struct memory memory;
	struct kallsyms kallsyms;
	struct btf btf;
	/** Symbols from a file, where kallsyms is not in the dump. */
	struct symbol_file symbol_file;
	/** There are symbols, of kallsyms or a file; there are types, of the dump or a file. */
	bool have_kallsyms, have_btf;
	struct wanted_symbol symbols[SYM_COUNT];
	struct {
		struct btf_member member;
		/** 0 not looked for, 1 there, 2 not in this kernel. */
		uint8_t state;
	} members[MEM_COUNT];
	/** CPUs that can be, their offsets into per-CPU memory, and which were online. */
	unsigned int cpu_count;
	uint64_t *percpu_offsets;
	bool *cpu_online;
	/** Those that are there, online or not; NULL: as cpu_online. See kernel_cpu_is_present().
	 */
	bool *cpu_present;
	/** Modules, in the order of the kernel's list; see module.h. */
	struct module *modules;
	size_t module_count;
	struct gap gaps[KERNEL_MAX_GAPS];
	size_t gap_count;
	/** NULL where the kernel has no ORC tables; whether it has frame pointers in their place.
	 */
	struct orc *orc;
	bool frame_pointers;
};

/**
 * Open the dump in @p fd (taken over). What cannot be read (no kallsyms, no BTF) becomes a gap;
 * an error only where nothing at all can be done. The struct must not move afterwards.
 */
struct ey_error *kernel_open(struct kernel *k, int fd) EY_MUST_CHECK;
/** The same with the parts of a split dump (dump_open_set()). */
struct ey_error *kernel_open_set(struct kernel *k, const int *fds, size_t count) EY_MUST_CHECK;

/** Files of the kernel's build, open for reading, for what its dump lacks; 0 where there is none.
 */
struct kernel_aids {
	/** BTF as it stands in a section .BTF: what `eyrie types make` writes. */
	int types_fd;
	/** System.map. */
	int system_map_fd;
	/** vmlinux: its symbol table, and its BTF. */
	int vmlinux_fd;
};
/**
 * The same with files to fall back on. Used only for what the dump lacks, and only where it fits
 * the dump; one that does not becomes a gap. The files stay the caller's.
 */
struct ey_error *kernel_open_aided(struct kernel *k, const int *fds, size_t count,
				   const struct kernel_aids *aids) EY_MUST_CHECK;
void kernel_close(struct kernel *k);

/** Note that @p what could not be had, and why; the same @p what is noted once. */
void kernel_gap(struct kernel *k, const char *what, const char *why, ...)
	__attribute__((format(printf, 3, 4)));
/** The same with the message of @p err, which is consumed. */
void kernel_gap_error(struct kernel *k, const char *what, struct ey_error *err);

/** Address of a symbol; false where the kernel has none of that name (or no kallsyms). */
bool kernel_symbol(struct kernel *k, enum kernel_symbol symbol, uint64_t *ret);
/** Where a member is; NULL where this kernel has none. */
const struct btf_member *kernel_member(struct kernel *k, enum kernel_member member);

/** A member of the object at @p base as a number (1 to 8 bytes, zero-extended). */
bool kernel_read(struct kernel *k, uint64_t base, enum kernel_member member, uint64_t *ret);
/** The same, sign-extended. */
bool kernel_read_signed(struct kernel *k, uint64_t base, enum kernel_member member, int64_t *ret);
/** A character array member as a NUL-terminated string. */
bool kernel_read_string(struct kernel *k, uint64_t base, enum kernel_member member, char *buf,
			size_t size);
/**
 * Whether the machine has the CPU. A dying kernel marks those that it stops as offline
 * (stop_this_cpu(), arch/x86/kernel/process.c), so one that is not online may have run all the
 * same.
 */
bool kernel_cpu_is_present(const struct kernel *k, unsigned int cpu);
/** Address of a per-CPU variable of @p cpu. */
bool kernel_percpu(struct kernel *k, enum kernel_symbol symbol, unsigned int cpu, uint64_t *ret);

/** The symbol of the kernel, be it code or data, that @p address lies in. */
bool kernel_symbol_at(struct kernel *k, uint64_t address, struct symbol *ret);
/** The symbol, of the kernel or of a module, that @p address lies in. */
bool kernel_find_symbol(struct kernel *k, uint64_t address, struct symbol *ret);
/** Whether the address is in the text of the kernel or of a module. */
bool kernel_is_text(struct kernel *k, uint64_t address);

#endif
