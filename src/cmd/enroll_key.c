/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys by which hosts enrol, and the tokens that they got. */
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/access.h"
#include "cmd/command.h"
#include "db/token.h"
#include "server/secret.h"

static const char key_help[] =
	"Usage: eyrie enroll-key add NAME [--site SITE] [--uses N] [--days N]\n"
	"       eyrie enroll-key list\n"
	"       eyrie enroll-key revoke ID\n"
	"\n"
	"  add     make a key by which hosts of SITE get tokens of their own, and print it: it is\n"
	"          never shown again\n"
	"  list    those there are, without their secrets\n"
	"  revoke  end one; hosts that enrolled keep their tokens\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP
	"  --site SITE        the hosts' site, in place of [repository] site\n"
	"  --uses N           how many hosts may enrol with it; default 0, as many as come\n"
	"  --days N           how long it is in force; default 30\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 no such key; 3 the database could not be reached or\n"
	"written, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie enroll-key add rack-7 --site ams1 --uses 40 --days 7\n";

static const char host_help[] =
	"Usage: eyrie host-token list [HOST]\n"
	"       eyrie host-token revoke ID\n"
	"\n"
	"  list    the tokens in force, of a host name or machine-id, without their secrets\n"
	"  revoke  end one, at once; the host has to enrol again\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP "  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 no such token; 3 the database could not be reached or\n"
	"written, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie host-token list web-01\n";

struct arguments {
	struct center_options common;
	const char *what;
	const char *site;
	const char *uses;
	const char *days;
};

static struct ey_error *add_key(struct center *center, const struct arguments *a)
{
	char secret[SECRET_SIZE], hash[SECRET_HASH_SIZE];
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_enroll_key key = {
		.name = a->what,
		.site = a->site ? a->site
				: ey_config_string(&center->config, "repository", "site",
						   "default"),
	};
	int64_t days = 30, id;
	struct ey_error *err = NULL;

	if (!ey_name_is_safe(key.site))
		return ey_error_create(EY_ERR_USAGE, "\"%s\" is no name of a site", key.site);
	if (a->uses)
		err = access_number("--uses", a->uses, 0, INT32_MAX, &key.max_uses);
	if (!err && a->days)
		err = access_number("--days", a->days, 1, 3650, &days);
	if (!err)
		err = db_begin(center->db, &txn);
	if (err)
		return err;
	key.expires = ey_time_now() + days * ACCESS_DAY;
	secret_make(SECRET_ENROLL_KEY, secret);
	secret_hash(secret, hash);
	err = db_enroll_key_add(center->db, &key, hash, ey_time_now(), &id);
	if (!err)
		err = access_note(center->db, "enroll-key.create", key.name, key.site);
	if (!err)
		err = db_commit(&txn);
	if (!err)
		puts(secret);
	return err;
}

static struct ey_error *list_keys(struct center *center, const struct arguments *a)
{
	_cleanup_enroll_keys_ struct db_enroll_key_list keys = {0};
	struct ey_error *err = db_enroll_key_list(center->db, &keys);

	if (err)
		return err;
	printf("%-6s %-12s %-12s %-14s %s\n", "ID", "SITE", "EXPIRES", "USES", "NAME");
	for (size_t i = 0; i < keys.count; i++) {
		const struct db_enroll_key *k = &keys.items[i];
		char uses[48];

		snprintf(uses, sizeof(uses), k->max_uses ? "%" PRId64 " of %" PRId64 : "%" PRId64,
			 k->uses, k->max_uses);
		printf("%-6" PRId64 " %-12s ", k->id, k->site);
		access_print_day(k->revoked ? k->revoked : k->expires, "never");
		printf(" %-14s ", uses);
		center_print_text(stdout, k->name);
		puts(k->revoked ? " (revoked)" : "");
	}
	return NULL;
}

static struct ey_error *revoke_key(struct center *center, const struct arguments *a)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t id;
	struct ey_error *err = access_id(a->what, &id);

	if (!err)
		err = db_begin(center->db, &txn);
	if (!err)
		err = db_enroll_key_revoke(center->db, id, ey_time_now());
	if (!err)
		err = access_note(center->db, "enroll-key.revoke", a->what, NULL);
	return err ? err : db_commit(&txn);
}

static struct ey_error *list_hosts(struct center *center, const struct arguments *a)
{
	struct db_page page = {.limit = DB_PAGE_MAX};
	struct ey_error *err = NULL;

	printf("%-6s %-12s %-24s %-12s %-12s %s\n", "ID", "SITE", "HOST", "ENROLLED", "USED",
	       "MACHINE-ID");
	do {
		_cleanup_host_tokens_ struct db_host_token_list list = {0};
		_cleanup_free_ char *cursor = (char *)(uintptr_t)page.cursor;

		err = db_host_token_list(center->db, a->what, &page, &list);
		for (size_t i = 0; !err && i < list.count; i++) {
			const struct db_host_token *t = &list.items[i];

			printf("%-6" PRId64 " %-12s ", t->id, t->site);
			center_print_text(stdout, t->hostname);
			printf("%*s ", (int)(24 - EY_MIN(strlen(t->hostname), (size_t)24)), "");
			access_print_day(t->created, "");
			putchar(' ');
			access_print_day(t->last_used, "never");
			printf(" %s\n", t->machine_id);
		}
		page.cursor = !err && list.next ? strdup(list.next) : NULL;
	} while (page.cursor);
	return err;
}

static struct ey_error *revoke_host(struct center *center, const struct arguments *a)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t id;
	struct ey_error *err = access_id(a->what, &id);

	if (!err)
		err = db_begin(center->db, &txn);
	if (!err)
		err = db_host_token_revoke(center->db, id, ey_time_now());
	if (!err)
		err = access_note(center->db, "host-token.revoke", a->what, NULL);
	return err ? err : db_commit(&txn);
}

struct action {
	const char *name;
	struct ey_error *(*run)(struct center *center, const struct arguments *a);
	int min;
	int max;
};

static int run(int argc, char **argv, const struct action *actions, const char *help,
	       const char *wants)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"site", required_argument, NULL, 's'},
		{"uses", required_argument, NULL, 'u'},
		{"days", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	_cleanup_center_ struct center center = {0};
	struct arguments a = {0};

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (center_option(&a.common, c, optarg))
			continue;
		switch (c) {
		case 's':
			a.site = optarg;
			break;
		case 'u':
			a.uses = optarg;
			break;
		case 'd':
			a.days = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	while (optind < argc && actions->name && strcmp(actions->name, argv[optind]) != 0)
		actions++;
	int rest = argc - optind - 1;
	if (rest < 0 || !actions->name || rest < actions->min || rest > actions->max) {
		fprintf(stderr, "%s; see --help\n", wants);
		return 1;
	}
	a.what = argv[optind + 1];
	if (sodium_init() < 0)
		return 3;
	struct ey_error *err = center_open(&center, &a.common, 0);
	return ey_error_report(err ? err : actions->run(&center, &a));
}

int cmd_enroll_key(int argc, char **argv)
{
	static const struct action actions[] = {
		{"add", add_key, 1, 1}, {"list", list_keys}, {"revoke", revoke_key, 1, 1}, {0}};

	return run(argc, argv, actions, key_help,
		   "eyrie enroll-key: wants add NAME, list, or revoke ID");
}

int cmd_host_token(int argc, char **argv)
{
	static const struct action actions[] = {
		{"list", list_hosts, 0, 1}, {"revoke", revoke_host, 1, 1}, {0}};

	return run(argc, argv, actions, host_help,
		   "eyrie host-token: wants list [HOST], or revoke ID");
}
