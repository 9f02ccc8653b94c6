/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "simulate/log.h"

void sim_log_line(struct sim_log *log, double step, const char *format, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	log->now += step;
	ey_buf_printf(log->text, "[%12.6f] ", log->now);
	ey_buf_adds(log->text, line);
	ey_buf_addc(log->text, '\n');
	log->lines++;
}

void sim_log_hardware(const struct sim_case *c, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s, BIOS %s %s", c->model->vendor, c->model->product, c->bios,
		 c->bios_date);
}

// A step of a few milliseconds: no two boots take the same time.
static double step(struct sim_log *log)
{
	return 0.0001 + sim_rng_unit(&log->rng) * 0.009;
}

#define SAY(...) sim_log_line(log, step(log), __VA_ARGS__)

static void say_all(struct sim_log *log, const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		SAY("%s", lines[i]);
}

static void banner(struct sim_log *log)
{
	const struct sim_case *c = log->c;
	char hardware[256];

	log->now = 0;
	sim_log_hardware(c, hardware, sizeof(hardware));
	sim_log_line(log, 0,
		     "Linux version %s (debian-kernel@lists.debian.org) (gcc-12 (Debian "
		     "12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP "
		     "PREEMPT_DYNAMIC Debian %s",
		     c->kernel, c->package);
	sim_log_line(
		log, 0,
		"Command line: BOOT_IMAGE=/boot/vmlinuz-%s root=/dev/mapper/vg0-root ro "
		"console=tty0 console=ttyS1,115200n8 crashkernel=512M panic=10 panic_on_warn=1 "
		"softlockup_panic=1 hung_task_panic=1",
		c->kernel);
	sim_log_line(log, 0, "DMI: %s", hardware);
}

static void memory_map(struct sim_log *log)
{
	uint64_t top = log->c->model->memory_gib << 30;
	static const char *const low[] = {
		"BIOS-provided physical RAM map:",
		"BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable",
		"BIOS-e820: [mem 0x00000000000a0000-0x00000000000fffff] reserved",
		"BIOS-e820: [mem 0x0000000000100000-0x000000005e2fafff] usable",
		"BIOS-e820: [mem 0x000000005e2fb000-0x000000006c2fafff] reserved",
		"BIOS-e820: [mem 0x000000006c2fb000-0x000000006eb2efff] ACPI NVS",
		"BIOS-e820: [mem 0x000000006eb2f000-0x000000006fffefff] ACPI data",
		"BIOS-e820: [mem 0x000000006ffff000-0x000000006fffffff] usable",
		"BIOS-e820: [mem 0x0000000070000000-0x000000008fffffff] reserved",
		"BIOS-e820: [mem 0x00000000fe010000-0x00000000fe010fff] reserved",
		"NX (Execute Disable) protection: active",
		"efi: EFI v2.70 by American Megatrends",
		"secureboot: Secure boot disabled",
		"SMBIOS 3.3.0 present.",
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(low); i++)
		sim_log_line(log, 0, "%s", low[i]);
	sim_log_line(log, 0, "BIOS-e820: [mem 0x0000000100000000-0x%016" PRIx64 "] usable",
		     top + (UINT64_C(1) << 31) - 1);
	sim_log_line(log, 0, "tsc: Detected %" PRIu64 ".%03" PRIu64 " MHz processor",
		     2000 + log->c->model->cpus % 7 * 100, sim_rng_below(&log->rng, 1000));
}

