/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Read records from standard input, a line each; print "ok" or the error, a line each. */
#include <stdio.h>

#include "analysis/record_read.h"
#include "base/cleanup.h"

int main(void)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		_cleanup_record_ struct record r;
		_cleanup_error_ struct ey_error *err = record_read(line, (size_t)n, &r);

		puts(err ? err->message : "ok");
	}
	return 0;
}
