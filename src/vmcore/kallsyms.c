/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/kallsyms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/kallsyms_find.h"
#include "vmcore/machine.h"
#include "vmcore/vmcoreinfo.h"

enum {
	// 10 million symbols are many times what any kernel has.
	MAX_SYMBOLS = 10000000,
	// A compressed name and its length seldom take more than 16 bytes; bounds the range.
	MAX_NAME_BYTES = 40,
	// 256 tokens of at most KSYM_NAME_LEN bytes, in practice a few each.
	TOKEN_TABLE_MAX = 8192,
	// Symbols at one address; a damaged table may say that all are.
	MAX_ALIASES = 10000,
};

static struct ey_error *load_tokens(struct kallsyms *k, uint64_t table, uint64_t index)
{
	uint16_t begins[256];
	struct ey_error *err = memory_read(k->memory, index, begins, sizeof(begins));

	if (err)
		return ey_error_prefix(err, "kallsyms_token_index");
	_cleanup_free_ char *raw = calloc(1, TOKEN_TABLE_MAX + 1);
	k->tokens = malloc(TOKEN_TABLE_MAX);
	if (!raw || !k->tokens)
		return &ey_error_nomem;
	// The last token's end is not known: read up to where its text must have ended.
	size_t len = (size_t)begins[255] + 256;
	if (len > TOKEN_TABLE_MAX)
		return ey_error_create(EY_ERR_INPUT, "kallsyms_token_index is damaged");
	err = memory_read(k->memory, table, raw, len);
	if (err)
		return ey_error_prefix(err, "kallsyms_token_table");
	uint32_t at = 0;
	for (size_t i = 0; i < 256; i++) {
		if (begins[i] >= len || (i && begins[i] <= begins[i - 1]))
			return ey_error_create(EY_ERR_INPUT, "kallsyms_token_index is damaged");
		size_t n = strlen(raw + begins[i]);
		if (at + n > TOKEN_TABLE_MAX)
			return ey_error_create(EY_ERR_INPUT, "kallsyms_token_table is damaged");
		k->token_begin[i] = at;
		memcpy(k->tokens + at, raw + begins[i], n);
		at += (uint32_t)n;
	}
	k->token_begin[256] = at;
	return NULL;
}

// Where symbol i is, in the ways there are (kallsyms_sym_address()).
static bool address_of(struct kallsyms *k, uint32_t i, uint64_t *ret)
{
	const bool wide = k->form == KALLSYMS_ADDRESSES;
	const uint64_t at = (uint64_t)i * (wide ? 8 : 4);
	const void *p = range_get(&k->offsets, at, wide ? 8 : 4);
	int32_t offset;

	if (!p)
		return false;
	if (wide) {
		memcpy(ret, p, sizeof(*ret));
		return true;
	}
	memcpy(&offset, p, sizeof(offset));
	if (k->form == KALLSYMS_PLACE_RELATIVE)
		*ret = k->offsets.base + at + (uint64_t)(int64_t)offset;
	else if (k->form == KALLSYMS_RELATIVE)
		*ret = k->relative_base + (uint32_t)offset;
	else if (offset >= 0)
		*ret = (uint32_t)offset;
	else
		*ret = k->relative_base - 1 - (uint64_t)(int64_t)offset;
	return true;
}

// CONFIG_KALLSYMS_ABSOLUTE_PERCPU (gone since 6.15) makes the offsets of all but per-CPU symbols
// negative: the symbol in the middle is surely no per-CPU symbol.
static struct ey_error *settle_form(struct kallsyms *k, const struct kallsyms_place *place)
{
	const void *p = range_get(&k->offsets, (uint64_t)(k->count / 2) * 4, 4);
	int32_t offset;

	if (!p)
		return ey_error_create(EY_ERR_FAULT, "kallsyms_offsets is not in the dump");
	if (place->addresses) {
		k->form = KALLSYMS_ADDRESSES;
		return NULL;
	}
	if (!place->relative_base) {
		k->form = KALLSYMS_PLACE_RELATIVE;
		return NULL;
	}
	memcpy(&offset, p, sizeof(offset));
	k->form = offset < 0 ? KALLSYMS_ABSOLUTE_PERCPU : KALLSYMS_RELATIVE;
	return NULL;
}

