/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "analysis/record_read.h"
#include "base/cleanup.h"
#include "base/file.h"

enum { MAX_TEXT_BYTES = 64 << 20, WRITER_DIGITS = 16 };

#define RECORD	 "record.json"
#define ANALYSIS "analysis.txt"
#define DMESG	 "dmesg.txt"
#define WAIT	 "wait"

struct host_spool {
	char *dir;
	int lock;
	char *writer;
};

void host_evidence_deinit(struct host_evidence *e)
{
	free(e->record);
	free(e->analysis);
	free(e->dmesg);
	*e = (struct host_evidence){0};
}

// The path of a name in the state folder: "%s/%s%s%s".
static struct ey_error *path_of(const struct host_spool *s, const char *folder, const char *prefix,
				const char *name, char **ret)
{
	if (asprintf(ret, "%s/%s/%s%s", s->dir, folder, prefix, name) < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

static void remove_folder(const char *path)
{
	{
		_cleanup_closedir_ DIR *d = opendir(path);

		for (struct dirent *de; d && (de = readdir(d));)
			unlinkat(dirfd(d), de->d_name, 0);
	}
	rmdir(path);
}

static struct ey_error *take_lock(struct host_spool *s)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/lock", s->dir) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", path);
	// Not flock(2): a child that outlives a killed agent would inherit that.
	if (fcntl(s->lock, F_SETLK, &lock) < 0)
		return errno == EACCES || errno == EAGAIN
			       ? ey_error_create(EY_ERR_IO,
						 "another agent is at work in %s; this "
						 "one leaves it to it",
						 s->dir)
			       : ey_error_errno(EY_ERR_IO, errno, "cannot lock %s", path);
	return NULL;
}

static bool is_writer(const char *s)
{
	return strlen(s) == WRITER_DIGITS && strspn(s, "0123456789abcdef") == WRITER_DIGITS;
}

static struct ey_error *get_writer(struct host_spool *s)
{
	_cleanup_free_ char *path = NULL;
	uint64_t nonce;

	if (asprintf(&path, "%s/writer", s->dir) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	_cleanup_error_ struct ey_error *none =
		ey_file_read_whole(path, WRITER_DIGITS, &s->writer, NULL);
	if (!none && is_writer(s->writer))
		return NULL;
	free(s->writer);
	s->writer = NULL;
	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return ey_error_errno(EY_ERR_IO, errno, "cannot get random bytes");
	if (asprintf(&s->writer, "%016llx", (unsigned long long)nonce) < 0) {
		s->writer = NULL;
		return &ey_error_nomem;
	}
	return ey_file_write_whole(path, 0600, s->writer, WRITER_DIGITS);
}

// What a killed agent was building.
static void clean(const struct host_spool *s)
{
	static const char *const folders[] = {"", "spool", "done"};

	for (size_t i = 0; i < EY_ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *dir = NULL;
		_cleanup_error_ struct ey_error *err = path_of(s, folders[i], "", "", &dir);
		_cleanup_closedir_ DIR *d = err ? NULL : opendir(dir);

		for (struct dirent *de; d && (de = readdir(d));) {
			_cleanup_free_ char *path = NULL;

			if (strncmp(de->d_name, EY_TEMP_PREFIX, strlen(EY_TEMP_PREFIX)) != 0)
				continue;
			if (!unlinkat(dirfd(d), de->d_name, 0))
				continue;
			if (asprintf(&path, "%s%s", dir, de->d_name) < 0) {
				path = NULL;
				continue;
			}
			remove_folder(path);
		}
	}
}

// What was noted as filed by an agent that was killed before it emptied the spool.
static struct ey_error *drop_done(struct host_spool *s)
{
	char **keys;
	size_t count;
	struct ey_error *err = host_spool_keys(s, &keys, &count);

	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		bool done = false;

		if (!err)
			err = host_spool_is_done(s, keys[i], &done);
		if (done)
			host_spool_drop(s, keys[i]);
		free(keys[i]);
	}
	free(keys);
	return err;
}

struct ey_error *host_spool_open(const char *state_dir, struct host_spool **ret)
{
	_cleanup_host_spool_ struct host_spool *s = calloc(1, sizeof(*s));
	_cleanup_free_ char *spool = NULL, *done = NULL;

	if (!s)
		return &ey_error_nomem;
	s->lock = -1;
	s->dir = strdup(state_dir);
	if (!s->dir)
		return &ey_error_nomem;
	struct ey_error *err = path_of(s, "spool", "", "", &spool);
	if (!err)
		err = path_of(s, "done", "", "", &done);
	if (err)
		return err;
	spool[strlen(spool) - 1] = done[strlen(done) - 1] = '\0';
	err = ey_mkdir_parents(state_dir, 0755);
	if (!err)
		err = take_lock(s);
	// Records hold kernel logs: for root only.
	if (!err)
		err = ey_mkdir_parents(spool, 0700);
	if (!err)
		err = ey_mkdir_parents(done, 0700);
	if (!err)
		err = get_writer(s);
	if (!err) {
		clean(s);
		err = drop_done(s);
	}
	if (err)
		return err;
	*ret = no_cleanup_ptr(s);
	return NULL;
}

void host_spool_destroy(struct host_spool *s)
{
	if (!s)
		return;
	if (s->lock >= 0)
		close(s->lock);
	free(s->writer);
	free(s->dir);
	free(s);
}

const char *host_spool_writer(const struct host_spool *s)
{
	return s->writer;
}

