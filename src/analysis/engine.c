/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/compare.h"
#include "analysis/crash_text.h"
#include "analysis/engine_crash.h"
#include "analysis/record_read.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

bool engine_parse(const char *name, enum engine *ret)
{
	static const char *const names[] = {
#define X(id, text) text,
		ENGINES(X)
#undef X
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i])) {
			*ret = (enum engine)i;
			return true;
		}
	}
	return false;
}

struct ey_error *engine_configure(struct engine_options *o, const struct ey_config *config)
{
	static const char section[] = "analysis";
	int64_t seconds;
	bool download;
	struct ey_error *err;

	if (!o->crash)
		o->crash = ey_config_string(config, section, "crash", NULL);
	if (!o->commands)
		o->commands = ey_config_string(config, section, "crash_commands", NULL);
	if (!o->debug_path)
		o->debug_path = ey_config_string(config, section, "debug_path", NULL);
	if (!o->cache)
		o->cache = ey_config_string(config, section, "debuginfod_cache", NULL);
	if ((err = ey_config_duration(config, section, "crash_timeout", 0, &seconds)) ||
	    (err = ey_config_uint(config, section, "crash_output", o->crash_output,
				  &o->crash_output)) ||
	    (err = ey_config_uint(config, section, "debuginfod_limit", o->download_bytes,
				  &o->download_bytes)) ||
	    (err = ey_config_bool(config, section, "debuginfod", true, &download)))
		return err;
	if (seconds < 0 || seconds > 86400)
		return ey_error_create(EY_ERR_USAGE, "[analysis] crash_timeout is at most a day");
	if (!o->crash_seconds)
		o->crash_seconds = (unsigned int)seconds;
	o->download = download;
	return NULL;
}

// The output of crash, saved as a file. False: it is something else, or cannot be read here.
static bool read_crash_text(const char *path, char **text, size_t *len)
{
	enum { LOOK = 256 << 10 };
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *look = malloc(LOOK);
	struct stat st;
	struct ey_error *err;

	if (fd < 0 || !look || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > CRASH_TEXT_MAX)
		return false;
	ssize_t n = pread(fd, look, LOOK, 0);
	if (n <= 0 || memchr(look, '\0', (size_t)n) || !crash_text_recognize(look, (size_t)n))
		return false;
	err = ey_file_read_whole(path, CRASH_TEXT_MAX, text, len);
	ey_error_destroy(err);
	return !err;
}

// Whether the native engine's answer lacks what matters most.
static bool is_wanting(const struct analysis_result *result)
{
	_cleanup_record_ struct record r = {0};

	// A record of 100,000 tasks takes longer to parse than it took to write.
	if (result->has_event_and_log)
		return false;
	_cleanup_error_ struct ey_error *err = record_read(result->record, result->record_len, &r);
	return err || !r.have_event || !r.log_len;
}

static struct ey_error *run_both(const char *path, const struct engine_options *o,
				 struct analysis_result *ret)
{
	struct analysis_result crash = {0};
	struct ey_error *native_err = analysis_run(path, o->native, ret);
	struct ey_error *err;

	if (native_err && native_err->code != EY_ERR_INPUT)
		return native_err;
	err = engine_crash_run(path, o, &crash);
	if (native_err && err) {
		ey_error_destroy(err);
		return native_err;
	}
	if (native_err) {
		*ret = crash;
		err = compare_add_gap(ret, "native engine", native_err->message);
		ey_error_destroy(native_err);
		return err;
	}
	if (err) {
		// It was asked for: what it could not do is a gap, not the end.
		struct ey_error *failed = compare_add_gap(ret, "crash engine", err->message);

		ey_error_destroy(err);
		return failed;
	}
	err = compare_results(ret, &crash);
	analysis_result_deinit(&crash);
	return err;
}

static struct ey_error *run_auto(const char *path, const struct engine_options *o,
				 struct analysis_result *ret)
{
	struct engine_options local = *o;
	struct analysis_result crash = {0};
	struct ey_error *native_err = analysis_run(path, o->native, ret);

	if (native_err ? native_err->code != EY_ERR_INPUT : !is_wanting(ret))
		return native_err;
	// What nobody asked for must not fetch a gigabyte.
	local.download = false;
	_cleanup_error_ struct ey_error *err = engine_crash_run(path, &local, &crash);
	if (err || (!native_err && is_wanting(&crash))) {
		if (err)
			ey_log_debug("crash was not of help: %s", err->message);
		analysis_result_deinit(&crash);
		return native_err;
	}
	struct ey_error *failed = compare_add_gap(
		&crash, "native engine",
		native_err ? native_err->message
			   : "it found no event or no log in this dump: this is the "
			     "crash utility's record");
	ey_error_destroy(native_err);
	analysis_result_deinit(ret);
	*ret = crash;
	return failed;
}

struct ey_error *engine_run(const char *path, const struct engine_options *o,
			    struct analysis_result *ret)
{
	_cleanup_free_ char *text = NULL;
	struct ey_error *err;
	size_t len;

	*ret = (struct analysis_result){0};
	if (read_crash_text(path, &text, &len)) {
		static const struct crash_dump no_dump;

		return ey_error_prefix(engine_crash_read(text, len, &no_dump, NULL, 0, ret), "%s",
				       path);
	}
	switch (o->engine) {
	case ENGINE_NATIVE:
		err = analysis_run(path, o->native, ret);
		break;
	case ENGINE_CRASH:
		err = engine_crash_run(path, o, ret);
		break;
	case ENGINE_BOTH:
		err = run_both(path, o, ret);
		break;
	default:
		err = run_auto(path, o, ret);
	}
	if (err)
		analysis_result_deinit(ret);
	return err;
}
