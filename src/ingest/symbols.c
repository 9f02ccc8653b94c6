/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/symbols.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/vmlinux.h"
#include "base/cleanup.h"
#include "base/file.h"

enum {
	BLOCK = 1 << 20,
	/** Files that an archive may hold; a kernel's debuginfo has some thousands. */
	MAX_ENTRIES = 200000,
};
#define DEFAULT_MAX_FILE  (UINT64_C(4) << 30)
#define DEFAULT_MAX_TOTAL (UINT64_C(16) << 30)

struct adding {
	const struct symbols_options *o;
	struct symbols_added *r;
	/** Where a file is written before it is known what it is. */
	char temp[PATH_MAX];
	uint64_t total;
	uint64_t entries;
};

void symbols_options_load(struct symbols_options *ret, const struct ey_config *config)
{
	if (!ret->root)
		ret->root = ey_config_string(config, "symbols", "path", SYMBOLS_DEFAULT_PATH);
}

static bool is_build_id(const char *s)
{
	size_t n = strlen(s);

	return n >= 8 && n < VMLINUX_BUILD_ID_SIZE && strspn(s, "0123456789abcdef") == n;
}

static struct ey_error *place_of(const struct symbols_options *o, const char *build_id,
				 const char *suffix, char **ret)
{
	if (!is_build_id(build_id))
		return ey_error_create(EY_ERR_INPUT, "\"%.40s\" is not a build id", build_id);
	if (asprintf(ret, "%s/.build-id/%.2s/%s%s", o->root, build_id, build_id + 2, suffix) < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

bool symbols_has(const struct symbols_options *options, const char *build_id)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_error_ struct ey_error *err = place_of(options, build_id, ".debug", &path);

	return !err && !access(path, R_OK);
}

// What lies at a->temp, where it is debuginfo and not there yet; else it is removed.
static struct ey_error *keep_temp(struct adding *a, const char *name, uint64_t bytes)
{
	_cleanup_free_ char *place = NULL, *label = NULL, *folder = NULL;
	char build_id[VMLINUX_BUILD_ID_SIZE];
	bool debuginfo = false;
	struct ey_error *err = vmlinux_read_build_id(a->temp, build_id, &debuginfo);

	if ((err && err->code == EY_ERR_INPUT) ||
	    (!err && (!debuginfo || !is_build_id(build_id)))) {
		ey_error_destroy(err);
		unlink(a->temp);
		a->r->passed_over++;
		return NULL;
	}
	if (!err)
		err = place_of(a->o, build_id, ".debug", &place);
	if (!err)
		err = place_of(a->o, build_id, ".name", &label);
	if (!err && place && !access(place, F_OK)) {
		unlink(a->temp);
		a->r->known++;
		return NULL;
	}
	folder = place ? strndup(place, (size_t)(strrchr(place, '/') - place)) : NULL;
	if (!err && !folder)
		err = &ey_error_nomem;
	if (!err)
		err = ey_mkdir_parents(folder, 0755);
	if (!err)
		err = ey_file_write_whole(label, 0644, name, strlen(name));
	if (!err && rename(a->temp, place) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot put %s in place", place);
	if (err) {
		unlink(a->temp);
		return err;
	}
	a->r->added++;
	a->r->bytes += bytes;
	return NULL;
}

static struct ey_error *open_temp(struct adding *a, int *fd_ret)
{
	snprintf(a->temp, sizeof(a->temp), "%s/" EY_TEMP_PREFIX "XXXXXX", a->o->root);
	*fd_ret = mkostemp(a->temp, O_CLOEXEC);
	if (*fd_ret < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write into %s", a->o->root);
	if (fchmod(*fd_ret, 0644) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot set the mode of %s", a->temp);
	return NULL;
}

// As much of it is checked as is written, whatever a header says of its size.
static struct ey_error *count_bytes(struct adding *a, const char *name, uint64_t bytes, size_t more)
{
	uint64_t max_file = a->o->max_file ? a->o->max_file : DEFAULT_MAX_FILE;
	uint64_t max_total = a->o->max_total ? a->o->max_total : DEFAULT_MAX_TOTAL;

	a->total += more;
	if (bytes + more > max_file || a->total > max_total)
		return ey_error_create(EY_ERR_INPUT, "%.200s is larger than is taken in", name);
	return NULL;
}

typedef ssize_t read_fn(void *arg, void *buf, size_t len);

static struct ey_error *take_stream(struct adding *a, const char *name, read_fn *read_some,
				    void *arg)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *block = malloc(BLOCK);
	uint64_t bytes = 0;
	ssize_t n = 0;
	struct ey_error *err = block ? open_temp(a, &fd) : &ey_error_nomem;

	while (!err && (n = read_some(arg, block, BLOCK)) > 0) {
		// No ELF file of 64 bits: most of what a package holds.
		if (!bytes && (n < 5 || memcmp(block, "\177ELF\2", 5) != 0)) {
			unlink(a->temp);
			a->r->passed_over++;
			return NULL;
		}
		err = count_bytes(a, name, bytes, (size_t)n);
		if (!err)
			err = ey_write_all(fd, block, (size_t)n);
		bytes += (uint64_t)n;
	}
	if (!err && n < 0)
		err = ey_error_create(EY_ERR_INPUT, "%.200s cannot be read to its end", name);
	if (!err && fsync(fd) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot write %s", a->temp);
	if (err) {
		unlink(a->temp);
		return err;
	}
	return keep_temp(a, name, bytes);
}

static ssize_t read_fd(void *arg, void *buf, size_t len)
{
	return read(*(int *)arg, buf, len);
}

static struct ey_error *add_file(struct adding *a, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return ey_error_errno(EY_ERR_INPUT, errno, "cannot open %s", path);
	return take_stream(a, path, read_fd, &fd);
}

static struct ey_error *add_folder(struct adding *a, const char *path)
{
	char *const paths[] = {(char *)(uintptr_t)path, NULL};
	struct ey_error *err = NULL;
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

	if (!fts)
		return ey_error_errno(EY_ERR_INPUT, errno, "cannot read %s", path);
	for (FTSENT *e; !err && (e = fts_read(fts));) {
		if (e->fts_info == FTS_F && ++a->entries <= MAX_ENTRIES)
			err = add_file(a, e->fts_path);
	}
	fts_close(fts);
	return err;
}

static ssize_t read_entry(void *arg, void *buf, size_t len)
{
	return archive_read_data(arg, buf, len);
}

/** The archive within a .deb, fed by the member of the outer one. */
struct inner {
	struct archive *outer;
	char block[64 << 10];
};

static la_ssize_t read_inner(struct archive *archive, void *arg, const void **buf)
{
	struct inner *inner = arg;

	*buf = inner->block;
	return archive_read_data(inner->outer, inner->block, sizeof(inner->block));
}

static struct ey_error *walk_archive(struct adding *a, struct archive *archive, const char *path,
				     bool nested);

static struct ey_error *walk_inner(struct adding *a, struct archive *outer, const char *path)
{
	_cleanup_free_ struct inner *inner = calloc(1, sizeof(*inner));
	struct archive *archive = archive_read_new();
	struct ey_error *err = NULL;

	if (!inner || !archive) {
		archive_read_free(archive);
		return &ey_error_nomem;
	}
	inner->outer = outer;
	archive_read_support_filter_all(archive);
	archive_read_support_format_tar(archive);
	if (archive_read_open(archive, inner, NULL, read_inner, NULL) != ARCHIVE_OK)
		err = ey_error_create(EY_ERR_INPUT, "%s: the package's files cannot be read: %s",
				      path, archive_error_string(archive));
	else
		err = walk_archive(a, archive, path, true);
	archive_read_free(archive);
	return err;
}

static struct ey_error *walk_archive(struct adding *a, struct archive *archive, const char *path,
				     bool nested)
{
	struct archive_entry *entry;
	struct ey_error *err = NULL;
	int code = ARCHIVE_OK;

	while (!err && (code = archive_read_next_header(archive, &entry)) >= ARCHIVE_WARN &&
	       code != ARCHIVE_EOF) {
		const char *name = archive_entry_pathname(entry);

		if (++a->entries > MAX_ENTRIES)
			return ey_error_create(EY_ERR_INPUT, "%s holds too many files", path);
		if (!name || archive_entry_filetype(entry) != AE_IFREG)
			continue;
		if (!nested && !strncmp(name, "data.tar", 8))
			err = walk_inner(a, archive, path);
		else
			err = take_stream(a, name, read_entry, archive);
	}
	if (!err && code != ARCHIVE_EOF)
		err = ey_error_create(EY_ERR_INPUT, "%s cannot be read: %s", path,
				      archive_error_string(archive));
	return err;
}

static struct ey_error *add_archive(struct adding *a, const char *path)
{
	struct archive *archive = archive_read_new();
	struct ey_error *err = NULL;

	if (!archive)
		return &ey_error_nomem;
	archive_read_support_filter_all(archive);
	archive_read_support_format_all(archive);
	if (archive_read_open_filename(archive, path, BLOCK) != ARCHIVE_OK)
		err = ey_error_create(EY_ERR_INPUT, "%s is neither an ELF file nor a package: %s",
				      path, archive_error_string(archive));
	else
		err = walk_archive(a, archive, path, false);
	archive_read_free(archive);
	return err;
}

struct ey_error *symbols_add(const struct symbols_options *options, const char *path,
			     struct symbols_added *ret)
{
	struct adding a = {.o = options, .r = ret};
	char magic[5] = "";
	struct stat st;

	*ret = (struct symbols_added){0};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ey_error_errno(EY_ERR_INPUT, errno, "cannot open %s", path);
	struct ey_error *err = ey_mkdir_parents(options->root, 0755);
	if (err)
		return err;
	if (S_ISDIR(st.st_mode))
		err = add_folder(&a, path);
	else if (read(fd, magic, sizeof(magic)) == sizeof(magic) && !memcmp(magic, "\177ELF", 4))
		err = add_file(&a, path);
	else
		err = add_archive(&a, path);
	if (!err && !ret->added && !ret->known)
		err = ey_error_create(EY_ERR_INPUT,
				      "%s holds no file with a build id and debuginfo", path);
	return err;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **items;
	size_t count;
};

static void names_deinit(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
}

static struct ey_error *read_names(const char *path, struct names *ret)
{
	DIR *dir = opendir(path);
	struct ey_error *err = NULL;

	if (!dir)
		return errno == ENOENT ? NULL
				       : ey_error_errno(EY_ERR_IO, errno, "cannot read %s", path);
	for (const struct dirent *e; !err && (e = readdir(dir));) {
		char **more = reallocarray(ret->items, ret->count + 1, sizeof(*more));

		if (more)
			ret->items = more;
		if (!more || !(ret->items[ret->count] = strdup(e->d_name)))
			err = &ey_error_nomem;
		else
			ret->count++;
	}
	closedir(dir);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return err;
}

static struct ey_error *list_one(const struct symbols_options *o, const char *first,
				 const char *rest,
				 struct ey_error *(*on_file)(const struct symbols_file *, void *),
				 void *arg)
{
	_cleanup_free_ char *path = NULL, *label = NULL, *name = NULL;
	struct symbols_file f = {0};
	struct stat st;
	size_t len;

	snprintf(f.build_id, sizeof(f.build_id), "%s%.*s", first, (int)strcspn(rest, "."), rest);
	_cleanup_error_ struct ey_error *no_id = place_of(o, f.build_id, ".debug", &path);
	if (no_id || stat(path, &st) < 0)
		return NULL;
	f.bytes = (uint64_t)st.st_size;
	f.mtime = st.st_mtime;
	struct ey_error *err = place_of(o, f.build_id, ".name", &label);
	if (err)
		return err;
	_cleanup_error_ struct ey_error *no_name = ey_file_read_whole(label, 4096, &name, &len);
	if (!no_name)
		snprintf(f.name, sizeof(f.name), "%s", name);
	return on_file(&f, arg);
}

struct ey_error *symbols_list(const struct symbols_options *options,
			      struct ey_error *(*on_file)(const struct symbols_file *, void *),
			      void *arg)
{
	__attribute__((cleanup(names_deinit))) struct names firsts = {0};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/.build-id", options->root);
	struct ey_error *err = read_names(path, &firsts);
	for (size_t i = 0; !err && i < firsts.count; i++) {
		__attribute__((cleanup(names_deinit))) struct names rests = {0};

		if (strlen(firsts.items[i]) != 2 || firsts.items[i][0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/.build-id/%s", options->root, firsts.items[i]);
		err = read_names(path, &rests);
		for (size_t k = 0; !err && k < rests.count; k++) {
			if (strstr(rests.items[k], ".debug"))
				err = list_one(options, firsts.items[i], rests.items[k], on_file,
					       arg);
		}
	}
	return err;
}

struct ey_error *symbols_remove(const struct symbols_options *options, const char *build_id)
{
	_cleanup_free_ char *path = NULL, *label = NULL;
	struct ey_error *err = place_of(options, build_id, ".debug", &path);

	if (!err)
		err = place_of(options, build_id, ".name", &label);
	if (err)
		return err;
	if (unlink(path) < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot remove %s", path);
	unlink(label);
	return NULL;
}
