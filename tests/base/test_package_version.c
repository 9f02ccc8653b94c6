/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/package_version.h"

static void orders(void **state)
{
	static const struct {
		enum ey_package_format format;
		const char *a, *b;
		int order;
	} cases[] = {
		{EY_PACKAGE_DPKG, "6.1.147-1", "6.1.147-1", 0},
		{EY_PACKAGE_DPKG, "6.1.99-1", "6.1.147-1", -1},
		{EY_PACKAGE_DPKG, "6.1.147-1~bpo11+1", "6.1.147-1", -1},
		{EY_PACKAGE_DPKG, "6.1~rc8-1", "6.1-1", -1},
		{EY_PACKAGE_DPKG, "1:1.0", "2.0", 1},
		{EY_PACKAGE_DPKG, "0:1.0", "1.0-0", 0},
		{EY_PACKAGE_DPKG, "5.15.0-139.149", "5.15.0-139.149~20.04.1", 1},
		{EY_PACKAGE_RPM, "5.14.0-427.13.1.el9_4", "5.14.0-427.9.1.el9_4", 1},
		{EY_PACKAGE_RPM, "5.14.0-427.el9", "5.14.0-427.13.1.el9_4", -1},
		{EY_PACKAGE_RPM, "1.0~rc1-1", "1.0-1", -1},
		{EY_PACKAGE_RPM, "1.0^git1-1", "1.0-1", 1},
		{EY_PACKAGE_RPM, "1.0^git1-1", "1.0.1-1", -1},
		{EY_PACKAGE_RPM, "1.0", "1.0-1", -1},
		{EY_PACKAGE_RPM, "2:1.0-1", "3.0-1", 1},
		// Longer than any number type.
		{EY_PACKAGE_DPKG, "99999999999999999999999", "100000000000000000000000", -1},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		int order = ey_package_version_compare(cases[i].format, cases[i].a, cases[i].b);

		if (order != cases[i].order)
			fail_msg("%s %s: %d", cases[i].a, cases[i].b, order);
		assert_int_equal(
			ey_package_version_compare(cases[i].format, cases[i].b, cases[i].a),
			-cases[i].order);
	}
}

static void kernels(void **state)
{
	static const struct {
		const char *release, *version, *package;
		enum ey_package_format format;
	} cases[] = {
		{"6.1.0-56-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.147-1 (2025-08-02)",
		 "6.1.147-1", EY_PACKAGE_DPKG},
		{"5.15.0-139-generic", "#149~20.04.1-Ubuntu SMP Wed Apr 16 08:29:56 UTC 2025",
		 "5.15.0-139.149~20.04.1", EY_PACKAGE_DPKG},
		{"5.14.0-427.13.1.el9_4.x86_64", "#1 SMP PREEMPT_DYNAMIC", "5.14.0-427.13.1.el9_4",
		 EY_PACKAGE_RPM},
		{"6.8.5-301.fc40.x86_64+debug", NULL, "6.8.5-301.fc40", EY_PACKAGE_RPM},
		{"5.14.21-150500.55.7-default", "#1 SMP PREEMPT_DYNAMIC", NULL, 0},
		{"6.9.0", "#1 SMP", NULL, 0},
		{"6.9.0.elegant", "# Debian x", NULL, 0},
		{"", "-Ubuntu", NULL, 0},
		{NULL, NULL, NULL, 0},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		enum ey_package_format format;
		_cleanup_free_ char *package =
			ey_package_version_of_kernel(cases[i].release, cases[i].version, &format);

		if (!cases[i].package) {
			assert_null(package);
			continue;
		}
		assert_non_null(package);
		assert_string_equal(package, cases[i].package);
		assert_int_equal(format, cases[i].format);
	}
}

static void names(void **state)
{
	enum ey_package_format format;

	assert_true(ey_package_format_parse("rpm", &format));
	assert_string_equal(ey_package_format_name(format), "rpm");
	assert_false(ey_package_format_parse("pacman", &format));
	assert_false(ey_package_format_parse(NULL, &format));
}

/* With words on the command line: compare pairs of lines, "FORMAT A B", for package_order.py. */
static int answer_pairs(void)
{
	char format_name[8], a[256], b[256];
	enum ey_package_format format;

	while (scanf("%7s %255s %255s", format_name, a, b) == 3) {
		if (!ey_package_format_parse(format_name, &format))
			return 1;
		printf("%d\n", ey_package_version_compare(format, a, b));
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
		cmocka_unit_test(kernels),
		cmocka_unit_test(names),
	};

	if (argc > 1)
		return answer_pairs();
	return cmocka_run_group_tests_name("package_version", tests, NULL, NULL);
}
