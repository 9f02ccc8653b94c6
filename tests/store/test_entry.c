/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A crash that is filed: what is listed, read, added and removed, in whichever store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "repository.h"
#include "store/repository.h"
#include "tracer.h"
#include "tree.h"

static struct ey_error *add(const struct repository *r, const char *sha256, bool may_link,
			    bool *already_ret)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	_cleanup_close_ int fd = open(r->dump, O_RDONLY | O_CLOEXEC);
	struct store_new_dump dump = {.fd = fd, .sha256 = sha256, .may_link = may_link};
	struct ey_error *err = store_open(r->root, 0, &store);

	if (!err)
		err = store_entry_open(store, r->path, &entry);
	return err ? err : store_entry_add_dump(entry, &dump, already_ret);
}

static void dump_comes_later(void **state)
{
	for (int link = 0; link < 2; link++) {
		_cleanup_repository_ struct repository r;
		bool already, had;

		repository_init(&r, false);
		struct store_entry *e = repository_entry(&r);
		assert_null(store_entry_had_dump(e, &had));
		assert_false(had);
		assert_null(add(&r, NULL, link, &already));
		assert_false(already);
		repository_reopen(&r);
		e = repository_entry(&r);
		assert_null(store_entry_had_dump(e, &had));
		assert_true(had);
		assert_null(store_entry_verify(e));
		repository_assert_same(e, STORE_VMCORE, r.dump);
		assert_null(add(&r, NULL, link, &already));
		assert_true(already);
		assert_null(store_entry_verify(e));
	}
}

static void wrong_dump_is_refused(void **state)
{
	_cleanup_repository_ struct repository r;
	struct store_file_info info;
	char zeros[65];
	bool had;

	repository_init(&r, false);
	snprintf(zeros, sizeof(zeros), "%064d", 0);
	for (int link = 0; link < 2; link++) {
		_cleanup_error_ struct ey_error *err = add(&r, zeros, link, NULL);

		assert_non_null(err);
		assert_int_equal(err->code, EY_ERR_INPUT);
		assert_non_null(strstr(err->message, "checksum differs"));
	}
	repository_reopen(&r);
	struct store_entry *e = repository_entry(&r);
	_cleanup_error_ struct ey_error *err = store_entry_stat(e, STORE_VMCORE, &info);
	assert_int_equal(err->code, EY_ERR_NOT_FOUND);
	assert_null(store_entry_had_dump(e, &had));
	assert_false(had);
}

struct adding {
	const struct repository *r;
	bool may_link;
};

static int add_in_child(void *arg)
{
	const struct adding *a = arg;

	return ey_error_exit_code(add(a->r, NULL, a->may_link, NULL));
}

static void killed_while_the_dump_comes(void **state)
{
	bool reached = true;
	int there = 0, missing = 0;

	if (repository_is_s3())
		skip(); // tests/store/test_s3.c kills there
	for (int n = 1; reached; n++) {
		for (int link = 0; link < 2; link++) {
			_cleanup_repository_ struct repository r;
			struct adding a = {&r, link};
			bool already, had;

			repository_init(&r, false);
			int ret = tracer_run(add_in_child, &a, false, TRACER_KILL, n, 0, &reached);
			if (ret == TRACER_UNABLE)
				skip();
			assert_int_equal(ret, reached ? TRACER_KILLED : 0);
			repository_reopen(&r);
			struct store_entry *e = repository_entry(&r);
			assert_null(store_entry_had_dump(e, &had));
			// Never half of it: what is there is the dump.
			if (had)
				repository_assert_same(e, STORE_VMCORE, r.dump);
			there += had;
			missing += !had;
			assert_null(add(&r, NULL, link, &already));
			assert_int_equal(already, had);
			repository_reopen(&r);
			e = repository_entry(&r);
			assert_null(store_entry_verify(e));
			repository_assert_summed(e, STORE_VMCORE);
		}
	}
	assert_true(there > 2 && missing > 2);
}

