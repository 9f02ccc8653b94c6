/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words for the enums, made from the lists beside them. */
#include "db/alert.h"
#include "db/crash.h"
#include "db/crash_run.h"
#include "db/issue.h"
#include "db/issue_share.h"
#include "db/job.h"
#include "db/outbox.h"
#include "db/reason.h"
#include "db/reason_move.h"
#include "db/reason_rules.h"
#include "db/sql.h"
#include "db/stats.h"

static bool parse(const char *const *names, size_t count, const char *name, unsigned int *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(names[i], name)) {
			*ret = (unsigned int)i;
			return true;
		}
	}
	return false;
}

#define X(id, name) name,
static const char *const dump_names[] = {DB_DUMPS(X)};
static const char *const part_names[] = {DB_PARTS(X)};
static const char *const reason_state_names[] = {DB_REASON_STATES(X)};
static const char *const scope_names[] = {DB_ALERT_SCOPES(X)};
static const char *const alert_state_names[] = {DB_ALERT_STATES(X)};
static const char *const mail_kind_names[] = {DB_MAIL_KINDS(X)};
static const char *const job_state_names[] = {DB_JOB_STATES(X)};
static const char *const dimension_names[] = {DB_DIMENSIONS(X)};
static const char *const issue_field_names[] = {DB_ISSUE_FIELDS(X)};
static const char *const verdict_names[] = {DB_VERDICTS(X)};
static const char *const import_names[] = {DB_IMPORTS(X)};
static const char *const crash_run_names[] = {DB_CRASH_RUNS(X)};
static const char *const sweep_names[] = {DB_SWEEPS(X)};
static const char *const split_field_names[] = {DB_SPLIT_FIELDS(X)};
#undef X

#define DEFINE_NAME(function, type, names)     \
	const char *function(type value)       \
	{                                      \
		return names[(unsigned)value]; \
	}
#define DEFINE_PARSE(function, type, names)                          \
	bool function(const char *name, type *ret)                   \
	{                                                            \
		unsigned int i;                                      \
		if (!parse((names), EY_ARRAY_SIZE(names), name, &i)) \
			return false;                                \
		*ret = (type)i;                                      \
		return true;                                         \
	}

DEFINE_NAME(db_dump_name, enum db_dump, dump_names)
DEFINE_PARSE(db_dump_parse, enum db_dump, dump_names)
DEFINE_NAME(db_part_name, enum db_part, part_names)
DEFINE_NAME(db_reason_state_name, enum db_reason_state, reason_state_names)
DEFINE_PARSE(db_reason_state_parse, enum db_reason_state, reason_state_names)
DEFINE_NAME(db_alert_scope_name, enum db_alert_scope, scope_names)
DEFINE_PARSE(db_alert_scope_parse, enum db_alert_scope, scope_names)
DEFINE_NAME(db_alert_state_name, enum db_alert_state, alert_state_names)
DEFINE_PARSE(db_alert_state_parse, enum db_alert_state, alert_state_names)
DEFINE_NAME(db_mail_kind_name, enum db_mail_kind, mail_kind_names)
DEFINE_PARSE(db_mail_kind_parse, enum db_mail_kind, mail_kind_names)
DEFINE_NAME(db_job_state_name, enum db_job_state, job_state_names)
DEFINE_PARSE(db_job_state_parse, enum db_job_state, job_state_names)
DEFINE_NAME(db_dimension_name, enum db_dimension, dimension_names)
DEFINE_PARSE(db_dimension_parse, enum db_dimension, dimension_names)
DEFINE_NAME(db_issue_field_name, enum db_issue_field, issue_field_names)
DEFINE_NAME(db_verdict_name, enum db_verdict, verdict_names)
DEFINE_NAME(db_split_field_name, enum db_split_field, split_field_names)
DEFINE_PARSE(db_split_field_parse, enum db_split_field, split_field_names)
DEFINE_NAME(db_sweep_name, enum db_sweep, sweep_names)
DEFINE_PARSE(db_sweep_parse, enum db_sweep, sweep_names)
DEFINE_NAME(db_import_name, enum db_import, import_names)
DEFINE_NAME(db_crash_run_name, enum db_crash_run_state, crash_run_names)
DEFINE_PARSE(db_crash_run_parse, enum db_crash_run_state, crash_run_names)
