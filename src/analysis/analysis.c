/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/analysis.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analysis/dmesg.h"
#include "analysis/facts.h"
#include "analysis/input.h"
#include "analysis/passes.h"
#include "analysis/sandbox.h"
#include "analysis/types.h"
#include "base/cleanup.h"
#include "vmcore/vmcoreinfo.h"

enum { DEFAULT_TIMEOUT_SECONDS = 120 };
static const size_t default_memory_limit = 2UL << 30;
// 200,000 tasks take some 40 MB.
static const size_t max_output = 256UL << 20;

struct job {
	const struct analysis_input *input;
	struct kernel_aids aids;
	/** Passes wanted; see passes.h. */
	const char *with;
	/** Why there are to be none; NULL where there may be. */
	const char *no_passes;
};

/** What comes before the record and the text in the child's answer. */
struct answer_head {
	uint64_t record_len;
	uint64_t has_event_and_log;
	/** The kernel has no types, and this build id ("": none is known). */
	uint64_t lacks_types;
	char build_id[136];
};

static struct answer_head make_head(const struct kernel *k)
{
	struct answer_head head = {.lacks_types = !k->have_btf};
	const char *id = vmcoreinfo_find(k->dump.vmcoreinfo, "BUILD-ID");
	size_t len = id ? strcspn(id, "\n") : 0;

	if (len < sizeof(head.build_id))
		memcpy(head.build_id, id ? id : "", len);
	return head;
}

static struct ey_error *collect(const struct job *job, struct kernel *k, struct facts *facts)
{
	const struct analysis_input *in = job->input;

	*k = (struct kernel){.dump.source.fd = -1};
	if (in->count == 1 && dmesg_is_text(in->fds[0])) {
		struct ey_error *err = dmesg_collect(facts, k, in->fds[0], in->name);

		// A dump's descriptor is closed with it.
		close(in->fds[0]);
		return err;
	}
	struct ey_error *err = kernel_open_aided(k, in->fds, in->count, &job->aids);
	if (err)
		return err;
	dump_wrapped_in(&k->dump, in->unwrapped.what);
	if (in->unwrapped.damage) {
		kernel_gap(k, "compression", "%s", in->unwrapped.damage);
		k->dump.incomplete = true;
	}
	err = facts_collect(facts, k, in->name, in->bytes);
	if (!err && job->no_passes)
		kernel_gap(k, "passes", "%s", job->no_passes);
	else if (!err)
		passes_run(facts, job->with);
	return err;
}

// In the child: the head, the record, the text.
static struct ey_error *analyse(void *arg, struct ey_buf *out)
{
	const struct job *job = arg;
	struct kernel *k = calloc(1, sizeof(*k));
	struct facts facts = {0};

	if (!k)
		return &ey_error_nomem;
	struct ey_error *err = collect(job, k, &facts);
	if (!err) {
		struct answer_head head = make_head(k);

		ey_buf_add(out, &head, sizeof(head));
		facts_write_record(&facts, out);
		head.record_len = out->len - sizeof(head);
		// Of a kernel that runs, or a log alone, nobody else can say more.
		head.has_event_and_log = (facts.event && facts.log.len) || k->dump.live ||
					 k->dump.format == DUMP_NONE;
		facts_write_text(&facts, out);
		if (!out->failed)
			memcpy(out->data, &head, sizeof(head));
	}
	facts_deinit(&facts);
	kernel_close(k);
	free(k);
	return err;
}

static struct ey_error *split_answer(struct ey_buf *answer, struct analysis_result *ret)
{
	struct answer_head head;

	if (answer->len < sizeof(head))
		return ey_error_create(EY_ERR_INPUT, "the analysis gave no answer");
	memcpy(&head, answer->data, sizeof(head));
	size_t rest = answer->len - sizeof(head);
	if (head.record_len > rest)
		return ey_error_create(EY_ERR_INPUT, "the analysis gave a broken answer");
	const char *record = answer->data + sizeof(head);
	ret->record_len = (size_t)head.record_len;
	ret->record = strndup(record, ret->record_len);
	ret->text_len = rest - ret->record_len;
	ret->text = strndup(record + head.record_len, ret->text_len);
	if (!ret->record || !ret->text) {
		analysis_result_deinit(ret);
		return &ey_error_nomem;
	}
	ret->has_event_and_log = head.has_event_and_log;
	// What a child that read hostile input wrote: no NUL within.
	ret->record_len = strlen(ret->record);
	ret->text_len = strlen(ret->text);
	return NULL;
}

