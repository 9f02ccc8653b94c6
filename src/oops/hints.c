/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/hints.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * Each of these is silent where software could have done it as well: precision goes before
 * everything (docs/signatures.md says what is not claimed, and why).
 */

enum {
	// Objects of one kind often lie a power of two apart: below this bit two good pointers may
	// well differ in one bit.
	BIT_OBJECTS = 24,
	// The same for whole regions of memory, where only chance must be kept out.
	BIT_REGIONS = 30,
	BIT_CANONICAL = 47,
	// An access may begin so many bytes before the page that faults.
	ACCESS_MAX = 64,
};

static bool is_canonical(uint64_t address)
{
	// 48 bits, sign-extended: what all of today's machines use unless told otherwise.
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

// Whether x86-64's kernel has memory there, whatever KASLR did (Documentation/x86/x86_64/mm.rst).
static bool is_kernel_memory(uint64_t address)
{
	return (address >= 0xffff880000000000 && address < 0xfffffe0000000000) ||
	       (address >= 0xffffffff80000000 && address < 0xffffffffff000000);
}

static bool is_one_bit(uint64_t v)
{
	return v && !(v & (v - 1));
}

// Fillers (poison of lists and of freed memory, KASAN's shadow, ASCII) are a program's doing.
static bool is_filler(uint64_t address)
{
	static const uint16_t fillers[] = {0xdead, 0x6b6b, 0x5a5a, 0xcccc, 0xaaaa, 0xa5a5,
					   0xdfff, 0xdffe, 0x6161, 0x4141, 0x5555};

	for (size_t i = 0; i < EY_ARRAY_SIZE(fillers); i++) {
		if (address >> 48 == fillers[i])
			return true;
	}
	return false;
}

/** The bit that alone keeps @p address from being a pointer of the kernel's, -1 for none. */
static int stray_bit(uint64_t address)
{
	if (is_canonical(address) || is_filler(address))
		return -1;
	for (int bit = BIT_CANONICAL; bit < 64; bit++) {
		uint64_t flipped = address ^ 1ULL << bit;
		if (is_kernel_memory(flipped) && flipped << 32)
			return bit;
	}
	return -1;
}

// The address that a fault's first line names.
static bool header_address(const struct report *r, uint64_t *ret)
{
	static const char *const words[] = {"address 0x", "address: ", "request at ",
					    "dereference at "};

	for (size_t i = 0; i < EY_ARRAY_SIZE(words); i++) {
		const char *at = strstr(r->header, words[i]);
		char *end;

		if (!at)
			continue;
		at += strlen(words[i]);
		*ret = strtoull(at, &end, 16);
		return end - at >= 8;
	}
	return false;
}

static bool says(struct ey_buf *why, int bit, const char *what, uint64_t bad, uint64_t good)
{
	ey_buf_printf(why, "bit %d alone keeps %s 0x%llx from being a kernel address (0x%llx)", bit,
		      what, (unsigned long long)bad, (unsigned long long)good);
	return true;
}

static bool hint_gpf(const struct report *r, const struct oops_insn *insn, struct ey_buf *why)
{
	uint64_t address = 0;
	int bit;

	if (header_address(r, &address)) {
		bit = stray_bit(address);
		return bit >= 0 && says(why, bit, "the address", address, address ^ 1ULL << bit);
	}
	// Before 5.5 the kernel does not name the address: the instruction's own registers do.
	if (insn->kind != OOPS_INSN_MEMORY || insn->base < 0 || !insn->computable ||
	    !(r->state.have & 1u << insn->base))
		return false;
	address = r->state.reg[insn->base];
	bit = stray_bit(address);
	return bit >= 0 &&
	       says(why, bit, oops_reg_name(insn->base), address, address ^ 1ULL << bit);
}

// The address that faulted is not the one that the instruction asks for.
static bool hint_wrong_address(const struct report *r, const struct oops_insn *insn,
			       struct ey_buf *why)
{
	uint64_t address, wanted;

	if (insn->kind != OOPS_INSN_MEMORY || !header_address(r, &address) || !r->state.have_cr2 ||
	    r->state.cr2 != address || !oops_insn_address(&r->state, insn, &wanted) ||
	    address - wanted < ACCESS_MAX)
		return false;
	ey_buf_printf(why,
		      "the instruction accesses 0x%llx by its registers, but the processor faulted "
		      "at 0x%llx",
		      (unsigned long long)wanted, (unsigned long long)address);
	if (is_one_bit(wanted ^ address))
		ey_buf_printf(why, ", which differs in bit %d", __builtin_ctzll(wanted ^ address));
	return true;
}

// Another register holds the same pointer with one bit other than that which faulted.
static bool hint_sibling(const struct report *r, struct ey_buf *why)
{
	uint64_t address;

	if (!header_address(r, &address) || !is_kernel_memory(address))
		return false;
	// Round addresses are the same in many places.
	int middle = __builtin_popcountll(address >> 12 & 0x3ffff);
	if (middle < 5 || middle > 13)
		return false;
	for (int i = 0; i < OOPS_REGS; i++) {
		uint64_t other = r->state.reg[i], differ = (address ^ other) & ~0xfffULL;

		if (!(r->state.have & 1u << i) || i == 4 || !is_kernel_memory(other) ||
		    !is_one_bit(differ) || differ < 1ULL << BIT_REGIONS ||
		    differ >= 1ULL << BIT_CANONICAL)
			continue;
		ey_buf_printf(why, "the address 0x%llx differs from %s 0x%llx in bit %d alone",
			      (unsigned long long)address, oops_reg_name(i),
			      (unsigned long long)other, __builtin_ctzll(differ));
		return true;
	}
	return false;
}

static bool hint_fault(const struct report *r, const struct oops_insn *insn, struct ey_buf *why)
{
	// Fetching an instruction is no matter of what the instruction says, nor is a broken page
	// table. Without the error code nobody knows.
	bool data = r->state.have_pf_code && !(r->state.pf_code & (1u << 4 | 1u << 3));

	if (data && insn->kind == OOPS_INSN_PLAIN) {
		ey_buf_adds(why, "the processor reports a fault of memory at an instruction that "
				 "touches none");
		return true;
	}
	return (data && hint_wrong_address(r, insn, why)) || hint_sibling(r, why);
}

static bool hint_trap(const struct report *r, const struct oops_insn *insn, struct ey_buf *why)
{
	if (r->rule == RULE_INVALID_OP &&
	    (insn->kind == OOPS_INSN_PLAIN || insn->kind == OOPS_INSN_MEMORY)) {
		ey_buf_adds(why, "the processor refused a plain instruction as invalid");
		return true;
	}
	if (strstr(r->header, "divide error") && insn->kind != OOPS_INSN_UNKNOWN &&
	    insn->kind != OOPS_INSN_DIVIDE) {
		ey_buf_adds(why, "the processor reports a division by zero at an instruction that "
				 "does not divide");
		return true;
	}
	return false;
}

// A jump to a place that one bit keeps from being kernel text.
static bool hint_jump(const struct report *r, struct ey_buf *why)
{
	for (int bit = 32; r->state.have_ip && bit < 64; bit++) {
		uint64_t good = r->state.ip ^ 1ULL << bit;

		if (good < 0xffffffff80000000 || good >= 0xffffffffff000000)
			continue;
		return says(why, bit, "the program counter", r->state.ip, good);
	}
	return false;
}

// lib/list_debug.c: what two pointers that should be the same differ in.
static bool hint_list(const struct report *r, struct ey_buf *why)
{
	uint64_t differ = r->state.want ^ r->state.found;

	if (!r->state.have_pair || !is_kernel_memory(r->state.want) || !is_one_bit(differ) ||
	    differ < 1ULL << BIT_OBJECTS)
		return false;
	ey_buf_printf(why, "a list's pointer is 0x%llx and should be 0x%llx: bit %d alone differs",
		      (unsigned long long)r->state.found, (unsigned long long)r->state.want,
		      __builtin_ctzll(differ));
	return true;
}

// mm/memory.c print_bad_pte(): "BUG: Bad page map in process x  pte:00000400 pmd:...".
static bool hint_page_table(const struct report *r, struct ey_buf *why)
{
	const char *at = strstr(r->header, " pte:");

	if (!at || !strstr(r->header, "Bad page map"))
		return false;
	uint64_t pte = strtoull(at + 5, NULL, 16);
	if (!is_one_bit(pte) || pte == 1)
		return false;
	ey_buf_printf(why, "bit %d is all that stands in a page table entry that should be empty",
		      __builtin_ctzll(pte));
	return true;
}

bool oops_hint_state(const struct report *r, struct ey_buf *why)
{
	struct oops_insn insn = {.kind = OOPS_INSN_UNKNOWN};

	if (hint_list(r, why) || hint_page_table(r, why))
		return true;
	if (!(oops_rule_info[r->rule].flags & RULE_DIE) || r->corrupted)
		return false;
	// The bytes are those of an instruction only where a function is.
	if (r->pc.name && !r->pc_unknown)
		oops_insn_decode(&r->state, &insn);
	switch (r->kind) {
	case OOPS_GPF:
		if (insn.kind == OOPS_INSN_PLAIN && strstr(r->header, ": 0000 [#")) {
			ey_buf_adds(why, "the processor reports a general protection fault at a "
					 "plain instruction that touches no memory");
			return true;
		}
		return hint_gpf(r, &insn, why) || hint_jump(r, why);
	case OOPS_PAGE_FAULT:
	case OOPS_NULL_DEREF:
		return hint_fault(r, &insn, why) || hint_jump(r, why);
	case OOPS_TRAP:
		return hint_trap(r, &insn, why);
	default:
		return false;
	}
}
