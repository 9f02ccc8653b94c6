/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Read what the crash utility (7, 8, 9) wrote of a dump: the output of sys, set, bt, bt -a, foreach
 * bt, log, ps and mod in any order, with its banner and "crash> " prompts or without (-s).
 *
 * Layouts are those of crash's own sources: display_sys_stats() in kernel.c, show_ps() and
 * print_task_header() in task.c, x86_64_print_stack_entry() and x86_64_exception_frame() in
 * x86_64.c, arm64_print_stackframe_entry() in arm64.c, do_module_cmd() in kernel.c. The text may be
 * anyone's: each line is bounded, each list has a limit, and a log line, which begins with its time
 * stamp, can begin no other section.
 */
#ifndef EYRIE_ANALYSIS_CRASH_TEXT_H
#define EYRIE_ANALYSIS_CRASH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "oops/event.h"

enum {
	CRASH_TEXT_MAX = 64 << 20,
	CRASH_STACKS_MAX = 512,
	CRASH_FRAMES_MAX = 512,
	CRASH_REGS_MAX = 40,
	CRASH_TASKS_MAX = 200000,
	CRASH_MODULES_MAX = 4096,
	CRASH_GAPS_MAX = 64,
	CRASH_FIELD_SIZE = 256,
	CRASH_COMM_SIZE = 32,
};

/** A register as crash names it, in small letters ("rip", "orig_rax"). */
struct crash_reg {
	char name[10];
	uint64_t value;
};

struct crash_frame {
	/** NULL: the address is in no function that crash knows. */
	char *function;
	/** NULL: the kernel itself, or not said. */
	char *module;
	uint64_t address;
	/** Into the function, bytes; crash prints it of exceptions, and of all with bt -s. */
	uint64_t offset;
	bool have_offset;
	/** What an exception, an interrupt or an NMI interrupted; then @p regs are its registers.
	 */
	bool interrupted;
	struct crash_reg *regs;
	size_t reg_count;
};

struct crash_stack {
	int64_t pid;
	/** Address of its task_struct. */
	uint64_t task;
	/** -1: crash printed "-". */
	int cpu;
	char comm[CRASH_COMM_SIZE];
	struct crash_frame *frames;
	size_t count, capacity;
};

struct crash_task {
	uint64_t address;
	/** -1 where crash could not find the parent. */
	int64_t pid, ppid;
	int cpu;
	uint64_t vsz_kib, rss_kib;
	/** crash's two letters. */
	char state[4];
	char comm[CRASH_COMM_SIZE];
};

struct crash_module {
	uint64_t address;
	/** 0: not said (crash before 8). */
	uint64_t base;
	uint64_t size;
	char name[64];
	/** Letters, of mod -t; "" for none. */
	char taint[32];
};

struct crash_gap {
	char *what;
	char *why;
};

/** What `sys`, `sys -t` and `sys -i` say; "" and -1 where they do not. */
struct crash_sys {
	char hostname[CRASH_FIELD_SIZE], release[CRASH_FIELD_SIZE], version[CRASH_FIELD_SIZE];
	char machine[CRASH_FIELD_SIZE], panic[CRASH_FIELD_SIZE];
	int64_t cpus;
	/** As exactly as crash prints it: to a tenth of its unit. */
	int64_t memory_bytes;
	/** Seconds since 1970; known where crash ran in UTC. */
	int64_t crash_time;
	int64_t uptime_seconds;
	/** What its line TASKS says. */
	int64_t tasks;
	bool have_load;
	double load[3];
	char taint[33];
	bool have_taint;
	bool incomplete;
	char vendor[CRASH_FIELD_SIZE], product[CRASH_FIELD_SIZE];
	char product_version[CRASH_FIELD_SIZE], product_serial[CRASH_FIELD_SIZE];
	char product_uuid[CRASH_FIELD_SIZE];
	char board_vendor[CRASH_FIELD_SIZE], board_name[CRASH_FIELD_SIZE];
	char bios_vendor[CRASH_FIELD_SIZE], bios_version[CRASH_FIELD_SIZE];
	char bios_date[CRASH_FIELD_SIZE];
};

struct crash_text {
	/** "9.0.2"; "" where the text has no banner. */
	char version[32];
	struct crash_sys sys;
	/** The task that crash says, or its stack shows, to have panicked. */
	bool have_panic_task;
	int64_t panic_pid;
	uint64_t panic_address;
	int panic_cpu;
	char panic_comm[CRASH_COMM_SIZE];
	/** The panic task's first. */
	struct crash_stack *stacks;
	size_t stack_count;
	struct crash_task *tasks;
	size_t task_count;
	struct crash_module *modules;
	size_t module_count;
	/** The kernel log, a line each. */
	struct ey_buf log;
	/** The event that took the machine down; NULL where none is told of. Owned by events. */
	const struct oops_event *event;
	struct oops_event *events;
	size_t event_count;
	/** What crash could not read, and what of its text is not credible. */
	struct crash_gap gaps[CRASH_GAPS_MAX];
	size_t gap_count;
};

/** Whether the text looks like crash's: a cheap look at its first 256 KiB. */
bool crash_text_recognize(const char *text, size_t len);

/**
 * Read @p text. EY_ERR_INPUT: there is nothing of crash's in it, or it is longer than
 * CRASH_TEXT_MAX. @p ret is released with crash_text_deinit(), and zero on error.
 */
struct ey_error *crash_text_parse(const char *text, size_t len,
				  struct crash_text *ret) EY_MUST_CHECK;
void crash_text_deinit(struct crash_text *t);
#define _cleanup_crash_text_ __attribute__((cleanup(crash_text_deinit)))

/** Note what could not be had, and why (a format); the same is noted once. */
struct ey_error *crash_text_gap(struct crash_text *t, const char *what, const char *why,
				...) EY_MUST_CHECK __attribute__((format(printf, 3, 4)));

/** The dump that the text is of, where it is known. */
struct crash_dump {
	/** As in a record's dump.format; NULL: not known. */
	const char *format;
	uint64_t bytes;
	bool incomplete;
};

/** Write as record.json (docs/record.schema.json). */
void crash_text_write_record(const struct crash_text *t, const struct crash_dump *dump,
			     struct ey_buf *ret);

#endif
