/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repository.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "tree.h"

bool repository_is_s3(void)
{
	return getenv("EYRIE_TEST_S3");
}

char *repository_new_root(const char *dir)
{
	char *root = NULL;
	uint64_t nonce;

	if (!repository_is_s3()) {
		root = in_tree(dir, "repository");
		assert_int_equal(mkdir(root, 0755), 0);
		return root;
	}
	assert_int_equal(getrandom(&nonce, sizeof(nonce), 0), sizeof(nonce));
	assert_true(asprintf(&root, "%s/t%016llx", getenv("EYRIE_TEST_S3"),
			     (unsigned long long)nonce) > 0);
	return root;
}

struct ey_error *repository_file(const struct repository *r, const char *id, bool with_dump,
				 struct store_filed *ret)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_close_ int fd = with_dump ? open(r->dump, O_RDONLY | O_CLOEXEC) : -1;
	struct store_crash crash = {
		.site = "default",
		.hostname = "web-01",
		.time = REPOSITORY_CRASH_TIME,
		.id = id,
		.record = {"{}\n", 3},
		.analysis = {"text\n", 5},
		.dmesg = {"log\n", 4},
		.vmcore_fd = fd,
	};
	struct ey_error *err = store_open(r->root, 0, &store);

	*ret = (struct store_filed){0};
	return err ? err : store_file(store, &crash, ret);
}

void repository_init(struct repository *r, bool with_dump)
{
	struct store_filed filed;

	*r = (struct repository){.dir = make_tree()};
	r->dump = in_tree(r->dir, "dump");
	write_dump(r->dir, "dump", REPOSITORY_DUMP_BYTES);
	r->root = repository_new_root(r->dir);
	struct ey_error *err =
		repository_file(r, "time:web-01:1795444546:25:f+0x10", with_dump, &filed);
	if (err)
		print_error("%s\n", err->message);
	assert_null(err);
	r->path = filed.path;
	assert_null(store_open(r->root, 0, &r->store));
}

void repository_reopen(struct repository *r)
{
	store_entry_destroy(r->entry);
	r->entry = NULL;
	store_destroy(r->store);
	assert_null(store_open(r->root, 0, &r->store));
}

void repository_deinit(struct repository *r)
{
	store_entry_destroy(r->entry);
	store_destroy(r->store);
	remove_tree(r->dir);
	free(r->dir);
	free(r->dump);
	free(r->root);
	free(r->path);
}

struct store_entry *repository_entry(struct repository *r)
{
	if (!r->entry)
		assert_null(store_entry_open(r->store, r->path, &r->entry));
	return r->entry;
}

static struct ey_error *count_one(const struct store_entry *entry, void *arg)
{
	assert_null(store_entry_verify(entry));
	++*(int *)arg;
	return NULL;
}

int repository_count(const char *root)
{
	_cleanup_store_ struct store *store = NULL;
	int n = 0;

	assert_null(store_open(root, 0, &store));
	assert_null(store_walk(store, &(struct store_walker){.on_entry = count_one, .arg = &n}));
	return n;
}

void repository_assert_same(const struct store_entry *entry, const char *name, const char *path)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *want = malloc(REPOSITORY_DUMP_BYTES);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len;

	assert_non_null(want);
	assert_int_equal(read(fd, want, REPOSITORY_DUMP_BYTES), REPOSITORY_DUMP_BYTES);
	assert_null(store_entry_read(entry, name, REPOSITORY_DUMP_BYTES, &data, &len));
	assert_int_equal(len, REPOSITORY_DUMP_BYTES);
	assert_memory_equal(data, want, len);
}

void repository_assert_summed(const struct store_entry *entry, const char *name)
{
	_cleanup_free_ char *text = NULL, *end = NULL;

	assert_null(store_entry_read(entry, STORE_CHECKSUMS, 10000, &text, NULL));
	assert_true(asprintf(&end, "  %s\n", name) > 0);
	const char *first = strstr(text, end);
	assert_non_null(first);
	assert_null(strstr(first + 1, end));
}
