/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "store/policy.h"
#include "tree.h"

static const char document[] =
	"{\"schema\":\"eyrie/policy/"
	"1\",\"group_version\":\"g1\",\"default\":\"vmcore\",\"later\":1,"
	"\"reasons\":{\"g1:BUG:known\":{\"state\":\"known\",\"want\":\"dmesg\",\"have\":3},"
	"\"g1:WARNING:noise\":{\"want\":\"nothing\"},\"g1:BUG:odd\":{\"want\":\"tomorrow\"},"
	"\"g1:BUG:wait\":{\"want\":\"later\"},\"g1:BUG:bare\":{}}}";

static void decides_by_reason(void **state)
{
	_cleanup_store_policy_ struct store_policy p;

	assert_null(store_policy_read(document, strlen(document), &p));
	assert_int_equal(store_policy_decide(&p, "g1:BUG:known"), STORE_WANT_DMESG);
	assert_int_equal(store_policy_decide(&p, "g1:WARNING:noise"), STORE_WANT_NOTHING);
	// New, and everything that is not understood: the dump.
	assert_int_equal(store_policy_decide(&p, "g1:BUG:new"), STORE_WANT_VMCORE);
	assert_int_equal(store_policy_decide(&p, "g1:BUG:odd"), STORE_WANT_VMCORE);
	assert_int_equal(store_policy_decide(&p, "g1:BUG:wait"), STORE_WANT_VMCORE);
	assert_int_equal(store_policy_decide(&p, "g1:BUG:bare"), STORE_WANT_VMCORE);
	assert_int_equal(store_policy_decide(&p, NULL), STORE_WANT_VMCORE);
	assert_string_equal(store_want_name(STORE_WANT_DMESG), "dmesg");
}

static void other_group_version_dumps_everything(void **state)
{
	const char json[] =
		"{\"schema\":\"eyrie/policy/1\",\"group_version\":\"g2\","
		"\"default\":\"nothing\",\"reasons\":{\"g1:BUG:x\":{\"want\":\"nothing\"}}}";
	_cleanup_store_policy_ struct store_policy p;

	assert_null(store_policy_read(json, strlen(json), &p));
	assert_int_equal(store_policy_decide(&p, "g1:BUG:x"), STORE_WANT_VMCORE);
	assert_int_equal(store_policy_decide(&p, "g1:BUG:y"), STORE_WANT_VMCORE);
	assert_int_equal(store_policy_decide(&p, "g2"), STORE_WANT_VMCORE);
	assert_int_equal(store_policy_decide(&p, "g2:BUG:y"), STORE_WANT_NOTHING);
	assert_int_equal(store_policy_decide(&p, "g22:BUG:y"), STORE_WANT_VMCORE);
}

static void refuses_what_is_no_policy(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"schema\":\"eyrie/policy/2\",\"group_version\":\"g1\"}",
		"{\"schema\":\"eyrie/policy/1\"}",
		"{\"schema\":\"eyrie/policy/1\",\"group_version\":\"g1\",\"reasons\":[]}",
		"{\"schema\":\"eyrie/policy/1\",\"group_version\":\"g1\",\"reasons\":{\"a\":1}}",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[",
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct store_policy p;
		_cleanup_error_ struct ey_error *err =
			store_policy_read(cases[i], strlen(cases[i]), &p);

		assert_non_null(err);
		assert_int_equal(err->code, EY_ERR_INPUT);
		assert_int_equal(store_policy_decide(&p, "g1:BUG:known"), STORE_WANT_VMCORE);
	}
}

static void is_published_and_loaded(void **state)
{
	_cleanup_free_ char *dir = make_tree();
	_cleanup_free_ char *path = in_tree(dir, STORE_POLICY_FILE);
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_policy_ struct store_policy none = {0}, p = {0};

	assert_null(store_open(dir, 0, &store));
	assert_null(store_policy_load(store, &none));
	assert_int_equal(store_policy_decide(&none, "g1:BUG:known"), STORE_WANT_VMCORE);

	_cleanup_error_ struct ey_error *bad = store_policy_publish(store, "{}", 2);
	assert_non_null(bad);
	assert_int_equal(access(path, F_OK), -1);
	assert_null(store_policy_publish(store, document, strlen(document)));
	assert_null(store_policy_load(store, &p));
	assert_int_equal(store_policy_decide(&p, "g1:BUG:known"), STORE_WANT_DMESG);

	// A FIFO in its place neither blocks nor stops dumps.
	struct store_policy fifo;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	_cleanup_error_ struct ey_error *err = store_policy_load(store, &fifo);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "not a regular file"));
	assert_int_equal(store_policy_decide(&fifo, "g1:BUG:known"), STORE_WANT_VMCORE);
	remove_tree(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_by_reason),
		cmocka_unit_test(other_group_version_dumps_everything),
		cmocka_unit_test(refuses_what_is_no_policy),
		cmocka_unit_test(is_published_and_loaded),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
