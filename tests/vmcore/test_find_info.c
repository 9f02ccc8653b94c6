/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's memory without VMCOREINFO in the notes: the kernel keeps the same text in a page of
 * its own, which is found, and believed only where the kernel that it tells of is there.
 */
#include "vmcore_test.h"

#include <string.h>

#include "fake_dump.h"
#include "vmcore/find_info.h"
#include "vmcore/memory.h"
#include "vmcore/vmcoreinfo.h"

enum {
	UTS_NAME = 4,
	UTS_RELEASE = 130,
	// struct QEMUCPUState.
	QEMU_SIZE = 440,
	QEMU_CR3 = 416,
	IMAGE_ENTRY = 511,
};

static const uint64_t uts = FAKE_IMAGE + 0x5000;

// A kernel that says what its release is; VMCOREINFO leaves the notes.
static struct ey_buf make(struct fake_dump *f, int levels)
{
	struct ey_buf info;

	fake_dump_init(f, levels);
	fake_dump_symbol(f, "init_uts_ns", uts);
	ey_buf_printf(&f->info, "OFFSET(uts_namespace.name)=%d\n", UTS_NAME);
	fake_dump_put(f, uts + UTS_NAME + UTS_RELEASE, "6.1.0-fake", 11);
	info = f->info;
	f->info = (struct ey_buf)EY_BUF_INIT;
	return info;
}

static uint64_t put_page(struct fake_dump *f, const char *text)
{
	uint64_t pfn = fake_dump_new_frame(f);

	strcpy((char *)fake_dump_frame(f, pfn), text);
	return pfn;
}

static void add_cpu_control(struct fake_dump *f, uint64_t cr3, uint64_t cr4)
{
	uint8_t desc[QEMU_SIZE] = {0};

	memcpy(desc + QEMU_CR3, &cr3, sizeof(cr3));
	memcpy(desc + QEMU_CR3 + sizeof(cr3), &cr4, sizeof(cr4));
	fake_note(&f->notes, "QEMU", 0, desc, sizeof(desc));
}

static void add_cpu(struct fake_dump *f, uint64_t cr3)
{
	add_cpu_control(f, cr3, 0);
}

// Search; the text found, or NULL. The dump is closed.
static char *search(struct fake_dump *f)
{
	struct dump d;
	char *found;

	assert_ok(dump_open(&d, fake_dump_elf_file(f)));
	assert_null(d.vmcoreinfo);
	assert_ok(find_info(&d));
	found = d.vmcoreinfo ? strdup(d.vmcoreinfo) : NULL;
	dump_close(&d);
	return found;
}

static void page_of_the_kernel_is_found(void **state)
{
	for (int levels = 4; levels <= 5; levels++) {
		struct fake_dump f;
		_cleanup_buf_ struct ey_buf info = make(&f, levels);

		put_page(&f, "OSRELEASE is not all that there is to it");
		put_page(&f, ey_buf_str(&info));
		_cleanup_free_ char *found = search(&f);
		assert_non_null(found);
		assert_string_equal(found, ey_buf_str(&info));
		fake_dump_deinit(&f);
	}
}

// A file about another kernel in the page cache, and what is cut off.
// A kernel that died before it had written VMCOREINFO: its CPU's page tables lead to it.
static void image_is_found_by_page_tables(void **state)
{
	for (int levels = 4; levels <= 5; levels++) {
		struct fake_dump f;
		struct ey_buf info = make(&f, levels);
		uint64_t stext, top;
		int64_t phys_base, l5;
		struct memory m;
		struct dump d;
		char release[11];

		fake_dump_put(&f, FAKE_IMAGE, "begin", 5);
		ey_buf_deinit(&info);
		add_cpu_control(&f, f.top_pfn * FAKE_PAGE, levels == 5 ? 1 << 12 : 0);
		assert_ok(dump_open(&d, fake_dump_elf_file(&f)));
		assert_ok(find_info(&d));
		assert_true(d.vmcoreinfo_made);
		assert_true(vmcoreinfo_symbol(d.vmcoreinfo, "_stext", &stext));
		assert_int_equal(stext, FAKE_IMAGE);
		assert_true(vmcoreinfo_symbol(d.vmcoreinfo, "swapper_pg_dir", &top));
		assert_true(vmcoreinfo_number(d.vmcoreinfo, "phys_base", &phys_base));
		assert_true(vmcoreinfo_number(d.vmcoreinfo, "pgtable_l5_enabled", &l5));
		assert_int_equal(l5, levels == 5);
		assert_ok(memory_init(&m, &d));
		assert_int_equal(m.top_table, f.top_pfn * FAKE_PAGE);
		assert_ok(memory_read(&m, uts + UTS_NAME + UTS_RELEASE, release, sizeof(release)));
		assert_string_equal(release, "6.1.0-fake");
		dump_close(&d);
		fake_dump_deinit(&f);
	}
}

