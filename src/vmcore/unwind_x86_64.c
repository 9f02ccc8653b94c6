/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unwind_next_frame() of arch/x86/kernel/unwind_orc.c, on a dump. */
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/machine_x86_64.h"
#include "vmcore/memory.h"
#include "vmcore/orc.h"

// The five words that the processor pushes: ip, cs, flags, sp, ss.
enum { IRET_WORDS = 5 };
// DF, NMI, DB, MCE, VC: an exception on one of their stacks may have interrupted one below it.
enum { MAX_DESCENTS = 5 };

// A register of the interrupted context that this frame stands for.
static bool reg(const struct unwind *u, enum orc_reg which, uint64_t *ret)
{
	if (which == ORC_REG_SP || which == ORC_REG_SP_INDIRECT) {
		*ret = u->sp;
		return true;
	}
	if (which == ORC_REG_BP || which == ORC_REG_BP_INDIRECT) {
		*ret = u->bp;
		return u->bp_known;
	}
	if (!u->have_regs || u->partial_regs)
		return false;
	switch (which) {
	case ORC_REG_R10:
		*ret = u->regs.r10;
		return true;
	case ORC_REG_R13:
		*ret = u->regs.r13;
		return true;
	case ORC_REG_DI:
		*ret = u->regs.di;
		return true;
	case ORC_REG_DX:
		*ret = u->regs.dx;
		return true;
	case ORC_REG_AX:
		*ret = u->regs.ax;
		return true;
	default:
		return false;
	}
}

// The stack pointer of the caller (the canonical frame address).
static const char *frame_address(struct unwind *u, const struct orc_entry *orc, uint64_t *ret)
{
	uint64_t sp;

	if (!reg(u, orc->sp_reg, &sp))
		return "a register that its frame depends on is not known";
	if (orc->sp_reg == ORC_REG_BP_INDIRECT)
		sp += (uint64_t)(int64_t)orc->sp_offset;
	if (orc->sp_reg == ORC_REG_BP_INDIRECT || orc->sp_reg == ORC_REG_SP_INDIRECT) {
		if (!unwind_deref(u, sp, &sp))
			return "it leaves the stack";
		if (orc->sp_reg == ORC_REG_SP_INDIRECT)
			sp += (uint64_t)(int64_t)orc->sp_offset;
	} else if (orc->sp_reg == ORC_REG_SP || orc->sp_reg == ORC_REG_BP) {
		sp += (uint64_t)(int64_t)orc->sp_offset;
	}
	*ret = sp;
	return NULL;
}

static bool read_regs(struct unwind *u, uint64_t at, bool partial)
{
	uint64_t words[sizeof(struct cpu_regs) / 8] = {0};
	size_t first = partial ? EY_ARRAY_SIZE(words) - IRET_WORDS : 0;

	for (size_t i = first; i < EY_ARRAY_SIZE(words); i++) {
		if (!unwind_deref(u, at + (i - first) * 8, &words[i]))
			return false;
	}
	memcpy(&u->regs, words, sizeof(words));
	u->have_regs = true;
	u->partial_regs = partial;
	return true;
}

static bool find_entry(struct unwind *u, struct orc_entry *ret)
{
	// A return address may be the first of the next function: look at the call before it.
	if (orc_find(u->k, u->interrupted ? u->ip : u->ip - 1, ret))
		return true;
	// A call through a bad pointer: only its return address is on the stack (null_orc_entry of
	// the kernel, which has it for NULL).
	if (u->interrupted && !kernel_is_text(u->k, u->ip)) {
		*ret = (struct orc_entry){
			.type = ORC_TYPE_CALL, .sp_reg = ORC_REG_SP, .sp_offset = 8};
		return true;
	}
	// Generated code (BPF) keeps frame pointers: orc_fp_entry of the kernel.
	*ret = (struct orc_entry){.type = ORC_TYPE_CALL,
				  .sp_reg = ORC_REG_BP,
				  .sp_offset = 16,
				  .bp_reg = ORC_REG_PREV_SP,
				  .bp_offset = -16};
	u->reliable = false;
	return u->bp_known;
}

