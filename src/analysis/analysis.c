/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/analysis.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/facts.h"
#include "analysis/sandbox.h"
#include "base/cleanup.h"

enum { DEFAULT_TIMEOUT_SECONDS = 120 };
static const size_t default_memory_limit = 2UL << 30;
// 200,000 tasks take some 40 MB.
static const size_t max_output = 256UL << 20;

struct job {
	int fd;
	const char *name;
	uint64_t bytes;
};

// In the child: the length of the record (8 bytes), the record, the text.
static struct ey_error *analyse(void *arg, struct ey_buf *out)
{
	const struct job *job = arg;
	struct kernel *k = calloc(1, sizeof(*k));
	struct facts facts = {0};

	if (!k)
		return &ey_error_nomem;
	struct ey_error *err = kernel_open(k, job->fd);
	if (!err) {
		uint64_t record_len = 0;

		err = facts_collect(&facts, k, job->name, job->bytes);
		if (!err) {
			ey_buf_add(out, &record_len, sizeof(record_len));
			facts_write_record(&facts, out);
			record_len = out->len - sizeof(record_len);
			facts_write_text(&facts, out);
			if (!out->failed)
				memcpy(out->data, &record_len, sizeof(record_len));
		}
		facts_deinit(&facts);
		kernel_close(k);
	}
	free(k);
	return err;
}

static struct ey_error *open_dump(const char *path, int *fd_ret, struct stat *st)
{
	// O_NONBLOCK: opening a FIFO must not hang.
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return ey_error_create(EY_ERR_NOT_FOUND, "%s: no such file", path);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", path);
	if (fstat(fd, st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat %s", path);
	if (S_ISDIR(st->st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s is a directory; name the dump file in it",
				       path);
	if (!S_ISREG(st->st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s is not a regular file", path);
	*fd_ret = no_cleanup_fd(fd);
	return NULL;
}

static struct ey_error *split_answer(struct ey_buf *answer, struct analysis_result *ret)
{
	uint64_t record_len;

	if (answer->len < sizeof(record_len))
		return ey_error_create(EY_ERR_INPUT, "the analysis gave no answer");
	memcpy(&record_len, answer->data, sizeof(record_len));
	size_t rest = answer->len - sizeof(record_len);
	if (record_len > rest)
		return ey_error_create(EY_ERR_INPUT, "the analysis gave a broken answer");
	const char *record = answer->data + sizeof(record_len);
	ret->record_len = (size_t)record_len;
	ret->record = strndup(record, ret->record_len);
	ret->text_len = rest - ret->record_len;
	ret->text = strndup(record + record_len, ret->text_len);
	if (!ret->record || !ret->text) {
		analysis_result_deinit(ret);
		return &ey_error_nomem;
	}
	// What a child that read hostile input wrote: no NUL within.
	ret->record_len = strlen(ret->record);
	ret->text_len = strlen(ret->text);
	return NULL;
}

struct ey_error *analysis_run(const char *path, const struct analysis_options *options,
			      struct analysis_result *ret)
{
	_cleanup_buf_ struct ey_buf answer = EY_BUF_INIT;
	const char *slash = strrchr(path, '/');
	struct job job = {.fd = -1, .name = slash ? slash + 1 : path};
	struct stat st;

	*ret = (struct analysis_result){0};
	struct ey_error *err = open_dump(path, &job.fd, &st);
	if (err)
		return err;
	job.bytes = (uint64_t)st.st_size;
	if (options->no_sandbox) {
		err = analyse(&job, &answer);
		if (!err)
			err = ey_buf_error(&answer);
	} else {
		struct sandbox_limits limits = {
			.timeout_seconds = options->timeout_seconds ? options->timeout_seconds
								    : DEFAULT_TIMEOUT_SECONDS,
			.memory = options->memory_limit ? options->memory_limit
							: default_memory_limit,
			.output = max_output,
			.input_fd = job.fd,
		};

		err = sandbox_run(analyse, &job, &limits, &answer);
		close(job.fd);
	}
	if (!err)
		err = split_answer(&answer, ret);
	return ey_error_prefix(err, "%s", path);
}

void analysis_result_deinit(struct analysis_result *result)
{
	free(result->record);
	free(result->text);
	*result = (struct analysis_result){0};
}