struct ey_error *kallsyms_init_at(struct kallsyms *k, struct memory *m,
				  const struct kallsyms_place *place)
{
	*k = (struct kallsyms){.memory = m};
	struct ey_error *err = memory_read(m, place->num_syms, &k->count, sizeof(k->count));
	if (err)
		return ey_error_prefix(err, "kallsyms_num_syms");
	if (!k->count || k->count > MAX_SYMBOLS)
		return ey_error_create(EY_ERR_INPUT, "kallsyms has %u symbols: damaged", k->count);
	if (place->relative_base)
		err = memory_read(m, place->relative_base, &k->relative_base,
				  sizeof(k->relative_base));
	if (err)
		return ey_error_prefix(err, "kallsyms_relative_base");
	err = range_init(&k->names, m, place->names,
			 EY_MIN((uint64_t)k->count * MAX_NAME_BYTES, RANGE_MAX_SIZE));
	if (!err)
		err = range_init(&k->offsets, m, place->offsets,
				 (uint64_t)k->count * (place->addresses ? 8 : 4));
	if (!err)
		err = settle_form(k, place);
	if (!err)
		err = load_tokens(k, place->token_table, place->token_index);
	if (err)
		return err;
	k->marks = calloc(k->count / KALLSYMS_MARK_EVERY + 1, sizeof(*k->marks));
	return k->marks ? NULL : &ey_error_nomem;
}

// False where it says nothing of kallsyms; *lacks_ret names a part that it should name and does
// not.
static bool place_by_vmcoreinfo(const char *info, struct kallsyms_place *ret,
				const char **lacks_ret)
{
	const struct {
		const char *name;
		uint64_t *address;
	} parts[] = {
		{"kallsyms_names", &ret->names},
		{"kallsyms_num_syms", &ret->num_syms},
		{"kallsyms_token_table", &ret->token_table},
		{"kallsyms_token_index", &ret->token_index},
		{"kallsyms_offsets", &ret->offsets},
	};
	size_t found = 0;

	*lacks_ret = NULL;
	for (size_t i = 0; i < EY_ARRAY_SIZE(parts); i++) {
		if (vmcoreinfo_symbol(info, parts[i].name, parts[i].address))
			found++;
		else if (!*lacks_ret)
			*lacks_ret = parts[i].name;
	}
	vmcoreinfo_symbol(info, "kallsyms_relative_base", &ret->relative_base);
	return found > 0;
}

// Addresses are sorted, and the symbol in the middle is one of the kernel's image.
static bool is_sorted(struct kallsyms *k)
{
	enum { SAMPLES = 257 };
	uint64_t previous = 0, at, middle;

	for (uint64_t i = 0; i < SAMPLES; i++) {
		if (!address_of(k, (uint32_t)((k->count - 1) * i / (SAMPLES - 1)), &at) ||
		    at < previous)
			return false;
		previous = at;
	}
	return address_of(k, k->count / 2, &middle) && k->memory->machine->in_image(middle);
}

static struct ey_error *init_by_form(struct kallsyms *k, struct memory *m)
{
	struct kallsyms_place places[KALLSYMS_FIND_MAX];
	size_t count;
	struct ey_error *err = kallsyms_find(m, places, &count);

	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		err = kallsyms_init_at(k, m, &places[i]);
		if (!err && is_sorted(k))
			return NULL;
		ey_error_destroy(err);
		kallsyms_deinit(k);
	}
	return ey_error_create(
		EY_ERR_INPUT, "the names of kallsyms were found in the kernel's image, but not the "
			      "addresses");
}

struct ey_error *kallsyms_init(struct kallsyms *k, struct memory *m)
{
	struct kallsyms_place place = {0};
	const char *lacks;

	*k = (struct kallsyms){.memory = m};
	if (!place_by_vmcoreinfo(m->dump->vmcoreinfo, &place, &lacks))
		return init_by_form(k, m);
	if (lacks)
		return ey_error_create(EY_ERR_INPUT,
				       "VMCOREINFO does not say where %s is, but where other parts "
				       "of kallsyms are: damaged",
				       lacks);
	return kallsyms_init_at(k, m, &place);
}

void kallsyms_deinit(struct kallsyms *k)
{
	range_deinit(&k->names);
	range_deinit(&k->offsets);
	free(k->tokens);
	free(k->marks);
	*k = (struct kallsyms){0};
}

// The compressed name at *pos, which moves on. Since 6.1 (commit 73bbb94466fd) a length of 128 or
// more takes two bytes; before, none was so long.
static const uint8_t *next_name(struct kallsyms *k, uint64_t *pos, size_t *len_ret)
{
	const uint8_t *p = range_get(&k->names, *pos, 2);
	size_t skip = 1;

	if (!p)
		return NULL;
	size_t len = p[0];
	if (len & 0x80) {
		len = (len & 0x7f) | (size_t)p[1] << 7;
		skip = 2;
	}
	if (!len)
		return NULL;
	p = range_get(&k->names, *pos + skip, len);
	*pos += skip + len;
	*len_ret = len;
	return p;
}

