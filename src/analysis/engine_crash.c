/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/engine_crash.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/crash_commands.h"
#include "analysis/identify.h"
#include "analysis/supervise.h"
#include "analysis/vmlinux.h"
#include "base/cleanup.h"
#include "base/file.h"

enum {
	DEFAULT_SECONDS = 600,
	DEFAULT_OUTPUT = CRASH_TEXT_MAX,
	MAX_COMMANDS = 1 << 20,
	MAX_ARGUMENTS = 160,
	// crash writes what it sorts and filters into files of its own.
	MAX_FILE = 1 << 30,
	// Lines of its standard error that are worth a gap.
	MAX_ERROR_LINES = 10,
	MAX_RUN_GAPS = MAX_ERROR_LINES + 4,
};

static const char said_on_error[] = "it says on its standard error: ";

/** A run of crash and what it left. */
struct run {
	const struct engine_options *options;
	/** Empty and ours alone: home, working directory, and where the commands lie. */
	char folder[PATH_MAX];
	char *crash, *vmlinux, *dump, *commands;
	struct supervise_result result;
	struct crash_gap gaps[MAX_RUN_GAPS];
	size_t gap_count;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	remove(path);
	return 0;
}

static void run_deinit(struct run *r)
{
	if (r->folder[0])
		nftw(r->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(r->crash);
	free(r->vmlinux);
	free(r->dump);
	free(r->commands);
	supervise_result_deinit(&r->result);
	for (size_t i = 0; i < r->gap_count; i++) {
		free(r->gaps[i].what);
		free(r->gaps[i].why);
	}
}

static struct ey_error *add_gap(struct run *r, const char *what, const char *why, ...)
	__attribute__((format(printf, 3, 4)));
static struct ey_error *add_gap(struct run *r, const char *what, const char *why, ...)
{
	struct crash_gap gap = {0};
	va_list args;

	if (r->gap_count == MAX_RUN_GAPS)
		return NULL;
	va_start(args, why);
	int n = vasprintf(&gap.why, why, args);
	va_end(args);
	gap.what = n < 0 ? NULL : strdup(what);
	if (!gap.what) {
		if (n >= 0)
			free(gap.why);
		return &ey_error_nomem;
	}
	r->gaps[r->gap_count++] = gap;
	return NULL;
}

static struct ey_error *make_folder(struct run *r)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || *tmp != '/' || strlen(tmp) > PATH_MAX - 32)
		tmp = "/tmp";
	snprintf(r->folder, sizeof(r->folder), "%s/eyrie-crash-XXXXXX", tmp);
	if (!mkdtemp(r->folder)) {
		int errnum = errno;

		r->folder[0] = '\0';
		return ey_error_errno(EY_ERR_IO, errnum, "cannot make a folder in %s", tmp);
	}
	return NULL;
}

// Comments and empty lines go; whatever the file says, crash ends after it.
static struct ey_error *write_commands(struct run *r)
{
	const char *path = r->options->commands;
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	struct ey_error *err = NULL;
	size_t len;

	if (path) {
		if ((err = ey_file_read_whole(path, MAX_COMMANDS, &text, &len)))
			return ey_error_prefix(err, "the commands for crash");
	} else {
		err = ey_file_read_whole(EYRIE_DATADIR "/crash.commands", MAX_COMMANDS, &text,
					 &len);
		// Not installed: the same file as it was when this was built.
		if (err) {
			ey_error_destroy(err);
			text = strdup(CRASH_COMMANDS);
			if (!text)
				return &ey_error_nomem;
		}
	}
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		if (*line && *line != '#')
			ey_buf_printf(&out, "%s\n", line);
	}
	ey_buf_adds(&out, "exit\n");
	if ((err = ey_buf_error(&out)))
		return err;
	if (asprintf(&r->commands, "%s/commands", r->folder) < 0) {
		r->commands = NULL;
		return &ey_error_nomem;
	}
	return ey_file_write_whole(r->commands, 0600, out.data, out.len);
}

