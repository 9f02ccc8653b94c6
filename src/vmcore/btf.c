/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/btf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	BTF_MAGIC = 0xeb9f,
	// The kinds of include/uapi/linux/btf.h.
	KIND_INT = 1,
	KIND_PTR = 2,
	KIND_ARRAY = 3,
	KIND_STRUCT = 4,
	KIND_UNION = 5,
	KIND_ENUM = 6,
	KIND_FWD = 7,
	KIND_TYPEDEF = 8,
	KIND_VOLATILE = 9,
	KIND_CONST = 10,
	KIND_RESTRICT = 11,
	KIND_FUNC = 12,
	KIND_FUNC_PROTO = 13,
	KIND_VAR = 14,
	KIND_DATASEC = 15,
	KIND_FLOAT = 16,
	KIND_DECL_TAG = 17,
	KIND_TYPE_TAG = 18,
	KIND_ENUM64 = 19,
	// Depth of nested members, and of typedefs and qualifiers: hostile BTF may go in circles.
	MAX_DEPTH = 32,
	MAX_TYPES = 4000000,
	// Members looked at for one name: many anonymous ones that have many each take for ever.
	MAX_VISITS = 1 << 20,
};

struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
};

struct type {
	uint32_t name_off;
	uint32_t info;
	/** Size in bytes, or the id of another type. */
	uint32_t size_or_type;
};

struct member {
	uint32_t name_off, type, offset;
};

struct array {
	uint32_t type, index_type, nelems;
};

static unsigned int kind_of(const struct type *t)
{
	return t->info >> 24 & 0x1f;
}

static uint32_t vlen_of(const struct type *t)
{
	return t->info & 0xffff;
}

static bool kind_flag(const struct type *t)
{
	return t->info >> 31;
}

// Bytes behind struct btf_type, or UINT32_MAX for a kind that is not known.
static uint32_t tail_size(const struct type *t)
{
	switch (kind_of(t)) {
	case KIND_INT:
	case KIND_VAR:
	case KIND_DECL_TAG:
		return 4;
	case KIND_ARRAY:
		return sizeof(struct array);
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_DATASEC:
	case KIND_ENUM64:
		return vlen_of(t) * 12;
	case KIND_ENUM:
	case KIND_FUNC_PROTO:
		return vlen_of(t) * 8;
	case KIND_PTR:
	case KIND_FWD:
	case KIND_TYPEDEF:
	case KIND_VOLATILE:
	case KIND_CONST:
	case KIND_RESTRICT:
	case KIND_FUNC:
	case KIND_FLOAT:
	case KIND_TYPE_TAG:
		return 0;
	default:
		return UINT32_MAX;
	}
}

static struct ey_error *read_header(struct btf *b)
{
	const struct header *h = range_get(&b->range, 0, sizeof(*h));
	if (!h)
		return ey_error_create(EY_ERR_FAULT, "the BTF is not in the dump");
	uint64_t room = b->range.size;
	// The kernel wants the types aligned as well (btf_parse_hdr()).
	if (h->hdr_len % 4 || h->type_off % 4 || h->magic != BTF_MAGIC || h->hdr_len < sizeof(*h) ||
	    h->hdr_len > room || h->type_off > room - h->hdr_len ||
	    h->type_len > room - h->hdr_len - h->type_off || h->str_off > room - h->hdr_len ||
	    h->str_len > room - h->hdr_len - h->str_off)
		return ey_error_create(EY_ERR_INPUT, "the BTF's header is damaged");
	b->type_begin = h->hdr_len + h->type_off;
	b->type_len = h->type_len;
	b->str_begin = h->hdr_len + h->str_off;
	b->str_len = h->str_len;
	b->count = 1;
	return NULL;
}

struct ey_error *btf_init(struct btf *b, struct memory *m, uint64_t start, uint64_t stop)
{
	*b = (struct btf){0};
	if (stop <= start)
		return ey_error_create(EY_ERR_INPUT, "the kernel has no BTF");
	if (start % 4)
		return ey_error_create(EY_ERR_INPUT, "the BTF's place 0x%" PRIx64 " is damaged",
				       start);
	struct ey_error *err = range_init(&b->range, m, start, stop - start);
	return err ? ey_error_prefix(err, "BTF") : read_header(b);
}