static void early(struct sim_log *log)
{
	static const char *const tables[] = {"FACP", "APIC", "SLIT", "SRAT", "HMAT",
					     "OEM4", "DMAR", "HEST", "BERT", "ERST",
					     "EINJ", "MCFG", "HPET", "WSMT"};
	static const char *const lines[] = {
		"x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT",
		"Using GB pages for direct mapping",
		"ACPI: Early table checksum verification disabled",
		"No NUMA configuration found",
		"Zone ranges:",
		"  DMA      [mem 0x0000000000001000-0x0000000000ffffff]",
		"  DMA32    [mem 0x0000000001000000-0x00000000ffffffff]",
		"  Normal   [mem 0x0000000100000000-0x000000407fffffff]",
		"Movable zone start for each node",
		"Early memory node ranges",
		"ACPI: PM-Timer IO Port: 0x508",
		"ACPI: X2APIC_NMI (uid[0xffffffff] high level lint[0x1])",
		"IOAPIC[0]: apic_id 8, version 32, address 0xfec00000, GSI 0-119",
		"Booting paravirtualized kernel on bare hardware",
		("clocksource: refined-jiffies: mask: 0xffffffff max_cycles: 0xffffffff, "
		 "max_idle_ns: 7645519600211568 ns"),
		"Fallback order for Node 0: 0 1",
		"Fallback order for Node 1: 1 0",
		"Policy zone: Normal",
		"mem auto-init: stack:all(zero), heap alloc:on, heap free:off",
		"ftrace: allocating 40236 entries in 158 pages",
		"Dynamic Preempt: voluntary",
		"rcu: Preemptible hierarchical RCU implementation.",
		"rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.",
		"random: crng init done",
		"Console: colour dummy device 80x25",
		"printk: console [tty0] enabled",
		"printk: console [ttyS1] enabled",
		"ACPI: Core revision 20220331",
		"APIC: Switch to symmetric I/O mode setup",
		"x2apic: IRQ remapping doesn't support X2APIC mode",
		"pid_max: default: 65536 minimum: 512",
		"LSM: Security Framework initializing",
		"landlock: Up and running.",
		"Yama: disabled by default; enable with sysctl kernel.yama.*",
		"AppArmor: AppArmor initialized",
		"LSM support for eBPF active",
		"CPU0: Thermal monitoring enabled (TM1)",
		"Spectre V1 : Mitigation: usercopy/swapgs barriers and __user pointer sanitization",
		"Spectre V2 : Mitigation: Enhanced / Automatic IBRS",
		"Spectre V2 : Spectre v2 / SpectreRSB mitigation: Filling RSB on context switch",
		"Speculative Store Bypass: Mitigation: Speculative Store Bypass disabled via prctl",
		"MMIO Stale Data: Mitigation: Clear CPU buffers",
		"x86/fpu: Supporting XSAVE feature 0x001: 'x87 floating point registers'",
		"x86/fpu: Supporting XSAVE feature 0x002: 'SSE registers'",
		"x86/fpu: Supporting XSAVE feature 0x004: 'AVX registers'",
		"x86/fpu: Supporting XSAVE feature 0x020: 'AVX-512 opmask'",
		"x86/fpu: Supporting XSAVE feature 0x040: 'AVX-512 Hi256'",
		"x86/fpu: Supporting XSAVE feature 0x080: 'AVX-512 ZMM_Hi256'",
		("x86/fpu: Enabled xstate features 0x2e7, context size is 2440 bytes, using "
		 "'compacted' format."),
		"Freeing SMP alternatives memory: 36K",
		("Performance Events: PEBS fmt4+-baseline, Icelake events, 32-deep LBR, full-width "
		 "counters, Intel PMU driver."),
		"signal: max sigframe size: 3632",
		"rcu: Hierarchical SRCU implementation.",
		"NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.",
		"smp: Bringing up secondary CPUs ...",
		"x86: Booting SMP configuration:",
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(tables); i++)
		SAY("ACPI: %s 0x000000006FFF%04X 0000%02zX (v0%zu EXAMPL EXMPLSRV 01072009 AMI  "
		    "00010013)",
		    tables[i], (unsigned int)sim_rng_below(&log->rng, 0x10000), 0x40 + i * 8,
		    1 + i % 5);
	say_all(log, lines, EY_ARRAY_SIZE(lines));
	SAY("smpboot: Allowing %" PRIu64 " CPUs, 0 hotplug CPUs", log->c->model->cpus);
	SAY("smp: Brought up 2 nodes, %" PRIu64 " CPUs", log->c->model->cpus);
	SAY("Memory: %" PRIu64 "K/%" PRIu64 "K available (14344K kernel code, 2325K rwdata, 9060K "
	    "rodata, 2792K init, 17404K bss, 4456236K reserved, 0K cma-reserved)",
	    (log->c->model->memory_gib - 5) << 20, (log->c->model->memory_gib << 20) - 1572);
}

