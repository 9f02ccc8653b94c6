/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Text from outside made safe to show: UTF-8, control characters, HTML and XML. */
#ifndef EYRIE_BASE_TEXT_H
#define EYRIE_BASE_TEXT_H

#include <stddef.h>

#include "base/buf.h"

/**
 * Length in bytes (2 to 4) of the multi-byte UTF-8 sequence at the beginning of the @p len bytes
 * of @p s; 0 where there is none (RFC 3629: no overlong forms, no surrogates) or ASCII.
 */
size_t ey_utf8_sequence(const unsigned char *s, size_t len);

/**
 * Append @p s as UTF-8 that no reader, terminal or browser stumbles over: bytes that are not UTF-8
 * become U+FFFD; control bytes (but tab and newline) become "\x1b" as the kernel writes them; what
 * hides or turns around text (C1 controls, bidirectional overrides, U+FFFE) becomes U+FFFD.
 */
void ey_text_clean(struct ey_buf *buf, const char *s, size_t len);

/** The same, with & < > " ' as entities: safe as text and in attributes of HTML and XML. */
void ey_html_escape(struct ey_buf *buf, const char *s, size_t len);

#endif
