/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "db/backup.h"

static const char help[] =
	"Usage: eyrie db backup [OPTION...] FILE\n"
	"       eyrie db restore [--replace] [OPTION...] FILE\n"
	"       eyrie db copy [--replace] [OPTION...] TO\n"
	"       eyrie db check [--repair] [OPTION...]\n"
	"       eyrie db rebuild [OPTION...]\n"
	"\n"
	"  backup   write everything, as of one moment, into the new file FILE (SQLite)\n"
	"  restore  put a backup into the database, in one transaction\n"
	"  copy     put everything into another database: a path or postgresql://...\n"
	"  check    look for damage, and count anew what is counted; the exit code tells\n"
	"  rebuild  set all that is counted to a count from scratch, without looking for damage\n"
	"\n"
	"All of it while eyried serves: who reads sees what was before, or the whole.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP
	"  --replace          restore, copy: what the target holds now is given up\n"
	"  --repair           check: set counters that are wrong to what was counted\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done, nothing wrong found; 1 usage; 2 damaged, no backup, or a target that\n"
	"is not empty; 3 a database could not be reached or written, safe to try again.\n"
	"\n"
	"Examples:\n"
	"  eyrie db backup /backup/eyrie-$(date +%F).db\n"
	"  eyrie db copy postgresql://eyrie@db.example.com/eyrie\n"
	"  eyrie db check --repair\n";

struct arguments {
	struct center_options common;
	const char *action;
	const char *target;
	bool replace;
	bool repair;
};

static enum db_copy_mode mode_of(const struct arguments *a)
{
	return a->replace ? DB_COPY_REPLACE : DB_COPY_INTO_EMPTY;
}

static void on_table(const char *table, int64_t rows, void *arg)
{
	printf("%-14s %" PRId64 "\n", table, rows);
}

static struct ey_error *copy(struct db *db, const struct arguments *a)
{
	_cleanup_db_ struct db *to = NULL;
	int64_t rows;
	struct ey_error *err = db_open(a->target, DB_OPEN_WRITE, &to);

	if (!err)
		err = db_copy(db, to, mode_of(a), on_table, NULL, &rows);
	if (!err)
		printf("copied %" PRId64 " rows\n", rows);
	return err;
}

static struct ey_error *backup(struct db *db, const struct arguments *a)
{
	int64_t rows;
	struct ey_error *err = db_backup(db, a->target, &rows);

	if (!err)
		printf("%" PRId64 " rows are in %s\n", rows, a->target);
	return err;
}

static struct ey_error *restore(struct db *db, const struct arguments *a)
{
	int64_t rows;
	struct ey_error *err = db_restore(db, a->target, mode_of(a), &rows);

	if (!err)
		printf("restored %" PRId64 " rows from %s\n", rows, a->target);
	return err;
}

static struct ey_error *check(struct db *db, const struct arguments *a)
{
	_cleanup_problems_ struct db_problem_list problems = {0};
	struct ey_error *err = db_check(db, &problems);

	if (!err && problems.count && a->repair) {
		db_problem_list_deinit(&problems);
		err = db_rebuild_counters(db);
		if (!err)
			puts("counters were set to what was counted");
		if (!err)
			err = db_check(db, &problems);
	}
	if (err)
		return err;
	for (size_t i = 0; i < problems.count; i++)
		puts(problems.items[i]);
	if (problems.count)
		return ey_error_create(EY_ERR_INPUT, "the database is not sound; %s",
				       a->repair ? "restore it from a backup"
						 : "'eyrie db check --repair' sets counters right");
	puts("nothing wrong");
	return NULL;
}

static struct ey_error *rebuild(struct db *db, const struct arguments *a)
{
	struct ey_error *err = db_rebuild_counters(db);

	if (!err)
		puts("counters were set to what was counted");
	return err;
}

/** What can be done, and how much it changes. */
static const struct action {
	const char *name;
	struct ey_error *(*run)(struct db *db, const struct arguments *a);
	bool has_target;
	bool writes;
	bool may_replace;
} actions[] = {
	{"backup", backup, .has_target = true},
	{"restore", restore, .has_target = true, .writes = true, .may_replace = true},
	{"copy", copy, .has_target = true, .may_replace = true},
	{"check", check},
	{"rebuild", rebuild, .writes = true},
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; name && i < EY_ARRAY_SIZE(actions); i++) {
		if (!strcmp(actions[i].name, name))
			return &actions[i];
	}
	return NULL;
}

static struct ey_error *run(const struct action *action, const struct arguments *a)
{
	_cleanup_center_ struct center center = {0};
	// What only reads neither makes a database nor holds up who writes.
	struct ey_error *err = action->writes || a->repair
				       ? center_open(&center, &a->common, 0)
				       : center_open_reader(&center, &a->common);

	return err ? err : action->run(center.db, a);
}

int cmd_db(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"replace", no_argument, NULL, 'r'},
		{"repair", no_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct arguments a = {0};

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (center_option(&a.common, c, optarg))
			continue;
		switch (c) {
		case 'r':
			a.replace = true;
			break;
		case 'p':
			a.repair = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	const struct action *action = find_action(argv[optind]);
	if (!action) {
		fprintf(stderr,
			"eyrie db: wants backup, restore, copy, check or rebuild; see --help\n");
		return 1;
	}
	a.target = argv[optind + 1];
	if (argc - optind - 1 != action->has_target) {
		fprintf(stderr, "eyrie db %s: wants %s; see --help\n", action->name,
			action->has_target ? "one target" : "no argument");
		return 1;
	}
	if ((a.replace && !action->may_replace) || (a.repair && action->run != check)) {
		fprintf(stderr, "eyrie db %s: does not know %s; see --help\n", action->name,
			a.repair ? "--repair" : "--replace");
		return 1;
	}
	return ey_error_report(run(action, &a));
}
