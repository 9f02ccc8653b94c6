/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/vmlinux.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analysis/supervise.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

static const char default_debug_path[] = "/usr/lib/debug";
static const char default_cache[] = "/var/cache/eyrie/debuginfod";

// Where distributions put it: %b and %B are the build id's first two digits and its rest, %r the
// release. Below each debuginfo folder, and from the root.
static const char *const below_debug[] = {
	".build-id/%b/%B.debug",      "lib/modules/%r/vmlinux",
	"usr/lib/modules/%r/vmlinux", "boot/vmlinux-%r",
	"boot/vmlinux-%r.debug",      "lib/modules/%r/vmlinux.debug",
	"boot/vmlinux-%r-debug",      "usr/lib/modules/%r/vmlinux.debug",
};
static const char *const below_root[] = {
	"/boot/vmlinux-%r",
	"/lib/modules/%r/vmlinux",
	"/lib/modules/%r/build/vmlinux",
};

struct search {
	const struct vmlinux_query *query;
	/** What was looked at and did not fit: a sentence each. */
	struct ey_buf rejected;
	char *found;
	bool checked;
};

// Fill a template in; false where the query has not what it needs.
static bool expand(const struct vmlinux_query *q, const char *template, struct ey_buf *out)
{
	for (const char *t = template; *t; t++) {
		if (*t != '%') {
			ey_buf_addc(out, *t);
			continue;
		}
		t++;
		if (*t == 'r' ? !q->release : !q->build_id)
			return false;
		if (*t == 'r')
			ey_buf_adds(out, q->release);
		else if (*t == 'b')
			ey_buf_add(out, q->build_id, 2);
		else
			ey_buf_adds(out, q->build_id + 2);
	}
	return !out->failed;
}

// Why the file is not the one; NULL: it is.
static struct ey_error *check_file(const struct vmlinux_query *q, const char *path, bool *checked)
{
	char build_id[VMLINUX_BUILD_ID_SIZE];
	bool debuginfo;
	struct ey_error *err = vmlinux_read_build_id(path, build_id, &debuginfo);

	*checked = false;
	if (err)
		return err;
	if (q->build_id && strcasecmp(build_id, q->build_id) != 0)
		return ey_error_create(EY_ERR_INPUT,
				       "%s has the build id %s, and the dump's kernel has %s", path,
				       build_id[0] ? build_id : "(none)", q->build_id);
	if (!debuginfo)
		return ey_error_create(
			EY_ERR_INPUT, "%s has no debuginfo (.debug_info), which crash needs", path);
	*checked = q->build_id != NULL;
	return NULL;
}

static void try_file(struct search *s, const char *path)
{
	_cleanup_error_ struct ey_error *err = check_file(s->query, path, &s->checked);

	if (!err)
		s->found = strdup(path);
	else if (err->code != EY_ERR_NOT_FOUND)
		ey_buf_printf(&s->rejected, "; %s", err->message);
}

static void search_folder(struct search *s, const char *folder, size_t len)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(below_debug) && !s->found; i++) {
		_cleanup_buf_ struct ey_buf path = EY_BUF_INIT;

		ey_buf_add(&path, folder, len);
		ey_buf_addc(&path, '/');
		if (expand(s->query, below_debug[i], &path))
			try_file(s, path.data);
	}
}

static void search_files(struct search *s)
{
	const char *at = s->query->debug_path ? s->query->debug_path : default_debug_path;

	for (const char *end; *at && !s->found; at = *end ? end + 1 : end) {
		end = strchrnul(at, ':');
		if (end > at)
			search_folder(s, at, (size_t)(end - at));
	}
	for (size_t i = 0; i < EY_ARRAY_SIZE(below_root) && !s->found; i++) {
		_cleanup_buf_ struct ey_buf path = EY_BUF_INIT;

		if (expand(s->query, below_root[i], &path))
			try_file(s, path.data);
	}
}

/**
 * elfutils' own client: it knows the protocol, several servers, certificates, a cache with a
 * memory of what is not there, and names a file only when it is whole. Its answer is the path.
 */
