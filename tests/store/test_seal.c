/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealed files: what is sealed comes back, and nothing that was changed does. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/seal.h"
#include "store/seal_format.h"
#include "store/sealed.h"

static struct seal_secret key, other;
static struct seal_recipients to;

static int make_keys(void **state)
{
	assert_null(seal_secret_generate(&key));
	assert_null(seal_secret_generate(&other));
	to.count = 1;
	memcpy(to.items[0].key, key.public_key, SEAL_KEY_BYTES);
	to.items[0].purpose = SEAL_ALL;
	return 0;
}

// Text that differs everywhere, so that chunks cannot be taken for each other.
static char *make_text(size_t len)
{
	char *text = malloc(len + 1);
	uint32_t x = 1;

	assert_non_null(text);
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = (char)(x >> 24);
	}
	text[len] = '\0';
	return text;
}

static struct ey_buf seal_text(const char *text, size_t len)
{
	struct ey_buf sealed = EY_BUF_INIT;

	assert_null(seal_memory(text, len, &to, SEAL_DUMPS, &sealed));
	return sealed;
}

static void assert_refused(const void *data, size_t len, const struct seal_secret *secret)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	_cleanup_error_ struct ey_error *err = unseal_memory(data, len, secret, SIZE_MAX, &out);

	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_INPUT);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0,
				       1,
				       SEAL_TRAILER_SEALED,
				       SEAL_CHUNK - 1,
				       SEAL_CHUNK,
				       SEAL_CHUNK + 1,
				       SEAL_CHUNK + SEAL_TRAILER_SEALED,
				       2 * SEAL_CHUNK,
				       2 * SEAL_CHUNK + 12345};

	for (size_t i = 0; i < EY_ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *text = make_text(sizes[i]);
		_cleanup_buf_ struct ey_buf sealed = seal_text(text, sizes[i]);
		_cleanup_buf_ struct ey_buf back = EY_BUF_INIT;
		size_t chunks = (sizes[i] + SEAL_CHUNK - 1) / SEAL_CHUNK;

		assert_true(seal_is_sealed(sealed.data, sealed.len));
		// As docs/sealed-format.md computes it.
		assert_int_equal(sealed.len,
				 16 + 88 + 24 + sizes[i] + 17 * chunks + SEAL_TRAILER_SEALED);
		assert_null(unseal_memory(sealed.data, sealed.len, &key, SIZE_MAX, &back));
		assert_int_equal(back.len, sizes[i]);
		if (sizes[i])
			assert_memory_equal(back.data, text, sizes[i]);
	}
}

static void test_any_bit(void **state)
{
	_cleanup_free_ char *text = make_text(300);
	_cleanup_buf_ struct ey_buf sealed = seal_text(text, 300);

	for (size_t i = 0; i < sealed.len * 8; i++) {
		sealed.data[i / 8] ^= (char)(1 << (i % 8));
		assert_refused(sealed.data, sealed.len, &key);
		sealed.data[i / 8] ^= (char)(1 << (i % 8));
	}
	_cleanup_buf_ struct ey_buf back = EY_BUF_INIT;
	assert_null(unseal_memory(sealed.data, sealed.len, &key, SIZE_MAX, &back));
}

// A bit in the slot of one recipient is seen by the others, too.
static void test_other_recipient(void **state)
{
	struct seal_recipients both = {.count = 2};
	_cleanup_buf_ struct ey_buf sealed = EY_BUF_INIT, back = EY_BUF_INIT;

	memcpy(both.items[0].key, other.public_key, SEAL_KEY_BYTES);
	memcpy(both.items[1].key, key.public_key, SEAL_KEY_BYTES);
	both.items[0].purpose = both.items[1].purpose = SEAL_ALL;
	assert_null(seal_memory("dump", 4, &both, SEAL_DUMPS, &sealed));
	assert_null(unseal_memory(sealed.data, sealed.len, &key, SIZE_MAX, &back));
	assert_null(unseal_memory(sealed.data, sealed.len, &other, SIZE_MAX, &back));
	assert_string_equal(back.data, "dumpdump");
	sealed.data[SEAL_FIXED + 20] ^= 1;
	assert_refused(sealed.data, sealed.len, &key);
	assert_refused(sealed.data, sealed.len, &other);
}

