/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the simulator says of a crash is what Eyrie finds in the log that it made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/record_read.h"
#include "base/cleanup.h"
#include "oops/parser.h"
#include "simulate/record.h"
#include "simulate/rng.h"

static const struct sim_model model = {
	.name = "a",
	.vendor = "Example Corp",
	.product = "Server 9",
	.bios = "2.19.1",
	.bios_date = "06/04/2026",
	.cpus = 64,
	.memory_gib = 256,
};

static struct sim_case make_case(const struct sim_fault *fault, const char *kernel, uint64_t seed)
{
	return (struct sim_case){
		.hostname = "web-01.example.com",
		.machine_id = "0123456789abcdef0123456789abcdef",
		.boot_id = "01234567-89ab-4def-8123-456789abcdef",
		.dmi_uuid = "11111111-2222-4333-8444-555555555555",
		.dmi_serial = "EX1000001",
		.model = &model,
		.bios = model.bios,
		.bios_date = model.bios_date,
		.kernel = kernel,
		.package = "6.1.192-2",
		.time = 1795435200,
		.uptime = 3 * 86400 + 17,
		.fault = fault,
		.seed = seed,
	};
}

static void same_by_log_and_record(const struct sim_fault *fault, const char *kernel,
				   enum sim_evidence evidence, uint64_t seed)
{
	const struct sim_case c = make_case(fault, kernel, seed);
	_cleanup_sim_texts_ struct sim_texts t = {0};
	_cleanup_record_ struct record r = {0};
	struct oops_event *events;
	size_t count;

	assert_null(sim_texts_make(&c, evidence, &t));
	assert_null(record_read(t.record.data, t.record.len, &r));
	assert_null(oops_parse_text(t.log.data, t.log.len, &events, &count));
	const struct oops_event *e = oops_pick_fatal(events, count);
	if (!e || count != 1 || strcmp(e->reason, r.event.reason) != 0 ||
	    strcmp(e->signature ? e->signature : "", r.event.signature) != 0)
		fail_msg("%s: %zu events, %s %s; the record says %s %s\n%s", fault->title, count,
			 e ? e->reason : "none", e ? e->signature : "", r.event.reason,
			 r.event.signature,
			 t.log.data + t.log.len - EY_MIN(t.log.len, (size_t)4000));
	assert_string_equal(oops_kind_name(e->kind), r.event.kind);
	assert_string_equal(e->function, r.event.function);
	assert_int_equal(e->cpu, r.event.cpu);
	assert_string_equal(e->kernel, r.event.kernel);
	assert_string_equal(e->hardware, "Example Corp Server 9, BIOS 2.19.1 06/04/2026");
	assert_int_equal(e->corrupted, 0);
	assert_string_equal(e->title, r.event.title);
	if (fault->kind == SIM_KIND_MCE)
		assert_int_equal(e->hints[0].verdict, OOPS_VERDICT_HARDWARE);
	else
		assert_int_equal(e->hint_count, 0);
	oops_events_free(events, count);
}

static void every_fault(void **state)
{
	struct sim_fault fault;

	for (unsigned int i = 0; i < sim_fault_count(); i++) {
		sim_fault_numbered(i, &fault);
		same_by_log_and_record(&fault, "6.1.0-56-amd64", SIM_EVIDENCE_SMALL, i);
		same_by_log_and_record(&fault, "6.12.117+deb12-amd64", SIM_EVIDENCE_SMALL, i + 1);
	}
	for (unsigned int kind = 0; kind < SIM_KIND_COUNT; kind++) {
		sim_fault_of_kind((enum sim_kind)kind, kind, &fault);
		for (uint64_t seed = 0; seed < 5; seed++)
			same_by_log_and_record(&fault, "6.1.0-56-amd64", SIM_EVIDENCE_FULL, seed);
	}
}

static void all_reasons_differ(void **state)
{
	struct sim_fault a, b;

	for (unsigned int i = 0; i < sim_fault_count(); i++) {
		sim_fault_numbered(i, &a);
		for (unsigned int k = 0; k < i; k++) {
			sim_fault_numbered(k, &b);
			if (!strcmp(a.reason, b.reason))
				fail_msg("faults %u and %u are both %s", k, i, a.reason);
		}
	}
}

static void same_seed_same_bytes(void **state)
{
	_cleanup_sim_texts_ struct sim_texts a = {0}, b = {0};
	struct sim_fault fault;

	sim_fault_numbered(3, &fault);
	const struct sim_case c = make_case(&fault, "6.1.0-56-amd64", 42);
	assert_null(sim_texts_make(&c, SIM_EVIDENCE_FULL, &a));
	assert_null(sim_texts_make(&c, SIM_EVIDENCE_FULL, &b));
	assert_int_equal(a.record.len, b.record.len);
	assert_memory_equal(a.record.data, b.record.data, a.record.len);
	assert_memory_equal(a.analysis.data, b.analysis.data, a.analysis.len);
	// As large as records of the field: 44 kB, within a tenth.
	assert_in_range(a.record.len, 40000, 48400);
	assert_in_range(a.light.len, 3000, 12000);
	const struct sim_case other = make_case(&fault, "6.1.0-56-amd64", 43);
	assert_null(sim_texts_make(&other, SIM_EVIDENCE_FULL, &b));
	assert_false(a.record.len == b.record.len &&
		     !memcmp(a.record.data, b.record.data, a.record.len));
}

static void numbers(void **state)
{
	struct sim_rng rng;
	uint64_t seen = 0;
	double sum = 0;

	// xoshiro256** of the state 1, 2, 3, 4 begins so (the authors' own code).
	rng = (struct sim_rng){{1, 2, 3, 4}};
	assert_int_equal(sim_rng_next(&rng), UINT64_C(11520));
	assert_int_equal(sim_rng_next(&rng), UINT64_C(0));
	assert_int_equal(sim_rng_next(&rng), UINT64_C(1509978240));
	assert_int_equal(sim_rng_next(&rng), UINT64_C(1215971899390074240));
	sim_rng_init(&rng, 1, 1);
	for (int i = 0; i < 100000; i++) {
		sum += sim_rng_exponential(&rng, 2);
		seen |= UINT64_C(1) << sim_rng_below(&rng, 7);
	}
	assert_int_equal(seen, 0x7f);
	assert_int_equal(sim_rng_below(&rng, 0), 0);
	// The mean of 100,000 is within five standard errors (2 / sqrt(100000)).
	assert_true(sum / 100000 > 2 - 0.032 && sum / 100000 < 2 + 0.032);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault),
		cmocka_unit_test(all_reasons_differ),
		cmocka_unit_test(same_seed_same_bytes),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
