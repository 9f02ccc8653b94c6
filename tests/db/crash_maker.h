/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Crashes for tests: a whole one by default, changed field by field. */
#ifndef EYRIE_TESTS_DB_CRASH_MAKER_H
#define EYRIE_TESTS_DB_CRASH_MAKER_H

#include <stdio.h>
#include <string.h>

#include "db/intake.h"

/** 2026-11-23 12:00:00 UTC. */
enum { TEST_NOON = 1795435200 };

#define TEST_RECORD \
	"{\"schema\":\"eyrie/crash/1\",\"log\":\"[    1.000000] one\\n[    2.0] two\\n\"}"

/** A crash of host web-0N of site "north"; its path goes into @p path (128 bytes). */
static inline struct db_intake test_crash(char *path, int host, int number, int64_t time)
{
	static char names[100][16];
	char *name = names[host % 100];

	snprintf(name, 16, "web-%02d", host % 100);
	snprintf(path, 128, "north/%.15s/%lld-%04d", name, (long long)time, number);
	return (struct db_intake){
		.path = path,
		.site = "north",
		.folder = name,
		.hostname = name,
		.vendor = "Example",
		.product = "Server 9",
		.firmware = "1.2.3",
		.kernel = "6.1.0-56-amd64",
		.kernel_version = "#1 SMP",
		.machine = "x86_64",
		.time = time,
		.filed = time,
		.uptime = 50,
		.from_dump = true,
		.reason = "g1:BUG:lkdtm_BUG",
		.kind = "BUG",
		.title = "BUG in lkdtm_BUG",
		.function = "lkdtm_BUG",
		.module = "lkdtm",
		.guilty = "lkdtm_BUG",
		.signature = "lkdtm_BUG+0x5",
		.comm = "sh",
		.taint = "OE",
		.cpu = 1,
		.pid = 148,
		.engine = "native",
		.dump = DB_DUMP_KEPT,
		.dump_bytes = 1000,
		.dump_format = "kdump-compressed",
		.dump_complete = true,
		.parts = {[DB_PART_RECORD] = {TEST_RECORD, sizeof(TEST_RECORD) - 1},
			  [DB_PART_ANALYSIS] = {"analysis\n", 9}},
	};
}

#endif
