/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts and crashes of a plan as their names, ids and texts. */
#include <inttypes.h>
#include <stdio.h>

#include "simulate/plan.h"

enum { ID_MACHINE = 11, ID_UUID, ID_BOOT };

void sim_host_names(const struct sim_plan *plan, uint32_t host, struct sim_host_names *ret)
{
	static const char *const roles[] = {"web", "db", "cache", "build", "store"};
	const struct sim_host *h = &plan->hosts[host];
	uint64_t a = sim_hash(h->hash, ID_MACHINE, 0), b = sim_hash(h->hash, ID_MACHINE, 1),
		 u = sim_hash(h->hash, ID_UUID, 0);

	snprintf(ret->hostname, sizeof(ret->hostname), "%s-%05" PRIu32 ".%.40s.example.com",
		 roles[h->hash % 5], host + 1, plan->scenario->sites.at[h->site].name);
	snprintf(ret->machine_id, sizeof(ret->machine_id), "%016" PRIx64 "%016" PRIx64, a, b);
	snprintf(ret->dmi_uuid, sizeof(ret->dmi_uuid),
		 "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64 "-%012" PRIx64, u >> 32,
		 u & 0xffff, u >> 16 & 0xfff, a & 0xfff, b >> 16);
	snprintf(ret->dmi_serial, sizeof(ret->dmi_serial), "EX%07" PRIu32, 1000000 + host);
}

void sim_boot_id(const struct sim_plan *plan, uint32_t host, int64_t booted, char *ret)
{
	uint64_t a = sim_hash(plan->hosts[host].hash, ID_BOOT, (uint64_t)booted),
		 b = sim_hash(a, ID_BOOT, 1);

	snprintf(ret, SIM_ID_SIZE,
		 "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-9%03" PRIx64 "-%012" PRIx64, a >> 32,
		 a & 0xffff, a >> 16 & 0xfff, b & 0xfff, b >> 16);
}

void sim_crash_fault(const struct sim_plan *plan, const struct sim_crash *crash,
		     struct sim_fault *ret)
{
	if (crash->fault >= 0)
		sim_fault_numbered((unsigned int)crash->fault, ret);
	else
		*ret = plan->causes[crash->cause].fault;
}

struct ey_error *sim_plan_texts(const struct sim_plan *plan, size_t i, enum sim_evidence evidence,
				struct sim_texts *ret)
{
	const struct sim_crash *crash = &plan->crashes[i];
	const struct sim_scenario *s = plan->scenario;
	const struct sim_model *model = &s->models.at[plan->hosts[crash->host].model];
	const struct sim_rollout *kernel =
		crash->kernel < 0 ? NULL : &s->rollouts.at[crash->kernel];
	const struct sim_rollout *bios =
		crash->firmware < 0 ? NULL : &s->rollouts.at[crash->firmware];
	struct sim_host_names names;
	char boot_id[SIM_ID_SIZE];
	struct sim_fault fault;

	sim_host_names(plan, crash->host, &names);
	sim_boot_id(plan, crash->host, crash->booted, boot_id);
	sim_crash_fault(plan, crash, &fault);
	return sim_texts_make(
		&(struct sim_case){.hostname = names.hostname,
				   .machine_id = names.machine_id,
				   .boot_id = boot_id,
				   .dmi_uuid = names.dmi_uuid,
				   .dmi_serial = names.dmi_serial,
				   .model = model,
				   .bios = bios ? bios->value : model->bios,
				   .bios_date = bios ? bios->package : model->bios_date,
				   .kernel = kernel ? kernel->value : s->fleet.kernel,
				   .package = kernel ? kernel->package : s->fleet.package,
				   .time = crash->time,
				   .uptime = crash->time - crash->booted,
				   .fault = &fault,
				   .seed = sim_hash(plan->seed, i, 1)},
		evidence, ret);
}
