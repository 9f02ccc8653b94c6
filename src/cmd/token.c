/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens of people, made by the administrator. */
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cmd/access.h"
#include "cmd/command.h"
#include "db/token.h"
#include "server/auth_request.h"
#include "server/secret.h"

static const char help[] =
	"Usage: eyrie token add NAME --user USER [--scope PERMISSION,...] [--days N]\n"
	"       eyrie token list [--user USER]\n"
	"       eyrie token revoke ID\n"
	"\n"
	"  add     make a token for scripts of USER, and print it: it is never shown again\n"
	"  list    those there are, without their secrets\n"
	"  revoke  end one, at once\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP
	"  --user USER        whose it is; a token may at most what its user may\n"
	"  --scope LIST       view (the default), triage, merge, download, operate, administer,\n"
	"                     submit, forward\n"
	"  --days N           how long it is in force; default 90\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 no such user or token; 3 the database could not be\n"
	"reached or written, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie token add nightly-report --user robin --scope view --days 365\n";

struct arguments {
	struct center_options common;
	const char *what;
	const char *user;
	const char *scopes;
	const char *days;
};

static struct ey_error *add(struct db *db, const struct arguments *a)
{
	_cleanup_users_ struct db_user_list users = {0};
	_cleanup_buf_ struct ey_buf scopes = EY_BUF_INIT;
	char secret[SECRET_SIZE], hash[SECRET_HASH_SIZE];
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_token token = {.name = a->what};
	unsigned int bits = 0;
	int64_t days = 90, id;
	struct ey_error *err = NULL;

	if (!a->what || !a->user)
		return ey_error_create(EY_ERR_USAGE, "give the token's name and its --user");
	if (a->days)
		err = access_number("--days", a->days, 1, 3650, &days);
	if (!err)
		err = auth_permissions_parse(a->scopes ? a->scopes : "view", &bits);
	if (!err && !bits)
		err = ey_error_create(EY_ERR_USAGE, "--scope names no permission");
	for (unsigned int bit = 1; bit & AUTH_ALL; bit <<= 1) {
		if (bits & bit)
			ey_buf_printf(&scopes, "%s%s", scopes.len ? " " : "",
				      auth_permission_name(bit));
	}
	if (!err)
		err = ey_buf_error(&scopes);
	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = db_user_find(db, a->user, &users);
	if (err)
		return err;
	token.user_id = users.items[0].id;
	token.scopes = ey_buf_str(&scopes);
	token.expires = ey_time_now() + days * ACCESS_DAY;
	secret_make(SECRET_API_TOKEN, secret);
	secret_hash(secret, hash);
	err = db_token_add(db, &token, hash, ey_time_now(), &id);
	if (!err)
		err = access_note(db, "token.create", a->user, token.scopes);
	if (!err)
		err = db_commit(&txn);
	if (!err)
		puts(secret);
	return err;
}

static struct ey_error *list(struct db *db, const struct arguments *a)
{
	_cleanup_users_ struct db_user_list users = {0};
	_cleanup_tokens_ struct db_token_list tokens = {0};
	struct ey_error *err = a->user ? db_user_find(db, a->user, &users) : NULL;

	if (!err)
		err = db_token_list(db, users.count ? users.items[0].id : 0, &tokens);
	if (err)
		return err;
	printf("%-6s %-16s %-20s %-12s %-12s %s\n", "ID", "USER", "NAME", "EXPIRES", "USED",
	       "SCOPES");
	for (size_t i = 0; i < tokens.count; i++) {
		const struct db_token *t = &tokens.items[i];

		printf("%-6" PRId64 " %-16s ", t->id, t->user);
		center_print_text(stdout, t->name);
		printf("%*s ", (int)(20 - EY_MIN(strlen(t->name), (size_t)20)), "");
		access_print_day(t->revoked ? t->revoked : t->expires, "never");
		putchar(' ');
		access_print_day(t->last_used, "never");
		printf(" %s%s\n", t->scopes, t->revoked ? " (revoked)" : "");
	}
	return NULL;
}

static struct ey_error *revoke_token(struct db *db, const struct arguments *a)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t id;
	struct ey_error *err = access_id(a->what, &id);

	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = db_token_revoke(db, id, 0, ey_time_now());
	if (!err)
		err = access_note(db, "token.revoke", a->what, NULL);
	return err ? err : db_commit(&txn);
}

int cmd_token(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"user", required_argument, NULL, 'u'},
		{"scope", required_argument, NULL, 's'},
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
		case 'u':
			a.user = optarg;
			break;
		case 's':
			a.scopes = optarg;
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
	const char *action = optind < argc ? argv[optind] : "";
	bool is_add = !strcmp(action, "add"), is_list = !strcmp(action, "list");
	if ((!is_add && !is_list && strcmp(action, "revoke") != 0) ||
	    argc - optind - 1 != !is_list) {
		fprintf(stderr, "eyrie token: wants add NAME, list, or revoke ID; see --help\n");
		return 1;
	}
	a.what = argv[optind + 1];
	if (sodium_init() < 0)
		return 3;
	struct ey_error *err = center_open(&center, &a.common, 0);
	if (!err)
		err = is_add	? add(center.db, &a)
		      : is_list ? list(center.db, &a)
				: revoke_token(center.db, &a);
	return ey_error_report(err);
}
