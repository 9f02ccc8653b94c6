/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/state.h"

#include <string.h>

#include "base/cleanup.h"
#include "oops/line.h"

static const char *const names[OOPS_REGS] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP",
					     "RSI", "RDI", "R8",  "R9",	 "R10", "R11",
					     "R12", "R13", "R14", "R15"};

const char *oops_reg_name(int reg)
{
	return reg >= 0 && reg < OOPS_REGS ? names[reg] : "no register";
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// A number of at most 16 hexadecimal digits; how many there were.
static int take_hex(const char *p, const char *end, uint64_t *ret)
{
	uint64_t v = 0;
	int n = 0;

	for (; p + n < end && n < 17 && hex_digit(p[n]) >= 0; n++)
		v = v << 4 | (uint64_t)hex_digit(p[n]);
	*ret = v;
	return n <= 16 ? n : 0;
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && *p == ' ')
		p++;
	return p;
}

// "RAX", "R8", "R08" before a colon at @p p; -1 for no register of ours.
static int reg_at(const char *p, size_t len)
{
	if (len == 3 && p[0] == 'R' && p[1] == '0')
		return p[2] == '8' || p[2] == '9' ? p[2] - '0' : -1;
	for (int i = 0; i < OOPS_REGS; i++) {
		if (strlen(names[i]) == len && !memcmp(names[i], p, len))
			return i;
	}
	return -1;
}

// "RAX: 0000000000000000 RBX: ffff888104a1b2c8 RCX: ...", "RSP: 0018:ffffc90000a3fe48 EFLAGS: ..",
// "CR2: ffff888104a1b2c8 CR3: ...".
static void take_registers(struct oops_state *s, const char *p, const char *end)
{
	while ((p = skip_blank(p, end)) < end) {
		const char *colon = memchr(p, ':', (size_t)(end - p));
		uint64_t v;

		if (!colon || colon - p > 8)
			return;
		int reg = reg_at(p, (size_t)(colon - p));
		bool cr2 = colon - p == 3 && !memcmp(p, "CR2", 3);
		p = skip_blank(colon + 1, end);
		int digits = take_hex(p, end, &v);
		// The stack segment stands before RSP.
		if (digits == 4 && p + 4 < end && p[4] == ':') {
			p += 5;
			digits = take_hex(p, end, &v);
		}
		if (digits == 16 && reg >= 0 && !(s->have & 1u << reg)) {
			s->have |= (uint16_t)(1u << reg);
			s->reg[reg] = v;
		} else if (digits == 16 && cr2 && !s->have_cr2) {
			s->have_cr2 = true;
			s->cr2 = v;
		}
		p += digits;
		while (p < end && *p != ' ')
			p++;
	}
}

// "Code: 48 89 e5 <48> 8b 07 ...". Anything else behind the colon is a reason why there is none.
static void take_code(struct oops_state *s, const char *p, const char *end)
{
	bool marked = false;
	uint64_t v;

	if (s->code_done)
		return;
	s->code_done = true;
	while ((p = skip_blank(p, end)) < end && s->code_len < OOPS_CODE_MAX) {
		bool mark = *p == '<';

		if (mark)
			p++;
		if (take_hex(p, end, &v) != 2)
			break;
		p += 2;
		if (mark) {
			if (p == end || *p != '>' || marked)
				break;
			p++;
			marked = true;
			s->code_at = s->code_len;
		}
		s->code[s->code_len++] = (uint8_t)v;
	}
	if (!marked || p < end)
		s->code_len = 0;
}

void oops_state_take(struct oops_state *s, const char *text, size_t len)
{
	const char *end = text + len, *p = skip_blank(text, end);
	size_t n = (size_t)(end - p);
	uint64_t v;

	if (n < 5)
		return;
	switch (*p) {
	case '#':
		if (oops_has_prefix(p, n, "#PF: error_code(0x") && !s->have_pf_code &&
		    take_hex(p + 18, end, &v)) {
			s->have_pf_code = true;
			s->pf_code = (uint32_t)v;
		}
		break;
	case 'C':
		if (p[1] == 'o')
			take_code(s, p + 5, end);
		else if (p[1] == 'R' && !s->have_cr2)
			take_registers(s, p, end);
		break;
	case 'R':
		if (oops_has_prefix(p, n, "RIP: 0010:0x")) {
			if (!s->have_ip && take_hex(p + 12, end, &v)) {
				s->have_ip = true;
				s->ip = v;
			}
		} else if (!s->done && s->have != 0xffff) {
			take_registers(s, p, end);
		}
		break;
	default:
		break;
	}
}

