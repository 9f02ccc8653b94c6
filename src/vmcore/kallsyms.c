/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/kallsyms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
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

static struct ey_error *lacking(const char *what)
{
	return ey_error_create(EY_ERR_INPUT,
			       "VMCOREINFO does not say where %s is (a kernel before 6.0, or built "
			       "without kallsyms)",
			       what);
}

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

// An address from its offset, in the two ways there are (kallsyms_sym_address()).
static uint64_t decode(const struct kallsyms *k, int32_t offset)
{
	if (!k->absolute_percpu)
		return k->relative_base + (uint32_t)offset;
	if (offset >= 0)
		return (uint32_t)offset;
	return k->relative_base - 1 - (uint64_t)(int64_t)offset;
}

static bool address_of(struct kallsyms *k, uint32_t i, uint64_t *ret)
{
	const void *p = range_get(&k->offsets, (uint64_t)i * 4, 4);
	int32_t offset;

	if (!p)
		return false;
	memcpy(&offset, p, sizeof(offset));
	*ret = decode(k, offset);
	return true;
}

// CONFIG_KALLSYMS_ABSOLUTE_PERCPU (gone since 6.15) makes the offsets of all but per-CPU symbols
// negative: the symbol in the middle is surely no per-CPU symbol.
static struct ey_error *settle_form(struct kallsyms *k)
{
	const void *p = range_get(&k->offsets, (uint64_t)(k->count / 2) * 4, 4);
	int32_t offset;

	if (!p)
		return ey_error_create(EY_ERR_FAULT, "kallsyms_offsets is not in the dump");
	memcpy(&offset, p, sizeof(offset));
	k->absolute_percpu = offset < 0;
	return NULL;
}

struct ey_error *kallsyms_init(struct kallsyms *k, struct memory *m)
{
	const char *info = m->dump->vmcoreinfo;
	uint64_t names, num_syms, table, index, offsets, base;

	*k = (struct kallsyms){.memory = m};
	if (!vmcoreinfo_symbol(info, "kallsyms_names", &names))
		return lacking("kallsyms_names");
	if (!vmcoreinfo_symbol(info, "kallsyms_num_syms", &num_syms))
		return lacking("kallsyms_num_syms");
	if (!vmcoreinfo_symbol(info, "kallsyms_token_table", &table))
		return lacking("kallsyms_token_table");
	if (!vmcoreinfo_symbol(info, "kallsyms_token_index", &index))
		return lacking("kallsyms_token_index");
	if (!vmcoreinfo_symbol(info, "kallsyms_offsets", &offsets))
		return lacking("kallsyms_offsets");
	if (!vmcoreinfo_symbol(info, "kallsyms_relative_base", &base))
		return lacking("kallsyms_relative_base");
	struct ey_error *err = memory_read(m, num_syms, &k->count, sizeof(k->count));
	if (err)
		return ey_error_prefix(err, "kallsyms_num_syms");
	if (!k->count || k->count > MAX_SYMBOLS)
		return ey_error_create(EY_ERR_INPUT, "kallsyms has %u symbols: damaged", k->count);
	err = memory_read(m, base, &k->relative_base, sizeof(k->relative_base));
	if (err)
		return ey_error_prefix(err, "kallsyms_relative_base");
	err = range_init(&k->names, m, names,
			 EY_MIN((uint64_t)k->count * MAX_NAME_BYTES, RANGE_MAX_SIZE));
	if (!err)
		err = range_init(&k->offsets, m, offsets, (uint64_t)k->count * 4);
	if (!err)
		err = settle_form(k);
	if (!err)
		err = load_tokens(k, table, index);
	if (err)
		return err;
	k->marks = calloc(k->count / KALLSYMS_MARK_EVERY + 1, sizeof(*k->marks));
	return k->marks ? NULL : &ey_error_nomem;
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
