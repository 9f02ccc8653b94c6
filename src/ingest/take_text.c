/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/take_text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/crash_text.h"
#include "base/cleanup.h"
#include "ingest/take.h"

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
	struct store_file_info files[MAX_NAMES];
	size_t count;
};

static int compare_names(const void *a, const void *b)
{
	const char *x = ((const struct store_file_info *)a)->name;
	const char *y = ((const struct store_file_info *)b)->name;
	bool first = !strcmp(x, STORE_ANALYSIS), second = !strcmp(y, STORE_ANALYSIS);

	return first != second ? (first ? -1 : 1) : strcmp(x, y);
}

// The folder's "*.txt", analysis.txt first.
static struct ey_error *list_texts(const struct store_entry *entry, struct names *ret)
{
	_cleanup_store_files_ struct store_files files = {0};
	struct ey_error *err = store_entry_list(entry, &files);

	if (err)
		return err;
	for (size_t i = 0; i < files.count && ret->count < MAX_NAMES; i++) {
		const struct store_file_info *f = &files.files[i];
		size_t len = strlen(f->name);

		if (len < 5 || strcmp(f->name + len - 4, ".txt") != 0 ||
		    !strcmp(f->name, STORE_DMESG))
			continue;
		ret->files[ret->count++] = *f;
	}
	if (ret->count)
		qsort(ret->files, ret->count, sizeof(*ret->files), compare_names);
	return NULL;
}

// Read the text if it is crash's; @p ret stays empty where it is not.
static struct ey_error *read_text(const struct store_entry *entry, const char *name, size_t max,
				  int64_t now, struct take_text *ret)
{
	_cleanup_free_ char *text = NULL;
	struct store_file_info info;
	size_t len;
	struct ey_error *err = store_entry_read(entry, name, max, &text, &len);

	// A crash that is there and damaged is not one that never was.
	if (err && (err->code == EY_ERR_NOT_FOUND ||
		    (err->code == EY_ERR_INPUT && !take_is_damaged(entry, name)))) {
		// Gone, too large, or no regular file.
		ey_error_destroy(err);
		return NULL;
	}
	if (err || !crash_text_recognize(text, len))
		return err;
	err = store_entry_stat(entry, name, &info);
	if (err)
		return err;
	if (info.mtime > now - SETTLE_SECONDS && info.mtime <= now)
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
	struct store_file_info info;
	struct ey_error *err = crash_text_parse(t->text, t->text_len, &text);

	if (err)
		return err;
	_cleanup_error_ struct ey_error *no_dump = store_entry_stat(entry, STORE_VMCORE, &info);
	if (!no_dump && S_ISREG(info.type))
		dump.bytes = info.size;
	crash_text_write_record(&text, &dump, &record);
	t->record = ey_buf_steal(&record, &t->record_len);
	return t->record ? NULL : &ey_error_nomem;
}

struct ey_error *take_text_read(const struct store_entry *entry, size_t max, int64_t now,
				struct take_text *ret)
{
	struct names names = {0};
	struct ey_error *err = list_texts(entry, &names);

	*ret = (struct take_text){0};
	for (size_t i = 0; !err && !ret->text && i < names.count; i++) {
		err = read_text(entry, names.files[i].name, EY_MIN(max, (size_t)CRASH_TEXT_MAX),
				now, ret);
		if (!err && ret->text)
			err = ey_error_prefix(make_record(entry, ret), "%s", names.files[i].name);
	}
	if (!err && !ret->text)
		err = ey_error_create(EY_ERR_NOT_FOUND,
				      "neither %s nor a text of the crash utility is there",
				      STORE_RECORD);
	if (err)
		take_text_deinit(ret);
	return err;
}
