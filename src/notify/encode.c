/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How text and bytes are written in a mail: RFC 2045 (bodies) and RFC 2047 (headers). */
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "notify/encode.h"

enum {
	/** RFC 5322, 2.1.1: lines should not be longer, and encoded words must not. */
	LINE_COLUMNS = 76,
	/** RFC 2047, 2: an encoded word has at most 75 characters, 12 of them "=?UTF-8?Q??=". */
	ENCODED_WORD_TEXT = 75 - 12,
	/** Longest name that stands as one quoted string, bytes. */
	PHRASE_MAX = 60,
};

static const char hex[] = "0123456789ABCDEF";

static bool is_plain_header(const char *s)
{
	size_t word = 0;

	// "=?" would be decoded as an encoded word that we did not write.
	if (strstr(s, "=?"))
		return false;
	for (; *s; s++) {
		if (*s < 0x20 || *s >= 0x7f)
			return false;
		// A line without a place to fold it must not reach 998 columns.
		word = *s == ' ' ? 0 : word + 1;
		if (word > 500)
			return false;
	}
	return true;
}

// A header's value has no line breaks, no control characters, and single spaces.
static void clean_value(struct ey_buf *buf, const char *value)
{
	_cleanup_buf_ struct ey_buf spaced = EY_BUF_INIT;
	bool space = true;

	for (const char *s = value; *s; s++) {
		if (strchr(" \t\r\n\v\f", *s)) {
			if (!space)
				ey_buf_addc(&spaced, ' ');
			space = true;
			continue;
		}
		ey_buf_addc(&spaced, *s);
		space = false;
	}
	if (spaced.len && spaced.data[spaced.len - 1] == ' ')
		spaced.data[--spaced.len] = '\0';
	buf->failed |= spaced.failed;
	ey_text_clean(buf, ey_buf_str(&spaced), spaced.len);
}

static void write_plain(struct ey_buf *buf, const char *value, size_t column)
{
	for (const char *s = value; *s;) {
		size_t len = strcspn(s, " ");

		if (s != value && column + 1 + len > LINE_COLUMNS) {
			ey_buf_adds(buf, "\r\n ");
			column = 1;
		} else if (s != value) {
			ey_buf_addc(buf, ' ');
			column++;
		}
		ey_buf_add(buf, s, len);
		column += len;
		s += len;
		if (*s == ' ')
			s++;
	}
}

// The Q encoding in its strictest form (RFC 2047, 5 (3)), right in texts and in names alike.
static size_t q_encode(const unsigned char *s, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bool alnum = (s[i] >= '0' && s[i] <= '9') ||
			     ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z');

		if (alnum || (s[i] && strchr("!*+-/", s[i]))) {
			out[n++] = (char)s[i];
		} else if (s[i] == ' ') {
			out[n++] = '_';
		} else {
			out[n++] = '=';
			out[n++] = hex[s[i] >> 4];
			out[n++] = hex[s[i] & 15];
		}
	}
	return n;
}

static void write_encoded(struct ey_buf *buf, const char *value, size_t column)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t len = strlen(value), used = 0;
	bool open = false;

	for (size_t i = 0; i < len;) {
		char out[3 * 4];
		// No character may be split over two words.
		size_t step = s[i] < 0x80 ? 1 : ey_utf8_sequence(s + i, len - i);
		size_t n = q_encode(s + i, step, out);

		if (open && (used + n > ENCODED_WORD_TEXT || column + n + 2 > LINE_COLUMNS)) {
			ey_buf_adds(buf, "?=\r\n ");
			open = false;
			column = 1;
		}
		if (!open) {
			ey_buf_adds(buf, "=?UTF-8?Q?");
			open = true;
			used = 0;
			column += 10;
		}
		ey_buf_add(buf, out, n);
		used += n;
		column += n;
		i += step;
	}
	if (open)
		ey_buf_adds(buf, "?=");
}

void mail_header_write(struct ey_buf *buf, const char *name, const char *value)
{
	_cleanup_buf_ struct ey_buf clean = EY_BUF_INIT;
	size_t column = strlen(name) + 2;

	clean_value(&clean, value);
	buf->failed |= clean.failed;
	ey_buf_printf(buf, "%s: ", name);
	if (is_plain_header(ey_buf_str(&clean)))
		write_plain(buf, ey_buf_str(&clean), column);
	else
		write_encoded(buf, ey_buf_str(&clean), column);
	ey_buf_adds(buf, "\r\n");
}

void mail_phrase_write(struct ey_buf *buf, const char *name)
{
	_cleanup_buf_ struct ey_buf clean = EY_BUF_INIT;

	clean_value(&clean, name);
	buf->failed |= clean.failed;
	// A quoted string cannot be folded; encoded words can.
	if (clean.len > PHRASE_MAX || !is_plain_header(ey_buf_str(&clean))) {
		write_encoded(buf, ey_buf_str(&clean), 20);
		return;
	}
	ey_buf_addc(buf, '"');
	for (const char *s = ey_buf_str(&clean); *s; s++) {
		if (*s == '"' || *s == '\\')
			ey_buf_addc(buf, '\\');
		ey_buf_addc(buf, *s);
	}
	ey_buf_addc(buf, '"');
}

void mail_quoted_printable_write(struct ey_buf *buf, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t column = 0;

	for (size_t i = 0; i < len; i++) {
		bool end_of_line = i + 1 == len || s[i + 1] == '\n';
		char out[3] = {(char)s[i]};
		size_t n = 1;

		if (s[i] == '\n') {
			ey_buf_adds(buf, "\r\n");
			column = 0;
			continue;
		}
		// Spaces at the end of a line get lost on the way; "From " at its beginning is
		// changed by mailboxes, and a lone "." ends a message for careless servers.
		if (s[i] >= 0x7f || (s[i] < 0x20 && s[i] != '\t') || s[i] == '=' ||
		    ((s[i] == ' ' || s[i] == '\t') && end_of_line) ||
		    (!column && (s[i] == '.' || (len - i >= 5 && !memcmp(s + i, "From ", 5))))) {
			out[0] = '=';
			out[1] = hex[s[i] >> 4];
			out[2] = hex[s[i] & 15];
			n = 3;
		}
		// 76 columns with the "=" of a soft line break (RFC 2045, 6.7 (5)).
		if (column + n > LINE_COLUMNS - (end_of_line ? 0 : 1)) {
			ey_buf_adds(buf, "=\r\n");
			column = 0;
		}
		ey_buf_add(buf, out, n);
		column += n;
	}
	if (column)
		ey_buf_adds(buf, "\r\n");
}

void mail_base64_write(struct ey_buf *buf, const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = data;
	size_t column = 0;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = EY_MIN(len - i, (size_t)3);
		unsigned int v = s[i] << 16 | (n > 1 ? s[i + 1] << 8 : 0) | (n > 2 ? s[i + 2] : 0);

		ey_buf_add(buf,
			   (char[]){digits[v >> 18], digits[v >> 12 & 63],
				    n > 1 ? digits[v >> 6 & 63] : '=',
				    n > 2 ? digits[v & 63] : '='},
			   4);
		column += 4;
		if (column == LINE_COLUMNS) {
			ey_buf_adds(buf, "\r\n");
			column = 0;
		}
	}
	if (column)
		ey_buf_adds(buf, "\r\n");
}
