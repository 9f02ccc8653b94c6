/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/delivery.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zstd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/multipart.h"

/* A third faster than level 3, and the record of 50 kB a tenth larger. */
enum { ZSTD_LEVEL = 1 };

/** The parts of a delivery that are known here, where they were found; NULL: it has none. */
struct parts {
	const struct ey_multipart_part *record;
	const struct ey_multipart_part *whole;
	const struct ey_multipart_part *analysis;
	const struct ey_multipart_part *dmesg;
	const struct ey_multipart_part *id;
	const struct ey_multipart_part *site;
	const struct ey_multipart_part *dump_bytes;
};

void delivery_deinit(struct delivery *d)
{
	take_deinit(&d->take);
	free(d->path);
	free(d->site);
	free(d->folder);
	for (size_t i = 0; i < EY_ARRAY_SIZE(d->packed); i++)
		free(d->packed[i]);
	free(d->unpacked);
	*d = (struct delivery){0};
}

static struct ey_error *find_parts(const struct ey_multipart_part *list, size_t count,
				   struct parts *ret)
{
	const struct {
		const char *name;
		const struct ey_multipart_part **ret;
	} known[] = {
		{"record", &ret->record},
		{"whole", &ret->whole},
		{"analysis", &ret->analysis},
		{"dmesg", &ret->dmesg},
		{"id", &ret->id},
		{"site", &ret->site},
		{"dump_bytes", &ret->dump_bytes},
	};

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < EY_ARRAY_SIZE(known); k++) {
			if (!ey_multipart_is_named(&list[i], known[k].name))
				continue;
			if (*known[k].ret)
				return ey_error_create(EY_ERR_INPUT,
						       "the part \"%s\" is there twice",
						       known[k].name);
			*known[k].ret = &list[i];
		}
	}
	if (!ret->record)
		return ey_error_create(EY_ERR_INPUT, "the delivery has no part \"record\"");
	return NULL;
}

static bool is_zstd(const struct ey_multipart_part *part)
{
	return ey_multipart_is_type(part, "application/zstd");
}

// The size that the only frame of a part states. Frames without one, and more frames, are refused:
// what is stored can always be unpacked into a buffer of the size beside it.
static struct ey_error *frame_size(const struct ey_multipart_part *part, const char *name,
				   size_t max, size_t *ret)
{
	unsigned long long size = ZSTD_getFrameContentSize(part->data, part->len);

	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
	    ZSTD_findFrameCompressedSize(part->data, part->len) != part->len)
		return ey_error_create(EY_ERR_INPUT,
				       "the part \"%s\" is not one zstd frame that states its size",
				       name);
	if (size > max)
		return ey_error_create(
			EY_ERR_INPUT,
			"the part \"%s\" is %llu bytes unpacked, and at most %zu are "
			"taken",
			name, size, max);
	*ret = (size_t)size;
	return NULL;
}

static struct ey_error *unpack(const struct ey_multipart_part *part, const char *name, size_t max,
			       char **ret, size_t *len_ret)
{
	size_t size = 0;
	struct ey_error *err = frame_size(part, name, max, &size);

	if (err)
		return err;
	_cleanup_free_ char *data = malloc(size + 1);
	if (!data)
		return &ey_error_nomem;
	if (ZSTD_decompress(data, size, part->data, part->len) != size)
		return ey_error_create(EY_ERR_INPUT, "the part \"%s\" is damaged", name);
	data[size] = '\0';
	*ret = no_cleanup_ptr(data);
	*len_ret = size;
	return NULL;
}

static struct ey_error *pack(struct delivery *d, enum db_part which, const char *name,
			     const char *data, size_t len)
{
	size_t bound = ZSTD_compressBound(len);
	void *packed = malloc(bound);

	if (!packed)
		return &ey_error_nomem;
	d->packed[which] = packed;
	size_t n = ZSTD_compress(packed, bound, data, len, ZSTD_LEVEL);
	if (ZSTD_isError(n))
		return ey_error_create(EY_ERR_IO, "cannot compress the %s: %s", name,
				       ZSTD_getErrorName(n));
	d->take.intake.parts[which] =
		(struct db_intake_part){.data = packed, .len = n, .packed_size = len};
	return NULL;
}

// Keep a part, as it came where it is packed. Whether it unpacks is seen now, while the host still
// has it.
static struct ey_error *keep(struct delivery *d, enum db_part which, const char *name,
			     const struct ey_multipart_part *part)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0;

	if (!part || !part->len)
		return NULL;
	if (!is_zstd(part)) {
		if (part->len > DELIVERY_PART_MAX)
			return ey_error_create(
				EY_ERR_INPUT,
				"the part \"%s\" is %zu bytes, and at most %d are taken", name,
				part->len, DELIVERY_PART_MAX);
		return pack(d, which, name, part->data, part->len);
	}
	struct ey_error *err = unpack(part, name, DELIVERY_PART_MAX, &data, &len);
	if (!err && len)
		d->take.intake.parts[which] = (struct db_intake_part){
			.data = part->data, .len = part->len, .packed_size = len};
	return err;
}