static void test_truncated(void **state)
{
	size_t len = 2 * SEAL_CHUNK + 100;
	_cleanup_free_ char *text = make_text(len);
	_cleanup_buf_ struct ey_buf sealed = seal_text(text, len);
	size_t header = SEAL_FIXED + SEAL_RECIPIENT + SEAL_STREAM_HEADER;

	for (size_t i = 0; i <= header; i++)
		assert_refused(sealed.data, i, &key);
	// At the borders of chunks, around them, and where only the last message is missing.
	for (size_t border = 0; border < 4; border++) {
		size_t at = header + EY_MIN(border * (SEAL_CHUNK + SEAL_MORE), len + 3 * SEAL_MORE);

		for (size_t i = at - 1; i <= at + 1; i++)
			assert_refused(sealed.data, i, &key);
	}
	for (size_t i = 1; i <= SEAL_TRAILER_SEALED; i++)
		assert_refused(sealed.data, sealed.len - i, &key);
	// And with something behind the end.
	ey_buf_add(&sealed, "x", 1);
	assert_refused(sealed.data, sealed.len, &key);
}

static void test_moved_chunks(void **state)
{
	size_t len = 3 * SEAL_CHUNK, full = SEAL_CHUNK + SEAL_MORE;
	_cleanup_free_ char *text = make_text(len), *one = malloc(full);
	_cleanup_buf_ struct ey_buf sealed = seal_text(text, len);
	_cleanup_buf_ struct ey_buf second = seal_text(text, len);
	char *first = sealed.data + SEAL_FIXED + SEAL_RECIPIENT + SEAL_STREAM_HEADER;

	// Two chunks swapped.
	memcpy(one, first, full);
	memcpy(first, first + full, full);
	memcpy(first + full, one, full);
	assert_refused(sealed.data, sealed.len, &key);
	// One in place of the next.
	memcpy(first + full, first, full);
	memcpy(first, one, full);
	_cleanup_buf_ struct ey_buf back = EY_BUF_INIT;
	assert_null(unseal_memory(sealed.data, sealed.len, &key, SIZE_MAX, &back));
	memcpy(first + full, one, full);
	assert_refused(sealed.data, sealed.len, &key);
	// One left out.
	memmove(first + full, first + 2 * full, full + SEAL_TRAILER_SEALED);
	assert_refused(sealed.data, sealed.len - full, &key);
	// One of another file of the same key and content.
	memcpy(second.data + (first - sealed.data) + full, one, full);
	assert_refused(second.data, second.len, &key);
}

static void test_wrong_key(void **state)
{
	_cleanup_buf_ struct ey_buf sealed = seal_text("secret", 6);
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	_cleanup_error_ struct ey_error *err =
		unseal_memory(sealed.data, sealed.len, &other, SIZE_MAX, &out);
	char mine[SEAL_ID_TEXT], theirs[SEAL_ID_TEXT];

	seal_key_id(key.public_key, mine);
	seal_key_id(other.public_key, theirs);
	assert_non_null(err);
	assert_non_null(strstr(err->message, mine));
	assert_non_null(strstr(err->message, theirs));
	assert_int_equal(out.len, 0);
	// The secret of another pair under this one's id.
	struct seal_secret mixed = other;
	memcpy(mixed.public_key, key.public_key, SEAL_KEY_BYTES);
	assert_refused(sealed.data, sealed.len, &mixed);
	// Not sealed for this purpose to anybody.
	struct seal_recipients texts = to;
	texts.items[0].purpose = SEAL_TEXTS;
	ey_buf_clear(&out);
	_cleanup_error_ struct ey_error *none = seal_memory("x", 1, &texts, SEAL_DUMPS, &out);
	assert_non_null(none);
	assert_int_equal(out.len, 0);
}

// What the header claims is looked at before memory is taken for it.
static void test_claims(void **state)
{
	_cleanup_buf_ struct ey_buf sealed = seal_text("secret", 6);
	const struct {
		size_t at, bytes;
		uint64_t v;
	} claims[] = {{8, 2, 0},	   {8, 2, 2},
		      {8, 2, 0xffff},	   {10, 2, 0},
		      {10, 2, 2},	   {10, 2, 17},
		      {10, 2, 0xffff},	   {12, 4, 0},
		      {12, 4, 4095},	   {12, 4, (1 << 20) + 1},
		      {12, 4, 0x7fffffff}, {12, 4, 0xffffffff}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(claims); i++) {
		_cleanup_free_ char *copy = malloc(sealed.len);

		memcpy(copy, sealed.data, sealed.len);
		seal_put((unsigned char *)copy + claims[i].at, claims[i].v, claims[i].bytes);
		assert_refused(copy, sealed.len, &key);
	}
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	_cleanup_error_ struct ey_error *err =
		unseal_memory(sealed.data, sealed.len, &key, 5, &out);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "larger than 5 bytes"));
}

