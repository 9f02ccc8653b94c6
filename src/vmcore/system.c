/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/system.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/module.h"
#include "vmcore/vmcoreinfo.h"

// 2^40 pages are 4 PiB, what 5-level paging can hold.
#define MAX_PAGES (1ULL << 40)

enum {
	// FSHIFT (include/linux/sched/loadavg.h): load averages have 11 bits of fraction.
	LOAD_SHIFT = 11,
	BOOT_ID_BYTES = 16,
};

static void read_uts(struct kernel *k, struct system_info *s)
{
	const struct btf_member *name = kernel_member(k, MEM_UTS_NAME);
	uint64_t ns, offset;

	if (!kernel_symbol(k, SYM_init_uts_ns, &ns))
		return;
	if (name)
		offset = name->bit_offset / 8;
	else if (!vmcoreinfo_offset(k->dump.vmcoreinfo, "uts_namespace.name", &offset))
		return;
	// struct new_utsname: six arrays of 65 bytes, in every kernel
	// (include/uapi/linux/utsname.h).
	enum { FIELD = 65, NODENAME = 65, RELEASE = 130, VERSION = 195, MACHINE = 260 };
	ns += offset;
	memory_string(&k->memory, ns + NODENAME, s->hostname, FIELD + 1);
	memory_string(&k->memory, ns + RELEASE, s->release, FIELD + 1);
	memory_string(&k->memory, ns + VERSION, s->version, FIELD + 1);
	memory_string(&k->memory, ns + MACHINE, s->machine, FIELD + 1);
}

// The timekeeper that the kernel updates and copies from: a variable of its own until 6.12, a
// member of struct tk_data since (commit 20c7b582e88b).
static bool timekeeper(struct kernel *k, uint64_t *ret)
{
	const struct btf_member *shadow;

	if (kernel_symbol(k, SYM_shadow_timekeeper, ret))
		return true;
	if (!kernel_symbol(k, SYM_timekeeper_data, ret) && !kernel_symbol(k, SYM_tk_core, ret))
		return false;
	shadow = kernel_member(k, MEM_TK_DATA_SHADOW);
	if (!shadow)
		return false;
	*ret += shadow->bit_offset / 8;
	return true;
}

static void read_times(struct kernel *k, struct system_info *s)
{
	uint64_t tk;
	int64_t seconds, to_monotonic, to_monotonic_ns, boot_ns;
	uint64_t shifted_ns, shift;

	s->crash_time = s->uptime_seconds = -1;
	// Since 4.18 or so; written when the kernel dies.
	vmcoreinfo_decimal(k->dump.vmcoreinfo, "CRASHTIME", &s->crash_time);
	if (!timekeeper(k, &tk) || !kernel_read_signed(k, tk, MEM_TK_XTIME_SEC, &seconds))
		return;
	if (s->crash_time <= 0)
		s->crash_time = seconds;
	// tk_xtime() and its way to the boot clock: seconds and nanoseconds of three parts.
	if (kernel_read_signed(k, tk, MEM_TK_WALL_TO_MONOTONIC, &to_monotonic) &&
	    kernel_read_signed(k, tk, MEM_TK_WALL_TO_MONOTONIC_NSEC, &to_monotonic_ns) &&
	    kernel_read(k, tk, MEM_TK_XTIME_NSEC, &shifted_ns) &&
	    kernel_read(k, tk, MEM_TK_SHIFT, &shift) && shift < 64 &&
	    kernel_read_signed(k, tk, MEM_TK_OFFS_BOOT, &boot_ns)) {
		int64_t ns, uptime;

		if (!__builtin_add_overflow(seconds, to_monotonic, &uptime) &&
		    !__builtin_add_overflow((int64_t)(shifted_ns >> shift), to_monotonic_ns, &ns) &&
		    !__builtin_add_overflow(ns, boot_ns, &ns) &&
		    !__builtin_add_overflow(uptime, ns / 1000000000, &uptime) && uptime >= 0)
			s->uptime_seconds = uptime;
	}
}

// What the machine has: the present pages of all nodes, as crash counts them; else what the kernel
// gave to its allocators.
static int64_t memory_size(struct kernel *k)
{
	enum { MAX_NODES = 1024 };
	uint64_t nodes, node, pages, sum = 0, total;

	if (kernel_symbol(k, SYM_node_data, &nodes)) {
		struct symbol symbol;
		size_t count = 1;

		if (kernel_symbol_at(k, nodes, &symbol) && symbol.address == nodes)
			count = EY_MIN((size_t)(symbol.size / 8), (size_t)MAX_NODES);
		for (size_t i = 0; i < count; i++) {
			if (memory_u64(&k->memory, nodes + i * 8, &node) && node &&
			    kernel_read(k, node, MEM_NODE_PRESENT_PAGES, &pages) &&
			    pages < MAX_PAGES)
				sum += pages;
		}
	}
	if (!sum && kernel_symbol(k, SYM__totalram_pages, &total) &&
	    memory_u64(&k->memory, total, &pages) && pages < MAX_PAGES)
		sum = pages;
	return sum && sum < MAX_PAGES ? (int64_t)(sum << DUMP_PAGE_SHIFT) : -1;
}

