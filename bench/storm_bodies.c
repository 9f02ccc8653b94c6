/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "storm_bodies.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "simulate/record.h"
#include "simulate/rng.h"

static const struct sim_model models[] = {
	{"a", "Example Corp", "Server 9", "2.19.1", "06/04/2026", 64, 256, 1},
	{"b", "Example Corp", "Server 7", "1.8.0", "11/19/2024", 32, 128, 1},
	{"c", "Example Systems", "Node 2U", "A47", "08/30/2025", 96, 512, 1},
};

static void add_part(struct ey_buf *body, const char *name, const char *type, const void *data,
		     size_t len, size_t *offset_ret)
{
	ey_buf_printf(body,
		      "--" STORM_BOUNDARY
		      "\r\nContent-Disposition: form-data; name=\"%s\"%s%s%s\r\n"
		      "%s%s%s\r\n",
		      name, type ? "; filename=\"" : "", type ? name : "", type ? "\"" : "",
		      type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "");
	*offset_ret = body->len;
	ey_buf_add(body, data, len);
	ey_buf_adds(body, "\r\n");
}

static struct ey_error *add_packed(ZSTD_CCtx *zstd, struct ey_buf *body, const char *name,
				   const struct ey_buf *text, size_t *offset_ret, size_t *len_ret)
{
	size_t room = ZSTD_compressBound(text->len);
	_cleanup_free_ char *packed = malloc(room);

	if (!packed)
		return &ey_error_nomem;
	*len_ret = ZSTD_compressCCtx(zstd, packed, room, text->data, text->len, 3);
	if (ZSTD_isError(*len_ret))
		return ey_error_create(EY_ERR_IO, "zstd: %s", ZSTD_getErrorName(*len_ret));
	add_part(body, name, "application/zstd", packed, *len_ret, offset_ret);
	return NULL;
}

static struct ey_error *make(const struct storm_plan *plan, unsigned int i, struct sim_texts *texts,
			     ZSTD_CCtx *zstd, struct storm_body *ret)
{
	unsigned int host = i % plan->hosts;
	uint64_t h = sim_hash(plan->seed, host, 1), boot = sim_hash(plan->seed, i, 2);
	const struct sim_model *model = &models[h % EY_ARRAY_SIZE(models)];
	_cleanup_buf_ struct ey_buf body = EY_BUF_INIT;
	char hostname[64], uuid[48], serial[16];
	struct sim_fault fault;
	size_t offsets[3], unused;
	struct ey_error *err;

	snprintf(hostname, sizeof(hostname), "node-%05u.example.com", host);
	snprintf(uuid, sizeof(uuid), "%08" PRIx32 "-1111-4222-8333-%012" PRIx64, (uint32_t)h,
		 (uint64_t)host);
	snprintf(serial, sizeof(serial), "EX%07u", 1000000 + host);
	snprintf(ret->machine_id, sizeof(ret->machine_id), "%016" PRIx64 "%016" PRIx64, h,
		 sim_hash(h, 3, 0));
	snprintf(ret->boot_id, sizeof(ret->boot_id), "%08" PRIx32 "-0000-4000-8000-%012" PRIx64,
		 (uint32_t)(boot >> 32), boot & UINT64_C(0xffffffffffff));
	sim_fault_numbered((unsigned int)sim_hash(plan->seed, i, 4) % plan->reasons, &fault);
	err = sim_texts_make(
		&(struct sim_case){.hostname = hostname,
				   .machine_id = ret->machine_id,
				   .boot_id = ret->boot_id,
				   .dmi_uuid = uuid,
				   .dmi_serial = serial,
				   .model = model,
				   .bios = model->bios,
				   .bios_date = model->bios_date,
				   .kernel = i % 3 ? "6.1.0-56-amd64" : "6.1.0-53-amd64",
				   .package = i % 3 ? "6.1.192-2" : "6.1.187-1",
				   .time = plan->start + i / plan->hosts * 7200 + i % 60,
				   .uptime = 3600 + (int64_t)(boot % 3000000),
				   .fault = &fault,
				   .seed = boot},
		SIM_EVIDENCE_FULL, texts);
	ret->json = texts->record.len;
	if (!err)
		err = add_packed(zstd, &body, "record", &texts->light, &offsets[0],
				 &ret->parts[0].len);
	if (!err)
		err = add_packed(zstd, &body, "whole", &texts->record, &offsets[1],
				 &ret->parts[1].len);
	if (!err)
		err = add_packed(zstd, &body, "analysis", &texts->analysis, &offsets[2],
				 &ret->parts[2].len);
	add_part(&body, "dump_bytes", NULL, "0", 1, &unused);
	ey_buf_adds(&body, "--" STORM_BOUNDARY "--\r\n");
	if (!err)
		err = ey_buf_error(&body);
	if (err)
		return err;
	ret->data = ey_buf_steal(&body, &ret->len);
	for (size_t p = 0; p < EY_ARRAY_SIZE(offsets); p++)
		ret->parts[p].data = ret->data + offsets[p];
	return NULL;
}

struct ey_error *storm_bodies_make(const struct storm_plan *plan, struct storm_body **ret)
{
	struct storm_body *bodies = calloc(plan->crashes, sizeof(*bodies));
	_cleanup_sim_texts_ struct sim_texts texts = {0};
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	struct ey_error *err = bodies && zstd ? NULL : &ey_error_nomem;

	for (unsigned int i = 0; !err && i < plan->crashes; i++)
		err = make(plan, i, &texts, zstd, &bodies[i]);
	ZSTD_freeCCtx(zstd);
	if (err)
		storm_bodies_free(bodies, bodies ? plan->crashes : 0);
	else
		*ret = bodies;
	return err;
}

void storm_bodies_free(struct storm_body *bodies, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(bodies[i].data);
	free(bodies);
}