static void buses(struct sim_log *log)
{
	static const char *const lines[] = {
		"devtmpfs: initialized",
		"x86/mm: Memory block size: 2048MB",
		("clocksource: jiffies: mask: 0xffffffff max_cycles: 0xffffffff, max_idle_ns: "
		 "7645041785100000 ns"),
		"futex hash table entries: 16384 (order: 8, 1048576 bytes, vmalloc)",
		"pinctrl core: initialized pinctrl subsystem",
		"NET: Registered PF_NETLINK/PF_ROUTE protocol family",
		"DMA: preallocated 4096 KiB GFP_KERNEL pool for atomic allocations",
		"audit: initializing netlink subsys (disabled)",
		"thermal_sys: Registered thermal governor 'step_wise'",
		"cpuidle: using governor menu",
		"acpiphp: ACPI Hot Plug PCI Controller Driver version: 0.5",
		"PCI: MMCONFIG for domain 0000 [bus 00-ff] at [mem 0x80000000-0x8fffffff]",
		"PCI: Using configuration type 1 for base access",
		("kprobes: kprobe jump-optimization is enabled. All kprobes are optimized if "
		 "possible."),
		"HugeTLB: registered 1.00 GiB page size, pre-allocated 0 pages",
		"HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages",
		"ACPI: Added _OSI(Module Device)",
		"ACPI: Added _OSI(Processor Device)",
		"ACPI: Interpreter enabled",
		"ACPI: PM: (supports S0 S5)",
		"ACPI: Using IOAPIC for interrupt routing",
		("PCI: Using host bridge windows from ACPI; if necessary, use \"pci=nocrs\" and "
		 "report a bug"),
		"EDAC MC: Ver: 3.0.0",
		"NetLabel: Initializing",
		"PCI: Using ACPI for IRQ routing",
		"clocksource: Switched to clocksource tsc-early",
		"VFS: Disk quotas dquot_6.6.0",
		"pnp: PnP ACPI: found 4 devices",
		"NET: Registered PF_INET protocol family",
		"IP idents hash table entries: 262144 (order: 9, 2097152 bytes, vmalloc)",
		("TCP established hash table entries: 524288 (order: 10, 4194304 bytes, vmalloc "
		 "hugepage)"),
		"TCP: Hash tables configured (established 524288 bind 65536)",
		"UDP hash table entries: 65536 (order: 9, 2097152 bytes, vmalloc)",
		"NET: Registered PF_UNIX/PF_LOCAL protocol family",
	};

	say_all(log, lines, EY_ARRAY_SIZE(lines));
	for (unsigned int bus = 0; bus < 4; bus++) {
		static const char *const ids[] = {"8086:09a2", "8086:09a4", "8086:347a",
						  "14e4:16d7", "144d:a824", "1000:00e6"};

		SAY("ACPI: PCI Root Bridge [PC%02X] (domain 0000 [bus %02x-%02x])", bus * 3,
		    bus * 0x30, bus * 0x30 + 0x2f);
		for (unsigned int dev = 0; dev < 9; dev++) {
			SAY("pci 0000:%02x:%02x.0: [%s] type 00 class 0x%06x", bus * 0x30, dev,
			    ids[dev % EY_ARRAY_SIZE(ids)], dev % 3 ? 0x088000 : 0x020000);
			SAY("pci 0000:%02x:%02x.0: reg 0x10: [mem 0x%08x-0x%08x 64bit pref]",
			    bus * 0x30, dev, 0x90000000 + (bus << 24) + (dev << 20),
			    0x900fffff + (bus << 24) + (dev << 20));
			SAY("pci 0000:%02x:%02x.0: PME# supported from D0 D3hot", bus * 0x30, dev);
		}
	}
}

