/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "report/chart.h"
#include "report/data.h"

static void months(void **state)
{
	struct report_month m;
	char text[REPORT_MONTH_TEXT_SIZE];

	assert_true(report_month_parse("2026-11", &m));
	assert_string_equal(report_month_format(m, text), "2026-11");
	assert_int_equal(report_month_begin(m), 1793491200);
	assert_string_equal(report_month_format(report_month_add(m, 2), text), "2027-01");
	assert_string_equal(report_month_format(report_month_add(m, -11), text), "2025-12");
	assert_string_equal(report_month_format(report_month_of(1793491199), text), "2026-10");
	assert_string_equal(report_month_format(report_month_of(1793491200), text), "2026-11");
	// February of a leap year.
	assert_true(report_month_parse("2028-02", &m));
	assert_int_equal(report_month_begin(report_month_add(m, 1)) - report_month_begin(m),
			 29 * 86400);
	static const char *const bad[] = {"",	     "2026",	"2026-1",  "2026-13",
					  "2026-00", "2026/11", "26-11",   "2026-11 ",
					  "1969-12", "-026-11", "2026-1a", "2026-110"};
	for (size_t i = 0; i < EY_ARRAY_SIZE(bad); i++)
		assert_false(report_month_parse(bad[i], &m));
	assert_string_equal(report_month_format(report_month_of(INT64_MIN), text), "1970-01");
}

static void steps_of_an_axis(void **state)
{
	static const int64_t want[][2] = {{0, 1},  {1, 1},  {5, 1},	{6, 2},	     {10, 2},
					  {11, 2}, {26, 5}, {999, 200}, {1200, 500}, {5000, 1000}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(want); i++)
		assert_int_equal(chart_step(want[i][0]), want[i][1]);
	for (int64_t max = 1; max < 100000; max += 7) {
		int64_t lines = (max + chart_step(max) - 1) / chart_step(max);

		assert_in_range(lines, 1, 6);
	}
	assert_true(chart_step(INT64_MAX) > INT64_MAX / 1000);
}

static void numbers(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	static const int64_t values[] = {0, 999, 1000, 1234567, -4321};

	for (size_t i = 0; i < EY_ARRAY_SIZE(values); i++) {
		report_add_number(&buf, values[i]);
		ey_buf_addc(&buf, ' ');
	}
	report_add_count(&buf, 1, "crash", "crashes");
	ey_buf_addc(&buf, ' ');
	report_add_count(&buf, 2, "crash", "crashes");
	assert_string_equal(ey_buf_str(&buf), "0 999 1,000 1,234,567 -4,321 1 crash 2 crashes");
	ey_buf_clear(&buf);
	static const int64_t durations[] = {0, 59, 60, 3600, 5400, 86399, 172800, 273600, 8640000};
	for (size_t i = 0; i < EY_ARRAY_SIZE(durations); i++) {
		report_add_duration(&buf, durations[i]);
		ey_buf_addc(&buf, '|');
	}
	assert_string_equal(ey_buf_str(&buf),
			    "0 s|59 s|1 min|1 h|1 h 30 min|23 h 59 min|2 d|3 d 4 h|100 d|");
}

static void columns_add_up(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	static const int64_t known[] = {3, 0, 1}, fresh[] = {1, 0, 0};
	static const char *const labels[] = {"1", "2", "<3>"};
	struct chart c = {
		.id = "x",
		.title = "A & B",
		.description = "d",
		.unit = "crashes",
		.unit_one = "crash",
		.labels = labels,
		.count = 3,
		.series = (struct chart_series[]){{"known", "known", known}, {"new", "new", fresh}},
		.series_count = 2,
		.unknown_from = 3,
	};

	chart_columns(&buf, &c);
	// 4 of 4 fill the height (178 units below y 16), 1 is a quarter of it.
	assert_non_null(strstr(buf.data, "<title>1: 4 crashes (3 known, 1 new)</title>"));
	assert_non_null(strstr(buf.data, "<rect class=\"new\" x=\"128.7\" y=\"16.0\""));
	assert_non_null(strstr(buf.data, "width=\"56.0\" height=\"44.5\"/>"));
	assert_non_null(strstr(buf.data, "height=\"133.5\"/>"));
	assert_non_null(strstr(buf.data, "<title id=\"x-title\">A &amp; B</title>"));
	assert_non_null(strstr(buf.data, "&lt;3&gt;: 1 crash (1 known"));
	assert_null(strstr(buf.data, "<title>2: 0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(months),
		cmocka_unit_test(steps_of_an_axis),
		cmocka_unit_test(numbers),
		cmocka_unit_test(columns_add_up),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
