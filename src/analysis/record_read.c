/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/record_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

static struct ey_error *bad(const char *where, const char *key, const char *what)
{
	return ey_error_create(EY_ERR_INPUT, "record: %s%s%s is not %s", where, *where ? "." : "",
			       key, what);
}

// A copy of the string with NUL bytes, which JSON can hold and C strings cannot, as U+FFFD.
static char *copy_string(const json_t *value, size_t *len_ret)
{
	const char *s = json_string_value(value);
	size_t len = json_string_length(value);
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

	if (!s || !ey_buf_reserve(&buf, len))
		return NULL;
	for (const char *end = s + len; s < end;) {
		size_t n = strnlen(s, (size_t)(end - s));

		ey_buf_add_growing(&buf, s, n);
		s += n;
		if (s < end) {
			ey_buf_add_growing(&buf, "\xef\xbf\xbd", 3);
			s++;
		}
	}
	if (!buf.data)
		ey_buf_add_growing(&buf, "", 0);
	return ey_buf_steal(&buf, len_ret);
}

static struct ey_error *read_string(const json_t *obj, const char *where, const char *key,
				    size_t max, char **ret)
{
	const json_t *v = json_object_get(obj, key);

	if (!v || json_is_null(v))
		return NULL;
	if (!json_is_string(v))
		return bad(where, key, "a string");
	if (json_string_length(v) > max)
		return ey_error_create(EY_ERR_INPUT, "record: %s%s%s is longer than %zu bytes",
				       where, *where ? "." : "", key, max);
	*ret = copy_string(v, NULL);
	if (*ret && strlen(*ret) > max) // U+FFFD is longer than what it stands for
		return ey_error_create(EY_ERR_INPUT, "record: %s%s%s is longer than %zu bytes",
				       where, *where ? "." : "", key, max);
	return *ret ? NULL : &ey_error_nomem;
}

static struct ey_error *read_int(const json_t *obj, const char *where, const char *key, int64_t min,
				 int64_t *ret)
{
	const json_t *v = json_object_get(obj, key);

	if (!v || json_is_null(v))
		return NULL;
	if (!json_is_integer(v) || json_integer_value(v) < min)
		return bad(where, key, min ? "a whole number" : "a whole number of 0 or more");
	*ret = json_integer_value(v);
	return NULL;
}

static struct ey_error *read_uint(const json_t *obj, const char *where, const char *key,
				  uint64_t *ret)
{
	int64_t v = (int64_t)*ret;
	struct ey_error *err = read_int(obj, where, key, 0, &v);

	*ret = (uint64_t)v;
	return err;
}

// A line of the log, counted from 1.
static struct ey_error *read_line(const json_t *obj, const char *where, const char *key,
				  uint64_t *ret)
{
	int64_t v = (int64_t)*ret;
	struct ey_error *err = read_int(obj, where, key, 1, &v);

	*ret = (uint64_t)v;
	return err;
}

static struct ey_error *read_bool(const json_t *obj, const char *where, const char *key, bool *ret)
{
	const json_t *v = json_object_get(obj, key);

	if (!v || json_is_null(v))
		return NULL;
	if (!json_is_boolean(v))
		return bad(where, key, "true or false");
	*ret = json_is_true(v);
	return NULL;
}

// A kernel address: a string of 16 hexadecimal digits.
static struct ey_error *read_address(const json_t *obj, const char *where, const char *key,
				     uint64_t *ret)
{
	const json_t *v = json_object_get(obj, key);

	if (!v || json_is_null(v))
		return NULL;
	const char *s = json_string_value(v);
	if (!s || json_string_length(v) != 16 || strspn(s, "0123456789abcdefABCDEF") != 16)
		return bad(where, key, "an address of 16 hexadecimal digits");
	*ret = strtoull(s, NULL, 16);
	return NULL;
}

// @p ret stays NULL where the key is missing or null.
static struct ey_error *get_object(const json_t *obj, const char *where, const char *key,
				   const json_t **ret)
{
	const json_t *v = json_object_get(obj, key);

	*ret = NULL;
	if (!v || json_is_null(v))
		return NULL;
	if (!json_is_object(v))
		return bad(where, key, "an object");
	*ret = v;
	return NULL;
}