// A key's owner who lies about the original: the stream is right, what it says of itself is not.
static void test_false_original(void **state)
{
	for (int lie = 0; lie < 3; lie++) {
		_cleanup_buf_ struct ey_buf sealed = seal_text("", 0);
		unsigned char stream_key[32], digest[SEAL_HEADER_DIGEST], trailer[SEAL_TRAILER];
		unsigned char *head = (unsigned char *)sealed.data;
		size_t len = sealed.len - SEAL_TRAILER_SEALED;
		crypto_secretstream_xchacha20poly1305_state push;

		assert_int_equal(crypto_box_seal_open(stream_key, head + SEAL_FIXED + SEAL_ID_BYTES,
						      SEAL_RECIPIENT - SEAL_ID_BYTES,
						      key.public_key, key.secret_key),
				 0);
		crypto_secretstream_xchacha20poly1305_init_push(
			&push, head + len - SEAL_STREAM_HEADER, stream_key);
		seal_header_digest(head, len, digest);
		crypto_hash_sha256(trailer + 8, NULL, 0);
		seal_put(trailer, lie == 0 ? UINT64_MAX : 0, 8);
		trailer[8] ^= lie == 1;
		crypto_secretstream_xchacha20poly1305_push(
			&push, head + len, NULL, trailer, sizeof(trailer), digest, sizeof(digest),
			crypto_secretstream_xchacha20poly1305_TAG_FINAL);
		if (lie < 2) {
			assert_refused(sealed.data, sealed.len, &key);
			continue;
		}
		// Without a lie it is the empty file.
		_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
		assert_null(unseal_memory(sealed.data, sealed.len, &key, 0, &out));
	}
}

static void test_files(void **state)
{
	char in[] = "/tmp/eyrie-seal-XXXXXX", mid[] = "/tmp/eyrie-seal-XXXXXX",
	     out[] = "/tmp/eyrie-seal-XXXXXX";
	_cleanup_close_ int a = mkstemp(in), b = mkstemp(mid), c = mkstemp(out);
	_cleanup_free_ char *text = make_text(SEAL_CHUNK + 7), *back = NULL;
	struct seal_original sealed, unsealed;
	size_t len;
	struct stat st;

	// A dump with a long run of zeros, and zeros at the end.
	assert_null(ey_write_all(a, text, SEAL_CHUNK + 7));
	assert_int_equal(pwrite(a, "end", 3, 20 * SEAL_CHUNK), 3);
	assert_int_equal(ftruncate(a, 31 * SEAL_CHUNK + 5), 0);
	lseek(a, 0, SEEK_SET);
	assert_null(seal_fd(a, b, &to, SEAL_DUMPS, &sealed));
	lseek(b, 0, SEEK_SET);
	assert_null(unseal_fd(b, c, &key, &unsealed));
	assert_int_equal(sealed.bytes, 31 * SEAL_CHUNK + 5);
	assert_int_equal(unsealed.bytes, sealed.bytes);
	assert_memory_equal(sealed.sha256, unsealed.sha256, SEAL_DIGEST_BYTES);
	assert_int_equal(fstat(c, &st), 0);
	assert_int_equal(st.st_size, sealed.bytes);
	assert_true((uint64_t)st.st_blocks * 512 < sealed.bytes / 2);
	assert_null(ey_file_read_whole(out, (size_t)st.st_size, &back, &len));
	assert_memory_equal(back, text, SEAL_CHUNK + 7);
	assert_memory_equal(back + 20 * (size_t)SEAL_CHUNK, "end", 3);
	unlink(in);
	unlink(mid);
	unlink(out);
}

static void test_public_keys(void **state)
{
	struct seal_recipients keys;
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	static const char *const bad[] = {
		"", "# nothing\n\n", "all\n", "all 00\n", "some %s\n", "all %s0\n", "%s\n",
	};
	char hex[65];

	sodium_bin2hex(hex, sizeof(hex), key.public_key, SEAL_KEY_BYTES);
	ey_buf_adds(&text, "# keys\n\n");
	seal_public_write(&text, SEAL_DUMPS, key.public_key, "the administrator");
	seal_public_write(&text, SEAL_TEXTS, other.public_key, NULL);
	assert_null(seal_public_read(text.data, text.len, &keys));
	assert_int_equal(keys.count, 2);
	assert_int_equal(keys.items[0].purpose, SEAL_DUMPS);
	assert_int_equal(keys.items[1].purpose, SEAL_TEXTS);
	assert_memory_equal(keys.items[1].key, other.public_key, SEAL_KEY_BYTES);
	for (size_t i = 0; i < EY_ARRAY_SIZE(bad); i++) {
		_cleanup_buf_ struct ey_buf line = EY_BUF_INIT;
		const char *at = strstr(bad[i], "%s");

		ey_buf_add(&line, bad[i], at ? (size_t)(at - bad[i]) : strlen(bad[i]));
		if (at)
			ey_buf_printf(&line, "%s%s", hex, at + 2);
		_cleanup_error_ struct ey_error *err =
			seal_public_read(ey_buf_str(&line), line.len, &keys);
		assert_non_null(err);
	}
	for (int i = 0; i < 16; i++)
		seal_public_write(&text, SEAL_ALL, key.public_key, NULL);
	_cleanup_error_ struct ey_error *many = seal_public_read(text.data, text.len, &keys);
	assert_non_null(many);
}

