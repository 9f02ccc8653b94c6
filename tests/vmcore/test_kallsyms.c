/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kallsyms: addresses as 4-byte offsets, sorted; names one after the other in the same order, each
 * a length and that many tokens. The first character of a name is the symbol's type.
 */
#include "vmcore_test.h"

#include <string.h>

#include "fake_tables.h"
#include "vmcore/kallsyms.h"

struct world {
	struct fake_dump fake;
	struct dump dump;
	struct memory memory;
	struct kallsyms kallsyms;
};

static void open_fake(struct world *w, struct fake_kallsyms *k)
{
	fake_dump_init(&w->fake, 4);
	fake_kallsyms_put(k, &w->fake);
	assert_ok(dump_open(&w->dump, fake_dump_elf_file(&w->fake)));
	assert_ok(memory_init(&w->memory, &w->dump));
}

static void end(struct world *w)
{
	kallsyms_deinit(&w->kallsyms);
	dump_close(&w->dump);
	fake_dump_deinit(&w->fake);
}

static const struct fake_symbol few[] = {
	{0x1000, "Apercpu"},
	{FAKE_IMAGE, "T_stext"},
	{FAKE_IMAGE + 0x10, "Tschedule"},
	{FAKE_IMAGE + 0x10, "talias"},
	{FAKE_IMAGE + 0x40, "tx"},
	{FAKE_IMAGE + 0x400, "Dinit_task"},
	{FAKE_IMAGE + 0x500, "DT"},
	{FAKE_IMAGE + 0x600, "Tinit"},
};

static void assert_at(struct world *w, uint64_t address, const char *name, uint64_t start,
		      uint64_t size)
{
	struct symbol s;

	assert_true(kallsyms_find_address(&w->kallsyms, address, &s));
	assert_string_equal(s.name, name);
	assert_string_equal(s.module, "");
	assert_int_equal(s.address, start);
	assert_int_equal(s.size, size);
}

static void symbols_are_found_by_name_and_address(void **state)
{
	for (int absolute = 0; absolute < 2; absolute++) {
		struct wanted_symbol wanted[] = {{.name = "init_task"}, {.name = "schedule"},
						 {.name = "x"},		{.name = "T"},
						 {.name = "init"},	{.name = "nothing"},
						 {.name = "chedule"}};
		struct fake_kallsyms fake;
		struct symbol s;
		struct world w;

		// In the plain form there are no symbols below the base.
		fake_kallsyms_make(&fake, few + !absolute, EY_ARRAY_SIZE(few) - !absolute,
				   FAKE_IMAGE, absolute);
		open_fake(&w, &fake);
		assert_ok(kallsyms_init(&w.kallsyms, &w.memory));
		assert_int_equal(w.kallsyms.form,
				 absolute ? KALLSYMS_ABSOLUTE_PERCPU : KALLSYMS_RELATIVE);
		kallsyms_resolve(&w.kallsyms, wanted, EY_ARRAY_SIZE(wanted));
		assert_true(wanted[0].found);
		assert_int_equal(wanted[0].address, FAKE_IMAGE + 0x400);
		assert_int_equal(wanted[1].address, FAKE_IMAGE + 0x10);
		assert_int_equal(wanted[2].address, FAKE_IMAGE + 0x40);
		assert_int_equal(wanted[3].address, FAKE_IMAGE + 0x500);
		assert_int_equal(wanted[4].address, FAKE_IMAGE + 0x600);
		assert_false(wanted[5].found);
		assert_false(wanted[6].found);

		assert_at(&w, FAKE_IMAGE, "_stext", FAKE_IMAGE, 0x10);
		// Of two at one address the first, as the kernel itself prints it.
		assert_at(&w, FAKE_IMAGE + 0x3f, "schedule", FAKE_IMAGE + 0x10, 0x30);
		assert_at(&w, FAKE_IMAGE + 0x40, "x", FAKE_IMAGE + 0x40, 0x3c0);
		assert_at(&w, FAKE_IMAGE + 0x10000, "init", FAKE_IMAGE + 0x600, 0);
		assert_false(kallsyms_find_address(&w.kallsyms, 0, &s));
		end(&w);
	}
}

