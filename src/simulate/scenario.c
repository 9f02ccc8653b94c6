/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/scenario.h"

#include <ini.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

const char *sim_rollout_kind_name(enum sim_rollout_kind kind)
{
	static const char *const names[] = {
#define X(id, name) [SIM_ROLLOUT_##id] = (name),
		SIM_ROLLOUTS(X)
#undef X
	};

	return names[kind];
}

/** How the value of a key is read, and where it goes. */
struct field {
	const char *key;
	enum { TEXT, COUNT, REAL, PART, SECONDS, DATE } type;
	size_t offset;
};

#define F(type, key, kind)                             \
	{                                              \
#key, kind, offsetof(struct type, key) \
	}

static const struct field fleet_fields[] = {
	F(sim_fleet, hosts, COUNT),
	F(sim_fleet, start, DATE),
	F(sim_fleet, duration, SECONDS),
	F(sim_fleet, kernel, TEXT),
	F(sim_fleet, package, TEXT),
	F(sim_fleet, background, REAL),
	F(sim_fleet, background_reasons, COUNT),
	F(sim_fleet, lag, SECONDS),
	F(sim_fleet, loss, PART),
	F(sim_fleet, downtime, SECONDS),
	{0},
};
static const struct field alert_fields[] = {
	F(sim_alerts, host_threshold, COUNT),
	F(sim_alerts, model_threshold, COUNT),
	F(sim_alerts, reason_threshold, COUNT),
	F(sim_alerts, window, SECONDS),
	{0},
};
static const struct field site_fields[] = {F(sim_site, share, COUNT), {0}};
static const struct field model_fields[] = {
	F(sim_model, vendor, TEXT), F(sim_model, product, TEXT),
	F(sim_model, bios, TEXT),   F(sim_model, bios_date, TEXT),
	F(sim_model, cpus, COUNT),  F(sim_model, memory_gib, COUNT),
	F(sim_model, share, COUNT), {0},
};
static const struct field rollout_fields[] = {
	{"kind", TEXT, offsetof(struct sim_rollout, kind_name)},
	F(sim_rollout, value, TEXT),
	F(sim_rollout, package, TEXT),
	F(sim_rollout, start, SECONDS),
	F(sim_rollout, over, SECONDS),
	F(sim_rollout, coverage, PART),
	F(sim_rollout, model, TEXT),
	F(sim_rollout, site, TEXT),
	{0},
};
static const struct field bug_fields[] = {
	F(sim_bug, incidence, REAL),
	F(sim_bug, count, COUNT),
	F(sim_bug, kind, TEXT),
	F(sim_bug, function, TEXT),
	F(sim_bug, since, TEXT),
	F(sim_bug, fixed, TEXT),
	F(sim_bug, model, TEXT),
	F(sim_bug, site, TEXT),
	F(sim_bug, start, SECONDS),
	F(sim_bug, end, SECONDS),
	{0},
};
static const struct field dying_fields[] = {
	F(sim_dying, hosts, COUNT), F(sim_dying, start, SECONDS), F(sim_dying, rate, REAL), {0}};
static const struct field loop_fields[] = {
	F(sim_loop, hosts, COUNT),
	F(sim_loop, start, SECONDS),
	F(sim_loop, every, SECONDS),
	F(sim_loop, crashes, COUNT),
	F(sim_loop, kind, TEXT),
	F(sim_loop, function, TEXT),
	{0},
};
static const struct field storm_fields[] = {
	F(sim_storm, hosts, COUNT), F(sim_storm, start, SECONDS), F(sim_storm, over, SECONDS),
	F(sim_storm, kind, TEXT),   F(sim_storm, function, TEXT), {0},
};

/** A kind of section that may be there many times, "[bug NAME]": where its items are kept. */
struct section {
	const char *word;
	size_t list;
	size_t size;
	const struct field *fields;
	/** What is so unless it is said. */
	const void *initial;
};

static const struct sim_site new_site = {.share = 1};
static const struct sim_model new_model = {.vendor = "Example Corp",
					   .product = "Server",
					   .bios = "1.0.0",
					   .bios_date = "01/01/2024",
					   .cpus = 64,
					   .memory_gib = 256,
					   .share = 1};
