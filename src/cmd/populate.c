/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "ingest/populate.h"

static const char help[] =
	"Usage: eyrie populate [OPTION...]\n"
	"\n"
	"Take what is new in the repository into the database: each crash is counted under its\n"
	"reason and said to be new or known. Folders that cannot be read are reported with the\n"
	"reason, and tried again once they change. Safe to run at any time, also twice at once,\n"
	"and to kill: nothing is lost or counted twice. Writes policy.json, by which hosts know\n"
	"which dumps are still wanted.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP
	"  --keep-dumps N     dumps wanted of each reason, in place of [repository] keep_dumps\n"
	"  --no-policy        do not write policy.json\n"
	"  -q, --quiet        print only the last line and what could not be read\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done (also when folders were rejected); 1 usage; 2 bad input; 3 could not\n"
	"read the repository or write the database, safe to try again.\n"
	"\n"
	"Examples:\n"
	"  eyrie populate\n"
	"  eyrie populate --repository /mnt/crashes --db /var/lib/eyrie/eyrie.db\n";

struct show {
	bool quiet;
	bool progress;
	bool shown;
};

static void clear_progress(struct show *show)
{
	if (show->shown)
		fputs("\r\033[K", stderr);
	show->shown = false;
}

static void on_folder(const struct populate_event *e, void *arg)
{
	struct show *show = arg;

	clear_progress(show);
	if (e->rejected) {
		fputs("rejected ", stderr);
		center_print_text(stderr, e->path);
		fputs(": ", stderr);
		center_print_text(stderr, e->rejected);
		fputc('\n', stderr);
		return;
	}
	if (show->quiet)
		return;
	switch (e->result.verdict) {
	case DB_INTAKE_NEW:
		fputs("new    ", stdout);
		break;
	case DB_INTAKE_KNOWN:
		fputs("known  ", stdout);
		break;
	case DB_INTAKE_DOUBLE:
		fputs("copy   ", stdout);
		break;
	}
	printf("crash %" PRId64 " of ", e->result.crash_id);
	center_print_text(stdout, e->hostname);
	fputs(": ", stdout);
	center_print_text(stdout, e->title);
	if (e->result.verdict == DB_INTAKE_NEW)
		fputs(" (first of its reason)", stdout);
	else
		printf(" (its reason: %" PRId64 " crash%s, %" PRId64 " host%s)",
		       e->result.reason_crashes, e->result.reason_crashes == 1 ? "" : "es",
		       e->result.reason_hosts, e->result.reason_hosts == 1 ? "" : "s");
	putchar('\n');
}

static void on_progress(uint64_t folders, uint64_t taken, void *arg)
{
	struct show *show = arg;

	if (!show->progress)
		return;
	fprintf(stderr, "\r\033[K%" PRIu64 " folders, %" PRIu64 " taken in", folders, taken);
	show->shown = true;
}

static void summarize(const struct populate_result *r, char *buf, size_t size)
{
	snprintf(buf, size,
		 "%" PRIu64 " folder%s: %" PRIu64 " new reason%s, %" PRIu64
		 " crash%s of known reasons, %" PRIu64 " cop%s, %" PRIu64 " there before, %" PRIu64
		 " could not be read",
		 r->folders, r->folders == 1 ? "" : "s", r->fresh, r->fresh == 1 ? "" : "s",
		 r->known, r->known == 1 ? "" : "es", r->doubles, r->doubles == 1 ? "y" : "ies",
		 r->unchanged, r->rejected + r->rejected_before);
}

static struct ey_error *run(const struct center_options *common, const char *keep_dumps,
			    bool no_policy, struct show *show)
{
	_cleanup_center_ struct center center = {0};
	struct populate_options options = {0};
	struct populate_result result = {0};
	char summary[256];
	// The repository stays: what a power cut takes from the database is read again.
	struct ey_error *err = center_open(&center, common, DB_OPEN_FAST_COMMITS);

	if (!err && keep_dumps)
		err = ey_config_set(&center.config, "repository", "keep_dumps", keep_dumps,
				    "--keep-dumps");
	if (!err)
		err = populate_options_load(&options, &center.config);
	if (err)
		return err;
	options.no_policy = no_policy;
	options.on_folder = on_folder;
	options.on_progress = on_progress;
	options.arg = show;
	err = center_job_start(&center, "populate");
	if (!err)
		err = populate_run(center.db, &options, &result);
	clear_progress(show);
	summarize(&result, summary, sizeof(summary));
	err = center_job_finish(&center, err, summary);
	if (!err)
		puts(summary);
	return err;
}

int cmd_populate(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"keep-dumps", required_argument, NULL, 'K'},
		{"no-policy", no_argument, NULL, 'P'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct center_options common = {0};
	struct show show = {.progress = isatty(STDERR_FILENO)};
	const char *keep_dumps = NULL;
	bool no_policy = false;

	for (int c; (c = getopt_long(argc, argv, "qh", long_options, NULL)) != -1;) {
		if (center_option(&common, c, optarg))
			continue;
		switch (c) {
		case 'K':
			keep_dumps = optarg;
			break;
		case 'P':
			no_policy = true;
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
		fprintf(stderr, "eyrie populate: takes no argument \"%s\"; see --help\n",
			argv[optind]);
		return 1;
	}
	return ey_error_report(run(&common, keep_dumps, no_policy, &show));
}
