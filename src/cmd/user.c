/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The people who may sign in. */
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cmd/access.h"
#include "cmd/command.h"
#include "cmd/passphrase.h"
#include "db/user.h"
#include "server/auth_header.h"
#include "server/auth_request.h"
#include "server/secret.h"

static const char help[] =
	"Usage: eyrie user add NAME [--role ROLE] [--grant PERMISSION,...] [--no-password]\n"
	"       eyrie user passwd NAME\n"
	"       eyrie user role NAME --role ROLE [--grant PERMISSION,...]\n"
	"       eyrie user disable|enable NAME\n"
	"       eyrie user list\n"
	"\n"
	"  add      let a person sign in; the password is asked for, or read from standard input\n"
	"  passwd   set another password; all sessions of the person end\n"
	"  role     set role and further permissions\n"
	"  disable  shut out: sessions end, tokens do not count any more\n"
	"  enable   let in again\n"
	"  list     all of them\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP
	"  --role ROLE        viewer (the default of add), engineer, operator or administrator\n"
	"  --grant LIST       permissions besides those of the role, such as download\n"
	"  --no-password      add: for one whom the proxy signs in\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 no such user, or the name is taken, or a bad password;\n"
	"3 the database could not be reached or written, safe to try again.\n"
	"\n"
	"Examples:\n"
	"  eyrie user add robin --role engineer --grant download\n"
	"  head -c 18 /dev/urandom | base64 | tee password | eyrie user add kim --role operator\n";

struct arguments {
	struct center_options common;
	const char *name;
	const char *role;
	const char *grants;
	bool no_password;
};

static struct ey_error *read_line(char password[PASSPHRASE_MAX])
{
	if (!fgets(password, PASSPHRASE_MAX, stdin))
		return ey_error_create(EY_ERR_INPUT, "standard input has no password");
	password[strcspn(password, "\r\n")] = '\0';
	return NULL;
}

// From a terminal, twice; else one line.
static struct ey_error *read_password(char password[PASSPHRASE_MAX])
{
	char again[PASSPHRASE_MAX];
	struct ey_error *err = NULL;

	if (!isatty(STDIN_FILENO)) {
		err = read_line(password);
	} else {
		err = passphrase_read(NULL, "New password: ", password);
		if (!err)
			err = passphrase_read(NULL, "Once more: ", again);
		if (!err && strcmp(again, password) != 0)
			err = ey_error_create(EY_ERR_INPUT, "the two passwords differ");
		sodium_memzero(again, sizeof(again));
	}
	return err ? err : secret_password_check(password);
}

static struct ey_error *new_hash(char *ret)
{
	char password[PASSPHRASE_MAX];
	struct ey_error *err = read_password(password);

	if (!err)
		err = secret_password_hash(password, ret);
	sodium_memzero(password, sizeof(password));
	return err;
}

// The role and, as names between blanks, what is granted besides.
static struct ey_error *check_role(const struct arguments *a, struct ey_buf *grants)
{
	unsigned int bits = 0;

	if (a->role && !auth_role_permissions(a->role))
		return ey_error_create(EY_ERR_USAGE,
				       "there is no role \"%s\": they are viewer, engineer, "
				       "operator and administrator",
				       a->role);
	struct ey_error *err = auth_permissions_parse(a->grants ? a->grants : "", &bits);
	for (unsigned int bit = 1; bit & AUTH_ALL; bit <<= 1) {
		if (bits & bit)
			ey_buf_printf(grants, "%s%s", grants->len ? " " : "",
				      auth_permission_name(bit));
	}
	return err ? err : ey_buf_error(grants);
}

static struct ey_error *find(struct db *db, const struct arguments *a, struct db_user_list *ret)
{
	return db_user_find(db, a->name, ret);
}

static struct ey_error *add(struct db *db, const struct arguments *a)
{
	_cleanup_buf_ struct ey_buf grants = EY_BUF_INIT;
	char hash[SECRET_PASSWORD_HASH_SIZE] = "";
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_user user = {.name = a->name, .role = a->role ? a->role : "viewer"};
	int64_t id;

	if (!auth_name_is_valid(a->name))
		return ey_error_create(EY_ERR_USAGE,
				       "\"%s\" is no name: 1 to 64 letters, digits and ._@+-",
				       a->name);
	struct ey_error *err = check_role(a, &grants);
	if (!err && !a->no_password)
		err = new_hash(hash);
	user.grants = ey_buf_str(&grants);
	user.password = hash;
	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = db_user_add(db, &user, ey_time_now(), &id);
	if (!err)
		err = access_note(db, "user.add", user.name, user.role);
	if (!err)
		err = db_commit(&txn);
	if (!err)
		printf("%s may sign in as %s\n", user.name, user.role);
	return err;
}