static struct ey_error *download(struct search *s)
{
	const struct vmlinux_query *q = s->query;
	const char *urls = getenv("DEBUGINFOD_URLS");
	const char *cache = q->cache ? q->cache : default_cache;
	unsigned int seconds = q->download_seconds ? q->download_seconds : 1800;
	uint64_t bytes = q->download_bytes ? q->download_bytes : UINT64_C(2) << 30;
	_cleanup_free_ char *program = supervise_find_program("debuginfod-find");
	struct ey_buf env[6] = {0};
	_cleanup_supervise_ struct supervise_result r = {0};
	const char *names[] = {"DEBUGINFOD_URLS",    "DEBUGINFOD_CACHE_PATH", "DEBUGINFOD_MAXSIZE",
			       "DEBUGINFOD_MAXTIME", "DEBUGINFOD_TIMEOUT",    "HOME"};
	const char *environment[EY_ARRAY_SIZE(env) + 1] = {0};

	if (!program) {
		ey_buf_adds(&s->rejected, "; DEBUGINFOD_URLS is set, but there is no "
					  "debuginfod-find (package debuginfod or elfutils)");
		return NULL;
	}
	struct ey_error *err = ey_mkdir_parents(cache, 0755);
	if (err)
		return err;
	for (size_t i = 0; i < EY_ARRAY_SIZE(env); i++)
		ey_buf_printf(&env[i], "%s=", names[i]);
	ey_buf_adds(&env[0], urls);
	ey_buf_adds(&env[1], cache);
	ey_buf_printf(&env[2], "%llu", (unsigned long long)bytes);
	ey_buf_printf(&env[3], "%u", seconds);
	ey_buf_adds(&env[4], "30");
	ey_buf_adds(&env[5], cache);
	for (size_t i = 0; i < EY_ARRAY_SIZE(env); i++) {
		environment[i] = ey_buf_str(&env[i]);
		if ((err = ey_buf_error(&env[i])))
			break;
	}
	const char *argv[] = {program, "debuginfo", q->build_id, NULL};
	const struct supervise_options o = {
		.argv = argv,
		.env = environment,
		.cwd = "/",
		.timeout_seconds = seconds + 10,
		.max_output = 64 << 10,
		.max_file = bytes,
		.writable = cache,
	};
	if (!err)
		err = supervise_run(&o, &r);
	for (size_t i = 0; i < EY_ARRAY_SIZE(env); i++)
		ey_buf_deinit(&env[i]);
	if (err)
		return err;
	char *path = r.out.data;
	if (path)
		path[strcspn(path, "\n")] = '\0';
	if (r.end == SUPERVISE_EXITED && !r.status && path && *path == '/')
		try_file(s, path);
	else if (r.end == SUPERVISE_TIMED_OUT)
		ey_buf_printf(&s->rejected, "; the download took longer than %u seconds", seconds);
	else
		ey_buf_printf(&s->rejected, "; debuginfod says: %.200s",
			      r.err.len ? r.err.data : "nothing");
	return NULL;
}

static bool is_build_id(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	return n >= 8 && n < VMLINUX_BUILD_ID_SIZE && strspn(s, "0123456789abcdef") == n;
}

struct ey_error *vmlinux_find(const struct vmlinux_query *query, char **ret, bool *checked_ret)
{
	struct vmlinux_query q = *query;
	_cleanup_buf_ struct ey_buf rejected = EY_BUF_INIT;
	struct ey_error *err;

	*ret = NULL;
	*checked_ret = false;
	// From the dump: they become parts of paths.
	if (!is_build_id(q.build_id))
		q.build_id = NULL;
	if (q.release && !ey_name_is_safe(q.release))
		q.release = NULL;
	if (q.file) {
		if ((err = check_file(&q, q.file, checked_ret)))
			return err;
		*ret = strdup(q.file);
		return *ret ? NULL : &ey_error_nomem;
	}
	struct search s = {.query = &q};
	search_files(&s);
	err = NULL;
	if (!s.found && q.download && q.build_id && getenv("DEBUGINFOD_URLS"))
		err = download(&s);
	rejected = s.rejected;
	if (err)
		return err;
	for (char *c = rejected.data; c && *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
	*ret = s.found;
	*checked_ret = s.checked;
	if (s.found)
		return NULL;
	return ey_error_create(
		EY_ERR_NOT_FOUND,
		"there is no vmlinux with debuginfo of kernel %s (build id %s) in %s, "
		"/boot or /lib/modules%s; install the kernel's debuginfo package, name "
		"the file (--vmlinux=FILE) or set DEBUGINFOD_URLS",
		q.release ? q.release : "of a release that the dump does not say",
		q.build_id ? q.build_id : "not said",
		q.debug_path ? q.debug_path : default_debug_path, ey_buf_str(&rejected));
}
