/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine check status words in words. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "oops/hardware.h"

enum {
	// Vendors as the kernel numbers them, arch/x86/include/asm/processor.h.
	VENDOR_INTEL = 0,
	VENDOR_AMD = 2,
	VENDOR_HYGON = 9,
	VENDOR_ZHAOXIN = 10,
};

// MCi_STATUS, arch/x86/include/asm/mce.h.
#define STATUS_VAL   (1ULL << 63)
#define STATUS_OVER  (1ULL << 62)
#define STATUS_UC    (1ULL << 61)
#define STATUS_EN    (1ULL << 60)
#define STATUS_MISCV (1ULL << 59)
#define STATUS_ADDRV (1ULL << 58)
#define STATUS_PCC   (1ULL << 57)
// Intel.
#define STATUS_S  (1ULL << 56)
#define STATUS_AR (1ULL << 55)
// AMD.
#define STATUS_TCC	(1ULL << 55)
#define STATUS_SYNDV	(1ULL << 53)
#define STATUS_CECC	(1ULL << 46)
#define STATUS_UECC	(1ULL << 45)
#define STATUS_DEFERRED (1ULL << 44)
#define STATUS_POISON	(1ULL << 43)

static bool is_amd(const struct oops_hardware *hw)
{
	return hw->vendor == VENDOR_AMD || hw->vendor == VENDOR_HYGON;
}

static bool is_intel(const struct oops_hardware *hw)
{
	return hw->vendor == VENDOR_INTEL || hw->vendor == VENDOR_ZHAOXIN;
}

enum oops_hw_severity oops_mca_severity(uint64_t status)
{
	if (!(status & STATUS_VAL))
		return OOPS_HW_UNKNOWN;
	if (status & STATUS_UC)
		return status & STATUS_PCC ? OOPS_HW_FATAL : OOPS_HW_UNCORRECTED;
	return OOPS_HW_CORRECTED;
}

size_t oops_mca_flags(const struct oops_hardware *hw, const char *names_ret[], size_t max)
{
	static const struct {
		uint64_t bit;
		const char *name;
		// Whose bit it is: 'A' AMD, 'I' Intel, 0 everyone's.
		char whose;
	} flags[] = {
		{STATUS_VAL, "VAL", 0},		{STATUS_OVER, "OVER", 0},
		{STATUS_UC, "UC", 0},		{STATUS_EN, "EN", 0},
		{STATUS_MISCV, "MISCV", 0},	{STATUS_ADDRV, "ADDRV", 0},
		{STATUS_PCC, "PCC", 0},		{STATUS_S, "S", 'I'},
		{STATUS_AR, "AR", 'I'},		{STATUS_TCC, "TCC", 'A'},
		{STATUS_SYNDV, "SYNDV", 'A'},	{STATUS_CECC, "CECC", 'A'},
		{STATUS_UECC, "UECC", 'A'},	{STATUS_DEFERRED, "DEFERRED", 'A'},
		{STATUS_POISON, "POISON", 'A'},
	};
	size_t n = 0;

	for (size_t i = 0; hw->have_status && i < EY_ARRAY_SIZE(flags) && n < max; i++) {
		if ((flags[i].whose == 'A' && !is_amd(hw)) ||
		    (flags[i].whose == 'I' && !is_intel(hw)))
			continue;
		if (hw->status & flags[i].bit)
			names_ret[n++] = flags[i].name;
	}
	return n;
}

