/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealing between the callers of the repository and what it lies on. */
#include "store/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/file.h"

struct ey_error *store_set_recipients(struct store *store, const char *seal_to)
{
	_cleanup_free_ struct seal_recipients *to = NULL;
	_cleanup_free_ char *text = NULL;
	bool automatic = !seal_to || !strcmp(seal_to, "auto");
	struct ey_error *err;
	size_t len;

	free(store->seal_to);
	store->seal_to = NULL;
	if (!automatic && !strcmp(seal_to, "no"))
		return NULL;
	err = automatic ? store_read(store, SEAL_PUBLIC_FILE, SEAL_KEY_FILE_MAX, &text, &len)
			: ey_file_read_whole(seal_to, SEAL_KEY_FILE_MAX, &text, &len);
	if (err && automatic && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	to = malloc(sizeof(*to));
	if (!to)
		return &ey_error_nomem;
	// Never unsealed because of keys that cannot be read.
	err = ey_error_prefix(seal_public_read(text, len, to), "%s%s%s",
			      automatic ? store->root : seal_to, automatic ? "/" : "",
			      automatic ? SEAL_PUBLIC_FILE : "");
	if (!err)
		store->seal_to = no_cleanup_ptr(to);
	return err;
}

struct ey_error *store_set_secret(struct store *store, const char *path)
{
	struct seal_secret *secret = store->secret;

	if (!path)
		return NULL;
	if (!secret)
		secret = calloc(1, sizeof(*secret));
	if (!secret)
		return &ey_error_nomem;
	store->secret = secret;
	struct ey_error *err = seal_secret_load(path, NULL, secret);
	if (err)
		store_seal_deinit(store);
	return err;
}

void store_seal_deinit(struct store *store)
{
	if (store->secret)
		seal_secret_deinit(store->secret);
	free(store->secret);
	free(store->seal_to);
	store->secret = NULL;
	store->seal_to = NULL;
}

bool store_seals(const struct store *store, enum seal_purpose purpose)
{
	for (size_t i = 0; store->seal_to && i < store->seal_to->count; i++) {
		if (store->seal_to->items[i].purpose & purpose)
			return true;
	}
	return false;
}

struct ey_error *store_seal_part(const struct store *store, struct store_part *part,
				 struct ey_buf *buf)
{
	if (!part->data || !store_seals(store, SEAL_TEXTS))
		return NULL;
	struct ey_error *err = seal_memory(part->data, part->len, store->seal_to, SEAL_TEXTS, buf);
	if (!err)
		*part = (struct store_part){ey_buf_str(buf), buf->len};
	return err;
}

// A file without a name: where the repository lies, so that it can be linked, or in $TMPDIR.
static struct ey_error *nameless(struct store *store, int *ret)
{
	const char *dir = getenv("TMPDIR");
	_cleanup_close_ int staging = -1;

	dir = dir && *dir ? dir : "/var/tmp";
	_cleanup_error_ struct ey_error *none = store ? store_staging_open(store, &staging) : NULL;
	*ret = staging < 0 ? -1 : openat(staging, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*ret < 0)
		*ret = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*ret < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot make a file in %s", dir);
	return NULL;
}

struct ey_error *store_seal_dump(struct store *store, int fd, int *fd_ret, char *hex_ret)
{
	struct seal_original original;
	_cleanup_close_ int out = -1;
	struct ey_error *err = nameless(store, &out);

	if (!err && lseek(fd, 0, SEEK_SET) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot read the dump");
	if (!err)
		err = seal_fd(fd, out, store->seal_to, SEAL_DUMPS, &original);
	if (err)
		return err;
	if (hex_ret)
		sodium_bin2hex(hex_ret, STORE_DIGEST_TEXT, original.sha256, SEAL_DIGEST_BYTES);
	*fd_ret = no_cleanup_fd(out);
	return NULL;
}

static struct ey_error *need_key(const struct store *store, const void *head, size_t len)
{
	struct seal_header header;
	struct ey_error *err = seal_header_read(head, len, &header);

	if (err || store->secret)
		return err;
	return ey_error_create(EY_ERR_INPUT,
			       "sealed to key %s: set [repository] seal_secret to its secret key",
			       header.ids[0]);
}

struct ey_error *store_unseal_text(const struct store *store, size_t max, char **data, size_t *len)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	if (!seal_is_sealed(*data, *len))
		return *len > max ? ey_error_create(EY_ERR_INPUT, "larger than %zu bytes", max)
				  : NULL;
	struct ey_error *err = need_key(store, *data, *len);
	if (!err)
		err = unseal_memory(*data, *len, store->secret, max, &out);
	if (err)
		return err;
	size_t plain_len = 0;
	// An empty text has no buffer.
	char *plain = out.data ? ey_buf_steal(&out, &plain_len) : strdup("");
	if (!plain)
		return &ey_error_nomem;
	free(*data);
	*data = plain;
	*len = plain_len;
	return NULL;
}

struct ey_error *store_entry_open_plain(const struct store_entry *entry, const char *name,
					int *fd_ret, uint64_t *size_ret)
{
	_cleanup_close_ int fd = -1, out = -1;
	unsigned char head[SEAL_HEADER_MAX];
	struct seal_original original;
	uint64_t size;
	struct ey_error *err = store_entry_verify_file(entry, name);

	if (!err)
		err = store_entry_open_file(entry, name, &fd, &size);
	if (err)
		return err;
	ssize_t n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return ey_error_errno(EY_ERR_IO, errno, "%s: cannot read %s", entry->path, name);
	if (seal_is_sealed(head, (size_t)n)) {
		err = need_key(entry->store, head, (size_t)n);
		if (!err)
			err = nameless(NULL, &out);
		if (!err)
			err = unseal_fd(fd, out, entry->store->secret, &original);
		if (err)
			return ey_error_prefix(err, "%s: %s", entry->path, name);
		size = original.bytes;
		*fd_ret = no_cleanup_fd(out);
	} else {
		*fd_ret = no_cleanup_fd(fd);
	}
	if (size_ret)
		*size_ret = size;
	if (lseek(*fd_ret, 0, SEEK_SET) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "%s: cannot read %s", entry->path, name);
	return NULL;
}

struct ey_error *store_entry_verify_file(const struct store_entry *entry, const char *name)
{
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	char want[STORE_DIGEST_TEXT], is[STORE_DIGEST_TEXT];
	_cleanup_free_ char *sums = NULL;
	struct ey_error *err = store_checksums_read(entry, &sums);

	// Filed by somebody else, who kept no sums: nothing to compare with.
	if (err || !store_checksums_find(sums, name, want))
		return err;
	err = store_entry_open_reader(entry, name, &reader);
	if (!err)
		err = store_reader_hash(reader, is);
	if (!err && strcmp(want, is) != 0)
		err = ey_error_create(EY_ERR_INPUT,
				      "%s: %s is not what was filed: its checksum differs; the "
				      "file is damaged",
				      entry->path, name);
	return err;
}