struct ey_error *btf_init_file(struct btf *b, int fd, uint64_t offset, uint64_t size)
{
	*b = (struct btf){0};
	struct ey_error *err = range_init_file(&b->range, fd, offset, size);
	return err ? err : read_header(b);
}
void btf_deinit(struct btf *b)
{
	range_deinit(&b->range);
	free(b->offsets);
	free(b->names);
	*b = (struct btf){0};
}

static bool string_equals(struct btf *b, uint32_t off, const char *s, size_t len)
{
	const char *p;

	if (off >= b->str_len || len + 1 > b->str_len - off)
		return false;
	p = range_get(&b->range, (uint64_t)b->str_begin + off, len + 1);
	return p && !memcmp(p, s, len) && !p[len];
}

static uint32_t hash_bytes(const char *s, size_t len)
{
	uint32_t h = 2166136261u; // FNV-1a

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h ? h : 1;
}

// The hash of the name at off; 0 where it is not there or has none.
static uint32_t hash_name(struct btf *b, uint32_t off)
{
	if (!off || off >= b->str_len)
		return 0;
	for (uint32_t room = 32; room <= 512; room *= 4) {
		uint32_t n = EY_MIN(room, b->str_len - off);
		const char *p = range_get(&b->range, (uint64_t)b->str_begin + off, n);

		if (!p)
			return 0;
		const char *end = memchr(p, '\0', n);
		if (end)
			return hash_bytes(p, (size_t)(end - p));
	}
	return 0;
}

static bool grow(void **array, size_t *capacity, size_t count, size_t size)
{
	if (count < *capacity)
		return true;
	size_t more = *capacity ? *capacity * 2 : 4096;
	void *bigger = reallocarray(*array, more, size);
	if (!bigger)
		return false;
	*array = bigger;
	*capacity = more;
	return true;
}

// Read one type more. False at the end or where the section is broken.
static bool scan_one(struct btf *b)
{
	const struct type *t;

	if (b->broken || b->scanned >= b->type_len)
		return false;
	b->broken = true;
	uint32_t room = b->type_len - b->scanned;
	if (room < sizeof(*t) || b->count >= MAX_TYPES)
		return false;
	t = range_get(&b->range, (uint64_t)b->type_begin + b->scanned, sizeof(*t));
	if (!t)
		return false;
	uint32_t tail = tail_size(t);
	if (tail > room - sizeof(*t))
		return false;
	if (!grow((void **)&b->offsets, &b->capacity, b->count, sizeof(*b->offsets)))
		return false;
	unsigned int kind = kind_of(t);
	uint32_t id = (uint32_t)b->count++;
	b->offsets[id] = b->scanned;
	b->scanned += (uint32_t)sizeof(*t) + tail;
	b->broken = false;
	if (kind == KIND_STRUCT || kind == KIND_UNION || kind == KIND_ENUM || kind == KIND_ENUM64) {
		uint32_t hash = hash_name(b, t->name_off);

		if (hash &&
		    grow((void **)&b->names, &b->name_capacity, b->name_count, sizeof(*b->names)))
			b->names[b->name_count++] = (struct btf_name){hash, id};
	}
	return true;
}

static const struct type *type_by_id(struct btf *b, uint32_t id)
{
	if (!id)
		return NULL;
	while (id >= b->count) {
		if (!scan_one(b))
			return NULL;
	}
	const struct type *t =
		range_get(&b->range, (uint64_t)b->type_begin + b->offsets[id], sizeof(*t));
	return t ? range_get(&b->range, (uint64_t)b->type_begin + b->offsets[id],
			     sizeof(*t) + tail_size(t))
		 : NULL;
}

// A struct, union (or, with want_enum, enum) by name.
static const struct type *type_by_name(struct btf *b, const char *name, bool want_enum)
{
	size_t len = strlen(name);
	uint32_t hash = hash_bytes(name, len);

	for (size_t i = 0;; i++) {
		while (i >= b->name_count) {
			if (!scan_one(b))
				return NULL;
		}
		if (b->names[i].hash != hash)
			continue;
		const struct type *t = type_by_id(b, b->names[i].id);
		if (!t)
			continue;
		unsigned int kind = kind_of(t);
		bool is_enum = kind == KIND_ENUM || kind == KIND_ENUM64;
		if (is_enum == want_enum && string_equals(b, t->name_off, name, len))
			return t;
	}
}

