/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/finder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

/** What a file's name says it is; the better a dump, the higher. */
enum role {
	ROLE_NONE,
	ROLE_DMESG,
	ROLE_INCOMPLETE,
	ROLE_FLAT,
	ROLE_VMCORE,
};

static bool begins(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static enum role role_of(const char *name)
{
	if (begins(name, "dmesg.") || !strcmp(name, "vmcore-dmesg.txt"))
		return ROLE_DMESG;
	if (begins(name, "dump-incomplete") || !strcmp(name, "vmcore-incomplete") ||
	    !strcmp(name, "vmcore.incomplete"))
		return ROLE_INCOMPLETE;
	if (!strcmp(name, "vmcore.flat"))
		return ROLE_FLAT;
	if (!strcmp(name, "vmcore") || begins(name, "dump.") || begins(name, "vmcore."))
		return ROLE_VMCORE;
	return ROLE_NONE;
}

struct file {
	char name[NAME_MAX + 1];
	enum role role;
	int64_t mtime;
	uint64_t bytes;
};

struct folder {
	struct file dump;
	struct file dmesg;
};

static void skip(const struct host_find_options *o, const char *folder, const char *name,
		 const char *why)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	if (!o->on_skip)
		return;
	ey_text_clean(&text, folder, strlen(folder));
	if (name) {
		ey_buf_addc(&text, '/');
		ey_text_clean(&text, name, strlen(name));
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n' || text.data[i] == '\t')
			text.data[i] = '?';
	}
	o->on_skip(ey_buf_str(&text), why, o->arg);
}

static struct ey_error *look_into(const struct host_find_options *o, int fd, const char *name,
				  struct folder *ret)
{
	_cleanup_closedir_ DIR *d = fdopendir(fd);

	*ret = (struct folder){0};
	if (!d) {
		close(fd);
		return &ey_error_nomem;
	}
	for (;;) {
		errno = 0;
		struct dirent *de = readdir(d);
		struct stat st;

		if (!de && errno)
			return ey_error_errno(EY_ERR_IO, errno, "cannot list %s/%s", o->crash_dir,
					      name);
		if (!de)
			return NULL;
		enum role role = role_of(de->d_name);
		struct file *f = role == ROLE_DMESG ? &ret->dmesg : &ret->dump;
		if (role == ROLE_NONE || role < f->role ||
		    fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (!S_ISREG(st.st_mode)) {
			skip(o, name, de->d_name, "not a regular file");
			continue;
		}
		// Of two of a kind the first by name, so that each run chooses the same.
		if (role == f->role && strcmp(de->d_name, f->name) > 0)
			continue;
		snprintf(f->name, sizeof(f->name), "%s", de->d_name);
		f->role = role;
		f->mtime = st.st_mtim.tv_sec;
		f->bytes = (uint64_t)st.st_size;
	}
}

static bool is_finished(const struct host_find_options *o, const struct file *f)
{
	int64_t wait = f->role == ROLE_INCOMPLETE ? HOST_GIVEN_UP_AFTER : o->settle;

	return f->role == ROLE_NONE || f->mtime < o->boot_time || f->mtime <= o->now - wait;
}

// The time at the end of a folder's name, in local time as date(1) wrote it; -1: none.
static int64_t parse_stamp(const char *name, size_t *start_ret)
{
	static const struct {
		size_t len;
		const char *format;
	} forms[] = {
		{12, "%Y%m%d%H%M"},
		{19, "%Y-%m-%d-%H:%M:%S"},
		{16, "%Y-%m-%d-%H:%M"},
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < EY_ARRAY_SIZE(forms); i++) {
		struct tm tm = {.tm_isdst = -1};

		if (len < forms[i].len)
			continue;
		size_t start = len - forms[i].len;
		if (!isdigit((unsigned char)name[start]) || (start && name[start - 1] != '-'))
			continue;
		const char *end = strptime(name + start, forms[i].format, &tm);
		if (!end || *end)
			continue;
		time_t t = mktime(&tm);
		if (t < 0)
			continue;
		*start_ret = start;
		return t;
	}
	return -1;
}

static bool is_local_tag(const char *tag)
{
	return !strcmp(tag, "127.0.0.1") || !strcmp(tag, "::1") || !strcmp(tag, "localhost");
}

static void make_key(struct host_dump *d, const struct file *f)
{
	unsigned char digest[HOST_KEY_DIGITS / 2];
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	ey_buf_printf(&text, "%s\n%s\n%llu\n%lld", d->folder, f->name, (unsigned long long)f->bytes,
		      (long long)f->mtime);
	crypto_generichash(digest, sizeof(digest), (const unsigned char *)ey_buf_str(&text),
			   text.len, NULL, 0);
	sodium_bin2hex(d->key, sizeof(d->key), digest, sizeof(digest));
}

static void dump_deinit(struct host_dump *d)
{
	free(d->folder);
	free(d->vmcore);
	free(d->dmesg);
	free(d->tag);
}

static struct ey_error *describe(const char *name, const struct folder *f, struct host_dump *d)
{
	const struct file *main = f->dump.role ? &f->dump : &f->dmesg;
	size_t start = 0;

