/* SPDX-License-Identifier: GPL-2.0-or-later */
#define EY_ERROR_DEFINITIONS
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static char nomem_message[] = "out of memory";
struct ey_error ey_error_nomem = {EY_ERR_NOMEM, nomem_message};

// Messages quote what comes from outside, and are lines of logs and terminals.
static char *one_line(char *message)
{
	for (char *c = message; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
	return message;
}

static struct ey_error *adopt(enum ey_error_code code, char *message)
{
	struct ey_error *err = malloc(sizeof(*err));

	if (!err) {
		free(message);
		return &ey_error_nomem;
	}
	err->code = code;
	err->message = one_line(message);
	return err;
}

struct ey_error *ey_error_create(enum ey_error_code code, const char *format, ...)
{
	char *message;
	va_list ap;

	va_start(ap, format);
	int n = vasprintf(&message, format, ap);
	va_end(ap);
	if (n < 0)
		return &ey_error_nomem;
	return adopt(code, message);
}

struct ey_error *ey_error_errno(enum ey_error_code code, int errnum, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	char *message;
	va_list ap;

	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return &ey_error_nomem;
	}
	if (asprintf(&message, "%s: %s", text, strerror(errnum)) < 0)
		return &ey_error_nomem;
	return adopt(code, message);
}

struct ey_error *ey_error_prefix(struct ey_error *err, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	char *message;
	va_list ap;

	if (!err || err == &ey_error_nomem)
		return err;
	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return err;
	}
	if (asprintf(&message, "%s: %s", text, err->message) < 0)
		return err;
	free(err->message);
	err->message = one_line(message);
	return err;
}

void ey_error_destroy(struct ey_error *err)
{
	if (!err || err == &ey_error_nomem)
		return;
	free(err->message);
	free(err);
}

int ey_error_exit_code(const struct ey_error *err)
{
	if (!err)
		return 0;
	switch (err->code) {
	case EY_ERR_USAGE:
		return 1;
	case EY_ERR_INPUT:
	case EY_ERR_NOT_FOUND:
	case EY_ERR_FAULT:
	case EY_ERR_DENIED:
		return 2;
	case EY_ERR_IO:
	case EY_ERR_NOMEM:
		return 3;
	}
	return 3;
}