static void files_are_listed_and_read(void **state)
{
	static const char *const names[] = {STORE_ANALYSIS, STORE_CHECKSUMS, STORE_DMESG,
					    STORE_RECORD, STORE_VMCORE};
	_cleanup_repository_ struct repository r;
	_cleanup_store_files_ struct store_files files;
	struct store_file_info info;
	char byte;
	size_t n;
	int64_t filed;

	repository_init(&r, true);
	struct store_entry *e = repository_entry(&r);
	assert_null(store_entry_list(e, &files));
	assert_int_equal(files.count, EY_ARRAY_SIZE(names));
	for (size_t i = 0; i < files.count; i++) {
		assert_string_equal(files.files[i].name, names[i]);
		assert_null(store_entry_stat(e, names[i], &info));
		assert_int_equal(info.size, files.files[i].size);
		assert_int_equal(info.type, S_IFREG);
	}
	assert_int_equal(info.size, REPOSITORY_DUMP_BYTES);
	assert_null(store_entry_filed(e, &filed));
	assert_in_range(filed, info.mtime - 60, info.mtime + 60);

	// Pieces in any order.
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	assert_null(store_entry_open_reader(e, STORE_VMCORE, &reader));
	assert_int_equal(store_reader_size(reader), REPOSITORY_DUMP_BYTES);
	_cleanup_free_ char *whole = read_text(r.dir, "dump");
	for (uint64_t at = REPOSITORY_DUMP_BYTES - 1; at > 100000; at -= 100000) {
		assert_null(store_reader_read(reader, at, &byte, 1, &n));
		assert_int_equal(n, 1);
		assert_int_equal(byte, whole[at]);
	}
	assert_null(store_reader_read(reader, REPOSITORY_DUMP_BYTES, &byte, 1, &n));
	assert_int_equal(n, 0);
	assert_null(store_reader_read(reader, REPOSITORY_DUMP_BYTES + 7, &byte, 1, &n));
	assert_int_equal(n, 0);

	_cleanup_close_ int fd = -1;
	uint64_t size;
	assert_null(store_entry_open_file(e, STORE_DMESG, &fd, &size));
	assert_int_equal(size, 4);
	assert_int_equal(pread(fd, &byte, 1, 1), 1);
	assert_int_equal(byte, 'o');
}

static void what_is_not_there(void **state)
{
	_cleanup_repository_ struct repository r;
	struct store_file_info info;
	struct store_entry *none = NULL;
	uint64_t bytes;
	char *data;
	int fd;

	repository_init(&r, false);
	struct store_entry *e = repository_entry(&r);
	struct ey_error *errors[] = {
		store_entry_stat(e, STORE_VMCORE, &info),
		store_entry_read(e, STORE_VMCORE, 1000, &data, NULL),
		store_entry_open_file(e, STORE_VMCORE, &fd, NULL),
		store_entry_open(r.store, "default/web-01/20261123T143546Z-0000000000000000",
				 &none),
		store_read(r.store, "policy.json", 1000, &data, NULL),
	};
	for (size_t i = 0; i < EY_ARRAY_SIZE(errors); i++) {
		assert_non_null(errors[i]);
		assert_int_equal(errors[i]->code, EY_ERR_NOT_FOUND);
		ey_error_destroy(errors[i]);
	}
	assert_null(store_entry_remove_dump(e, &bytes));
	assert_int_equal(bytes, 0);
	static const char *const bad[] = {"", "..", "../x", "a/b", ".hidden", "a\nb"};
	for (size_t i = 0; i < EY_ARRAY_SIZE(bad); i++) {
		struct ey_error *err = store_entry_read(e, bad[i], 1000, &data, NULL);

		assert_int_equal(err->code, EY_ERR_INPUT);
		ey_error_destroy(err);
		err = store_entry_put(e, bad[i], "x", 1);
		assert_int_equal(err->code, EY_ERR_INPUT);
		ey_error_destroy(err);
		err = store_entry_remove(e, bad[i], &bytes);
		assert_int_equal(err->code, EY_ERR_INPUT);
		ey_error_destroy(err);
		err = store_put(r.store, bad[i], "x", 1);
		assert_int_equal(err->code, EY_ERR_INPUT);
		ey_error_destroy(err);
	}
}