// A name of 128 tokens or more has a length of two bytes, one of 512 characters is cut.
static void long_names_are_read(void **state)
{
	char a[300], b[700];
	struct fake_symbol symbols[] = {
		{FAKE_IMAGE, a}, {FAKE_IMAGE + 8, b}, {FAKE_IMAGE + 16, "Tbehind"}};
	struct wanted_symbol wanted[] = {{.name = a + 1}, {.name = "behind"}};
	struct fake_kallsyms fake;
	struct world w;

	memset(a, 'a', sizeof(a) - 1), a[sizeof(a) - 1] = '\0';
	memset(b, 'b', sizeof(b) - 1), b[sizeof(b) - 1] = '\0';
	fake_kallsyms_make(&fake, symbols, 3, FAKE_IMAGE, true);
	// How many bytes names may take is reckoned by their number.
	for (int i = 0; i < 100; i++)
		ey_buf_add(&fake.names, "\1t", 2);
	for (int32_t i = 0; i < 100; i++) {
		int32_t offset = -1 - 100 - i;

		ey_buf_add(&fake.offsets, &offset, 4);
	}
	fake.count += 100;
	open_fake(&w, &fake);
	assert_ok(kallsyms_init(&w.kallsyms, &w.memory));
	kallsyms_resolve(&w.kallsyms, wanted, 2);
	assert_true(wanted[0].found);
	assert_true(wanted[1].found);
	b[1 + KALLSYMS_NAME_SIZE - 1] = '\0';
	assert_at(&w, FAKE_IMAGE + 8, b + 1, FAKE_IMAGE + 8, 8);
	end(&w);
}

static void names_across_the_marks_are_found(void **state)
{
	enum { COUNT = 3 * KALLSYMS_MARK_EVERY + 5 };
	static struct fake_symbol symbols[COUNT];
	static char names[COUNT][12];
	struct fake_kallsyms fake;
	struct world w;

	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "Tf%d", i);
		symbols[i] = (struct fake_symbol){FAKE_IMAGE + (uint64_t)i * 16, names[i]};
	}
	fake_kallsyms_make(&fake, symbols, COUNT, FAKE_IMAGE, true);
	open_fake(&w, &fake);
	assert_ok(kallsyms_init(&w.kallsyms, &w.memory));
	kallsyms_resolve(&w.kallsyms, NULL, 0);
	for (uint64_t i = 0; i + 1 < COUNT; i += 51)
		assert_at(&w, FAKE_IMAGE + i * 16 + 7, names[i] + 1, FAKE_IMAGE + i * 16, 16);
	end(&w);
}

static void names_that_break_off_are_counted(void **state)
{
	struct wanted_symbol wanted[] = {{.name = "_stext"}, {.name = "init"}};
	struct fake_kallsyms fake;
	struct symbol s;
	struct world w;

	fake_kallsyms_make(&fake, few, EY_ARRAY_SIZE(few), FAKE_IMAGE, true);
	// The fourth name has no length: nothing behind it can be told apart.
	size_t at = 0;
	for (int i = 0; i < 3; i++)
		at += 1 + (size_t)fake.names.data[at];
	fake.names.data[at] = 0;
	open_fake(&w, &fake);
	assert_ok(kallsyms_init(&w.kallsyms, &w.memory));
	kallsyms_resolve(&w.kallsyms, wanted, 2);
	assert_int_equal(w.kallsyms.walked, 3);
	assert_true(wanted[0].found);
	assert_false(wanted[1].found);
	assert_at(&w, FAKE_IMAGE + 5, "_stext", FAKE_IMAGE, 0x10);
	assert_false(kallsyms_find_address(&w.kallsyms, FAKE_IMAGE + 0x600, &s));
	end(&w);
}

