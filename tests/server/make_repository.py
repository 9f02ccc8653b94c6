#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a repository of crashes of a made-up fleet, for tests, screenshots and benchmarks.

    make_repository.py [--crashes N] [--outbreak N] [--days N] [--now SECONDS] [--seed N] ROOT

N background crashes spread over the days, and an outbreak of one new reason on one model within the
last hour. The folders are those that 'eyrie agent' files; 'eyried populate' takes them in. The
same arguments always make the same bytes.
"""
import argparse
import json
import os
import random
import time

SITES = ('ams1', 'fra2', 'sjc1')
MODELS = (
    ('Example Corp', 'Server 9', '2.19.1', '06/04/2026'),
    ('Example Corp', 'Server 7', '1.8.0', '11/19/2024'),
    ('Example Corp', 'Blade 4', '3.02', '02/27/2025'),
    ('Example Systems', 'Node 2U', 'A47', '08/30/2025'),
)
KERNELS = ('6.1.0-56-amd64', '6.1.0-53-amd64', '6.12.117+deb12-amd64')
PACKAGES = dict(zip(KERNELS, ('6.1.176-1', '6.1.173-1', '6.12.117-1~bpo12+1')))
ROLES = ('web', 'db', 'cache', 'build', 'store')


class Bug:
    def __init__(self, kind, title, where, guilty, head, frames, weight, module=None):
        self.kind, self.title, self.guilty, self.head = kind, title, guilty, head
        self.module, self.frames, self.weight = module, frames, weight
        self.function, self.offset, self.size = where

    @property
    def reason(self):
        return 'g1:%s:%s' % (self.kind, self.guilty)


SYSCALL = ['do_syscall_64', 'entry_SYSCALL_64_after_hwframe']
KTHREAD = ['kthread', 'ret_from_fork']
IDLE = ['do_idle', 'cpu_startup_entry', 'start_secondary', 'secondary_startup_64_no_verify']
NULL = ['BUG: kernel NULL pointer dereference, address: 0000000000000038',
        '#PF: supervisor read access in kernel mode', '#PF: error_code(0x0000) - not-present page',
        'PGD 0 P4D 0', 'Oops: 0000 [#1] PREEMPT SMP NOPTI']
GPF = ['general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1] PREEMPT SMP NOPTI']
BUGS = (
    Bug('NULL-DEREF', 'BUG: kernel NULL pointer dereference in __list_lru_walk_one',
        ('__list_lru_walk_one', 0x5f, 0x1c0), '__list_lru_walk_one', NULL,
        ['list_lru_walk_one', 'prune_icache_sb', 'super_cache_scan', 'do_shrink_slab', '?shrink_slab',
         'shrink_node', 'balance_pgdat', 'kswapd'] + KTHREAD, 14),
    Bug('GPF', 'general protection fault in nft_set_elem_expr_eval', ('nft_set_elem_expr_eval', 0x1a, 0x60),
        'nft_set_elem_expr_eval', GPF,
        ['nft_lookup_eval', 'nft_do_chain', 'nft_do_chain_inet', 'nf_hook_slow', 'ip_local_deliver', 'ip_rcv',
         '__netif_receive_skb_one_core', 'process_backlog', '__napi_poll', 'net_rx_action', '__do_softirq'] + IDLE,
        9, 'nf_tables'),
    Bug('BUG', 'kernel BUG in ext4_mb_use_inode_pa', ('ext4_mb_use_inode_pa', 0xe8, 0xf0), 'ext4_mb_use_inode_pa',
        ['kernel BUG at fs/ext4/mballoc.c:3897!', 'invalid opcode: 0000 [#1] PREEMPT SMP NOPTI'],
        ['ext4_mb_use_preallocated', 'ext4_mb_new_blocks', '?ext4_find_extent', 'ext4_ext_map_blocks', 'ext4_map_blocks',
         'ext4_writepages', 'do_writepages', '__writeback_single_inode', 'wb_writeback', 'process_one_work',
         'worker_thread'] + KTHREAD, 8, 'ext4'),
    Bug('SOFT-LOCKUP', 'soft lockup in smp_call_function_many_cond', ('smp_call_function_many_cond', 0x12f, 0x310),
        'flush_tlb_mm_range', ['watchdog: BUG: soft lockup - CPU#5 stuck for 26s! [kworker/5:1:312]'],
        ['on_each_cpu_cond_mask', 'flush_tlb_mm_range', 'tlb_finish_mmu', 'unmap_region', '__do_munmap',
         '__vm_munmap', '__x64_sys_munmap'] + SYSCALL, 7),
    Bug('HANG', 'task hung in xfs_buf_lock', ('__schedule', 0x2c1, 0xa20), 'xfs_buf_lock',
        ['INFO: task xfsaild/dm-3:911 blocked for more than 120 seconds.',
         'Kernel panic - not syncing: hung_task: blocked tasks'],
        ['schedule', 'schedule_timeout', '__down_common', 'down', 'xfs_buf_lock', 'xfs_buf_find_lock',
         'xfs_buf_get_map', 'xfs_trans_read_buf_map', 'xfs_imap_to_bp', 'xfsaild'] + KTHREAD, 6, 'xfs'),
    Bug('PAGE-FAULT', 'BUG: unable to handle page fault in copy_page_regs', ('copy_page_regs', 0x40, 0xa0),
        'migrate_pages_batch',
        ['BUG: unable to handle page fault for address: ffff9c2f40000000', 'Oops: 0002 [#1] PREEMPT SMP NOPTI'],
        ['copy_highpage', 'migrate_folio_extra', 'move_to_new_folio', 'migrate_pages_batch', 'compact_zone',
         'kcompactd_do_work', 'kcompactd'] + KTHREAD, 5),
    Bug('MCE', 'Machine check: Processor context corrupt', ('native_safe_halt', 0xb, 0x10), 'mce_panic',
        ['mce: [Hardware Error]: CPU 12: Machine Check Exception: 5 Bank 4: b200000000070f0f',
         'mce: [Hardware Error]: TSC 35c8f3bd2a1c', 'Kernel panic - not syncing: Fatal machine check'],
        ['mce_panic', 'do_machine_check', 'exc_machine_check', 'asm_exc_machine_check', 'native_safe_halt'] + IDLE, 4),
    Bug('WARNING', 'WARNING in cgroup_rstat_flush_locked', ('cgroup_rstat_flush_locked', 0x2a1, 0x3b0),
        'cgroup_rstat_flush_locked', ['WARNING: CPU: 3 PID: 4711 at kernel/cgroup/rstat.c:213 cgroup_rstat_flush_locked'],
        ['cgroup_rstat_flush', 'memory_stat_show', 'seq_read_iter', 'vfs_read', 'ksys_read'] + SYSCALL, 3),
    Bug('STACK-OVERFLOW', 'kernel stack overflow in nfs_file_write', ('nfs_file_write', 0x3, 0x310), 'nfs_file_write',
        ['BUG: TASK stack guard page was hit at 000000003f1a2c11 (stack is 00000000a5b1..000000009f00)',
         'stack guard page: 0000 [#1] PREEMPT SMP NOPTI'],
        ['ovl_write_iter', 'do_iter_write', 'ovl_write_iter', 'do_iter_write', 'vfs_write', 'ksys_write'] + SYSCALL, 2, 'nfs'),
    Bug('KASAN-UAF', 'KASAN: use-after-free in sk_psock_verdict_data_ready',
        ('sk_psock_verdict_data_ready', 0x6d, 0x80), 'sk_psock_verdict_data_ready',
        ['BUG: KASAN: use-after-free in sk_psock_verdict_data_ready+0x6d/0x80'],
        ['unix_stream_sendmsg', 'sock_sendmsg', '__sys_sendto', '__x64_sys_sendto'] + SYSCALL, 1),
)
OUTBREAK = Bug(
    'NULL-DEREF', 'BUG: kernel NULL pointer dereference in bnxt_rx_pkt', ('bnxt_rx_pkt', 0x2b4, 0x1190), 'bnxt_rx_pkt', NULL,
    ['bnxt_poll_work', 'bnxt_poll', '__napi_poll', 'net_rx_action', '?__irq_wake_thread', '__do_softirq', 'irq_exit_rcu',
     'common_interrupt', 'asm_common_interrupt'] + IDLE, 0, 'bnxt_en')

MACHINE_CHECK = {
    'verdict': 'hardware', 'evidence': 'the hardware reported it: CPU 12: Machine Check Exception',
    'hints': [{'verdict': 'hardware', 'evidence': 'the hardware reported it: CPU 12: Machine Check Exception'}],
    'hardware_error': {
        'source': 'mce', 'severity': 'fatal', 'corrected': False, 'class': 'bus or interconnect',
        'detail': 'bus error by a timeout', 'unit': 'northbridge', 'cpu': 12, 'socket': 0, 'bank': 4,
        'status': 'b200000000070f0f', 'flags': ['VAL', 'UC', 'EN', 'PCC'], 'vendor': 'AMD', 'cpuid': '100f42',
        'microcode': '10000c8', 'kernel_says': 'Processor context corrupt'},
}
BOOT = (
    'Linux version {kernel} (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC',
    'Command line: BOOT_IMAGE=/boot/vmlinuz-{kernel} root=/dev/mapper/vg-root ro crashkernel=512M panic=10',
    'BIOS-provided physical RAM map:',
    'DMI: {hardware}',
    'tsc: Detected 2394.374 MHz processor',
    'Memory: 263748120K/268394532K available',
    'smpboot: Allowing {cpus} CPUs, 0 hotplug CPUs',
    'rcu: Hierarchical RCU implementation.',
    'pci 0000:17:00.0: [14e4:16d7] type 00 class 0x020000',
    'nvme nvme0: {cpus}/0/0 default/read/poll queues',
    'EXT4-fs (dm-0): mounted filesystem with ordered data mode. Quota mode: none.',
    'systemd[1]: Detected architecture x86-64.',
    'bnxt_en 0000:17:00.0 eno1: NIC Link is Up, 25000 Mbps full duplex, Flow control: none',
    'audit: type=1400 audit(0): apparmor="STATUS" operation="profile_load"',
    'nf_tables: (c) 2007-2023 Netfilter core team',
)
MODULES = ('nf_tables', 'nft_ct', 'xfs', 'ext4', 'bnxt_en', 'nfs', 'dm_mod', 'raid1', 'ipmi_si', 'mlx5_core', 'overlay', 'tcp_bbr')
TASKS = ('systemd', 'kthreadd', 'rcu_preempt', 'migration/0', 'ksoftirqd/0', 'kworker/0:1', 'kswapd0', 'sshd', 'nginx',
         'postgres', 'containerd', 'node_exporter', 'chronyd', 'rsyslogd', 'dockerd', 'java')


def crash(rng, bug, host, when, kernel):
    """The record, kernel log and analysis text of one crash."""
    uptime = rng.randrange(3600, 40 * 86400)
    cpu, cpus, pid = rng.randrange(64), 64, rng.randrange(2, 300000)
    comm = rng.choice(TASKS)
    # Offsets move with the build, as they do in the field.
    offset = bug.offset + 16 * KERNELS.index(kernel)
    hardware = '%s %s, BIOS %s %s' % host['model']
    t = [0.0]
    log = []

    lines = {}

    def say(text, dt=0.000071, *fields):
        t[0] += dt
        log.append('[%12.6f] %s' % (t[0], text))
        lines.update(dict.fromkeys(fields, len(log)))

    for line in BOOT:
        say(line.format(kernel=kernel, hardware=hardware, cpus=cpus), 0.31)
    for i in range(rng.randrange(60, 220)):
        say('device-mapper: thin: %d:%d: reached low water mark for data device' % (253, i % 9) if i % 3 else
            'TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.', uptime / 230)
    t[0] = float(uptime)
    first = len(log) + 1
    for line in bug.head:
        say(line)
    say('CPU: %d PID: %d Comm: %s Kdump: loaded Not tainted %s #1  Debian' % (cpu, pid, comm, kernel), 0.000071,
        'cpu', 'pid', 'comm', 'taint', 'kernel')
    say('Hardware name: ' + hardware, 0.000071, 'hardware')
    tail = ' [%s]' % bug.module if bug.module else ''
    say('RIP: 0010:%s+0x%x/0x%x%s' % (bug.function, offset, bug.size, tail), 0.000071, 'function')
    say('Code: ' + ' '.join('%02x' % rng.randrange(256) for _ in range(42)) + ' <48> 8b 40 38')
    say('RSP: 0018:ffffa1c2%08x EFLAGS: 00010246' % rng.getrandbits(32))
    for row in (('RAX', 'RBX', 'RCX'), ('RDX', 'RSI', 'RDI'), ('RBP', 'R08', 'R09'), ('R10', 'R11', 'R12'), ('R13', 'R14', 'R15')):
        say(' '.join('%s: %016x' % (r, rng.getrandbits(48) if r != 'RAX' else 0) for r in row))
    say('CR2: 0000000000000038 CR3: 00000001%08x CR4: 0000000000750ee0' % rng.getrandbits(31))
    say('Call Trace:')
    say(' <TASK>')
    frames = []
    for name in bug.frames:
        sure, name = name[0] != '?', name.lstrip('?')
        # Mostly own to the function and the kernel, so that the same bug looks the same.
        size = 16 * (4 + sum(map(ord, name)) % 90)
        off = (sum(map(ord, name + kernel)) * 7) % size
        mod = bug.module if bug.module and name.startswith(bug.module.split('_')[0][:3]) else None
        say(' %s%s+0x%x/0x%x%s' % ('' if sure else '? ', name, off, size, ' [%s]' % mod if mod else ''))
        frames.append({'function': name, 'offset': off, 'size': size, 'module': mod, 'reliable': sure,
                       'line': len(log)})
    say(' </TASK>')
    say('Modules linked in: ' + ' '.join(MODULES))
    last = len(log)
    text = '\n'.join(log) + '\n'
    event = {
        'kind': bug.kind, 'title': bug.title, 'function': bug.function, 'offset': offset, 'size': bug.size,
        'module': bug.module, 'guilty': bug.guilty, 'signature': '%s+0x%x' % (bug.function, offset), 'reason': bug.reason,
        'cpu': cpu, 'pid': pid, 'comm': comm, 'taint': 'G', 'kernel': kernel, 'hardware': hardware, 'frames': frames,
        'corrupted': False, 'first_line': first, 'last_line': last, 'lines': dict(lines, title=first),
    }
    if bug.kind == 'MCE':
        event.update(MACHINE_CHECK, lines=event['lines'])
        event['hardware_error'] = dict(MACHINE_CHECK['hardware_error'], lines={'status': first})
    here = {'function': bug.function, 'offset': offset, 'size': bug.size, 'module': bug.module, 'reliable': True}
    stack = [dict(f, address='%016x' % (0xffffffff81000000 + rng.getrandbits(23))) for f in [here] + frames]
    for f in stack:
        f.pop('line', None)
    stacks = [{'pid': pid, 'comm': comm, 'cpu': cpu, 'address': 'ffff8d17%08x' % rng.getrandbits(32), 'frames': stack}]
    for other in range(5):
        stacks.append({'pid': 0, 'comm': 'swapper/%d' % other, 'cpu': other, 'address': 'ffff8d17%08x' % rng.getrandbits(32),
                       'frames': [dict(function=n, offset=16, size=64, module=None, reliable=True,
                                       address='%016x' % (0xffffffff81000000 + rng.getrandbits(23)))
                                  for n in ['crash_nmi_callback', 'nmi_handle', 'default_do_nmi', 'exc_nmi',
                                            'end_repeat_nmi', 'native_safe_halt'] + IDLE]})
    tasks = [{'pid': 0 if i == 0 else i * 7, 'ppid': 0 if i < 2 else 1, 'cpu': i % cpus, 'state': 'RU' if i == 0 else 'IN',
              'comm': TASKS[i % len(TASKS)], 'address': 'ffff8d17%08x' % rng.getrandbits(32),
              'vsz_kib': 1000 * (i % 40), 'rss_kib': 300 * (i % 40)} for i in range(140)]
    tasks.append({'pid': pid, 'ppid': 1, 'cpu': cpu, 'state': 'RU', 'comm': comm, 'address': stacks[0]['address'],
                  'vsz_kib': 81234, 'rss_kib': 5120})
    iso = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(when))
    record = {
        'schema': 'eyrie/crash/1',
        'identity': {'hostname': host['name'], 'machine_id': host['machine_id'],
                     'boot_id': '%08x-0000-4000-8000-%012x' % (rng.getrandbits(32), rng.getrandbits(48)),
                     'dmi_uuid': host['uuid'], 'dmi_serial': host['serial']},
        'dump': {'format': 'kdump-compressed', 'bytes': rng.randrange(15, 900) * 1000003, 'complete': True},
        'engine': 'native',
        'gaps': [] if rng.random() < 0.9 else [{'what': 'modules', 'why': 'the page of the module list is not in the dump'}],
        'system': {'hostname': host['name'], 'release': kernel, 'version': '#1 SMP PREEMPT_DYNAMIC Debian %s' % PACKAGES[kernel], 'machine': 'x86_64',
                   'cpus': cpus, 'memory_bytes': 256 << 30, 'crash_time': iso, 'uptime_seconds': uptime,
                   'load': [round(rng.random() * 30, 2) for _ in range(3)], 'taint': None},
        'inventory': dict(zip(('vendor', 'product', 'bios_version', 'bios_date'), host['model'])),
        'event': event,
        'panic_task': {k: stacks[0][k] for k in ('pid', 'comm', 'cpu', 'address')},
        'stacks': stacks, 'tasks': tasks,
        'modules': [{'name': m, 'base': 'ffffffffc0%06x' % (i << 16), 'size': 16384 * (i + 1), 'taint': ''}
                    for i, m in enumerate(MODULES)],
        'log': text,
    }
    analysis = '      KERNEL: %s\n        DATE: %s\n      UPTIME: %d s\n    NODENAME: %s\n     RELEASE: %s\n       PANIC: "%s"\n\n' % (
        'from the dump', iso, uptime, host['name'], kernel, bug.title)
    analysis += 'PID: %d  TASK: %s  CPU: %d  COMMAND: "%s"\n' % (pid, stacks[0]['address'], cpu, comm)
    analysis += ''.join(' #%d %s at %s%s\n' % (i, f['function'], f['address'], ' [%s]' % f['module'] if f['module'] else '')
                        for i, f in enumerate(stack))
    return record, text, analysis


def fleet(rng, count):
    hosts = []
    for i in range(count):
        role, site = ROLES[i % len(ROLES)], SITES[(i // 7) % len(SITES)]
        hosts.append({
            'name': '%s-%03d.%s.example.com' % (role, i // len(ROLES) + 1, site), 'site': site,
            'model': MODELS[rng.choices(range(len(MODELS)), (5, 3, 2, 1))[0]],
            'machine_id': '%032x' % rng.getrandbits(128), 'serial': 'EX%07d' % (1000000 + i),
            'uuid': '%08x-1111-4222-8333-%012x' % (rng.getrandbits(32), rng.getrandbits(48)),
        })
    return hosts


def write(root, host, when, made):
    record, text, analysis = made
    stamp = time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(when))
    folder = os.path.join(root, host['site'], host['name'], '%s-%s' % (stamp, record['identity']['boot_id'][:8]))
    os.makedirs(folder, exist_ok=True)
    for name, data in (('dmesg.txt', text), ('analysis.txt', analysis), ('record.json', json.dumps(record))):
        with open(os.path.join(folder, name), 'w') as f:
            f.write(data)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--crashes', type=int, default=300)
    p.add_argument('--outbreak', type=int, default=40)
    p.add_argument('--hosts', type=int, default=400)
    p.add_argument('--days', type=int, default=60)
    p.add_argument('--now', type=int, default=int(time.time()))
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('root')
    args = p.parse_args()
    rng = random.Random(args.seed)
    hosts = fleet(rng, args.hosts)
    for _ in range(args.crashes):
        age = rng.random() ** 1.3 * args.days * 86400
        # Some bugs came with time: the last of the list are the youngest.
        bug = rng.choices(BUGS, [b.weight * (age < (12 - i) / 12 * args.days * 86400 or i < 3) for i, b in enumerate(BUGS)])[0]
        host = rng.choice(hosts)
        if bug.kind == 'MCE':
            # Broken machines come back.
            host = hosts[int(age) % 3]
        when = int(args.now - 5400 - age)
        write(args.root, host, when, crash(rng, bug, host, when, rng.choices(KERNELS, (6, 3, 2))[0]))
    sick = [h for h in hosts if h['model'] == MODELS[0] and h['site'] == SITES[0]] + [h for h in hosts if h['model'] == MODELS[0]]
    for i in range(args.outbreak):
        host = sick[i % len(sick)]
        when = int(args.now - 2900 * rng.random() - 60)
        write(args.root, host, when, crash(rng, OUTBREAK, host, when, KERNELS[2]))


main()
