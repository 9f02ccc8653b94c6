/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of hardware errors. The kernel's source of each form stands beside it. */
#include "oops/hardware.h"

#include "base/cleanup.h"
#include "oops/hardware_parse.h"

void oops_hardware_init(struct oops_hardware *hw)
{
	*hw = (struct oops_hardware){
		.cpu = -1, .socket = -1, .bank = -1, .vendor = -1, .nmi_reason = -1};
}

// arch/x86/kernel/cpu/mce/core.c, print_mce(): "CPU 3: Machine Check Exception: 5 Bank 4:
// b200000000070f0f"; 2.4's and 32-bit CPUs' "CPU 0: Machine Check Exception: 0000000000000007" and
// below it "Bank 3: b40000000000083b at 000000fdfc000cfc".
static bool take_mce_header(struct oops_hardware *hw, struct rest line, uint64_t number)
{
	struct rest at, words = line;
	uint64_t mcg = 0, status = 0, address = 0;
	int bank = -1, cpu = -1;

	if (begins(line, "Bank ") && int_after(line, "Bank ", &bank) && hw->source == OOPS_HW_MCE &&
	    after(line, ": ", &at) && take_hex(&at, &status)) {
		hw->bank = bank;
		set_status(hw, status, number);
		if (oops_mca_severity(status) > hw->severity)
			hw->severity = oops_mca_severity(status);
		if (hex_after(at, " at ", &address))
			set_address(hw, address, number);
		return true;
	}
	if (!after(line, ": Machine Check", &at) || !after(line, "CPU ", &words) ||
	    !take_int(&words, &cpu) || words.p != at.p - strlen(": Machine Check"))
		return false;
	if (begins(at, " Exception"))
		at.p += 10;
	if (!begins(at, ": "))
		return false;
	at.p += 2;
	bool have_mcg = take_hex(&at, &mcg);
	bool have_status = after(at, " Bank ", &at) && take_int(&at, &bank) && begins(at, ": ") &&
			   (at.p += 2, take_hex(&at, &status));
	if (!new_record(hw, OOPS_HW_MCE, have_status ? oops_mca_severity(status) : OOPS_HW_UNKNOWN))
		return true;
	hw->cpu = cpu;
	hw->have_mcg_status = have_mcg;
	hw->mcg_status = mcg;
	hw->lines[OOPS_HW_LINE_STATUS] = number;
	if (have_status) {
		hw->bank = bank;
		set_status(hw, status, number);
	}
	return true;
}

// print_mce() goes on: "TSC 5a2d8f1c3e4 ADDR 12345000 MISC 0 PPIN .. SYND .. IPID ..",
// "PROCESSOR 0:206d7 TIME 1700000000 SOCKET 0 APIC 3 microcode 71a"; drivers/edac/mce_amd.c:
// "CPU:3 (17:31:0) MC4_STATUS[Over|UE|...]: 0x..", "Error Addr: 0x..", "IPID: 0x.., Syndrome:
// 0x..", "Load Store Unit Ext. Error Code: 0".
static bool take_mce_line(struct oops_hardware *hw, struct rest line, uint64_t number)
{
	struct rest at;
	uint64_t v;
	int n;

	if (begins(line, "TSC ")) {
		if (hw->passing)
			return true;
		if (hex_after(line, " ADDR ", &v))
			set_address(hw, v, number);
		hw->have_misc |= hex_after(line, " MISC ", &hw->misc);
		hw->have_syndrome |= hex_after(line, " SYND ", &hw->syndrome);
		hw->have_ipid |= hex_after(line, " IPID ", &hw->ipid);
		return true;
	}
	if (begins(line, "PROCESSOR ")) {
		if (hw->passing)
			return true;
		int_after(line, "PROCESSOR ", &hw->vendor);
		int_after(line, " SOCKET ", &hw->socket);
		if (after(line, ":", &at))
			keep(hw->cpuid, sizeof(hw->cpuid), at, " ");
		if (after(line, " microcode ", &at))
			keep(hw->microcode, sizeof(hw->microcode), at, " ");
		hw->lines[OOPS_HW_LINE_PROCESSOR] = number;
		return true;
	}
	if (begins(line, "Machine check: ")) {
		at = (struct rest){line.p + 15, line.end};
		keep(hw->kernel_says, sizeof(hw->kernel_says), at, "");
		return true;
	}
	if (begins(line, "CPU:") && int_after(line, "CPU:", &n) && after(line, ") MC", &at)) {
		int bank = -1;

		if (!take_int(&at, &bank) || !begins(at, "_STATUS") || !hex_after(at, "]: ", &v) ||
		    !new_record(hw, OOPS_HW_MCE, oops_mca_severity(v)))
			return true;
		hw->cpu = n;
		hw->bank = bank;
		// Only AMD's decoder writes so.
		hw->vendor = 2;
		set_status(hw, v, number);
		return true;
	}
	if (hw->source != OOPS_HW_MCE)
		return false;
	if (hex_after(line, "Error Addr: ", &v)) {
		if (!hw->passing)
			set_address(hw, v, number);
		return true;
	}
	if (begins(line, "IPID: ") && !hw->passing) {
		hw->have_ipid |= hex_after(line, "IPID: ", &hw->ipid);
		hw->have_syndrome |= hex_after(line, "Syndrome: ", &hw->syndrome);
		return true;
	}
	return after(line, " Ext. Error Code: ", &at) || begins(line, "cache level: ") ||
	       begins(line, "RIP") || begins(line, "Run the above through") ||
	       begins(line, "This is not a software problem");
}

