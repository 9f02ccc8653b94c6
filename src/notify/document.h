/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A short document written twice at once: as plain text and as HTML, for a mail. */
#ifndef EYRIE_NOTIFY_DOCUMENT_H
#define EYRIE_NOTIFY_DOCUMENT_H

#include <stddef.h>

#include "base/buf.h"

struct notify_document {
	struct ey_buf text;
	struct ey_buf html;
};

void notify_document_begin(struct notify_document *d);
void notify_document_end(struct notify_document *d);
void notify_document_deinit(struct notify_document *d);
#define _cleanup_document_ __attribute__((cleanup(notify_document_deinit)))

/** The first line: what this mail is about. */
void notify_document_title(struct notify_document *d, const char *title);
/** A heading of a part. */
void notify_document_heading(struct notify_document *d, const char *heading);
/** Running text; in the plain version wrapped at 72 columns. */
void notify_document_paragraph(struct notify_document *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Rows "name   value" between begin and end; rows with a NULL or empty value are left out. */
void notify_document_rows_begin(struct notify_document *d);
void notify_document_row(struct notify_document *d, const char *name, const char *value);
void notify_document_rows_end(struct notify_document *d);
/** A link of its own line; nothing where @p url is NULL. */
void notify_document_link(struct notify_document *d, const char *label, const char *url);
/** Lines in a fixed pitch, as they are. */
void notify_document_lines(struct notify_document *d, const char *lines);

#endif
