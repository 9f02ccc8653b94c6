/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/fault.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "simulate/rng.h"

const char *sim_kind_name(enum sim_kind kind)
{
	static const char *const names[] = {
#define X(id, name) [SIM_KIND_##id] = (name),
		SIM_KINDS(X)
#undef X
	};

	return names[kind];
}

bool sim_kind_parse(const char *name, enum sim_kind *ret)
{
	for (unsigned int i = 0; i < SIM_KIND_COUNT; i++) {
		if (!strcmp(name, sim_kind_name((enum sim_kind)i))) {
			*ret = (enum sim_kind)i;
			return true;
		}
	}
	return false;
}

#define IDLE                                                                     \
	"<TASK> asm_common_interrupt cpuidle_enter_state cpuidle_enter do_idle " \
	"cpu_startup_entry start_secondary secondary_startup_64_no_verify </TASK>"
#define SYSCALL "do_syscall_64 entry_SYSCALL_64_after_hwframe </TASK>"
#define WRITE	"?filemap_map_pages vfs_write ksys_write " SYSCALL
#define READ	"vfs_read ksys_read " SYSCALL
#define THREAD	"kthread ret_from_fork </TASK>"
#define WORK	"process_one_work worker_thread ?rescuer_thread " THREAD
#define NAPI                                                                        \
	"__napi_poll net_rx_action ?__irq_wake_thread __do_softirq __irq_exit_rcu " \
	"common_interrupt </IRQ> " IDLE
#define RECEIVE                                                                         \
	"ip_local_deliver_finish ip_local_deliver ip_rcv __netif_receive_skb_one_core " \
	"process_backlog " NAPI
#define TIMER                                                                       \
	"call_timer_fn __run_timers.part.0 run_timer_softirq __do_softirq "         \
	"__irq_exit_rcu sysvec_apic_timer_interrupt </IRQ> "                        \
	"<TASK> asm_sysvec_apic_timer_interrupt cpuidle_enter_state cpuidle_enter " \
	"do_idle cpu_startup_entry start_secondary secondary_startup_64_no_verify </TASK>"
#define RECLAIM                                                                            \
	"do_shrink_slab shrink_slab shrink_node balance_pgdat ?finish_task_switch.isra.0 " \
	"kswapd " THREAD
#define WRITEBACK                                                                  \
	"do_writepages __writeback_single_inode writeback_sb_inodes wb_writeback " \
	"wb_workfn " WORK
#define SEND "sock_sendmsg __sys_sendto __x64_sys_sendto " SYSCALL

