/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's virtual memory. An address is cut into 9 bits a level, each the index into a table
 * of 512 entries; an entry holds the frame of the next table, or at the end (or earlier, for huge
 * pages) of the memory itself.
 */
#include "vmcore_test.h"

#include <string.h>

#include "fake_dump.h"
#include "vmcore/memory.h"

struct world {
	struct fake_dump fake;
	struct dump dump;
	struct memory memory;
};

static void begin(struct world *w, int levels)
{
	fake_dump_init(&w->fake, levels);
}

static void open_world(struct world *w)
{
	assert_ok(dump_open(&w->dump, fake_dump_elf_file(&w->fake)));
	assert_ok(memory_init(&w->memory, &w->dump));
}

static void end(struct world *w)
{
	dump_close(&w->dump);
	fake_dump_deinit(&w->fake);
}

static void assert_u64(struct world *w, uint64_t vaddr, uint64_t expected)
{
	uint64_t value;

	assert_true(memory_u64(&w->memory, vaddr, &value));
	assert_int_equal(value, expected);
}

static void assert_no_u64(struct world *w, uint64_t vaddr)
{
	uint64_t value;

	assert_false(memory_u64(&w->memory, vaddr, &value));
}

static void address_is_walked_through_all_levels(void **state)
{
	for (int levels = 4; levels <= 5; levels++) {
		struct world w;

		begin(&w, levels);
		fake_dump_put_u64(&w.fake, FAKE_LINEAR + 0x2008, 11);
		fake_dump_put_u64(&w.fake, FAKE_VMALLOC, 22);
		fake_dump_put_u64(&w.fake, FAKE_IMAGE + 0x7ff8, 33);
		if (levels == 5) // differs from FAKE_LINEAR in the fifth level alone
			fake_dump_put_u64(&w.fake, 0xff11888000002008, 44);
		open_world(&w);
		assert_int_equal(w.memory.levels, levels);
		assert_u64(&w, FAKE_LINEAR + 0x2008, 11);
		assert_u64(&w, FAKE_VMALLOC, 22);
		assert_u64(&w, FAKE_IMAGE + 0x7ff8, 33);
		if (levels == 5)
			assert_u64(&w, 0xff11888000002008, 44);
		assert_u64(&w, FAKE_LINEAR + 0x2008, 11); // from the cache of translations
		assert_no_u64(&w, FAKE_LINEAR + 0x3000);
		assert_no_u64(&w, 0);
		assert_no_u64(&w, 0x7fffdeadbeef);
		end(&w);
	}
}

static void huge_pages_end_the_walk_early(void **state)
{
	enum { MIB_2 = 512, GIB_1 = 512 * 512 };
	struct world w;
	uint64_t pfn;

	begin(&w, 4);
	fake_dump_map(&w.fake, FAKE_LINEAR, 1, MIB_2, FAKE_PRESENT | FAKE_HUGE);
	memset(fake_dump_frame(&w.fake, MIB_2 + 3), 0xaa, FAKE_PAGE);
	fake_dump_map(&w.fake, FAKE_VMALLOC, 2, GIB_1, FAKE_PRESENT | FAKE_HUGE);
	memset(fake_dump_frame(&w.fake, GIB_1 + 5 * MIB_2 + 7), 0xbb, FAKE_PAGE);
	// Bit 12 of such an entry is no address bit but the PAT bit.
	fake_dump_map(&w.fake, FAKE_VMALLOC + (1ULL << 30), 1, MIB_2 + 1, FAKE_PRESENT | FAKE_HUGE);
	open_world(&w);
	assert_u64(&w, FAKE_LINEAR + 0x3010, 0xaaaaaaaaaaaaaaaa);
	assert_u64(&w, FAKE_VMALLOC + 5 * (2 << 20) + 0x7010, 0xbbbbbbbbbbbbbbbb);
	assert_ok(memory_translate(&w.memory, FAKE_VMALLOC + (1ULL << 30) + 0x1fffff, &pfn));
	assert_int_equal(pfn, MIB_2 + 511);
	end(&w);
}

static void only_present_entries_count(void **state)
{
	struct world w;

	begin(&w, 4);
	uint64_t pfn = fake_dump_new_frame(&w.fake);
	memset(fake_dump_frame(&w.fake, pfn), 0xcc, FAKE_PAGE);
	fake_dump_map(&w.fake, FAKE_LINEAR + 0x1000, 0, pfn, FAKE_PRESENT);
	// NUMA balancing takes the present bit away for a while; the page is still mapped.
	fake_dump_map(&w.fake, FAKE_LINEAR + 0x2000, 0, pfn, FAKE_PROTNONE);
	fake_dump_map(&w.fake, FAKE_LINEAR + 0x3000, 0, pfn, 0); // swapped out, for example
	fake_dump_map(&w.fake, FAKE_VMALLOC, 1, pfn, FAKE_PROTNONE);
	open_world(&w);
	assert_u64(&w, FAKE_LINEAR + 0x1000, 0xcccccccccccccccc);
	assert_u64(&w, FAKE_LINEAR + 0x2000, 0xcccccccccccccccc);
	assert_no_u64(&w, FAKE_LINEAR + 0x3000);
	assert_no_u64(&w, FAKE_VMALLOC);
	end(&w);
}