static struct ey_error *get_array(const json_t *obj, const char *where, const char *key, size_t max,
				  const json_t **ret)
{
	const json_t *v = json_object_get(obj, key);

	*ret = NULL;
	if (!v || json_is_null(v))
		return NULL;
	if (!json_is_array(v))
		return bad(where, key, "a list");
	if (json_array_size(v) > max)
		return ey_error_create(EY_ERR_INPUT, "record: %s%s%s has more than %zu entries",
				       where, *where ? "." : "", key, max);
	*ret = v;
	return NULL;
}

struct string_field {
	const char *key;
	size_t offset;
	size_t max;
};

static struct ey_error *read_strings(const json_t *obj, const char *where,
				     const struct string_field *fields, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++) {
		struct ey_error *err = read_string(obj, where, fields[i].key, fields[i].max,
						   (char **)((char *)base + fields[i].offset));
		if (err)
			return err;
	}
	return NULL;
}

#define FIELD(type, name, max)                          \
	{                                               \
#name, offsetof(struct type, name), max \
	}

static const struct string_field identity_fields[] = {
	FIELD(record_identity, hostname, 255),	 FIELD(record_identity, machine_id, 64),
	FIELD(record_identity, boot_id, 64),	 FIELD(record_identity, dmi_uuid, 64),
	FIELD(record_identity, dmi_serial, 255),
};

static const struct string_field system_fields[] = {
	FIELD(record_system, hostname, 255), FIELD(record_system, release, 255),
	FIELD(record_system, version, 255),  FIELD(record_system, machine, 255),
	FIELD(record_system, taint, 255),
};

static const struct string_field inventory_fields[] = {
	FIELD(record_inventory, vendor, 255),	       FIELD(record_inventory, product, 255),
	FIELD(record_inventory, product_version, 255), FIELD(record_inventory, board_vendor, 255),
	FIELD(record_inventory, board_name, 255),      FIELD(record_inventory, bios_vendor, 255),
	FIELD(record_inventory, bios_version, 255),    FIELD(record_inventory, bios_date, 255),
	FIELD(record_inventory, microcode, 255),
};

// KSYM_NAME_LEN is 512 since 6.1; Rust symbols of later kernels may double that.
static const struct string_field event_fields[] = {
	FIELD(record_event, kind, 64),	     FIELD(record_event, title, 4096),
	FIELD(record_event, function, 1024), FIELD(record_event, module, 255),
	FIELD(record_event, guilty, 1024),   FIELD(record_event, signature, 2048),
	FIELD(record_event, reason, 2048),   FIELD(record_event, comm, 255),
	FIELD(record_event, taint, 255),     FIELD(record_event, kernel, 255),
	FIELD(record_event, hardware, 1024), FIELD(record_event, verdict, 64),
	FIELD(record_event, evidence, 1024),
};

static struct ey_error *read_system(const json_t *obj, struct record_system *s)
{
	_cleanup_free_ char *time = NULL;
	const json_t *v;
	struct ey_error *err =
		read_strings(obj, "system", system_fields, EY_ARRAY_SIZE(system_fields), s);

	if (!err)
		err = read_uint(obj, "system", "cpus", &s->cpus);
	if (!err)
		err = read_uint(obj, "system", "memory_bytes", &s->memory_bytes);
	if (!err)
		err = read_string(obj, "system", "crash_time", 64, &time);
	if (err)
		return err;
	if (time) {
		// The years that ISO 8601 writes in four digits.
		if (!ey_time_parse(time, &s->crash_time) || s->crash_time < 0 ||
		    s->crash_time > 253402300799)
			return bad("system", "crash_time",
				   "a UTC time such as "
				   "2026-11-23T14:35:46Z");
		s->have_crash_time = true;
	}
	v = json_object_get(obj, "uptime_seconds");
	if (v && !json_is_null(v)) {
		double d = json_number_value(v);

		if (!json_is_number(v) || !(d >= 0 && d < 1e12))
			return bad("system", "uptime_seconds", "a number of seconds");
		s->uptime_seconds = (uint64_t)d;
		s->have_uptime = true;
	}
	err = get_array(obj, "system", "load", 3, &v);
	if (err || !v)
		return err;
	for (size_t i = 0; i < 3; i++) {
		const json_t *n = json_array_get(v, i);

		if (!json_is_number(n) || !(json_number_value(n) >= 0))
			return bad("system", "load", "a list of three numbers");
		s->load[i] = json_number_value(n);
	}
	s->have_load = true;
	return NULL;
}

