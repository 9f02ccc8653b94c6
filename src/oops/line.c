/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/line.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
	IS_DIGIT = 0x10,
	IS_HEX = 0x20,
	// Of a symbol's name, as compilers and kallsyms write them.
	IS_NAME = 0x80,
};

// What a byte may be, and in the low half its value as a hexadecimal digit.
static const uint8_t classes[256] = {
	['0'] = IS_NAME | IS_HEX | IS_DIGIT | 0,
	['1'] = IS_NAME | IS_HEX | IS_DIGIT | 1,
	['2'] = IS_NAME | IS_HEX | IS_DIGIT | 2,
	['3'] = IS_NAME | IS_HEX | IS_DIGIT | 3,
	['4'] = IS_NAME | IS_HEX | IS_DIGIT | 4,
	['5'] = IS_NAME | IS_HEX | IS_DIGIT | 5,
	['6'] = IS_NAME | IS_HEX | IS_DIGIT | 6,
	['7'] = IS_NAME | IS_HEX | IS_DIGIT | 7,
	['8'] = IS_NAME | IS_HEX | IS_DIGIT | 8,
	['9'] = IS_NAME | IS_HEX | IS_DIGIT | 9,
	['A'] = IS_NAME | IS_HEX | 10,
	['B'] = IS_NAME | IS_HEX | 11,
	['C'] = IS_NAME | IS_HEX | 12,
	['D'] = IS_NAME | IS_HEX | 13,
	['E'] = IS_NAME | IS_HEX | 14,
	['F'] = IS_NAME | IS_HEX | 15,
	['G' ... 'Z'] = IS_NAME,
	['a'] = IS_NAME | IS_HEX | 10,
	['b'] = IS_NAME | IS_HEX | 11,
	['c'] = IS_NAME | IS_HEX | 12,
	['d'] = IS_NAME | IS_HEX | 13,
	['e'] = IS_NAME | IS_HEX | 14,
	['f'] = IS_NAME | IS_HEX | 15,
	['g' ... 'z'] = IS_NAME,
	['_'] = IS_NAME,
	['.'] = IS_NAME,
	['$'] = IS_NAME,
	[':'] = IS_NAME,
	['<'] = IS_NAME,
	['>'] = IS_NAME,
	['@'] = IS_NAME,
	['-'] = IS_NAME,
};

static bool is_digit(char c)
{
	return classes[(unsigned char)c] & IS_DIGIT;
}

static bool is_hex(char c)
{
	return classes[(unsigned char)c] & IS_HEX;
}

const char *oops_find_bytes(const char *s, size_t len, const char *needle, size_t n)
{
	if (!n || len < n)
		return n ? NULL : s;
	const char *p = s, *last = s + (len - n);
#if defined(__SSE2__)
	// Sixteen places at a time: where the first byte and the last one are right.
	const __m128i first = _mm_set1_epi8(needle[0]), end = _mm_set1_epi8(needle[n - 1]);

	for (; last - p >= 15; p += 16) {
		__m128i a = _mm_loadu_si128((const __m128i *)p);
		__m128i b = _mm_loadu_si128((const __m128i *)(p + n - 1));
		unsigned int hits = (unsigned int)_mm_movemask_epi8(
			_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, end)));

		for (; hits; hits &= hits - 1) {
			const char *at = p + __builtin_ctz(hits);
			if (!memcmp(at, needle, n))
				return at;
		}
	}
#endif
	for (; p <= last && (p = memchr(p, needle[0], (size_t)(last - p) + 1)); p++) {
		if (!memcmp(p, needle, n))
			return p;
	}
	return NULL;
}

static const char *parse_hex(const char *p, const char *end, uint64_t *ret)
{
	uint64_t v = 0;
	const char *start = p;

	for (; p < end && p - start < 16 && is_hex(*p); p++)
		v = v << 4 | (classes[(unsigned char)*p] & 15);
	*ret = v;
	return p > start ? p : NULL;
}

static bool is_name(char c)
{
	return classes[(unsigned char)c] & IS_NAME;
}

