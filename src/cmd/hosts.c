/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "ingest/hosts_csv.h"

static const char help[] =
	"Usage: eyrie hosts import [OPTION...] FILE.csv\n"
	"\n"
	"Take life and labels of hosts from an inventory system. The first line names the "
	"columns:\n"
	"any of hostname, serial and uuid (which host it is), site, life (production, "
	"maintenance,\n"
	"lab, decommissioned) and label:NAME. An empty field changes nothing. All of the file is\n"
	"taken, or nothing of it. Hosts that the center does not know are named and passed over.\n"
	"\n"
	"Options:\n"
	"  --dry-run          only print what would change\n"
	"  --who NAME         who changes it, for the history (the login name)\n"
	"  --why TEXT         why, for the history\n" CENTER_OPTIONS_HELP
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 the file is not what it should be, nothing was changed;\n"
	"3 the database could not be reached or written, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie hosts import --dry-run --why 'weekly list' hosts.csv\n";

static void print_line(const char *line, void *arg)
{
	puts(line);
}

static int import(const struct center_options *options, const char *path,
		  struct hosts_import_options *import)
{
	_cleanup_center_ struct center center = {0};
	_cleanup_free_ char *text = NULL;
	struct hosts_import_result r = {0};
	size_t len;
	struct ey_error *err = ey_file_read_whole(path, HOSTS_CSV_MAX_BYTES, &text, &len);

	// A file that is missing is the caller's mistake as one that is broken.
	if (err && err->code == EY_ERR_NOT_FOUND)
		err->code = EY_ERR_INPUT;
	if (!err)
		err = center_open(&center, options, 0);
	if (!err)
		err = ey_error_prefix(hosts_import(center.db, text, len, import, &r), "%s", path);
	if (err)
		return ey_error_report(err);
	printf("%zu hosts%s: %zu lives and labels of %zu %s, %zu not known, %zu ambiguous\n",
	       r.rows, import->dry_run ? " (dry run)" : "", r.lives, r.labels,
	       import->dry_run ? "would change" : "changed", r.unknown, r.ambiguous);
	return 0;
}

int cmd_hosts(int argc, char **argv)
{
	static const struct option options[] = {
		CENTER_LONG_OPTIONS,
		{"dry-run", no_argument, NULL, 'n'},
		{"who", required_argument, NULL, 'w'},
		{"why", required_argument, NULL, 'y'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const struct passwd *user = getpwuid(getuid());
	struct center_options center = {0};
	struct hosts_import_options o = {.who = user ? user->pw_name : "command",
					 .now = ey_time_now(),
					 .report = print_line};

	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'n':
			o.dry_run = true;
			break;
		case 'w':
			o.who = optarg;
			break;
		case 'y':
			o.why = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			if (!center_option(&center, c, optarg))
				return 1;
		}
	}
	if (argc - optind != 2 || strcmp(argv[optind], "import") != 0) {
		fprintf(stderr, "eyrie hosts: say 'import FILE.csv'; see 'eyrie hosts --help'\n");
		return 1;
	}
	return import(&center, argv[optind + 1], &o);
}
