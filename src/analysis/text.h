/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Parts of an analysis as text, laid out as the crash utility's. */
#ifndef EYRIE_ANALYSIS_TEXT_H
#define EYRIE_ANALYSIS_TEXT_H

#include "base/buf.h"
#include "vmcore/notes.h"
#include "vmcore/stack.h"

/** What a dump holds must not steer a terminal: all but printable bytes become dots. */
void text_add_plain(struct ey_buf *out, const char *text, size_t len);
/** "---- text ----" between empty lines. */
void text_add_heading(struct ey_buf *out, const char *text);
/** Registers as crash's `bt` prints them; of @p partial ones only what is known. */
void text_add_regs(struct ey_buf *out, const struct cpu_regs *r, bool partial);
/** A stack as crash's `bt` prints it. */
void text_add_stack(struct ey_buf *out, const struct stack *s);

#endif
