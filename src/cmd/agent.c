/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "analysis/unwrap.h"
#include "base/cleanup.h"
#include "base/config.h"
#include "base/log.h"
#include "cmd/command.h"
#include "host/agent.h"

enum {
	/** --watch: seconds between runs where nothing tells of a change (NFS never does), and
	 * where a dump is being written or could not be filed. */
	IDLE_SECONDS = 300,
	BUSY_SECONDS = 30,
};

static const char help[] =
	"Usage: eyrie agent [OPTION...]\n"
	"\n"
	"Find what kdump left on this host, analyse it, and file record, analysis, log and dump\n"
	"into the repository. Each dump is handled once, however often the agent is killed. The\n"
	"dump of a reason that the repository's policy.json does not want is not copied.\n"
	"With a center, evidence goes there over HTTP, and the dump where the center wants it;\n"
	"once a day and at each boot the center is told that the host lives, and what it is.\n"
	"\n"
	"Options:\n"
	"  --crash-dir DIR    where kdump writes (/var/crash)\n"
	"  --repository DIR   the repository, local or a mounted tree (/var/lib/eyrie/repository)\n"
	"  --center URL       send to this center, in place of a repository (none)\n"
	"  --site NAME        the folder of this site in it (default)\n"
	"  --state-dir DIR    what the agent remembers (/var/lib/eyrie/agent)\n"
	"  --once             one run, then end (this is the default)\n"
	"  --watch            stay and handle each dump as it comes\n"
	"  --config FILE      read this in place of /etc/eyrie/eyrie.conf\n"
	"  --help             this help\n"
	"Options win over sections [agent] and [repository] of the configuration, see\n"
	"eyrie.conf(5).\n"
	"\n"
	"Exit codes: 0 done (also when there was nothing to do); 1 usage; 3 something could not\n"
	"be read or filed, safe to try again. A dump that cannot be analysed is filed with a\n"
	"record that says why, and is no error.\n"
	"\n"
	"Example:\n"
	"  eyrie agent --repository /mnt/crash --site ams1\n";

static void print_line(const char *line, void *arg)
{
	size_t *lines = arg;

	++*lines;
	puts(line);
	fflush(stdout);
}

static void print_rest(const struct agent_options *o, const struct agent_result *r, size_t lines)
{
	if (r->waiting)
		printf("%zu dump%s in %s still being written\n", r->waiting,
		       r->waiting == 1 ? " is" : "s are", o->crash_dir);
	if (r->deferred)
		printf("%zu dump%s wanted by the center later\n", r->deferred,
		       r->deferred == 1 ? " is" : "s are");
	else if (!r->waiting && !lines && !r->failed)
		printf("nothing new in %s\n", o->crash_dir);
	fflush(stdout);
}

// Wait until something changes in the crash directory, or it is time to look again.
static void wait_for_change(int notify, const char *crash_dir, int seconds)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct pollfd pfd = {.fd = notify, .events = POLLIN};

	// Again each time: the directory may have come, gone, or been mounted over.
	int watch = notify < 0 ? -1
			       : inotify_add_watch(notify, crash_dir,
						   IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
	if (watch < 0)
		pfd.fd = -1;
	if (poll(&pfd, 1, seconds * 1000) > 0) {
		while (read(notify, events, sizeof(events)) > 0)
			;
	}
	if (watch >= 0)
		inotify_rm_watch(notify, watch);
}

// Ended by a signal: there is no moment at which that would do harm.
static void __attribute__((noreturn)) watch(const struct agent_options *options)
{
	_cleanup_close_ int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	for (;;) {
		struct agent_result result;
		struct ey_error *err = agent_run(options, &result);
		bool busy = err || result.waiting || result.deferred;

		ey_error_report(err);
		wait_for_change(notify, options->crash_dir, busy ? BUSY_SECONDS : IDLE_SECONDS);
	}
}

static int run(const struct ey_config *config, bool stay, bool repository)
{
	struct agent_options options;
	struct agent_result result;
	size_t lines = 0;
	struct ey_error *err = agent_options_load(config, &options);

	if (err)
		return ey_error_report(err);
	// Who names a repository means it, whatever the configuration says of a center.
	if (repository)
		options.center = NULL;
	// The repository's root says who may read what is filed.
	umask(0);
	// A limit on the size of files must be an error of one write, not our end.
	signal(SIGXFSZ, SIG_IGN);
	options.analysis.unwrap = unwrap_open;
	options.report = print_line;
	options.report_arg = &lines;
	if (stay)
		watch(&options);
	err = agent_run(&options, &result);
	if (!err || result.waiting)
		print_rest(&options, &result, lines);
	return ey_error_report(err);
}

int cmd_agent(int argc, char **argv)
{
	enum { OPT_CONFIG = 1, OPT_ONCE, OPT_WATCH, OPT_SETTING };
	enum { SETTING_REPOSITORY = 1, SETTING_CENTER = 4 };
	static const struct option options[] = {
		{"crash-dir", required_argument, NULL, OPT_SETTING + 0},
		{"repository", required_argument, NULL, OPT_SETTING + 1},
		{"site", required_argument, NULL, OPT_SETTING + 2},
		{"state-dir", required_argument, NULL, OPT_SETTING + 3},
		{"center", required_argument, NULL, OPT_SETTING + 4},
		{"config", required_argument, NULL, OPT_CONFIG},
		{"once", no_argument, NULL, OPT_ONCE},
		{"watch", no_argument, NULL, OPT_WATCH},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	static const struct {
		const char *section;
		const char *key;
		const char *where;
	} settings[] = {
		{"agent", "crash_dir", "--crash-dir"}, {"repository", "path", "--repository"},
		{"repository", "site", "--site"},      {"agent", "state_dir", "--state-dir"},
		{"agent", "center", "--center"},
	};
	const char *values[EY_ARRAY_SIZE(settings)] = {NULL};
	_cleanup_config_ struct ey_config config = {0};
	const char *config_path = NULL;
	bool once = false, stay = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case OPT_CONFIG:
			config_path = optarg;
			break;
		case OPT_ONCE:
			once = true;
			break;
		case OPT_WATCH:
			stay = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case '?':
			return 1;
		default:
			values[c - OPT_SETTING] = optarg;
		}
	}
	if (values[SETTING_REPOSITORY] && values[SETTING_CENTER]) {
		fprintf(stderr, "eyrie agent: --repository and --center exclude each other; see "
				"'eyrie agent --help'\n");
		return 1;
	}
	if (optind < argc || (once && stay)) {
		fprintf(stderr, "eyrie agent: %s; see 'eyrie agent --help'\n",
			once && stay ? "--once and --watch exclude each other"
				     : "it takes no arguments");
		return 1;
	}
	struct ey_error *err = ey_config_load(&config, config_path);
	for (size_t i = 0; i < EY_ARRAY_SIZE(settings) && !err; i++) {
		if (values[i])
			err = ey_config_set(&config, settings[i].section, settings[i].key,
					    values[i], settings[i].where);
	}
	return err ? ey_error_report(err) : run(&config, stay, values[SETTING_REPOSITORY] != NULL);
}