static struct ey_error *passwd(struct db *db, const struct arguments *a)
{
	_cleanup_users_ struct db_user_list users = {0};
	char hash[SECRET_PASSWORD_HASH_SIZE];
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = find(db, a, &users);

	if (!err)
		err = new_hash(hash);
	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = db_user_set_password(db, users.items[0].id, hash, ey_time_now());
	// Who sets it is not to wait for what somebody else tried.
	if (!err)
		err = db_attempt_forget(db, "user", a->name);
	if (!err)
		err = access_note(db, "user.passwd", a->name, NULL);
	return err ? err : db_commit(&txn);
}

static struct ey_error *role(struct db *db, const struct arguments *a)
{
	_cleanup_users_ struct db_user_list users = {0};
	_cleanup_buf_ struct ey_buf grants = EY_BUF_INIT;
	_cleanup_txn_ struct db_txn txn = {0};

	if (!a->role)
		return ey_error_create(EY_ERR_USAGE, "give the --role");
	struct ey_error *err = check_role(a, &grants);
	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = find(db, a, &users);
	if (!err)
		err = db_user_set_role(db, users.items[0].id, a->role, ey_buf_str(&grants));
	if (!err)
		err = access_note(db, "user.role", a->name, a->role);
	return err ? err : db_commit(&txn);
}

static struct ey_error *set_disabled(struct db *db, const struct arguments *a, bool disabled)
{
	_cleanup_users_ struct db_user_list users = {0};
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = find(db, a, &users);
	if (!err)
		err = db_user_set_disabled(db, users.items[0].id, disabled);
	if (!err)
		err = access_note(db, disabled ? "user.disable" : "user.enable", a->name, NULL);
	return err ? err : db_commit(&txn);
}

static struct ey_error *disable(struct db *db, const struct arguments *a)
{
	return set_disabled(db, a, true);
}

static struct ey_error *enable(struct db *db, const struct arguments *a)
{
	return set_disabled(db, a, false);
}

static struct ey_error *list(struct db *db, const struct arguments *a)
{
	_cleanup_users_ struct db_user_list users = {0};
	struct ey_error *err = db_user_list(db, &users);

	if (err)
		return err;
	printf("%-20s %-14s %-12s %s\n", "NAME", "ROLE", "SIGNED IN", "");
	for (size_t i = 0; i < users.count; i++) {
		const struct db_user *u = &users.items[i];

		printf("%-20s %-14s ", u->name, u->role);
		access_print_day(u->last_sign_in, "never");
		printf(" %s%s%s%s\n", u->disabled ? "disabled " : "",
		       *u->password ? "" : "no-password ", *u->grants ? "+ " : "", u->grants);
	}
	return NULL;
}

static const struct action {
	const char *name;
	struct ey_error *(*run)(struct db *db, const struct arguments *a);
	bool no_name;
} actions[] = {
	{"add", add},	      {"passwd", passwd}, {"role", role},
	{"disable", disable}, {"enable", enable}, {"list", list, .no_name = true},
};

int cmd_user(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"role", required_argument, NULL, 'r'},
		{"grant", required_argument, NULL, 'g'},
		{"no-password", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	_cleanup_center_ struct center center = {0};
	const struct action *action = NULL;
	struct arguments a = {0};

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (center_option(&a.common, c, optarg))
			continue;
		switch (c) {
		case 'r':
			a.role = optarg;
			break;
		case 'g':
			a.grants = optarg;
			break;
		case 'n':
			a.no_password = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	for (size_t i = 0; optind < argc && i < EY_ARRAY_SIZE(actions); i++) {
		if (!strcmp(actions[i].name, argv[optind]))
			action = &actions[i];
	}
	if (!action || argc - optind - 1 != !action->no_name) {
		fprintf(stderr, "eyrie user: wants add, passwd, role, disable or enable with a "
				"name, or list; see --help\n");
		return 1;
	}
	a.name = argv[optind + 1];
	if (sodium_init() < 0)
		return 3;
	struct ey_error *err = center_open(&center, &a.common, 0);
	return ey_error_report(err ? err : action->run(center.db, &a));
}