static enum unwind_result find_return(struct unwind *u, const struct orc_entry *orc, uint64_t cfa)
{
	switch (orc->type) {
	case ORC_TYPE_CALL:
		u->slot = cfa - 8;
		if (!unwind_deref(u, u->slot, &u->ip))
			return unwind_broken(u, "it leaves the stack");
		u->sp = cfa;
		u->interrupted = false;
		return UNWIND_NEXT;
	case ORC_TYPE_REGS:
	case ORC_TYPE_REGS_PARTIAL:
		u->slot = cfa;
		if (!read_regs(u, cfa, orc->type == ORC_TYPE_REGS_PARTIAL))
			return unwind_broken(
				u, "the registers saved at an exception are not on the stack");
		u->ip = u->regs.ip;
		u->sp = u->regs.sp;
		u->interrupted = true;
		return u->regs.cs & 3 ? UNWIND_USER : UNWIND_NEXT;
	default:
		return unwind_broken(u, "the unwind data end here");
	}
}

bool x86_64_follows_call(const struct unwind *u)
{
	// call rel32 (e8), or call through a register or memory: ff /2 in 2, 3, 6 or 7 bytes.
	enum { WINDOW = 7 };
	uint8_t code[WINDOW];

	if (!kernel_is_text(u->k, u->ip - 1) || !kernel_is_text(u->k, u->ip - WINDOW))
		return false;
	_cleanup_error_ struct ey_error *err =
		memory_read(&u->k->memory, u->ip - WINDOW, code, sizeof(code));
	if (err)
		return false;
	if (code[WINDOW - 5] == 0xe8)
		return true;
	for (size_t len = 2; len <= WINDOW; len++) {
		if (code[WINDOW - len] == 0xff && (code[WINDOW - len + 1] >> 3 & 7) == 2)
			return true;
	}
	return false;
}

/**
 * Some functions have no unwind data (STACK_FRAME_NON_STANDARD, such as __crash_kexec()), and
 * above them the frame of one that depends on bp is not known either. The caller of such a one is
 * where the next return address on the stack lies whose call instruction calls this very function.
 */
static bool find_direct_call(struct unwind *u, const struct orc_entry *orc)
{
	enum { CALL = 0xe8, CALL_SIZE = 5, MAX_FRAME_BYTES = 4096 };
	const struct unwind_region *r = unwind_region_of(u, u->sp);
	struct symbol function;

	if (!r || u->interrupted || !kernel_find_symbol(u->k, u->ip - 1, &function))
		return false;
	uint64_t end = EY_MIN(r->end, u->sp + MAX_FRAME_BYTES);
	for (uint64_t at = u->sp; at + 8 <= end; at += 8) {
		uint8_t call[CALL_SIZE];
		int32_t distance;
		uint64_t ip;

		if (!unwind_deref(u, at, &ip) || !kernel_is_text(u->k, ip - CALL_SIZE))
			continue;
		_cleanup_error_ struct ey_error *err =
			memory_read(&u->k->memory, ip - CALL_SIZE, call, sizeof(call));
		if (err || call[0] != CALL)
			continue;
		memcpy(&distance, call + 1, sizeof(distance));
		if (ip + (uint64_t)(int64_t)distance != function.address)
			continue;
		u->ip = ip;
		u->slot = at;
		u->sp = at + 8;
		u->have_regs = false;
		u->bp_known = orc->bp_reg == ORC_REG_PREV_SP &&
			      unwind_deref(u, u->sp + (uint64_t)(int64_t)orc->bp_offset, &u->bp);
		return true;
	}
	return false;
}