static void encryption_bit_is_no_address(void **state)
{
	struct world w;

	begin(&w, 4);
	uint64_t pfn = fake_dump_new_frame(&w.fake);
	memset(fake_dump_frame(&w.fake, pfn), 0xdd, FAKE_PAGE);
	// AMD SME's bit 47, and the no-execute bit 63.
	fake_dump_map(&w.fake, FAKE_LINEAR, 0, pfn, FAKE_PRESENT | 1ULL << 47 | 1ULL << 63);
	ey_buf_printf(&w.fake.info, "NUMBER(sme_mask)=%llu\n", 1ULL << 47);
	open_world(&w);
	assert_u64(&w, FAKE_LINEAR, 0xdddddddddddddddd);
	end(&w);
}

static void table_that_is_missing_is_a_fault(void **state)
{
	struct world w;
	char buf[8];

	begin(&w, 4);
	fake_dump_map(&w.fake, FAKE_LINEAR, 2, 0x123456, FAKE_PRESENT); // to a frame that is not
	open_world(&w);
	assert_error(memory_read(&w.memory, FAKE_LINEAR, buf, 8), EY_ERR_FAULT,
		     "page table of 0xffff888000000000");
	end(&w);
}

// An incomplete dump may lack the tables: the image and the linear mapping need none.
static void linear_stretches_need_no_tables(void **state)
{
	struct world w;
	uint64_t value = 55;

	begin(&w, 4);
	// The image's first page is the top table: its fourth lies three frames behind.
	memcpy(fake_dump_frame(&w.fake, w.fake.top_pfn + 3), &value, sizeof(value));
	fake_dump_put_u64(&w.fake, FAKE_VMALLOC, 66);
	fake_dump_leave_out(&w.fake, w.fake.top_pfn);
	open_world(&w);
	assert_u64(&w, FAKE_IMAGE + 0x3000, 55);
	assert_no_u64(&w, FAKE_VMALLOC);
	uint64_t linear = FAKE_LINEAR + ((w.fake.top_pfn + 3) << 12);
	assert_no_u64(&w, linear); // where it begins is not known yet
	w.memory.direct_map = FAKE_LINEAR;
	assert_u64(&w, linear, 55);
	assert_no_u64(&w, FAKE_LINEAR - 0x1000);
	end(&w);
}

static void table_that_is_its_own_is_no_circle(void **state)
{
	struct world w;
	uint64_t pfn;

	begin(&w, 5);
	fake_dump_map(&w.fake, 0, 4, w.fake.top_pfn, FAKE_PRESENT);
	open_world(&w);
	assert_ok(memory_translate(&w.memory, 0, &pfn));
	assert_int_equal(pfn, w.fake.top_pfn);
	end(&w);
}

static void read_goes_on_over_pages_and_stops_at_holes(void **state)
{
	uint8_t bytes[3 * FAKE_PAGE], got[3 * FAKE_PAGE];
	struct world w;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 13 + i / 4096);
	begin(&w, 4);
	// Something between them, so that neighbours in memory are none in the machine.
	for (size_t i = 0; i < 3; i++) {
		fake_dump_put(&w.fake, FAKE_VMALLOC + i * FAKE_PAGE, bytes + i * FAKE_PAGE,
			      FAKE_PAGE);
		fake_dump_new_frame(&w.fake);
	}
	open_world(&w);
	assert_ok(memory_read(&w.memory, FAKE_VMALLOC, got, sizeof(got)));
	assert_memory_equal(got, bytes, sizeof(got));
	assert_ok(memory_read(&w.memory, FAKE_VMALLOC + 4090, got, 4103));
	assert_memory_equal(got, bytes + 4090, 4103);
	assert_error(memory_read(&w.memory, FAKE_VMALLOC + 1, got, sizeof(got)), EY_ERR_FAULT,
		     "nothing is mapped");
	assert_ok(memory_read(&w.memory, 0, got, 0));
	end(&w);
}

static void address_does_not_wrap_around(void **state)
{
	struct world w;
	char buf[16];

	begin(&w, 4);
	fake_dump_put_u64(&w.fake, 0xfffffffffffff000, 1);
	fake_dump_put_u64(&w.fake, 0, 2);
	open_world(&w);
	assert_ok(memory_read(&w.memory, UINT64_MAX - 7, buf, 8));
	assert_error(memory_read(&w.memory, UINT64_MAX - 7, buf, 9), EY_ERR_FAULT, "no memory at");
	end(&w);
}