static struct ey_error *read_frame(const json_t *obj, struct record_frame *f)
{
	static const char where[] = "event.frames[]";
	struct ey_error *err;

	if (!json_is_object(obj))
		return bad("event", "frames[]", "an object");
	f->reliable = true;
	err = read_string(obj, where, "function", 1024, &f->function);
	if (!err)
		err = read_string(obj, where, "module", 255, &f->module);
	if (!err)
		err = read_uint(obj, where, "offset", &f->offset);
	if (!err)
		err = read_uint(obj, where, "size", &f->size);
	if (!err)
		err = read_address(obj, where, "address", &f->address);
	if (!err)
		err = read_bool(obj, where, "reliable", &f->reliable);
	if (!err)
		err = read_line(obj, where, "line", &f->line);
	return err;
}

static bool kind_is_sound(const char *kind)
{
	for (const char *p = kind; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-')
			return false;
	}
	return *kind;
}

static struct ey_error *read_lines(const json_t *event, struct record_event *e)
{
	static const char *const names[] = {
#define X(id, name) [OOPS_FIELD_##id] = name,
		OOPS_FIELDS(X)
#undef X
	};
	const json_t *obj;
	struct ey_error *err = get_object(event, "event", "lines", &obj);

	for (size_t i = 0; !err && obj && i < OOPS_FIELD_COUNT; i++)
		err = read_line(obj, "event.lines", names[i], &e->lines[i]);
	return err;
}

static struct ey_error *read_event(const json_t *obj, struct record_event *e)
{
	const json_t *v;
	struct ey_error *err =
		read_strings(obj, "event", event_fields, EY_ARRAY_SIZE(event_fields), e);

	e->cpu = e->pid = -1;
	if (!err)
		err = read_int(obj, "event", "cpu", -1, &e->cpu);
	if (!err)
		err = read_int(obj, "event", "pid", -1, &e->pid);
	if (!err)
		err = read_uint(obj, "event", "offset", &e->offset);
	if (!err)
		err = read_uint(obj, "event", "size", &e->size);
	if (!err)
		err = read_bool(obj, "event", "corrupted", &e->corrupted);
	if (!err)
		err = read_line(obj, "event", "first_line", &e->first_line);
	if (!err)
		err = read_line(obj, "event", "last_line", &e->last_line);
	if (!err)
		err = read_lines(obj, e);
	if (!err)
		err = get_array(obj, "event", "frames", RECORD_MAX_FRAMES, &v);
	if (err)
		return err;
	if (!e->kind || !kind_is_sound(e->kind))
		return bad("event", "kind", "the name of a kind of event");
	if (!e->reason || !*e->reason)
		return bad("event", "reason", "a group key such as g1:BUG:function");
	e->have_offset = json_is_integer(json_object_get(obj, "offset"));
	if (!json_array_size(v))
		return NULL;
	e->frames = calloc(json_array_size(v), sizeof(*e->frames));
	if (!e->frames)
		return &ey_error_nomem;
	e->frame_count = json_array_size(v);
	for (size_t i = 0; i < e->frame_count && !err; i++)
		err = read_frame(json_array_get(v, i), &e->frames[i]);
	return err;
}

static struct ey_error *read_panic_task(const json_t *obj, struct record_task *t)
{
	static const char where[] = "panic_task";
	struct ey_error *err = read_string(obj, where, "comm", 255, &t->comm);