// The first number of a pointer's length in [p, end).
static bool find_pointer(const char *p, const char *end, uint64_t *ret)
{
	for (; p < end; p++) {
		int n = hex_digit(*p) >= 0 ? take_hex(p, end, ret) : 0;
		if (n == 16)
			return true;
		p += n > 1 ? n - 1 : 0;
	}
	return false;
}

// lib/list_debug.c
void oops_state_take_header(struct oops_state *s, const char *text, size_t len)
{
	const char *end = text + len;
	const char *should = oops_find(text, len, " should be ");
	const char *was = should ? oops_find(should, (size_t)(end - should), "but was ") : NULL;

	const char *number = oops_find(text, len, " [#");
	uint64_t code;

	// "Oops: 0002 [#1]", since 6.10 "Oops: Oops: 0002 [#1]".
	if (number && number - text >= 10 && !s->have_pf_code &&
	    !memcmp(number - 10, "Oops: ", 6) && take_hex(number - 4, number, &code) == 4) {
		s->have_pf_code = true;
		s->pf_code = (uint32_t)code;
	}
	if (was && !s->have_pair)
		s->have_pair =
			find_pointer(should, was, &s->want) && find_pointer(was, end, &s->found);
}

/*
 * The decoder knows only the commonest instructions of compiled kernel code, those of the first
 * x86-64 processor, and says "unknown" to everything else: it has to be right, not complete.
 * Intel SDM vol. 2, appendix A.
 */

// Opcodes of one byte with a ModRM byte; the high bit of a pair chooses the operand size only.
static bool has_modrm(uint8_t op)
{
	// ADD OR ADC SBB AND SUB XOR CMP: r/m with r, and r with r/m.
	if (op < 0x40 && (op & 7) < 4)
		return true;
	switch (op) {
	case 0x63: // MOVSXD
	case 0x80: // arithmetic with an immediate number
	case 0x81:
	case 0x83:
	case 0x84: // TEST
	case 0x85:
	case 0x88: // MOV
	case 0x89:
	case 0x8a:
	case 0x8b:
		return true;
	default:
		return false;
	}
}

// Opcodes of one byte that touch no memory and never fault.
static bool is_plain(uint8_t op)
{
	// MOV of an immediate number, jumps near by, arithmetic of RAX with an immediate number,
	// NOP.
	return (op >= 0xb8 && op <= 0xbf) || (op >= 0x70 && op <= 0x7f) || op == 0xeb ||
	       op == 0xe9 || (op < 0x40 && (op & 7) >= 4 && (op & 7) <= 5) || op == 0xa8 ||
	       op == 0xa9 || op == 0x90;
}

/** What is left of the bytes. */
struct bytes {
	const uint8_t *p, *end;
};

static bool next(struct bytes *b, uint8_t *ret)
{
	if (b->p == b->end)
		return false;
	*ret = *b->p++;
	return true;
}

static bool take_offset(struct bytes *b, unsigned int size, int64_t *ret)
{
	uint32_t v = 0;

	if ((size_t)(b->end - b->p) < size)
		return false;
	for (unsigned int i = 0; i < size; i++)
		v |= (uint32_t)b->p[i] << 8 * i;
	b->p += size;
	*ret = size == 1 ? (int8_t)v : size == 4 ? (int32_t)v : 0;
	return true;
}