static const struct sim_rollout new_rollout = {.kind_name = "kernel",
					       .value = "",
					       .package = "",
					       .coverage = 1,
					       .model_index = -1,
					       .site_index = -1};
static const struct sim_bug new_bug = {.incidence = 0.05,
				       .count = 1,
				       .since_index = -1,
				       .fixed_index = -1,
				       .model_index = -1,
				       .site_index = -1};
static const struct sim_dying new_dying = {.hosts = 1, .rate = 1};
static const struct sim_loop new_loop = {.hosts = 1, .every = 600, .crashes = 20};
static const struct sim_storm new_storm = {.over = 60};

// Each item begins with its name.
#define S(word, list, initial, fields)                                                         \
	{                                                                                      \
		word, offsetof(struct sim_scenario, list), sizeof(initial), fields, &(initial) \
	}
static const struct section sections[] = {
	S("site", sites, new_site, site_fields),
	S("model", models, new_model, model_fields),
	S("rollout", rollouts, new_rollout, rollout_fields),
	S("bug", bugs, new_bug, bug_fields),
	S("dying", dying, new_dying, dying_fields),
	S("loop", loops, new_loop, loop_fields),
	S("storm", storms, new_storm, storm_fields),
};

void sim_scenario_deinit(struct sim_scenario *s)
{
	ey_config_deinit(&s->config);
	for (size_t i = 0; i < EY_ARRAY_SIZE(sections); i++)
		free(*(void **)((char *)s + sections[i].list));
	*s = (struct sim_scenario){0};
}

static struct ey_error *bad(const struct ey_config_entry *e, const char *wanted)
{
	return ey_error_create(EY_ERR_USAGE, "%s: [%s] %s = %s is not %s", e->where, e->section,
			       e->key, e->value, wanted);
}

static struct ey_error *read_value(const struct ey_config_entry *e, const struct field *f,
				   void *item)
{
	void *to = (char *)item + f->offset;
	char *end;
	double real;

	switch (f->type) {
	case TEXT:
		*(const char **)to = e->value;
		return NULL;
	case COUNT:
		*(uint64_t *)to = strtoull(e->value, &end, 10);
		return e->value[0] >= '0' && e->value[0] <= '9' && !*end &&
				       *(uint64_t *)to <= 1000000000
			       ? NULL
			       : bad(e, "a whole number up to 1000000000");
	case SECONDS:
		return ey_duration_parse(e->value, to) ? NULL : bad(e, "a time such as 60s or 30d");
	case DATE:
		if (!strcmp(e->value, "now"))
			*(int64_t *)to = ey_time_now();
		else if (!ey_time_parse(e->value, to))
			return bad(e, "a date such as 2026-11-23, or now");
		return NULL;
	case REAL:
	case PART:
		real = strtod(e->value, &end);
		if (!*e->value || *end || !isfinite(real) || real < 0 || real > 1e6)
			return bad(e, "a number from 0 to 1000000");
		if (f->type == PART && real > 1)
			return bad(e, "a part from 0 to 1");
		*(double *)to = real;
		return NULL;
	}
	return NULL;
}

static struct ey_error *read_key(const struct ey_config_entry *e, const struct field *fields,
				 void *item)
{
	for (const struct field *f = fields; f->key; f++) {
		if (!strcmp(f->key, e->key))
			return read_value(e, f, item);
	}
	return ey_error_create(EY_ERR_USAGE, "%s: [%s] has no key \"%s\"", e->where, e->section,
			       e->key);
}

// The item of "[word NAME]", made where it is not there yet.
static struct ey_error *find_item(struct sim_scenario *s, const struct section *section,
				  const char *name, void **ret)
{
	SIM_LIST(char) *list = (void *)((char *)s + section->list);

	for (size_t i = 0; i < list->n; i++) {
		*ret = list->at + i * section->size;
		if (!strcmp(*(const char **)*ret, name))
			return NULL;
	}
	char *more = reallocarray(list->at, list->n + 1, section->size);
	if (!more)
		return &ey_error_nomem;
	list->at = more;
	*ret = list->at + list->n++ * section->size;
	memcpy(*ret, section->initial, section->size);
	*(const char **)*ret = name;
	return NULL;
}

