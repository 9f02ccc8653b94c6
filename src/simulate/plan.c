/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/** What each number of a host is drawn from. */
enum { DRAW_SITE = 1, DRAW_MODEL, DRAW_HELD_BACK, DRAW_FIRST_BOOT, DRAW_ID, DRAW_ROLLOUT = 100 };

/** Where the crashes of one cause come from, in the order of their times. */
struct source {
	struct sim_rng rng;
	uint32_t cause;
	int64_t next;
	/** Finer than seconds, for processes that are quick. */
	double clock;
	/** Of a loop or a storm: crashes to come. */
	uint64_t left;
	/** The hosts it can strike. */
	uint32_t *hosts;
	size_t host_count;
};

struct maker {
	struct sim_plan *plan;
	struct source *sources;
	size_t count;
	size_t crash_room;
	/** Of the next fault that nobody chose. */
	unsigned int number;
};

const char *sim_cause_kind_name(enum sim_cause_kind kind)
{
	static const char *const names[] = {
#define X(id, name) [SIM_CAUSE_##id] = (name),
		SIM_CAUSES(X)
#undef X
	};

	return names[kind];
}

void sim_plan_deinit(struct sim_plan *plan)
{
	free(plan->hosts);
	free(plan->causes);
	free(plan->crashes);
	*plan = (struct sim_plan){0};
}

// Up for up to sixty days before the beginning.
static int64_t first_boot(const struct sim_plan *plan, const struct sim_host *h)
{
	return plan->scenario->fleet.start -
	       (int64_t)(sim_hash_unit(h->hash, DRAW_FIRST_BOOT, 0) * 60 * SIM_DAY) - 1;
}

static struct ey_error *make_hosts(struct sim_plan *plan)
{
	const struct sim_scenario *s = plan->scenario;
	uint64_t sites = 0, models = 0;

	for (size_t i = 0; i < s->sites.n; i++)
		sites += s->sites.at[i].share;
	for (size_t i = 0; i < s->models.n; i++)
		models += s->models.at[i].share;
	if (!sites || !models)
		return ey_error_create(EY_ERR_USAGE, "the shares of all sites, or models, are 0");
	plan->hosts = calloc(s->fleet.hosts, sizeof(*plan->hosts));
	if (!plan->hosts)
		return &ey_error_nomem;
	for (uint32_t i = 0; i < s->fleet.hosts; i++) {
		struct sim_host *h = &plan->hosts[i];
		uint64_t site, model;

		h->number = i;
		h->hash = sim_hash(plan->seed, i, 0x686f7374);
		site = sim_hash(h->hash, DRAW_SITE, 0) % sites;
		model = sim_hash(h->hash, DRAW_MODEL, 0) % models;
		for (; site >= s->sites.at[h->site].share; h->site++)
			site -= s->sites.at[h->site].share;
		for (; model >= s->models.at[h->model].share; h->model++)
			model -= s->models.at[h->model].share;
		h->up = first_boot(plan, h);
	}
	return NULL;
}

int64_t sim_rollout_time(const struct sim_plan *plan, const struct sim_host *host, size_t rollout)
{
	const struct sim_rollout *r = &plan->scenario->rollouts.at[rollout];

	if ((r->model_index >= 0 && r->model_index != host->model) ||
	    (r->site_index >= 0 && r->site_index != host->site) ||
	    sim_hash_unit(host->hash, DRAW_HELD_BACK, 0) >= r->coverage)
		return INT64_MAX;
	return plan->scenario->fleet.start + r->start +
	       (int64_t)(sim_hash_unit(host->hash, DRAW_ROLLOUT + rollout, 0) * (double)r->over);
}

int sim_rollout_at(const struct sim_plan *plan, const struct sim_host *host,
		   enum sim_rollout_kind kind, int64_t time)
{
	int64_t latest = INT64_MIN;
	int found = -1;

	for (size_t i = 0; i < plan->scenario->rollouts.n; i++) {
		int64_t t = sim_rollout_time(plan, host, i);

		if (plan->scenario->rollouts.at[i].kind == kind && t <= time && t >= latest) {
			latest = t;
			found = (int)i;
		}
	}
	return found;
}