static void too_large_is_refused(void **state)
{
	_cleanup_repository_ struct repository r;
	char *data;

	repository_init(&r, true);
	_cleanup_error_ struct ey_error *err =
		store_entry_read(repository_entry(&r), STORE_VMCORE, 1000, &data, NULL);
	assert_int_equal(err->code, EY_ERR_INPUT);
	assert_non_null(strstr(err->message, "larger than 1000 bytes"));
}

static void texts_are_added_and_replaced(void **state)
{
	_cleanup_repository_ struct repository r;
	static const char *const texts[] = {"crash> bt\n", "", "crash> bt -a\nmore\n"};

	repository_init(&r, true);
	for (size_t i = 0; i < EY_ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *data = NULL;
		size_t len;

		struct store_entry *e = repository_entry(&r);
		assert_null(store_entry_put(e, "crash.txt", texts[i], strlen(texts[i])));
		repository_reopen(&r);
		e = repository_entry(&r);
		assert_null(store_entry_read(e, "crash.txt", 1000, &data, &len));
		assert_string_equal(data, texts[i]);
		assert_int_equal(len, strlen(texts[i]));
		assert_null(store_entry_verify(e));
		repository_assert_summed(e, "crash.txt");
		repository_assert_summed(e, STORE_VMCORE);
	}
}

// `checksums` says otherwise, as it does of a text that was changed.
static void a_changed_text_is_not_read(void **state)
{
	_cleanup_repository_ struct repository r;
	_cleanup_free_ char *sums = NULL, *data = NULL;
	size_t len;

	repository_init(&r, true);
	struct store_entry *e = repository_entry(&r);
	assert_null(store_entry_read(e, STORE_CHECKSUMS, 10000, &sums, &len));
	char *line = strstr(sums, "  " STORE_ANALYSIS "\n");
	assert_non_null(line);
	line[-1] = line[-1] == '0' ? '1' : '0';
	assert_null(store_entry_put(e, STORE_CHECKSUMS, sums, len));
	repository_reopen(&r);
	e = repository_entry(&r);
	_cleanup_error_ struct ey_error *err =
		store_entry_read(e, STORE_ANALYSIS, 10000, &data, &len);
	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_INPUT);
	assert_non_null(strstr(err->message, STORE_ANALYSIS ": not what was filed"));
	assert_null(data);
	assert_null(store_entry_read(e, STORE_RECORD, 10000, &data, &len));
}

static void files_of_the_root(void **state)
{
	_cleanup_repository_ struct repository r;
	_cleanup_free_ char *data = NULL;
	bool found;

	repository_init(&r, false);
	assert_null(store_put(r.store, "policy.json", "{}", 2));
	assert_null(store_put(r.store, "policy.json", "{ }", 3));
	assert_null(store_read(r.store, "policy.json", 1000, &data, NULL));
	assert_string_equal(data, "{ }");
	assert_null(store_has_site(r.store, "default", &found));
	assert_true(found);
	assert_null(store_has_site(r.store, "defaul", &found));
	assert_false(found);
	assert_null(store_has_site(r.store, "policy.json", &found));
	assert_false(found);
}

static void staging_is_ours_alone(void **state)
{
	_cleanup_repository_ struct repository r;
	struct stat st;

	repository_init(&r, false);
	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int fd = -1;
		struct ey_error *err = store_staging_open(r.store, &fd);

		if (repository_is_s3()) {
			assert_int_equal(err->code, EY_ERR_NOT_FOUND);
			ey_error_destroy(err);
			return;
		}
		assert_null(err);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
	}
	// It is no site.
	assert_int_equal(repository_count(r.root), 1);
	_cleanup_free_ char *staging = in_tree(r.root, ".eyrie-tmp-uploads");
	assert_int_equal(chmod(staging, 0755), 0);
	int fd = -1;
	_cleanup_error_ struct ey_error *err = store_staging_open(r.store, &fd);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "open to others"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_comes_later),
		cmocka_unit_test(wrong_dump_is_refused),
		cmocka_unit_test(killed_while_the_dump_comes),
		cmocka_unit_test(files_are_listed_and_read),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(too_large_is_refused),
		cmocka_unit_test(texts_are_added_and_replaced),
		cmocka_unit_test(a_changed_text_is_not_read),
		cmocka_unit_test(files_of_the_root),
		cmocka_unit_test(staging_is_ours_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
