/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One crash of the repository: its files read, checked, and its dump removed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/internal.h"

enum { MAX_CHECKSUMS_BYTES = 1 << 20 };

struct ey_error *store_entry_open(struct store *store, const char *path, struct store_entry **ret)
{
	_cleanup_store_entry_ struct store_entry *e = calloc(1, sizeof(*e));
	_cleanup_close_ int site = -1, host = -1;
	char *parts[3];

	if (!e)
		return &ey_error_nomem;
	e->dirfd = -1;
	e->path = strdup(path);
	e->site = strdup(path);
	if (!e->path || !e->site)
		return &ey_error_nomem;
	char *rest = (char *)e->site;
	for (size_t i = 0; i < EY_ARRAY_SIZE(parts); i++) {
		parts[i] = strsep(&rest, "/");
		if (!parts[i] || !ey_name_is_safe(parts[i]))
			return ey_error_create(EY_ERR_INPUT, "not the path of a crash: \"%.300s\"",
					       path);
	}
	if (rest)
		return ey_error_create(EY_ERR_INPUT, "not the path of a crash: \"%.300s\"", path);
	e->host = parts[1];
	e->name = parts[2];
	store_parse_name(e->name, &e->time, e->id);
	site = store_open_dir(store->fd, e->site);
	if (site >= 0)
		host = store_open_dir(site, e->host);
	if (host >= 0)
		e->dirfd = store_open_dir(host, e->name);
	if (e->dirfd < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot open %s/%s", store->root, path);
	*ret = no_cleanup_ptr(e);
	return NULL;
}

void store_entry_destroy(struct store_entry *e)
{
	if (!e)
		return;
	if (e->dirfd >= 0)
		close(e->dirfd);
	free((char *)e->path);
	free((char *)e->site);
	free(e);
}

struct ey_error *store_entry_open_file(const struct store_entry *entry, const char *name,
				       int *fd_ret, uint64_t *size_ret)
{
	if (!ey_name_is_safe(name))
		return ey_error_create(EY_ERR_INPUT, "not a file's name: \"%.300s\"", name);
	return ey_error_prefix(store_open_regular(entry->dirfd, name, fd_ret, size_ret), "%s",
			       entry->path);
}

static struct ey_error *read_all(int fd, size_t max, char **data_ret, size_t *len_ret)
{
	size_t capacity = 4096, len = 0;
	_cleanup_free_ char *data = malloc(capacity + 1);

	if (!data)
		return &ey_error_nomem;
	for (;;) {
		ssize_t n = read(fd, data + len, capacity - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot read");
		if (!n)
			break;
		len += (size_t)n;
		if (len > max)
			return ey_error_create(EY_ERR_INPUT, "larger than %zu bytes", max);
		if (len == capacity) {
			char *more = realloc(data, capacity * 2 + 1);

			if (!more)
				return &ey_error_nomem;
			data = more;
			capacity *= 2;
		}
	}
	data[len] = '\0';
	*data_ret = no_cleanup_ptr(data);
	if (len_ret)
		*len_ret = len;
	return NULL;
}

struct ey_error *store_entry_read(const struct store_entry *entry, const char *name, size_t max,
				  char **data_ret, size_t *len_ret)
{
	_cleanup_close_ int fd = -1;
	uint64_t size;
	struct ey_error *err = store_entry_open_file(entry, name, &fd, &size);

	if (!err && size > max)
		err = ey_error_create(EY_ERR_INPUT, "%s: %s is larger than %zu bytes", entry->path,
				      name, max);
	if (err)
		return err;
	return ey_error_prefix(read_all(fd, max, data_ret, len_ret), "%s: %s", entry->path, name);
}

struct ey_error *store_entry_remove_dump(const struct store_entry *entry, uint64_t *bytes_ret)
{
	struct stat st;

	*bytes_ret = 0;
	if (fstatat(entry->dirfd, STORE_VMCORE, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return NULL;
		return ey_error_errno(EY_ERR_IO, errno, "%s: cannot stat the dump", entry->path);
	}
	if (S_ISDIR(st.st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s: %s is a folder", entry->path,
				       STORE_VMCORE);
	if (unlinkat(entry->dirfd, STORE_VMCORE, 0) < 0 && errno != ENOENT)
		return ey_error_errno(EY_ERR_IO, errno, "%s: cannot remove the dump", entry->path);
	*bytes_ret = (uint64_t)st.st_size;
	return NULL;
}

struct ey_error *store_entry_had_dump(const struct store_entry *entry, bool *ret)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;

	*ret = !fstatat(entry->dirfd, STORE_VMCORE, &st, AT_SYMLINK_NOFOLLOW);
	if (*ret)
		return NULL;
	struct ey_error *err =
		store_entry_read(entry, STORE_CHECKSUMS, MAX_CHECKSUMS_BYTES, &text, NULL);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		// Filed by somebody else, who kept no sums.
		ey_error_destroy(err);
		return NULL;
	}
	if (!err)
		*ret = strstr(text, "  " STORE_VMCORE "\n");
	return err;
}

// One line of sha256sum's: the digest, two spaces (or " *"), the name.
static struct ey_error *verify_line(const struct store_entry *entry, char *line)
{
	enum { DIGITS = STORE_DIGEST_TEXT - 1 };
	char hex[STORE_DIGEST_TEXT];
	_cleanup_close_ int fd = -1;

	if (strlen(line) < DIGITS + 3 || strspn(line, "0123456789abcdef") != DIGITS ||
	    line[DIGITS] != ' ')
		return ey_error_create(EY_ERR_INPUT, "%s: %s: not a line of sha256sum", entry->path,
				       STORE_CHECKSUMS);
	const char *name = line + DIGITS + 2;
	struct ey_error *err = store_entry_open_file(entry, name, &fd, NULL);
	// The dump goes at the end of its retention, its checksum stays.
	if (err && err->code == EY_ERR_NOT_FOUND && !strcmp(name, STORE_VMCORE)) {
		ey_error_destroy(err);
		return NULL;
	}
	if (!err)
		err = ey_error_prefix(store_hash_fd(fd, hex), "%s: %s", entry->path, name);
	if (!err && strncmp(hex, line, DIGITS) != 0)
		err = ey_error_create(EY_ERR_INPUT,
				      "%s: %s is not what was filed: its checksum "
				      "differs",
				      entry->path, name);
	return err;
}

struct ey_error *store_entry_verify(const struct store_entry *entry)
{
	_cleanup_free_ char *text = NULL;
	struct ey_error *err =
		store_entry_read(entry, STORE_CHECKSUMS, MAX_CHECKSUMS_BYTES, &text, NULL);
	char *rest = text;

	for (char *line; !err && (line = strsep(&rest, "\n"));) {
		if (*line)
			err = verify_line(entry, line);
	}
	return err;
}