// Once with the passes; should the process die of one, or not end, again without them. Both
// together keep to the time.
static struct ey_error *run_in_sandbox(struct job *job, const struct analysis_options *options,
				       struct ey_buf *answer)
{
	int fds[SANDBOX_MAX_FDS];
	const int aids[] = {job->aids.types_fd, job->aids.system_map_fd, job->aids.vmlinux_fd};
	size_t count = 0;

	for (size_t i = 1; i < job->input->count; i++)
		fds[count++] = job->input->fds[i];
	for (size_t i = 0; i < EY_ARRAY_SIZE(aids); i++) {
		if (aids[i])
			fds[count++] = aids[i];
	}
	struct sandbox_limits limits = {
		.memory = options->memory_limit ? options->memory_limit : default_memory_limit,
		.output = max_output,
		.input_fd = job->input->fds[0],
		.more_fds = fds,
		.more_count = count,
	};
	unsigned int seconds =
		options->timeout_seconds ? options->timeout_seconds : DEFAULT_TIMEOUT_SECONDS;
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	limits.timeout_seconds = seconds - seconds / 3;
	struct ey_error *err = sandbox_run(analyse, job, &limits, answer);
	// What it said itself stands in the answer: the dump cannot be read.
	if (!err || err->code != EY_ERR_INPUT || answer->len)
		return err;
	clock_gettime(CLOCK_MONOTONIC, &end);
	unsigned int spent = (unsigned int)(end.tv_sec - begin.tv_sec);
	_cleanup_free_ char *why = strdup(err->message);
	job->no_passes = why ? why : "out of memory";
	ey_buf_clear(answer);
	limits.timeout_seconds = seconds > spent + 1 ? seconds - spent : 1;
	struct ey_error *again = sandbox_run(analyse, job, &limits, answer);
	if (again) {
		// The first error is the one that has to do with the dump.
		ey_error_destroy(again);
		return err;
	}
	ey_error_destroy(err);
	return NULL;
}

static struct ey_error *open_aid(const char *path, int *ret)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : 0;

	if (fd < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot open %s", path);
	*ret = fd;
	return NULL;
}

static void close_aids(struct kernel_aids *aids)
{
	const int fds[] = {aids->types_fd, aids->system_map_fd, aids->vmlinux_fd};

	for (size_t i = 0; i < EY_ARRAY_SIZE(fds); i++) {
		if (fds[i] > 0)
			close(fds[i]);
	}
}

// Types by the build id that the dump was found to have: true where it is worth another look.
static struct ey_error *find_types(struct job *job, const struct analysis_options *options,
				   const struct ey_buf *answer, bool *found_ret)
{
	struct answer_head head;
	int fd;

	*found_ret = false;
	if (answer->len < sizeof(head))
		return NULL;
	memcpy(&head, answer->data, sizeof(head));
	head.build_id[sizeof(head.build_id) - 1] = '\0';
	if (!head.lacks_types)
		return NULL;
	struct ey_error *err = types_open(options->types, head.build_id, &fd);
	if (!err && fd >= 0) {
		job->aids.types_fd = fd;
		*found_ret = true;
	}
	return err;
}

static struct ey_error *run_with_aids(struct job *job, const struct analysis_options *options,
				      struct ey_buf *answer)
{
	struct ey_error *err = open_aid(options->vmlinux, &job->aids.vmlinux_fd);
	bool again = false;

	if (!err)
		err = open_aid(options->system_map, &job->aids.system_map_fd);
	if (!err)
		err = run_in_sandbox(job, options, answer);
	if (!err)
		err = find_types(job, options, answer, &again);
	if (!err && again) {
		ey_buf_clear(answer);
		job->no_passes = NULL;
		err = run_in_sandbox(job, options, answer);
	}
	close_aids(&job->aids);
	return err;
}

struct ey_error *analysis_run(const char *path, const struct analysis_options *options,
			      struct analysis_result *ret)
{
	_cleanup_buf_ struct ey_buf answer = EY_BUF_INIT;
	struct analysis_input input;
	struct job job = {.input = &input, .with = options->with};

	*ret = (struct analysis_result){0};
	struct ey_error *err = passes_check(options->with);
	if (err)
		return err;
	err = analysis_input_open(path, options, &input);
	if (err)
		return err;
	if (options->no_sandbox) {
		err = analyse(&job, &answer);
		if (!err)
			err = ey_buf_error(&answer);
	} else {
		err = run_with_aids(&job, options, &answer);
		analysis_input_close(&input);
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