static struct ey_error *read_entry(struct sim_scenario *s, const struct ey_config_entry *e)
{
	size_t word = strcspn(e->section, " ");
	const char *name = e->section + word + (e->section[word] == ' ');

	if (!strcmp(e->section, "fleet"))
		return read_key(e, fleet_fields, &s->fleet);
	if (!strcmp(e->section, "alerts"))
		return read_key(e, alert_fields, &s->alerts);
	for (size_t i = 0; i < EY_ARRAY_SIZE(sections); i++) {
		const struct section *section = &sections[i];
		void *item;

		if (strlen(section->word) != word || strncmp(section->word, e->section, word) != 0)
			continue;
		if (!ey_name_is_safe(name))
			return ey_error_create(EY_ERR_USAGE,
					       "%s: [%s] needs a name of letters, digits and -._ "
					       "behind it, as in [%s one]",
					       e->where, e->section, section->word);
		struct ey_error *err = find_item(s, section, name, &item);
		return err ? err : read_key(e, section->fields, item);
	}
	return ey_error_create(EY_ERR_USAGE, "%s: there is no section [%s]", e->where, e->section);
}

#define FIND(list, wanted, what, who, ret) \
	find_name(&(list), (list).at ? sizeof(*(list).at) : 0, wanted, what, who, ret)
static struct ey_error *find_name(const void *of, size_t size, const char *wanted, const char *what,
				  const char *who, int *ret)
{
	const SIM_LIST(char) *list = of;

	*ret = -1;
	if (!wanted)
		return NULL;
	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(*(const char **)(list->at + i * size), wanted)) {
			*ret = (int)i;
			return NULL;
		}
	}
	return ey_error_create(EY_ERR_USAGE, "[%s]: there is no [%s %s]", who, what, wanted);
}

static struct ey_error *check_rollouts(struct sim_scenario *s)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < s->rollouts.n; i++) {
		struct sim_rollout *r = &s->rollouts.at[i];
		unsigned int kind = 0;

		while (kind <= SIM_ROLLOUT_CONFIG &&
		       strcmp(sim_rollout_kind_name((enum sim_rollout_kind)kind), r->kind_name) !=
			       0)
			kind++;
		if (kind > SIM_ROLLOUT_CONFIG)
			return ey_error_create(EY_ERR_USAGE,
					       "[rollout %s]: kind is kernel, firmware, image or "
					       "config, not %s",
					       r->name, r->kind_name);
		r->kind = (enum sim_rollout_kind)kind;
		err = FIND(s->models, r->model, "model", r->name, &r->model_index);
		if (!err)
			err = FIND(s->sites, r->site, "site", r->name, &r->site_index);
	}
	return err;
}

static struct ey_error *check_fault(const char *who, const char *kind_name, const char *function)
{
	enum sim_kind kind = SIM_KIND_NULL_DEREF;
	struct sim_fault fault;

	if (kind_name && !sim_kind_parse(kind_name, &kind))
		return ey_error_create(EY_ERR_USAGE,
				       "[%s]: kind %s is none of those that can be made", who,
				       kind_name);
	if (function && !sim_fault_in(kind, function, &fault))
		return ey_error_create(EY_ERR_USAGE, "[%s]: no %s can be made in %s", who,
				       sim_kind_name(kind), function);
	return NULL;
}

static struct ey_error *check_bugs(struct sim_scenario *s)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < s->bugs.n; i++) {
		struct sim_bug *b = &s->bugs.at[i];

		err = FIND(s->rollouts, b->since, "rollout", b->name, &b->since_index);
		if (!err)
			err = FIND(s->rollouts, b->fixed, "rollout", b->name, &b->fixed_index);
		if (!err)
			err = FIND(s->models, b->model, "model", b->name, &b->model_index);
		if (!err)
			err = FIND(s->sites, b->site, "site", b->name, &b->site_index);
		if (!err)
			err = check_fault(b->name, b->kind, b->function);
		if (!err && (b->count < 1 || b->count > 1000))
			err = ey_error_create(EY_ERR_USAGE, "[bug %s]: count is 1 to 1000",
					      b->name);
	}
	for (size_t i = 0; !err && i < s->loops.n; i++)
		err = check_fault(s->loops.at[i].name, s->loops.at[i].kind,
				  s->loops.at[i].function);
	for (size_t i = 0; !err && i < s->storms.n; i++)
		err = check_fault(s->storms.at[i].name, s->storms.at[i].kind,
				  s->storms.at[i].function);
	return err;
}

