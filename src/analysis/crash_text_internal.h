/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The parts of the reader of crash's text; for this room only. */
#ifndef EYRIE_ANALYSIS_CRASH_TEXT_INTERNAL_H
#define EYRIE_ANALYSIS_CRASH_TEXT_INTERNAL_H

#include <string.h>

#include "analysis/crash_text.h"

/** A part of a line. */
struct span {
	const char *p, *end;
};

static inline size_t span_len(struct span s)
{
	return (size_t)(s.end - s.p);
}

static inline bool span_begins(struct span s, const char *words)
{
	size_t n = strlen(words);

	return span_len(s) >= n && !memcmp(s.p, words, n);
}

static inline bool span_is(struct span s, const char *words)
{
	return span_len(s) == strlen(words) && span_begins(s, words);
}

static inline bool span_has(struct span s, const char *words)
{
	return s.p && memmem(s.p, span_len(s), words, strlen(words));
}

struct span span_trim(struct span s);
/** Take the next word off the front of @p line; false where there is none. */
bool span_word(struct span *line, struct span *ret);
/** Numbers that fill the whole span. */
bool span_hex(struct span s, uint64_t *ret);
bool span_decimal(struct span s, int64_t *ret);
/** Copy, cut to @p size, NUL-terminated; bytes that no line of text has become '?'. */
void span_copy(struct span s, char *buf, size_t size);

/** What the lines at hand belong to. */
enum crash_section {
	CRASH_SECTION_NONE,
	CRASH_SECTION_SYS,
	CRASH_SECTION_BT,
	CRASH_SECTION_LOG,
	CRASH_SECTION_PS,
	CRASH_SECTION_MOD,
	CRASH_SECTION_MOD_TAINT,
	/** Output of a command that is not read. */
	CRASH_SECTION_OTHER,
};

struct crash_parser {
	struct crash_text *text;
	enum crash_section section;
	/** A prompt told what the section is: only the next prompt ends it. */
	bool prompted;
	/** The command of the prompt; "" without one. */
	char command[64];
	/** Lines of a log without prompts begin with a time stamp. */
	bool log_seen;
	/** Stack at work, and whether its lines belong to a stack that was read before. */
	struct crash_stack *stack;
	bool stack_skip;
	/** "--- <NMI exception stack> ---" came: the next frame may be the interrupted one again.
	 */
	bool stack_switched;
	/** Registers belong to the last frame. */
	bool in_regs;
	size_t stack_capacity, task_capacity, module_capacity;
	bool mod_has_base;
	/** Rows of mod and mod -t so far: each is looked for in a list. */
	size_t module_lines;
	/** The list of tasks is all of them, as far as the command tells. */
	bool ps_partial;
	/** The time of the crash is given in a zone that is not UTC. */
	char zone[32];
	bool have_date;
	/** STATE says "(PANIC)" or the like of the task that PID, COMMAND, TASK, CPU name. */
	bool state_is_panic;
	int64_t set_pid;
	uint64_t set_task;
	int set_cpu;
	char set_comm[CRASH_COMM_SIZE];
	/** So many lines were crash's. */
	size_t known_lines;
};

/** A line "LABEL: value" of sys, set or sys -i; false where it is none. */
bool crash_sys_line(struct crash_parser *p, struct span line);
/** "PID: 1  TASK: x  CPU: 0  COMMAND: "init"": the beginning of a stack. */
bool crash_is_stack_header(struct span line);
struct ey_error *crash_stack_begin(struct crash_parser *p, struct span line) EY_MUST_CHECK;
/** A line within a stack; @p ret is false where it is none of a stack's. */
struct ey_error *crash_stack_line(struct crash_parser *p, struct span line,
				  bool *ret) EY_MUST_CHECK;
struct ey_error *crash_task_line(struct crash_parser *p, struct span line) EY_MUST_CHECK;
struct ey_error *crash_module_line(struct crash_parser *p, struct span line) EY_MUST_CHECK;
void crash_module_taint_line(struct crash_parser *p, struct span line);

/** When all lines are read: which task panicked, the event, and what is not credible. */
struct ey_error *crash_text_conclude(struct crash_parser *p) EY_MUST_CHECK;
/** The event of the log, else of the panic task's stack. */
struct ey_error *crash_text_event(struct crash_text *t) EY_MUST_CHECK;

#endif
