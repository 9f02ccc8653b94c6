/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify/message.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "notify/encode.h"

enum {
	MAX_KEY_LENGTH = 200,
	MAX_SUBJECT_BYTES = 600,
	/** RFC 5322, 2.1.1 allows 998; longer ones than this no person reads anyway. */
	MAX_PLAIN_LINE = 200,
};

// RFC 2045, 6.7 (note): "=_" stands in no quoted-printable text and in no base64, so a boundary
// with it cannot occur in a part.
#define OUTER_BOUNDARY "=_eyrie_mixed_="
#define INNER_BOUNDARY "=_eyrie_alternative_="

static void write_date(struct ey_buf *buf, int64_t seconds)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year < 0 || tm.tm_year > 9999 - 1900) {
		t = 0;
		gmtime_r(&t, &tm);
	}
	// Not strftime(): the names are English whatever the locale.
	ey_buf_printf(buf, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday],
		      tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		      tm.tm_sec);
}

static void write_message_id(struct ey_buf *buf, const char *name, const char *key,
			     const char *domain)
{
	ey_buf_printf(buf, "%s: <", name);
	for (size_t i = 0; key[i] && i < MAX_KEY_LENGTH; i++) {
		bool alnum = (key[i] >= '0' && key[i] <= '9') ||
			     ((key[i] | 0x20) >= 'a' && (key[i] | 0x20) <= 'z');
		ey_buf_addc(buf, alnum || key[i] == '_' ? key[i] : '-');
	}
	ey_buf_printf(buf, "@%s>\r\n", domain);
}

static void write_mailbox(struct ey_buf *buf, const struct mail_address *a)
{
	if (a->name) {
		size_t before = buf->len;

		mail_phrase_write(buf, a->name);
		ey_buf_adds(buf, buf->len - before > 40 ? "\r\n " : " ");
		ey_buf_printf(buf, "<%s>", a->address);
	} else {
		ey_buf_adds(buf, a->address);
	}
}

static void write_subject(struct ey_buf *buf, const char *prefix, const char *subject)
{
	_cleanup_buf_ struct ey_buf value = EY_BUF_INIT;

	if (prefix && *prefix)
		ey_buf_printf(&value, "%s ", prefix);
	ey_buf_adds(&value, subject ? subject : "");
	if (value.len > MAX_SUBJECT_BYTES) {
		// Cut at a character's beginning.
		size_t n = MAX_SUBJECT_BYTES;
		while (n && ((unsigned char)value.data[n] & 0xc0) == 0x80)
			n--;
		value.len = n;
		ey_buf_adds(&value, "\xe2\x80\xa6"); // …
	}
	buf->failed |= value.failed;
	mail_header_write(buf, "Subject", ey_buf_str(&value));
}

// Text that can be sent as it is, and so be read even in a server's queue file.
static bool is_plain_text(const char *s, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n') {
			if (i && (s[i - 1] == ' ' || s[i - 1] == '\t'))
				return false;
			column = 0;
			continue;
		}
		if ((s[i] < 0x20 && s[i] != '\t') || s[i] >= 0x7f)
			return false;
		if (!column && (s[i] == '.' || (len - i >= 5 && !memcmp(s + i, "From ", 5))))
			return false;
		if (++column > MAX_PLAIN_LINE)
			return false;
	}
	return true;
}

static void write_text_part(struct ey_buf *buf, const char *type, const char *text, bool in_parts)
{
	_cleanup_buf_ struct ey_buf clean = EY_BUF_INIT;

	ey_text_clean(&clean, text, strlen(text));
	buf->failed |= clean.failed;
	ey_buf_printf(buf, "Content-Type: %s; charset=utf-8\r\n", type);
	if (in_parts || !is_plain_text(ey_buf_str(&clean), clean.len)) {
		ey_buf_adds(buf, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		mail_quoted_printable_write(buf, ey_buf_str(&clean), clean.len);
		// The line break before a boundary belongs to the boundary (RFC 2046, 5.1.1).
		if (in_parts)
			ey_buf_adds(buf, "\r\n");
		return;
	}
	ey_buf_adds(buf, "Content-Transfer-Encoding: 7bit\r\n\r\n");
	for (const char *s = ey_buf_str(&clean); *s;) {
		size_t len = strcspn(s, "\n");

		ey_buf_add(buf, s, len);
		ey_buf_adds(buf, "\r\n");
		s += len + (s[len] == '\n');
	}
}

static struct ey_error *gzip(const void *data, size_t len, struct ey_buf *out)
{
	z_stream z = {0};

	if (len > UINT32_MAX)
		return ey_error_create(EY_ERR_INPUT, "an attachment of %zu bytes is too large",
				       len);
	// 31: the largest window, with a gzip header; its time stays 0, so that the same text
	// always gives the same bytes.
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return &ey_error_nomem;
	size_t bound = deflateBound(&z, (uLong)len);
	if (!ey_buf_reserve(out, bound)) {
		deflateEnd(&z);
		return &ey_error_nomem;
	}
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)out->data;
	z.avail_out = (uInt)bound;
	int status = deflate(&z, Z_FINISH);
	out->len = z.total_out;
	deflateEnd(&z);
	return status == Z_STREAM_END ? NULL
				      : ey_error_create(EY_ERR_IO, "cannot compress an attachment");
}