	*d = (struct host_dump){
		.folder = strdup(name),
		.vmcore = f->dump.role ? strdup(f->dump.name) : NULL,
		.dmesg = f->dmesg.role ? strdup(f->dmesg.name) : NULL,
		.time = parse_stamp(name, &start),
		.bytes = f->dump.bytes,
		.incomplete = f->dump.role == ROLE_INCOMPLETE,
	};
	if (d->time < 0)
		d->time = EY_MAX(main->mtime, (int64_t)0);
	bool failed = !d->folder || (f->dump.role && !d->vmcore) || (f->dmesg.role && !d->dmesg);
	if (start > 1 && !failed) {
		d->tag = strndup(name, start - 1);
		failed = !d->tag;
		if (d->tag && is_local_tag(d->tag)) {
			free(d->tag);
			d->tag = NULL;
		}
	}
	if (failed) {
		dump_deinit(d);
		return &ey_error_nomem;
	}
	make_key(d, main);
	return NULL;
}

static struct ey_error *add_folder(const struct host_find_options *o, int dirfd, const char *name,
				   struct host_dumps *ret)
{
	struct folder folder;
	struct stat st;
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		int errnum = errno;

		// Files beside the folders (kexec_cmd, apport's reports) are nothing of ours.
		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode))
			return NULL;
		skip(o, name, NULL,
		     S_ISLNK(st.st_mode)   ? "a symbolic link, which is not followed"
		     : S_ISDIR(st.st_mode) ? strerror(errnum)
					   : "not a folder");
		return NULL;
	}
	struct ey_error *err = look_into(o, fd, name, &folder);
	if (err || (!folder.dump.role && !folder.dmesg.role))
		return err;
	if (!is_finished(o, &folder.dump) || !is_finished(o, &folder.dmesg)) {
		ret->waiting++;
		return NULL;
	}
	struct host_dump *dumps = reallocarray(ret->dumps, ret->count + 1, sizeof(*dumps));
	if (!dumps)
		return &ey_error_nomem;
	ret->dumps = dumps;
	err = describe(name, &folder, &dumps[ret->count]);
	if (!err)
		ret->count++;
	return err;
}

static int by_folder(const void *a, const void *b)
{
	return strcmp(((const struct host_dump *)a)->folder, ((const struct host_dump *)b)->folder);
}

struct ey_error *host_find_dumps(const struct host_find_options *o, struct host_dumps *ret)
{
	_cleanup_closedir_ DIR *d = opendir(o->crash_dir);
	struct ey_error *err = NULL;

	*ret = (struct host_dumps){0};
	if (!d && errno == ENOENT)
		return NULL;
	if (!d)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", o->crash_dir);
	while (!err) {
		errno = 0;
		struct dirent *de = readdir(d);

		if (!de && errno)
			err = ey_error_errno(EY_ERR_IO, errno, "cannot list %s", o->crash_dir);
		if (!de)
			break;
		if (de->d_name[0] != '.')
			err = add_folder(o, dirfd(d), de->d_name, ret);
	}
	if (err) {
		host_dumps_deinit(ret);
		return err;
	}
	if (ret->count)
		qsort(ret->dumps, ret->count, sizeof(*ret->dumps), by_folder);
	return NULL;
}

void host_dumps_deinit(struct host_dumps *dumps)
{
	for (size_t i = 0; i < dumps->count; i++)
		dump_deinit(&dumps->dumps[i]);
	free(dumps->dumps);
	*dumps = (struct host_dumps){0};
}

struct ey_error *host_dump_open(const char *crash_dir, const char *folder, const char *name,
				int *fd_ret)
{
	_cleanup_close_ int top = open(crash_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int dir = -1, fd = -1;
	struct stat st;

	if (top >= 0)
		dir = openat(top, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir >= 0)
		fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot open %s/%s/%s", crash_dir, folder, name);
	if (!S_ISREG(st.st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s/%s/%s is not a regular file", crash_dir,
				       folder, name);
	*fd_ret = no_cleanup_fd(fd);
	return NULL;
}
