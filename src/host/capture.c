/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/capture.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

static struct ey_error *write_in(const char *folder, const char *name, const char *data, size_t len)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return ey_error_create(EY_ERR_USAGE, "the path of the output folder is too long");
	return ey_file_write_whole(path, 0600, data, len);
}

static void remove_folder(const char *folder)
{
	static const char *const names[] = {"record.json", "analysis.txt"};
	char path[PATH_MAX];

	for (size_t i = 0; i < EY_ARRAY_SIZE(names); i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, names[i]) < sizeof(path))
			unlink(path);
	}
	rmdir(folder);
}

// A folder under a temporary name, renamed when it is whole.
static struct ey_error *save(const char *output, const struct analysis_result *result, char **ret)
{
	_cleanup_free_ char *temp = NULL, *folder = NULL;
	char stamp[64];
	struct tm tm;
	time_t now = (time_t)ey_time_now();

	if (!gmtime_r(&now, &tm) || !strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm))
		return ey_error_create(EY_ERR_IO, "the clock of the crash kernel is not sound");
	if (asprintf(&temp, "%s/" EY_TEMP_PREFIX "%s", output, stamp) < 0) {
		temp = NULL;
		return &ey_error_nomem;
	}
	if (asprintf(&folder, "%s/%s", output, stamp) < 0) {
		folder = NULL;
		return &ey_error_nomem;
	}
	struct ey_error *err = ey_mkdir_parents(output, 0700);
	if (err)
		return err;
	if (mkdir(temp, 0700) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create %s", temp);
	// The record first: if the disk fills up, it is worth more than the text made of the same.
	err = write_in(temp, "record.json", result->record, result->record_len);
	if (!err)
		err = write_in(temp, "analysis.txt", result->text, result->text_len);
	if (!err && rename(temp, folder) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot rename to %s", folder);
	if (err) {
		remove_folder(temp);
		return err;
	}
	*ret = no_cleanup_ptr(folder);
	return ey_sync_dir(output);
}

struct ey_error *capture_save(const struct capture_options *options, char **folder_ret)
{
	struct analysis_options analysis = {.timeout_seconds = options->timeout_seconds};
	struct analysis_result result;

	*folder_ret = NULL;
	struct ey_error *err = analysis_run(options->vmcore, &analysis, &result);
	if (err)
		return err;
	err = save(options->output, &result, folder_ret);
	analysis_result_deinit(&result);
	return err;
}
