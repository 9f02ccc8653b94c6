/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF: types one after the other, each known by its number, counted from 1; names stand in a
 * section of strings. A struct's members say their type and where they are, in bits.
 */
#include "vmcore_test.h"

#include <string.h>

#include "fake_tables.h"
#include "vmcore/btf.h"

struct world {
	struct fake_dump fake;
	struct dump dump;
	struct memory memory;
	struct btf btf;
	uint64_t start, stop;
};

#define BTF_AT (FAKE_IMAGE + 0x10010)

static void open_bytes(struct world *w, const void *data, size_t len)
{
	fake_dump_init(&w->fake, 4);
	fake_dump_put(&w->fake, BTF_AT, data, len);
	assert_ok(dump_open(&w->dump, fake_dump_elf_file(&w->fake)));
	assert_ok(memory_init(&w->memory, &w->dump));
	w->start = BTF_AT;
	w->stop = BTF_AT + len;
}

static void open_btf(struct world *w, struct fake_btf *b)
{
	_cleanup_buf_ struct ey_buf bytes = EY_BUF_INIT;

	fake_btf_finish(b, &bytes);
	open_bytes(w, bytes.data, bytes.len);
	assert_ok(btf_init(&w->btf, &w->memory, w->start, w->stop));
}

static void end(struct world *w)
{
	btf_deinit(&w->btf);
	dump_close(&w->dump);
	fake_dump_deinit(&w->fake);
}

static void assert_member(struct world *w, const char *type, const char *path, uint32_t bit_offset,
			  uint32_t bit_size, uint32_t size)
{
	struct btf_member m;

	if (!btf_member(&w->btf, type, path, &m))
		fail_msg("no %s.%s", type, path);
	assert_int_equal(m.bit_offset, bit_offset);
	assert_int_equal(m.bit_size, bit_size);
	assert_int_equal(m.size, size);
}