static const struct sim_place places[] = {
	{"bnxt_rx_pkt", "bnxt_en", "drivers/net/ethernet/broadcom/bnxt/bnxt.c",
	 "<IRQ> bnxt_poll_work@bnxt_en bnxt_poll@bnxt_en " NAPI, NULL},
	{"ext4_mb_use_inode_pa", "ext4", "fs/ext4/mballoc.c",
	 "<TASK> ext4_mb_use_preallocated@ext4 ext4_mb_new_blocks@ext4 ext4_ext_map_blocks@ext4 "
	 "ext4_map_blocks@ext4 ext4_writepages@ext4 " WRITEBACK,
	 NULL},
	{"nft_set_elem_expr_eval", "nf_tables", "net/netfilter/nf_tables_api.c",
	 "<IRQ> nft_lookup_eval@nf_tables nft_do_chain@nf_tables nft_do_chain_inet@nf_tables "
	 "nf_hook_slow " RECEIVE,
	 NULL},
	{"inode_lru_isolate", NULL, "fs/inode.c",
	 "<TASK> prune_icache_sb super_cache_scan " RECLAIM, NULL},
	{"cgroup_rstat_flush_locked", NULL, "kernel/cgroup/rstat.c",
	 "<TASK> cgroup_rstat_flush memory_stat_format memory_stat_show seq_read_iter " READ, NULL},
	{"tcp_rack_mark_lost", NULL, "net/ipv4/tcp_recovery.c",
	 "<IRQ> tcp_ack tcp_rcv_established tcp_v4_do_rcv tcp_v4_rcv "
	 "ip_protocol_deliver_rcu " RECEIVE,
	 NULL},
	{"xfs_inodegc_inactivate", "xfs", "fs/xfs/xfs_icache.c",
	 "<TASK> xfs_inodegc_worker@xfs " WORK, NULL},
	{"nfs4_state_mark_reclaim_nograce", "nfsv4", "fs/nfs/nfs4state.c",
	 "<TASK> nfs4_handle_exception@nfsv4 nfs4_do_setattr@nfsv4 nfs4_proc_setattr@nfsv4 "
	 "nfs_setattr@nfs notify_change do_truncate __x64_sys_ftruncate " SYSCALL,
	 NULL},
	{"mlx5e_poll_rx_cq", "mlx5_core", "drivers/net/ethernet/mellanox/mlx5/core/en_rx.c",
	 "<IRQ> mlx5e_napi_poll@mlx5_core " NAPI, NULL},
	{"raid1_write_request", "raid1", "drivers/md/raid1.c",
	 "<TASK> raid1_make_request@raid1 md_handle_request@md_mod md_submit_bio@md_mod "
	 "__submit_bio submit_bio_noacct_nocheck ext4_io_submit@ext4 "
	 "ext4_writepages@ext4 " WRITEBACK,
	 NULL},
	{"btrfs_finish_ordered_io", "btrfs", "fs/btrfs/inode.c",
	 "<TASK> btrfs_work_helper@btrfs " WORK, NULL},
	{"ovl_copy_up_metadata", "overlay", "fs/overlayfs/copy_up.c",
	 "<TASK> ovl_copy_up_one@overlay ovl_copy_up_flags@overlay ovl_open@overlay do_dentry_open "
	 "do_open path_openat do_filp_open do_sys_openat2 __x64_sys_openat " SYSCALL,
	 NULL},
	{"io_wq_worker_running", NULL, "io_uring/io-wq.c",
	 "<TASK> schedule schedule_timeout io_wq_worker ret_from_fork </TASK>", NULL},
	{"unix_stream_read_generic", NULL, "net/unix/af_unix.c",
	 "<TASK> unix_stream_recvmsg sock_recvmsg __sys_recvfrom __x64_sys_recvfrom " SYSCALL,
	 NULL},
	{"sk_psock_verdict_data_ready", NULL, "net/core/skmsg.c",
	 "<TASK> unix_stream_sendmsg " SEND, NULL},
	{"nvme_pci_complete_rq", "nvme", "drivers/nvme/host/pci.c",
	 "<IRQ> nvme_irq@nvme __handle_irq_event_percpu handle_irq_event handle_edge_irq "
	 "__common_interrupt common_interrupt </IRQ> " IDLE,
	 NULL},
	{"dm_bufio_lock_read", "dm_bufio", "drivers/md/dm-bufio.c",
	 "<TASK> dm_bufio_read@dm_bufio dm_bm_read_lock@dm_persistent_data "
	 "pool_map@dm_thin_pool __map_bio@dm_mod dm_submit_bio@dm_mod __submit_bio "
	 "submit_bio_noacct_nocheck xfs_submit_ioend@xfs xfs_vm_writepages@xfs " WRITEBACK,
	 NULL},
	{"veth_xdp_rcv_skb", "veth", "drivers/net/veth.c",
	 "<IRQ> veth_xdp_rcv@veth veth_poll@veth " NAPI, NULL},
	{"ipvs_sync_conn_v0", "ip_vs", "net/netfilter/ipvs/ip_vs_sync.c",
	 "<IRQ> ip_vs_sync_conn@ip_vs ip_vs_in_hook@ip_vs nf_hook_slow " RECEIVE, NULL},
	{"bond_handle_frame", "bonding", "drivers/net/bonding/bond_main.c",
	 "<IRQ> __netif_receive_skb_core.constprop.0 __netif_receive_skb_list_core "
	 "netif_receive_skb_list_internal napi_complete_done i40e_napi_poll@i40e " NAPI,
	 NULL},
	{"kvm_mmu_zap_collapsible_spte", "kvm", "arch/x86/kvm/mmu/mmu.c",
	 "<TASK> kvm_mmu_zap_collapsible_sptes@kvm kvm_arch_commit_memory_region@kvm "
	 "kvm_set_memslot@kvm kvm_vm_ioctl@kvm __x64_sys_ioctl " SYSCALL,
	 NULL},
	{"ceph_check_caps", "ceph", "fs/ceph/caps.c",
	 "<TASK> ceph_check_delayed_caps@ceph delayed_work@ceph " WORK, NULL},
	{"fuse_dev_do_write", "fuse", "fs/fuse/dev.c", "<TASK> fuse_dev_write@fuse " WRITE, NULL},
	{"megasas_complete_cmd_fusion", "megaraid_sas",
	 "drivers/scsi/megaraid/megaraid_sas_fusion.c",
	 "<IRQ> complete_cmd_fusion@megaraid_sas megasas_isr_fusion@megaraid_sas "
	 "__handle_irq_event_percpu handle_irq_event handle_edge_irq __common_interrupt "
	 "common_interrupt </IRQ> " IDLE,
	 NULL},
	{"fib6_age_exceptions", NULL, "net/ipv6/route.c",
	 "<IRQ> fib6_age fib6_clean_node fib6_walk_continue fib6_walk fib6_run_gc " TIMER, NULL},
	{"neigh_invalidate", NULL, "net/core/neighbour.c", "<IRQ> neigh_timer_handler " TIMER,
	 NULL},
	{"inet_twsk_bind_unhash", NULL, "net/ipv4/inet_timewait_sock.c",
	 "<IRQ> inet_twsk_kill tw_timer_handler " TIMER, NULL},
	{"migrate_pages_batch", NULL, "mm/migrate.c",
	 "<TASK> migrate_pages compact_zone proactive_compact_node kcompactd " THREAD, NULL},
	{"shrink_huge_zero_page_scan", NULL, "mm/huge_memory.c", "<TASK> " RECLAIM, NULL},
	{"cifs_demultiplex_thread", "cifs", "fs/cifs/connect.c", "<TASK> " THREAD, NULL},
	{"squashfs_cache_put", "squashfs", "fs/squashfs/cache.c",
	 "<TASK> squashfs_read_metadata@squashfs squashfs_read_inode@squashfs "
	 "squashfs_iget@squashfs squashfs_lookup@squashfs __lookup_slow walk_component "
	 "path_lookupat "
	 "filename_lookup vfs_statx do_statx __x64_sys_statx " SYSCALL,
	 NULL},
};