static void damaged_tables_are_refused(void **state)
{
	static const struct {
		uint32_t count;
		uint16_t index_200, index_255;
		const char *says;
	} cases[] = {
		{0, 0, 0, "0 symbols"},
		{50000000, 0, 0, "50000000 symbols"},
		{0xffffffff, 0, 0, "4294967295 symbols"},
		{8, 3, 0, "kallsyms_token_index is damaged"},
		{8, 0, 0xffff, "kallsyms_token_index is damaged"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct fake_kallsyms fake;
		struct world w;

		fake_kallsyms_make(&fake, few, EY_ARRAY_SIZE(few), FAKE_IMAGE, true);
		fake.count = cases[i].count;
		if (cases[i].index_200)
			memcpy(fake.token_index.data + 400, &cases[i].index_200, 2);
		if (cases[i].index_255)
			memcpy(fake.token_index.data + 510, &cases[i].index_255, 2);
		open_fake(&w, &fake);
		assert_error(kallsyms_init(&w.kallsyms, &w.memory), EY_ERR_INPUT, cases[i].says);
		end(&w);
	}
}

static void what_vmcoreinfo_lacks_is_named(void **state)
{
	struct world w;

	fake_dump_init(&w.fake, 4);
	fake_dump_symbol(&w.fake, "kallsyms_names", FAKE_KALLSYMS);
	assert_ok(dump_open(&w.dump, fake_dump_elf_file(&w.fake)));
	assert_ok(memory_init(&w.memory, &w.dump));
	assert_error(kallsyms_init(&w.kallsyms, &w.memory), EY_ERR_INPUT, "kallsyms_num_syms");
	end(&w);
}

// Enough symbols for several marks; their names differ in length.
static const struct fake_symbol *many(size_t *count_ret)
{
	enum { COUNT = 3 * 256 + 40 };
	static struct fake_symbol symbols[COUNT];
	static char names[COUNT][40];

	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "Tschedule%.*s%d", i % 20,
			 "aaaaaaaaaaaaaaaaaaaaaaaa", i);
		symbols[i] = (struct fake_symbol){FAKE_IMAGE + (uint64_t)i * 16, names[i]};
	}
	*count_ret = COUNT;
	return symbols;
}

// Before 6.0 VMCOREINFO says nothing of kallsyms.
static void parts_are_found_by_their_form(void **state)
{
	const enum fake_kallsyms_order orders[] = {
		FAKE_KALLSYMS_BEFORE_6_4, FAKE_KALLSYMS_SINCE_6_4, FAKE_KALLSYMS_7,
		FAKE_KALLSYMS_BEFORE_4_6, FAKE_KALLSYMS_6_2,	   FAKE_KALLSYMS_7_2};
	const enum kallsyms_form plain[] = {KALLSYMS_RELATIVE,	     KALLSYMS_RELATIVE,
					    KALLSYMS_PLACE_RELATIVE, KALLSYMS_ADDRESSES,
					    KALLSYMS_RELATIVE,	     KALLSYMS_PLACE_RELATIVE};
	size_t all;
	const struct fake_symbol *symbols = many(&all);
	// One mark, an even and an odd number of them, and names that end at one.
	const size_t counts[] = {3, 300, 600, 512, all};

	for (size_t i = 0; i < EY_ARRAY_SIZE(orders) * EY_ARRAY_SIZE(counts) * 2; i++) {
		const size_t order = i % EY_ARRAY_SIZE(orders);
		const size_t count = counts[i / EY_ARRAY_SIZE(orders) % EY_ARRAY_SIZE(counts)];
		const bool percpu = i >= EY_ARRAY_SIZE(orders) * EY_ARRAY_SIZE(counts);
		struct fake_kallsyms fake;
		struct world w;

		// One marker says too little; no kernel has so few symbols.
		if (orders[order] == FAKE_KALLSYMS_6_2 && count <= 256)
			continue;
		fake_kallsyms_make(&fake, symbols, count, FAKE_IMAGE, percpu);
		fake_dump_init(&w.fake, 4);
		fake_dump_symbol(&w.fake, "_stext", FAKE_IMAGE);
		// Where it begins within a page does not matter.
		fake_kallsyms_put_image(&fake, symbols, &w.fake, FAKE_KALLSYMS + 0xf00 + 8 * i,
					orders[order]);
		assert_ok(dump_open(&w.dump, fake_dump_elf_file(&w.fake)));
		assert_ok(memory_init(&w.memory, &w.dump));
		assert_ok(kallsyms_init(&w.kallsyms, &w.memory));
		assert_int_equal(w.kallsyms.count, count);
		assert_int_equal(w.kallsyms.form, percpu && plain[order] == KALLSYMS_RELATIVE
							  ? KALLSYMS_ABSOLUTE_PERCPU
							  : plain[order]);
		kallsyms_resolve(&w.kallsyms, NULL, 0);
		for (size_t s = 0; s + 1 < count; s++)
			assert_at(&w, symbols[s].address + 3, symbols[s].name + 1,
				  symbols[s].address, 16);
		end(&w);
	}
}

