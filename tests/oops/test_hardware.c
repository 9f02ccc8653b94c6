/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "oops/hardware.h"
#include "oops/state.h"

// The compound error codes of the SDM, each of its forms.
static void test_error_codes(void **state)
{
	static const struct {
		unsigned int code;
		const char *error_class, *detail;
	} table[] = {
		{0x0000, "no error", "no error code"},
		{0x0001, "unclassified", "unclassified error"},
		{0x0005, "internal parity", "internal parity error"},
		{0x0400, "internal timer", "internal timer error: an instruction did not end"},
		{0x0402, "internal", "internal unclassified error"},
		{0x0e0b, "I/O", "I/O error"},
		{0x000d, "cache hierarchy", "L1 cache error"},
		{0x0011, "TLB", "L1 instruction TLB error"},
		{0x0016, "TLB", "L2 data TLB error"},
		{0x0080, "memory controller", "memory request error on channel 0"},
		{0x0091, "memory controller", "memory read error on channel 1"},
		{0x00a2, "memory controller", "memory write error on channel 2"},
		{0x00b3, "memory controller", "address or command error on channel 3"},
		{0x00cf, "memory controller", "memory scrubbing error"},
		{0x0290, "memory cache", "memory read error on channel 0"},
		{0x0134, "cache hierarchy", "L0 data cache error at data read"},
		{0x0151, "cache hierarchy", "L1 instruction cache error at instruction fetch"},
		{0x017a, "cache hierarchy", "L2 generic cache error at eviction"},
		// Bit 12 says only how corrected ones are counted.
		{0x117a, "cache hierarchy", "L2 generic cache error at eviction"},
		{0x0813, "bus or interconnect", "memory read bus error at its originator"},
		{0x0f0f, "bus or interconnect", "bus error by a timeout"},
		{0x2345, "unknown", "error code 0x2345"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(table); i++) {
		struct oops_hardware hw;

		oops_hardware_init(&hw);
		hw.have_status = true;
		hw.status = 0xb200000000000000 | table[i].code;
		oops_mca_decode(&hw);
		assert_string_equal(hw.error_class, table[i].error_class);
		assert_string_equal(hw.detail, table[i].detail);
	}
}

static void test_severity(void **state)
{
	assert_int_equal(oops_mca_severity(0), OOPS_HW_UNKNOWN);
	assert_int_equal(oops_mca_severity(0x8c00004000010090), OOPS_HW_CORRECTED);
	assert_int_equal(oops_mca_severity(0xbd80000000100134), OOPS_HW_UNCORRECTED);
	assert_int_equal(oops_mca_severity(0xb200000000070f0f), OOPS_HW_FATAL);
}

static void flags(int vendor, uint64_t status, const char *expected)
{
	struct oops_hardware hw;
	const char *names[20];
	char text[200] = "";

	oops_hardware_init(&hw);
	hw.vendor = vendor;
	hw.have_status = true;
	hw.status = status;
	size_t n = oops_mca_flags(&hw, names, EY_ARRAY_SIZE(names));
	for (size_t i = 0; i < n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, names[i]);
	}
	assert_string_equal(text, expected);
	assert_int_equal(oops_mca_flags(&hw, names, 2), n < 2 ? n : 2);
}

// Bits 55 and 56 are each vendor's own: without the vendor they are not named.
static void test_flags(void **state)
{
	flags(0, 0xff80000000000000, "VAL OVER UC EN MISCV ADDRV PCC S AR");
	flags(2, 0xff80000000000000, "VAL OVER UC EN MISCV ADDRV PCC TCC");
	flags(2, 0x9c20180000000000, "VAL EN MISCV ADDRV SYNDV DEFERRED POISON");
	flags(-1, 0xff80000000000000, "VAL OVER UC EN MISCV ADDRV PCC");
	flags(0, 0, "");
}

static void test_units(void **state)
{
	struct oops_hardware hw;

	oops_hardware_init(&hw);
	hw.vendor = 2;
	hw.have_status = hw.have_ipid = true;
	hw.status = 0xbca0080000020135;
	hw.ipid = 0x001000b000000000;
	oops_mca_decode(&hw);
	assert_string_equal(hw.unit, "load-store unit");
	// Before the scalable architecture the bank tells.
	oops_hardware_init(&hw);
	hw.vendor = 2;
	hw.have_status = true;
	hw.bank = 4;
	oops_mca_decode(&hw);
	assert_string_equal(hw.unit, "northbridge");
	hw.unit[0] = '\0';
	hw.bank = 99;
	oops_mca_decode(&hw);
	assert_string_equal(hw.unit, "");
}