static void test_secret_keys(void **state)
{
	static const struct seal_effort quick = {1, 64 << 10};
	_cleanup_buf_ struct ey_buf plain = EY_BUF_INIT, locked = EY_BUF_INIT;
	struct seal_secret back;

	assert_null(seal_secret_write(&plain, &key, NULL, &quick));
	assert_false(seal_secret_is_locked(plain.data));
	assert_null(seal_secret_read(plain.data, plain.len, NULL, &back));
	assert_memory_equal(&back, &key, sizeof(key));

	assert_null(seal_secret_write(&locked, &key, "open sesame", &quick));
	assert_true(seal_secret_is_locked(locked.data));
	assert_null(seal_secret_read(locked.data, locked.len, "open sesame", &back));
	assert_memory_equal(&back, &key, sizeof(key));
	_cleanup_error_ struct ey_error *wrong =
		seal_secret_read(locked.data, locked.len, "open sesam", &back);
	assert_non_null(wrong);
	assert_int_equal(wrong->code, EY_ERR_INPUT);
	_cleanup_error_ struct ey_error *none =
		seal_secret_read(locked.data, locked.len, NULL, &back);
	assert_non_null(none);
	assert_int_equal(none->code, EY_ERR_USAGE);
	// A file that asks for all memory, or for years.
	static const char *const greedy[] = {
		"eyrie-seal-secret-1 argon2id 3 99999999999 00 00 00\n",
		"eyrie-seal-secret-1 argon2id 4000000000 65536 00 00 00\n",
		"eyrie-seal-secret-1 argon2id -1 65536 00 00 00\n",
		"eyrie-seal-secret-1 argon2id\n",
		"eyrie-seal-secret-1 plain 00\n",
		"eyrie-seal-secret-1 \n",
		"",
	};
	for (size_t i = 0; i < EY_ARRAY_SIZE(greedy); i++) {
		_cleanup_error_ struct ey_error *err =
			seal_secret_read(greedy[i], strlen(greedy[i]), "x", &back);
		assert_non_null(err);
		assert_int_equal(err->code, EY_ERR_INPUT);
	}
}

static void test_secret_for_all(void **state)
{
	char path[] = "/tmp/eyrie-seal-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	struct seal_secret back;

	assert_null(seal_secret_write(&text, &key, NULL, &seal_effort_default));
	assert_null(ey_write_all(fd, text.data, text.len));
	assert_null(seal_secret_load(path, NULL, &back));
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_null(seal_secret_load(path, NULL, &back));
	assert_int_equal(fchmod(fd, 0644), 0);
	_cleanup_error_ struct ey_error *err = seal_secret_load(path, NULL, &back);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "chmod 600"));
	unlink(path);
}

static void assert_sealed(const char *root, const char *path, const char *name, bool sealed)
{
	_cleanup_free_ char *full = NULL, *data = NULL;
	size_t len;

	assert_true(asprintf(&full, "%s/%s/%s", root, path, name) > 0);
	assert_null(ey_file_read_whole(full, 1 << 20, &data, &len));
	assert_int_equal(seal_is_sealed(data, len), sealed);
}