static struct ey_error *find_vmlinux(struct run *r, const struct dump_identity *id)
{
	const struct engine_options *o = r->options;
	const struct vmlinux_query query = {
		.build_id = id->build_id[0] ? id->build_id : NULL,
		.release = id->release[0] ? id->release : NULL,
		.file = o->native->vmlinux,
		.debug_path = o->debug_path,
		.download = o->download,
		.cache = o->cache,
		.download_bytes = o->download_bytes,
	};
	_cleanup_free_ char *found = NULL;
	bool checked;
	struct ey_error *err = vmlinux_find(&query, &found, &checked);

	if (err)
		return err;
	r->vmlinux = realpath(found, NULL);
	if (!r->vmlinux)
		return ey_error_errno(EY_ERR_IO, errno, "cannot find %s", found);
	if (!checked)
		return add_gap(r, "vmlinux",
			       "the dump does not say the build id of its kernel: %s was taken by "
			       "its name",
			       r->vmlinux);
	return NULL;
}

static struct ey_error *run_crash(struct run *r, const char *path)
{
	const struct engine_options *o = r->options;
	size_t parts = o->native->part_count, n = 0;
	const char *argv[MAX_ARGUMENTS];
	_cleanup_free_ char *home = NULL, *tmpdir = NULL;

	r->dump = realpath(path, NULL);
	if (!r->dump)
		return ey_error_errno(EY_ERR_IO, errno, "cannot find %s", path);
	if (asprintf(&home, "HOME=%s", r->folder) < 0 ||
	    asprintf(&tmpdir, "TMPDIR=%s", r->folder) < 0)
		return &ey_error_nomem;
	// Without -s: the prompts then tell which output is of which command, and a log cannot
	// pass for another.
	const char *const begin[] = {r->crash, "-i", r->commands, r->vmlinux, r->dump};
	for (size_t i = 0; i < EY_ARRAY_SIZE(begin); i++)
		argv[n++] = begin[i];
	_cleanup_free_ char **absolute = calloc(parts + 1, sizeof(*absolute));
	if (!absolute)
		return &ey_error_nomem;
	for (size_t i = 0; i < parts && n < MAX_ARGUMENTS - 1; i++) {
		absolute[i] = realpath(o->native->parts[i], NULL);
		argv[n++] = absolute[i] ? absolute[i] : o->native->parts[i];
	}
	argv[n] = NULL;
	// No .crashrc, .gdbinit, pager, or settings of whoever runs this; times in UTC.
	const char *const env[] = {
		home,	     tmpdir,	 "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"TERM=dumb", "LC_ALL=C", "TZ=UTC",
		NULL};
	const struct supervise_options run = {
		.argv = argv,
		.env = env,
		.cwd = r->folder,
		.timeout_seconds = o->crash_seconds ? o->crash_seconds : DEFAULT_SECONDS,
		.max_output =
			(size_t)(o->crash_output ? EY_MIN(o->crash_output, (uint64_t)CRASH_TEXT_MAX)
						 : DEFAULT_OUTPUT),
		.max_file = MAX_FILE,
		.writable = r->folder,
		.confined = true,
	};
	struct ey_error *err = supervise_run(&run, &r->result);
	for (size_t i = 0; i < parts; i++)
		free(absolute[i]);
	return err;
}

// How the run ended, where it did not end well.
static struct ey_error *note_end(struct run *r)
{
	const struct supervise_result *s = &r->result;
	const struct engine_options *o = r->options;

	switch (s->end) {
	case SUPERVISE_TIMED_OUT:
		return add_gap(r, "crash",
			       "it took longer than %u seconds and was stopped; what it had "
			       "written by then is here",
			       o->crash_seconds ? o->crash_seconds : DEFAULT_SECONDS);
	case SUPERVISE_TOO_MUCH:
		return add_gap(r, "crash",
			       "it wrote more than %zu bytes and was stopped; the rest is lost",
			       s->out.len);
	case SUPERVISE_SIGNALLED:
		return add_gap(r, "crash", "it died of signal %d (%s)", s->status,
			       strsignal(s->status));
	default:
		return s->status ? add_gap(r, "crash", "it ended with exit status %d", s->status)
				 : NULL;
	}
}