static bool eligible(const struct sim_cause *c, const struct sim_host *h)
{
	return (c->model_index < 0 || c->model_index == h->model) &&
	       (c->site_index < 0 || c->site_index == h->site);
}

bool sim_cause_active(const struct sim_plan *plan, const struct sim_cause *cause,
		      const struct sim_host *host, int64_t time)
{
	const struct sim_bug *b = cause->bug;

	if (time < cause->start || time >= cause->end || !eligible(cause, host))
		return false;
	if (!b)
		return true;
	return (b->since_index < 0 ||
		sim_rollout_time(plan, host, (size_t)b->since_index) <= time) &&
	       (b->fixed_index < 0 || sim_rollout_time(plan, host, (size_t)b->fixed_index) > time);
}

// The part of its time for which a bug can strike the host, in years.
static double exposure(const struct sim_plan *plan, const struct sim_cause *c,
		       const struct sim_host *h)
{
	int64_t from = c->start, until = c->end;

	if (!eligible(c, h))
		return 0;
	if (c->bug && c->bug->since_index >= 0)
		from = EY_MAX(from, sim_rollout_time(plan, h, (size_t)c->bug->since_index));
	if (c->bug && c->bug->fixed_index >= 0)
		until = EY_MIN(until, sim_rollout_time(plan, h, (size_t)c->bug->fixed_index));
	return from < until ? (double)(until - from) / SIM_YEAR : 0;
}

// The boot that a host is in: the last of its crash's, and those that updates need.
static int64_t booted_at(const struct sim_plan *plan, const struct sim_host *h, int64_t time)
{
	int64_t booted = h->up;

	for (size_t i = 0; i < plan->scenario->rollouts.n; i++) {
		int64_t t = sim_rollout_time(plan, h, i);

		if (plan->scenario->rollouts.at[i].kind != SIM_ROLLOUT_CONFIG && t <= time)
			booted = EY_MAX(booted, t);
	}
	return booted;
}

static struct ey_error *add_source(struct maker *m, const struct sim_cause *cause, uint64_t left)
{
	struct sim_plan *p = m->plan;
	struct sim_cause *causes = reallocarray(p->causes, p->cause_count + 1, sizeof(*p->causes));
	if (!causes)
		return &ey_error_nomem;
	p->causes = causes;
	struct source *sources = reallocarray(m->sources, m->count + 1, sizeof(*m->sources));
	if (!sources)
		return &ey_error_nomem;
	m->sources = sources;
	struct source *s = &sources[m->count++];
	*s = (struct source){.cause = (uint32_t)p->cause_count, .left = left};
	p->causes[p->cause_count++] = *cause;
	sim_rng_init(&s->rng, p->seed, sim_hash_text(cause->name));
	s->clock = (double)cause->start;
	if (cause->kind == SIM_CAUSE_DYING || cause->kind == SIM_CAUSE_LOOP)
		return NULL;
	s->hosts = calloc(p->scenario->fleet.hosts, sizeof(*s->hosts));
	if (!s->hosts)
		return &ey_error_nomem;
	for (uint32_t i = 0; i < p->scenario->fleet.hosts; i++) {
		if (eligible(cause, &p->hosts[i]))
			s->hosts[s->host_count++] = i;
		p->causes[s->cause].expected += cause->incidence * exposure(p, cause, &p->hosts[i]);
	}
	// A storm takes each host once, in any order.
	for (size_t i = s->host_count; cause->kind == SIM_CAUSE_STORM && i > 1; i--) {
		size_t k = sim_rng_below(&s->rng, i);
		uint32_t host = s->hosts[i - 1];

		s->hosts[i - 1] = s->hosts[k];
		s->hosts[k] = host;
	}
	s->left = EY_MIN(left, (uint64_t)s->host_count);
	return NULL;
}

// A fault of a reason that no cause has yet, as long as there are such.
static void next_fault(struct maker *m, struct sim_fault *ret)
{
	bool used = true;

	for (unsigned int tries = 0; used && tries < sim_fault_count(); tries++) {
		sim_fault_numbered(m->number++, ret);
		used = false;
		for (size_t i = 0; i < m->plan->cause_count && !used; i++)
			used = !strcmp(m->plan->causes[i].fault.reason, ret->reason);
	}
}

