/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eyrie-capture: a static program for the crash kernel. It stands before the collector, saves an
 * analysis of /proc/vmcore, and then becomes the collector, whatever has happened before.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "host/capture.h"

static const char help[] =
	"Save an analysis of the kernel that died, then run the collector that writes the dump.\n"
	"\n"
	"Usage: eyrie-capture [OPTION...] -- COLLECTOR [ARGUMENT...]\n"
	"\n"
	"For the crash kernel, before the collector of kdump. Whatever fails, the collector runs, "
	"and\n"
	"its exit status is this program's.\n"
	"\n"
	"Options:\n"
	"  --output=DIR       where analyses go, a folder each (default /var/crash/eyrie)\n"
	"  --vmcore=FILE      the memory of the kernel that died (default /proc/vmcore)\n"
	"  --timeout=SECONDS  how long the analysis may take (default 60)\n"
	"  -h, --help         show this\n"
	"  --version          show the version\n"
	"\n"
	"Exit status: the collector's; 1 wrong usage; 3 the collector could not be run.\n"
	"\n"
	"Example: eyrie-capture -- makedumpfile -l -d 31 /proc/vmcore /var/crash/dump\n";

// Analyse in a process of its own: whatever becomes of it, the collector still runs.
static void save_analysis(const struct capture_options *options)
{
	enum { GRACE_SECONDS = 10 };
	pid_t pid = fork();
	int status;

	if (pid < 0) {
		ey_log_warning("no analysis: cannot start a process: %s", strerror(errno));
		return;
	}
	if (!pid) {
		char *folder;

		// The analysis has its own time-out; this is for a disk that hangs.
		alarm(options->timeout_seconds + GRACE_SECONDS);
		struct ey_error *err = capture_save(options, &folder);
		if (!err)
			ey_log_info("the analysis of this crash is in %s", folder);
		_exit(ey_error_report(err));
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (WIFSIGNALED(status))
		ey_log_warning("no analysis: it was ended by signal %d", WTERMSIG(status));
}

/** -1 to go on, else the exit code. */
static int parse_arguments(int argc, char **argv, struct capture_options *o)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},  {"vmcore", required_argument, NULL, 'v'},
		{"timeout", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},	   {NULL, 0, NULL, 0},
	};
	char *end;

	for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
		switch (c) {
		case 'o':
			o->output = optarg;
			break;
		case 'v':
			o->vmcore = optarg;
			break;
		case 't':
			errno = 0;
			o->timeout_seconds = (unsigned int)strtoul(optarg, &end, 10);
			if (errno || *end || !o->timeout_seconds || o->timeout_seconds > 3600) {
				ey_log_error("--timeout takes 1 to 3600 seconds, not \"%s\"",
					     optarg);
				return 1;
			}
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'V':
			puts("eyrie-capture " EYRIE_VERSION);
			return 0;
		default:
			return 1;
		}
	}
	if (optind == argc) {
		ey_log_error("name the collector behind \"--\"; 'eyrie-capture --help' tells more");
		return 1;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct capture_options options = {
		.vmcore = "/proc/vmcore", .output = "/var/crash/eyrie", .timeout_seconds = 60};
	int ret = parse_arguments(argc, argv, &options);

	if (ret >= 0)
		return ret;
	save_analysis(&options);
	execvp(argv[optind], argv + optind);
	ey_log_error("cannot run the collector %s: %s", argv[optind], strerror(errno));
	return 3;
}
