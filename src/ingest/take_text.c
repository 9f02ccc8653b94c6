/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/take_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/crash_text.h"
#include "base/cleanup.h"
#include "base/file.h"

enum {
	// Further texts of a folder nobody reads.
	MAX_NAMES = 32,
	SETTLE_SECONDS = 60,
};

void take_text_deinit(struct take_text *t)
{
	free(t->record);
	free(t->text);
	*t = (struct take_text){0};
}

struct names {
	char *name[MAX_NAMES];
	size_t count;
};

static void names_deinit(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->name[i]);
}

static int compare_names(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	bool first = !strcmp(x, STORE_ANALYSIS), second = !strcmp(y, STORE_ANALYSIS);

	return first != second ? (first ? -1 : 1) : strcmp(x, y);
}

// The folder's "*.txt", analysis.txt first.
static struct ey_error *list_texts(const struct store_entry *entry, struct names *ret)
{
	int fd = openat(entry->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		struct ey_error *err =
			ey_error_errno(EY_ERR_IO, errno, "cannot list %s", entry->path);

		if (fd >= 0)
			close(fd);
		return err;
	}
	for (struct dirent *e; ret->count < MAX_NAMES && (e = readdir(dir));) {
		size_t len = strlen(e->d_name);

		if (len < 5 || strcmp(e->d_name + len - 4, ".txt") != 0 ||
		    !ey_name_is_safe(e->d_name) || !strcmp(e->d_name, STORE_DMESG))
			continue;
		ret->name[ret->count] = strdup(e->d_name);
		if (!ret->name[ret->count])
			return &ey_error_nomem;
		ret->count++;
	}
	if (ret->count)
		qsort(ret->name, ret->count, sizeof(*ret->name), compare_names);
	return NULL;
}

// Read the text if it is crash's; @p ret stays empty where it is not.
static struct ey_error *read_text(const struct store_entry *entry, const char *name, size_t max,
				  int64_t now, struct take_text *ret)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len;
	struct ey_error *err = store_entry_read(entry, name, max, &text, &len);

	if (err && (err->code == EY_ERR_NOT_FOUND || err->code == EY_ERR_INPUT)) {
		// Gone, too large, or no regular file.
		ey_error_destroy(err);
		return NULL;
	}
	if (err || !crash_text_recognize(text, len))
		return err;
	if (fstatat(entry->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat %s", name);
	if (st.st_mtime > now - SETTLE_SECONDS && st.st_mtime <= now)
		return ey_error_create(EY_ERR_IO,
				       "%s was changed within the last minute and may still be "
				       "written; the next run takes it in",
				       name);
	ret->text = no_cleanup_ptr(text);
	ret->text_len = len;
	return NULL;
}

static struct ey_error *make_record(const struct store_entry *entry, struct take_text *t)
{
	_cleanup_crash_text_ struct crash_text text = {0};
	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT;
	struct crash_dump dump = {0};
	struct stat st;
	struct ey_error *err = crash_text_parse(t->text, t->text_len, &text);

	if (err)
		return err;
	if (!fstatat(entry->dirfd, STORE_VMCORE, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
		dump.bytes = (uint64_t)st.st_size;
	crash_text_write_record(&text, &dump, &record);
	t->record = ey_buf_steal(&record, &t->record_len);
	return t->record ? NULL : &ey_error_nomem;
}

struct ey_error *take_text_read(const struct store_entry *entry, size_t max, int64_t now,
				struct take_text *ret)
{
	_cleanup_(names_deinit) struct names names = {0};
	struct ey_error *err = list_texts(entry, &names);

	*ret = (struct take_text){0};
	for (size_t i = 0; !err && !ret->text && i < names.count; i++) {
		err = read_text(entry, names.name[i], EY_MIN(max, (size_t)CRASH_TEXT_MAX), now,
				ret);
		if (!err && ret->text)
			err = ey_error_prefix(make_record(entry, ret), "%s", names.name[i]);
	}
	if (!err && !ret->text)
		err = ey_error_create(EY_ERR_NOT_FOUND,
				      "neither %s nor a text of the crash utility is there",
				      STORE_RECORD);
	if (err)
		take_text_deinit(ret);
	return err;
}