static void take(struct oops_hardware *hw, const char *line, uint64_t number)
{
	oops_hardware_take(hw, line, strlen(line), number);
}

// The worst record stays, of equals the last, with its own lines.
static void test_records(void **state)
{
	struct oops_hardware hw;

	oops_hardware_init(&hw);
	take(&hw, "mce: [Hardware Error]: CPU 1: Machine Check: 0 Bank 2: bd80000000100134", 1);
	take(&hw, "mce: [Hardware Error]: TSC 1 ADDR 1000", 2);
	take(&hw, "mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 4: 8c00004000010090", 3);
	take(&hw, "mce: [Hardware Error]: TSC 1 ADDR 2000", 4);
	take(&hw, "mce: [Hardware Error]: PROCESSOR 0:806f8 TIME 1 SOCKET 7 APIC 0 microcode 1", 5);
	assert_int_equal(hw.count, 2);
	assert_int_equal(hw.bank, 2);
	assert_int_equal(hw.address, 0x1000);
	assert_int_equal(hw.lines[OOPS_HW_LINE_ADDRESS], 2);
	assert_int_equal(hw.socket, -1);
	take(&hw, "mce: [Hardware Error]: CPU 5: Machine Check: 0 Bank 6: bd80000000100151", 6);
	assert_int_equal(hw.bank, 6);
	assert_int_equal(hw.cpu, 5);
	assert_false(hw.have_address);
	assert_int_equal(hw.count, 3);
}

// Lines that stop anywhere, and numbers of any length.
static void test_cut_lines(void **state)
{
	static const char *const lines[] = {
		"mce: [Hardware Error]: CPU 99999999999999999999: Machine Check Exception: 5 Bank "
		"99999999999999: ffffffffffffffffffffffffffffffff",
		"mce: [Hardware Error]: TSC 1 ADDR fffffffffffffffffffffffffffffffff MISC 2 SYND 3 "
		"IPID 4",
		"mce: [Hardware Error]: PROCESSOR 2:100f42100f42100f42 TIME 1 SOCKET 0 APIC 3 "
		"microcode 10000c810000c810000c8",
		"EDAC MC0: 1 UE memory read error on A (channel:1 slot:0 page:0x12345 offset:0x40)",
		"EDAC MC0: UE page 0x12345, offset 0x0, grain 4096, row 0, labels \"A\": i5000",
		"nvme 0000:01:00.0: PCIe Bus Error: severity=Uncorrected (Fatal), type=Transaction "
		"Layer, (Receiver ID)",
		"nvme 0000:01:00.0:   device [144d:a804] error status/mask=00044000/00000000",
		"nvme 0000:01:00.0:    [14] CmpltTO                (First)",
		"{1}[Hardware Error]: event severity: fatal",
		"{1}[Hardware Error]:   section_type: memory error",
		"{1}[Hardware Error]:   physical_address: 0x00000040a2b3c4c0",
		"{1}[Hardware Error]:   vendor_id: 0x8086, device_id: 0x1533",
		"NMI: IOCK error (debug interrupt?) for reason 71 on CPU 0.",
		"thermal thermal_zone0: acpitz: critical temperature reached, shutting down",
		"MCE: CPU12: machine check (Severe)  UE Load/Store DAR: 0 paddr: 0 [Not recovered]",
		"Memory failure: 0x1049a3: recovery action for dirty LRU page: Recovered",
	};
	struct oops_hardware hw;

	oops_hardware_init(&hw);
	for (size_t i = 0; i < EY_ARRAY_SIZE(lines); i++) {
		for (size_t len = 0; len <= strlen(lines[i]); len++) {
			_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
			char text[64];
			struct ey_json json;
			// Of its exact size, so that a sanitizer sees what is read behind it.
			_cleanup_free_ char *copy = malloc(len + 1);

			assert_non_null(copy);
			memcpy(copy, lines[i], len);
			copy[len] = '\0';
			oops_hardware_take(&hw, copy, len, len);
			oops_hardware_finish(&hw);
			oops_hardware_title(&hw, text, sizeof(text));
			assert_true(strlen(text) < sizeof(text));
			oops_hardware_key(&hw, text, 8);
			assert_true(strlen(text) < 8);
			ey_json_init(&json, &buf, 0);
			oops_hardware_write(&hw, &json);
			assert_null(ey_buf_error(&buf));
		}
	}
}

