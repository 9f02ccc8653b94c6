/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/identify.h"

#include <stdio.h>
#include <string.h>

#include "analysis/input.h"
#include "analysis/sandbox.h"
#include "base/buf.h"
#include "vmcore/dump.h"
#include "vmcore/vmcoreinfo.h"

enum {
	TIMEOUT_SECONDS = 60,
	MEMORY = 1 << 30,
};

static void copy_value(const char *info, const char *key, char *buf, size_t size)
{
	const char *value = info ? vmcoreinfo_find(info, key) : NULL;

	if (value)
		snprintf(buf, size, "%.*s", (int)strcspn(value, "\n"), value);
}

// In the child. What it writes is the struct itself.
static struct ey_error *look(void *arg, struct ey_buf *out)
{
	const struct analysis_input *input = arg;
	struct dump_identity id = {.bytes = input->bytes};
	struct dump d;
	struct ey_error *err = dump_open_set(&d, input->fds, input->count);

	if (err)
		return err;
	copy_value(d.vmcoreinfo, "BUILD-ID", id.build_id, sizeof(id.build_id));
	copy_value(d.vmcoreinfo, "OSRELEASE", id.release, sizeof(id.release));
	dump_wrapped_in(&d, input->unwrapped.what);
	snprintf(id.format, sizeof(id.format), "%s", dump_format_name(&d));
	id.incomplete = d.incomplete;
	if (input->unwrapped.what)
		snprintf(id.wrapper, sizeof(id.wrapper), "%s", input->unwrapped.what);
	dump_close(&d);
	ey_buf_add(out, &id, sizeof(id));
	return NULL;
}

struct ey_error *analysis_identify(const char *path, const struct analysis_options *options,
				   struct dump_identity *ret)
{
	_cleanup_buf_ struct ey_buf answer = EY_BUF_INIT;
	struct analysis_input input;
	struct ey_error *err = analysis_input_open(path, options, &input);

	*ret = (struct dump_identity){0};
	if (err)
		return err;
	struct sandbox_limits limits = {
		.timeout_seconds = TIMEOUT_SECONDS,
		.memory = MEMORY,
		.output = 1 << 16,
		.input_fd = input.fds[0],
		.more_fds = input.fds + 1,
		.more_count = input.count - 1,
	};
	err = sandbox_run(look, &input, &limits, &answer);
	analysis_input_close(&input);
	if (!err && answer.len != sizeof(*ret))
		err = ey_error_create(EY_ERR_INPUT, "the dump could not be looked at");
	if (err)
		return ey_error_prefix(err, "%s", path);
	memcpy(ret, answer.data, sizeof(*ret));
	// From a process that read hostile input.
	ret->build_id[sizeof(ret->build_id) - 1] = ret->release[sizeof(ret->release) - 1] = '\0';
	ret->format[sizeof(ret->format) - 1] = ret->wrapper[sizeof(ret->wrapper) - 1] = '\0';
	return NULL;
}