// Expand a name; its first character, the symbol's type, is left out.
static size_t expand(const struct kallsyms *k, const uint8_t *codes, size_t len, char *buf)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const char *token = k->tokens + k->token_begin[codes[i]];
		size_t token_len = k->token_begin[codes[i] + 1] - k->token_begin[codes[i]];

		for (size_t j = i ? 0 : 1; j < token_len; j++) {
			if (n == KALLSYMS_NAME_SIZE - 1)
				break;
			buf[n++] = token[j];
		}
	}
	buf[n] = '\0';
	return n;
}

// Tokens that a wanted name can begin with, so that few names need be expanded.
struct filter {
	/** As the first token (behind the type), and as the second where the first is only a type.
	 */
	bool first[256], second[256], type_only[256];
};

static void filter_add(struct filter *f, const struct kallsyms *k, const char *name)
{
	size_t name_len = strlen(name);

	for (size_t t = 0; t < 256; t++) {
		const char *token = k->tokens + k->token_begin[t];
		size_t len = k->token_begin[t + 1] - k->token_begin[t];

		if (len == 1)
			f->type_only[t] = true;
		else if (len > 1 && len - 1 <= name_len && !memcmp(token + 1, name, len - 1))
			f->first[t] = true;
		if (len && len <= name_len && !memcmp(token, name, len))
			f->second[t] = true;
	}
}

static int by_wanted_name(const void *a, const void *b)
{
	return strcmp((*(struct wanted_symbol *const *)a)->name,
		      (*(struct wanted_symbol *const *)b)->name);
}

static struct wanted_symbol *find_wanted(struct wanted_symbol **sorted, size_t count,
					 const char *name)
{
	struct wanted_symbol key = {.name = name}, *key_ptr = &key;
	struct wanted_symbol **hit =
		bsearch(&key_ptr, sorted, count, sizeof(*sorted), by_wanted_name);

	return hit ? *hit : NULL;
}

void kallsyms_resolve(struct kallsyms *k, struct wanted_symbol *wanted, size_t count)
{
	_cleanup_free_ struct wanted_symbol **sorted = calloc(count + 1, sizeof(*sorted));
	struct filter filter = {0};
	char name[KALLSYMS_NAME_SIZE];
	uint64_t pos = 0;

	if (!sorted)
		return;
	for (size_t i = 0; i < count; i++) {
		wanted[i].found = false;
		wanted[i].address = 0;
		sorted[i] = &wanted[i];
		filter_add(&filter, k, wanted[i].name);
	}
	qsort(sorted, count, sizeof(*sorted), by_wanted_name);
	for (uint32_t i = 0; i < k->count; i++) {
		size_t len;

		if (i % KALLSYMS_MARK_EVERY == 0)
			k->marks[i / KALLSYMS_MARK_EVERY] = (uint32_t)pos;
		const uint8_t *codes = next_name(k, &pos, &len);
		if (!codes)
			return;
		k->walked = EY_MAX(k->walked, i + 1);
		if (!filter.first[codes[0]] &&
		    !(filter.type_only[codes[0]] && len > 1 && filter.second[codes[1]]))
			continue;
		expand(k, codes, len, name);
		struct wanted_symbol *w = find_wanted(sorted, count, name);
		if (w && !w->found)
			w->found = address_of(k, i, &w->address);
	}
}

static bool name_of(struct kallsyms *k, uint32_t i, char *buf)
{
	size_t len;

	if (i >= k->walked)
		return false;
	uint64_t pos = k->marks[i / KALLSYMS_MARK_EVERY];
	for (uint32_t j = i - i % KALLSYMS_MARK_EVERY; j < i; j++) {
		if (!next_name(k, &pos, &len))
			return false;
	}
	const uint8_t *codes = next_name(k, &pos, &len);
	if (!codes)
		return false;
	expand(k, codes, len, buf);
	return true;
}

bool kallsyms_find_address(struct kallsyms *k, uint64_t address, struct symbol *ret)
{
	uint32_t lo = 0, hi = k->count;
	uint64_t at, other;

	// The last symbol at or below the address (get_symbol_pos()).
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (!address_of(k, mid, &at))
			return false;
		if (at <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || !address_of(k, lo - 1, &at))
		return false;
	uint32_t first = lo - 1;
	while (first && lo - first < MAX_ALIASES && address_of(k, first - 1, &other) && other == at)
		first--;
	*ret = (struct symbol){.address = at};
	if (lo < k->count && address_of(k, lo, &other))
		ret->size = other - at;
	return name_of(k, first, ret->name);
}
