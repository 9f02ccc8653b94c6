/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; // U+FFFD

size_t ey_utf8_sequence(const unsigned char *s, size_t len)
{
	size_t n;

	if (!len)
		return 0;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static uint32_t code_point(const unsigned char *s, size_t n)
{
	uint32_t c = s[0] & (0x7fU >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3fU);
	return c;
}

// Characters that show nothing of themselves but change how the rest is shown: C1 controls, marks
// and overrides of the writing direction (they can make a name read as another), line and
// paragraph separators, byte order marks and what XML does not allow.
static bool is_treacherous(uint32_t c)
{
	return (c >= 0x80 && c <= 0x9f) || c == 0x200e || c == 0x200f || c == 0x061c ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
	       (c & 0xfffe) == 0xfffe;
}

static const char *entity(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return NULL;
}

static void clean(struct ey_buf *buf, const char *string, size_t len, bool html)
{
	const unsigned char *s = (const unsigned char *)string;
	size_t plain = 0;

	for (size_t i = 0; i < len;) {
		const char *instead = NULL;
		size_t n = 1;

		if (s[i] >= 0x80) {
			n = ey_utf8_sequence(s + i, len - i);
			if (!n || is_treacherous(code_point(s + i, n)))
				instead = replacement;
			n = EY_MAX(n, (size_t)1);
		} else if (html) {
			instead = entity(s[i]);
		}
		bool control = (s[i] < 0x20 && s[i] != '\t' && s[i] != '\n') || s[i] == 0x7f;
		if (instead || control) {
			ey_buf_add(buf, string + plain, i - plain);
			plain = i + n;
			if (instead)
				ey_buf_adds(buf, instead);
			else
				ey_buf_printf(buf, "\\x%02x", s[i]);
		}
		i += n;
	}
	ey_buf_add(buf, string + plain, len - plain);
}

void ey_text_clean(struct ey_buf *buf, const char *s, size_t len)
{
	clean(buf, s, len, false);
}

void ey_html_escape(struct ey_buf *buf, const char *s, size_t len)
{
	clean(buf, s, len, true);
}
