/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Which function a report blames, and the group key made of it (docs/signatures.md). */
#ifndef EYRIE_OOPS_KEYS_H
#define EYRIE_OOPS_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "oops/report.h"

/** The version that group keys begin with. */
#define OOPS_GROUP_VERSION "g1"

/** A function that is passed over when the guilty one is looked for, and why. */
struct oops_pass {
	/** "name" exactly, "name*" for a beginning, "*part*" anywhere. */
	const char *pattern;
	size_t len;
	/** Bits of enum oops_pass_for: for which kinds of reports. */
	unsigned int where;
	const char *why;
};

enum oops_pass_for {
	/** Any report. */
	PASS_ANY = 1,
	/** Hung tasks: the ways of going to sleep. */
	PASS_HANG = 2,
	/** Stalls and lockups: the detector itself, on the stuck CPU's stack. */
	PASS_STALL = 4,
	/** Lock reports: the lock functions themselves. */
	PASS_LOCK = 8,
	/** Warnings and faults, where the caller of a helper is to blame. */
	PASS_CALLER = 16,
	/** Dispatchers: in stalls, the function that one of these called is blamed. */
	PASS_DISPATCH = 32,
	/** Leaks and bad pages: whoever allocates for another. */
	PASS_ALLOC = 64,
};

/** The entry that passes over @p function for @p where, or NULL. */
const struct oops_pass *oops_pass_find(const char *function, unsigned int where);

/**
 * The name without what the compiler and objtool add: ".isra.0", ".constprop.0", ".part.0",
 * ".cold", ".llvm.123", "__pfx_"; Rust's and plain C++ names as in their source. @p buf has
 * @p size bytes.
 */
const char *oops_plain_name(const char *name, char *buf, size_t size);
/**
 * The source's name of a Rust function, without hashes and the arguments of generics, of the
 * @p len bytes of @p name ("_RNv..."): "<rust_binder::process::Process>::update_ref". False where
 * it is no such name, or not within @p size bytes; @p buf is undefined then.
 */
bool oops_rust_name(const char *name, size_t len, char *buf, size_t size);
/** The same, and functions that wait for the same under several names under the one. */
const char *oops_guilty_name(const char *name, char *buf, size_t size);
/** The same again, and system call wrappers under the call's one name: "sys_openat". */
const char *oops_group_name(const char *name, char *buf, size_t size);

/** The frame to blame (an index of r->frames), -1: the program counter, -2: nobody. */
int oops_guilty_frame(const struct report *r);

/** Set the event's hints (verdict.c). */
struct ey_error *oops_judge(const struct report *r, const struct oops_context *context,
			    struct oops_event *event) EY_MUST_CHECK;
/** Remember of an event what may explain a later one (verdict.c). */
void oops_context_take(struct oops_context *context, const struct oops_event *event);
/** Set the event's explanation (explain.c). */
struct ey_error *oops_explain(const struct report *r, struct oops_event *event) EY_MUST_CHECK;

/** Text as a part of a key: digits and addresses out, spaces to '-'. */
void oops_key_text(const char *text, struct ey_buf *buf);

#endif
