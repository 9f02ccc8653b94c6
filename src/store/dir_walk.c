/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "store/internal.h"

enum { LEVELS = 3 }; // site, host, crash

struct walk {
	struct store *store;
	const struct store_walker *walker;
	/** The names of the levels above and this one. */
	const char *names[LEVELS];
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void store_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

static struct ey_error *list_names(DIR *d, size_t max, char ***names, size_t *count, bool *more)
{
	size_t capacity = 0;

	for (;;) {
		errno = 0;
		struct dirent *de = readdir(d);

		if (!de)
			return errno ? ey_error_errno(EY_ERR_IO, errno, "cannot list a folder")
				     : NULL;
		if (de->d_name[0] == '.')
			continue;
		if (*count == max) {
			*more = true;
			return NULL;
		}
		if (*count == capacity) {
			capacity = capacity ? capacity * 2 : 64;
			char **bigger = reallocarray(*names, capacity, sizeof(**names));

			if (!bigger)
				return &ey_error_nomem;
			*names = bigger;
		}
		(*names)[*count] = strdup(de->d_name);
		if (!(*names)[*count])
			return &ey_error_nomem;
		++*count;
	}
}

struct ey_error *store_list(int dirfd, size_t max, char ***names_ret, size_t *count_ret,
			    bool *more_ret)
{
	char **names = NULL;
	size_t count = 0;
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (copy < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot list a folder");
	_cleanup_closedir_ DIR *d = fdopendir(copy);
	if (!d) {
		close(copy);
		return &ey_error_nomem;
	}
	*more_ret = false;
	struct ey_error *err = list_names(d, max, &names, &count, more_ret);
	if (err) {
		store_names_free(names, count);
		return err;
	}
	if (count)
		qsort(names, count, sizeof(*names), by_name);
	*names_ret = names;
	*count_ret = count;
	return NULL;
}

static void skip(const struct walk *w, int level, const char *why)
{
	_cleanup_buf_ struct ey_buf path = EY_BUF_INIT;

	if (!w->walker->on_skip)
		return;
	for (int i = 0; i <= level; i++) {
		if (i)
			ey_buf_addc(&path, '/');
		ey_text_clean(&path, w->names[i], strlen(w->names[i]));
	}
	// A path in a message is one line.
	for (size_t i = 0; i < path.len; i++) {
		if (path.data[i] == '\n' || path.data[i] == '\t')
			path.data[i] = '?';
	}
	w->walker->on_skip(ey_buf_str(&path), why, w->walker->arg);
}

// Why this name, which could not be opened as a folder, is passed over; NULL: of no interest.
static const char *why_skipped(int dirfd, const char *name, int level)
{
	int errnum = errno;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (S_ISLNK(st.st_mode))
		return "a symbolic link, which is not followed";
	if (S_ISDIR(st.st_mode))
		return strerror(errnum);
	// policy.json and an administrator's notes.
	return level == 0 && S_ISREG(st.st_mode) ? NULL : "not a folder";
}

static struct ey_error *visit_crash(struct walk *w, int fd)
{
	_cleanup_free_ char *path = NULL;
	struct store_entry e = {.site = w->names[0],
				.host = w->names[1],
				.name = w->names[2],
				.store = w->store,
				.own.dirfd = fd};

	if (asprintf(&path, "%s/%s/%s", e.site, e.host, e.name) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	e.path = path;
	store_parse_name(e.name, &e.time, e.id);
	return w->walker->on_entry(&e, w->walker->arg);
}

static struct ey_error *visit(struct walk *w, int dirfd, int level)
{
	char **names;
	size_t count;
	bool more;
	struct ey_error *err = store_list(dirfd, STORE_MAX_NAMES, &names, &count, &more);

	// A folder that cannot be listed hides its crashes, but no others.
	if (err && level && err->code == EY_ERR_IO) {
		skip(w, level - 1, err->message);
		ey_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	for (size_t i = 0; i < count && !err; i++) {
		w->names[level] = names[i];
		if (!ey_name_is_safe(names[i])) {
			skip(w, level, "not a safe name");
			continue;
		}
		_cleanup_close_ int fd = store_open_dir(dirfd, names[i]);
		if (fd >= 0) {
			err = level + 1 == LEVELS ? visit_crash(w, fd) : visit(w, fd, level + 1);
			continue;
		}
		const char *why = why_skipped(dirfd, names[i], level);
		if (why)
			skip(w, level, why);
	}
	if (more && !err) {
		w->names[level] = "...";
		skip(w, level, "too many names in this folder");
	}
	store_names_free(names, count);
	return err;
}

struct ey_error *store_dir_walk(struct store *store, const struct store_walker *walker)
{
	struct walk w = {.store = store, .walker = walker};

	return visit(&w, store_dir_of(store)->fd, 0);
}