// The repository of hosts that may write and not read: a center with the key reads all of it.
static void test_repository(void **state)
{
	char root[] = "/tmp/eyrie-seal-XXXXXX", dump[] = "/tmp/eyrie-seal-XXXXXX", command[64];
	_cleanup_close_ int fd = mkstemp(dump), plain = -1;
	_cleanup_buf_ struct ey_buf keys = EY_BUF_INIT, secret = EY_BUF_INIT;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	_cleanup_free_ char *path = NULL, *text = NULL, *key_path = NULL, *victim = NULL;
	const struct store_crash crash = {.site = "north",
					  .hostname = "web-01",
					  .time = 1795435200,
					  .id = "a crash",
					  .record = {"{}", 2},
					  .analysis = {"crash> bt", 9},
					  .vmcore_fd = fd,
					  .may_link = true};
	struct store_filed filed;
	char back[5] = "";
	uint64_t size;

	assert_non_null(mkdtemp(root));
	assert_null(ey_write_all(fd, "dump", 4));
	assert_null(store_open(root, 0, &store));
	// Nothing published: nothing is sealed. Keys that are damaged: nothing is filed.
	assert_null(store_set_recipients(store, NULL));
	assert_false(store_seals(store, SEAL_DUMPS));
	assert_null(store_put(store, SEAL_PUBLIC_FILE, "all 1234\n", 9));
	_cleanup_error_ struct ey_error *bad = store_set_recipients(store, "auto");
	assert_non_null(bad);
	seal_public_write(&keys, SEAL_ALL, key.public_key, "center");
	assert_null(store_put(store, SEAL_PUBLIC_FILE, keys.data, keys.len));
	assert_null(store_set_recipients(store, "auto"));
	assert_true(store_seals(store, SEAL_DUMPS) && store_seals(store, SEAL_TEXTS));
	assert_null(store_file(store, &crash, &filed));
	path = filed.path;
	assert_sealed(root, path, STORE_RECORD, true);
	assert_sealed(root, path, STORE_ANALYSIS, true);
	assert_sealed(root, path, STORE_VMCORE, true);
	assert_sealed(root, path, STORE_CHECKSUMS, false);

	assert_null(store_entry_open(store, path, &entry));
	assert_null(store_entry_verify(entry));
	_cleanup_error_ struct ey_error *no_key =
		store_entry_read(entry, STORE_RECORD, 100, &text, NULL);
	assert_non_null(no_key);
	assert_int_equal(no_key->code, EY_ERR_INPUT);
	assert_non_null(strstr(no_key->message, "seal_secret"));
	_cleanup_error_ struct ey_error *no_dump =
		store_entry_open_plain(entry, STORE_VMCORE, &plain, &size);
	assert_non_null(no_dump);

	assert_true(asprintf(&key_path, "%s/secret", root) > 0);
	assert_null(seal_secret_write(&secret, &key, NULL, &seal_effort_default));
	assert_null(ey_file_write_whole(key_path, 0600, secret.data, secret.len));
	assert_null(store_set_secret(store, key_path));
	assert_null(store_entry_read(entry, STORE_RECORD, 100, &text, NULL));
	assert_string_equal(text, "{}");
	free(text);
	text = NULL;
	_cleanup_error_ struct ey_error *large =
		store_entry_read(entry, STORE_ANALYSIS, 8, &text, NULL);
	assert_non_null(large);
	assert_null(store_entry_open_plain(entry, STORE_VMCORE, &plain, &size));
	assert_int_equal(size, 4);
	assert_int_equal(read(plain, back, 4), 4);
	assert_string_equal(back, "dump");

	// A dump that comes later is sealed as well, and compared with what was announced.
	uint64_t bytes;
	bool already;
	char right[STORE_DIGEST_TEXT];
	assert_null(store_entry_remove_dump(entry, &bytes));
	char wrong[STORE_DIGEST_TEXT];
	store_hash_bytes("dump", 4, right);
	store_hash_bytes("pump", 4, wrong);
	_cleanup_error_ struct ey_error *other_dump = store_entry_add_dump(
		entry, &(struct store_new_dump){.fd = fd, .sha256 = wrong}, &already);
	assert_non_null(other_dump);
	assert_int_equal(other_dump->code, EY_ERR_INPUT);
	assert_null(store_entry_add_dump(entry, &(struct store_new_dump){.fd = fd, .sha256 = right},
					 &already));
	assert_sealed(root, path, STORE_VMCORE, true);
	assert_null(store_entry_verify(entry));

	// Damaged on the disk: it is not given out.
	assert_true(asprintf(&victim, "%s/%s/vmcore", root, path) > 0);
	_cleanup_close_ int damaged = open(victim, O_WRONLY);
	assert_int_equal(pwrite(damaged, "x", 1, 150), 1);
	close(no_cleanup_fd(plain));
	_cleanup_error_ struct ey_error *damage =
		store_entry_open_plain(entry, STORE_VMCORE, &plain, &size);
	assert_non_null(damage);
	assert_non_null(strstr(damage->message, "damaged"));
	unlink(dump);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),	cmocka_unit_test(test_any_bit),
		cmocka_unit_test(test_other_recipient), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_moved_chunks),	cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_claims),		cmocka_unit_test(test_false_original),
		cmocka_unit_test(test_files),		cmocka_unit_test(test_public_keys),
		cmocka_unit_test(test_secret_keys),	cmocka_unit_test(test_secret_for_all),
		cmocka_unit_test(test_repository),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
