/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The analyser of these tests, linked in place of the real one: a "dump" is a record's JSON, or
 * says in its first word how its analysis fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "base/file.h"

struct ey_error *analysis_run(const char *path, const struct analysis_options *options,
			      struct analysis_result *ret)
{
	struct ey_error *err = ey_file_read_whole(path, 1 << 20, &ret->record, &ret->record_len);

	if (err)
		return err;
	_cleanup_free_ char *text = ret->record;
	ret->record = NULL;
	if (!strncmp(text, "broken", 6))
		return ey_error_create(EY_ERR_INPUT, "%s: not a dump\xff", path);
	if (!strncmp(text, "unreadable", 10))
		return ey_error_create(EY_ERR_IO, "%s: cannot read", path);
	ret->record = no_cleanup_ptr(text);
	ret->text = strdup("the analysis\n");
	ret->text_len = strlen(ret->text);
	return NULL;
}

void analysis_result_deinit(struct analysis_result *result)
{
	free(result->record);
	free(result->text);
	*result = (struct analysis_result){0};
}