// The operand of a ModRM byte: false where bytes are missing.
static bool take_modrm(struct bytes *b, uint8_t rex, uint8_t *modrm_ret, struct oops_insn *insn)
{
	uint8_t modrm, sib;

	if (!next(b, &modrm))
		return false;
	*modrm_ret = modrm;
	unsigned int mod = modrm >> 6, rm = modrm & 7;
	if (mod == 3)
		return true;
	insn->base = (int)(rm | (rex & 1) << 3);
	insn->computable = true;
	if (rm == 4) {
		if (!next(b, &sib))
			return false;
		insn->base = (int)((sib & 7u) | (rex & 1u) << 3);
		insn->index = (int)((sib >> 3 & 7u) | (rex & 2u) << 2);
		insn->scale = 1u << (sib >> 6);
		// RSP is no index; no base and a 32-bit offset.
		if (insn->index == 4)
			insn->index = -1;
		if ((sib & 7) == 5 && !mod)
			insn->base = -1;
	} else if (rm == 5 && !mod) {
		insn->base = -1;
		insn->computable = false;
	}
	unsigned int size = mod == 1 ? 1 : mod == 2 || insn->base < 0 ? 4 : 0;
	return take_offset(b, size, &insn->offset);
}

void oops_insn_decode(const struct oops_state *s, struct oops_insn *ret)
{
	struct bytes b = {s->code + s->code_at, s->code + s->code_len};
	struct oops_insn insn = {.base = -1, .index = -1, .scale = 1};
	uint8_t op, rex = 0, modrm = 0;
	bool segment = false;

	*ret = insn;
	if (!s->code_len || !next(&b, &op))
		return;
	// LOCK, FS and GS may stand before; a byte of operand size too.
	for (int i = 0; i < 3 && (op == 0xf0 || op == 0x64 || op == 0x65 || op == 0x66); i++) {
		// LOCK makes some instructions illegal, operand size some others: not plain.
		if (op == 0xf0 || op == 0x66)
			return;
		segment = true;
		if (!next(&b, &op))
			return;
	}
	if ((op & 0xf0) == 0x40) {
		rex = op;
		if (!next(&b, &op))
			return;
	}
	if (op == 0xcc) {
		ret->kind = OOPS_INSN_TRAP;
		return;
	}
	if (op == 0x0f) {
		if (!next(&b, &op))
			return;
		if (op == 0x0b || op == 0xff || op == 0xb9) {
			ret->kind = OOPS_INSN_TRAP;
			return;
		}
		// Jumps on a condition; MOVZX, MOVSX.
		if (op >= 0x80 && op <= 0x8f) {
			ret->kind = OOPS_INSN_PLAIN;
			return;
		}
		if (op != 0xb6 && op != 0xb7 && op != 0xbe && op != 0xbf)
			return;
		if (!take_modrm(&b, rex, &modrm, &insn))
			return;
	} else if (op == 0xf6 || op == 0xf7) {
		if (!take_modrm(&b, rex, &modrm, &insn))
			return;
		// DIV, IDIV; the others of the group are left out.
		if ((modrm >> 3 & 7) < 6)
			return;
		insn.kind = OOPS_INSN_DIVIDE;
	} else if (op == 0xc6 || op == 0xc7) {
		if (!take_modrm(&b, rex, &modrm, &insn) || modrm >> 3 & 7)
			return;
	} else if (has_modrm(op)) {
		if (!take_modrm(&b, rex, &modrm, &insn))
			return;
	} else {
		if (is_plain(op))
			ret->kind = OOPS_INSN_PLAIN;
		return;
	}
	if (insn.kind == OOPS_INSN_UNKNOWN)
		insn.kind = modrm >> 6 == 3 ? OOPS_INSN_PLAIN : OOPS_INSN_MEMORY;
	if (segment)
		insn.computable = false;
	*ret = insn;
}

bool oops_insn_address(const struct oops_state *s, const struct oops_insn *insn, uint64_t *ret)
{
	uint64_t v = (uint64_t)insn->offset;
	const int regs[] = {insn->base, insn->index};

	if (!insn->computable)
		return false;
	for (size_t i = 0; i < EY_ARRAY_SIZE(regs); i++) {
		if (regs[i] < 0)
			continue;
		if (!(s->have & 1u << regs[i]))
			return false;
		v += s->reg[regs[i]] * (i ? insn->scale : 1);
	}
	*ret = v;
	return true;
}