// drivers/edac/edac_mc.c: "EDAC MC0: 1 UE memory read error on CPU_SrcID#0_Ha#0_Chan#1_DIMM#0
// (channel:1 slot:0 page:0x12345 offset:0x0 grain:32 - OVERFLOW)"; until 3.5 "EDAC MC0: UE page
// 0x12345, offset 0x0, grain 4096, row 0, labels "DIMM_A1": i5000".
static bool take_edac(struct oops_hardware *hw, struct rest line, uint64_t number)
{
	struct rest at, label, place;
	uint64_t page, offset = 0;
	int count = 0;

	if (!after(line, "EDAC ", &at) || !after(at, ": ", &place))
		return false;
	if (take_int(&place, &count) && begins(place, " "))
		place.p++;
	bool corrected = begins(place, "CE ");
	if (!corrected && !begins(place, "UE ") && !begins(place, "UE: "))
		return false;
	if (!new_record(hw, OOPS_HW_EDAC, corrected ? OOPS_HW_CORRECTED : OOPS_HW_UNCORRECTED))
		return true;
	place.p += 3;
	snprintf(hw->error_class, sizeof(hw->error_class), "memory");
	hw->lines[OOPS_HW_LINE_STATUS] = number;
	keep(hw->device, sizeof(hw->device), at, ":");
	hw->lines[OOPS_HW_LINE_DEVICE] = number;
	if (begins(place, "page ")) {
		snprintf(hw->detail, sizeof(hw->detail), "memory error");
		if (after(place, "labels \"", &label))
			keep(hw->dimm, sizeof(hw->dimm), label, "\"");
		hex_after(place, "offset ", &offset);
		if (hex_after(place, "page ", &page) && page)
			set_address(hw, page << 12 | (offset & 0xfff), number);
	} else {
		bool on = after(place, " on ", &label);
		struct rest words = {place.p, on ? label.p - 4 : place.end};

		keep(hw->detail, sizeof(hw->detail), words, "(");
		if (on)
			keep(hw->dimm, sizeof(hw->dimm), label, "(");
		if (after(place, "(", &at))
			keep(hw->location, sizeof(hw->location), at, ")");
		hex_after(place, "offset:", &offset);
		if (hex_after(place, "page:", &page) && page)
			set_address(hw, page << 12 | (offset & 0xfff), number);
	}
	if (hw->dimm[0])
		hw->lines[OOPS_HW_LINE_DIMM] = number;
	return true;
}

// "pcieport 0000:00:1c.0: AER: ..." and its like: the address of the device that speaks.
static bool take_speaker(struct rest line, char *to, size_t size)
{
	const char *colon = oops_find(line.p, (size_t)(line.end - line.p), ": ");
	const char *p = colon;

	while (p && p > line.p && p[-1] != ' ')
		p--;
	if (!p || colon - p < 7 || !memchr(p, '.', (size_t)(colon - p)) ||
	    !memchr(p, ':', (size_t)(colon - p)))
		return false;
	keep(to, size, (struct rest){p, colon}, "");
	return true;
}

