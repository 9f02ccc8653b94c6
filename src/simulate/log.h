/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The kernel log of a crash; for this room only. */
#ifndef EYRIE_SIMULATE_LOG_H
#define EYRIE_SIMULATE_LOG_H

#include <stddef.h>

#include "simulate/record.h"
#include "simulate/rng.h"

enum { SIM_FRAMES = 40 };

/** A frame of the event's trace, as it stands in the log. */
struct sim_frame {
	char function[80];
	char module[32];
	uint32_t offset;
	uint32_t size;
	bool reliable;
	unsigned int line;
};

/** A log in the making, and what the record needs to know of it. */
struct sim_log {
	struct ey_buf *text;
	const struct sim_case *c;
	struct sim_rng rng;
	/** Seconds since boot. */
	double now;
	/** Lines so far. */
	unsigned int lines;

	/** Who was hit. */
	unsigned int cpu;
	unsigned int pid;
	char comm[16];
	/** Taint as the kernel prints it; "" for none. */
	char taint[24];
	/** The machine check's time-stamp, address and kernel address of the task. */
	uint64_t tsc;
	uint64_t address;
	uint64_t task;

	struct sim_frame frames[SIM_FRAMES];
	size_t frame_count;
	unsigned int first_line;
	unsigned int last_line;
	unsigned int cpu_line;
	unsigned int hardware_line;
	unsigned int place_line;
	unsigned int status_line;
};

/** A line, @p step seconds after the one before. */
void sim_log_line(struct sim_log *log, double step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** What a kernel prints from its start on: about @p whole ? 290 : 20 lines. */
void sim_log_boot(struct sim_log *log, bool whole);
/** Some lines of the days that it ran. */
void sim_log_days(struct sim_log *log, unsigned int lines);
/** The crash, at the end. */
void sim_log_crash(struct sim_log *log);
/** Model and firmware as the kernel prints them. */
void sim_log_hardware(const struct sim_case *c, char *buf, size_t size);

#endif