static struct ey_error *note_errors(struct run *r)
{
	char *line = r->result.err.data, *next;
	struct ey_error *err = NULL;

	for (size_t i = 0; line && i < MAX_ERROR_LINES && !err; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		for (char *c = line; *c; c++) {
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				*c = ' ';
		}
		line += strspn(line, " ");
		if (!*line || !strncmp(line, "NOTE: stdin: not a tty", 22))
			continue;
		i++;
		err = add_gap(r, "crash", "%s%.500s", said_on_error, line);
	}
	return err;
}

// The last line of crash's output that begins so; @p words stays as it is where there is none.
static void last_line(const struct ey_buf *out, const char *begin, char *words, size_t size)
{
	for (const char *p = ey_buf_str(out), *next; p; p = next) {
		const char *newline = strchr(p, '\n');

		next = newline ? newline + 1 : NULL;
		// Behind the progress that crash shows and wipes away.
		p += strspn(p, "\r ");
		for (const char *r; (r = strchr(p, '\r')) && (!newline || r < newline);)
			p = r + 1;
		if (!strncmp(p, begin, strlen(begin)))
			snprintf(words, size, "%.*s", (int)strcspn(p, "\r\n"), p);
	}
	for (char *c = words; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
}

// Why crash could do nothing: its own last words.
static struct ey_error *explain(const struct run *r, struct ey_error *err)
{
	char words[256] = "";

	if (!err || err->code != EY_ERR_INPUT)
		return err;
	last_line(&r->result.out, "crash: ", words, sizeof(words));
	for (size_t i = 0; i < r->gap_count && !words[0]; i++) {
		if (!strncmp(r->gaps[i].why, said_on_error, sizeof(said_on_error) - 1))
			snprintf(words, sizeof(words), "%s",
				 r->gaps[i].why + sizeof(said_on_error) - 1);
	}
	if (!words[0])
		last_line(&r->result.out, "WARNING: ", words, sizeof(words));
	if (!words[0] && r->gap_count)
		snprintf(words, sizeof(words), "%s", r->gaps[0].why);
	ey_error_destroy(err);
	return ey_error_create(EY_ERR_INPUT,
			       "the crash utility (%s, with %s) could not read the dump: %s",
			       r->crash, r->vmlinux, words[0] ? words : "it said nothing");
}

static struct ey_error *analyse(struct run *r, const char *path, struct analysis_result *ret)
{
	const struct engine_options *o = r->options;
	const char *name = o->crash ? o->crash : "crash";
	struct dump_identity id;
	struct ey_error *err = analysis_identify(path, o->native, &id);

	if (err)
		return err;
	if (id.wrapper[0])
		return ey_error_create(EY_ERR_INPUT,
				       "%s is compressed (%s), which the crash utility does not "
				       "read; decompress it for --engine=crash",
				       path, id.wrapper);
	r->crash = supervise_find_program(name);
	if (!r->crash)
		return ey_error_create(EY_ERR_NOT_FOUND,
				       "there is no crash utility (\"%s\"): install the package "
				       "crash, or set crash= in section [analysis]",
				       name);
	if ((err = find_vmlinux(r, &id)) || (err = make_folder(r)) || (err = write_commands(r)) ||
	    (err = run_crash(r, path)) || (err = note_end(r)) || (err = note_errors(r)))
		return err;
	const struct crash_dump dump = {id.format, id.bytes, id.incomplete};
	err = engine_crash_read(ey_buf_str(&r->result.out), r->result.out.len, &dump, r->gaps,
				r->gap_count, ret);
	return explain(r, err);
}

struct ey_error *engine_crash_run(const char *path, const struct engine_options *options,
				  struct analysis_result *ret)
{
	struct run r = {.options = options};
	struct ey_error *err = analyse(&r, path, ret);

	run_deinit(&r);
	return err;
}