static void string_is_cut_and_terminated(void **state)
{
	struct world w;
	char buf[8];

	begin(&w, 4);
	fake_dump_put(&w.fake, FAKE_LINEAR + 0xffd, "across pages", 13);
	fake_dump_put(&w.fake, FAKE_LINEAR + 0x5ffc, "edge", 4); // unmapped behind it
	open_world(&w);
	assert_true(memory_string(&w.memory, FAKE_LINEAR + 0xffd, buf, 8));
	assert_string_equal(buf, "across ");
	assert_true(memory_string(&w.memory, FAKE_LINEAR + 0x1004, buf, 8));
	assert_string_equal(buf, "pages"); // the words' rest
	assert_true(memory_string(&w.memory, FAKE_LINEAR + 0x5ffc, buf, 8));
	assert_string_equal(buf, "edge");
	assert_true(memory_string(&w.memory, FAKE_LINEAR + 0x5000, buf, 8));
	assert_string_equal(buf, "");
	assert_false(memory_string(&w.memory, FAKE_LINEAR + 0x6000, buf, 8));
	assert_string_equal(buf, "");
	end(&w);
}

static void range_reads_pages_when_asked(void **state)
{
	struct world w;
	struct range r;

	begin(&w, 4);
	fake_dump_put(&w.fake, FAKE_VMALLOC + 0x1010, "first", 5);
	fake_dump_put(&w.fake, FAKE_VMALLOC + 0x2ffe, "over", 2);
	fake_dump_put(&w.fake, FAKE_VMALLOC + 0x3000, "er", 2);
	fake_dump_put(&w.fake, FAKE_VMALLOC + 0x5000, "behind a hole", 13);
	open_world(&w);
	uint64_t before = w.dump.pages_read;
	assert_ok(range_init(&r, &w.memory, FAKE_VMALLOC + 0x1010, 0x4000));
	assert_int_equal(w.dump.pages_read, before);
	assert_memory_equal(range_get(&r, 0, 5), "first", 5);
	assert_memory_equal(range_get(&r, 0x1fee, 4), "over", 2);
	assert_memory_equal(range_get(&r, 0x1ff0, 2), "er", 2);
	assert_null(range_get(&r, 0x2ff0, 1)); // the hole
	assert_null(range_get(&r, 0x2ff0, 1));
	assert_int_equal(r.missing, 1);
	assert_null(range_get(&r, 0, 0x4000)); // all, over the hole
	assert_memory_equal(range_get(&r, 0x3ff0, 13), "behind a hole", 13);
	// Its bounds.
	assert_non_null(range_get(&r, 0x3fff, 1));
	assert_null(range_get(&r, 0x3fff, 2));
	assert_null(range_get(&r, 0x4001, 0));
	assert_null(range_get(&r, 8, UINT64_MAX - 4));
	assert_null(range_get(&r, UINT64_MAX, 1));
	range_deinit(&r);
	end(&w);
}

static void implausible_ranges_are_refused(void **state)
{
	static const struct {
		uint64_t base, size;
	} cases[] = {{FAKE_LINEAR, 0},
		     {FAKE_LINEAR, RANGE_MAX_SIZE + 1},
		     {FAKE_LINEAR, UINT64_MAX},
		     {UINT64_MAX - 10, 100}};
	struct world w;
	struct range r;

	begin(&w, 4);
	open_world(&w);
	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		assert_error(range_init(&r, &w.memory, cases[i].base, cases[i].size), EY_ERR_INPUT,
			     "not plausible");
		assert_null(range_get(&r, 0, 1));
		range_deinit(&r);
	}
	end(&w);
}

static void vmcoreinfo_must_say_where_memory_is(void **state)
{
	static const struct {
		const char *info, *says;
	} cases[] = {
		{"OSRELEASE=x\n", "no phys_base"},
		{"NUMBER(phys_base)=0\n", "no swapper_pg_dir"},
		{"NUMBER(phys_base)=0\nSYMBOL(swapper_pg_dir)=1000\n", "not in the kernel's image"},
		{"NUMBER(phys_base)=0\nSYMBOL(swapper_pg_dir)=ffffffffc0000000\n",
		 "not in the kernel's image"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct world w;

		begin(&w, 4);
		ey_buf_clear(&w.fake.info);
		ey_buf_adds(&w.fake.info, cases[i].info);
		assert_ok(dump_open(&w.dump, fake_dump_elf_file(&w.fake)));
		assert_error(memory_init(&w.memory, &w.dump), EY_ERR_INPUT, cases[i].says);
		end(&w);
	}
	struct dump without = {0};
	struct memory m;
	assert_error(memory_init(&m, &without), EY_ERR_INPUT, "no VMCOREINFO");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_is_walked_through_all_levels),
		cmocka_unit_test(huge_pages_end_the_walk_early),
		cmocka_unit_test(only_present_entries_count),
		cmocka_unit_test(encryption_bit_is_no_address),
		cmocka_unit_test(table_that_is_missing_is_a_fault),
		cmocka_unit_test(linear_stretches_need_no_tables),
		cmocka_unit_test(table_that_is_its_own_is_no_circle),
		cmocka_unit_test(read_goes_on_over_pages_and_stops_at_holes),
		cmocka_unit_test(address_does_not_wrap_around),
		cmocka_unit_test(string_is_cut_and_terminated),
		cmocka_unit_test(range_reads_pages_when_asked),
		cmocka_unit_test(implausible_ranges_are_refused),
		cmocka_unit_test(vmcoreinfo_must_say_where_memory_is),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