// Follow typedefs, const, volatile and tags.
static const struct type *resolve(struct btf *b, uint32_t id, uint32_t *id_ret)
{
	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		const struct type *t = type_by_id(b, id);

		if (!t)
			return NULL;
		switch (kind_of(t)) {
		case KIND_TYPEDEF:
		case KIND_VOLATILE:
		case KIND_CONST:
		case KIND_RESTRICT:
		case KIND_TYPE_TAG:
			id = t->size_or_type;
			break;
		default:
			*id_ret = id;
			return t;
		}
	}
	return NULL;
}

static uint32_t size_of(struct btf *b, uint32_t id, uint32_t *count_ret, int depth)
{
	const struct type *t = depth < MAX_DEPTH ? resolve(b, id, &id) : NULL;

	if (!t)
		return 0;
	switch (kind_of(t)) {
	case KIND_PTR:
		return 8;
	case KIND_ARRAY: {
		const struct array *a = (const struct array *)(t + 1);
		uint32_t nelems = a->nelems, ignored, bytes;

		*count_ret = nelems;
		uint32_t element = size_of(b, a->type, &ignored, depth + 1);
		return __builtin_mul_overflow(element, nelems, &bytes) ? 0 : bytes;
	}
	case KIND_INT:
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_ENUM:
	case KIND_ENUM64:
	case KIND_FLOAT:
		return t->size_or_type;
	default:
		return 0;
	}
}

static bool find_member(struct btf *b, const struct type *t, const char *name, size_t len,
			struct btf_member *ret, uint32_t base_bits, int depth, uint32_t *visits)
{
	unsigned int kind = kind_of(t);
	uint32_t count = vlen_of(t);
	bool bit_fields = kind_flag(t);
	const struct member *members = (const struct member *)(t + 1);

	if (depth >= MAX_DEPTH || (kind != KIND_STRUCT && kind != KIND_UNION))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!(*visits)--) {
			*visits = 0;
			return false;
		}
		const struct member *m = &members[i];
		uint32_t bits = bit_fields ? m->offset & 0xffffff : m->offset;

		if (m->name_off && string_equals(b, m->name_off, name, len)) {
			*ret = (struct btf_member){.bit_offset = base_bits + bits,
						   .bit_size = bit_fields ? m->offset >> 24 : 0};
			ret->size = size_of(b, m->type, &ret->count, 0);
			return resolve(b, m->type, &ret->type) != NULL;
		}
		if (!m->name_off) {
			uint32_t id;
			const struct type *inner = resolve(b, m->type, &id);

			if (inner && find_member(b, inner, name, len, ret, base_bits + bits,
						 depth + 1, visits))
				return true;
		}
	}
	return false;
}

bool btf_member(struct btf *b, const char *type, const char *path, struct btf_member *ret)
{
	const struct type *t = type_by_name(b, type, false);
	uint32_t base = 0, visits = MAX_VISITS;

	for (;;) {
		size_t len = strcspn(path, ".");

		if (!t || !find_member(b, t, path, len, ret, base, 0, &visits))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
		base = ret->bit_offset;
		t = type_by_id(b, ret->type);
	}
}

bool btf_sizeof(struct btf *b, const char *type, uint32_t *ret)
{
	const struct type *t = type_by_name(b, type, false);

	if (!t)
		return false;
	*ret = t->size_or_type;
	return true;
}

bool btf_enum(struct btf *b, const char *type, const char *name, int64_t *ret)
{
	const struct type *t = type_by_name(b, type, true);
	size_t len = strlen(name);

	if (!t)
		return false;
	bool wide = kind_of(t) == KIND_ENUM64;
	const uint32_t *values = (const uint32_t *)(t + 1);
	for (uint32_t i = 0; i < vlen_of(t); i++, values += wide ? 3 : 2) {
		if (!string_equals(b, values[0], name, len))
			continue;
		*ret = wide ? (int64_t)((uint64_t)values[2] << 32 | values[1]) : (int32_t)values[1];
		return true;
	}
	return false;
}