struct ey_error *host_spool_is_done(const struct host_spool *s, const char *key, bool *ret)
{
	_cleanup_free_ char *path = NULL;
	struct ey_error *err = path_of(s, "done", "", key, &path);

	if (err)
		return err;
	*ret = !access(path, F_OK);
	if (!*ret && errno != ENOENT)
		return ey_error_errno(EY_ERR_IO, errno, "cannot look for %s", path);
	return NULL;
}

struct ey_error *host_spool_done(struct host_spool *s, const char *key, const char *line)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *text = NULL;
	struct ey_error *err = path_of(s, "done", "", key, &path);

	if (!err && asprintf(&text, "%s\n", line) < 0) {
		text = NULL;
		err = &ey_error_nomem;
	}
	if (!err)
		err = ey_file_write_whole(path, 0600, text, strlen(text));
	if (!err)
		host_spool_drop(s, key);
	return err;
}

static struct ey_error *put_file(const char *dir, const char *name, const char *data, size_t len)
{
	_cleanup_free_ char *path = NULL;

	if (!data)
		return NULL;
	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	return ey_file_write_whole(path, 0600, data, len);
}

struct ey_error *host_spool_put(struct host_spool *s, const char *key,
				const struct host_evidence *e)
{
	_cleanup_free_ char *temp = NULL, *final = NULL, *spool = NULL;
	struct ey_error *err = path_of(s, "spool", EY_TEMP_PREFIX, key, &temp);

	if (!err)
		err = path_of(s, "spool", "", key, &final);
	if (!err)
		err = path_of(s, "spool", "", "", &spool);
	if (err)
		return err;
	if (mkdir(temp, 0700) < 0 && errno != EEXIST)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create %s", temp);
	err = put_file(temp, RECORD, e->record, e->record_len);
	if (!err)
		err = put_file(temp, ANALYSIS, e->analysis, e->analysis_len);
	if (!err)
		err = put_file(temp, DMESG, e->dmesg, e->dmesg_len);
	if (!err && rename(temp, final) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot rename to %s", final);
	if (err) {
		remove_folder(temp);
		return err;
	}
	return ey_sync_dir(spool);
}

static struct ey_error *get_file(const struct host_spool *s, const char *key, const char *name,
				 size_t max, char **data_ret, size_t *len_ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/spool/%s/%s", s->dir, key, name) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	return ey_file_read_whole(path, max, data_ret, len_ret);
}

struct ey_error *host_spool_get(const struct host_spool *s, const char *key,
				struct host_evidence *ret)
{
	_cleanup_evidence_ struct host_evidence e = {0};
	struct ey_error *err = get_file(s, key, RECORD, RECORD_MAX_BYTES, &e.record, &e.record_len);

	if (!err)
		err = get_file(s, key, ANALYSIS, MAX_TEXT_BYTES, &e.analysis, &e.analysis_len);
	if (!err)
		err = get_file(s, key, DMESG, MAX_TEXT_BYTES, &e.dmesg, &e.dmesg_len);
	// There need not be a log.
	if (err && err->code == EY_ERR_NOT_FOUND && e.analysis) {
		ey_error_destroy(err);
		err = NULL;
	}
	if (err)
		return err;
	*ret = e;
	e = (struct host_evidence){0};
	return NULL;
}

struct ey_error *host_spool_wait(struct host_spool *s, const char *key, int64_t until)
{
	_cleanup_free_ char *path = NULL;
	char text[32];

	if (asprintf(&path, "%s/spool/%s/" WAIT, s->dir, key) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	snprintf(text, sizeof(text), "%lld\n", (long long)until);
	return ey_file_write_whole(path, 0600, text, strlen(text));
}

struct ey_error *host_spool_waits(const struct host_spool *s, const char *key, int64_t *until_ret)
{
	_cleanup_free_ char *text = NULL;
	struct ey_error *err = get_file(s, key, WAIT, 32, &text, NULL);

	*until_ret = 0;
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		return NULL;
	}
	if (!err)
		*until_ret = strtoll(text, NULL, 10);
	return err;
}

void host_spool_drop(struct host_spool *s, const char *key)
{
	_cleanup_free_ char *path = NULL, *temp = NULL;
	_cleanup_error_ struct ey_error *err = path_of(s, "spool", "", key, &path);
	_cleanup_error_ struct ey_error *err2 = path_of(s, "spool", EY_TEMP_PREFIX, key, &temp);

	if (err || err2)
		return;
	// Out of sight first: half of it must not be read as all.
	if (!rename(path, temp))
		remove_folder(temp);
}

struct ey_error *host_spool_keys(const struct host_spool *s, char ***keys_ret, size_t *count_ret)
{
	_cleanup_free_ char *dir = NULL;
	char **keys = NULL;
	size_t count = 0;
	struct ey_error *err = path_of(s, "spool", "", "", &dir);

	if (err)
		return err;
	_cleanup_closedir_ DIR *d = opendir(dir);
	if (!d)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", dir);
	for (struct dirent *de; !err && (de = readdir(d));) {
		if (de->d_name[0] == '.')
			continue;
		char **more = reallocarray(keys, count + 1, sizeof(*keys));
		if (more)
			keys = more;
		if (more && (keys[count] = strdup(de->d_name)))
			count++;
		else
			err = &ey_error_nomem;
	}
	if (err) {
		while (count)
			free(keys[--count]);
		free(keys);
		return err;
	}
	*keys_ret = keys;
	*count_ret = count;
	return NULL;
}