bool oops_symbol_parse(const char **pos, const char *end, struct oops_symbol *ret)
{
	const char *p = *pos;

	*ret = (struct oops_symbol){0};
	// ":module:name+0x..": kernels before 2.6.29.
	if (p < end && *p == ':') {
		const char *m = p + 1, *c = memchr(m, ':', (size_t)(end - m < 64 ? end - m : 64));
		if (!c)
			return false;
		ret->module = m;
		ret->module_len = (size_t)(c - m);
		p = c + 1;
	}
	const char *name = p;
	while (p < end && p - name < 256 && is_name(*p))
		p++;
	if (p == name || is_digit(*name) || *name == '-')
		return false;
	// ppc64's old function descriptors: ".name".
	ret->name = *name == '.' ? name + 1 : name;
	ret->name_len = (size_t)(p - ret->name);
	if (!ret->name_len || end - p < 3 || p[0] != '+' || p[1] != '0' || p[2] != 'x')
		return false;
	if (!(p = parse_hex(p + 3, end, &ret->offset)) || end - p < 3 || p[0] != '/' ||
	    p[1] != '0' || p[2] != 'x' || !(p = parse_hex(p + 3, end, &ret->size)))
		return false;
	ret->have_offset = true;
	// " [module]", with the module's build id in some distributions' kernels " [module
	// 1a2b..]".
	if (end - p > 3 && p[0] == ' ' && p[1] == '[' && (p[2] < '0' || p[2] > '9' || 1)) {
		const char *m = p + 2, *c = m;
		while (c < end && c - m < 64 && (is_name(*c)) && *c != '<' && *c != ':')
			c++;
		const char *close = memchr(c, ']', (size_t)(end - c < 64 ? end - c : 64));
		size_t n = (size_t)(c - m);
		if (close && n && (*c == ']' || *c == ' ') &&
		    !(n == 6 && !memcmp(m, "inline", 6))) {
			ret->module = m;
			ret->module_len = n;
			p = close + 1;
		}
	}
	*pos = p;
	return true;
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

// "[<ffffffff81234567>]", "[c0000000001234]", "([<0000>]": addresses before a frame's name.
static const char *skip_address(const char *p, const char *end)
{
	uint64_t ignored;
	const char *q = p;

	if (q < end && *q == '(')
		q++;
	if (q == end || *q != '[')
		return NULL;
	q++;
	bool angle = q < end && *q == '<';
	if (angle)
		q++;
	const char *digits = q;
	if (oops_has_prefix(q, (size_t)(end - q), "(ptrval)") ||
	    oops_has_prefix(q, (size_t)(end - q), "          (null)")) {
		q = memchr(q, ')', (size_t)(end - q));
		q++;
	} else if (!(q = parse_hex(q, end, &ignored)) || q - digits < 4) {
		return NULL;
	}
	if (angle) {
		if (q == end || *q != '>')
			return NULL;
		q++;
	}
	return q < end && *q == ']' ? q + 1 : NULL;
}

static const char *parse_plain_name(const char *p, const char *end, struct oops_symbol *ret)
{
	const char *q = p;

	while (q < end && q - p < 256 && is_name(*q))
		q++;
	if (q == p || is_digit(*p))
		return NULL;
	*ret = (struct oops_symbol){.name = p, .name_len = (size_t)(q - p)};
	return q;
}

// ARM: "[<c0014318>] (callee) from [<c001457c>] (caller+0x18/0x1c)", new: "callee from
// caller+0x..".
static bool parse_arm(const char *p, const char *end, struct oops_frame_line *ret)
{
	bool parens = p < end && *p == '(';
	const char *q;

	if (parens)
		p++;
	const char *start = p;
	if (!oops_symbol_parse(&p, end, &ret->callee)) {
		p = start;
		if (!(p = parse_plain_name(p, end, &ret->callee)))
			return false;
	}
	if (parens) {
		if (p == end || *p != ')')
			return false;
		p++;
	}
	if (!oops_has_prefix(p, (size_t)(end - p), " from "))
		return false;
	p += 6;
	if ((q = skip_address(p, end)))
		p = skip_blank(q, end);
	if (p < end && *p == '(')
		p++;
	if (!oops_symbol_parse(&p, end, &ret->symbol))
		return false;
	ret->have_callee = true;
	ret->reliable = true;
	return true;
}

bool oops_frame_parse(const char *s, size_t len, struct oops_frame_line *ret)
{
	const char *end = s + len, *p = skip_blank(s, end), *q;

	// No frame without "name+0x1/0x2".
	if (!memchr(p, '+', (size_t)(end - p)))
		return false;
	*ret = (struct oops_frame_line){.reliable = true};
	// " <IRQ>  [<ffffffff81234567>] f+0x1/0x2", " <<EOE>>  [<...>] ...": kernels before 4.9.
	while (p < end && *p == '<' && (q = memchr(p, '>', (size_t)(end - p < 12 ? end - p : 12))))
		p = skip_blank(q + 1, end);
	while (p < end && *p == '>')
		p = skip_blank(p + 1, end);
	while ((q = skip_address(p, end)))
		p = skip_blank(q, end);
	if (end - p > 2 && p[0] == '?' && p[1] == ' ') {
		ret->reliable = false;
		p += 2;
	}
	if (p == end)
		return false;
	const char *start = p;
	if (!oops_symbol_parse(&p, end, &ret->symbol))
		return parse_arm(start, end, ret);
	// What may follow: nothing, a closing parenthesis, "(unreliable)", "(P)" marks, the place
	// that a symbolizer added, "from" (ARM). Prose that only begins like a symbol is no frame.
	if (p < end && *p == ')')
		p++;
	if (p == end)
		return true;
	if (oops_has_prefix(p, (size_t)(end - p), " from "))
		return parse_arm(start, end, ret);
	if (*p != ' ')
		return false;
	p = skip_blank(p, end);
	if (oops_has_prefix(p, (size_t)(end - p), "(unreliable)"))
		ret->reliable = false;
	if (*p == '(' || *p == '[')
		return true;
	// "fs/read_write.c:123"
	return memchr(p, '/', (size_t)(end - p)) || memchr(p, ':', (size_t)(end - p));
}

static enum oops_pc pc_symbol(const char *p, const char *end, struct oops_symbol *ret)
{
	const char *q;

	p = skip_blank(p, end);
	while ((q = skip_address(p, end)))
		p = skip_blank(q, end);
	if (oops_symbol_parse(&p, end, ret))
		return OOPS_PC_SYMBOL;
	return OOPS_PC_ADDRESS;
}

enum oops_pc oops_pc_parse(const char *s, size_t len, struct oops_symbol *ret)
{
	const char *end = s + len, *p = skip_blank(s, end);
	size_t n = (size_t)(end - p);

	if (n < 6)
		return OOPS_PC_NONE;
	switch (*p) {
	case 'R':
	case 'E':
		if (memcmp(p + 1, "IP:", 3) && memcmp(p + 1, "IP ", 3))
			return OOPS_PC_NONE;
		// "RIP: 0010:f", "RIP: 0033:0x47b7a0", "RIP: e030:f", "EIP: 0060:[<c0>]", "EIP: f".
		p = skip_blank(p + 4, end);
		if (end - p > 5 && p[4] == ':' && is_hex(p[0]) && is_hex(p[3])) {
			// The two low bits of the code segment are the privilege level.
			if (p[3] == '3' || p[3] == 'b' || p[3] == '7')
				return OOPS_PC_USER;
			p += 5;
		}
		return pc_symbol(p, end, ret);
	case 'I':
		// "IP: [<ffff>] f+0x", kernels before 4.12.
		return memcmp(p, "IP: ", 4) ? OOPS_PC_NONE : pc_symbol(p + 4, end, ret);
	case 'p':
	case 'P':
		if (!memcmp(p, "pc : ", 5))
			return pc_symbol(p + 5, end, ret);
		if (oops_has_prefix(p, n, "PC is at "))
			return pc_symbol(p + 9, end, ret);
		return OOPS_PC_NONE;
	case 'e':
		// riscv: "epc : f+0x1/0x2" and then " ra : g+0x..".
		return memcmp(p, "epc : ", 6) ? OOPS_PC_NONE : pc_symbol(p + 6, end, ret);
	case 'N':
		// ppc64: "NIP [c0000] f+0x.."; the line "NIP:  c0000 LR: .." holds addresses only.
		return memcmp(p, "NIP [", 5) ? OOPS_PC_NONE : pc_symbol(p + 4, end, ret);
	case 'K': {
		// s390x: "Krnl PSW : 0704e00180000000 0000000000123456 (f+0x1/0x2)".
		if (!oops_has_prefix(p, n, "Krnl PSW"))
			return OOPS_PC_NONE;
		const char *q = memchr(p, '(', n);
		return q ? pc_symbol(q + 1, end, ret) : OOPS_PC_ADDRESS;
	}
	default:
		return OOPS_PC_NONE;
	}
}
