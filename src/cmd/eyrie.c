/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's program and the command line. Center commands are in eyried, which this one runs. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"

/**
 * Run `eyried COMMAND ...`: the center's commands need the database, which the host's program
 * does not link. eyried is looked for beside this program, then in the system's folder.
 */
static int run_center_command(int argc, char **argv)
{
	char self[PATH_MAX], path[PATH_MAX + 16];
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (!args)
		return 3;
	args[0] = "eyried";
	memcpy(&args[1], argv, (size_t)argc * sizeof(*argv));
	if (n > 0) {
		self[n] = '\0';
		snprintf(path, sizeof(path), "%s/eyried", dirname(self));
		execv(path, args);
	}
	execv(EYRIE_SBINDIR "/eyried", args);
	int errnum = errno;
	free(args);
	fprintf(stderr,
		"eyrie: '%s' is a command of the center, and eyried could not be run: %s; "
		"install the center's package (eyried) on this machine\n",
		argv[0], strerror(errnum));
	return errnum == ENOENT ? 1 : 3;
}

#ifdef EYRIE_HAVE_ASK
// Crashes are the API's; opening one starts a program here.
static int run_crash(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "open"))
		return cmd_crash_open(argc - 1, argv + 1);
	return cmd_ask(argc, argv);
}

// Known issues are the API's, but for files that sites share, which the center writes and reads.
static int run_issue(int argc, char **argv)
{
	if (argc > 1 && (!strcmp(argv[1], "export") || !strcmp(argv[1], "import")))
		return run_center_command(argc, argv);
	return cmd_ask(argc, argv);
}
#endif

static const struct command commands[] = {
#ifdef EYRIE_HAVE_ANALYZE
	{"analyze", cmd_analyze, "Analyse a kernel dump, from the dump alone"},
	{"types", cmd_types, "Make types for kernels that were built without BTF"},
#endif
#ifdef EYRIE_HAVE_OOPS
	{"oops", cmd_oops, "Find the crash events of a kernel log"},
#endif
#ifdef EYRIE_HAVE_AGENT
	{"agent", cmd_agent, "Find this host's new dumps, analyse and file them"},
	{"enroll", cmd_enroll, "Make this host known to a center, and keep its token"},
#endif
#ifdef EYRIE_HAVE_SEAL
	{"seal", cmd_seal,
	 "Keys for sealed dumps: hosts write them, only the secret key reads them"},
	{"unseal", cmd_unseal, "Unseal a dump"},
#endif
#ifdef EYRIE_HAVE_SIMULATE
	{"simulate", cmd_simulate,
	 "Make up a fleet and its crashes, for demos, tests and benchmarks"},
#endif
#ifdef EYRIE_HAVE_ASK
	{"crash", run_crash, "Crashes at the center: list, show, log, analysis, record, open"},
	{"reason", cmd_ask, "Reasons that crashes are counted under: list, show"},
	{"issue", run_issue, "Known issues: list, show, create, set, comment, ..., export, import"},
	{"host", cmd_ask, "Hosts at the center: list, show, life"},
	{"alert", cmd_ask, "Alerts: list, show, ack"},
	{"overview", cmd_ask, "The fleet at a glance"},
	{"events", cmd_ask, "Follow what happens"},
#endif
	{"ingest", run_center_command, "The whole chain for one dump: file, count, alert (center)"},
	{"populate", run_center_command,
	 "Take what is new in a repository into the database (center)"},
	{"purge", run_center_command, "Remove dumps older than the retention time (center)"},
	{"regroup", run_center_command, "Make the group keys of all crashes anew (center)"},
	{"hold", run_center_command, "Keep dumps from being removed, and release them (center)"},
	{"scrub", run_center_command, "Compare dumps with their checksums (center)"},
	{"hosts", run_center_command, "Take life and labels of hosts from a CSV file (center)"},
	{"symbols", run_center_command, "Debuginfo of kernels at the center (center)"},
	{"crash-run", run_center_command, "Run the crash utility on dumps that came (center)"},
	{"db", run_center_command, "Back up, restore, copy or check the database (center)"},
	{"monitor", run_center_command, "Raise alerts and mail them (center)"},
	{"user", run_center_command,
	 "Who may sign in: add, password, role, disable, list (center)"},
	{"token", run_center_command, "Tokens for scripts: add, list, revoke (center)"},
	{"enroll-key", run_center_command, "Keys by which hosts enrol: add, list, revoke (center)"},
	{"host-token", run_center_command, "Tokens of hosts: list, revoke (center)"},
	{"report", run_center_command, "Write the report of a month (center)"},
	{NULL, NULL, NULL},
};

int main(int argc, char **argv)
{
	return command_dispatch(
		commands, "eyrie",
		"Eyrie: kernel crashes of a fleet, collected, explained and counted.", argc, argv);
}