static void members_are_found_by_path(void **state)
{
	struct btf_member m;
	struct world w;
	struct fake_btf b;

	fake_btf_init(&b);
	uint32_t number = fake_btf_int(&b, "int", 4);
	uint32_t pointer = fake_btf_type(&b, BTF_PTR, NULL, 0, number);
	const struct fake_member list[] = {{"next", pointer, 0, 0}, {"prev", pointer, 64, 0}};
	uint32_t list_head = fake_btf_struct(&b, BTF_STRUCT, "list_head", 16, list, 2);
	uint32_t array = fake_btf_array(&b, list_head, 3);
	uint32_t name = fake_btf_array(&b, fake_btf_int(&b, "char", 1), 16);
	const struct fake_member task[] = {{"pid", number, 0, 0},
					   {"tasks", list_head, 64, 0},
					   {"lists", array, 192, 0},
					   {"comm", name, 576, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "task_struct", 88, task, 4);
	open_btf(&w, &b);
	assert_member(&w, "task_struct", "pid", 0, 0, 4);
	assert_member(&w, "task_struct", "tasks", 64, 0, 16);
	assert_member(&w, "task_struct", "tasks.prev", 128, 0, 8);
	assert_member(&w, "task_struct", "lists", 192, 0, 48);
	assert_member(&w, "task_struct", "comm", 576, 0, 16);
	assert_true(btf_member(&w.btf, "task_struct", "lists", &m));
	assert_int_equal(m.count, 3);
	assert_false(btf_member(&w.btf, "task_struct", "pi", &m));
	assert_false(btf_member(&w.btf, "task_struct", "pidx", &m));
	assert_false(btf_member(&w.btf, "task_struct", "", &m));
	assert_false(btf_member(&w.btf, "task_struct", "pid.x", &m));
	assert_false(btf_member(&w.btf, "task_struct", "lists.next", &m)); // an array has none
	assert_false(btf_member(&w.btf, "task", "pid", &m));
	uint32_t size;
	assert_true(btf_sizeof(&w.btf, "list_head", &size));
	assert_int_equal(size, 16);
	assert_false(btf_sizeof(&w.btf, "int", &size)); // neither struct nor union
	end(&w);
}

static void anonymous_members_are_looked_into(void **state)
{
	struct world w;
	struct fake_btf b;

	fake_btf_init(&b);
	uint32_t number = fake_btf_int(&b, "int", 4);
	const struct fake_member pair[] = {{"a", number, 0, 0}, {"b", number, 32, 0}};
	uint32_t inner = fake_btf_struct(&b, BTF_STRUCT, NULL, 8, pair, 2);
	const struct fake_member either[] = {{"whole", number, 0, 0}, {NULL, inner, 0, 0}};
	uint32_t choice = fake_btf_struct(&b, BTF_UNION, NULL, 8, either, 2);
	const struct fake_member outer[] = {{"first", number, 0, 0}, {NULL, choice, 64, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "outer", 16, outer, 2);
	open_btf(&w, &b);
	assert_member(&w, "outer", "whole", 64, 0, 4);
	assert_member(&w, "outer", "b", 96, 0, 4);
	end(&w);
}

static void bit_fields_have_a_size_in_bits(void **state)
{
	struct world w;
	struct fake_btf b;

	fake_btf_init(&b);
	uint32_t number = fake_btf_int(&b, "int", 4);
	const struct fake_member inner[] = {{"x", number, 3, 5}};
	uint32_t nested = fake_btf_struct(&b, BTF_STRUCT, NULL, 4, inner, 1);
	const struct fake_member orc[] = {{"sp_reg", number, 32, 4},
					  {"type", number, 40, 2},
					  {"whole", number, 64, 0},
					  {NULL, nested, 96, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "orc_entry", 16, orc, 4);
	open_btf(&w, &b);
	assert_member(&w, "orc_entry", "sp_reg", 32, 4, 4);
	assert_member(&w, "orc_entry", "type", 40, 2, 4);
	assert_member(&w, "orc_entry", "whole", 64, 0, 4);
	assert_member(&w, "orc_entry", "x", 99, 5, 4);
	end(&w);
}

static void typedefs_and_qualifiers_are_followed(void **state)
{
	struct world w;
	struct fake_btf b;

	fake_btf_init(&b);
	uint32_t number = fake_btf_int(&b, "long", 8);
	uint32_t tag = fake_btf_type(&b, BTF_TYPE_TAG, "rcu", 0, number);
	uint32_t alias = fake_btf_type(&b, BTF_TYPEDEF, "u64", 0, tag);
	uint32_t fixed = fake_btf_type(&b, BTF_CONST, NULL, 0, alias);
	uint32_t unsteady = fake_btf_type(&b, BTF_VOLATILE, NULL, 0, fixed);
	const struct fake_member members[] = {{"x", unsteady, 0, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "s", 8, members, 1);
	open_btf(&w, &b);
	assert_member(&w, "s", "x", 0, 0, 8);
	end(&w);
}

static void struct_is_told_from_others_of_its_name(void **state)
{
	struct world w;
	struct fake_btf b;
	int64_t value;

	fake_btf_init(&b);
	const struct fake_enumerator values[] = {{"ONE", 1}};
	fake_btf_enum(&b, BTF_ENUM, "same", values, 1);
	fake_btf_type(&b, BTF_FWD, "same", 0, 0);
	uint32_t number = fake_btf_int(&b, "same", 4);
	const struct fake_member members[] = {{"x", number, 64, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "same", 16, members, 1);
	open_btf(&w, &b);
	assert_member(&w, "same", "x", 64, 0, 4);
	assert_true(btf_enum(&w.btf, "same", "ONE", &value));
	end(&w);
}

static void enumerators_of_both_widths(void **state)
{
	const struct fake_enumerator values[] = {
		{"MINUS", -1}, {"FIVE", 5}, {"FIV", 6}, {"WIDE", 0x123456789}};
	struct world w;
	struct fake_btf b;
	int64_t v;

	fake_btf_init(&b);
	fake_btf_enum(&b, BTF_ENUM, "narrow", values, 3);
	fake_btf_enum(&b, BTF_ENUM64, "wide", values, 4);
	open_btf(&w, &b);
	assert_true(btf_enum(&w.btf, "narrow", "MINUS", &v));
	assert_int_equal(v, -1);
	assert_true(btf_enum(&w.btf, "narrow", "FIV", &v));
	assert_int_equal(v, 6);
	assert_true(btf_enum(&w.btf, "wide", "WIDE", &v));
	assert_int_equal(v, 0x123456789);
	assert_true(btf_enum(&w.btf, "wide", "MINUS", &v));
	assert_int_equal(v, -1);
	assert_false(btf_enum(&w.btf, "narrow", "WIDE", &v));
	assert_false(btf_enum(&w.btf, "none", "FIVE", &v));
	end(&w);
}

static void circles_end(void **state)
{
	struct btf_member m;
	struct world w;
	struct fake_btf b;

	fake_btf_init(&b);
	fake_btf_type(&b, BTF_TYPEDEF, "a", 0, 2);
	fake_btf_type(&b, BTF_TYPEDEF, "b", 0, 1);
	const struct fake_member by_typedef[] = {{"x", 1, 0, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "s", 8, by_typedef, 1);
	const struct fake_member itself[] = {{NULL, 4, 8, 0}, {"y", 4, 0, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "t", 8, itself, 2);
	uint32_t array = fake_btf_array(&b, 5, 2); // of itself
	const struct fake_member arrays[] = {{"z", array, 0, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "u", 8, arrays, 1);
	open_btf(&w, &b);
	assert_false(btf_member(&w.btf, "s", "x", &m));
	assert_false(btf_member(&w.btf, "t", "no", &m));
	assert_true(btf_member(&w.btf, "u", "z", &m));
	assert_int_equal(m.size, 0);
	end(&w);
}

// Structs of many anonymous members, each of which has many: without a bound the search would go on
// for longer than the machine will stand.
static void wide_nesting_ends(void **state)
{
	enum { LEVELS = 12, WIDTH = 200 };
	struct fake_member members[WIDTH];
	struct btf_member m;
	struct world w;
	struct fake_btf b;

	fake_btf_init(&b);
	uint32_t below = fake_btf_int(&b, "int", 4);
	for (int level = 0; level < LEVELS; level++) {
		for (size_t i = 0; i < WIDTH; i++)
			members[i] = (struct fake_member){NULL, below, 0, 0};
		below = fake_btf_struct(&b, BTF_STRUCT, level + 1 < LEVELS ? NULL : "top", 4,
					members, WIDTH);
	}
	open_btf(&w, &b);
	assert_false(btf_member(&w.btf, "top", "no", &m));
	end(&w);
}

static void section_that_is_cut_gives_what_is_there(void **state)
{
	_cleanup_buf_ struct ey_buf bytes = EY_BUF_INIT;
	struct btf_member m;
	struct world w;
	struct fake_btf b;

	fake_btf_init(&b);
	uint32_t number = fake_btf_int(&b, "int", 4);
	const struct fake_member members[] = {{"x", number, 0, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "early", 4, members, 1);
	for (int i = 0; i < 1000; i++) // some pages of types
		fake_btf_struct(&b, BTF_STRUCT, "filler", 4, members, 1);
	fake_btf_struct(&b, BTF_STRUCT, "late", 4, members, 1);
	fake_btf_finish(&b, &bytes);

	// A kind that is not known: what follows cannot be told apart.
	bytes.data[24 + 16 + 24 + 500 * 24 + 7] = 31;
	open_bytes(&w, bytes.data, bytes.len);
	assert_ok(btf_init(&w.btf, &w.memory, w.start, w.stop));
	assert_true(btf_member(&w.btf, "early", "x", &m));
	assert_false(btf_member(&w.btf, "late", "x", &m));
	end(&w);
}

static void damaged_headers_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} cases[] = {
		{0, 0x01000000},  // magic
		{4, 8},		  // header's length
		{4, 0xfffffff0},  // far beyond
		{4, 25},	  // types that are not aligned
		{8, 0xfffffff0},  // offset of the types
		{8, 2},		  // not aligned
		{12, 0xfffffff0}, // their length
		{16, 0xfffffff0}, // offset of the strings
		{20, 0xfffffff0}, // their length
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ey_buf bytes = EY_BUF_INIT;
		struct fake_btf b;
		struct world w;

		fake_btf_init(&b);
		fake_btf_int(&b, "int", 4);
		fake_btf_finish(&b, &bytes);
		memcpy(bytes.data + cases[i].at, &cases[i].value, 4);
		open_bytes(&w, bytes.data, bytes.len);
		assert_error(btf_init(&w.btf, &w.memory, w.start, w.stop), EY_ERR_INPUT, "damaged");
		end(&w);
	}
	struct world w;
	open_bytes(&w, "x", 1);
	assert_error(btf_init(&w.btf, &w.memory, BTF_AT, BTF_AT), EY_ERR_INPUT, "no BTF");
	btf_deinit(&w.btf);
	assert_error(btf_init(&w.btf, &w.memory, BTF_AT + 0x100000, BTF_AT + 0x200000),
		     EY_ERR_FAULT, "not in the dump");
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_by_path),
		cmocka_unit_test(anonymous_members_are_looked_into),
		cmocka_unit_test(bit_fields_have_a_size_in_bits),
		cmocka_unit_test(typedefs_and_qualifiers_are_followed),
		cmocka_unit_test(struct_is_told_from_others_of_its_name),
		cmocka_unit_test(enumerators_of_both_widths),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(wide_nesting_ends),
		cmocka_unit_test(section_that_is_cut_gives_what_is_there),
		cmocka_unit_test(damaged_headers_are_refused),
	};

	return cmocka_run_group_tests_name("btf", tests, NULL, NULL);
}
