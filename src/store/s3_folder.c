/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The objects of a crash, by listings alone: a walk asks once for a thousand objects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "store/s3_store.h"

enum { LEVELS = 3 };

void s3_folder_clear(struct s3_folder *folder)
{
	folder->count = 0;
	folder->strange = 0;
}

void s3_folder_destroy(struct s3_folder *folder)
{
	if (!folder)
		return;
	free(folder->files);
	free(folder->etags);
	free(folder);
}

static struct ey_error *grow(struct s3_folder *folder)
{
	size_t capacity = folder->capacity ? 2 * folder->capacity : 8;
	struct store_file_info *files = reallocarray(folder->files, capacity, sizeof(*files));

	if (!files)
		return &ey_error_nomem;
	folder->files = files;
	char(*etags)[80] = reallocarray(folder->etags, capacity, sizeof(*etags));
	if (!etags)
		return &ey_error_nomem;
	folder->etags = etags;
	folder->capacity = capacity;
	return NULL;
}

struct ey_error *s3_folder_add(struct s3_folder *folder, const char *name,
			       const struct s3_item *item)
{
	if (!ey_name_is_safe(name) || folder->count == STORE_MAX_FILES) {
		folder->strange++;
		return NULL;
	}
	struct ey_error *err = folder->count == folder->capacity ? grow(folder) : NULL;
	if (err)
		return err;
	struct store_file_info *f = &folder->files[folder->count];
	*f = (struct store_file_info){.size = item->size, .mtime = item->time, .type = S_IFREG};
	snprintf(f->name, sizeof(f->name), "%s", name);
	snprintf(folder->etags[folder->count], sizeof(*folder->etags), "%s",
		 item->etag ? item->etag : "");
	folder->count++;
	return NULL;
}

int s3_folder_find(const struct s3_folder *folder, const char *name)
{
	for (size_t i = 0; i < folder->count; i++) {
		if (!strcmp(folder->files[i].name, name))
			return (int)i;
	}
	return -1;
}

bool s3_folder_is_crash(const struct s3_folder *folder)
{
	return s3_folder_find(folder, STORE_RECORD) >= 0 ||
	       (folder->count && s3_folder_find(folder, STORE_CHECKSUMS) < 0);
}

struct loading {
	struct s3_folder *folder;
	size_t skip;
};

static struct ey_error *load_one(const struct s3_item *item, void *arg)
{
	struct loading *l = arg;

	return s3_folder_add(l->folder, item->key + l->skip, item);
}

struct ey_error *s3_folder_load(struct s3 *s3, const char *path, struct s3_folder *folder)
{
	_cleanup_free_ char *prefix = s3_key(s3, path, NULL);

	if (!prefix)
		return &ey_error_nomem;
	s3_folder_clear(folder);
	struct loading l = {folder, strlen(prefix)};
	return s3_list(s3, &(struct s3_lister){.prefix = prefix,
					       .max = 4 * (size_t)STORE_MAX_FILES,
					       .on_item = load_one,
					       .arg = &l});
}

struct ey_error *s3_entry_refresh(const struct store_entry *entry)
{
	return s3_folder_load(s3_of(entry), entry->path, entry->own.folder);
}

/** A walk: objects come in the order of their keys, so those of a crash one after another. */
struct walk {
	struct store *store;
	struct s3 *s3;
	size_t skip;
	/** "site/host/name" of the crash that is being gathered, "" before the first. */
	char *path;
	struct s3_folder *folder;
	/** Each crash, and each thing that is none. */
	struct ey_error *(*on_folder)(struct walk *w);
	const struct store_walker *walker;
	struct store_cleaned *cleaned;
	int64_t before;
};

static void skip(const struct walk *w, const char *path, const char *why)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	if (!w->walker || !w->walker->on_skip)
		return;
	ey_text_clean(&text, path, strlen(path));
	// A path in a message is one line.
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n' || text.data[i] == '\t')
			text.data[i] = '?';
	}
	w->walker->on_skip(ey_buf_str(&text), why, w->walker->arg);
}

// The names of "site/host/name" in a copy: false where one is not safe.
static bool split(char *path, char *names[LEVELS])
{
	for (int i = 0; i < LEVELS; i++) {
		names[i] = strsep(&path, "/");
		if (!names[i] || !ey_name_is_safe(names[i]))
			return false;
	}
	return !path;
}

static struct ey_error *visit(struct walk *w)
{
	_cleanup_free_ char *copy = strdup(w->path);
	char *names[LEVELS];

	if (!copy)
		return &ey_error_nomem;
	if (!split(copy, names)) {
		skip(w, w->path, "not a safe name");
		return NULL;
	}
	if (!s3_folder_is_crash(w->folder))
		return NULL; // being filed
	struct store_entry e = {.path = w->path,
				.site = names[0],
				.host = names[1],
				.name = names[2],
				.store = w->store,
				.own.folder = w->folder};
	store_parse_name(e.name, &e.time, e.id);
	return w->walker->on_entry(&e, w->walker->arg);
}