// drivers/pci/pcie/aer.c: "nvme 0000:01:00.0: PCIe Bus Error: severity=Uncorrected (Fatal),
// type=Transaction Layer, (Requester ID)", "  device [144d:a804] error
// status/mask=00004000/00000000", "   [14] CmpltTO                (First)".
static bool take_aer(struct oops_hardware *hw, struct rest line, uint64_t number)
{
	struct rest at;
	uint64_t v;

	if (after(line, "Bus Error: severity=", &at) || after(line, "AER: Uncorrect", &at) ||
	    after(line, "AER: Multiple Uncorrect", &at)) {
		bool report = at.p[-1] == '=', corrected = begins(at, "Correct");
		bool fatal = oops_find(at.p, (size_t)(at.end - at.p), "(Fatal)");

		if (!new_record(hw, OOPS_HW_AER,
				corrected ? OOPS_HW_CORRECTED
				: fatal	  ? OOPS_HW_FATAL
					  : OOPS_HW_UNCORRECTED))
			return true;
		hw->lines[OOPS_HW_LINE_STATUS] = number;
		const char *bus =
			oops_find(line.p, (size_t)(line.end - line.p), "CXL Bus") ? "CXL" : "PCIe";
		snprintf(hw->error_class, sizeof(hw->error_class), "%s", bus);
		if (report && after(at, "type=", &at)) {
			char layer[32];
			keep(layer, sizeof(layer), at, ",");
			for (char *c = layer; *c; c++)
				*c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
			snprintf(hw->error_class, sizeof(hw->error_class), "%s %s", bus, layer);
			if (take_speaker(line, hw->device, sizeof(hw->device)))
				hw->lines[OOPS_HW_LINE_DEVICE] = number;
		} else if (after(at, "received: ", &at) || after(at, "received from ", &at)) {
			keep(hw->device, sizeof(hw->device), at, " ");
			hw->lines[OOPS_HW_LINE_DEVICE] = number;
		}
		// Only announced: the record itself comes next.
		if (!report)
			hw->count--;
		return true;
	}
	if (hw->source != OOPS_HW_AER)
		return false;
	if (after(line, "device [", &at)) {
		if (hw->passing)
			return true;
		keep(hw->device_id, sizeof(hw->device_id), at, "]");
		if (hex_after(at, "status/mask=", &v))
			set_status(hw, v, number);
		return true;
	}
	// "   [14] CmpltTO"; until 5.0 "   [14] Completion Timeout".
	if (after(line, "   [", &at) && at.end - at.p > 4 && (is_digit(*at.p) || *at.p == ' ') &&
	    is_digit(at.p[1]) && at.p[2] == ']') {
		struct rest name = {at.p + 4, at.end};
		bool first = oops_find(name.p, (size_t)(name.end - name.p), "(First)");

		if (!hw->passing && (first || !hw->detail[0]))
			keep(hw->detail, sizeof(hw->detail), name, "(");
		return true;
	}
	return oops_find(line.p, (size_t)(line.end - line.p), "TLP Header: ") != NULL;
}

// drivers/firmware/efi/cper.c, drivers/acpi/apei/ghes.c: "{1}[Hardware Error]: event severity:
// fatal", " Error 0, type: fatal", "  section_type: memory error", "  physical_address: 0x..",
// "  node:0 card:1 ...", "  error_type: 3, multi-bit ECC", "  DIMM location: P1 DIMM_A1".
static bool take_ghes(struct oops_hardware *hw, struct rest line, uint64_t number)
{
	struct rest at;
	uint64_t v;

	if (begins(line, "event severity: ")) {
		at = (struct rest){line.p + 16, line.end};
		if (!new_record(hw, OOPS_HW_GHES,
				begins(at, "fatal") || begins(at, "panic") ? OOPS_HW_FATAL
				: begins(at, "recoverable")		   ? OOPS_HW_UNCORRECTED
									   : OOPS_HW_CORRECTED))
			return true;
		hw->lines[OOPS_HW_LINE_STATUS] = number;
		snprintf(hw->error_class, sizeof(hw->error_class), "platform");
		return true;
	}
	if (hw->source != OOPS_HW_GHES)
		return false;
	if (hw->passing)
		return true;
	if (begins(line, "section_type: ") || begins(line, "section type: ")) {
		// The first section is the one that the rest explains.
		at = (struct rest){line.p + 14, line.end};
		if (!strcmp(hw->error_class, "platform")) {
			const char *word = oops_find(at.p, (size_t)(at.end - at.p), " error");
			if (word)
				at.end = word;
			keep(hw->error_class, sizeof(hw->error_class), at, ",");
		}
	} else if (begins(line, "physical_address: ") && !hw->have_address) {
		if (hex_after(line, "physical_address: ", &v))
			set_address(hw, v, number);
	} else if ((begins(line, "node:") || begins(line, "card:") || begins(line, "module:")) &&
		   !hw->location[0]) {
		keep(hw->location, sizeof(hw->location), line, "");
	} else if (begins(line, "error_type: ") && !hw->detail[0] && after(line, ", ", &at)) {
		keep(hw->detail, sizeof(hw->detail), at, "");
	} else if (begins(line, "DIMM location: ") && !hw->dimm[0]) {
		at = (struct rest){line.p + 15, line.end};
		keep(hw->dimm, sizeof(hw->dimm), at, "");
		hw->lines[OOPS_HW_LINE_DIMM] = number;
	} else if (begins(line, "fru_text: ") && !hw->dimm[0]) {
		at = (struct rest){line.p + 10, line.end};
		keep(hw->unit, sizeof(hw->unit), at, "");
	} else if (begins(line, "device_id: ") && !hw->device[0]) {
		at = (struct rest){line.p + 11, line.end};
		keep(hw->device, sizeof(hw->device), at, " ");
		hw->lines[OOPS_HW_LINE_DEVICE] = number;
	} else if (begins(line, "vendor_id: 0x") && !hw->device_id[0]) {
		uint64_t vendor, device;
		if (hex_after(line, "vendor_id: ", &vendor) &&
		    hex_after(line, " device_id: ", &device))
			snprintf(hw->device_id, sizeof(hw->device_id), "%04x:%04x",
				 (unsigned int)vendor & 0xffff, (unsigned int)device & 0xffff);
	}
	return true;
}