// The text of a short part (free()); NULL where it is not there or empty.
static struct ey_error *read_text(const struct ey_multipart_part *part, const char *name,
				  size_t max, char **ret)
{
	*ret = NULL;
	if (!part || !part->len)
		return NULL;
	if (part->len > max)
		return ey_error_create(EY_ERR_INPUT, "the part \"%s\" is longer than %zu bytes",
				       name, max);
	for (size_t i = 0; i < part->len; i++) {
		if ((unsigned char)part->data[i] < 0x20 || part->data[i] == 0x7f)
			return ey_error_create(EY_ERR_INPUT,
					       "the part \"%s\" has a control character in it",
					       name);
	}
	*ret = strndup(part->data, part->len);
	return *ret ? NULL : &ey_error_nomem;
}

static struct ey_error *read_site(const struct parts *parts, const struct delivery_options *options,
				  struct delivery *ret)
{
	struct ey_error *err = read_text(parts->site, "site", 255, &ret->site);

	if (!err && !ret->site) {
		ret->site = strdup(options->site);
		if (!ret->site)
			return &ey_error_nomem;
	}
	if (!err && !ey_name_is_safe(ret->site))
		err = ey_error_create(EY_ERR_INPUT,
				      "the part \"site\" is not a name of letters, digits and "
				      "\"._-:@+\"");
	return err;
}

static struct ey_error *read_dump_bytes(const struct parts *parts, struct delivery *ret)
{
	_cleanup_free_ char *text = NULL;
	struct ey_error *err = read_text(parts->dump_bytes, "dump_bytes", 18, &text);

	ret->dump_bytes = ret->take.record.dump.bytes;
	if (err || !text)
		return err;
	if (strspn(text, "0123456789") != strlen(text))
		return ey_error_create(EY_ERR_INPUT,
				       "the part \"dump_bytes\" is not a number of bytes");
	ret->dump_bytes = strtoull(text, NULL, 10);
	return NULL;
}

// Where the crash stands in the repository, as the file store would name it: its key here, too.
static struct ey_error *make_path(const struct parts *parts, struct delivery *d)
{
	const struct record *r = &d->take.record;
	_cleanup_free_ char *id = NULL;
	char short_id[STORE_ID_DIGITS + 1], stamp[32];
	time_t t = r->system.have_crash_time ? (time_t)r->system.crash_time : 0;
	struct tm tm;
	struct ey_error *err = read_text(parts->id, "id", DELIVERY_ID_MAX, &id);

	if (!err && !id)
		err = record_crash_id(r, &id);
	if (err)
		return err;
	if (!gmtime_r(&t, &tm) || !strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm))
		return ey_error_create(EY_ERR_INPUT, "the crash's time is none");
	store_short_id(id, short_id);
	d->folder = store_host_folder(record_hostname(r));
	if (!d->folder)
		return &ey_error_nomem;
	if (asprintf(&d->path, "%s/%s/%s-%s", d->site, d->folder, stamp, short_id) < 0) {
		d->path = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

static struct ey_error *read_record(const struct parts *parts, struct delivery *d)
{
	const struct ey_multipart_part *part = parts->record;
	const char *data = part->data;
	size_t len = part->len;
	struct ey_error *err = NULL;

	if (is_zstd(part)) {
		err = unpack(part, "record", DELIVERY_RECORD_MAX, &d->unpacked, &len);
		data = d->unpacked;
	} else if (len > DELIVERY_RECORD_MAX) {
		err = ey_error_create(EY_ERR_INPUT,
				      "the part \"record\" is %zu bytes, and at most %d are read; "
				      "send the light record, and the whole one as \"whole\"",
				      len, DELIVERY_RECORD_MAX);
	}
	if (!err)
		err = record_read_any(data, len, &d->take.record);
	if (err)
		return err;
	if (parts->whole)
		return keep(d, DB_PART_RECORD, "whole", parts->whole);
	if (!is_zstd(part))
		return pack(d, DB_PART_RECORD, "record", data, len);
	d->take.intake.parts[DB_PART_RECORD] =
		(struct db_intake_part){.data = part->data, .len = part->len, .packed_size = len};
	return NULL;
}

static struct ey_error *read_parts(const struct parts *parts,
				   const struct delivery_options *options, struct delivery *d)
{
	struct db_intake *in = &d->take.intake;
	struct ey_error *err = read_site(parts, options, d);

	if (!err)
		err = read_record(parts, d);
	if (!err)
		err = keep(d, DB_PART_ANALYSIS, "analysis", parts->analysis);
	if (!err)
		err = keep(d, DB_PART_LOG, "dmesg", parts->dmesg);
	if (!err)
		err = make_path(parts, d);
	if (!err)
		err = read_dump_bytes(parts, d);
	if (err)
		return err;
	in->path = d->path;
	in->site = d->site;
	in->folder = d->folder;
	in->filed = options->now;
	return take_from_record(&d->take, -1, options->now);
}

struct ey_error *delivery_read(const char *content_type, const char *body, size_t len,
			       const struct delivery_options *options, struct delivery *ret)
{
	struct ey_multipart_part list[DELIVERY_PARTS_MAX] = {
		{.name = "record", .name_len = strlen("record"), .data = body, .len = len}};
	struct parts parts = {0};
	struct ey_error *err = NULL;
	size_t count = 1;

	*ret = (struct delivery){0};
	if (ey_multipart_is(content_type))
		err = ey_multipart_parse(content_type, body, len, list, EY_ARRAY_SIZE(list),
					 &count);
	if (!err)
		err = find_parts(list, count, &parts);
	if (!err)
		err = read_parts(&parts, options, ret);
	if (err)
		delivery_deinit(ret);
	return err;
}