// A guest that runs something else: nothing is mapped where a kernel's image would be.
static void no_image_is_no_kernel(void **state)
{
	struct fake_dump f;
	struct ey_buf info = make(&f, 4);

	ey_buf_deinit(&info);
	add_cpu(&f, fake_dump_new_frame(&f) * FAKE_PAGE);
	assert_null(search(&f));
	fake_dump_deinit(&f);
}

static void page_of_no_kernel_is_passed_over(void **state)
{
	struct fake_dump f;
	_cleanup_buf_ struct ey_buf info = make(&f, 4);
	_cleanup_buf_ struct ey_buf other = EY_BUF_INIT;

	put_page(&f, "OSRELEASE=6.1.0-fake\nNUMBER(phys_base)=0\n");
	assert_null(search(&f));
	ey_buf_adds(&other, ey_buf_str(&info));
	memcpy(strstr(other.data, "6.1.0-fake"), "6.1.0-lies", 10);
	put_page(&f, ey_buf_str(&other));
	assert_null(search(&f));
	// Not one NUL in the page: it does not end.
	memset(fake_dump_frame(&f, put_page(&f, "")), 'x', FAKE_PAGE);
	memcpy(fake_dump_frame(&f, put_page(&f, "")), "OSRELEASE=", 10);
	put_page(&f, ey_buf_str(&info));
	_cleanup_free_ char *found = search(&f);
	assert_non_null(found);
	assert_string_equal(found, ey_buf_str(&info));
	fake_dump_deinit(&f);
}

static uint64_t *image_entry(struct fake_dump *f, uint64_t table)
{
	return (uint64_t *)(void *)fake_dump_frame(f, table) + IMAGE_ENTRY;
}

// Two kernels in memory, as when one has started the other by kexec. The page of the one that no
// CPU runs comes first.
static void kernel_that_runs_is_taken(void **state)
{
	// Whose table a process has in common, 2: neither's; and CR3's bits that are no address.
	static const struct {
		int whose;
		uint64_t flags;
		const char *expected;
	} cases[] = {{0, 0, "KERNEL=0"},
		     {1, 0, "KERNEL=1"},
		     {1, 0x1005, "KERNEL=1"},
		     {2, 0, "KERNEL=0"}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct fake_dump f;
		_cleanup_buf_ struct ey_buf info = make(&f, 4);
		_cleanup_buf_ struct ey_buf other = EY_BUF_INIT;
		uint64_t tables[] = {fake_dump_new_frame(&f), f.top_pfn};
		uint64_t upper = fake_dump_new_frame(&f), process = 2 * fake_dump_new_frame(&f);

		// The same memory through tables of its own.
		memcpy(fake_dump_frame(&f, tables[0]), fake_dump_frame(&f, f.top_pfn), FAKE_PAGE);
		memcpy(fake_dump_frame(&f, upper),
		       fake_dump_frame(&f, *image_entry(&f, f.top_pfn) / FAKE_PAGE), FAKE_PAGE);
		*image_entry(&f, tables[0]) = upper * FAKE_PAGE | FAKE_PRESENT;
		ey_buf_adds(&other, "OSRELEASE=6.1.0-fake\nKERNEL=0\n");
		ey_buf_printf(
			&other, "SYMBOL(swapper_pg_dir)=%llx\n",
			(unsigned long long)(FAKE_IMAGE + (tables[0] - f.top_pfn) * FAKE_PAGE));
		ey_buf_adds(&other, strchr(info.data, '\n') + 1);
		ey_buf_adds(&info, "KERNEL=1\n");
		put_page(&f, ey_buf_str(&other));
		put_page(&f, ey_buf_str(&info));
		*image_entry(&f, process) =
			cases[i].whose < 2 ? *image_entry(&f, tables[cases[i].whose]) : 0x77063;
		add_cpu(&f, process * FAKE_PAGE | cases[i].flags);
		_cleanup_free_ char *found = search(&f);
		assert_non_null(found);
		if (!strstr(found, cases[i].expected))
			fail_msg("case %zu: %s", i, found);
		fake_dump_deinit(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_of_the_kernel_is_found),
		cmocka_unit_test(page_of_no_kernel_is_passed_over),
		cmocka_unit_test(kernel_that_runs_is_taken),
		cmocka_unit_test(image_is_found_by_page_tables),
		cmocka_unit_test(no_image_is_no_kernel),
	};

	return cmocka_run_group_tests_name("find_info", tests, NULL, NULL);
}
