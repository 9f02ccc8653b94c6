/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "ingest/crash_run.h"
#include "server/query.h"

static const char help[] =
	"Usage: eyrie crash-run [OPTION...] [CRASH-ID]\n"
	"\n"
	"Run the crash utility on the dumps that came and have no text of it yet, the newest\n"
	"first and one at a time, with the administrator's command file ([analysis]\n"
	"crash_commands). Its text is kept beside the native one, with what it says otherwise.\n"
	"Dumps without symbols are marked, and looked at again once 'eyrie symbols add' brought\n"
	"them. With CRASH-ID only that one, also if it was done before. eyried does the same on\n"
	"schedule where [server] crash_interval is set.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP "  --max N            at most N dumps (all)\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 no such crash, or it has no dump; 3 repository or\n"
	"database could not be reached or written, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie crash-run --max 10\n";

int cmd_crash_run(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"max", required_argument, NULL, 'm'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct center_options common = {0};
	struct crash_run_options o = {0};
	struct crash_run_result r = {0};
	_cleanup_center_ struct center center = {0};
	int64_t max = 0;

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (center_option(&common, c, optarg))
			continue;
		switch (c) {
		case 'm':
			if (!server_int_parse(optarg, &max) || max < 1 || max > 1000000) {
				fprintf(stderr, "eyrie crash-run: \"%s\" is no number of dumps\n",
					optarg);
				return 1;
			}
			o.max = (unsigned int)max;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (argc - optind > 1 ||
	    (argv[optind] && (!server_int_parse(argv[optind], &o.crash_id) || o.crash_id < 1))) {
		fprintf(stderr, "eyrie crash-run: wants one number of a crash, or none; see "
				"--help\n");
		return 1;
	}
	struct ey_error *err = center_open(&center, &common, 0);
	if (err)
		return ey_error_report(err);
	o.config = &center.config;
	symbols_options_load(&o.symbols, &center.config);
	err = crash_run(center.db, &o, &r);
	printf("%" PRIu64 " dumps read by crash, %" PRIu64 " of them with differences; %" PRIu64
	       " without symbols, %" PRIu64 " failed\n",
	       r.done, r.differ, r.no_symbols, r.failed);
	return ey_error_report(err);
}