static void choose_fault(struct maker *m, const char *kind_name, const char *function,
			 unsigned int number, struct sim_fault *ret)
{
	enum sim_kind kind = SIM_KIND_NULL_DEREF;

	if (kind_name)
		sim_kind_parse(kind_name, &kind);
	if (function)
		sim_fault_in(kind, function, ret);
	else if (kind_name)
		sim_fault_of_kind(kind, number, ret);
	else
		next_fault(m, ret);
}

static struct ey_error *plan_background(struct maker *m)
{
	const struct sim_fleet *f = &m->plan->scenario->fleet;
	struct ey_error *err = NULL;
	double weights = 0;

	// Few reasons are frequent and many are rare: weights 1, 1/2, 1/3, ...
	for (uint64_t i = 0; i < f->background_reasons; i++)
		weights += 1.0 / (double)(i + 1);
	for (uint64_t i = 0; !err && f->background > 0 && i < f->background_reasons; i++) {
		struct sim_cause c = {.kind = SIM_CAUSE_BACKGROUND,
				      .incidence = f->background / (double)(i + 1) / weights,
				      .start = f->start,
				      .end = f->start + f->duration,
				      .model_index = -1,
				      .site_index = -1};

		snprintf(c.name, sizeof(c.name), "background-%" PRIu64, i + 1);
		next_fault(m, &c.fault);
		err = add_source(m, &c, 0);
	}
	return err;
}

static struct ey_error *plan_bug(struct maker *m, const struct sim_bug *b)
{
	const struct sim_fleet *f = &m->plan->scenario->fleet;
	struct ey_error *err = NULL;

	for (uint64_t i = 0; !err && i < b->count; i++) {
		struct sim_cause c = {.kind = SIM_CAUSE_BUG,
				      .bug = b,
				      .incidence = b->incidence,
				      .start = f->start + b->start,
				      .end = f->start + f->duration,
				      .model_index = b->model_index,
				      .site_index = b->site_index};

		if (b->end)
			c.end = EY_MIN(c.end, f->start + b->end);
		snprintf(c.name, sizeof(c.name), b->count > 1 ? "%.70s-%" PRIu64 : "%.70s", b->name,
			 i + 1);
		choose_fault(m, b->kind, b->function, (unsigned int)i, &c.fault);
		err = add_source(m, &c, 0);
	}
	return err;
}

static struct ey_error *plan_hosts(struct maker *m)
{
	const struct sim_scenario *s = m->plan->scenario;
	int64_t end = s->fleet.start + s->fleet.duration;
	struct ey_error *err = NULL;

