/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/regroup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "db/crash.h"
#include "oops/keys.h"
#include "oops/parser.h"

enum {
	LOOK_BATCH = 200,
	DEFAULT_EXAMPLES = 20,
};

void regroup_result_deinit(struct regroup_result *result)
{
	ey_buf_deinit(&result->text);
}

struct ey_error *regroup_make(const char *log, size_t len, const char *signature, char **ret)
{
	struct oops_event *events = NULL;
	const struct oops_event *event = NULL;
	size_t count = 0;
	struct ey_error *err = oops_parse_text(log, len, &events, &count);

	*ret = NULL;
	if (err)
		return err;
	for (size_t i = 0; i < count && !event; i++) {
		if (*signature && events[i].signature && !strcmp(events[i].signature, signature))
			event = &events[i];
	}
	if (!event)
		event = oops_pick_fatal(events, count);
	if (!event && count)
		event = &events[0];
	if (event && event->reason) {
		*ret = strdup(event->reason);
		if (!*ret)
			err = &ey_error_nomem;
	}
	oops_events_free(events, count);
	return err;
}

static struct ey_error *look_at(struct db *db, const struct regroup_options *o,
				struct db_regroup_crash *c)
{
	_cleanup_free_ char *log = NULL;
	size_t len = 0;
	struct ey_error *err = db_crash_part(db, c->id, DB_PART_LOG, &log, &len);

	// Its evidence is gone or cannot be read: it follows its reason.
	if (err && (err->code == EY_ERR_NOT_FOUND || err->code == EY_ERR_INPUT)) {
		ey_error_destroy(err);
		return NULL;
	}
	return err ? err : o->make(log, len, c->signature, &c->made);
}

static struct ey_error *look(struct db *db, const struct regroup_options *o,
			     struct regroup_result *ret)
{
	int64_t before = ret->run.seen;
	struct ey_error *err = NULL;
	size_t count = 1;

	while (!err && count) {
		_cleanup_regroup_crashes_ struct db_regroup_crash_list list = {0};

		if (o->max && ret->run.seen - before >= o->max) {
			ret->unfinished = true;
			return NULL;
		}
		err = db_regroup_next(db, &ret->run, LOOK_BATCH, &list);
		count = list.count;
		for (size_t i = 0; !err && i < list.count; i++)
			err = look_at(db, o, &list.items[i]);
		if (!err)
			err = db_regroup_note(db, &ret->run, &list);
	}
	return err;
}

static void describe(const struct db_regroup_plan *plan, const char *version, unsigned int max,
		     struct ey_buf *out)
{
	static const char *const words[] = {
		[DB_REGROUP_KEEP] = "keeps",
		[DB_REGROUP_RENAME] = "becomes",
		[DB_REGROUP_MOVE] = "loses to",
		[DB_REGROUP_NEW] = "splits off",
	};
	unsigned int lines = 0;

	for (size_t i = 0; i < plan->count && lines < max; i++) {
		const struct db_regroup_part *p = &plan->items[i];

		if (p->action == DB_REGROUP_KEEP)
			continue;
		ey_buf_printf(out, "%s %s %s:%s (%" PRId64 " crash%s)\n", p->home_key,
			      p->joins ? "joins" : words[p->action], version, p->key, p->crashes,
			      p->crashes == 1 ? "" : "es");
		lines++;
	}
}

struct ey_error *regroup_run(struct db *db, const struct regroup_options *options,
			     struct regroup_result *ret)
{
	_cleanup_plan_ struct db_regroup_plan plan = {0};
	struct regroup_options o = *options;
	struct ey_error *err;

	*ret = (struct regroup_result){.text = EY_BUF_INIT};
	if (!o.version)
		o.version = OOPS_GROUP_VERSION;
	if (!o.make)
		o.make = regroup_make;
	err = db_regroup_begin(db, o.version, o.edit.now, &ret->run);
	if (!err && !ret->run.moving)
		err = look(db, &o, ret);
	if (!err && !ret->run.moving)
		err = db_regroup_plan(db, &plan);
	if (err)
		return err;
	ret->joined = plan.joined;
	ret->split = plan.split;
	ret->fresh = plan.fresh;
	ret->renamed = plan.renamed;
	ret->moved = plan.moves;
	describe(&plan, o.version, o.examples ? o.examples : DEFAULT_EXAMPLES, &ret->text);
	err = ey_buf_error(&ret->text);
	if (err || o.preview || ret->unfinished)
		return err;
	if (!ret->run.moving)
		err = db_regroup_apply(db, &ret->run, o.version, &plan, &o.edit);
	return err ? err : db_regroup_move(db, &ret->run, o.edit.now, &ret->moved);
}
