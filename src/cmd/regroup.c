/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "ingest/regroup.h"
#include "server/query.h"

static const char help[] =
	"Usage: eyrie regroup [--preview] [OPTION...]\n"
	"\n"
	"Make the group keys of all crashes anew by the rules of this version, from their stored\n"
	"logs, and take each crash to the reason of its key. With --preview, say only how many\n"
	"reasons would join, split or change, with the largest examples. What is looked at is\n"
	"remembered: a run that was stopped, and the one after a preview, goes on from there.\n"
	"\n"
	"A reason whose crashes keep one key stays what it is, with its issue and history; old\n"
	"keys lead to it. Crashes that people merged or split stay where they put them. eyried "
	"may\n"
	"serve meanwhile.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP "  --preview          change nothing\n"
	"  --examples N       lines of examples (20)\n"
	"  --max N            look at N crashes, then stop (all)\n"
	"  --why TEXT         for the history of the reasons\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 bad input; 3 the database could not be reached or\n"
	"written, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie regroup --preview\n";

static void print_result(const struct regroup_options *o, const struct regroup_result *r)
{
	for (const char *line = ey_buf_str(&r->text), *next; *line; line = next) {
		size_t len = strcspn(line, "\n");
		_cleanup_free_ char *copy = strndup(line, len);

		next = line + len + (line[len] == '\n');
		if (copy)
			center_print_text(stdout, copy);
		putchar('\n');
	}
	printf("%" PRId64 " crashes looked at, %" PRId64 " without a log that tells\n", r->run.seen,
	       r->run.unknown);
	printf("%s%" PRId64 " reasons join others, %" PRId64 " split (%" PRId64
	       " new reasons), %" PRId64 " get another key; %" PRId64 " crashes %s\n",
	       o->preview || r->unfinished ? "would come of it: " : "", r->joined, r->split,
	       r->fresh, r->renamed, r->moved,
	       o->preview || r->unfinished ? "change their reason" : "changed their reason");
	if (r->unfinished)
		puts("not all crashes were looked at yet; the next run goes on");
}

int cmd_regroup(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"preview", no_argument, NULL, 'p'},
		{"examples", required_argument, NULL, 'e'},
		{"max", required_argument, NULL, 'm'},
		{"why", required_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct center_options common = {0};
	struct regroup_options o = {.edit = {.who = center_user(), .now = ey_time_now()}};
	_cleanup_center_ struct center center = {0};
	_cleanup_regroup_result_ struct regroup_result r = {.text = EY_BUF_INIT};
	int64_t number = 0;

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (center_option(&common, c, optarg))
			continue;
		switch (c) {
		case 'p':
			o.preview = true;
			break;
		case 'e':
		case 'm':
			if (!server_int_parse(optarg, &number) || number < 1 ||
			    (c == 'e' && number > 10000)) {
				fprintf(stderr, "eyrie regroup: \"%s\" is no number of %s\n",
					optarg, c == 'e' ? "examples" : "crashes");
				return 1;
			}
			if (c == 'e')
				o.examples = (unsigned int)number;
			else
				o.max = number;
			break;
		case 'w':
			o.edit.why = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "eyrie regroup: takes no arguments; see --help\n");
		return 1;
	}
	struct ey_error *err = center_open(&center, &common, 0);
	if (!err)
		err = center_job_start(&center, o.preview ? "regroup-preview" : "regroup");
	if (!err) {
		char summary[160];

		err = regroup_run(center.db, &o, &r);
		snprintf(summary, sizeof(summary),
			 "%" PRId64 " crashes looked at, %" PRId64 " reasons joined, %" PRId64
			 " split",
			 r.run.seen, r.joined, r.split);
		err = center_job_finish(&center, err, summary);
	}
	if (!err)
		print_result(&o, &r);
	return ey_error_report(err);
}
