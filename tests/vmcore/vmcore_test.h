/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the tests of this room have in common. */
#ifndef EYRIE_TESTS_VMCORE_TEST_H
#define EYRIE_TESTS_VMCORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

/** The call succeeds; where it does not, its message says why. */
#define assert_ok(expr)                                           \
	do {                                                      \
		_cleanup_error_ struct ey_error *_err = (expr);   \
		if (_err)                                         \
			fail_msg("%s: %s", #expr, _err->message); \
	} while (0)

/** The call fails with this code and a message that has @p text in it. */
#define assert_error(expr, expected_code, text)                                                 \
	do {                                                                                    \
		_cleanup_error_ struct ey_error *_err = (expr);                                 \
		assert_non_null(_err);                                                          \
		if (_err->code != (expected_code) || !strstr(_err->message, (text)))            \
			fail_msg("%s: code %d, \"%s\"", #expr, (int)_err->code, _err->message); \
	} while (0)

#endif