// Places of kinds that need a stack of their own.
static const struct sim_place lockups[] = {
	{"smp_call_function_many_cond", NULL, "kernel/smp.c",
	 "<TASK> on_each_cpu_cond_mask flush_tlb_mm_range tlb_finish_mmu unmap_region "
	 "do_mas_align_munmap __vm_munmap __x64_sys_munmap " SYSCALL,
	 "smp_call_function"},
	{"native_queued_spin_lock_slowpath", NULL, "kernel/locking/qspinlock.c",
	 "<TASK> _raw_spin_lock ext4_mb_regular_allocator@ext4 ext4_mb_new_blocks@ext4 "
	 "ext4_file_write_iter@ext4 " WRITE,
	 "ext4_file_write_iter"},
	{"xfs_extent_busy_trim", "xfs", "fs/xfs/xfs_extent_busy.c",
	 "<TASK> xfs_alloc_compute_aligned@xfs xfs_alloc_ag_vextent@xfs xfs_end_io@xfs " WORK,
	 "xfs_end_io"},
	{"tcp_retransmit_timer", NULL, "net/ipv4/tcp_timer.c",
	 "<IRQ> tcp_write_timer_handler tcp_write_timer " TIMER, "tcp_write_timer"},
};

static const struct sim_place hangs[] = {
	{"xfs_buf_lock", "xfs", "fs/xfs/xfs_buf.c",
	 "xfs_buf_find_lock@xfs xfs_buf_get_map@xfs xfs_trans_read_buf_map@xfs xfs_imap_to_bp@xfs "
	 "xfsaild@xfs kthread ret_from_fork",
	 NULL},
	{"jbd2_journal_commit_transaction", "jbd2", "fs/jbd2/commit.c",
	 "kjournald2@jbd2 kthread ret_from_fork", NULL},
	{"nfs_lock_and_join_requests", "nfs", "fs/nfs/write.c",
	 "nfs_page_async_flush@nfs nfs_writepages@nfs do_writepages filemap_fdatawrite_wbc "
	 "__x64_sys_fsync do_syscall_64 entry_SYSCALL_64_after_hwframe",
	 NULL},
};