static struct ey_error *end_folder(struct walk *w)
{
	struct ey_error *err = *w->path ? w->on_folder(w) : NULL;

	s3_folder_clear(w->folder);
	return err;
}

static struct ey_error *walk_one(const struct s3_item *item, void *arg)
{
	struct walk *w = arg;
	const char *key = item->key + w->skip, *name = key;
	struct ey_error *err = NULL;

	for (int i = 0; i < LEVELS && name; i++) {
		name = strchr(name, '/');
		if (name)
			name++;
	}
	if (!name)
		return NULL; // policy.json, and what an administrator put there
	size_t len = (size_t)(name - key) - 1;
	if (strlen(w->path) != len || strncmp(w->path, key, len) != 0) {
		err = end_folder(w);
		free(w->path);
		w->path = strndup(key, len);
		if (!w->path) {
			ey_error_destroy(err);
			return &ey_error_nomem;
		}
	}
	return err ? err : s3_folder_add(w->folder, name, item);
}

static struct ey_error *walk(struct walk *w)
{
	w->skip = strlen(w->s3->prefix);
	w->path = strdup("");
	w->folder = calloc(1, sizeof(*w->folder));
	struct ey_error *err = w->path && w->folder ? NULL : &ey_error_nomem;
	if (!err)
		err = s3_list(w->s3, &(struct s3_lister){.prefix = w->s3->prefix,
							 .on_item = walk_one,
							 .arg = w});
	if (!err)
		err = end_folder(w);
	s3_folder_destroy(w->folder);
	free(w->path);
	return err;
}

struct ey_error *s3_store_walk(struct store *store, const struct store_walker *walker)
{
	struct walk w = {.store = store,
			 .s3 = ((struct s3_store *)store)->s3,
			 .on_folder = visit,
			 .walker = walker};

	return walk(&w);
}

// Ours, unfinished, and old: nothing in it but what store_file() writes before the record.
static bool is_leftover(const struct walk *w)
{
	static const char *const ours[] = {STORE_CHECKSUMS, STORE_VMCORE, STORE_DMESG,
					   STORE_ANALYSIS};
	const struct s3_folder *folder = w->folder;
	size_t known = 0;

	if (folder->strange || s3_folder_is_crash(folder))
		return false;
	for (size_t i = 0; i < folder->count; i++) {
		for (size_t j = 0; j < EY_ARRAY_SIZE(ours); j++)
			known += !strcmp(folder->files[i].name, ours[j]);
		if (folder->files[i].mtime >= w->before)
			return false;
	}
	return folder->count && known == folder->count;
}

static struct ey_error *clean_folder(struct walk *w)
{
	_cleanup_free_ char *copy = strdup(w->path);
	char *names[LEVELS], id[STORE_ID_DIGITS + 1];
	int64_t time;

	if (!copy)
		return &ey_error_nomem;
	if (!is_leftover(w) || !split(copy, names))
		return NULL;
	store_parse_name(names[2], &time, id);
	if (!*id)
		return NULL;
	// The claim goes last: until then nobody takes the rest for a crash.
	for (int claim = 0; claim < 2; claim++) {
		for (size_t i = 0; i < w->folder->count; i++) {
			const char *name = w->folder->files[i].name;
			_cleanup_free_ char *key = s3_key(w->s3, w->path, name);

			if ((strcmp(name, STORE_CHECKSUMS) == 0) != claim)
				continue;
			struct ey_error *err = key ? s3_delete(w->s3, key) : &ey_error_nomem;
			if (err)
				return err;
		}
	}
	w->cleaned->crashes++;
	return NULL;
}

static struct ey_error *clean_upload(const struct s3_item *item, void *arg)
{
	struct walk *w = arg;

	if (!item->time || item->time >= w->before)
		return NULL;
	struct ey_error *err = s3_upload_abort(w->s3, item->key, item->upload_id);
	w->cleaned->uploads += !err;
	return err;
}

struct ey_error *s3_store_clean(struct store *store, struct store_cleaned *ret)
{
	struct s3 *s3 = ((struct s3_store *)store)->s3;
	struct walk w = {.store = store, .s3 = s3, .on_folder = clean_folder, .cleaned = ret};
	_cleanup_s3_call_ struct s3_call call = {.method = "GET"};

	// What is old is told by the store's clock, not by ours.
	call.query[0] = (struct sigv4_pair){"list-type", "2"};
	call.query[1] = (struct sigv4_pair){"max-keys", "1"};
	struct ey_error *err = s3_do(s3, &call);
	if (err)
		return err;
	if (!call.date)
		return NULL;
	w.before = call.date - STORE_TEMP_MAX_AGE;
	err = s3_uploads(s3, s3->prefix, clean_upload, &w);
	return err ? err : walk(&w);
}
