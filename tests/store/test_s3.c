/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only a bucket has: killed while it sends, direct uploads, keys and clocks. See with_s3.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "repository.h"
#include "store/backend.h"
#include "store/direct.h"
#include "tracer.h"
#include "tree.h"

#define ID "time:web-01:1795444546:25:f+0x10"

enum { MIB = 1 << 20, LARGE = 11 * MIB + 12345, HOUR = 3600 };

static const struct store_s3_options small_parts = {.part_mib = 5};

/** A root of its own with a dump beside it, and nothing filed. */
struct empty {
	struct repository r;
	size_t size;
	const char *log;
};

static void empty_init(struct empty *e, size_t dump_size)
{
	*e = (struct empty){.r.dir = make_tree(), .size = dump_size, .log = "log\n"};
	e->r.dump = in_tree(e->r.dir, "dump");
	write_dump(e->r.dir, "dump", dump_size);
	e->r.root = repository_new_root(e->r.dir);
}

static void empty_deinit(struct empty *e)
{
	repository_deinit(&e->r);
}
#define _cleanup_empty_ __attribute__((cleanup(empty_deinit)))

static struct ey_error *file_it(const struct empty *e, struct store_filed *ret)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_close_ int fd = open(e->r.dump, O_RDONLY | O_CLOEXEC);
	struct store_crash crash = {
		.site = "default",
		.hostname = "web-01",
		.time = REPOSITORY_CRASH_TIME,
		.id = ID,
		.record = {"{}\n", 3},
		.analysis = {"text\n", 5},
		.dmesg = {e->log, strlen(e->log)},
		.vmcore_fd = fd,
	};
	struct ey_error *err = store_open_with(e->r.root, 0, &small_parts, &store);

	*ret = (struct store_filed){0};
	return err ? err : store_file(store, &crash, ret);
}

static int file_in_child(void *arg)
{
	struct store_filed filed;
	struct ey_error *err = file_it(arg, &filed);

	if (err)
		fprintf(stderr, "%s\n", err->message);
	return ey_error_exit_code(err);
}

// Every object of the bucket below the root is that of the crash, once.
static void assert_filed_whole(const struct empty *e)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	_cleanup_store_files_ struct store_files files;
	struct store_filed filed;

	assert_null(file_it(e, &filed));
	_cleanup_free_ char *path = filed.path;
	assert_true(filed.already);
	assert_int_equal(repository_count(e->r.root), 1);
	assert_null(store_open(e->r.root, 0, &store));
	assert_null(store_entry_open(store, path, &entry));
	assert_null(store_entry_verify(entry));
	assert_null(store_entry_list(entry, &files));
	assert_int_equal(files.count, 5);
	assert_int_equal(files.files[4].size, e->size);
}

// At each step from @p first on, by @p stride: killed, then filed by the next.
static void kill_and_go_on(size_t size, int first, int stride)
{
	bool reached = true;
	int steps = 0, visible = 0;

	for (int n = first; reached; n += stride) {
		_cleanup_empty_ struct empty e;
		struct store_filed filed;

		empty_init(&e, size);
		int ret = tracer_run(file_in_child, &e, false, TRACER_KILL, n, 0, &reached);
		if (ret == TRACER_UNABLE)
			skip();
		assert_int_equal(ret, reached ? TRACER_KILLED : 0);
		// Whole or not at all; repository_count() compares the checksums.
		int there = repository_count(e.r.root);
		assert_true(there <= 1);
		visible += there;
		steps += reached;
		assert_null(file_it(&e, &filed));
		free(filed.path);
		assert_int_equal(filed.already, there);
		assert_filed_whole(&e);
	}
	assert_true(steps >= 4 && visible >= 1 && visible <= steps);
}

static void killed_while_it_sends(void **state)
{
	kill_and_go_on(40000, 1, 1);
}

static void killed_while_it_sends_parts(void **state)
{
	kill_and_go_on(LARGE, 20, 45);
}

