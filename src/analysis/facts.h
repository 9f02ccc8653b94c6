/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file All that an analysis finds in a dump, before it is written as record and text. */
#ifndef EYRIE_ANALYSIS_FACTS_H
#define EYRIE_ANALYSIS_FACTS_H

#include "base/buf.h"
#include "oops/event.h"
#include "vmcore/kernel.h"
#include "vmcore/stack.h"
#include "vmcore/system.h"
#include "vmcore/task.h"

/** A stack that a pass was asked for. */
struct facts_stack {
	struct stack stack;
	/** Other tasks with the very same frames. */
	struct task *same;
	size_t same_count;
};

/** A key of the record that a pass gave: its value as JSON. */
struct facts_part {
	const char *key;
	struct ey_buf json;
};

enum { FACTS_MAX_PARTS = 8 };

struct facts {
	struct kernel *kernel;
	/** Name and size of the dump file. */
	const char *dump_name;
	uint64_t dump_bytes;
	struct system_info system;
	struct ey_buf log;
	/** The event that took the machine down; NULL where none is found. Owned by events. */
	const struct oops_event *event;
	struct oops_event *events;
	size_t event_count;
	/** The panic task's stack first, then the other CPUs'. */
	struct stack *stacks;
	size_t stack_count;
	bool have_panic_task;
	struct task_list tasks;
	/** What the passes gave; see passes.h. */
	struct facts_stack *more_stacks;
	size_t more_count;
	struct facts_part parts[FACTS_MAX_PARTS];
	size_t part_count;
	struct ey_buf pass_text;
};

/** Collect from an open kernel; what cannot be had becomes a gap of the kernel. */
struct ey_error *facts_collect(struct facts *f, struct kernel *k, const char *dump_name,
			       uint64_t dump_bytes) EY_MUST_CHECK;
void facts_deinit(struct facts *f);
/** Add the stack (taken over in any case) to the further ones. */
struct ey_error *facts_add_stack(struct facts *f, struct stack *stack) EY_MUST_CHECK;
/** The task with this address among those listed, or NULL. */
const struct task *facts_find_task(const struct facts *f, uint64_t address);

/** Write as record.json (docs/record.schema.json). */
void facts_write_record(const struct facts *f, struct ey_buf *ret);
/** Write as text, laid out as crash users know it: sys, bt, bt -a, log, ps, mod. */
void facts_write_text(const struct facts *f, struct ey_buf *ret);

/**
 * The event that a stack alone tells, for dumps without a log: as the kernel would have printed
 * it, given to the same parser. NULL @p events_ret where the stack tells none.
 */
struct ey_error *event_from_stack(const struct stack *stack, const char *release,
				  struct oops_event **events_ret, size_t *count_ret) EY_MUST_CHECK;

#endif
