/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "ingest/purge.h"

static const char help[] =
	"Usage: eyrie purge [OPTION...]\n"
	"\n"
	"Remove dumps from the repository whose time is over, and where a quota is exceeded those "
	"that\n"
	"are worth the least. Record, analysis, log and the rows in the database stay for good, "
	"and\n"
	"why a dump went is noted there. What is held (eyrie hold) is never removed. Only dumps "
	"that\n"
	"populate has taken in are removed. Safe to kill and to run again.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP
	"  --retention TIME   in place of [retention] default (30d); 12h, 30d, 8w\n"
	"  -n, --dry-run      list each dump with its state, age and rule, and what would happen;\n"
	"                     remove nothing\n"
	"  -q, --quiet        print only the last line\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 bad input; 3 a dump could not be removed, the repository\n"
	"not be read or the database not be written, safe to try again.\n"
	"\n"
	"Examples:\n"
	"  eyrie purge\n"
	"  eyrie purge --dry-run --retention 7d\n";

struct show {
	bool quiet;
	bool dry_run;
};

static void on_dump(const struct purge_event *event, void *arg)
{
	const struct show *show = arg;

	if (show->quiet)
		return;
	fputs(!event->removed ? "keep " : show->dry_run ? "would purge " : "purged ", stdout);
	center_print_text(stdout, event->dump->path);
	printf(" (%s, %" PRId64 " days old, ", db_reason_state_name(event->dump->state),
	       event->age / 86400);
	center_print_bytes(stdout, event->bytes);
	fputs("): ", stdout);
	center_print_text(stdout, event->why);
	puts("");
}

static struct ey_error *run(const struct center_options *common, const char *retention,
			    struct show *show)
{
	_cleanup_center_ struct center center = {0};
	struct purge_options options = {0};
	struct purge_result r = {0};
	char summary[160];
	struct ey_error *err = center_open(&center, common, 0);

	if (!err && retention)
		err = ey_config_set(&center.config, "retention", "default", retention,
				    "--retention");
	if (!err)
		err = purge_options_load(&options, &center.config);
	if (err)
		return err;
	options.dry_run = show->dry_run;
	options.tell_all = show->dry_run && !show->quiet;
	options.on_dump = on_dump;
	options.arg = show;
	if (!show->dry_run)
		err = center_job_start(&center, "purge");
	if (!err)
		err = purge_run(center.db, &options, &r);
	if (!err && r.failed)
		err = ey_error_create(EY_ERR_IO, "%" PRIu64 " dump%s could not be removed",
				      r.failed, r.failed == 1 ? "" : "s");
	snprintf(summary, sizeof(summary),
		 "%s %" PRIu64 " dump%s, %.1f MiB, %" PRIu64 " of them for quotas; %" PRIu64
		 " gone before",
		 show->dry_run ? "would free" : "freed", r.dumps, r.dumps == 1 ? "" : "s",
		 (double)r.bytes / (1 << 20), r.evicted, r.gone);
	puts(summary);
	return center_job_finish(&center, err, summary);
}

int cmd_purge(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"retention", required_argument, NULL, 'T'},
		{"dry-run", no_argument, NULL, 'n'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct center_options common = {0};
	const char *retention = NULL;
	struct show show = {0};

	for (int c; (c = getopt_long(argc, argv, "nqh", long_options, NULL)) != -1;) {
		if (center_option(&common, c, optarg))
			continue;
		switch (c) {
		case 'T':
			retention = optarg;
			break;
		case 'n':
			show.dry_run = true;
			break;
		case 'q':
			show.quiet = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "eyrie purge: takes no argument \"%s\"; see --help\n",
			argv[optind]);
		return 1;
	}
	return ey_error_report(run(&common, retention, &show));
}