static void racing_writers_file_once(void **state)
{
	enum { WRITERS = 6 };
	_cleanup_empty_ struct empty e;
	int winners = 0;

	empty_init(&e, 40000);
	for (int i = 0; i < WRITERS; i++) {
		if (fork())
			continue;
		struct store_filed filed;
		_exit(file_it(&e, &filed) ? 9 : filed.already);
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		winners += WEXITSTATUS(status) == 0;
	}
	// All may believe that they were the first (Swift looks before it writes, and not while);
	// of the same contents that does no harm.
	assert_true(winners >= 1);
	assert_filed_whole(&e);
}

static void other_contents_do_not_mix(void **state)
{
	_cleanup_empty_ struct empty e;
	struct store_filed filed;
	bool reached = true;

	for (int n = 3; reached; n += 3) {
		int there;

		empty_init(&e, 40000);
		if (tracer_run(file_in_child, &e, false, TRACER_KILL, n, 0, &reached) ==
		    TRACER_UNABLE)
			skip();
		there = repository_count(e.r.root);
		e.log = "another log\n";
		_cleanup_error_ struct ey_error *err = file_it(&e, &filed);
		if (there) {
			assert_null(err);
			assert_true(filed.already);
		} else if (err) {
			assert_int_equal(err->code, EY_ERR_IO);
			assert_non_null(strstr(err->message, "somebody else is filing"));
		}
		free(filed.path);
		// Whatever is visible is of one writer: its checksums hold.
		repository_count(e.r.root);
		if (reached)
			empty_deinit(&e);
	}
}

static size_t take_nothing(char *data, size_t size, size_t count, void *arg)
{
	return size * count;
}

// PUT, as a host does it: a URL and bytes.
static long put_to(const char *url, const char *data, size_t len)
{
	CURL *easy = curl_easy_init();
	FILE *f = fmemopen((void *)data, len, "r");
	long status = 0;

	assert_non_null(easy);
	assert_non_null(f);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_READDATA, f);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_nothing);
	assert_int_equal(curl_easy_perform(easy), CURLE_OK);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	fclose(f);
	return status;
}

static void send_part(const struct store_entry *e, const struct store_upload *upload,
		      unsigned int part, const char *dump, size_t size)
{
	size_t at = (part - 1) * upload->part_bytes;
	_cleanup_free_ char *url = NULL;

	assert_null(store_upload_url(e, STORE_VMCORE, upload->id, part, HOUR, &url));
	assert_null(strstr(url, getenv("AWS_SECRET_ACCESS_KEY")));
	assert_int_equal(put_to(url, dump + at, EY_MIN(size - at, upload->part_bytes)), 200);
}

// The upload that a killed writer left is gone on with: a part of it that is changed behind the
// writer's back is in the object, and so was not sent again.
static void parts_that_arrived_are_not_sent_again(void **state)
{
	_cleanup_empty_ struct empty e;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_upload_ struct store_upload upload = {0};
	_cleanup_store_entry_ struct store_entry *filed_entry = NULL;
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	char path[] = "default/web-01/20261123T143546Z-0000000000000000", id[STORE_ID_DIGITS + 1];
	struct store_entry entry = {.path = path};
	struct store_filed filed;
	bool reached;
	size_t parts = 0, n;
	char byte;

	empty_init(&e, LARGE);
	store_short_id(ID, id);
	memcpy(strrchr(path, '-') + 1, id, STORE_ID_DIGITS);
	assert_null(store_open_with(e.r.root, 0, &small_parts, &store));
	entry.store = store;
	for (int step = 60; !parts; step += 20) {
		_cleanup_store_parts_ struct store_parts arrived = {0};

		if (tracer_run(file_in_child, &e, false, TRACER_KILL, step, 0, &reached) ==
		    TRACER_UNABLE)
			skip();
		assert_true(reached);
		store_upload_deinit(&upload);
		assert_null(store_upload_begin(&entry, STORE_VMCORE, LARGE, &upload));
		assert_null(store_upload_parts(&entry, STORE_VMCORE, upload.id, &arrived));
		parts = arrived.count;
		assert_true(parts < 3);
	}
	_cleanup_free_ char *other = malloc(upload.part_bytes);
	assert_non_null(other);
	memset(other, 'Z', upload.part_bytes);
	send_part(&entry, &upload, 1, other, upload.part_bytes);
	assert_null(file_it(&e, &filed));
	assert_false(filed.already);
	assert_null(store_entry_open(store, filed.path, &filed_entry));
	free(filed.path);
	assert_null(store_entry_open_reader(filed_entry, STORE_VMCORE, &reader));
	assert_int_equal(store_reader_size(reader), LARGE);
	for (uint64_t at = 0; at < 5 * MIB; at += MIB + 1) {
		assert_null(store_reader_read(reader, at, &byte, 1, &n));
		assert_int_equal(byte, 'Z');
	}
	// The checksum, made of the dump as a whole, tells.
	_cleanup_error_ struct ey_error *err = store_entry_verify(filed_entry);
	assert_int_equal(err->code, EY_ERR_INPUT);
}