// AMD's scalable MCA tells in MCA_IPID what a bank is: hardware id in bits 43:32, type in 63:48
// (arch/x86/kernel/cpu/mce/amd.c, smca_hwid_mcatypes).
static const char *smca_unit(uint64_t ipid)
{
	static const struct {
		uint16_t id, type;
		const char *unit;
	} units[] = {
		{0xb0, 0x0, "load-store unit"},
		{0xb0, 0x10, "load-store unit"},
		{0xb0, 0x1, "instruction fetch unit"},
		{0xb0, 0x2, "L2 cache"},
		{0xb0, 0x3, "decode unit"},
		{0xb0, 0x5, "execution unit"},
		{0xb0, 0x6, "floating point unit"},
		{0xb0, 0x7, "L3 cache"},
		{0x2e, 0x0, "coherent slave"},
		{0x2e, 0x2, "coherent slave"},
		{0x2e, 0x1, "power and interrupt unit"},
		{0x2e, 0x4, "memory attached last level cache"},
		{0x96, 0x0, "memory controller"},
		{0x96, 0x1, "memory controller"},
		{0x05, 0x0, "parameter block"},
		{0xff, 0x0, "platform security processor"},
		{0xff, 0x1, "platform security processor"},
		{0x01, 0x0, "system management unit"},
		{0x01, 0x1, "system management unit"},
		{0x01, 0x2, "microprocessor 5"},
		{0x01, 0x3, "MPDMA unit"},
		{0x18, 0x0, "northbridge I/O unit"},
		{0x46, 0x0, "PCIe unit"},
		{0x46, 0x1, "PCIe unit"},
		{0x50, 0x0, "xGMI link"},
		{0x6c, 0x0, "NBIF unit"},
		{0x80, 0x0, "system hub"},
		{0xa8, 0x0, "SATA unit"},
		{0xaa, 0x0, "USB unit"},
		{0x241, 0x0, "GMI link"},
		{0x259, 0x0, "xGMI link"},
		{0x267, 0x0, "WAFL link"},
		{0x269, 0x0, "GMI link"},
	};
	uint64_t id = ipid >> 32 & 0xfff, type = ipid >> 48;

	for (size_t i = 0; i < EY_ARRAY_SIZE(units); i++) {
		if (units[i].id == id && units[i].type == type)
			return units[i].unit;
	}
	return "";
}

// Families 0xf to 0x16 have fixed banks (drivers/edac/mce_amd.c).
static const char *amd_bank_unit(int bank)
{
	static const char *const units[] = {
		"data cache",  "instruction cache", "bus unit",		  "load-store unit",
		"northbridge", "execution unit",    "floating point unit"};

	return bank >= 0 && (size_t)bank < EY_ARRAY_SIZE(units) ? units[bank] : "";
}

static const char *const levels[] = {"L0", "L1", "L2", "any level"};
static const char *const transactions[] = {"instruction", "data", "generic", ""};
static const char *const requests[] = {"",	    "read",	  "write",
				       "data read", "data write", "instruction fetch",
				       "prefetch",  "eviction",	  "snoop"};

static const char *request_of(unsigned int code)
{
	unsigned int r = code >> 4 & 15;

	return r < EY_ARRAY_SIZE(requests) ? requests[r] : "";
}

static void set(struct oops_hardware *hw, const char *error_class, const char *detail)
{
	snprintf(hw->error_class, sizeof(hw->error_class), "%s", error_class);
	snprintf(hw->detail, sizeof(hw->detail), "%s", detail);
}

// Words without the blanks that missing ones leave.
static void join(char *buf, size_t size, const char *const words[], size_t count)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (words[i][0] && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
						 words[i]);
	}
}

// A memory controller's error: 0000 0000 1MMM CCCC, with 2LM's caches 0000 0010 1MMM CCCC.
static void decode_memory(struct oops_hardware *hw, unsigned int code, const char *error_class)
{
	static const char *const what[] = {
		"memory request",   "memory read", "memory write", "address or command",
		"memory scrubbing", "memory",	   "memory",	   "memory"};
	char channel[24] = "", text[sizeof(hw->detail)];
	const char *words[] = {what[code >> 4 & 7], "error", channel};

	if ((code & 15) != 15)
		snprintf(channel, sizeof(channel), "on channel %u", code & 15);
	join(text, sizeof(text), words, EY_ARRAY_SIZE(words));
	set(hw, error_class, text);
}

static void decode_cache(struct oops_hardware *hw, unsigned int code)
{
	char text[sizeof(hw->detail)];
	const char *words[] = {levels[code & 3], transactions[code >> 2 & 3], "cache error",
			       request_of(code)[0] ? "at" : "", request_of(code)};

	join(text, sizeof(text), words, EY_ARRAY_SIZE(words));
	set(hw, "cache hierarchy", text);
}

