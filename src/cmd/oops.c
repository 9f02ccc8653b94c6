/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/command.h"
#include "oops/parser.h"
#include "oops/regroup.h"

enum {
	CHUNK_SIZE = 64 * 1024,
	// One line of --batch input; logs are a few MB at most.
	BATCH_LINE_MAX = 256 << 20,
	// A live log that is silent for so long has ended its report.
	QUIET_MS = 2000,
};

static const char help[] =
	"Usage: eyrie oops [OPTION...] [FILE]\n"
	"\n"
	"Find the crash events in kernel log text (FILE, or standard input): oopses, BUGs,\n"
	"warnings, panics, lockups, stalls, sanitizer reports, hardware errors. The text may be\n"
	"dmesg's, the journal's, syslog's, a serial console's. Prints one JSON object a line for\n"
	"each event, as soon as its report is complete; memory stays bounded on an endless log.\n"
	"\n"
	"Options:\n"
	"  --batch     read lines {\"id\":...,\"log\":\"...\"}, print "
	"{\"id\":...,\"events\":[...]},\n"
	"              one for one and in order\n"
	"  --fatal     print only the event that took the machine down, if any\n"
	"  --explain   say in words which rule chose what, in place of JSON\n"
	"  --regroup   read lines {\"id\":...,\"reason\":\"...\",\"log\":\"...\"} as stored, print "
	"which\n"
	"              groups the rules of this version would merge and split\n"
	"  --help      this help\n"
	"\n"
	"Exit codes: 0 done (also when nothing was found); 1 usage; 2 bad input; 3 could not\n"
	"read or write, safe to try again.\n"
	"\n"
	"Examples:\n"
	"  eyrie oops dmesg.txt\n"
	"  journalctl -kf -o short-monotonic | eyrie oops\n";

static struct ey_error *print_event(struct oops_event *event, void *arg)
{
	struct ey_buf *buf = arg;
	struct ey_json json;

	ey_json_init(&json, buf, 0);
	oops_event_write(event, &json);
	ey_buf_addc(buf, '\n');
	return ey_buf_error(buf);
}

static struct ey_error *print_explanation(struct oops_event *event, void *arg)
{
	struct ey_buf *buf = arg;

	// The log is anybody's: no control characters to the terminal.
	for (const char *p = event->explanation; *p; p++)
		ey_buf_addc(buf, (unsigned char)*p < ' ' && *p != '\n' ? '?' : *p);
	ey_buf_addc(buf, '\n');
	return ey_buf_error(buf);
}

static struct ey_error *flush(struct ey_buf *out)
{
	struct ey_error *err = out->len ? ey_write_all(STDOUT_FILENO, out->data, out->len) : NULL;

	ey_buf_clear(out);
	return err;
}

static struct ey_error *run_stream(int fd, const char *name, bool explain)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	_cleanup_oops_parser_ struct oops_parser *parser = NULL;
	_cleanup_free_ char *chunk = malloc(CHUNK_SIZE);
	struct ey_error *err;

	if (!chunk)
		return &ey_error_nomem;
	if ((err = oops_parser_create(explain ? print_explanation : print_event, &out, &parser)))
		return err;
	if (explain)
		oops_parser_explain(parser);
	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		int ready = poll(&pfd, 1, QUIET_MS);

		if (ready == 0) {
			if ((err = oops_parser_finish(parser)) || (err = flush(&out)))
				return err;
			ready = poll(&pfd, 1, -1);
		}
		if (ready < 0 && errno != EINTR)
			return ey_error_errno(EY_ERR_IO, errno, "cannot wait for %s", name);
		ssize_t n = read(fd, chunk, CHUNK_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ey_error_errno(errno == EISDIR ? EY_ERR_INPUT : EY_ERR_IO, errno,
					      "cannot read %s", name);
		if (n == 0)
			break;
		if ((err = oops_parser_feed(parser, chunk, (size_t)n)) || (err = flush(&out)))
			return err;
	}
	if ((err = oops_parser_finish(parser)))
		return err;
	return flush(&out);
}

static struct ey_error *read_all(int fd, const char *name, struct ey_buf *buf)
{
	for (;;) {
		if (!ey_buf_reserve(buf, CHUNK_SIZE))
			return &ey_error_nomem;
		ssize_t n = read(fd, buf->data + buf->len, CHUNK_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ey_error_errno(errno == EISDIR ? EY_ERR_INPUT : EY_ERR_IO, errno,
					      "cannot read %s", name);
		if (n == 0)
			return NULL;
		buf->len += (size_t)n;
		if (buf->len > BATCH_LINE_MAX)
			return ey_error_create(EY_ERR_INPUT,
					       "%s is larger than %d MiB; without "
					       "--fatal it is read as a stream",
					       name, BATCH_LINE_MAX >> 20);
	}
}

static struct ey_error *run_fatal(int fd, const char *name)
{
	_cleanup_buf_ struct ey_buf log = EY_BUF_INIT, out = EY_BUF_INIT;
	struct oops_event *events = NULL;
	struct ey_error *err;
	size_t count = 0;
	struct ey_json json;