static struct ey_error *write_attachment(struct ey_buf *buf, const struct mail_attachment *a)
{
	_cleanup_buf_ struct ey_buf packed = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf name = EY_BUF_INIT;

	// A file name that needs no encoding and means nothing to a shell or a path.
	for (const char *s = a->name; *s && name.len < 100; s++) {
		bool alnum = (*s >= '0' && *s <= '9') || ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z');
		ey_buf_addc(&name, alnum || (name.len && strchr("._-", *s)) ? *s : '_');
	}
	if (a->gzip) {
		struct ey_error *err = gzip(a->data, a->len, &packed);
		if (err)
			return err;
		ey_buf_adds(&name, ".gz");
	}
	if (a->gzip)
		ey_buf_adds(buf, "Content-Type: application/gzip\r\n");
	else
		mail_header_write(buf, "Content-Type", a->type);
	ey_buf_printf(buf,
		      "Content-Disposition: attachment; filename=\"%s\"\r\n"
		      "Content-Transfer-Encoding: base64\r\n\r\n",
		      ey_buf_str(&name));
	mail_base64_write(buf, a->gzip ? packed.data : a->data, a->gzip ? packed.len : a->len);
	return ey_buf_error(&name);
}

static void write_body(struct ey_buf *buf, const struct mail_message *m, bool in_parts)
{
	const char *text = m->text ? m->text : "";

	if (!m->html) {
		write_text_part(buf, "text/plain", text, in_parts);
		return;
	}
	ey_buf_adds(buf, "Content-Type: multipart/alternative; boundary=\"" INNER_BOUNDARY
			 "\"\r\n\r\n--" INNER_BOUNDARY "\r\n");
	write_text_part(buf, "text/plain", text, true);
	ey_buf_adds(buf, "--" INNER_BOUNDARY "\r\n");
	write_text_part(buf, "text/html", m->html, true);
	ey_buf_adds(buf, "--" INNER_BOUNDARY "--\r\n");
}

struct ey_error *mail_message_write(const struct mail_message *message,
				    const struct mail_address *from,
				    const struct mail_addresses *to, const char *prefix,
				    struct ey_buf *buf)
{
	const char *domain = strchr(from->address, '@') + 1;

	write_date(buf, message->date ? message->date : ey_time_now());
	ey_buf_adds(buf, "From: ");
	write_mailbox(buf, from);
	ey_buf_adds(buf, "\r\nTo: ");
	for (size_t i = 0; i < to->count; i++) {
		if (i)
			ey_buf_adds(buf, ",\r\n ");
		write_mailbox(buf, &to->list[i]);
	}
	ey_buf_adds(buf, "\r\n");
	write_subject(buf, prefix, message->subject);
	if (message->key)
		write_message_id(buf, "Message-ID", message->key, domain);
	if (message->thread_key) {
		write_message_id(buf, "In-Reply-To", message->thread_key, domain);
		write_message_id(buf, "References", message->thread_key, domain);
	}
	// RFC 3834, and the header that Exchange heeds: no holiday answers to a machine, please.
	ey_buf_adds(buf, "Auto-Submitted: auto-generated\r\n"
			 "X-Auto-Response-Suppress: All\r\n"
			 "X-Mailer: Eyrie " EYRIE_VERSION "\r\n"
			 "MIME-Version: 1.0\r\n");
	if (!message->attachment_count) {
		write_body(buf, message, false);
		return ey_buf_error(buf);
	}
	ey_buf_adds(buf, "Content-Type: multipart/mixed; boundary=\"" OUTER_BOUNDARY
			 "\"\r\n\r\n--" OUTER_BOUNDARY "\r\n");
	write_body(buf, message, true);
	for (size_t i = 0; i < message->attachment_count; i++) {
		ey_buf_adds(buf, "--" OUTER_BOUNDARY "\r\n");
		struct ey_error *err = write_attachment(buf, &message->attachments[i]);
		if (err)
			return err;
	}
	ey_buf_adds(buf, "--" OUTER_BOUNDARY "--\r\n");
	return ey_buf_error(buf);
}