static void read_dmi(struct kernel *k, struct system_info *s)
{
	// Names of enum dmi_field (include/linux/mod_devicetable.h).
	const struct {
		const char *field;
		char *text;
	} fields[] = {
		{"DMI_SYS_VENDOR", s->vendor},
		{"DMI_PRODUCT_NAME", s->product},
		{"DMI_PRODUCT_VERSION", s->product_version},
		{"DMI_PRODUCT_SERIAL", s->product_serial},
		{"DMI_PRODUCT_UUID", s->product_uuid},
		{"DMI_BOARD_VENDOR", s->board_vendor},
		{"DMI_BOARD_NAME", s->board_name},
		{"DMI_BIOS_VENDOR", s->bios_vendor},
		{"DMI_BIOS_VERSION", s->bios_version},
		{"DMI_BIOS_DATE", s->bios_date},
	};
	uint64_t ident, pointer;
	int64_t index;

	if (!kernel_symbol(k, SYM_dmi_ident, &ident) || !k->have_btf)
		return;
	for (size_t i = 0; i < EY_ARRAY_SIZE(fields); i++) {
		if (btf_enum(&k->btf, "dmi_field", fields[i].field, &index) && index >= 0 &&
		    index < 256 && memory_u64(&k->memory, ident + (uint64_t)index * 8, &pointer) &&
		    pointer)
			memory_string(&k->memory, pointer, fields[i].text, SYSTEM_TEXT_SIZE);
	}
}

static void read_boot_id(struct kernel *k, struct system_info *s)
{
	uint8_t id[BOOT_ID_BYTES];
	uint64_t at;

	if (!kernel_symbol(k, SYM_sysctl_bootid, &at))
		return;
	_cleanup_error_ struct ey_error *err = memory_read(&k->memory, at, id, sizeof(id));
	// All zeros until something reads it. %pU: the bytes in order.
	if (err || !memcmp(id, (uint8_t[BOOT_ID_BYTES]){0}, sizeof(id)))
		return;
	char *p = s->boot_id;
	for (size_t i = 0; i < sizeof(id); i++)
		p += sprintf(p, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
}

void system_read(struct kernel *k, struct system_info *s)
{
	uint64_t at, value, loads[3];

	*s = (struct system_info){.cpus = -1, .memory_bytes = -1, .cpu_mhz = -1, .microcode = -1};
	read_uts(k, s);
	// A dump of which the end is missing has its header.
	if (!s->hostname[0])
		memcpy(s->hostname, k->dump.nodename, sizeof(k->dump.nodename));
	if (!s->release[0])
		memcpy(s->release, k->dump.release, sizeof(k->dump.release));
	if (!s->version[0])
		memcpy(s->version, k->dump.version, sizeof(k->dump.version));
	if (!s->release[0]) {
		const char *release = vmcoreinfo_find(k->dump.vmcoreinfo, "OSRELEASE");

		snprintf(s->release, sizeof(s->release), "%.*s",
			 release ? (int)strcspn(release, "\n") : 0, release ? release : "");
	}
	read_times(k, s);
	read_dmi(k, s);
	read_boot_id(k, s);
	for (unsigned int cpu = 0; cpu < k->cpu_count; cpu++)
		s->cpus = EY_MAX(s->cpus, (int64_t)0) + k->cpu_online[cpu];
	s->memory_bytes = memory_size(k);
	uint32_t khz;
	if (kernel_symbol(k, SYM_cpu_khz, &at) && memory_u32(&k->memory, at, &khz) && khz)
		s->cpu_mhz = khz / 1000;
	if (kernel_symbol(k, SYM_tainted_mask, &at) && memory_u64(&k->memory, at, &value)) {
		s->have_taint = true;
		taint_letters(value, s->taint, sizeof(s->taint));
	}
	if (kernel_symbol(k, SYM_avenrun, &at)) {
		_cleanup_error_ struct ey_error *err =
			memory_read(&k->memory, at, loads, sizeof(loads));

		s->have_load = !err;
		for (size_t i = 0; !err && i < 3; i++)
			s->load[i] = (double)loads[i] / (1 << LOAD_SHIFT);
	}
	if (kernel_symbol(k, SYM_boot_cpu_data, &at)) {
		kernel_read_string(k, at, MEM_CPUINFO_MODEL_ID, s->cpu_model, sizeof(s->cpu_model));
		if (kernel_read(k, at, MEM_CPUINFO_MICROCODE, &value))
			s->microcode = (int64_t)value;
	}
}