// Damaged data must not lead in circles, nor to what is no code.
static enum unwind_result check_progress(struct unwind *u, const struct unwind_region *before,
					 uint64_t previous_sp)
{
	if (!u->interrupted && !kernel_is_text(u->k, u->ip - 1) &&
	    !orc_is_trampoline(u->k, u->ip)) {
		u->reliable = false;
		return unwind_broken(u, "a return address is not in the kernel's text");
	}
	if (before && u->sp <= previous_sp && unwind_region_of(u, u->sp) == before &&
	    (!u->interrupted || !before->several || u->descents++ >= MAX_DESCENTS))
		return unwind_broken(u, "its frames go in circles");
	return UNWIND_NEXT;
}

/**
 * unwind_next_frame() of arch/x86/kernel/unwind_frame.c: bp points to the caller's bp, above which
 * is the return address. Entry code leaves where it put the registers in bp, with its lowest bit
 * set (ENCODE_FRAME_POINTER of arch/x86/include/asm/frame.h), or 0 at the entry of a system call.
 */
static enum unwind_result step_by_frame_pointer(struct unwind *u)
{
	const struct unwind_region *before = unwind_region_of(u, u->sp);
	const uint64_t previous_sp = u->sp, bp = u->bp;

	if (!u->bp_known)
		return unwind_broken(u, "a register that its frame depends on is not known");
	if (!bp)
		return UNWIND_END;
	if (bp & 1) {
		u->slot = bp - 1;
		if (!read_regs(u, bp - 1, false))
			return unwind_broken(
				u, "the registers saved at an exception are not on the stack");
		u->ip = u->regs.ip;
		u->sp = u->regs.sp;
		u->bp = u->regs.bp;
		u->interrupted = true;
		if (u->regs.cs & 3)
			return UNWIND_USER;
		// A kernel thread begins with registers that are all 0.
		return u->ip ? check_progress(u, before, previous_sp) : UNWIND_END;
	}
	u->slot = bp + 8;
	if (!unwind_deref(u, bp, &u->bp) || !unwind_deref(u, bp + 8, &u->ip))
		return unwind_broken(u, "it leaves the stack");
	u->sp = bp + 16;
	u->interrupted = u->have_regs = false;
	return check_progress(u, before, previous_sp);
}

enum unwind_result x86_64_unwind_step(struct unwind *u)
{
	const struct unwind_region *before = unwind_region_of(u, u->sp);
	uint64_t previous_sp = u->sp, cfa;
	struct orc_entry orc;

	if (!u->k->orc)
		return step_by_frame_pointer(u);
	if (!find_entry(u, &orc))
		return unwind_broken(u, "no unwind data for this address");
	if (orc.type == ORC_TYPE_END_OF_STACK)
		return UNWIND_END;
	if (orc.type == ORC_TYPE_UNDEFINED)
		return find_direct_call(u, &orc) ? UNWIND_NEXT
						 : unwind_broken(u, "the unwind data end here");
	const char *why = frame_address(u, &orc, &cfa);
	if (why)
		return orc.type == ORC_TYPE_CALL && find_direct_call(u, &orc)
			       ? UNWIND_NEXT
			       : unwind_broken(u, why);
	uint64_t old_bp = u->bp;
	enum unwind_result result = find_return(u, &orc, cfa);
	if (result != UNWIND_NEXT)
		return result;

	// Where the caller's bp is.
	if (u->interrupted && !u->partial_regs) {
		u->bp = u->regs.bp;
		u->bp_known = true;
	} else if (orc.bp_reg == ORC_REG_PREV_SP) {
		u->bp_known = unwind_deref(u, cfa + (uint64_t)(int64_t)orc.bp_offset, &u->bp);
	} else if (orc.bp_reg == ORC_REG_BP && u->bp_known) {
		u->bp_known = unwind_deref(u, old_bp + (uint64_t)(int64_t)orc.bp_offset, &u->bp);
	}
	// The registers of an exception hold for the function that it interrupted, not above.
	if (!u->interrupted)
		u->have_regs = false;
	return check_progress(u, before, previous_sp);
}
