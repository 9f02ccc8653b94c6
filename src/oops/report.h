/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A report while its lines come in, and what becomes of it: an event with its keys. */
#ifndef EYRIE_OOPS_REPORT_H
#define EYRIE_OOPS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "oops/event.h"
#include "oops/hardware.h"
#include "oops/line.h"
#include "oops/parser.h"
#include "oops/rules.h"
#include "oops/state.h"

enum {
	OOPS_SECTIONS_MAX = 64,
	OOPS_ARENA_SIZE = 48 * 1024,
	OOPS_HEADER_MAX = 512,
	/** So many foreign lines in a row, and what looks like a part of the report is none. */
	STRAY_LINES = 24,
	/** Hardware errors within so many seconds are one incident. */
	INCIDENT_SECONDS = 5,
};

/** What a group of frames is. */
enum oops_section_kind {
	/** Frames that no line announced. */
	SECTION_BARE,
	/** "Call Trace:" and its like, of the context that reports. */
	SECTION_TRACE,
	/** The same of a CPU that was asked by NMI. */
	SECTION_NMI,
	/** Of a task that sysrq or a stall detector shows. */
	SECTION_TASK,
	/** Where memory was allocated, freed, written before: not where it happened. */
	SECTION_ORIGIN,
	/** The same, where memory was freed. */
	SECTION_FREED,
	/** Where a lock was taken: lockdep's chains. */
	SECTION_CHAIN,
};

enum frame_flags {
	FRAME_RELIABLE = 1,
	/** Not a return address: the program counter of an exception. */
	FRAME_PC = 2,
};

struct raw_symbol {
	/** Offsets into the arena; 0: none. */
	uint32_t name;
	uint32_t module;
	uint64_t offset;
	uint64_t size;
	/** Where it stands in the log. */
	uint64_t line;
	bool have_offset;
};

struct raw_frame {
	struct raw_symbol symbol;
	uint8_t flags;
	uint8_t section;
};

struct report {
	enum oops_rule rule;
	enum oops_kind kind;
	uint64_t first_line, last_line;
	/** The line at work. */
	uint64_t number;
	/** printk time of the line at work; negative: none. */
	double now;
	double time;
	char caller[OOPS_CALLER_MAX];
	char header[OOPS_HEADER_MAX];
	/** Where the header's fixed words end. */
	uint32_t header_end;
	/** The symbol in the header line itself. */
	struct raw_symbol header_symbol;
	/** The first kernel program counter printed. */
	struct raw_symbol pc;
	/** A program counter without a symbol, or in user space, came first. */
	bool pc_unknown;
	enum oops_section_kind sections[OOPS_SECTIONS_MAX];
	unsigned int section_count;
	/** One more than the first section of panic()'s own trace; 0: none. */
	unsigned int panic_section;
	struct raw_frame frames[OOPS_FRAMES_MAX];
	unsigned int frame_count;
	/** Where the fields below stand in the log. */
	uint64_t lines[OOPS_FIELD_COUNT];
	int cpu;
	int64_t pid;
	char comm[32];
	char taint[48];
	char kernel[96];
	char hardware[160];
	/** What the processor was doing. */
	struct oops_state state;
	/** The text of the panic that this report led to; "" for none. */
	char panic[256];
	/** A second line that names the matter better (list corruption, refcount, ODEBUG, …). */
	char detail[256];
	/** Names of modules marked (O) or (P) in "Modules linked in:", with a blank around each. */
	char foreign_modules[256];
	/** Died: the die path printed "[#1]", or the machine is told dead. */
	bool died;
	bool ended;
	bool corrupted;
	bool saw_registers;
	/** The next line names the place of a lock. */
	bool want_place;
	/** header_symbol is the place of a lock in a function that is passed over. */
	bool weak_place;
	/** The unwinder complained of registers and of a frame pointer. */
	bool both_unwind;
	/** The next trace is the grace-period thread's. */
	bool next_is_victim;
	/** Lines since the last one that belonged to the report. */
	unsigned int idle_lines;
	char arena[OOPS_ARENA_SIZE];
	uint32_t arena_used;
	/** A report of the hardware's own, decoded; valid where its source is not NONE. */
	struct oops_hardware error;
};

/** Begin a report at a header line. */
void report_begin(struct report *r, const struct oops_header *header, const struct oops_line *line,
		  uint64_t number);
/** What a report does with a line that comes while it is open. */
enum report_take {
	/** It belongs to it (or says nothing). */
	REPORT_TOOK,
	/** It may belong to it, or to anything: it does not prove that the report goes on. */
	REPORT_NEUTRAL,
	REPORT_UNKNOWN,
	/** The line begins another report: this one is over. */
	REPORT_OVER,
};
enum report_take report_add(struct report *r, const struct oops_line *line,
			    const struct oops_header *header, uint64_t number);
enum {
	OOPS_FAULTS_MAX = 6,
	OOPS_FAULT_FRAMES = 16,
};

/** An earlier fault of the same log. Functions are hashes. */
struct oops_fault {
	enum oops_kind kind;
	double time;
	int64_t pid;
	uint32_t kernel, module;
	uint32_t frames[OOPS_FAULT_FRAMES];
	unsigned int frame_count;
	char what[96];
};

/** What a report's event depends on beside its lines. */
struct oops_context {
	/** printk time of the last event. */
	double last_time;
	/** Faults before, the last one last. */
	struct oops_fault faults[OOPS_FAULTS_MAX];
	unsigned int fault_count;
	/** A sanitizer or a foreign module explains what follows. */
	bool software;
	/** printk time of the last uncorrected hardware error; negative: none yet. */
	double hardware_time;
	/** Its title. */
	char hardware_title[160];
	bool explain;
};
/** Make the event; its keys too (keys.h). @p found_ret is false where it turned out to be none. */
struct ey_error *report_finish(struct report *r, const struct oops_context *context,
			       struct oops_event *ret, bool *found_ret) EY_MUST_CHECK;

static inline const char *report_text(const struct report *r, uint32_t at)
{
	return at ? r->arena + at : NULL;
}

static inline const char *report_skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/** The line at work says @p field. */
static inline void report_mark(struct report *r, enum oops_field field)
{
	r->lines[field] = r->number;
}

/** Copy @p len bytes to @p to, cut to its @p size, with a NUL. */
static inline void report_keep_text(char *to, size_t size, const char *s, size_t len)
{
	size_t n = len < size - 1 ? len : size - 1;

	memcpy(to, s, n);
	to[n] = '\0';
}

/** The fields that a header line holds by its rule: cpu, pid, comm. */
void report_take_subject(struct report *r, const char *text, size_t len);
/** For how long a task or a CPU has been stuck, as the header says; -1 where it does not. */
int64_t report_stuck_seconds(const struct report *r);
/** A line "CPU: 1 PID: 2 Comm: x Tainted: G 6.1.0 #1", or older kernels' "Pid: 2, comm: x ...". */
bool report_take_cpu_line(struct report *r, const char *s, const char *end);
/** The words behind "Modules linked in:". */
void report_take_modules(struct report *r, const char *p, const char *end);
/** Whether a line opens a group of frames, and what group. */
bool report_section_of(const char *s, size_t len, enum oops_section_kind *ret);
/** Registers, code, words of the stack, a hex dump. */
bool report_is_register_line(const char *s, size_t len);
/** What arm64 says of a fault before its registers. */
bool report_is_abort_line(const char *s, size_t len);

#endif
