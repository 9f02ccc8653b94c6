/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF notes (a name, a type and a description, each padded to 4 bytes) and VMCOREINFO, the text of
 * lines "KEY=value" that one of them holds.
 */
#include "vmcore_test.h"

#include <elf.h>
#include <string.h>

#include "fake_dump.h"
#include "vmcore/notes.h"
#include "vmcore/vmcoreinfo.h"

enum { PRSTATUS_SIZE = 336, PRSTATUS_REGS = 112 };

// struct elf_prstatus with this instruction pointer.
static void add_prstatus(struct ey_buf *notes, uint64_t ip)
{
	uint8_t desc[PRSTATUS_SIZE] = {0};
	struct cpu_regs regs = {.ip = ip, .sp = ip + 1, .ss = 0x18};

	memcpy(desc + PRSTATUS_REGS, &regs, sizeof(regs));
	fake_note(notes, "CORE", NT_PRSTATUS, desc, sizeof(desc));
}

static void registers_are_those_of_the_nth_prstatus(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	struct cpu_regs regs;

	add_prstatus(&buf, 0x1000);
	fake_note(&buf, "QEMU", 0, "whatever", 8);
	fake_note(&buf, "CORE", NT_PRPSINFO, "not registers", 13);
	add_prstatus(&buf, 0x2000);
	const uint8_t *notes = (const uint8_t *)buf.data;
	assert_true(notes_cpu_regs(notes, buf.len, 0, &regs));
	assert_int_equal(regs.ip, 0x1000);
	assert_true(notes_cpu_regs(notes, buf.len, 1, &regs));
	assert_int_equal(regs.ip, 0x2000);
	assert_int_equal(regs.sp, 0x2001);
	assert_int_equal(regs.ss, 0x18);
	assert_false(notes_cpu_regs(notes, buf.len, 2, &regs));
	assert_false(notes_cpu_regs(NULL, 0, 0, &regs));
	// The last note is cut off.
	assert_false(notes_cpu_regs(notes, buf.len - 1, 1, &regs));
}

static void short_prstatus_has_no_registers(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	struct cpu_regs regs;

	fake_note(&buf, "CORE", NT_PRSTATUS, "short", 5);
	assert_false(notes_cpu_regs((const uint8_t *)buf.data, buf.len, 0, &regs));
}

static void unsound_sizes_end_the_walk(void **state)
{
	static const struct {
		size_t field;
		uint32_t value;
	} cases[] = {{0, 0xffffffff}, {0, 0xfffffffe}, {0, 100}, {4, 0xffffffff}, {4, 100}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
		struct elf_note note;
		size_t pos = 0;

		fake_note(&buf, "CORE", 1, "abcd", 4);
		memcpy(buf.data + cases[i].field, &cases[i].value, 4);
		assert_false(notes_next((const uint8_t *)buf.data, buf.len, &pos, &note));
	}
}

static void last_note_need_not_be_padded(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	struct elf_note note;
	size_t pos = 0;

	fake_note(&buf, "A", 7, "abcde", 5);
	assert_true(notes_next((const uint8_t *)buf.data, buf.len - 3, &pos, &note));
	assert_int_equal(note.type, 7);
	assert_int_equal(note.name_len, 1);
	assert_int_equal(note.desc_len, 5);
	assert_memory_equal(note.desc, "abcde", 5);
	assert_false(notes_next((const uint8_t *)buf.data, buf.len - 3, &pos, &note));
	// A position beyond the end is the end.
	pos = 1000;
	assert_false(notes_next((const uint8_t *)buf.data, buf.len, &pos, &note));
}

static void vmcoreinfo_is_found_by_its_name(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	_cleanup_free_ char *text = NULL, *none = NULL;

	// A name that is longer, one that is shorter, and one without its NUL.
	fake_note(&buf, "VMCOREINFO_XEN", 0, "x", 1);
	fake_note(&buf, "VMCORE", 0, "y", 1);
	assert_ok(notes_find_vmcoreinfo((const uint8_t *)buf.data, buf.len, &none));
	assert_null(none);
	fake_note(&buf, "VMCOREINFO", 0, "A=1\n", 4);
	assert_ok(notes_find_vmcoreinfo((const uint8_t *)buf.data, buf.len, &text));
	assert_string_equal(text, "A=1\n");
}

static const char info[] = "OSRELEASE=6.1.0-9-amd64\n"
			   "BUILD-ID=00ff\n"
			   "PAGESIZE=4096\n"
			   "SYMBOL(prb)=ffffffff8281a6a8\n"
			   "OFFSET(list_head.next)=8\n"
			   "SIZE(page)=64\n"
			   "NUMBER(phys_base)=-16777216\n"
			   "NUMBER(empty)=\n"
			   "NUMBER(word)=12x\n"
			   "NUMBER(huge)=99999999999999999999\n"
			   "SYMBOL(prb)=1\n"
			   "CRASHTIME=1700000000\n"
			   "KERNELOFFSET=1a000000";

static void vmcoreinfo_values_are_parsed(void **state)
{
	uint64_t u;
	int64_t i;

	assert_memory_equal(vmcoreinfo_find(info, "OSRELEASE"), "6.1.0-9-amd64\n", 14);
	assert_true(vmcoreinfo_symbol(info, "prb", &u)); // the first of a name
	assert_int_equal(u, 0xffffffff8281a6a8);
	assert_true(vmcoreinfo_offset(info, "list_head.next", &u));
	assert_int_equal(u, 8);
	assert_true(vmcoreinfo_size(info, "page", &u));
	assert_int_equal(u, 64);
	assert_true(vmcoreinfo_number(info, "phys_base", &i));
	assert_int_equal(i, -16777216);
	assert_true(vmcoreinfo_decimal(info, "CRASHTIME", &i));
	assert_int_equal(i, 1700000000);
	assert_true(vmcoreinfo_hex(info, "KERNELOFFSET", &u)); // no newline behind it
	assert_int_equal(u, 0x1a000000);
}

static void vmcoreinfo_nonsense_is_no_value(void **state)
{
	char longest[300];
	uint64_t u;
	int64_t i;

	assert_null(vmcoreinfo_find(info, "RELEASE")); // within a line
	assert_null(vmcoreinfo_find(info, "OSRELEAS"));
	assert_null(vmcoreinfo_find(NULL, "OSRELEASE"));
	assert_null(vmcoreinfo_find("", "OSRELEASE"));
	assert_false(vmcoreinfo_number(info, "empty", &i)); // not the next line's value
	assert_false(vmcoreinfo_number(info, "word", &i));
	assert_false(vmcoreinfo_number(info, "huge", &i));
	assert_false(vmcoreinfo_number(info, "missing", &i));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(vmcoreinfo_symbol(info, longest, &u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_are_those_of_the_nth_prstatus),
		cmocka_unit_test(short_prstatus_has_no_registers),
		cmocka_unit_test(unsound_sizes_end_the_walk),
		cmocka_unit_test(last_note_need_not_be_padded),
		cmocka_unit_test(vmcoreinfo_is_found_by_its_name),
		cmocka_unit_test(vmcoreinfo_values_are_parsed),
		cmocka_unit_test(vmcoreinfo_nonsense_is_no_value),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