static void userspace(struct sim_log *log)
{
	static const char *const lines[] = {
		"Trying to unpack rootfs image as initramfs...",
		"Freeing initrd memory: 61440K",
		"PCI-DMA: Intel(R) Virtualization Technology for Directed I/O",
		"Initialise system trusted keyrings",
		"workingset: timestamp_bits=36 max_order=26 bucket_order=0",
		"integrity: Platform Keyring initialized",
		"Block layer SCSI generic (bsg) driver version 0.4 loaded (major 247)",
		"io scheduler mq-deadline registered",
		"pcieport 0000:00:1c.0: PME: Signaling with IRQ 25",
		"Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled",
		"00:03: ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A",
		"00:04: ttyS1 at I/O 0x2f8 (irq = 3, base_baud = 115200) is a 16550A",
		"tpm_tis 00:05: 2.0 TPM (device-id 0xFC, rev-id 1)",
		"intel_pstate: Intel P-state driver initializing",
		"NET: Registered PF_INET6 protocol family",
		"Segment Routing with IPv6",
		"Freeing unused kernel image (initmem) memory: 2792K",
		"Run /init as init process",
		"ACPI: button: Power Button [PWRF]",
		"SCSI subsystem initialized",
		"megasas: 07.719.03.00-rc1",
		"usb 1-14: new high-speed USB device number 2 using xhci_hcd",
		"hub 1-14:1.0: USB hub found",
		"nvme nvme0: pci function 0000:30:04.0",
		"nvme nvme0: Shutdown timeout set to 8 seconds",
		"scsi 0:2:0:0: Direct-Access     EXAMPLE  RAID Volume      5.19 PQ: 0 ANSI: 5",
		"sd 0:2:0:0: [sda] 937426944 512-byte logical blocks: (480 GB/447 GiB)",
		"sd 0:2:0:0: [sda] Attached SCSI disk",
		"md/raid1:md0: active with 2 out of 2 mirrors",
		"device-mapper: uevent: version 1.0.3",
		"EXT4-fs (dm-0): mounted filesystem with ordered data mode. Quota mode: none.",
		"systemd[1]: systemd 252.39-1~deb12u1 running in system mode",
		"systemd[1]: Detected architecture x86-64.",
		"systemd[1]: Hostname set.",
		"EXT4-fs (dm-0): re-mounted. Quota mode: none.",
		"ipmi_si IPI0001:00: IPMI kcs interface initialized",
		"EDAC i10nm: No hbm memory",
		"XFS (dm-2): Mounting V5 Filesystem",
		"XFS (dm-2): Ending clean mount",
		("bnxt_en 0000:00:03.0 eno1: NIC Link is Up, 25000 Mbps full duplex, Flow control: "
		 "none"),
		"bnxt_en 0000:00:03.0 eno1: FEC autoneg off encoding: Clause 91 RS(528,514)",
		"bond0: (slave eno1): link status definitely up, 25000 Mbps full duplex",
		"IPv6: ADDRCONF(NETDEV_CHANGE): bond0: link becomes ready",
		"8021q: 802.1Q VLAN Support v1.8",
		"nf_tables: (c) 2007-2023 Netfilter core team",
		"bridge: filtering via arp/ip/ip6tables is no longer available by default.",
		"overlayfs: \"xino\" feature enabled using 32 upper inode bits.",
	};

	for (uint64_t i = 0; i < 12; i++)
		SAY("nvme nvme%" PRIu64 ": %" PRIu64 "/0/0 default/read/poll queues", i,
		    log->c->model->cpus);
	say_all(log, lines, EY_ARRAY_SIZE(lines));
}

void sim_log_boot(struct sim_log *log, bool whole)
{
	banner(log);
	if (!whole)
		return;
	memory_map(log);
	early(log);
	buses(log);
	userspace(log);
}

void sim_log_days(struct sim_log *log, unsigned int lines)
{
	static const char *const words[] = {
		"TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.",
		("device-mapper: thin: 253:4: reached low water mark for data device: sending "
		 "event."),
		"docker0: port 2(veth4f1c2ab) entered forwarding state",
		"veth4f1c2ab: renamed from eth0",
		("audit: type=1400 audit(0.000:61): apparmor=\"STATUS\" "
		 "operation=\"profile_replace\" "
		 "profile=\"unconfined\" name=\"docker-default\" pid=2911 "
		 "comm=\"apparmor_parser\""),
		"IPv6: ADDRCONF(NETDEV_CHANGE): veth7d02c11: link becomes ready",
		("perf: interrupt took too long (3146 > 3132), lowering "
		 "kernel.perf_event_max_sample_rate to 63500"),
		("systemd-journald[811]: Data hash table of /run/log/journal has a fill level at "
		 "75.0"),
	};
	double rest = (double)log->c->uptime - log->now - 1;

	for (unsigned int i = 0; i < lines && rest > 0; i++)
		sim_log_line(log, rest / (lines + 1) * (0.5 + sim_rng_unit(&log->rng)) * 0.66, "%s",
			     words[sim_rng_below(&log->rng, EY_ARRAY_SIZE(words))]);
}
