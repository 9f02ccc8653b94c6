/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What the hardware itself reported, decoded: machine checks, EDAC, PCIe AER, errors that the
 * firmware reports (APEI GHES, UEFI CPER), NMIs, temperature, watchdogs. One shape for all.
 */
#ifndef EYRIE_OOPS_HARDWARE_H
#define EYRIE_OOPS_HARDWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

/** Who reported it. */
#define OOPS_HW_SOURCES(X)      \
	X(NONE, "")             \
	X(MCE, "mce")           \
	X(EDAC, "edac")         \
	X(AER, "aer")           \
	X(GHES, "ghes")         \
	X(NMI, "nmi")           \
	X(THERMAL, "thermal")   \
	X(WATCHDOG, "watchdog") \
	X(MEMORY, "memory")

enum oops_hw_source {
#define X(id, name) OOPS_HW_##id,
	OOPS_HW_SOURCES(X)
#undef X
};

/** How bad, in rising order. */
enum oops_hw_severity {
	/** The log does not say. */
	OOPS_HW_UNKNOWN,
	OOPS_HW_CORRECTED,
	/** Bad data that nothing has used yet (AMD). */
	OOPS_HW_DEFERRED,
	/** Not corrected, and the system may go on. */
	OOPS_HW_UNCORRECTED,
	OOPS_HW_FATAL,
};

/** Parts whose line of the log is kept. */
enum oops_hw_field {
	OOPS_HW_LINE_STATUS,
	OOPS_HW_LINE_ADDRESS,
	OOPS_HW_LINE_PROCESSOR,
	OOPS_HW_LINE_DEVICE,
	OOPS_HW_LINE_DIMM,
	OOPS_HW_LINE_COUNT,
};

/**
 * One hardware error; of several in one report the worst, and of equally bad ones the last, which
 * is the one that the kernel died of (mce_panic() prints it last). Plain data, no pointers.
 */
struct oops_hardware {
	enum oops_hw_source source;
	enum oops_hw_severity severity;
	/** -1: not said. */
	int cpu, socket, bank;
	/** CPU vendor as the kernel numbers it (asm/processor.h): 0 Intel, 2 AMD; -1: not said. */
	int vendor;
	bool have_status, have_address, have_mcg_status, have_misc, have_syndrome, have_ipid;
	/** MCi_STATUS, MCi_ADDR or the physical address, MCG_STATUS, MCi_MISC, MCA_SYND, MCA_IPID.
	 */
	uint64_t status, address, mcg_status, misc, syndrome, ipid;
	/** Reason byte of an NMI (port 0x61), -1: not said. */
	int nmi_reason;
	/** CPUID(1).EAX and the microcode's revision as printed, "" where not said. */
	char cpuid[12], microcode[16];
	/** What kind of error: "memory controller", "TLB", "PCIe transaction layer", ... */
	char error_class[48];
	/** The same with its particulars, a part of a sentence. */
	char detail[128];
	/** The part of the processor or chip set that the bank belongs to, "" where unknown. */
	char unit[48];
	/** PCI address and "vendor:device"; thermal zone or memory controller. */
	char device[40], device_id[12];
	/** Name of the memory module, and where it is, as firmware or EDAC name it. */
	char dimm[96], location[96];
	/** The kernel's own verdict, e.g. "Processor context corrupt". */
	char kernel_says[96];
	/** Records in the report. */
	unsigned int count;
	uint64_t lines[OOPS_HW_LINE_COUNT];
	/** Lines at work are of a milder record than the one that is kept. */
	bool passing;
};

void oops_hardware_init(struct oops_hardware *hw);
/**
 * Take what one line of a report says, line @p number of the log; @p text is the message without
 * prefixes. Returns whether the line was of a hardware error.
 */
bool oops_hardware_take(struct oops_hardware *hw, const char *text, size_t len, uint64_t number);
/**
 * Whether a panic's text (after "Kernel panic - not syncing: ") tells of a hardware error; then
 * what it tells is in @p hw, which may be NULL.
 */
bool oops_hardware_from_panic(struct oops_hardware *hw, const char *text);
/** All lines are in: decode the status. */
void oops_hardware_finish(struct oops_hardware *hw);
/** A line for people, cut to @p size. */
void oops_hardware_title(const struct oops_hardware *hw, char *buf, size_t size);
/**
 * What the group key says of it: class and kind of bank or error, nothing of the one machine; ""
 * where the report says too little.
 */
void oops_hardware_key(const struct oops_hardware *hw, char *buf, size_t size);
const char *oops_hardware_severity_name(enum oops_hw_severity severity);
/** Write the JSON object. */
void oops_hardware_write(const struct oops_hardware *hw, struct ey_json *json);

/**
 * Decode a machine check bank's status (mca.c): fill class, detail and unit. Layouts: Intel SDM
 * vol. 3B, "Interpreting Machine-Check Error Codes"; AMD64 APM vol. 2, "Machine Check
 * Architecture"; the kernel's arch/x86/include/asm/mce.h and drivers/edac/mce_amd.c.
 */
void oops_mca_decode(struct oops_hardware *hw);
enum oops_hw_severity oops_mca_severity(uint64_t status);
/** Names of the set bits, up to @p max, in @p names_ret; returns how many. */
size_t oops_mca_flags(const struct oops_hardware *hw, const char *names_ret[], size_t max);

#endif