/** A place that is in the log as kind.c prints it, with the group key's part behind the kind. */
static void make(enum sim_kind kind, const struct sim_place *place, struct sim_fault *ret)
{
	static const char *const titles[] = {
		[SIM_KIND_NULL_DEREF] = "BUG: kernel NULL pointer dereference in %s",
		[SIM_KIND_PAGE_FAULT] = "BUG: unable to handle page fault for address in %s",
		[SIM_KIND_GPF] = "general protection fault in %s",
		[SIM_KIND_BUG] = "kernel BUG in %s",
		[SIM_KIND_WARNING] = "WARNING in %s",
		[SIM_KIND_SOFT_LOCKUP] = "BUG: soft lockup in %s",
		[SIM_KIND_HANG] = "INFO: task hung in %s",
		[SIM_KIND_MCE] = "fatal machine check: memory read error on channel 1, bank 7%s",
	};

	*ret = (struct sim_fault){.kind = kind, .place = *place};
	if (kind == SIM_KIND_MCE) {
		ret->place = (struct sim_place){0};
		snprintf(ret->reason, sizeof(ret->reason), "g1:MCE:memory-controller");
		snprintf(ret->title, sizeof(ret->title), titles[kind], "");
		return;
	}
	const char *guilty = place->dispatched ? place->dispatched : place->function;

	snprintf(ret->guilty, sizeof(ret->guilty), "%s", guilty);
	snprintf(ret->reason, sizeof(ret->reason), "g1:%s:%s", sim_kind_name(kind), guilty);
	snprintf(ret->title, sizeof(ret->title), titles[kind], guilty);
}

static const enum sim_kind place_kinds[] = {SIM_KIND_NULL_DEREF, SIM_KIND_GPF, SIM_KIND_BUG,
					    SIM_KIND_PAGE_FAULT, SIM_KIND_WARNING};

enum {
	PLACES = EY_ARRAY_SIZE(places),
	KINDS = EY_ARRAY_SIZE(place_kinds),
	LOCKUPS = EY_ARRAY_SIZE(lockups),
	HANGS = EY_ARRAY_SIZE(hangs),
	// Every so many places a lockup or a hang is thrown in.
	RARE = 9,
};

unsigned int sim_fault_count(void)
{
	return PLACES * KINDS + LOCKUPS + HANGS;
}

void sim_fault_numbered(unsigned int n, struct sim_fault *ret)
{
	unsigned int rare = (n %= sim_fault_count()) / RARE;

	if (n % RARE == RARE - 1 && rare < LOCKUPS) {
		make(SIM_KIND_SOFT_LOCKUP, &lockups[rare], ret);
		return;
	}
	if (n % RARE == RARE - 1 && rare < LOCKUPS + HANGS) {
		make(SIM_KIND_HANG, &hangs[rare - LOCKUPS], ret);
		return;
	}
	n -= EY_MIN(rare, (unsigned int)(LOCKUPS + HANGS));
	// Each round over the places has another kind at each of them.
	make(place_kinds[(n / PLACES + n % PLACES) % KINDS], &places[n % PLACES], ret);
}

void sim_fault_of_kind(enum sim_kind kind, unsigned int n, struct sim_fault *ret)
{
	if (kind == SIM_KIND_SOFT_LOCKUP)
		make(kind, &lockups[n % LOCKUPS], ret);
	else if (kind == SIM_KIND_HANG)
		make(kind, &hangs[n % HANGS], ret);
	else
		make(kind, &places[n % PLACES], ret);
}

bool sim_fault_in(enum sim_kind kind, const char *name, struct sim_fault *ret)
{
	unsigned int count = kind == SIM_KIND_SOFT_LOCKUP ? LOCKUPS
			     : kind == SIM_KIND_HANG	  ? HANGS
							  : PLACES;

	for (unsigned int i = 0; i < count; i++) {
		sim_fault_of_kind(kind, i, ret);
		if (ret->place.function && !strcmp(ret->place.function, name))
			return true;
	}
	return false;
}

uint32_t sim_function_size(const char *function)
{
	return (uint32_t)(16 * (6 + sim_hash_text(function) % 90));
}

uint32_t sim_function_offset(const char *function, const char *kernel)
{
	uint32_t size = sim_function_size(function);

	return (uint32_t)(8 + sim_hash(sim_hash_text(function), sim_hash_text(kernel), 0) %
				      (size - 16));
}

void sim_fault_where(const struct sim_fault *fault, const char *kernel, const char **function_ret,
		     uint32_t *offset_ret, char signature[SIM_SIGNATURE_SIZE])
{
	// What the hardware and the hung task detector report is at panic()'s caller.
	*function_ret = fault->kind == SIM_KIND_MCE    ? "mce_panic.cold"
			: fault->kind == SIM_KIND_HANG ? "watchdog.cold"
						       : fault->place.function;
	*offset_ret = sim_function_offset(*function_ret, kernel);
	snprintf(signature, SIM_SIGNATURE_SIZE, "%s+0x%x", *function_ret, *offset_ret);
}
