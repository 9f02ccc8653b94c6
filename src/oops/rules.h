/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The lines that begin a report, or tell more of one: recognised by a DFA (rules.re). */
#ifndef EYRIE_OOPS_RULES_H
#define EYRIE_OOPS_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "oops/event.h"

/**
 * X(id, kind, flags): what kind of report a line begins. Flags: START, only at the start of a
 * message (the words are common elsewhere); DIE, printed by the architecture's die path (a
 * second line of the same report may follow); REGS, followed by registers of the place itself.
 */
#define OOPS_RULES(X)                               \
	X(NONE, UNKNOWN, 0)                         \
	X(KASAN, KASAN_OTHER, 0)                    \
	X(KFENCE, KFENCE, 0)                        \
	X(KMSAN, KMSAN, 0)                          \
	X(KCSAN, KCSAN, 0)                          \
	X(NULL_DEREF, NULL_DEREF, RULE_DIE)         \
	X(PAGE_FAULT, PAGE_FAULT, RULE_DIE)         \
	X(GPF, GPF, RULE_START | RULE_DIE)          \
	X(GPF_GLUED, GPF, RULE_DIE)                 \
	X(BUG_AT, BUG, RULE_DIE)                    \
	X(LIST, BUG, RULE_START)                    \
	X(CFI, BUG, RULE_START)                     \
	X(RUST, BUG, RULE_START)                    \
	X(USERCOPY, BUG, 0)                         \
	X(FORTIFY, BUG, RULE_START)                 \
	X(INVALID_OP, TRAP, RULE_START | RULE_DIE)  \
	X(TRAP, TRAP, RULE_START | RULE_DIE)        \
	X(DOUBLE_FAULT, TRAP, RULE_DIE)             \
	X(BAD_MODE, TRAP, RULE_START | RULE_DIE)    \
	X(SERROR, HW_OTHER, RULE_START | RULE_DIE)  \
	X(DIED, TRAP, RULE_START | RULE_DIE)        \
	X(OOPS, PAGE_FAULT, RULE_START | RULE_DIE)  \
	X(STACK_GUARD, STACK_OVERFLOW, RULE_DIE)    \
	X(STACK_OVERFLOW, STACK_OVERFLOW, RULE_DIE) \
	X(WARN_AT, WARNING, 0)                      \
	X(WARN, WARNING, RULE_START)                \
	X(UNWIND, WARNING, RULE_START)              \
	X(LOCKDEP, LOCKDEP, 0)                      \
	X(RCU_USAGE, LOCKDEP, 0)                    \
	X(SPINLOCK, LOCKDEP, 0)                     \
	X(SLEEP_ATOMIC, ATOMIC, 0)                  \
	X(SCHED_ATOMIC, ATOMIC, 0)                  \
	X(PREEMPT, ATOMIC, 0)                       \
	X(HUNG_TASK, HANG, 0)                       \
	X(WORKQUEUE, HANG, 0)                       \
	X(CSD, HANG, 0)                             \
	X(RCU_STALL, RCU_STALL, 0)                  \
	X(SOFT_LOCKUP, SOFT_LOCKUP, 0)              \
	X(HARD_LOCKUP, HARD_LOCKUP, 0)              \
	X(PANIC, PANIC, 0)                          \
	X(UBSAN, UBSAN, 0)                          \
	X(LEAK, MEMLEAK, 0)                         \
	X(BAD_PAGE, BUG_MSG, 0)                     \
	X(DENTRY, BUG_MSG, 0)                       \
	X(SLAB, BUG_MSG, RULE_START)                \
	X(BUG_MSG, BUG_MSG, 0)                      \
	X(SLAB_TRACK, UNKNOWN, RULE_START)          \
	X(STUCK_REF, STUCK_REF, RULE_START)         \
	X(OOM_KILL, OOM, 0)                         \
	X(MCE, MCE, 0)                              \
	X(NMI, NMI, RULE_START)                     \
	X(HW, HW_OTHER, 0)                          \
	X(BAD_IRQ, WARNING, RULE_START)             \
	X(ALLOC_FAIL, OOM, 0)                       \
	X(CUT, UNKNOWN, RULE_START)

enum { RULE_START = 1, RULE_DIE = 2 };

enum oops_rule {
#define X(id, kind, flags) RULE_##id,
	OOPS_RULES(X)
#undef X
		OOPS_RULE_COUNT,
};

struct oops_rule_info {
	enum oops_kind kind;
	unsigned int flags;
};
extern const struct oops_rule_info oops_rule_info[OOPS_RULE_COUNT];

/** Where a line begins a report. */
struct oops_header {
	enum oops_rule rule;
	/** Of the message: where the header's words begin and where what they matched ends. */
	size_t at;
	size_t end;
};

/**
 * Find the first header in a message. @p text must be followed by a NUL at @p len (the DFA's
 * sentinel) and hold no other NUL.
 */
bool oops_header_find(const char *text, size_t len, struct oops_header *ret);

#endif