static void hosts_upload_by_themselves(void **state)
{
	_cleanup_repository_ struct repository r;
	_cleanup_store_upload_ struct store_upload upload = {0};
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_entry_ struct store_entry *e = NULL;
	_cleanup_free_ char *dump = NULL, *url = NULL;
	char sha256[STORE_DIGEST_TEXT], zeros[65];
	struct store_file_info info;
	bool already;
	size_t size;

	repository_init(&r, false);
	write_dump(r.dir, "dump", LARGE);
	assert_null(ey_file_read_whole(r.dump, LARGE, &dump, &size));
	store_hash_bytes(dump, size, sha256);
	snprintf(zeros, sizeof(zeros), "%064d", 0);
	assert_null(store_open_with(r.root, 0, &small_parts, &store));
	assert_true(store_can_upload(store));
	assert_null(store_entry_open(store, r.path, &e));
	for (int round = 0; round < 2; round++) {
		store_upload_deinit(&upload);
		assert_null(store_upload_begin(e, STORE_VMCORE, size, &upload));
		assert_int_equal(upload.part_count, 3);
		assert_int_equal(upload.part_bytes, 5 * MIB);
		send_part(e, &upload, 2, dump, size);
		send_part(e, &upload, 1, dump, size);
		// Not all of it: nothing is visible, and the upload stays.
		_cleanup_error_ struct ey_error *err =
			store_upload_complete(e, STORE_VMCORE, upload.id, size, sha256, NULL);
		assert_int_equal(err->code, EY_ERR_INPUT);
		assert_non_null(strstr(err->message, "have arrived"));
		_cleanup_store_parts_ struct store_parts arrived;
		assert_null(store_upload_parts(e, STORE_VMCORE, upload.id, &arrived));
		assert_int_equal(arrived.count, 2);
		assert_int_equal(arrived.parts[0].number, 1);
		assert_int_equal(arrived.parts[1].size, 5 * MIB);
		_cleanup_store_upload_ struct store_upload again;
		assert_null(store_upload_begin(e, STORE_VMCORE, size, &again));
		assert_string_equal(again.id, upload.id);
		send_part(e, &upload, 3, dump, size);
		// Not what was announced: it is removed.
		if (!round) {
			_cleanup_error_ struct ey_error *wrong = store_upload_complete(
				e, STORE_VMCORE, upload.id, size, zeros, NULL);
			assert_int_equal(wrong->code, EY_ERR_INPUT);
			assert_non_null(strstr(wrong->message, "checksum differs"));
			_cleanup_error_ struct ey_error *gone =
				store_entry_stat(e, STORE_VMCORE, &info);
			assert_int_equal(gone->code, EY_ERR_NOT_FOUND);
			continue;
		}
		assert_null(
			store_upload_complete(e, STORE_VMCORE, upload.id, size, sha256, &already));
		assert_false(already);
		assert_null(
			store_upload_complete(e, STORE_VMCORE, upload.id, size, sha256, &already));
		assert_true(already);
	}
	assert_null(store_entry_verify(e));
	assert_null(store_upload_abort(e, STORE_VMCORE, upload.id));
	// And down again.
	assert_null(store_entry_url(e, STORE_VMCORE, "web-01.vmcore", HOUR, &url));
	_cleanup_free_ char *command = NULL;
	assert_true(asprintf(&command, "curl -sf -o %s/down '%s' && cmp %s/down %s", r.dir, url,
			     r.dir, r.dump) > 0);
	assert_int_equal(system(command), 0);
}