	if ((err = read_all(fd, name, &log)) ||
	    (err = oops_parse_text(ey_buf_str(&log), log.len, &events, &count)))
		return err;
	const struct oops_event *fatal = oops_pick_fatal(events, count);
	if (fatal) {
		ey_json_init(&json, &out, 0);
		oops_event_write(fatal, &json);
		ey_buf_addc(&out, '\n');
	}
	oops_events_free(events, count);
	if ((err = ey_buf_error(&out)))
		return err;
	return flush(&out);
}

// What one line of the batch is for.
typedef struct ey_error *(*batch_fn)(const json_t *root, const struct oops_event *events,
				     size_t count, void *arg);

static struct ey_error *write_batch(const json_t *root, const struct oops_event *events,
				    size_t count, void *arg)
{
	_cleanup_free_ char *id =
		json_dumps(json_object_get(root, "id"), JSON_ENCODE_ANY | JSON_COMPACT);
	struct ey_buf *out = arg;
	struct ey_error *err;
	struct ey_json json;

	if (!id)
		return &ey_error_nomem;
	ey_json_init(&json, out, 0);
	ey_json_object_begin(&json);
	ey_json_key(&json, "id");
	ey_json_raw(&json, id, strlen(id));
	ey_json_key(&json, "events");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < count; i++)
		oops_event_write(&events[i], &json);
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	ey_buf_addc(out, '\n');
	if ((err = ey_buf_error(out)))
		return err;
	return flush(out);
}

static struct ey_error *add_regroup(const json_t *root, const struct oops_event *events,
				    size_t count, void *arg)
{
	const char *stored = json_string_value(json_object_get(root, "reason"));
	const struct oops_event *event = oops_pick_fatal(events, count);

	if (!stored)
		return ey_error_create(EY_ERR_INPUT, "it has no text in \"reason\"");
	// Not every stored event is a fatal one.
	if (!event && count)
		event = &events[0];
	return oops_regroup_add(arg, stored, event ? event->reason : NULL);
}

static struct ey_error *batch_line(const char *text, size_t len, batch_fn fn, void *arg)
{
	struct oops_event *events = NULL;
	struct ey_error *err;
	size_t count = 0;
	json_error_t why;

	if ((err = ey_json_check_limits(text, len, 8, 64)))
		return err;
	json_t *root = json_loadb(text, len, JSON_ALLOW_NUL, &why);
	if (!root)
		return ey_error_create(EY_ERR_INPUT, "it is not JSON: %s", why.text);
	const json_t *log = json_object_get(root, "log");
	if (!json_object_get(root, "id") || !json_is_string(log)) {
		err = ey_error_create(EY_ERR_INPUT, "it has no \"id\" or no text in \"log\"");
	} else {
		err = oops_parse_text(json_string_value(log), json_string_length(log), &events,
				      &count);
		if (!err)
			err = fn(root, events, count, arg);
		oops_events_free(events, count);
	}
	json_decref(root);
	return err;
}

static struct ey_error *run_batch(FILE *in, const char *name, batch_fn fn, void *arg)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n;

	for (uint64_t number = 1; (n = getline(&line, &size, in)) > 0; number++) {
		struct ey_error *err;

		if (n == 1 && *line == '\n')
			continue;
		if ((err = batch_line(line, (size_t)n, fn, arg)))
			return err->code == EY_ERR_INPUT
				       ? ey_error_prefix(err, "line %llu of %s",
							 (unsigned long long)number, name)
				       : err;
	}
	if (ferror(in))
		return ey_error_errno(errno == EISDIR ? EY_ERR_INPUT : EY_ERR_IO, errno,
				      "cannot read %s", name);
	return NULL;
}

static struct ey_error *run_regroup(FILE *in, const char *name)
{
	_cleanup_oops_regroup_ struct oops_regroup regroup = {0};
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	struct ey_error *err = run_batch(in, name, add_regroup, &regroup);

	if (err)
		return err;
	oops_regroup_report(&regroup, &out);
	if ((err = ey_buf_error(&out)))
		return err;
	return flush(&out);
}

int cmd_oops(int argc, char **argv)
{
	enum { OPT_BATCH = 1, OPT_FATAL, OPT_EXPLAIN, OPT_REGROUP };
	static const struct option options[] = {
		{"batch", no_argument, NULL, OPT_BATCH},
		{"fatal", no_argument, NULL, OPT_FATAL},
		{"explain", no_argument, NULL, OPT_EXPLAIN},
		{"regroup", no_argument, NULL, OPT_REGROUP},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	_cleanup_fclose_ FILE *in = NULL;
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	bool batch = false, fatal = false, explain = false, regroup = false;
	const char *name = "standard input";
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case OPT_BATCH:
			batch = true;
			break;
		case OPT_FATAL:
			fatal = true;
			break;
		case OPT_EXPLAIN:
			explain = true;
			break;
		case OPT_REGROUP:
			regroup = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (argc - optind > 1 || batch + fatal + explain + regroup > 1) {
		fprintf(stderr, "eyrie oops: %s; see 'eyrie oops --help'\n",
			argc - optind <= 1
				? "--batch, --fatal, --explain and --regroup exclude each other"
				: "one FILE at most");
		return 1;
	}
	if (optind < argc && strcmp(argv[optind], "-") != 0) {
		name = argv[optind];
		if (!(in = fopen(name, "re")))
			return ey_error_report(ey_error_errno(
				errno == ENOENT || errno == EACCES ? EY_ERR_INPUT : EY_ERR_IO,
				errno, "cannot open %s", name));
	}
	if (batch)
		return ey_error_report(run_batch(in ? in : stdin, name, write_batch, &out));
	if (regroup)
		return ey_error_report(run_regroup(in ? in : stdin, name));
	int fd = in ? fileno(in) : STDIN_FILENO;
	return ey_error_report(fatal ? run_fatal(fd, name) : run_stream(fd, name, explain));
}
