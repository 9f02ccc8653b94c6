/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One crash of the repository: its files listed, read, checked, added and removed. */
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/backend.h"
#include "store/sealed.h"

struct ey_error *store_entry_open(struct store *store, const char *path, struct store_entry **ret)
{
	_cleanup_free_ struct store_entry *e = calloc(1, sizeof(*e));
	_cleanup_free_ char *copy = strdup(path), *names = strdup(path);
	char *parts[3], *rest = names;

	if (!e || !copy || !names)
		return &ey_error_nomem;
	for (size_t i = 0; i < EY_ARRAY_SIZE(parts); i++) {
		parts[i] = strsep(&rest, "/");
		if (!parts[i] || !ey_name_is_safe(parts[i]))
			return ey_error_create(EY_ERR_INPUT, "not the path of a crash: \"%.300s\"",
					       path);
	}
	if (rest)
		return ey_error_create(EY_ERR_INPUT, "not the path of a crash: \"%.300s\"", path);
	e->store = store;
	e->path = copy;
	e->site = parts[0];
	e->host = parts[1];
	e->name = parts[2];
	store_parse_name(e->name, &e->time, e->id);
	struct ey_error *err = store->ops->entry_open(e);
	if (err)
		return err;
	copy = names = NULL; // the entry's now
	*ret = no_cleanup_ptr(e);
	return NULL;
}

void store_entry_destroy(struct store_entry *e)
{
	if (!e)
		return;
	e->store->ops->entry_close(e);
	free((char *)e->path);
	free((char *)e->site);
	free(e);
}

void store_files_deinit(struct store_files *files)
{
	free(files->files);
	*files = (struct store_files){0};
}

static struct ey_error *check_name(const char *name)
{
	if (ey_name_is_safe(name))
		return NULL;
	return ey_error_create(EY_ERR_INPUT, "not a file's name: \"%.300s\"", name);
}

struct ey_error *store_entry_filed(const struct store_entry *entry, int64_t *ret)
{
	return entry->store->ops->entry_filed(entry, ret);
}

struct ey_error *store_entry_list(const struct store_entry *entry, struct store_files *ret)
{
	*ret = (struct store_files){0};
	return entry->store->ops->entry_list(entry, ret);
}

struct ey_error *store_entry_stat(const struct store_entry *entry, const char *name,
				  struct store_file_info *ret)
{
	struct ey_error *err = check_name(name);

	return err ? err : entry->store->ops->entry_stat(entry, name, ret);
}

struct ey_error *store_entry_open_file(const struct store_entry *entry, const char *name,
				       int *fd_ret, uint64_t *size_ret)
{
	struct ey_error *err = check_name(name);

	return err ? err : entry->store->ops->entry_open_file(entry, name, fd_ret, size_ret);
}

struct ey_error *store_entry_open_reader(const struct store_entry *entry, const char *name,
					 struct store_reader **ret)
{
	struct ey_error *err = check_name(name);

	return err ? err : entry->store->ops->entry_open_reader(entry, name, ret);
}

// What was read is what was filed, where somebody kept its checksum.
static struct ey_error *check_read(const struct store_entry *entry, const char *name,
				   const char *data, size_t len)
{
	char want[STORE_DIGEST_TEXT], is[STORE_DIGEST_TEXT];

	if (!strcmp(name, STORE_CHECKSUMS))
		return NULL;
	struct ey_error *err = store_entry_checksum(entry, name, want);
	if (err || !*want)
		return err;
	store_hash_bytes(data, len, is);
	return strcmp(want, is) != 0 ? ey_error_create(EY_ERR_INPUT, STORE_DAMAGED) : NULL;
}

struct ey_error *store_entry_read(const struct store_entry *entry, const char *name, size_t max,
				  char **data_ret, size_t *len_ret)
{
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	_cleanup_free_ char *data = NULL;
	char head[SEAL_MAGIC_BYTES];
	size_t len, n, room = max;
	struct ey_error *err = store_entry_open_reader(entry, name, &reader);

	if (err)
		return err;
	// Sealed, it is a little longer.
	if (reader->size > max && max < SIZE_MAX / 2) {
		err = store_reader_read(reader, 0, head, sizeof(head), &n);
		if (!err && seal_is_sealed(head, n))
			room = seal_size(max);
	}
	if (!err)
		err = store_reader_read_whole(reader, room, &data, &len);
	if (!err)
		err = check_read(entry, name, data, len);
	if (!err)
		err = store_unseal_text(entry->store, max, &data, &len);
	if (err)
		return ey_error_prefix(err, "%s: %s", entry->path, name);
	*data_ret = no_cleanup_ptr(data);
	if (len_ret)
		*len_ret = len;
	return NULL;
}

