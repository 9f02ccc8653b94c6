/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The center: the server and its jobs, each job also a command for cron or a timer. */
#include "cmd/command.h"

#include <stddef.h>

static const struct command commands[] = {
#ifdef EYRIE_HAVE_SERVE
	{"serve", cmd_serve, "Run the jobs on schedule, serve the API and the console"},
	{"user", cmd_user, "Who may sign in: add, password, role, disable, list"},
	{"token", cmd_token, "Tokens for scripts: add, list, revoke"},
	{"enroll-key", cmd_enroll_key, "Keys by which hosts enrol: add, list, revoke"},
	{"host-token", cmd_host_token, "Tokens of hosts: list, revoke"},
#endif
#ifdef EYRIE_HAVE_INGEST
	{"ingest", cmd_ingest, "The whole chain for one dump: file, count, alert"},
	{"populate", cmd_populate, "Take what is new in a repository into the database"},
	{"purge", cmd_purge, "Remove dumps older than the retention time"},
	{"regroup", cmd_regroup, "Make the group keys of all crashes anew"},
	{"issue", cmd_issue_share, "Share known issues with other sites"},
	{"hold", cmd_hold, "Keep dumps from being removed, and release them"},
	{"scrub", cmd_scrub, "Compare dumps with their checksums"},
	{"hosts", cmd_hosts, "Take life and labels of hosts from a CSV file"},
	{"symbols", cmd_symbols, "Debuginfo of kernels at the center"},
	{"crash-run", cmd_crash_run, "Run the crash utility on dumps that came"},
	{"db", cmd_db, "Back up, restore, copy or check the database"},
#endif
#ifdef EYRIE_HAVE_MONITOR
	{"monitor", cmd_monitor, "Raise alerts and mail them"},
#endif
#ifdef EYRIE_HAVE_REPORT
	{"report", cmd_report, "Write the report of a month"},
#endif
	{NULL, NULL, NULL},
};

int main(int argc, char **argv)
{
	return command_dispatch(commands, "eyried", "eyried: the center of Eyrie.", argc, argv);
}
