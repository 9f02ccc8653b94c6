/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/policy_make.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "db/reason_rules.h"

enum store_want policy_want_of(const struct db_reason *reason, const struct policy_rules *rules)
{
	const struct policy_case next = {
		.state = reason->state,
		.no_event = !strcmp(reason->key, DB_REASON_KEY_NO_EVENT),
		.has_dump = true,
		.reason_dumps = reason->dumps,
		.dumps = reason->dumps,
		.crashes = reason->crashes + 1,
		.has_room = true,
	};

	switch (policy_decide(rules, &next)) {
	case POLICY_WANT_VMCORE:
	case POLICY_WANT_LATER:
		break;
	case POLICY_WANT_DMESG:
		return STORE_WANT_DMESG;
	case POLICY_WANT_NOTHING:
		return STORE_WANT_NOTHING;
	}
	return STORE_WANT_VMCORE;
}

// A key that was merged away leads to a reason whose state and dumps count.
static struct ey_error *write_reason(struct db *db, struct ey_json *w, const struct db_reason *own,
				     const struct policy_rules *rules)
{
	_cleanup_reasons_ struct db_reason_list list = {0};
	const struct db_reason_facts facts = {0};
	const struct db_reason *r = own;

	if (own->merged_into) {
		int64_t home, id;
		bool found;
		struct ey_error *err = db_reason_find(db, own->key, &facts, &home, &id, &found);

		if (!err && found)
			err = db_reason_get(db, id, &list);
		if (err)
			return err;
		r = list.count ? list.items : own;
	}
	ey_json_key(w, own->key);
	ey_json_object_begin(w);
	ey_json_kv_string(w, "state", db_reason_state_name(r->state));
	ey_json_kv_string(w, "want", store_want_name(policy_want_of(r, rules)));
	ey_json_kv_int(w, "have", r->dumps);
	ey_json_object_end(w);
	return NULL;
}

// What is left out is wanted whole. A key takes 2 kB in a record, six times that in JSON.
static bool is_full(const struct ey_buf *buf, size_t written)
{
	return written == POLICY_MAX_REASONS || buf->len > STORE_POLICY_MAX_BYTES - (32 << 10);
}

static struct ey_error *write_reasons(struct db *db, struct ey_json *w,
				      const struct policy_rules *rules, const struct ey_buf *buf)
{
	_cleanup_free_ char *cursor = NULL;
	size_t written = 0;

	do {
		_cleanup_reasons_ struct db_reason_list list;
		struct ey_error *err =
			db_reason_list(db, &(struct db_reason_filter){.with_merged = true},
				       &(struct db_page){cursor, DB_PAGE_MAX}, &list);

		for (size_t i = 0; !err && i < list.count && !is_full(buf, written); i++) {
			// Of a part that was split off: no host makes such a key.
			if (strchr(list.items[i].key, '~'))
				continue;
			err = write_reason(db, w, &list.items[i], rules);
			written++;
		}
		if (err)
			return err;
		free(cursor);
		cursor = NULL;
		if (list.next && !(cursor = strdup(list.next)))
			return &ey_error_nomem;
	} while (cursor && !is_full(buf, written));
	return NULL;
}

struct ey_error *policy_make(struct db *db, const struct policy_rules *rules, struct ey_buf *buf)
{
	struct ey_json w;

	ey_json_init(&w, buf, 1);
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "schema", STORE_POLICY_SCHEMA);
	ey_json_kv_string(&w, "group_version", "g1");
	ey_json_kv_int(&w, "keep_dumps", rules->states[DB_REASON_NEW].first);
	ey_json_kv_string(&w, "default", store_want_name(STORE_WANT_VMCORE));
	ey_json_key(&w, "reasons");
	ey_json_object_begin(&w);
	struct ey_error *err = write_reasons(db, &w, rules, buf);
	if (err)
		return err;
	ey_json_object_end(&w);
	ey_json_object_end(&w);
	ey_buf_addc(buf, '\n');
	return ey_buf_error(buf);
}

struct ey_error *policy_make_publish(struct db *db, const struct policy_rules *rules,
				     struct store *store)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	_cleanup_free_ char *old = NULL;
	size_t len;
	struct ey_error *err = policy_make(db, rules, &buf);

	if (err)
		return err;
	// Each rename makes every host read it again: leave it alone where nothing changed.
	err = store_read(store, STORE_POLICY_FILE, STORE_POLICY_MAX_BYTES, &old, &len);
	if (!err && len == buf.len && !memcmp(old, buf.data, len))
		return NULL;
	ey_error_destroy(err);
	return store_policy_publish(store, buf.data, buf.len);
}
