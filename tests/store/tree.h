/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A directory for one test, and helpers to look at it. */
#ifndef EYRIE_TESTS_TREE_H
#define EYRIE_TESTS_TREE_H

#include <stddef.h>

/** Make an empty directory; remove_tree() and free() it. */
char *make_tree(void);
void remove_tree(const char *path);
/** "dir/name" (free()). */
char *in_tree(const char *dir, const char *name);
void write_text(const char *dir, const char *name, const char *text);
char *read_text(const char *dir, const char *name);
/** A file of @p size bytes that do not repeat, with a hole of zeros in the middle third. */
void write_dump(const char *dir, const char *name, size_t size);
/** How many names below @p dir, at any depth, contain @p part. */
int count_names(const char *dir, const char *part);

#endif