// 0000 1PPT RRRR IILL
static void decode_bus(struct oops_hardware *hw, unsigned int code)
{
	static const char *const who[] = {"at its originator", "at its responder",
					  "seen by a third", ""};
	static const char *const where[] = {"memory", "", "I/O", ""};
	char text[sizeof(hw->detail)];
	const char *words[] = {where[code >> 2 & 3], request_of(code), "bus error",
			       who[code >> 9 & 3], code & 1 << 8 ? "by a timeout" : ""};

	join(text, sizeof(text), words, EY_ARRAY_SIZE(words));
	set(hw, "bus or interconnect", text);
}

static void decode_code(struct oops_hardware *hw, unsigned int code)
{
	static const struct {
		unsigned int code;
		const char *error_class, *detail;
	} simple[] = {
		{0x0000, "no error", "no error code"},
		{0x0001, "unclassified", "unclassified error"},
		{0x0002, "internal parity", "parity error in the microcode ROM"},
		{0x0003, "external", "error signalled from outside"},
		{0x0004, "functional redundancy check", "functional redundancy check failed"},
		{0x0005, "internal parity", "internal parity error"},
		{0x0006, "SMM handler", "SMM handler ran code outside SMRAM"},
		{0x0400, "internal timer", "internal timer error: an instruction did not end"},
		{0x0e0b, "I/O", "I/O error"},
	};
	char text[sizeof(hw->detail)];

	for (size_t i = 0; i < EY_ARRAY_SIZE(simple); i++) {
		if (simple[i].code == code) {
			set(hw, simple[i].error_class, simple[i].detail);
			return;
		}
	}
	// Bit 12 only says that corrected errors are filtered.
	code &= ~(1u << 12);
	if ((code & 0xfffc) == 0x000c) {
		snprintf(text, sizeof(text), "%s cache error", levels[code & 3]);
		set(hw, "cache hierarchy", text);
	} else if ((code & 0xfff0) == 0x0010) {
		const char *words[] = {levels[code & 3], transactions[code >> 2 & 3], "TLB error"};
		join(text, sizeof(text), words, EY_ARRAY_SIZE(words));
		set(hw, "TLB", text);
	} else if ((code & 0xff80) == 0x0080) {
		decode_memory(hw, code, "memory controller");
	} else if ((code & 0xff80) == 0x0280) {
		decode_memory(hw, code, "memory cache");
	} else if ((code & 0xff00) == 0x0100) {
		decode_cache(hw, code);
	} else if ((code & 0xf800) == 0x0800) {
		decode_bus(hw, code);
	} else if ((code & 0xfc00) == 0x0400) {
		set(hw, "internal", "internal unclassified error");
	} else {
		snprintf(text, sizeof(text), "error code 0x%04x", code);
		set(hw, "unknown", text);
	}
}

void oops_mca_decode(struct oops_hardware *hw)
{
	const char *unit = hw->unit;

	if (!hw->have_status)
		return;
	if (hw->have_ipid && smca_unit(hw->ipid)[0])
		unit = smca_unit(hw->ipid);
	else if (is_amd(hw) && !hw->have_ipid && !hw->unit[0])
		unit = amd_bank_unit(hw->bank);
	if (unit != hw->unit)
		snprintf(hw->unit, sizeof(hw->unit), "%s", unit);
	if (hw->severity == OOPS_HW_CORRECTED && is_amd(hw) && hw->status & STATUS_DEFERRED)
		hw->severity = OOPS_HW_DEFERRED;
	decode_code(hw, hw->status & 0xffff);
	// A memory controller of AMD's gives its DRAM errors a bus error's code, with the kind of
	// error in the extended code (bits 21:16): 0 is the DRAM's ECC.
	if (hw->have_ipid && (hw->ipid >> 32 & 0xfff) == 0x96)
		set(hw, "memory controller",
		    hw->status >> 16 & 0x3f ? "memory controller error" : "DRAM ECC error");
}
