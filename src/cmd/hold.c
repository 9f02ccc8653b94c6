/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "db/hold.h"

static const char help[] =
	"Usage: eyrie hold add [OPTION...] --why TEXT crash|reason|host|issue ID\n"
	"       eyrie hold list [OPTION...]\n"
	"       eyrie hold release [OPTION...] [--why TEXT] HOLD\n"
	"\n"
	"Keep the dump of a crash, or those of all crashes of a reason, a host or an issue (also "
	"of\n"
	"crashes to come), from being removed by retention or quotas.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP
	"  --why TEXT         the reason, for whoever finds the hold later\n"
	"  --who NAME         who holds or releases; default: the user of this session\n"
	"  --for TIME         add: ends by itself after so long; 90d, 12w\n"
	"  --all              list: also those that ended or were released\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 there is no such crash, reason, host, issue or hold; 3 "
	"the\n"
	"database could not be written, safe to try again.\n"
	"\n"
	"Examples:\n"
	"  eyrie hold add --why 'vendor asked for it, case 4711' --for 90d crash 12\n"
	"  eyrie hold list\n"
	"  eyrie hold release --why 'case closed' 3\n";

enum { LIST_MAX = 10000 };

struct arguments {
	struct center_options common;
	const char *why;
	const char *who;
	const char *time;
	bool all;
	int argc;
	char **argv;
};

static const char *user_name(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	return sudo && *sudo ? sudo : pw ? pw->pw_name : "unknown";
}

static bool parse_id(const char *text, int64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoll(text, &end, 10);
	return !errno && end != text && !*end && *ret > 0;
}

static struct ey_error *hold_add(struct center *center, const struct arguments *a)
{
	struct db_hold hold = {.who = a->who, .why = a->why, .created = ey_time_now()};
	int64_t seconds, id = 0;

	if (a->argc != 2 || !db_hold_scope_parse(a->argv[0], &hold.scope) ||
	    !parse_id(a->argv[1], &hold.subject_id))
		return ey_error_create(EY_ERR_USAGE,
				       "name what to hold: crash, reason, host or issue, and its "
				       "number");
	if (!a->why)
		return ey_error_create(EY_ERR_USAGE, "say why, by --why");
	if (a->time) {
		if (!ey_duration_parse(a->time, &seconds) || !seconds)
			return ey_error_create(EY_ERR_USAGE,
					       "--for: \"%.100s\" is not a time such "
					       "as 90d",
					       a->time);
		hold.ends = hold.created + seconds;
	}
	struct ey_error *err = db_hold_add(center->db, &hold, &id);
	if (!err)
		printf("hold %" PRId64 "\n", id);
	return err;
}

static struct ey_error *hold_list(struct center *center, const struct arguments *a)
{
	_cleanup_holds_ struct db_hold_list list = {0};
	char text[EY_TIME_TEXT_SIZE];

	if (a->argc)
		return ey_error_create(EY_ERR_USAGE, "list takes no argument");
	struct ey_error *err =
		db_hold_list(center->db, a->all ? 0 : ey_time_now(), LIST_MAX, &list);
	for (size_t i = 0; !err && i < list.count; i++) {
		const struct db_hold *h = &list.items[i];

		printf("%" PRId64 "  %s %" PRId64 "  since %s by ", h->id,
		       db_hold_scope_name(h->scope), h->subject_id,
		       ey_time_format(h->created, text));
		center_print_text(stdout, h->who);
		if (h->ends)
			printf(", until %s", ey_time_format(h->ends, text));
		fputs(": ", stdout);
		center_print_text(stdout, h->why);
		if (h->released) {
			printf("; released %s by ", ey_time_format(h->released, text));
			center_print_text(stdout, h->released_by);
			if (*h->released_why) {
				fputs(": ", stdout);
				center_print_text(stdout, h->released_why);
			}
		}
		puts("");
	}
	return err;
}

static struct ey_error *hold_release(struct center *center, const struct arguments *a)
{
	int64_t id;

	if (a->argc != 1 || !parse_id(a->argv[0], &id))
		return ey_error_create(EY_ERR_USAGE, "name the hold to release by its number");
	return db_hold_release(center->db, id, a->who, a->why, ey_time_now());
}

static const struct {
	const char *name;
	struct ey_error *(*run)(struct center *center, const struct arguments *a);
} commands[] = {{"add", hold_add}, {"list", hold_list}, {"release", hold_release}};

static struct ey_error *run(struct arguments *a)
{
	_cleanup_center_ struct center center = {0};

	for (size_t i = 0; a->argc && i < EY_ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, a->argv[0]) != 0)
			continue;
		a->argc--;
		a->argv++;
		struct ey_error *err = center_open(&center, &a->common, 0);
		return err ? err : commands[i].run(&center, a);
	}
	return ey_error_create(EY_ERR_USAGE,
			       "name one of add, list and release; 'eyrie hold --help' tells more");
}

int cmd_hold(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"why", required_argument, NULL, 'y'},
		{"who", required_argument, NULL, 'w'},
		{"for", required_argument, NULL, 'f'},
		{"all", no_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct arguments a = {0};

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (center_option(&a.common, c, optarg))
			continue;
		switch (c) {
		case 'y':
			a.why = optarg;
			break;
		case 'w':
			a.who = optarg;
			break;
		case 'f':
			a.time = optarg;
			break;
		case 'a':
			a.all = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (!a.who)
		a.who = user_name();
	a.argc = argc - optind;
	a.argv = argv + optind;
	return ey_error_report(run(&a));
}