	for (size_t i = 0; i < s->dying.n; i++) {
		const struct sim_dying *d = &s->dying.at[i];

		for (uint64_t k = 0; !err && k < EY_MIN(d->hosts, s->fleet.hosts); k++) {
			struct sim_cause c = {.kind = SIM_CAUSE_DYING,
					      .incidence = d->rate * 365,
					      .start = s->fleet.start + d->start,
					      .end = end,
					      .model_index = -1,
					      .site_index = -1};

			snprintf(c.name, sizeof(c.name), "%.70s-%" PRIu64, d->name, k + 1);
			c.host = (uint32_t)(sim_hash(m->plan->seed, sim_hash_text(d->name), k) %
					    s->fleet.hosts);
			c.expected =
				c.start < end ? d->rate * (double)(end - c.start) / SIM_DAY : 0;
			sim_fault_of_kind(SIM_KIND_MCE, 0, &c.fault);
			err = add_source(m, &c, UINT64_MAX);
		}
	}
	for (size_t i = 0; i < s->loops.n; i++) {
		const struct sim_loop *l = &s->loops.at[i];

		for (uint64_t k = 0; !err && k < EY_MIN(l->hosts, s->fleet.hosts); k++) {
			struct sim_cause c = {.kind = SIM_CAUSE_LOOP,
					      .incidence = (double)SIM_YEAR / (double)l->every,
					      .start = s->fleet.start + l->start,
					      .end = end,
					      .expected = (double)l->crashes,
					      .model_index = -1,
					      .site_index = -1};

			snprintf(c.name, sizeof(c.name), "%.70s-%" PRIu64, l->name, k + 1);
			c.host = (uint32_t)(sim_hash(m->plan->seed, sim_hash_text(l->name), k) %
					    s->fleet.hosts);
			choose_fault(m, l->kind, l->function, (unsigned int)(i + k), &c.fault);
			err = add_source(m, &c, l->crashes);
		}
	}
	for (size_t i = 0; !err && i < s->storms.n; i++) {
		const struct sim_storm *st = &s->storms.at[i];
		struct sim_cause c = {.kind = SIM_CAUSE_STORM,
				      .start = s->fleet.start + st->start,
				      .end = s->fleet.start + st->start +
					     EY_MAX(st->over, INT64_C(1)),
				      .model_index = -1,
				      .site_index = -1};

		snprintf(c.name, sizeof(c.name), "%.70s", st->name);
		choose_fault(m, st->kind, st->function, (unsigned int)i, &c.fault);
		err = add_source(m, &c, st->hosts ? st->hosts : s->fleet.hosts);
		m->plan->causes[m->plan->cause_count - 1].expected =
			(double)(st->hosts ? st->hosts : s->fleet.hosts);
	}
	return err;
}

// Set the time of the source's next crash; INT64_MAX: none comes.
static void advance(const struct sim_plan *plan, struct source *s)
{
	const struct sim_cause *c = &plan->causes[s->cause];
	double mean;

	s->next = INT64_MAX;
	switch (c->kind) {
	case SIM_CAUSE_BACKGROUND:
	case SIM_CAUSE_BUG:
		if (!s->host_count || c->incidence <= 0)
			return;
		mean = SIM_YEAR / (c->incidence * (double)s->host_count);
		s->clock += sim_rng_exponential(&s->rng, mean);
		break;
	case SIM_CAUSE_DYING:
		if (c->incidence <= 0)
			return;
		s->clock += sim_rng_exponential(&s->rng, SIM_YEAR / c->incidence);
		break;
	case SIM_CAUSE_LOOP:
		if (!s->left)
			return;
		s->left--;
		s->clock += SIM_YEAR / c->incidence * (0.9 + 0.2 * sim_rng_unit(&s->rng));
		break;
	case SIM_CAUSE_STORM:
		if (!s->left)
			return;
		// The earliest of `left` times, all of them even by chance in what is left.
		s->clock += ((double)c->end - s->clock) *
			    -expm1(log1p(-sim_rng_unit(&s->rng)) / (double)s->left);
		s->left--;
		break;
	}
	if (s->clock < (double)c->end)
		s->next = (int64_t)s->clock;
}

static struct ey_error *strike(struct maker *m, struct source *s, uint32_t host)
{
	struct sim_plan *p = m->plan;
	const struct sim_fleet *f = &p->scenario->fleet;
	struct sim_cause *c = &p->causes[s->cause];
	struct sim_host *h = &p->hosts[host];
	int64_t booted = booted_at(p, h, s->next);

	if (!sim_cause_active(p, c, h, s->next) || booted >= s->next)
		return NULL;
	if (p->crash_count == m->crash_room) {
		size_t room = m->crash_room ? 2 * m->crash_room : 1024;
		struct sim_crash *more = reallocarray(p->crashes, room, sizeof(*more));

		if (!more)
			return &ey_error_nomem;
		p->crashes = more;
		m->crash_room = room;
	}
	double lag = f->lag ? sim_rng_exponential(&s->rng, (double)f->lag) : 0;
	p->crashes[p->crash_count++] = (struct sim_crash){
		.time = s->next,
		.reported = s->next + f->downtime + (int64_t)lag,
		.booted = booted,
		.host = host,
		.cause = s->cause,
		.kernel = (int16_t)sim_rollout_at(p, h, SIM_ROLLOUT_KERNEL, booted),
		.firmware = (int16_t)sim_rollout_at(p, h, SIM_ROLLOUT_FIRMWARE, booted),
		.fault = c->kind == SIM_CAUSE_DYING && sim_rng_unit(&s->rng) < 0.6
				 ? (int32_t)sim_rng_below(&s->rng, sim_fault_count())
				 : -1,
		.lost = f->loss > 0 && sim_rng_unit(&s->rng) < f->loss,
	};
	h->up = s->next + f->downtime;
	c->first = c->crashes++ ? c->first : s->next;
	return NULL;
}

