/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The command line over the center's API: eyrie crash, reason, issue, host, alert, overview,
 * events. A table says what a subcommand asks, with which options, and how its answer is shown.
 */
#ifndef EYRIE_CMD_ASK_H
#define EYRIE_CMD_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

/** A column of a table: a heading, and where the value stands in a row ("host.name"). */
struct ask_column {
	const char *title;
	const char *path;
	/** To the right: a number. */
	bool right;
};

enum ask_kind {
	/** Pages of rows at `key`. */
	ASK_LIST,
	/** One object: its values, and tables of what belongs to it. */
	ASK_SHOW,
	/** Text, as it is. */
	ASK_TEXT,
	/** Send a change (POST); then as ASK_SHOW. */
	ASK_CHANGE,
	/** Events, until interrupted. */
	ASK_FOLLOW,
};

struct ask_verb {
	const char *name;
	enum ask_kind kind;
	/** "%s" in it: the first argument, an id. */
	const char *path;
	/** Of a list: where its rows stand. */
	const char *key;
	const struct ask_column *columns;
	/** Options that go to the API by their names ('-' for '_'), separated by blanks. */
	const char *options;
	/** The body's key for the second argument; NULL: there is none. */
	const char *argument;
	/** The body needs "who". */
	bool who;
};

struct ask_noun {
	const char *name;
	const char *help;
	/** Ended by a NULL name. One with the name "" needs no word. */
	const struct ask_verb *verbs;
};

/** The noun, or NULL. */
const struct ask_noun *ask_noun_find(const char *name);

/** Print rows as a table, @p width columns wide at most (0: as wide as it gets). */
void ask_print_table(FILE *f, json_t *rows, const struct ask_column *columns, unsigned int width);
/** Print an object for people. */
void ask_print_object(FILE *f, json_t *object, unsigned int width);
/** Print a value in one line, nothing in it that a terminal would obey. */
void ask_print_value(FILE *f, json_t *value);
/** Columns of the terminal; 0 where @p f is none. */
unsigned int ask_width(FILE *f);

#endif
