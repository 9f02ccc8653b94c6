/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts of simulated crashes against what the scenario makes one expect. Seeds are fixed; bounds
 * are five standard deviations, which one honest seed in a million would exceed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/record_read.h"
#include "base/cleanup.h"
#include "simulate/run.h"
#include "store/repository.h"

enum { SIGMAS = 5 };

static void expect_near(const char *what, double count, double mean, double variance)
{
	if (fabs(count - mean) > SIGMAS * sqrt(variance))
		fail_msg("%s: %.0f, expected %.1f +- %.1f", what, count, mean,
			 SIGMAS * sqrt(variance));
}

static void published(uint64_t seed)
{
	_cleanup_scenario_ struct sim_scenario s = {0};
	_cleanup_plan_ struct sim_plan p = {0};
	double first_year = 0, after = 0, of_bug[30] = {0};

	assert_null(sim_scenario_load("published", NULL, 0, &s));
	assert_int_equal(s.fleet.hosts, 10000);
	assert_null(sim_plan_make(&s, seed, &p));
	assert_int_equal(p.cause_count, 30);
	int64_t year = s.fleet.start + SIM_YEAR, fixed = year + 28 * SIM_DAY,
		end = s.fleet.start + 2 * (int64_t)SIM_YEAR;
	for (size_t i = 0; i < p.crash_count; i++) {
		assert_true(!i || p.crashes[i].time >= p.crashes[i - 1].time);
		assert_in_range(p.crashes[i].time, s.fleet.start, end - 1);
		if (p.crashes[i].time < year) {
			first_year++;
			of_bug[p.crashes[i].cause]++;
		}
		after += p.crashes[i].time >= fixed;
	}
	// 10,000 hosts x 30 bugs x 0.05; a Poisson variable's variance is its mean.
	expect_near("first year", first_year, 15000, 15000);
	for (int i = 0; i < 30; i++)
		expect_near("a bug's first year", of_bug[i], 500, 500);
	// One host in ten is held back: how many are is a binomial variable, the rest Poisson.
	double mean = 15000.0 * 0.1 * (365 - 28) / 365;
	expect_near("after the roll-out", after, mean,
		    mean + mean * mean * (0.1 * 0.9 / 10000) / (0.1 * 0.1));
	double fall = first_year / 365 / (after / (365 - 28));
	if (fall < 8 || fall > 12.5)
		fail_msg("crashes a day fell %.1f times", fall);
	// Hosts that a bug struck at least once in both years: 1 - exp(-0.05 x years exposed).
	for (size_t i = 0; i < p.cause_count; i++) {
		expect_near("crashes of a bug", (double)p.causes[i].crashes, p.causes[i].expected,
			    p.causes[i].expected);
		double exposed = 0.9 * (365 + 14) / 365.0 + 0.1 * 2;
		double hosts = 10000 * (1 - exp(-0.05 * exposed));
		expect_near("hosts of a bug", (double)p.causes[i].hosts, hosts, hosts);
	}
}

static void the_published_case(void **state)
{
	for (uint64_t seed = 1; seed <= 4; seed++)
		published(seed);
}

static void causes_strike_whom_they_can(void **state)
{
	_cleanup_scenario_ struct sim_scenario s = {0};
	_cleanup_plan_ struct sim_plan p = {0};
	unsigned int seen[SIM_CAUSE_STORM + 1] = {0};

	assert_null(sim_scenario_load("outbreak", NULL, 0, &s));
	assert_null(sim_plan_make(&s, 7, &p));
	for (size_t i = 0; i < p.crash_count; i++) {
		const struct sim_crash *c = &p.crashes[i];
		const struct sim_cause *cause = &p.causes[c->cause];

		seen[cause->kind]++;
		assert_true(sim_cause_active(&p, cause, &p.hosts[c->host], c->time));
		assert_true(c->booted < c->time);
		assert_true(c->reported >= c->time + s.fleet.downtime);
		if (!strcmp(cause->name, "driver")) {
			assert_string_equal(s.models.at[p.hosts[c->host].model].name, "server-9");
			assert_string_equal(s.rollouts.at[c->kernel].value, "6.1.0-56-amd64");
		}
		if (!strcmp(cause->name, "microcode"))
			assert_string_equal(s.rollouts.at[c->firmware].value, "3.10");
	}
	for (int kind = SIM_CAUSE_BACKGROUND; kind <= SIM_CAUSE_LOOP; kind++)
		assert_true(seen[kind] > 5);
	for (size_t i = 0; i < p.cause_count; i++) {
		if (p.causes[i].kind == SIM_CAUSE_BUG)
			expect_near(p.causes[i].name, (double)p.causes[i].crashes,
				    p.causes[i].expected, p.causes[i].expected);
		for (size_t k = 0; k < i; k++)
			assert_true(p.causes[i].kind == SIM_CAUSE_DYING ||
				    strcmp(p.causes[i].fault.reason, p.causes[k].fault.reason) !=
					    0);
	}
}

