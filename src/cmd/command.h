/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The command table: one row and one file a subcommand; help is made from the table.
 */
#ifndef EYRIE_CMD_COMMAND_H
#define EYRIE_CMD_COMMAND_H

struct command {
	const char *name;
	/** argv[0] is the subcommand's name. Returns the exit code. */
	int (*main)(int argc, char **argv);
	/** One line for the help. */
	const char *summary;
};

/** Programs print this with --version. */
#define EYRIE_VERSION_LINE(program) program " " EYRIE_VERSION "\n"

/**
 * Run the subcommand that argv[1] names out of @p table (ended by a NULL name); prints help and
 * version itself. @p usage is the line of the help that says what the program is.
 */
int command_dispatch(const struct command *table, const char *program, const char *usage, int argc,
		     char **argv);

int cmd_analyze(int argc, char **argv);
int cmd_types(int argc, char **argv);
int cmd_oops(int argc, char **argv);
int cmd_ask(int argc, char **argv);
int cmd_crash_open(int argc, char **argv);
int cmd_agent(int argc, char **argv);
int cmd_enroll(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_seal(int argc, char **argv);
int cmd_unseal(int argc, char **argv);

int cmd_populate(int argc, char **argv);
int cmd_ingest(int argc, char **argv);
int cmd_purge(int argc, char **argv);
int cmd_regroup(int argc, char **argv);
int cmd_symbols(int argc, char **argv);
int cmd_crash_run(int argc, char **argv);
int cmd_issue_share(int argc, char **argv);
int cmd_scrub(int argc, char **argv);
int cmd_hold(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_hosts(int argc, char **argv);
int cmd_db(int argc, char **argv);
int cmd_user(int argc, char **argv);
int cmd_token(int argc, char **argv);
int cmd_enroll_key(int argc, char **argv);
int cmd_host_token(int argc, char **argv);
int cmd_serve(int argc, char **argv);

#endif
