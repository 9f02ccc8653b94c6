/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ingest/policy_make.h"

enum { NUMBER_MAX = 1000000 };

const char *policy_want_name(enum policy_want want)
{
	static const char *const names[] = {
#define X(id, name) [POLICY_WANT_##id] = name,
		POLICY_WANTS(X)
#undef X
	};

	return names[want];
}

static bool is_wanted(const struct policy_rule *rule, const struct policy_case *c)
{
	if (c->no_event || rule->all || c->dumps < rule->first)
		return true;
	return rule->each && c->crashes % rule->each == 0;
}

// Of what is new the first dump must always find a slot: a quarter of them is kept for those.
static bool finds_slot(const struct policy_rules *rules, const struct policy_case *c)
{
	int64_t kept = c->reason_dumps ? (rules->slots + 3) / 4 : 0;

	if (rules->slots == 1)
		kept = 0;
	return c->slots_taken < rules->slots - kept;
}

enum policy_want policy_decide(const struct policy_rules *rules, const struct policy_case *c)
{
	const struct policy_rule *rule = &rules->states[c->state];

	if (!c->has_dump)
		return rule->all || c->no_event ? POLICY_WANT_DMESG : rule->otherwise;
	if (c->promised)
		return c->has_room ? POLICY_WANT_VMCORE : POLICY_WANT_LATER;
	if (!is_wanted(rule, c))
		return rule->otherwise;
	return c->has_room && finds_slot(rules, c) ? POLICY_WANT_VMCORE : POLICY_WANT_LATER;
}

void policy_rules_default(struct policy_rules *rules, int64_t first)
{
	*rules = (struct policy_rules){.slots = POLICY_SLOTS_DEFAULT,
				       .retry_after = POLICY_RETRY_DEFAULT};
	for (size_t i = 0; i < POLICY_STATES; i++)
		rules->states[i] =
			(struct policy_rule){.first = first, .otherwise = POLICY_WANT_DMESG};
	// It came back after its fix: now everything is of interest.
	rules->states[DB_REASON_ROLLED_OUT].all = true;
	rules->states[DB_REASON_RESOLVED].all = true;
	rules->states[DB_REASON_WONT_FIX].first = 0;
	rules->states[DB_REASON_HARDWARE].first = 0;
}

static bool read_number(const char *text, int64_t *ret)
{
	char *end;
	long long v = strtoll(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || v > NUMBER_MAX)
		return false;
	*ret = v;
	return true;
}

static bool read_clause(char *clause, struct policy_rule *rule)
{
	char *save, *word = strtok_r(clause, " \t", &save);
	const char *value = word ? strtok_r(NULL, " \t", &save) : NULL;

	if (!word || (value && strtok_r(NULL, " \t", &save)))
		return false;
	if (!value) {
		rule->all = !strcmp(word, "all");
		if (!strcmp(word, "nothing"))
			rule->otherwise = POLICY_WANT_NOTHING;
		else if (!strcmp(word, "dmesg"))
			rule->otherwise = POLICY_WANT_DMESG;
		else
			return rule->all;
		return true;
	}
	if (!strcmp(word, "first"))
		return read_number(value, &rule->first);
	if (!strcmp(word, "each"))
		return read_number(value, &rule->each);
	if (strcmp(word, "else") != 0)
		return false;
	rule->otherwise = !strcmp(value, "nothing") ? POLICY_WANT_NOTHING : POLICY_WANT_DMESG;
	return !strcmp(value, "nothing") || !strcmp(value, "dmesg");
}

// "first 3, each 100, else dmesg": what is not said is 0 and dmesg.
static struct ey_error *read_rule(const char *key, const char *text, struct policy_rule *rule)
{
	_cleanup_free_ char *copy = strdup(text);
	char *save;

	if (!copy)
		return &ey_error_nomem;
	*rule = (struct policy_rule){.otherwise = POLICY_WANT_DMESG};
	char *clause = strtok_r(copy, ",", &save);
	bool good = clause;
	for (; good && clause; clause = strtok_r(NULL, ",", &save))
		good = read_clause(clause, rule);
	return good ? NULL
		    : ey_error_create(
			      EY_ERR_USAGE,
			      "[policy] %s: \"%.60s\" is not like \"first 3, each 100, else "
			      "dmesg\", \"all\", \"dmesg\" or \"nothing\"",
			      key, text);
}

struct ey_error *policy_rules_load(struct policy_rules *rules, const struct ey_config *config)
{
	uint64_t first, slots;
	struct ey_error *err = ey_config_uint(config, "repository", "keep_dumps",
					      POLICY_KEEP_DUMPS_DEFAULT, &first);

	if (err)
		return err;
	policy_rules_default(rules, (int64_t)EY_MIN(first, (uint64_t)NUMBER_MAX));
	for (size_t i = 0; !err && i < POLICY_STATES; i++) {
		const char *key = db_reason_state_name((enum db_reason_state)i);
		const char *text = ey_config_string(config, "policy", key, NULL);

		if (text)
			err = read_rule(key, text, &rules->states[i]);
	}
	if (!err)
		err = ey_config_uint(config, "policy", "slots", POLICY_SLOTS_DEFAULT, &slots);
	if (!err)
		err = ey_config_duration(config, "policy", "retry_after", POLICY_RETRY_DEFAULT,
					 &rules->retry_after);
	if (err)
		return err;
	if (slots < 1 || slots > 10000 || rules->retry_after < 1 || rules->retry_after > 86400)
		return ey_error_create(EY_ERR_USAGE,
				       "[policy] slots is 1 to 10000, retry_after 1s to 1d");
	rules->slots = (int64_t)slots;
	return NULL;
}