static uint32_t whom(const struct sim_plan *p, struct source *s)
{
	const struct sim_cause *c = &p->causes[s->cause];

	if (c->kind == SIM_CAUSE_DYING || c->kind == SIM_CAUSE_LOOP)
		return c->host;
	if (c->kind == SIM_CAUSE_STORM)
		return s->hosts[s->left];
	return s->hosts[sim_rng_below(&s->rng, s->host_count)];
}

static struct ey_error *run(struct maker *m)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; i < m->count; i++)
		advance(m->plan, &m->sources[i]);
	while (!err && m->count) {
		// Some dozens of sources: no heap is worth it.
		struct source *s = &m->sources[0];

		for (size_t i = 1; i < m->count; i++) {
			if (m->sources[i].next < s->next)
				s = &m->sources[i];
		}
		if (s->next == INT64_MAX)
			break;
		err = strike(m, s, whom(m->plan, s));
		advance(m->plan, s);
	}
	return err;
}

static int by_pair(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static struct ey_error *count_hosts(struct sim_plan *p)
{
	_cleanup_free_ uint64_t *pairs = calloc(p->crash_count + 1, sizeof(*pairs));

	if (!pairs)
		return &ey_error_nomem;
	for (size_t i = 0; i < p->crash_count; i++)
		pairs[i] = (uint64_t)p->crashes[i].cause << 32 | p->crashes[i].host;
	qsort(pairs, p->crash_count, sizeof(*pairs), by_pair);
	for (size_t i = 0; i < p->crash_count; i++) {
		if (!i || pairs[i] != pairs[i - 1])
			p->causes[pairs[i] >> 32].hosts++;
	}
	return NULL;
}

int64_t sim_boot_at(const struct sim_plan *plan, uint32_t host, int64_t time)
{
	const struct sim_host *h = &plan->hosts[host];
	int64_t booted = first_boot(plan, h);

	for (size_t i = 0; i < plan->scenario->rollouts.n; i++) {
		int64_t t = sim_rollout_time(plan, h, i);

		if (plan->scenario->rollouts.at[i].kind != SIM_ROLLOUT_CONFIG && t <= time)
			booted = EY_MAX(booted, t);
	}
	for (size_t i = 0; i < plan->crash_count && plan->crashes[i].time < time; i++) {
		if (plan->crashes[i].host == host &&
		    plan->crashes[i].time + plan->scenario->fleet.downtime <= time)
			booted = EY_MAX(booted,
					plan->crashes[i].time + plan->scenario->fleet.downtime);
	}
	return booted;
}

struct ey_error *sim_plan_make(const struct sim_scenario *scenario, uint64_t seed,
			       struct sim_plan *ret)
{
	struct maker m = {.plan = ret};

	*ret = (struct sim_plan){.scenario = scenario, .seed = seed};
	struct ey_error *err = make_hosts(ret);
	// Those whose reasons are named come first, so that others get other ones.
	if (!err)
		err = plan_hosts(&m);
	for (int named = 1; named >= 0; named--) {
		for (size_t i = 0; !err && i < scenario->bugs.n; i++) {
			const struct sim_bug *b = &scenario->bugs.at[i];

			if ((b->kind != NULL) == named)
				err = plan_bug(&m, b);
		}
	}
	if (!err)
		err = plan_background(&m);
	if (!err)
		err = run(&m);
	for (size_t i = 0; i < m.count; i++)
		free(m.sources[i].hosts);
	free(m.sources);
	if (!err)
		err = count_hosts(ret);
	if (err)
		sim_plan_deinit(ret);
	return err;
}
