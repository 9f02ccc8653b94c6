/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/access.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/audit.h"
#include "server/query.h"

struct ey_error *access_note(struct db *db, const char *action, const char *object,
			     const char *detail)
{
	const struct passwd *pw = getpwuid(getuid());
	char uid[32];

	snprintf(uid, sizeof(uid), "uid %u", (unsigned int)getuid());
	return db_audit_add(db, &(struct db_audit_row){
					.time = ey_time_now(),
					.kind = "command",
					.who = pw ? pw->pw_name : uid,
					.action = action,
					.object = object,
					.detail = detail,
				});
}

struct ey_error *access_number(const char *option, const char *text, int64_t min, int64_t max,
			       int64_t *ret)
{
	if (server_int_parse(text, ret) && *ret >= min && *ret <= max)
		return NULL;
	return ey_error_create(EY_ERR_USAGE,
			       "%s %s: not a whole number from %" PRId64 " to %" PRId64, option,
			       text, min, max);
}

struct ey_error *access_id(const char *text, int64_t *ret)
{
	if (text && server_int_parse(text, ret) && *ret > 0)
		return NULL;
	return ey_error_create(EY_ERR_USAGE, "give the id, as 'list' shows it");
}

void access_print_day(int64_t time, const char *none)
{
	char text[EY_TIME_TEXT_SIZE];

	if (time)
		printf("%-12.10s", ey_time_format(time, text));
	else
		printf("%-12s", none);
}