	t->pid = t->cpu = -1;
	if (!err)
		err = read_int(obj, where, "pid", -1, &t->pid);
	if (!err)
		err = read_int(obj, where, "cpu", -1, &t->cpu);
	if (!err)
		err = read_address(obj, where, "address", &t->address);
	return err;
}

static struct ey_error *read_gaps(const json_t *list, struct record *r)
{
	struct ey_error *err = NULL;
	size_t count = json_array_size(list);

	if (!count)
		return NULL;
	r->gaps = calloc(count, sizeof(*r->gaps));
	if (!r->gaps)
		return &ey_error_nomem;
	r->gap_count = count;
	for (size_t i = 0; i < count && !err; i++) {
		const json_t *g = json_array_get(list, i);

		if (!json_is_object(g))
			return bad("", "gaps[]", "an object");
		err = read_string(g, "gaps[]", "what", 4096, &r->gaps[i].what);
		if (!err)
			err = read_string(g, "gaps[]", "why", 4096, &r->gaps[i].why);
		if (!err && (!r->gaps[i].what || !r->gaps[i].why))
			err = bad("", "gaps[]", "an object with \"what\" and \"why\"");
	}
	return err;
}

static struct ey_error *read_dump(const json_t *obj, struct record_dump *d)
{
	struct ey_error *err = read_string(obj, "dump", "format", 64, &d->format);

	if (!err)
		err = read_uint(obj, "dump", "bytes", &d->bytes);
	if (!err)
		err = read_bool(obj, "dump", "complete", &d->complete);
	return err;
}

static struct ey_error *read_counts(const json_t *root, struct record *r)
{
	const struct {
		const char *key;
		size_t *ret;
	} lists[] = {{"stacks", &r->counts.stacks},
		     {"tasks", &r->counts.tasks},
		     {"modules", &r->counts.modules}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(lists); i++) {
		const json_t *v;
		struct ey_error *err = get_array(root, "", lists[i].key, RECORD_MAX_VALUES, &v);

		if (err)
			return err;
		*lists[i].ret = json_array_size(v);
	}
	return NULL;
}

static struct ey_error *read_parts(const json_t *root, struct record *r)
{
	const json_t *identity, *system, *inventory, *event, *task, *dump, *gaps;
	const json_t *log = json_object_get(root, "log");
	struct ey_error *err = get_object(root, "", "identity", &identity);

	if (!err)
		err = get_object(root, "", "system", &system);
	if (!err && !system)
		err = bad("", "system", "an object");
	if (!err)
		err = get_object(root, "", "inventory", &inventory);
	if (!err)
		err = get_object(root, "", "event", &event);
	if (!err)
		err = get_object(root, "", "panic_task", &task);
	if (!err)
		err = get_object(root, "", "dump", &dump);
	if (!err)
		err = get_array(root, "", "gaps", RECORD_MAX_GAPS, &gaps);
	if (!err)
		err = read_string(root, "", "engine", 64, &r->engine);
	if (!err)
		err = read_strings(identity, "identity", identity_fields,
				   EY_ARRAY_SIZE(identity_fields), &r->identity);
	if (!err)
		err = read_system(system, &r->system);
	if (!err)
		err = read_strings(inventory, "inventory", inventory_fields,
				   EY_ARRAY_SIZE(inventory_fields), &r->inventory);
	if (!err && event) {
		r->have_event = true;
		err = read_event(event, &r->event);
	}
	if (!err && task) {
		r->have_panic_task = true;
		err = read_panic_task(task, &r->panic_task);
	}
	if (!err)
		err = read_dump(dump, &r->dump);
	if (!err)
		err = read_gaps(gaps, r);
	if (!err)
		err = read_counts(root, r);
	if (err || !log || json_is_null(log))
		return err;
	if (!json_is_string(log))
		return bad("", "log", "a string");
	r->log = copy_string(log, &r->log_len);
	return r->log ? NULL : &ey_error_nomem;
}

