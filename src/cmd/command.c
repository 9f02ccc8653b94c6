/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/command.h"

#include <stdio.h>
#include <string.h>

static void print_help(const struct command *table, const char *program, const char *usage)
{
	printf("%s\n\nUsage: %s COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n", usage, program);
	for (const struct command *c = table; c->name; c++)
		printf("  %-10s %s\n", c->name, c->summary);
	printf("\n'%s COMMAND --help' tells the options of a command.\n", program);
}

int command_dispatch(const struct command *table, const char *program, const char *usage, int argc,
		     char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		print_help(table, program, usage);
		return 1;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		print_help(table, program, usage);
		return 0;
	}
	if (!strcmp(name, "--version")) {
		printf("%s " EYRIE_VERSION "\n", program);
		return 0;
	}
	for (const struct command *c = table; c->name; c++) {
		if (!strcmp(c->name, name))
			return c->main(argc - 1, argv + 1);
	}
	fprintf(stderr, "%s: no command \"%s\"; '%s --help' lists them\n", program, name, program);
	return 1;
}