static struct ey_error *check(struct sim_scenario *s)
{
	struct ey_error *err = NULL;
	void *item;

	if (!s->sites.n)
		err = find_item(s, &sections[0], "default", &item);
	if (!err && !s->models.n)
		err = find_item(s, &sections[1], "default", &item);
	for (size_t i = 0; !err && i < s->models.n; i++) {
		if (!s->models.at[i].cpus || s->models.at[i].cpus > 4096 ||
		    s->models.at[i].memory_gib < 8)
			err = ey_error_create(
				EY_ERR_USAGE,
				"[model %s]: cpus is 1 to 4096, memory_gib at least 8",
				s->models.at[i].name);
	}
	for (size_t i = 0; !err && i < s->loops.n; i++) {
		if (s->loops.at[i].every < 1)
			err = ey_error_create(EY_ERR_USAGE, "[loop %s]: every is at least 1s",
					      s->loops.at[i].name);
	}
	if (!err && (!s->fleet.hosts || s->fleet.hosts > SIM_HOSTS_MAX))
		err = ey_error_create(EY_ERR_USAGE, "[fleet]: hosts is 1 to %d", SIM_HOSTS_MAX);
	if (!err && (s->fleet.duration < 1 || s->fleet.duration > 20 * (int64_t)SIM_YEAR))
		err = ey_error_create(EY_ERR_USAGE, "[fleet]: duration is 1s to 20 years");
	if (!err)
		err = check_rollouts(s);
	return err ? err : check_bugs(s);
}

struct preset_state {
	struct ey_config *config;
	const char *name;
	struct ey_error *err;
};

static int on_preset_value(void *arg, const char *section, const char *key, const char *value)
{
	struct preset_state *state = arg;

	state->err = ey_config_set(state->config, section, key, value, state->name);
	return !state->err;
}

static struct ey_error *load_text(struct sim_scenario *s, const char *name)
{
	for (size_t i = 0; sim_preset_at(i) && !strchr(name, '/'); i++) {
		const struct sim_preset *p = sim_preset_at(i);
		struct preset_state state = {&s->config, name, NULL};

		if (strcmp(p->name, name) != 0)
			continue;
		ini_parse_string(p->text, on_preset_value, &state);
		return state.err;
	}
	return ey_config_load(&s->config, name);
}

static struct ey_error *add_setting(struct sim_scenario *s, const char *setting)
{
	const char *value = strchr(setting, '=');
	_cleanup_free_ char *section = strndup(setting, value ? (size_t)(value - setting) : 0);
	char *key = section ? strrchr(section, '.') : NULL;

	if (!section)
		return &ey_error_nomem;
	if (!key)
		return ey_error_create(EY_ERR_USAGE, "--set %s: say SECTION.KEY=VALUE", setting);
	*key++ = '\0';
	return ey_config_set(&s->config, section, key, value + 1, "--set");
}

struct ey_error *sim_scenario_load(const char *name, const char *const *settings, size_t count,
				   struct sim_scenario *ret)
{
	struct ey_error *err = NULL;

	*ret = (struct sim_scenario){
		.fleet = {.hosts = 1000,
			  .start = 1767225600,
			  .duration = 30 * SIM_DAY,
			  .kernel = "6.1.0-56-amd64",
			  .package = "6.1.192-2",
			  .background_reasons = 20,
			  .lag = 300,
			  .downtime = 300},
		.alerts = {.host_threshold = 2,
			   .model_threshold = 4,
			   .reason_threshold = 2,
			   .window = SIM_DAY},
	};
	err = load_text(ret, name);
	for (size_t i = 0; !err && i < count; i++)
		err = add_setting(ret, settings[i]);
	for (size_t i = 0; !err && i < ret->config.count; i++)
		err = read_entry(ret, &ret->config.entries[i]);
	if (!err)
		err = check(ret);
	if (err)
		sim_scenario_deinit(ret);
	return err;
}