// A record whose parts are not what ours are: who crashed, where that at least is a text.
static void read_who(const json_t *root, struct record *r)
{
	const struct {
		const char *object;
		const char *key;
		char **ret;
	} texts[] = {
		{"identity", "hostname", &r->identity.hostname},
		{"identity", "machine_id", &r->identity.machine_id},
		{"identity", "boot_id", &r->identity.boot_id},
		{"identity", "dmi_uuid", &r->identity.dmi_uuid},
		{"identity", "dmi_serial", &r->identity.dmi_serial},
		{"system", "hostname", &r->system.hostname},
		{"system", "release", &r->system.release},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(texts); i++) {
		const json_t *obj = json_object_get(root, texts[i].object);

		ey_error_destroy(
			read_string(obj, texts[i].object, texts[i].key, 255, texts[i].ret));
	}
}

static struct ey_error *read_schema(const json_t *root, bool any, char **other_ret)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	size_t family = strlen(RECORD_SCHEMA_FAMILY);

	if (!schema)
		return ey_error_create(EY_ERR_INPUT, "record: has no \"schema\"");
	if (!strcmp(schema, RECORD_SCHEMA))
		return NULL;
	if (!any || strncmp(schema, RECORD_SCHEMA_FAMILY, family) != 0 || strlen(schema) > 60)
		return ey_error_create(EY_ERR_INPUT,
				       "record: schema \"%.60s\" is not known here; \"%s\" is",
				       schema, RECORD_SCHEMA);
	*other_ret = strdup(schema);
	return *other_ret ? NULL : &ey_error_nomem;
}

static struct ey_error *read_record(const char *json, size_t len, bool any, struct record *ret)
{
	_cleanup_free_ char *other = NULL;
	json_error_t where;

	*ret = (struct record){0};
	if (len > RECORD_MAX_BYTES)
		return ey_error_create(EY_ERR_INPUT, "record: %zu bytes, and at most %d are read",
				       len, RECORD_MAX_BYTES);
	struct ey_error *err = ey_json_check_limits(json, len, RECORD_MAX_DEPTH, RECORD_MAX_VALUES);
	if (err)
		return ey_error_prefix(err, "record");
	json_auto_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
	if (!root)
		return ey_error_create(EY_ERR_INPUT,
				       "record: not JSON, at line %d, column %d: %.100s",
				       where.line, where.column, where.text);
	if (!json_is_object(root))
		return ey_error_create(EY_ERR_INPUT, "record: not a JSON object");
	err = read_schema(root, any, &other);
	if (err)
		return err;
	err = read_parts(root, ret);
	if (err)
		record_deinit(ret);
	if (err && other && err != &ey_error_nomem) {
		ey_error_destroy(err);
		err = NULL;
		read_who(root, ret);
	}
	if (!err)
		ret->other_schema = no_cleanup_ptr(other);
	return err;
}

struct ey_error *record_read(const char *json, size_t len, struct record *ret)
{
	return read_record(json, len, false, ret);
}

struct ey_error *record_read_any(const char *json, size_t len, struct record *ret)
{
	return read_record(json, len, true, ret);
}

static void free_strings(const struct string_field *fields, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++)
		free(*(char **)((char *)base + fields[i].offset));
}

void record_deinit(struct record *r)
{
	free_strings(identity_fields, EY_ARRAY_SIZE(identity_fields), &r->identity);
	free_strings(system_fields, EY_ARRAY_SIZE(system_fields), &r->system);
	free_strings(inventory_fields, EY_ARRAY_SIZE(inventory_fields), &r->inventory);
	free_strings(event_fields, EY_ARRAY_SIZE(event_fields), &r->event);
	for (size_t i = 0; i < r->event.frame_count; i++) {
		free(r->event.frames[i].function);
		free(r->event.frames[i].module);
	}
	free(r->event.frames);
	for (size_t i = 0; i < r->gap_count; i++) {
		free(r->gaps[i].what);
		free(r->gaps[i].why);
	}
	free(r->gaps);
	free(r->panic_task.comm);
	free(r->dump.format);
	free(r->engine);
	free(r->log);
	free(r->other_schema);
	*r = (struct record){0};
}

const char *record_hostname(const struct record *r)
{
	return r->identity.hostname ? r->identity.hostname : r->system.hostname;
}
