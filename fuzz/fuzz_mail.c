/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever a dump or a configuration holds: what is sent is a mail. The input is cut at NUL bytes
 * into recipients, prefix, reason and crash; the mail composed of it must have CRLF lines of 7-bit
 * text below 998 bytes, exactly our headers, and HTML without a tag that is not ours.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "notify/compose.h"
#include "notify/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 16 };

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_header(const char *line, size_t len)
{
	static const char *const known[] = {
		"Date: ",	 "From: ",	   "To: ",
		"Subject: ",	 "Message-ID: ",   "In-Reply-To: ",
		"References: ",	 "Auto-Submitted", "X-Auto-Response-Suppress: ",
		"X-Mailer: ",	 "MIME-Version: ", "Content-Type: ",
		"Content-Trans",
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(known); i++) {
		if (len >= strlen(known[i]) && !memcmp(line, known[i], strlen(known[i])))
			return;
	}
	// A folded line goes on with a blank, and has something in it.
	check(len > 1 && line[0] == ' ' && strspn(line, " ") < len);
}

static void check_bytes(const struct ey_buf *mail)
{
	bool in_header = true;

	for (const char *s = ey_buf_str(mail), *end = s + mail->len; s < end;) {
		const char *newline = memchr(s, '\n', (size_t)(end - s));
		check(newline && newline > s && newline[-1] == '\r');
		size_t len = (size_t)(newline - 1 - s);

		check(len < 998);
		for (size_t i = 0; i < len; i++)
			check((s[i] >= 0x20 && s[i] < 0x7f) || s[i] == '\t');
		if (!len)
			in_header = false;
		if (in_header)
			check_header(s, len);
		s = newline + 1;
	}
}

static void check_html(const char *html)
{
	static const char *const ours[] = {
		"!DOCTYPE html>", "html ",   "head>", "meta ",	       "/head>", "body ", "/body>",
		"/html>",	  "h1 ",     "/h1>",  "h2 ",	       "/h2>",	 "p ",	  "/p>",
		"table ",	  "/table>", "tr>",   "/tr>",	       "th ",	 "/th>",  "td ",
		"/td>",		  "pre ",    "/pre>", "a href=\"http", "/a>",
	};

	for (const char *s = strchr(html, '<'); s; s = strchr(s + 1, '<')) {
		bool found = false;

		for (size_t i = 0; i < EY_ARRAY_SIZE(ours); i++)
			found |= !strncmp(s + 1, ours[i], strlen(ours[i]));
		check(found);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *input = malloc(size + 1);
	_cleanup_mail_addresses_ struct mail_addresses to = {0};
	_cleanup_notify_text_ struct notify_text text = {0};
	_cleanup_buf_ struct ey_buf mail = EY_BUF_INIT;
	const char *f[FIELDS];

	if (!input)
		return 0;
	memcpy(input, data, size);
	input[size] = '\0';
	size_t at = 0;
	for (size_t i = 0; i < FIELDS; i++) {
		f[i] = input + at;
		at = at < size ? EY_MIN(at + strlen(input + at) + 1, size) : size;
	}
	struct ey_error *err = mail_addresses_parse(f[0], &to);
	ey_error_destroy(err);
	struct mail_address from = {.name = (char *)f[1], .address = (char *)"eyrie@example.com"};
	uint64_t first = strlen(f[1]), last = strlen(f[2]);
	struct notify_crash crash = {
		.site = f[2],
		.host = f[3],
		.kernel = f[4],
		.model = f[5],
		.firmware = f[6],
		.taint = f[7],
		.time = (int64_t)size * 1000003,
		.uptime_seconds = (int64_t)at - 9,
		.comm = f[8],
		.pid = 1,
		.cpu = -1,
		.call_trace = f[9],
		.log = f[10],
		.event_first_line = first,
		.event_last_line = last,
		.location = f[11],
		.url = f[12],
	};
	struct notify_reason reason = {
		.kind = f[13],
		.title = f[14],
		.function = f[15],
		.module = f[3],
		.key = f[4],
		.signature = f[5],
		.crashes = size % 3,
		.hosts = 1,
		.url = f[6],
	};
	err = notify_compose_new_reason(&reason, &crash, &text);
	check(!err);
	check_html(text.html);
	struct mail_message message = notify_text_message(&text, 1795444049);
	message.key = f[14];
	if (size % 2)
		message.thread_key = f[15];
	if (size % 5 == 0)
		message.html = NULL;
	err = mail_message_write(&message, &from, &to, f[1], &mail);
	check(!err);
	check_bytes(&mail);
	return 0;
}
