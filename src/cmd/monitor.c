/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "cmd/watch.h"

static const char help[] =
	"Usage: eyrie monitor [OPTION...]\n"
	"\n"
	"Look at the crashes that came in since the last run: raise one alert for each host, "
	"model\n"
	"or reason that exceeds its threshold in its window, end alerts that are over, and mail\n"
	"them, and each new reason with its analysis. A host's threshold counts crashes, a "
	"model's\n"
	"and a reason's count different hosts. Thresholds, windows and the mail server stand in\n"
	"the configuration, see eyrie.conf(5). Safe to kill and to run again.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP "  --no-mail          mail nothing, also not later\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage, or the mail server does not want us; 2 bad input; 3 could\n"
	"not write the database or reach the mail server, safe to try again (mails wait).\n"
	"\n"
	"Examples:\n"
	"  eyrie monitor\n"
	"  eyrie monitor --config /etc/eyrie/eyrie.conf --no-mail\n";

static struct ey_error *run(const struct center_options *common, bool no_mail)
{
	_cleanup_center_ struct center center = {0};
	struct watch_result result;
	char summary[200];
	struct ey_error *err = center_open(&center, common, 0);

	if (!err)
		err = center_job_start(&center, "monitor");
	if (err)
		return err;
	err = watch_run(&center, no_mail, &result);
	snprintf(summary, sizeof(summary),
		 "%" PRIu64 " raised, %" PRIu64 " ended, %" PRIu64 " active; %" PRIu64
		 " new reasons; %" PRIu64 " mails sent, %" PRIu64 " wait",
		 result.monitor.raised, result.monitor.resolved, result.monitor.active,
		 result.monitor.new_reasons, result.mailer.sent, result.mailer.waiting);
	puts(summary);
	return center_job_finish(&center, err, summary);
}

int cmd_monitor(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"no-mail", no_argument, NULL, 'M'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct center_options common = {0};
	bool no_mail = false;

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (center_option(&common, c, optarg))
			continue;
		switch (c) {
		case 'M':
			no_mail = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "eyrie monitor: takes no argument \"%s\"; see --help\n",
			argv[optind]);
		return 1;
	}
	return ey_error_report(run(&common, no_mail));
}