static void a_storm_takes_each_host_once(void **state)
{
	static const char *const settings[] = {"fleet.hosts=500", "fleet.background=0"};
	_cleanup_scenario_ struct sim_scenario s = {0};
	_cleanup_plan_ struct sim_plan p = {0};

	assert_null(sim_scenario_load("storm", settings, 2, &s));
	assert_null(sim_plan_make(&s, 1, &p));
	assert_int_equal(p.crash_count, 500);
	assert_int_equal(p.causes[0].hosts, 500);
	assert_in_range(p.crashes[499].time - p.crashes[0].time, 50, 60);
}

static void alerts_by_hand(void **state)
{
	static const char *const settings[] = {
		"fleet.background=0", "fleet.hosts=50",	  "loop a.crashes=5", "storm b.start=9d",
		"storm b.hosts=3",    "storm b.kind=GPF", "loop a.start=1d"};
	_cleanup_scenario_ struct sim_scenario s = {0};
	_cleanup_plan_ struct sim_plan p = {0};
	_cleanup_free_ struct sim_alert *alerts = NULL;
	size_t count;

	// Five crashes of one host, later three hosts with one reason: an alert each, and no more.
	assert_null(sim_scenario_load("storm", settings, 4, &s));
	sim_scenario_deinit(&s);
	assert_null(sim_scenario_load("demo", settings, 7, &s));
	s.bugs.n = s.dying.n = 0;
	s.loops.at[0] = s.loops.at[1];
	s.loops.n = 1;
	assert_null(sim_plan_make(&s, 1, &p));
	assert_int_equal(p.crash_count, 8);
	assert_null(sim_truth_alerts(&p, &alerts, &count));
	assert_int_equal(count, 2);
	assert_int_equal(alerts[0].scope, SIM_ALERT_HOST);
	assert_int_equal(alerts[0].since, p.crashes[2].time);
	assert_int_equal(alerts[1].scope, SIM_ALERT_REASON);
	assert_int_equal(alerts[1].since, p.crashes[7].time);
}

static void paths_are_the_repositorys(void **state)
{
	_cleanup_scenario_ struct sim_scenario s = {0};
	_cleanup_sim_texts_ struct sim_texts t = {0};
	_cleanup_record_ struct record r = {0};
	_cleanup_plan_ struct sim_plan p = {0};
	_cleanup_free_ char *path = NULL, *id = NULL;
	char digits[STORE_ID_DIGITS + 1];

	assert_null(sim_scenario_load("demo", NULL, 0, &s));
	assert_null(sim_plan_make(&s, 1, &p));
	path = sim_crash_path(&p, 5);
	assert_null(sim_plan_texts(&p, 5, SIM_EVIDENCE_SMALL, &t));
	assert_null(record_read(t.record.data, t.record.len, &r));
	assert_null(record_crash_id(&r, &id));
	store_short_id(id, digits);
	assert_non_null(strstr(path, digits));
	assert_string_equal(strstr(path, digits), digits);
}

static void wrong_scenarios(void **state)
{
	static const char *const settings[] = {
		"fleet.hosts=0",	"fleet.hosts=-1",     "fleet.hosts=9999999999",
		"fleet.nonsense=1",	"nonsense.hosts=1",   "nonsense",
		"bug x.since=nothing",	"bug x.kind=NOPE",    "bug x.function=nope",
		"bug x.incidence=nan",	"bug x.incidence=-1", "bug x.count=0",
		"rollout x.kind=nope",	"fleet.loss=1.5",     "fleet.start=yesterday",
		"bug ../x.incidence=1", "model m.cpus=0",     "loop l.every=0",
		"fleet.duration=30",	"site .x.share=1",    "bug x.model=nothing",
	};
	unsigned int wrong = 0;

	for (size_t i = 0; i < EY_ARRAY_SIZE(settings); i++) {
		_cleanup_scenario_ struct sim_scenario s = {0};
		_cleanup_error_ struct ey_error *err =
			sim_scenario_load("demo", &settings[i], 1, &s);

		if (!strcmp(settings[i], "fleet.duration=30"))
			assert_null(err);
		else if (!err || err->code != EY_ERR_USAGE)
			fail_msg("%s: %s", settings[i], err ? err->message : "taken");
		wrong += err != NULL;
	}
	assert_int_equal(wrong, EY_ARRAY_SIZE(settings) - 1);
	for (size_t i = 0; sim_preset_at(i); i++) {
		_cleanup_scenario_ struct sim_scenario s = {0};

		assert_null(sim_scenario_load(sim_preset_at(i)->name, NULL, 0, &s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_case),
		cmocka_unit_test(causes_strike_whom_they_can),
		cmocka_unit_test(a_storm_takes_each_host_once),
		cmocka_unit_test(alerts_by_hand),
		cmocka_unit_test(paths_are_the_repositorys),
		cmocka_unit_test(wrong_scenarios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
