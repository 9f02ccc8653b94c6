/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted of a crash: the decision by a table, and the words that say it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ingest/policy.h"

static void decisions(void **state)
{
	static const struct {
		const char *what;
		struct policy_case c;
		enum policy_want want;
	} cases[] = {
		{"the first of all", {.has_dump = true, .has_room = true}, POLICY_WANT_VMCORE},
		{"no dump there", {.has_room = true}, POLICY_WANT_DMESG},
		{"one less than enough",
		 {.has_dump = true, .has_room = true, .dumps = 2, .reason_dumps = 9, .crashes = 3},
		 POLICY_WANT_VMCORE},
		{"enough",
		 {.has_dump = true, .has_room = true, .dumps = 3, .crashes = 4},
		 POLICY_WANT_DMESG},
		{"each tenth",
		 {.has_dump = true, .has_room = true, .dumps = 3, .crashes = 20},
		 POLICY_WANT_VMCORE},
		{"after each tenth",
		 {.has_dump = true, .has_room = true, .dumps = 3, .crashes = 21},
		 POLICY_WANT_DMESG},
		{"no room", {.has_dump = true}, POLICY_WANT_LATER},
		{"no room, and not wanted",
		 {.has_dump = true, .dumps = 3, .crashes = 4},
		 POLICY_WANT_DMESG},
		{"all slots taken",
		 {.has_dump = true, .has_room = true, .slots_taken = 8},
		 POLICY_WANT_LATER},
		{"the last slot, a new reason",
		 {.has_dump = true, .has_room = true, .slots_taken = 7},
		 POLICY_WANT_VMCORE},
		{"the last slot but two, a known reason",
		 {.has_dump = true,
		  .has_room = true,
		  .slots_taken = 6,
		  .reason_dumps = 1,
		  .dumps = 1},
		 POLICY_WANT_LATER},
		{"before those kept for new ones",
		 {.has_dump = true,
		  .has_room = true,
		  .slots_taken = 5,
		  .reason_dumps = 1,
		  .dumps = 1},
		 POLICY_WANT_VMCORE},
		{"promised before",
		 {.has_dump = true,
		  .has_room = true,
		  .promised = true,
		  .slots_taken = 9,
		  .dumps = 9},
		 POLICY_WANT_VMCORE},
		{"promised, and now no room",
		 {.has_dump = true, .promised = true},
		 POLICY_WANT_LATER},
		{"without an event",
		 {.has_dump = true,
		  .has_room = true,
		  .no_event = true,
		  .dumps = 99,
		  .crashes = 101},
		 POLICY_WANT_VMCORE},
		{"came back after its fix",
		 {.state = DB_REASON_RESOLVED,
		  .has_dump = true,
		  .has_room = true,
		  .dumps = 99,
		  .crashes = 101},
		 POLICY_WANT_VMCORE},
		{"hardware",
		 {.state = DB_REASON_HARDWARE, .has_dump = true, .has_room = true, .crashes = 1},
		 POLICY_WANT_DMESG},
		{"given up",
		 {.state = DB_REASON_WONT_FIX, .has_dump = true, .has_room = true, .crashes = 1},
		 POLICY_WANT_NOTHING},
		{"given up, without a dump",
		 {.state = DB_REASON_WONT_FIX, .crashes = 1},
		 POLICY_WANT_NOTHING},
	};
	struct policy_rules rules;

	policy_rules_default(&rules, 3);
	rules.states[DB_REASON_NEW].each = 10;
	rules.states[DB_REASON_WONT_FIX].otherwise = POLICY_WANT_NOTHING;
	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		enum policy_want want = policy_decide(&rules, &cases[i].c);

		if (want != cases[i].want)
			fail_msg("%s: %s, not %s", cases[i].what, policy_want_name(want),
				 policy_want_name(cases[i].want));
	}
	// A single slot is for everybody.
	rules.slots = 1;
	assert_int_equal(policy_decide(&rules, &(struct policy_case){.has_dump = true,
								     .has_room = true,
								     .reason_dumps = 1,
								     .dumps = 1}),
			 POLICY_WANT_VMCORE);
}

static void words(void **state)
{
	static const struct {
		const char *text;
		struct policy_rule rule;
	} good[] = {
		{"all", {.all = true}},
		{"nothing", {.otherwise = POLICY_WANT_NOTHING}},
		{"dmesg", {.otherwise = POLICY_WANT_DMESG}},
		{"first 3", {.first = 3, .otherwise = POLICY_WANT_DMESG}},
		{" each 7 ,first  0, else nothing", {.each = 7, .otherwise = POLICY_WANT_NOTHING}},
	};
	static const char *const bad[] = {"",	      "most",		"first",
					  "first -1", "first 3 x",	"each 1e9",
					  "else all", "first 3 each 4", "first 99999999"};

	for (size_t i = 0; i < EY_ARRAY_SIZE(good) + EY_ARRAY_SIZE(bad); i++) {
		bool is_good = i < EY_ARRAY_SIZE(good);
		struct ey_config config = {0};
		struct policy_rules rules;

		assert_null(ey_config_set(&config, "policy", "new",
					  is_good ? good[i].text : bad[i - EY_ARRAY_SIZE(good)],
					  "test"));
		struct ey_error *err = policy_rules_load(&rules, &config);
		if (is_good) {
			const struct policy_rule *r = &rules.states[DB_REASON_NEW];

			assert_null(err);
			assert_int_equal(r->all, good[i].rule.all);
			assert_int_equal(r->first, good[i].rule.first);
			assert_int_equal(r->each, good[i].rule.each);
			assert_int_equal(r->otherwise, good[i].rule.all ? POLICY_WANT_DMESG
									: good[i].rule.otherwise);
		} else {
			if (!err)
				fail_msg("\"%s\" was taken", bad[i - EY_ARRAY_SIZE(good)]);
			assert_int_equal(err->code, EY_ERR_USAGE);
			ey_error_destroy(err);
		}
		ey_config_deinit(&config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