static void what_only_looks_like_kallsyms_is_passed_over(void **state)
{
	uint16_t growing[4096];
	size_t count;
	const struct fake_symbol *symbols = many(&count);
	struct fake_kallsyms fake;
	struct world w;

	for (size_t i = 0; i < EY_ARRAY_SIZE(growing); i++)
		growing[i] = (uint16_t)(3 * (i % 1024));
	for (int there = 0; there < 2; there++) {
		fake_kallsyms_make(&fake, symbols, count, FAKE_IMAGE, true);
		fake_dump_init(&w.fake, 4);
		fake_dump_symbol(&w.fake, "_stext", FAKE_IMAGE);
		fake_dump_put(&w.fake, FAKE_IMAGE + 0x10010, growing, sizeof(growing));
		// A number that does not fit that of the markers.
		fake.count -= there ? 0 : 600;
		fake_kallsyms_put_image(&fake, symbols, &w.fake, FAKE_KALLSYMS,
					FAKE_KALLSYMS_BEFORE_6_4);
		assert_ok(dump_open(&w.dump, fake_dump_elf_file(&w.fake)));
		assert_ok(memory_init(&w.memory, &w.dump));
		if (there)
			assert_ok(kallsyms_init(&w.kallsyms, &w.memory));
		else
			assert_error(kallsyms_init(&w.kallsyms, &w.memory), EY_ERR_INPUT,
				     "was not found in the kernel's image");
		end(&w);
	}
}

// Since 7.x VMCOREINFO names no base, for there is none.
static void offsets_from_their_own_place_are_read(void **state)
{
	struct wanted_symbol wanted[] = {{.name = "init_task"}, {.name = "x"}};
	struct fake_kallsyms fake;
	struct world w;

	fake_kallsyms_make(&fake, few + 1, EY_ARRAY_SIZE(few) - 1, FAKE_IMAGE, false);
	for (uint32_t i = 0; i < fake.count; i++) {
		uint64_t place = fake_kallsyms_part("kallsyms_offsets") + i * UINT64_C(4);
		int32_t offset = (int32_t)(few[i + 1].address - place);

		memcpy(fake.offsets.data + i * UINT64_C(4), &offset, sizeof(offset));
	}
	fake.no_base = true;
	open_fake(&w, &fake);
	assert_ok(kallsyms_init(&w.kallsyms, &w.memory));
	assert_int_equal(w.kallsyms.form, KALLSYMS_PLACE_RELATIVE);
	kallsyms_resolve(&w.kallsyms, wanted, EY_ARRAY_SIZE(wanted));
	assert_int_equal(wanted[0].address, FAKE_IMAGE + 0x400);
	assert_int_equal(wanted[1].address, FAKE_IMAGE + 0x40);
	assert_at(&w, FAKE_IMAGE + 0x3f, "schedule", FAKE_IMAGE + 0x10, 0x30);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_are_found_by_name_and_address),
		cmocka_unit_test(long_names_are_read),
		cmocka_unit_test(names_across_the_marks_are_found),
		cmocka_unit_test(names_that_break_off_are_counted),
		cmocka_unit_test(damaged_tables_are_refused),
		cmocka_unit_test(what_vmcoreinfo_lacks_is_named),
		cmocka_unit_test(parts_are_found_by_their_form),
		cmocka_unit_test(what_only_looks_like_kallsyms_is_passed_over),
		cmocka_unit_test(offsets_from_their_own_place_are_read),
	};

	return cmocka_run_group_tests_name("kallsyms", tests, NULL, NULL);
}
