/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *what_is(mode_t mode)
{
	return S_ISFIFO(mode)	? "a FIFO; give a dump through a pipe as '-', standard input"
	       : S_ISSOCK(mode) ? "a socket"
	       : S_ISBLK(mode)	? "a disk; copy the dump from it to a file"
				: "a device";
}

static struct ey_error *check_kind(const char *path, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s is a directory; name the dump file in it",
				       path);
	if (!S_ISREG(st->st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s is not a regular file but %s", path,
				       what_is(st->st_mode));
	return NULL;
}

static struct ey_error *open_path(const char *path, struct stat *st, int *fd_ret)
{
	bool is_stdin = !strcmp(path, "-");
	// O_NONBLOCK: opening a FIFO must not hang.
	_cleanup_close_ int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					  : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return ey_error_create(EY_ERR_NOT_FOUND, "%s: no such file", path);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", path);
	if (fstat(fd, st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat %s", path);
	struct ey_error *err = is_stdin ? NULL : check_kind(path, st);
	if (err)
		return err;
	*fd_ret = no_cleanup_fd(fd);
	return NULL;
}

static struct ey_error *add_file(struct analysis_input *in, const char *path,
				 const struct analysis_options *options)
{
	struct analysis_unwrapped unwrapped = {0};
	struct stat st;
	int fd;
	struct ey_error *err = open_path(path, &st, &fd);

	if (err)
		return err;
	if (options->unwrap) {
		err = options->unwrap(&fd, options->timeout_seconds, &unwrapped);
		// A stream has the size that it turned out to have.
		if (!err && !S_ISREG(st.st_mode) && fstat(fd, &st) < 0)
			err = ey_error_errno(EY_ERR_IO, errno, "cannot stat it");
	} else if (!S_ISREG(st.st_mode)) {
		err = check_kind(path, &st);
	}
	in->fds[in->count++] = fd;
	if (err)
		return ey_error_prefix(err, "%s", path);
	in->bytes += (uint64_t)st.st_size;
	if (unwrapped.what)
		in->unwrapped.what = unwrapped.what;
	if (unwrapped.damage)
		in->unwrapped.damage = unwrapped.damage;
	return NULL;
}

static struct ey_error *add_parts(struct analysis_input *in, const char *path,
				  const struct analysis_options *options)
{
	struct split_part first, other;

	if (options->part_count >= SPLIT_MAX_PARTS)
		return ey_error_create(EY_ERR_INPUT, "more than %d files for one dump",
				       SPLIT_MAX_PARTS);
	if (!split_look(in->fds[0], &first))
		return ey_error_create(EY_ERR_INPUT,
				       "%s is no part of a split dump: name one dump, or the parts "
				       "of one (makedumpfile --split)",
				       path);
	for (size_t i = 0; i < options->part_count; i++) {
		const char *part = options->parts[i];
		struct ey_error *err = add_file(in, part, options);

		if (err)
			return err;
		if (!split_look(in->fds[in->count - 1], &other))
			return ey_error_create(EY_ERR_INPUT, "%s is no part of a split dump", part);
		if (!split_is_same_dump(&first, &other))
			return ey_error_create(EY_ERR_INPUT,
					       "%s and %s are not parts of the same dump", path,
					       part);
	}
	return NULL;
}

static void add_sisters(struct analysis_input *in, const char *path)
{
	struct split_part part;
	struct stat st;
	size_t count;

	if (!strcmp(path, "-") || !split_look(in->fds[0], &part))
		return;
	split_find_sisters(path, in->fds[0], &part, in->fds + 1, &count);
	in->count += count;
	for (size_t i = 1; i < in->count; i++) {
		if (!fstat(in->fds[i], &st))
			in->bytes += (uint64_t)st.st_size;
	}
}

struct ey_error *analysis_input_open(const char *path, const struct analysis_options *options,
				     struct analysis_input *ret)
{
	const char *slash = strrchr(path, '/');

	*ret = (struct analysis_input){.name = slash ? slash + 1 : path};
	struct ey_error *err = add_file(ret, path, options);
	if (!err && options->part_count)
		err = add_parts(ret, path, options);
	else if (!err)
		add_sisters(ret, path);
	if (err)
		analysis_input_close(ret);
	return err;
}

void analysis_input_close(struct analysis_input *in)
{
	for (size_t i = 0; i < in->count; i++) {
		if (in->fds[i] >= 0)
			close(in->fds[i]);
	}
	in->count = 0;
}
