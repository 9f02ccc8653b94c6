/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Errors as objects: a function that can fail returns `struct ey_error *`, NULL for success.
 * The code says what kind of failure it is (and so the exit code of the program), the message
 * is one sentence for a person: what, where, and if possible what to do.
 */
#ifndef EYRIE_BASE_ERROR_H
#define EYRIE_BASE_ERROR_H

#include <stdarg.h>

enum ey_error_code {
	/** Wrong words on the command line or in the configuration. */
	EY_ERR_USAGE,
	/** The input is not what it should be: broken, truncated, of the wrong kind. */
	EY_ERR_INPUT,
	/** Something could not be read, written or reached; trying again may help. */
	EY_ERR_IO,
	/** What was looked up does not exist. */
	EY_ERR_NOT_FOUND,
	/** An address is not in the dump (excluded, missing or never mapped). */
	EY_ERR_FAULT,
	/** Out of memory. */
	EY_ERR_NOMEM,
	/** Whoever asks may not do that. */
	EY_ERR_DENIED,
};

struct ey_error {
	enum ey_error_code code;
	/** Never NULL; a line without a full stop; what it quotes has blanks for control bytes. */
	char *message;
};

#define EY_MUST_CHECK __attribute__((warn_unused_result))

/** Make an error. Never returns NULL: when memory is out, the static ey_error_nomem. */
struct ey_error *ey_error_create(enum ey_error_code code, const char *format, ...) EY_MUST_CHECK
	__attribute__((format(printf, 2, 3), returns_nonnull));

/** The same with ": " and strerror(@p errnum) after the message. */
struct ey_error *ey_error_errno(enum ey_error_code code, int errnum, const char *format,
				...) EY_MUST_CHECK
	__attribute__((format(printf, 3, 4), returns_nonnull));

/** Put "text: " before the message of @p err (which is consumed); returns the new error. */
struct ey_error *ey_error_prefix(struct ey_error *err, const char *format, ...) EY_MUST_CHECK
	__attribute__((format(printf, 2, 3)));

/** The out-of-memory error: needs no memory, need not be freed (but may be). */
extern struct ey_error ey_error_nomem;

void ey_error_destroy(struct ey_error *err);

#if defined(__clang_analyzer__) && !defined(EY_ERROR_DEFINITIONS)
// clang's analyzer heeds no returns_nonnull, and so takes "failed" for "may have succeeded".
static inline struct ey_error *ey_error_not_null(struct ey_error *err)
{
	if (!err)
		__builtin_unreachable();
	return err;
}
#define ey_error_create(...) ey_error_not_null(ey_error_create(__VA_ARGS__))
#define ey_error_errno(...)  ey_error_not_null(ey_error_errno(__VA_ARGS__))
#endif

static inline void ey_error_destroyp(struct ey_error **err)
{
	ey_error_destroy(*err);
}
#define _cleanup_error_ __attribute__((cleanup(ey_error_destroyp)))

/** The documented exit code: 0 for NULL, 1 usage, 2 bad input, 3 could not reach or write. */
int ey_error_exit_code(const struct ey_error *err);

#endif
