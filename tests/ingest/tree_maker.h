/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A repository for tests: folders of crashes, made in a line each. */
#ifndef EYRIE_TESTS_INGEST_TREE_MAKER_H
#define EYRIE_TESTS_INGEST_TREE_MAKER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

struct tree_crash {
	const char *root;
	const char *host;
	int64_t time;
	unsigned int number;
	const char *function;
	int64_t uptime;
	const char *machine_id;
	const char *boot_id;
	/** Bytes of the dump; 0: none. */
	size_t dump;
};

/** Its record, as `eyrie analyze` writes it but small. */
static inline void tree_record(const struct tree_crash *c, struct ey_buf *buf)
{
	char time_text[EY_TIME_TEXT_SIZE];
	struct ey_json w;
	char key[128];

	ey_json_init(&w, buf, 1);
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "schema", "eyrie/crash/1");
	ey_json_key(&w, "identity");
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "hostname", c->host);
	ey_json_kv_string(&w, "machine_id", c->machine_id);
	ey_json_kv_string(&w, "boot_id", c->boot_id);
	ey_json_kv_string(&w, "dmi_uuid", NULL);
	ey_json_kv_string(&w, "dmi_serial", NULL);
	ey_json_object_end(&w);
	ey_json_key(&w, "dump");
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "format", "kdump-compressed");
	ey_json_kv_uint(&w, "bytes", 20000000);
	ey_json_kv_bool(&w, "complete", true);
	ey_json_object_end(&w);
	ey_json_kv_string(&w, "engine", "native");
	ey_json_key(&w, "gaps");
	ey_json_array_begin(&w);
	ey_json_array_end(&w);
	ey_json_key(&w, "system");
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "hostname", c->host);
	ey_json_kv_string(&w, "release", "6.1.0-56-amd64");
	ey_json_kv_string(&w, "version", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2");
	ey_json_kv_string(&w, "machine", "x86_64");
	ey_json_kv_string(&w, "crash_time", ey_time_format(c->time, time_text));
	ey_json_kv_int(&w, "uptime_seconds", c->uptime);
	ey_json_kv_string(&w, "taint", "OE");
	ey_json_object_end(&w);
	ey_json_key(&w, "inventory");
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "vendor", "Example");
	ey_json_kv_string(&w, "product", "Server 9");
	ey_json_kv_string(&w, "bios_version", "1.2.3");
	ey_json_kv_string(&w, "bios_date", "04/01/2024");
	ey_json_object_end(&w);
	ey_json_key(&w, "event");
	if (c->function) {
		ey_json_object_begin(&w);
		ey_json_kv_string(&w, "kind", "BUG");
		snprintf(key, sizeof(key), "kernel BUG in %s", c->function);
		ey_json_kv_string(&w, "title", key);
		ey_json_kv_string(&w, "function", c->function);
		ey_json_kv_int(&w, "offset", 5);
		ey_json_kv_int(&w, "size", 64);
		ey_json_kv_string(&w, "module", NULL);
		ey_json_kv_string(&w, "guilty", c->function);
		snprintf(key, sizeof(key), "%s+0x5", c->function);
		ey_json_kv_string(&w, "signature", key);
		snprintf(key, sizeof(key), "g1:BUG:%s", c->function);
		ey_json_kv_string(&w, "reason", key);
		ey_json_key(&w, "frames");
		ey_json_array_begin(&w);
		ey_json_object_begin(&w);
		ey_json_kv_string(&w, "function", c->function);
		ey_json_kv_int(&w, "offset", 5);
		ey_json_kv_int(&w, "size", 64);
		ey_json_kv_string(&w, "module", NULL);
		ey_json_kv_bool(&w, "reliable", true);
		ey_json_object_end(&w);
		ey_json_array_end(&w);
		ey_json_object_end(&w);
	} else {
		ey_json_null(&w);
	}
	ey_json_kv_string(&w, "log",
			  "[    0.000000] Linux version 6.1.0-56-amd64\n"
			  "[    5.000000] kernel BUG at x.c:1!\n");
	ey_json_object_end(&w);
}

/** Where it is filed, below the root; @p path has 256 bytes. */
static inline void tree_path(const struct tree_crash *c, char *path)
{
	time_t t = (time_t)c->time;
	struct tm tm;
	char when[32];

	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(path, 256, "north/%s/%s-%016x", c->host, when, c->number);
}

static inline bool tree_write(const char *dir, const char *name, const char *data, size_t len)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	bool ok = f && fwrite(data, 1, len, f) == len;
	return f && fclose(f) == 0 && ok;
}

/** File it, as of its time; false where a write fails. Nothing is synced: it is fast. */
static inline bool tree_add(const struct tree_crash *c)
{
	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT;
	_cleanup_free_ char *zeros = calloc(1, c->dump + 1);
	struct timespec times[2] = {{.tv_sec = c->time}, {.tv_sec = c->time}};
	char path[256], dir[512];

	tree_path(c, path);
	snprintf(dir, sizeof(dir), "%s/%s", c->root, path);
	_cleanup_error_ struct ey_error *err = ey_mkdir_parents(dir, 0755);
	tree_record(c, &record);
	return !err && tree_write(dir, "record.json", record.data, record.len) &&
	       tree_write(dir, "analysis.txt", "crash> bt\n", 10) &&
	       (!c->dump || tree_write(dir, "vmcore", zeros, c->dump)) &&
	       utimensat(AT_FDCWD, dir, times, 0) == 0;
}

#endif
