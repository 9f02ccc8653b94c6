/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of Rust's functions, as rustc mangles them for the kernel ("v0", RFC 2603). What changes
 * from build to build, or tells instances of one source line apart, is left out: the hashes of
 * crates and the arguments of generics.
 */
#include <stdbool.h>
#include <string.h>

#include "oops/keys.h"

enum {
	DEPTH_MAX = 48,
	// Back references may be nested so that a short name means a very long one.
	STEPS_MAX = 1024,
};

struct demangler {
	const char *start, *p, *end;
	char *out;
	size_t size, len;
	unsigned int depth, steps;
	/** Parsed, not printed: what stands in a generic's arguments. */
	bool silent;
};

static bool path(struct demangler *d);
static bool type(struct demangler *d);

static bool put(struct demangler *d, const char *s, size_t n)
{
	if (d->silent)
		return true;
	if (d->len + n + 1 > d->size)
		return false;
	memcpy(d->out + d->len, s, n);
	d->len += n;
	return true;
}

static bool puts_(struct demangler *d, const char *s)
{
	return put(d, s, strlen(s));
}

static char next(struct demangler *d)
{
	return d->p < d->end ? *d->p++ : '\0';
}

static bool eat(struct demangler *d, char c)
{
	if (d->p == d->end || *d->p != c)
		return false;
	d->p++;
	return true;
}

// "_" is 0, "0_" is 1, "a_" is 11, ...
static bool base62(struct demangler *d, size_t *ret)
{
	size_t v = 0;

	if (eat(d, '_')) {
		*ret = 0;
		return true;
	}
	for (int i = 0; i < 8; i++) {
		char c = next(d);
		if (c == '_') {
			*ret = v + 1;
			return true;
		}
		if (c >= '0' && c <= '9')
			v = v * 62 + (size_t)(c - '0');
		else if (c >= 'a' && c <= 'z')
			v = v * 62 + (size_t)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'Z')
			v = v * 62 + (size_t)(c - 'A') + 36;
		else
			return false;
	}
	return false;
}

// The hash of a crate has more digits than any number that matters.
static bool skip_disambiguator(struct demangler *d)
{
	if (!eat(d, 's'))
		return true;
	while (d->p < d->end && *d->p != '_')
		d->p++;
	return eat(d, '_');
}

static bool identifier(struct demangler *d)
{
	size_t n = 0;

	if (!skip_disambiguator(d))
		return false;
	eat(d, 'u');
	if (d->p == d->end || *d->p < '0' || *d->p > '9')
		return false;
	if (!eat(d, '0')) {
		while (d->p < d->end && *d->p >= '0' && *d->p <= '9' && n < 10000)
			n = n * 10 + (size_t)(*d->p++ - '0');
	}
	eat(d, '_');
	if (n > (size_t)(d->end - d->p) || !put(d, d->p, n))
		return false;
	d->p += n;
	return true;
}

static bool back_reference(struct demangler *d, bool (*parse)(struct demangler *))
{
	const char *here;
	size_t at;

	if (!base62(d, &at) || at >= (size_t)(d->p - d->start))
		return false;
	here = d->p;
	d->p = d->start + at;
	bool good = parse(d);
	d->p = here;
	return good;
}

// A constant among a generic's arguments: "j10_", "p", "B4_".
static bool constant(struct demangler *d)
{
	if (eat(d, 'p'))
		return true;
	if (eat(d, 'B'))
		return back_reference(d, constant);
	if (!type(d))
		return false;
	eat(d, 'n');
	while (d->p < d->end && *d->p != '_')
		d->p++;
	return eat(d, '_');
}

static bool silent_constant(struct demangler *d)
{
	bool silent = d->silent;

	d->silent = true;
	bool good = constant(d);
	d->silent = silent;
	return good;
}

static bool generic_arguments(struct demangler *d)
{
	bool silent = d->silent, good = true;
	size_t number;

	d->silent = true;
	while (good && !eat(d, 'E')) {
		if (eat(d, 'L'))
			good = base62(d, &number);
		else if (eat(d, 'K'))
			good = constant(d);
		else
			good = type(d);
	}
	d->silent = silent;
	return good;
}

// "<T>" and "<T as Trait>".
static bool implementation(struct demangler *d, char kind)
{
	if (kind != 'Y') {
		// Where the implementation stands: it says no more than the type does.
		bool silent = d->silent;
		d->silent = true;
		bool good = skip_disambiguator(d) && path(d);
		d->silent = silent;
		if (!good)
			return false;
	}
	return puts_(d, "<") && type(d) && (kind == 'M' || (puts_(d, " as ") && path(d))) &&
	       puts_(d, ">");
}

