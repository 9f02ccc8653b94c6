/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF cores: program headers of type PT_LOAD say which physical memory stands where in the file.
 * They may overlap (the kernel's image is also part of a stretch of RAM), begin and end within a
 * page, and be more than the header's 16 bits can count.
 */
#include "vmcore_test.h"

#include <elf.h>
#include <string.h>

#include "fake_dump.h"
#include "vmcore/dump.h"

enum { DATA = 8192, MAX_FILE = 64 * 1024 };

struct load {
	uint64_t paddr, len;
	char fill;
};

static void write_header(struct ey_buf *file, uint16_t count, uint64_t headers)
{
	Elf64_Ehdr h = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				    EV_CURRENT},
			.e_type = ET_CORE,
			.e_machine = EM_X86_64,
			.e_phoff = headers,
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = count};

	ey_buf_add(file, &h, sizeof(h));
}

// A core of these stretches, each filled with its letter, their bytes from DATA on.
static void make(struct ey_buf *file, const struct load *loads, size_t count)
{
	uint64_t at = DATA;

	write_header(file, (uint16_t)count, sizeof(Elf64_Ehdr));
	for (size_t i = 0; i < count; i++) {
		Elf64_Phdr ph = {.p_type = PT_LOAD,
				 .p_offset = at,
				 .p_paddr = loads[i].paddr,
				 .p_filesz = loads[i].len,
				 .p_memsz = loads[i].len};

		ey_buf_add(file, &ph, sizeof(ph));
		at += loads[i].len;
	}
	while (file->len < DATA)
		ey_buf_addc(file, '\0');
	for (size_t i = 0; i < count; i++) {
		for (uint64_t n = 0; n < loads[i].len; n++)
			ey_buf_addc(file, loads[i].fill);
	}
}

static void open_file(struct dump *d, struct ey_buf *file)
{
	assert_ok(dump_open(d, fake_file(file->data, file->len)));
	ey_buf_deinit(file);
}

static void assert_byte(struct dump *d, uint64_t paddr, char expected)
{
	uint8_t page[FAKE_PAGE];

	assert_ok(dump_read_page(d, paddr / FAKE_PAGE, page));
	assert_int_equal(page[paddr % FAKE_PAGE], expected);
}

static void pages_are_found_by_physical_address(void **state)
{
	const struct load loads[] = {{0x100000, 0x3000, 'b'}, {0x1000, 0x2000, 'a'}};
	struct ey_buf file = EY_BUF_INIT;
	uint8_t page[FAKE_PAGE];
	struct dump d;

	make(&file, loads, 2);
	open_file(&d, &file);
	assert_string_equal(dump_format_name(&d), "ELF");
	assert_false(d.incomplete);
	assert_byte(&d, 0x1000, 'a');
	assert_byte(&d, 0x2fff, 'a');
	assert_byte(&d, 0x100000, 'b');
	assert_byte(&d, 0x102fff, 'b');
	assert_error(dump_read_page(&d, 0, page), EY_ERR_FAULT, "not in the dump");
	assert_error(dump_read_page(&d, 3, page), EY_ERR_FAULT, "not in the dump");
	assert_error(dump_read_page(&d, 0x103, page), EY_ERR_FAULT, "not in the dump");
	assert_error(dump_read_page(&d, UINT64_MAX, page), EY_ERR_FAULT, "no physical page");
	// Only a makedumpfile dump says that it left out pages of zeros.
	assert_false(dump_page_may_be_zero(&d, 0));
	dump_close(&d);
}

static void overlapping_segments_have_all_their_pages(void **state)
{
	// The image within RAM, as /proc/vmcore has it; both say the same.
	const struct load loads[] = {
		{0x1000, 0x8000, 'a'}, {0x3000, 0x1000, 'a'}, {0x5000, 0x1000, 'a'}};
	struct ey_buf file = EY_BUF_INIT;
	struct dump d;

	make(&file, loads, 3);
	open_file(&d, &file);
	for (uint64_t at = 0x1000; at < 0x9000; at += 0x1000)
		assert_byte(&d, at, 'a');
	dump_close(&d);
}

static void small_segments_do_not_hide_a_large_one(void **state)
{
	struct load loads[13] = {{0x1000, 0x8000, 'a'}};
	struct ey_buf file = EY_BUF_INIT;
	struct dump d;

	for (size_t i = 1; i < EY_ARRAY_SIZE(loads); i++)
		loads[i] = (struct load){0x2000 + 0x100 * i, 0x80, 'a'};
	make(&file, loads, EY_ARRAY_SIZE(loads));
	open_file(&d, &file);
	assert_byte(&d, 0x8000, 'a');
	assert_byte(&d, 0x3fff, 'a');
	dump_close(&d);
}

static void page_of_several_segments_is_put_together(void **state)
{
	// 0x1000: 'a' up to 0x1801, a hole, 'b' from 0x1c05 on.
	const struct load loads[] = {{0x1000, 0x801, 'a'}, {0x1c05, 0x13fb, 'b'}};
	struct ey_buf file = EY_BUF_INIT;
	struct dump d;

	make(&file, loads, 2);
	open_file(&d, &file);
	assert_byte(&d, 0x1800, 'a');
	assert_byte(&d, 0x1801, 0);
	assert_byte(&d, 0x1c04, 0);
	assert_byte(&d, 0x1c05, 'b');
	assert_byte(&d, 0x2fff, 'b');
	dump_close(&d);
}

