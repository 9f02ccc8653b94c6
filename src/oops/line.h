/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file One line of a kernel log: what stands before the message, and the symbols in it. */
#ifndef EYRIE_OOPS_LINE_H
#define EYRIE_OOPS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { OOPS_CALLER_MAX = 16 };

struct oops_line {
	/** The message: prefixes and trailing white space are off, leading white space is not. */
	const char *text;
	size_t len;
	/** printk time in seconds; negative where there is none. */
	double time;
	/** printk's caller id without brackets ("T123", "C0"), or "" (CONFIG_PRINTK_CALLER). */
	char caller[OOPS_CALLER_MAX];
	/** printk lost messages right before this one. */
	bool dropped;
};

/**
 * Take off what syslog, the journal, the console, /dev/kmsg, netconsole and printk put before a
 * message: "<6>", "[  12.345678] ", "[T123] ", "Nov 23 12:00:00 host kernel: ", ISO dates,
 * "6,123,456,-;", "** 12 printk messages dropped ** ".
 */
void oops_line_strip(const char *raw, size_t len, struct oops_line *ret);

/** "name+0x1f/0x40 [module]", into the text of the line. */
struct oops_symbol {
	const char *name;
	size_t name_len;
	/** NULL: none. */
	const char *module;
	size_t module_len;
	uint64_t offset;
	uint64_t size;
	/** "+0x../0x.." was there. */
	bool have_offset;
};

/** Parse a symbol with its offset at *@p p; moves *@p p behind it (and its module). */
bool oops_symbol_parse(const char **p, const char *end, struct oops_symbol *ret);

/** The kinds of frame lines. */
struct oops_frame_line {
	struct oops_symbol symbol;
	/** 32-bit ARM says "callee from caller+0x..": the callee, without an offset. */
	struct oops_symbol callee;
	bool have_callee;
	bool reliable;
};

/** Whether the message is one frame of a call trace. */
bool oops_frame_parse(const char *s, size_t len, struct oops_frame_line *ret);

enum oops_pc {
	/** Not a line about the program counter. */
	OOPS_PC_NONE,
	/** It is, in the kernel, and the symbol is known. */
	OOPS_PC_SYMBOL,
	/** In the kernel at an address without a symbol. */
	OOPS_PC_ADDRESS,
	/** In user space. */
	OOPS_PC_USER,
};

/** "RIP: 0010:f+0x1/0x2", "pc : f+..", "PC is at f+..", "epc : f+..", "NIP [..] f+..", … */
enum oops_pc oops_pc_parse(const char *s, size_t len, struct oops_symbol *ret);

static inline bool oops_has_prefix(const char *s, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && !memcmp(s, prefix, n);
}
/** memmem() for a line and a few bytes: without the tables that it makes for long ones. */
const char *oops_find_bytes(const char *s, size_t len, const char *needle, size_t n);
/** The same for a NUL-terminated needle. */
static inline const char *oops_find(const char *s, size_t len, const char *needle)
{
	return s ? oops_find_bytes(s, len, needle, strlen(needle)) : NULL;
}

#endif
