/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pass that ends its process, by a fault or by never ending, costs no more than the passes: all
 * else of the analysis is there, and a gap says why they are not. The linker puts
 * __wrap_passes_run() in the place of passes_run().
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "analysis/analysis.h"
#include "analysis/passes.h"

static const char *sample;

static enum { FAULT, ENDLESS } kind;

void __wrap_passes_run(struct facts *f, const char *with);
void __wrap_passes_run(struct facts *f, const char *with)
{
	const struct rlimit second = {1, 1};

	if (kind == ENDLESS) {
		setrlimit(RLIMIT_CPU, &second);
		for (volatile unsigned int i = 0;; i++)
			;
	}
	raise(SIGSEGV);
}

static void assert_whole_without_passes(const char *why)
{
	const struct analysis_options options = {0};
	struct analysis_result result;
	struct ey_error *err = analysis_run(sample, &options, &result);

	if (err)
		fail_msg("%s", err->message);
	assert_non_null(strstr(result.record, "\"signature\": \"lkdtm_BUG+0x5\""));
	assert_non_null(strstr(result.record, "\"tasks\": ["));
	const char *gap = strstr(result.record, "\"what\": \"passes\"");
	if (!gap || !strstr(gap, why))
		fail_msg("no gap that says '%s': %.400s", why, gap ? gap : "none");
	assert_null(strstr(result.text, "---- runq:"));
	analysis_result_deinit(&result);
}

static void pass_that_faults_is_left_out(void **state)
{
	kind = FAULT;
	assert_whole_without_passes("signal");
}

static void pass_that_never_ends_is_left_out(void **state)
{
	kind = ENDLESS;
	assert_whole_without_passes("stopped");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pass_that_faults_is_left_out),
		cmocka_unit_test(pass_that_never_ends_is_left_out),
	};

	if (argc != 2)
		return 1;
	sample = argv[1];
	return cmocka_run_group_tests_name("dying pass", tests, NULL, NULL);
}
