/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A crash event: what the kernel said of one oops, BUG, warning, panic, lockup or hardware error.
 */
#ifndef EYRIE_OOPS_EVENT_H
#define EYRIE_OOPS_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

/** Kinds of events, and their names in the same order (oops_kind_name()). */
#define OOPS_KINDS(X)                       \
	X(UNKNOWN, "UNKNOWN")               \
	X(KASAN_UAF, "KASAN-UAF")           \
	X(KASAN_OOB, "KASAN-OOB")           \
	X(KASAN_OTHER, "KASAN-OTHER")       \
	X(DOUBLE_FREE, "DOUBLE-FREE")       \
	X(NULL_DEREF, "NULL-DEREF")         \
	X(PAGE_FAULT, "PAGE-FAULT")         \
	X(GPF, "GPF")                       \
	X(TRAP, "TRAP")                     \
	X(BUG, "BUG")                       \
	X(BUG_MSG, "BUG-MSG")               \
	X(WARNING, "WARNING")               \
	X(LOCKDEP, "LOCKDEP")               \
	X(ATOMIC, "ATOMIC")                 \
	X(HANG, "HANG")                     \
	X(RCU_STALL, "RCU-STALL")           \
	X(SOFT_LOCKUP, "SOFT-LOCKUP")       \
	X(HARD_LOCKUP, "HARD-LOCKUP")       \
	X(PANIC, "PANIC")                   \
	X(STACK_OVERFLOW, "STACK-OVERFLOW") \
	X(MEMLEAK, "MEMLEAK")               \
	X(UBSAN, "UBSAN")                   \
	X(KFENCE, "KFENCE")                 \
	X(KMSAN, "KMSAN")                   \
	X(KCSAN, "KCSAN")                   \
	X(STUCK_REF, "STUCK-REF")           \
	X(OOM, "OOM")                       \
	X(MCE, "MCE")                       \
	X(NMI, "NMI")                       \
	X(HW_OTHER, "HW-OTHER")

enum oops_kind {
#define X(id, name) OOPS_##id,
	OOPS_KINDS(X)
#undef X
};

/**
 * The fields of an event whose line in the log is known, and their names in JSON. What is not here
 * stands with another: the kind with the title; offset, size, module and signature with the
 * function; the reason with the guilty function or, without one, with the title.
 */
#define OOPS_FIELDS(X)          \
	X(TITLE, "title")       \
	X(FUNCTION, "function") \
	X(GUILTY, "guilty")     \
	X(CPU, "cpu")           \
	X(PID, "pid")           \
	X(COMM, "comm")         \
	X(TAINT, "taint")       \
	X(KERNEL, "kernel")     \
	X(HARDWARE, "hardware") \
	X(PANIC, "panic")

enum oops_field {
#define X(id, name) OOPS_FIELD_##id,
	OOPS_FIELDS(X)
#undef X
		OOPS_FIELD_COUNT,
};

/** Hints; "likely", never "certainly". */
enum oops_verdict {
	OOPS_VERDICT_NONE,
	/** Broken hardware is likely. */
	OOPS_VERDICT_HARDWARE,
	/** A module that is not of the kernel's tree is likely. */
	OOPS_VERDICT_OUT_OF_TREE,
};

enum { OOPS_HINTS_MAX = 4 };

/** A hint and what it rests on, a sentence that the event owns. */
struct oops_hint {
	enum oops_verdict verdict;
	char *evidence;
};

/** A frame of a call trace, innermost first. Its strings stand in one piece with the frames. */
struct oops_frame {
	char *function;
	/** NULL: the kernel itself. */
	char *module;
	/** Offset into the function and the function's size, bytes. */
	uint64_t offset;
	uint64_t size;
	/** Not marked "?" by the kernel. */
	bool reliable;
	/** Line of the log it came from, counted from 1. */
	uint64_t line;
};

struct oops_hardware;

struct oops_event {
	enum oops_kind kind;
	/** One line for people, e.g. "BUG: kernel NULL pointer dereference in lkdtm_ACCESS_NULL".
	 */
	char *title;
	/** Where the event is (design.md, "Event"); NULL where the log does not say. */
	char *function;
	char *module;
	bool have_offset;
	uint64_t offset;
	uint64_t size;
	/** The function the group key blames. */
	char *guilty;
	/** The exact key, "function+0xoffset"; NULL where there is none. */
	char *signature;
	/** The versioned group key, "g1:...". Never NULL. */
	char *reason;
	/** -1 where the log does not say. */
	int cpu;
	int64_t pid;
	char *comm;
	/** As the kernel prints it, e.g. "G           OE"; NULL where not said. */
	char *taint;
	/** Release, e.g. "6.1.0-56-amd64"; NULL where not said. */
	char *kernel;
	/** Model and firmware as in "Hardware name: ..."; NULL where not said. */
	char *hardware;
	struct oops_frame *frames;
	size_t frame_count;
	/** The report is cut off or mixed with others. */
	bool corrupted;
	/** First and last line of the report in the log, counted from 1. */
	uint64_t first_line;
	uint64_t last_line;
	/** The line that each field came from, counted from 1; 0: the field is empty. */
	uint64_t lines[OOPS_FIELD_COUNT];
	/** Seconds of printk time of the first line; negative where there is none. */
	double time;
	/** Text of "Kernel panic - not syncing: ..." where the report is one or led to one. */
	char *panic;
	/** The kernel died of it ("[#1]", panic), or at least the task that it happened to. */
	bool died;
	/** Seconds that a hung task or a soft locked up CPU had been stuck for; -1: not said. */
	int64_t stuck_seconds;
	/** What the hardware reported, decoded; NULL where the event is none of its. Owned. */
	struct oops_hardware *error;
	/** Hints of whose fault it is, the strongest first. */
	struct oops_hint hints[OOPS_HINTS_MAX];
	unsigned int hint_count;
	/** With oops_parser_explain(): which rule chose what, a line each; else NULL. */
	char *explanation;
};

const char *oops_kind_name(enum oops_kind kind);
/** "hardware", "out-of-tree"; NULL for none. */
const char *oops_verdict_name(enum oops_verdict verdict);
/** Forget the line numbers: the text that was parsed is no log. */
void oops_event_forget_lines(struct oops_event *event);
/** Release what the event owns and zero it; the struct itself is the caller's. */
void oops_event_deinit(struct oops_event *event);
/** Write the event as the JSON object of the design's contract. */
void oops_event_write(const struct oops_event *event, struct ey_json *json);

#endif