static void urls_are_for_one_thing(void **state)
{
	_cleanup_repository_ struct repository r;
	_cleanup_store_upload_ struct store_upload upload;
	_cleanup_free_ char *url = NULL;

	repository_init(&r, false);
	struct store_entry *e = repository_entry(&r);
	assert_null(store_upload_begin(e, STORE_VMCORE, 100, &upload));
	assert_null(store_upload_url(e, STORE_VMCORE, upload.id, 1, HOUR, &url));
	// Another key, another part, a longer life: the signature no longer holds.
	static const struct {
		const char *from;
		const char *to;
	} changes[] = {{"vmcore?", "record?"},
		       {"partNumber=1", "partNumber=2"},
		       {"Expires=3600", "Expires=9600"}};
	for (size_t i = 0; i < EY_ARRAY_SIZE(changes); i++) {
		_cleanup_free_ char *changed = strdup(url);
		char *at = strstr(changed, changes[i].from);

		assert_non_null(at);
		memcpy(at, changes[i].to, strlen(changes[i].to));
		assert_int_equal(put_to(changed, "x", 1), 403);
	}
	assert_int_equal(put_to(url, "x", 1), 200);
	assert_null(store_upload_abort(e, STORE_VMCORE, upload.id));
	_cleanup_error_ struct ey_error *err =
		store_upload_complete(e, STORE_VMCORE, upload.id, 1, "x", NULL);
	assert_int_equal(err->code, EY_ERR_INPUT);
}

static void assert_refused(const char *root, const struct store_s3_options *options,
			   const char *words)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_error_ struct ey_error *err = store_open_with(root, 0, options, &store);

	if (!err)
		err = store_probe(store);
	assert_non_null(err);
	if (!strstr(err->message, words))
		print_error("%s\n", err->message);
	assert_non_null(strstr(err->message, words));
	assert_null(strchr(err->message, '\n'));
	assert_null(strstr(err->message, getenv("AWS_SECRET_ACCESS_KEY")));
}

static void what_is_wrong_is_said(void **state)
{
	char *dir = make_tree();
	_cleanup_free_ char *keys = in_tree(dir, "keys"), *text = NULL;
	struct store_s3_options options = {.retries = -1};

	assert_refused("s3://no-such-bucket", &options, "there is no bucket no-such-bucket");
	options.endpoint = getenv("EYRIE_TEST_S3_SKEWED");
	assert_refused(getenv("EYRIE_TEST_S3"), &options, "s behind that of the S3 store");
	options.endpoint = "http://127.0.0.1:1";
	assert_refused(getenv("EYRIE_TEST_S3"), &options, "cannot reach the S3 store");
	options.endpoint = NULL;
	options.keys = keys;
	write_text(dir, "keys", "access_key = test:keeper\nsecret_key = wrong\n");
	chmod(keys, 0600);
	assert_refused(getenv("EYRIE_TEST_S3"), &options, "does not take our signature");
	write_text(dir, "keys", "access_key = test:nobody\nsecret_key = wrong\n");
	assert_refused(getenv("EYRIE_TEST_S3"), &options, "does not take our signature");
	assert_true(asprintf(&text, "# of a stranger\naccess_key=%s\n\nsecret_key =  %s \n",
			     getenv("EYRIE_TEST_S3_STRANGER"),
			     getenv("AWS_SECRET_ACCESS_KEY")) > 0);
	write_text(dir, "keys", text);
	assert_refused(getenv("EYRIE_TEST_S3"), &options, "does not allow our key");
	remove_tree(dir);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_while_it_sends),
		cmocka_unit_test(killed_while_it_sends_parts),
		cmocka_unit_test(parts_that_arrived_are_not_sent_again),
		cmocka_unit_test(racing_writers_file_once),
		cmocka_unit_test(other_contents_do_not_mix),
		cmocka_unit_test(hosts_upload_by_themselves),
		cmocka_unit_test(urls_are_for_one_thing),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	if (!repository_is_s3()) {
		print_error("run it by with_s3.py\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