struct ey_error *store_entry_put(const struct store_entry *entry, const char *name,
				 const char *data, size_t len)
{
	struct ey_error *err = check_name(name);

	return err ? err : entry->store->ops->entry_put(entry, name, data, len);
}

struct ey_error *store_entry_add_dump(const struct store_entry *entry,
				      const struct store_new_dump *dump, bool *already_ret)
{
	struct store_new_dump d = *dump;
	_cleanup_close_ int sealed = -1;
	char hex[STORE_DIGEST_TEXT];
	bool already = false;
	struct stat st;

	if (!d.name)
		d.name = STORE_VMCORE;
	struct ey_error *err = check_name(d.name);
	if (!err && (fstat(d.fd, &st) < 0 || !S_ISREG(st.st_mode)))
		err = ey_error_create(EY_ERR_INPUT, "the dump is not a regular file");
	if (!err && store_seals(entry->store, SEAL_DUMPS)) {
		err = store_seal_dump(entry->store, d.fd, &sealed, hex);
		if (!err && d.sha256 && strcmp(d.sha256, hex) != 0)
			err = ey_error_create(EY_ERR_INPUT, "the dump is not what was announced: "
							    "its checksum differs");
		d.fd = sealed;
		d.may_link = true;
		d.sha256 = NULL;
	}
	if (!err)
		err = entry->store->ops->entry_add_dump(entry, &d, &already);
	if (already_ret)
		*already_ret = already;
	return ey_error_prefix(err, "%s", entry->path);
}

struct ey_error *store_entry_remove(const struct store_entry *entry, const char *name,
				    uint64_t *bytes_ret)
{
	struct ey_error *err = check_name(name);

	*bytes_ret = 0;
	return err ? err : entry->store->ops->entry_remove(entry, name, bytes_ret);
}

struct ey_error *store_entry_remove_dump(const struct store_entry *entry, uint64_t *bytes_ret)
{
	return store_entry_remove(entry, STORE_VMCORE, bytes_ret);
}

struct ey_error *store_entry_had_dump(const struct store_entry *entry, bool *ret)
{
	_cleanup_free_ char *text = NULL;
	char hex[STORE_DIGEST_TEXT];
	struct store_file_info info;
	struct ey_error *err = store_entry_stat(entry, STORE_VMCORE, &info);

	*ret = !err;
	if (!err || err->code != EY_ERR_NOT_FOUND)
		return err;
	ey_error_destroy(err);
	// "" where it was filed by somebody else, who kept no sums.
	err = store_checksums_read(entry, &text);
	if (!err)
		*ret = store_checksums_find(text, STORE_VMCORE, hex);
	return err;
}

struct ey_error *store_entry_checksum(const struct store_entry *entry, const char *name,
				      char hex_ret[STORE_SHA256_TEXT])
{
	_cleanup_free_ char *text = NULL;
	struct ey_error *err = store_checksums_read(entry, &text);

	if (err || !store_checksums_find(text, name, hex_ret))
		*hex_ret = '\0';
	return err;
}

// One line of sha256sum's: the digest, two spaces (or " *"), the name.
static struct ey_error *verify_line(const struct store_entry *entry, char *line)
{
	enum { DIGITS = STORE_DIGEST_TEXT - 1 };
	char hex[STORE_DIGEST_TEXT];
	_cleanup_store_reader_ struct store_reader *reader = NULL;

	if (strlen(line) < DIGITS + 3 || strspn(line, "0123456789abcdef") != DIGITS ||
	    line[DIGITS] != ' ')
		return ey_error_create(EY_ERR_INPUT, "%s: %s: not a line of sha256sum", entry->path,
				       STORE_CHECKSUMS);
	const char *name = line + DIGITS + 2;
	struct ey_error *err = store_entry_open_reader(entry, name, &reader);
	// The dump goes at the end of its retention, its checksum stays.
	if (err && err->code == EY_ERR_NOT_FOUND && !strcmp(name, STORE_VMCORE)) {
		ey_error_destroy(err);
		return NULL;
	}
	if (!err)
		err = ey_error_prefix(store_reader_hash(reader, hex), "%s: %s", entry->path, name);
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
		store_entry_read(entry, STORE_CHECKSUMS, STORE_MAX_CHECKSUMS_BYTES, &text, NULL);
	char *rest = text;

	for (char *line; !err && (line = strsep(&rest, "\n"));) {
		if (*line)
			err = verify_line(entry, line);
	}
	return err;
}