static bool nested(struct demangler *d)
{
	char space = next(d);

	if (!path(d) || !puts_(d, "::"))
		return false;
	if (space == 'C') {
		// A closure has no name, or the one of its variable.
		return puts_(d, "{closure}") && identifier(d);
	}
	return identifier(d);
}

static bool path_here(struct demangler *d)
{
	char kind = next(d);

	switch (kind) {
	case 'C':
		return identifier(d);
	case 'M':
	case 'X':
	case 'Y':
		return implementation(d, kind);
	case 'N':
		return nested(d);
	case 'I':
		return path(d) && generic_arguments(d);
	case 'B':
		return back_reference(d, path);
	default:
		return false;
	}
}

static bool path(struct demangler *d)
{
	if (d->depth >= DEPTH_MAX || d->steps++ >= STEPS_MAX)
		return false;
	d->depth++;
	bool good = path_here(d);
	d->depth--;
	return good;
}

static const char *basic_type(char c)
{
	static const struct {
		char letter;
		const char *name;
	} table[] = {
		{'a', "i8"},  {'b', "bool"}, {'c', "char"},  {'d', "f64"},   {'e', "str"},
		{'f', "f32"}, {'h', "u8"},   {'i', "isize"}, {'j', "usize"}, {'l', "i32"},
		{'m', "u32"}, {'n', "i128"}, {'o', "u128"},  {'s', "i16"},   {'t', "u16"},
		{'u', "()"},  {'v', "..."},  {'x', "i64"},   {'y', "u64"},   {'z', "!"},
		{'p', "_"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (table[i].letter == c)
			return table[i].name;
	}
	return NULL;
}

static bool type_list(struct demangler *d)
{
	for (bool first = true; !eat(d, 'E'); first = false) {
		if ((!first && !puts_(d, ", ")) || !type(d))
			return false;
	}
	return true;
}

// "fn(A, B) -> R"
static bool function_type(struct demangler *d)
{
	size_t number;

	if (eat(d, 'G') && !base62(d, &number))
		return false;
	eat(d, 'U');
	if (eat(d, 'K') && !eat(d, 'C') && !identifier(d))
		return false;
	return puts_(d, "fn(") && type_list(d) && puts_(d, ")") &&
	       (eat(d, 'u') || (puts_(d, " -> ") && type(d)));
}

// "dyn Trait + Send": bounds, each with its associated types, then a lifetime.
static bool dyn_type(struct demangler *d)
{
	size_t number;

	if ((eat(d, 'G') && !base62(d, &number)) || !puts_(d, "dyn "))
		return false;
	for (bool first = true; !eat(d, 'E'); first = false) {
		if ((!first && !puts_(d, " + ")) || !path(d))
			return false;
		while (eat(d, 'p')) {
			bool silent = d->silent;
			d->silent = true;
			bool good = identifier(d) && type(d);
			d->silent = silent;
			if (!good)
				return false;
		}
	}
	return !eat(d, 'L') || base62(d, &number);
}

static bool type_here(struct demangler *d)
{
	const char *name = d->p < d->end ? basic_type(*d->p) : NULL;
	size_t number;

	if (name) {
		d->p++;
		return puts_(d, name);
	}
	switch (next(d)) {
	case 'A':
		// An array's length is a constant; how long it is tells no function apart.
		return puts_(d, "[") && type(d) && puts_(d, "; _]") && silent_constant(d);
	case 'S':
		return puts_(d, "[") && type(d) && puts_(d, "]");
	case 'T':
		return puts_(d, "(") && type_list(d) && puts_(d, ")");
	case 'R':
		return (!eat(d, 'L') || base62(d, &number)) && puts_(d, "&") && type(d);
	case 'Q':
		return (!eat(d, 'L') || base62(d, &number)) && puts_(d, "&mut ") && type(d);
	case 'P':
		return puts_(d, "*const ") && type(d);
	case 'O':
		return puts_(d, "*mut ") && type(d);
	case 'F':
		return function_type(d);
	case 'D':
		return dyn_type(d);
	case 'B':
		return back_reference(d, type);
	default:
		d->p--;
		return path(d);
	}
}

static bool type(struct demangler *d)
{
	if (d->depth >= DEPTH_MAX || d->steps++ >= STEPS_MAX)
		return false;
	d->depth++;
	bool good = type_here(d);
	d->depth--;
	return good;
}

bool oops_rust_name(const char *name, size_t len, char *buf, size_t size)
{
	struct demangler d = {
		.start = name + 2, .p = name + 2, .end = name + len, .out = buf, .size = size};

	if (len < 4 || name[0] != '_' || name[1] != 'R' || !size || !path(&d))
		return false;
	buf[d.len] = '\0';
	return true;
}