static void test_state(void **state)
{
	static const char *const lines[] = {
		"RSP: 0018:ffffc90000a3fe48 EFLAGS: 00010246",
		"RAX: 0000000000000001 RBX: ffff8881049a3b40 RCX: 0000000000000002",
		"R10: 0000000000000003 R11: 0000000000000004 R12: ffff88810abcde80",
		"CR2: ffff8981049a3b48 CR3: 0000000104a2e000 CR4: 0000000000350ef0",
		"#PF: error_code(0x0002) - not-present page",
		"Code: 48 89 e5 <48> 8b 47 08",
		// What comes later is another context's.
		"RAX: 00000000000000ff RBX: 00000000000000ff RCX: 00000000000000ff",
		"Code: <0f> 0b",
		"RDX: short RSI: 123 RDI: zzzzzzzzzzzzzzzz",
	};
	struct oops_state s = {0};
	uint64_t address;
	struct oops_insn insn;

	for (size_t i = 0; i < EY_ARRAY_SIZE(lines); i++)
		oops_state_take(&s, lines[i], strlen(lines[i]));
	assert_int_equal(s.have, 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 7 << 10);
	assert_int_equal(s.reg[0], 1);
	assert_true(s.reg[4] == 0xffffc90000a3fe48);
	assert_true(s.reg[12] == 0xffff88810abcde80);
	assert_true(s.cr2 == 0xffff8981049a3b48);
	assert_int_equal(s.pf_code, 2);
	assert_int_equal(s.code_len, 7);
	assert_int_equal(s.code_at, 3);
	oops_insn_decode(&s, &insn);
	assert_int_equal(insn.kind, OOPS_INSN_MEMORY);
	assert_int_equal(insn.base, 7);
	assert_int_equal(insn.offset, 8);
	// RDI was not printed.
	assert_false(oops_insn_address(&s, &insn, &address));
	s.have |= 1 << 7;
	s.reg[7] = 0x1000;
	assert_true(oops_insn_address(&s, &insn, &address));
	assert_int_equal(address, 0x1008);
}

static void test_bad_code(void **state)
{
	static const char *const lines[] = {"Code: Unable to access opcode bytes at 0x12.",
					    "Code: Bad RIP value.",
					    "Code: 48 89 e5",
					    "Code: <48> 8b <47> 08",
					    "Code: 48 8",
					    "Code:"};

	for (size_t i = 0; i < EY_ARRAY_SIZE(lines); i++) {
		struct oops_state s = {0};
		struct oops_insn insn;

		oops_state_take(&s, lines[i], strlen(lines[i]));
		assert_int_equal(s.code_len, 0);
		oops_insn_decode(&s, &insn);
		assert_int_equal(insn.kind, OOPS_INSN_UNKNOWN);
	}
}

// An instruction of which bytes are missing is not known.
static void test_cut_insn(void **state)
{
	static const uint8_t whole[] = {0x49, 0x8b, 0x94, 0xc4, 0x00, 0x01, 0x00, 0x00};
	struct oops_state s = {0};
	struct oops_insn insn;

	memcpy(s.code, whole, sizeof(whole));
	for (size_t len = 0; len < sizeof(whole); len++) {
		s.code_len = (uint8_t)len;
		oops_insn_decode(&s, &insn);
		assert_int_equal(insn.kind, OOPS_INSN_UNKNOWN);
	}
	s.code_len = sizeof(whole);
	oops_insn_decode(&s, &insn);
	assert_int_equal(insn.kind, OOPS_INSN_MEMORY);
	assert_int_equal(insn.base, 12);
	assert_int_equal(insn.index, 0);
	assert_int_equal(insn.scale, 8);
	assert_int_equal(insn.offset, 0x100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_codes), cmocka_unit_test(test_severity),
		cmocka_unit_test(test_flags),	    cmocka_unit_test(test_units),
		cmocka_unit_test(test_records),	    cmocka_unit_test(test_cut_lines),
		cmocka_unit_test(test_state),	    cmocka_unit_test(test_bad_code),
		cmocka_unit_test(test_cut_insn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