static void many_headers_are_counted_in_the_first_section(void **state)
{
	enum { COUNT = 70000 };
	struct ey_buf file = EY_BUF_INIT;
	struct dump d;
	uint64_t headers = sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr);
	Elf64_Shdr sh = {.sh_info = COUNT};
	Elf64_Phdr ph = {.p_type = PT_LOAD, .p_filesz = 16, .p_memsz = 16};

	write_header(&file, PN_XNUM, headers);
	((Elf64_Ehdr *)(void *)file.data)->e_shoff = sizeof(Elf64_Ehdr);
	ey_buf_add(&file, &sh, sizeof(sh));
	for (size_t i = 0; i < COUNT; i++) {
		ph.p_paddr = i * FAKE_PAGE;
		ey_buf_add(&file, &ph, sizeof(ph));
	}
	open_file(&d, &file);
	assert_byte(&d, (COUNT - 1) * (uint64_t)FAKE_PAGE, 0x7f); // of the file's first bytes
	dump_close(&d);
}

static void file_that_ends_early_is_incomplete(void **state)
{
	const struct load loads[] = {{0x1000, 0x3000, 'a'}};
	struct ey_buf file = EY_BUF_INIT;
	uint8_t page[FAKE_PAGE];
	struct dump d;

	make(&file, loads, 1);
	file.len -= 0x1800;
	open_file(&d, &file);
	assert_true(d.incomplete);
	assert_byte(&d, 0x1000, 'a');
	assert_error(dump_read_page(&d, 3, page), EY_ERR_FAULT, "the file ends before it");
	dump_close(&d);
}

static void notes_are_read(void **state)
{
	struct fake_dump f;
	struct dump d;

	fake_dump_init(&f, 4);
	assert_ok(dump_open(&d, fake_dump_elf_file(&f)));
	assert_string_equal(d.vmcoreinfo, ey_buf_str(&f.info));
	dump_close(&d);
	fake_dump_deinit(&f);
}

static void unsound_files_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t bytes;
		const char *says;
	} cases[] = {
		{offsetof(Elf64_Ehdr, e_type), ET_EXEC, 2, "not a dump"},
		{offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, 2, "another machine"},
		{offsetof(Elf64_Ehdr, e_phentsize), 32, 2, "headers of 32 bytes"},
		{offsetof(Elf64_Ehdr, e_phnum), 0, 2, "0 program headers"},
		{offsetof(Elf64_Ehdr, e_phnum), 60000, 2, "60000 program headers"},
		{offsetof(Elf64_Ehdr, e_phnum), PN_XNUM, 2, "program headers"},
		{offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX, 8, "program headers at byte"},
		{EI_CLASS, ELFCLASS32, 1, "not a 64-bit"},
		{EI_DATA, ELFDATA2MSB, 1, "not a 64-bit"},
		{0, 0, 1, "neither kdump-compressed"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		const struct load loads[] = {{0x1000, 0x1000, 'a'}};
		_cleanup_buf_ struct ey_buf file = EY_BUF_INIT;
		struct dump d;

		make(&file, loads, 1);
		memcpy(file.data + cases[i].at, &cases[i].value, cases[i].bytes);
		assert_error(dump_open(&d, fake_file(file.data, file.len)), EY_ERR_INPUT,
			     cases[i].says);
	}
}

static void files_that_are_no_dumps_are_named(void **state)
{
	struct dump d;

	assert_error(dump_open(&d, fake_file("", 0)), EY_ERR_INPUT, "empty");
	assert_error(dump_open(&d, fake_file("hello", 5)), EY_ERR_INPUT, "only 5 bytes");
	assert_error(dump_open(&d, fake_file("just some text\n\n", 16)), EY_ERR_INPUT,
		     "neither kdump-compressed");
	assert_error(dump_open(&d, fake_file("\177ELF............", 16)), EY_ERR_INPUT, "cut off");
}

// A segment that says it lies at the end of the address space must not wrap around.
static void wild_segments_are_ignored(void **state)
{
	const struct load loads[] = {{0x1000, 0x1000, 'a'}, {0x2000, 0x1000, 'b'}};
	struct ey_buf file = EY_BUF_INIT;
	uint8_t page[FAKE_PAGE];
	struct dump d;

	make(&file, loads, 2);
	Elf64_Phdr *ph = (Elf64_Phdr *)(void *)(file.data + sizeof(Elf64_Ehdr));
	ph[0].p_paddr = UINT64_MAX - 16;
	ph[1].p_memsz = 0x800; // what the file has beyond the memory's end is not memory
	open_file(&d, &file);
	assert_error(dump_read_page(&d, 1, page), EY_ERR_FAULT, "not in the dump");
	assert_byte(&d, 0x27ff, 'b');
	assert_byte(&d, 0x2800, 0);
	dump_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_found_by_physical_address),
		cmocka_unit_test(overlapping_segments_have_all_their_pages),
		cmocka_unit_test(small_segments_do_not_hide_a_large_one),
		cmocka_unit_test(page_of_several_segments_is_put_together),
		cmocka_unit_test(many_headers_are_counted_in_the_first_section),
		cmocka_unit_test(file_that_ends_early_is_incomplete),
		cmocka_unit_test(notes_are_read),
		cmocka_unit_test(unsound_files_are_refused),
		cmocka_unit_test(files_that_are_no_dumps_are_named),
		cmocka_unit_test(wild_segments_are_ignored),
	};

	return cmocka_run_group_tests_name("elfcore", tests, NULL, NULL);
}
