/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/damage.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/kept.h"

struct ey_error *damage_note(struct db *db, const char *path, const char *name, const char *why)
{
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "%s: %s", name, why) < 0) {
		text = NULL;
		return &ey_error_nomem;
	}
	ey_log_error("%s is damaged: %s; it is marked and stays", path, text);
	return db_kept_checked(db, path, text, ey_time_now());
}
