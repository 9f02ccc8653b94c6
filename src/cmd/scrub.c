/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "ingest/scrub.h"

static const char help[] =
	"Usage: eyrie scrub [OPTION...]\n"
	"\n"
	"Compare the crashes that have a dump with the checksums they were filed with, those "
	"first\n"
	"that were compared the longest ago. What is damaged is marked in the database and shown "
	"at\n"
	"the crash; nothing is removed. Safe to stop: the next run goes on where this one was.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP
	"  --rate BYTES       bytes a second, in place of [scrub] rate (20M); 0: no limit\n"
	"  --every TIME       compare what was not for so long, in place of [scrub] every (30d);\n"
	"                     0: everything\n"
	"  -q, --quiet        print only the last line\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 all is as it was filed; 1 usage; 2 damaged files were found; 3 some could "
	"not\n"
	"be read now, or the database not be written, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie scrub --rate 100M --every 0\n";

static void on_crash(const struct scrub_event *event, void *arg)
{
	const bool *quiet = arg;

	if (*quiet && !event->damage)
		return;
	fputs(event->damage ? "DAMAGED " : "ok ", stdout);
	center_print_text(stdout, event->path);
	if (event->damage) {
		fputs(": ", stdout);
		center_print_text(stdout, event->damage);
	}
	puts("");
}

static struct ey_error *run(const struct center_options *common, const char *rate,
			    const char *every, bool quiet)
{
	_cleanup_center_ struct center center = {0};
	struct scrub_options options = {0};
	struct scrub_result r = {0};
	char summary[160];
	struct ey_error *err = center_open(&center, common, 0);

	if (!err && rate)
		err = ey_config_set(&center.config, "scrub", "rate", rate, "--rate");
	if (!err && every)
		err = ey_config_set(&center.config, "scrub", "every", every, "--every");
	if (!err)
		err = scrub_options_load(&options, &center.config);
	if (err)
		return err;
	options.on_crash = on_crash;
	options.arg = &quiet;
	err = center_job_start(&center, "scrub");
	if (!err)
		err = scrub_run(center.db, &options, &r);
	snprintf(summary, sizeof(summary),
		 "%" PRIu64 " crashes compared, %" PRIu64 " MiB; %" PRIu64 " damaged, %" PRIu64
		 " could not be read",
		 r.crashes, r.bytes >> 20, r.damaged, r.failed);
	if (!err && r.damaged)
		err = ey_error_create(EY_ERR_INPUT, "%" PRIu64 " crash%s not as filed", r.damaged,
				      r.damaged == 1 ? " is" : "es are");
	if (!err && r.failed)
		err = ey_error_create(EY_ERR_IO, "%" PRIu64 " crash%s could not be read", r.failed,
				      r.failed == 1 ? "" : "es");
	puts(summary);
	return center_job_finish(&center, err, summary);
}

int cmd_scrub(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"rate", required_argument, NULL, 'r'},
		{"every", required_argument, NULL, 'e'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct center_options common = {0};
	const char *rate = NULL, *every = NULL;
	bool quiet = false;

	for (int c; (c = getopt_long(argc, argv, "qh", long_options, NULL)) != -1;) {
		if (center_option(&common, c, optarg))
			continue;
		switch (c) {
		case 'r':
			rate = optarg;
			break;
		case 'e':
			every = optarg;
			break;
		case 'q':
			quiet = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "eyrie scrub: takes no argument \"%s\"; see --help\n",
			argv[optind]);
		return 1;
	}
	return ey_error_report(run(&common, rate, every, quiet));
}