bool oops_hardware_from_panic(struct oops_hardware *hw, const char *text)
{
	// arch/x86/kernel/cpu/mce/core.c, drivers/acpi/apei/ghes.c, drivers/edac/edac_mc.c,
	// arch/x86/kernel/nmi.c, drivers/char/ipmi/ipmi_watchdog.c, drivers/watchdog/.
	static const struct {
		const char *words, *error_class;
		enum oops_hw_source source;
		enum oops_hw_severity severity;
	} panics[] = {
		{"achine check", "", OOPS_HW_MCE, OOPS_HW_FATAL},
		{"broadcast exception handler", "broadcast timeout", OOPS_HW_MCE, OOPS_HW_FATAL},
		{"ardware error", "platform", OOPS_HW_GHES, OOPS_HW_FATAL},
		{"UE memory ", "memory", OOPS_HW_EDAC, OOPS_HW_FATAL},
		{"NMI IOCK error", "I/O check", OOPS_HW_NMI, OOPS_HW_UNCORRECTED},
		{"pre-timeout", "watchdog", OOPS_HW_WATCHDOG, OOPS_HW_UNKNOWN},
		{"pretimeout event", "watchdog", OOPS_HW_WATCHDOG, OOPS_HW_UNKNOWN},
		{"An NMI occurred", "management NMI", OOPS_HW_NMI, OOPS_HW_UNKNOWN},
		{"NMI: Not continuing", "NMI", OOPS_HW_NMI, OOPS_HW_UNKNOWN},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(panics); i++) {
		if (!strstr(text, panics[i].words))
			continue;
		if (!hw)
			return true;
		oops_hardware_init(hw);
		hw->source = panics[i].source;
		hw->severity = panics[i].severity;
		snprintf(hw->error_class, sizeof(hw->error_class), "%s", panics[i].error_class);
		keep(hw->detail, sizeof(hw->detail), (struct rest){text, text + strlen(text)}, "");
		return true;
	}
	return false;
}

bool oops_hardware_take(struct oops_hardware *hw, const char *text, size_t len, uint64_t number)
{
	struct rest line = {text, text + len}, at;

	if (after(line, "[Hardware Error]: ", &at)) {
		while (at.p < at.end && *at.p == ' ')
			at.p++;
		if (begins(at, "Machine check events logged")) {
			// Not a record: what it was comes below, or never.
			if (!hw->count) {
				new_record(hw, OOPS_HW_MCE, OOPS_HW_UNKNOWN);
				hw->count = 0;
			}
			return true;
		}
		return take_mce_header(hw, at, number) || take_mce_line(hw, at, number) ||
		       take_ghes(hw, at, number);
	}
	return take_mce_header(hw, line, number) || take_edac(hw, line, number) ||
	       take_aer(hw, line, number) || oops_hardware_take_other(hw, line, number);
}
