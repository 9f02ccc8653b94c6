/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static int threshold(void)
{
	static const char *const names[] = {"err", "warning", "notice", "info", "debug"};
	const char *env = getenv("EYRIE_LOG_LEVEL");

	for (size_t i = 0; env && i < EY_ARRAY_SIZE(names); i++) {
		if (!strcmp(env, names[i]))
			return (int)i + EY_LOG_ERR;
	}
	return EY_LOG_INFO;
}

void ey_log(enum ey_log_level level, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct ey_buf line = EY_BUF_INIT;
	int saved_errno = errno;
	va_list ap;

	if ((int)level > threshold())
		return;
	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return;
	}
	if (getenv("JOURNAL_STREAM"))
		ey_buf_printf(&line, "<%d>", (int)level);
	else
		ey_buf_adds(&line, "eyrie: ");
	// One line a message: what came from outside must not forge a second one.
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
	ey_buf_adds(&line, text);
	ey_buf_addc(&line, '\n');
	// One write(2) a line, so that lines of several processes do not mix.
	fwrite(ey_buf_str(&line), 1, line.len, stderr);
	errno = saved_errno;
}

int ey_error_report(struct ey_error *err)
{
	int code = ey_error_exit_code(err);

	if (err)
		ey_log(EY_LOG_ERR, "%s", err->message);
	ey_error_destroy(err);
	return code;
}
