/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware errors of few words: NMIs, temperature, memory that the kernel gave up, powerpc's. */
#include "base/cleanup.h"
#include "oops/hardware_parse.h"

// What the kernel did about an error in memory, or found by itself.
static bool take_memory(struct oops_hardware *hw, struct rest line, uint64_t number)
{
	static const struct {
		const char *words, *detail;
		enum oops_hw_source source;
		// What stands behind the words is the physical address, shifted by so much.
		int shift;
	} forms[] = {
		// arch/x86/kernel/cpu/mce/core.c kill_me_maybe()
		{"Uncorrected hardware memory error in user-access at ",
		 "memory error in an access of a program's", OOPS_HW_MCE, 0},
		// arch/x86/mm/fault.c do_sigbus()
		{"MCE: Killing ", "a program used poisoned memory", OOPS_HW_MCE, -1},
		// mm/memory-failure.c action_result()
		{"Memory failure: ", "", OOPS_HW_MEMORY, 12},
		// mm/page_poison.c check_poison_mem()
		{"pagealloc: single bit error", "a free page with a single wrong bit",
		 OOPS_HW_MEMORY, -1},
	};
	struct rest at;
	uint64_t v;

	for (size_t i = 0; i < EY_ARRAY_SIZE(forms); i++) {
		if (!after(line, forms[i].words, &at))
			continue;
		// What was done about an error that another line told of.
		if (forms[i].source == OOPS_HW_MEMORY && hw->count && hw->source != OOPS_HW_MEMORY)
			return true;
		if (!new_record(hw, forms[i].source, OOPS_HW_UNCORRECTED))
			return true;
		snprintf(hw->error_class, sizeof(hw->error_class), "memory");
		snprintf(hw->detail, sizeof(hw->detail), "%s", forms[i].detail);
		hw->lines[OOPS_HW_LINE_STATUS] = number;
		if (forms[i].shift >= 0 && take_hex(&at, &v)) {
			hw->address = v << forms[i].shift;
			hw->have_address = true;
			hw->lines[OOPS_HW_LINE_ADDRESS] = number;
		}
		// "0x1049a: recovery action for dirty LRU page: Recovered"
		if (!hw->detail[0] && begins(at, ": ")) {
			at.p += 2;
			keep(hw->detail, sizeof(hw->detail), at, "");
		}
		return true;
	}
	return false;
}

// arch/powerpc/kernel/mce.c: "MCE: CPU12: machine check (Severe)  UE Load/Store DAR: 00007fff..
// paddr: 00000000c3a10000 [Not recovered]".
static bool take_powerpc(struct oops_hardware *hw, struct rest line, uint64_t number)
{
	struct rest at, end;
	int cpu;

	if (!begins(line, "MCE: CPU") || !after(line, ": machine check (", &at))
		return hw->source == OOPS_HW_MCE && begins(line, "MCE: CPU");
	if (!new_record(hw, OOPS_HW_MCE,
			begins(at, "Fatal") || begins(at, "Severe") ? OOPS_HW_UNCORRECTED
								    : OOPS_HW_UNKNOWN))
		return true;
	hw->lines[OOPS_HW_LINE_STATUS] = number;
	if (int_after(line, "MCE: CPU", &cpu))
		hw->cpu = cpu;
	if (after(at, "paddr: ", &end) && take_hex(&end, &hw->address)) {
		hw->have_address = true;
		hw->lines[OOPS_HW_LINE_ADDRESS] = number;
	}
	if (!after(at, ")", &at))
		return true;
	while (at.p < at.end && *at.p == ' ')
		at.p++;
	if (after(at, " DAR: ", &end))
		at.end = end.p - strlen(" DAR: ");
	keep(hw->detail, sizeof(hw->detail), at, "[");
	keep(hw->error_class, sizeof(hw->error_class), at, "[");
	return true;
}

// arch/x86/kernel/nmi.c, drivers/thermal/thermal_core.c.
bool oops_hardware_take_other(struct oops_hardware *hw, struct rest line, uint64_t number)
{
	static const struct {
		const char *words, *error_class, *detail;
		enum oops_hw_severity severity;
	} nmis[] = {
		{"NMI: PCI system error (SERR)", "PCI system error", "PCI system error (SERR)",
		 OOPS_HW_UNCORRECTED},
		{"NMI: IOCK error", "I/O check", "I/O check (IOCK)", OOPS_HW_UNCORRECTED},
		{"NMI: memory parity error", "memory parity", "memory parity error",
		 OOPS_HW_UNCORRECTED},
		{"Uhhuh. NMI received for unknown reason", "unknown NMI", "unknown reason",
		 OOPS_HW_UNKNOWN},
	};
	struct rest at;
	uint64_t reason;

	for (size_t i = 0; i < EY_ARRAY_SIZE(nmis); i++) {
		if (!begins(line, nmis[i].words))
			continue;
		if (!new_record(hw, OOPS_HW_NMI, nmis[i].severity))
			return true;
		snprintf(hw->error_class, sizeof(hw->error_class), "%s", nmis[i].error_class);
		snprintf(hw->detail, sizeof(hw->detail), "%s", nmis[i].detail);
		hw->lines[OOPS_HW_LINE_STATUS] = number;
		if (hex_after(line, "reason ", &reason))
			hw->nmi_reason = (int)(reason & 0xff);
		int_after(line, "on CPU ", &hw->cpu);
		return true;
	}
	if (take_memory(hw, line, number) || take_powerpc(hw, line, number))
		return true;
	// kernel/reboot.c: "HARDWARE PROTECTION shutdown (Temperature too high)".
	if (after(line, "HARDWARE PROTECTION ", &at)) {
		bool hot = oops_find(at.p, (size_t)(at.end - at.p), "emperature");

		// The sensor's own line says more.
		if (hw->source == OOPS_HW_THERMAL ||
		    !new_record(hw, OOPS_HW_THERMAL, OOPS_HW_FATAL))
			return true;
		snprintf(hw->error_class, sizeof(hw->error_class), "%s",
			 hot ? "temperature" : "hardware protection");
		snprintf(hw->detail, sizeof(hw->detail), "hardware protection");
		if (after(at, "(", &at))
			keep(hw->detail, sizeof(hw->detail), at, ")");
		hw->lines[OOPS_HW_LINE_STATUS] = number;
		return true;
	}
	// "thermal thermal_zone0: acpitz: critical temperature reached, shutting down"; before 5.10
	// "critical temperature reached (101 C), shutting down".
	if (after(line, "critical temperature reached", &at)) {
		if (!new_record(hw, OOPS_HW_THERMAL, OOPS_HW_FATAL))
			return true;
		snprintf(hw->error_class, sizeof(hw->error_class), "temperature");
		snprintf(hw->detail, sizeof(hw->detail), "critical temperature reached");
		hw->lines[OOPS_HW_LINE_STATUS] = number;
		if (after(line, "thermal_zone", &at)) {
			at.p -= strlen("thermal_zone");
			keep(hw->device, sizeof(hw->device), at, ":");
			hw->lines[OOPS_HW_LINE_DEVICE] = number;
		}
		return true;
	}
	return false;
}
