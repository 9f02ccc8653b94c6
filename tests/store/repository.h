/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A repository with one crash for one test: in a directory, or where EYRIE_TEST_S3 is set (see
 * with_s3.py) below a prefix of its own in that bucket.
 */
#ifndef EYRIE_TESTS_REPOSITORY_H
#define EYRIE_TESTS_REPOSITORY_H

#include <stdbool.h>

#include "store/repository.h"

enum { REPOSITORY_DUMP_BYTES = 768 << 10, REPOSITORY_CRASH_TIME = 1795444546 };

struct repository {
	/** A folder of the test's own, the dump in it, and the root of the repository. */
	char *dir;
	char *dump;
	char *root;
	struct store *store;
	/** The crash. */
	char *path;
	struct store_entry *entry;
};

bool repository_is_s3(void);
/** A root that is empty: free(). @p dir is a folder of the test's. */
char *repository_new_root(const char *dir);

void repository_init(struct repository *r, bool with_dump);
void repository_deinit(struct repository *r);
#define _cleanup_repository_ __attribute__((cleanup(repository_deinit)))
/** File the crash @p id of the fixture's root; free() the path. */
struct ey_error *repository_file(const struct repository *r, const char *id, bool with_dump,
				 struct store_filed *ret);
/** The crash, opened once. */
struct store_entry *repository_entry(struct repository *r);
/** Forget what was opened. */
void repository_reopen(struct repository *r);

/** How many crashes a walk meets; each must verify. */
int repository_count(const char *root);
void repository_assert_same(const struct store_entry *entry, const char *name, const char *path);
/** `checksums` has one line for this file. */
void repository_assert_summed(const struct store_entry *entry, const char *name);

#endif
