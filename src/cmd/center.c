/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/center.h"

#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "db/job.h"

void center_deinit(struct center *center)
{
	if (center->db)
		db_close(center->db);
	ey_config_deinit(&center->config);
	*center = (struct center){0};
}

bool center_option(struct center_options *options, int c, const char *argument)
{
	switch (c) {
	case 'c':
		options->config = argument;
		return true;
	case 'D':
		options->database = argument;
		return true;
	case 'R':
		options->repository = argument;
		return true;
	default:
		return false;
	}
}

static struct ey_error *open_with(struct center *ret, const struct center_options *options,
				  unsigned int flags)
{
	struct ey_error *err = ey_config_load(&ret->config, options->config);

	if (!err && options->database)
		err = ey_config_set(&ret->config, "database", "connection", options->database,
				    "--db");
	if (!err && options->repository)
		err = ey_config_set(&ret->config, "repository", "path", options->repository,
				    "--repository");
	return err ? err : db_open_config(&ret->config, flags, &ret->db);
}

struct ey_error *center_open(struct center *ret, const struct center_options *options,
			     unsigned int flags)
{
	return open_with(ret, options, flags | DB_OPEN_WRITE);
}

struct ey_error *center_open_reader(struct center *ret, const struct center_options *options)
{
	return open_with(ret, options, 0);
}

struct ey_error *center_job_start(struct center *center, const char *name)
{
	return db_job_start(center->db, name, ey_time_now(), &center->job);
}

struct ey_error *center_job_finish(struct center *center, struct ey_error *err, const char *summary)
{
	if (!center->job)
		return err;
	struct ey_error *later =
		db_job_finish(center->db, center->job, err, summary, ey_time_now());
	// What made the job fail matters more than that it could not be noted.
	if (err) {
		ey_error_destroy(later);
		return err;
	}
	return later;
}

void center_print_text(FILE *f, const char *s)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

	ey_text_clean(&buf, s, strlen(s));
	for (size_t i = 0; i < buf.len; i++) {
		if (buf.data[i] == '\n' || buf.data[i] == '\t')
			buf.data[i] = ' ';
	}
	fputs(ey_buf_str(&buf), f);
}

void center_print_bytes(FILE *f, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double n = (double)bytes;
	size_t unit = 0;

	for (; n >= 1024 && unit + 1 < EY_ARRAY_SIZE(units); unit++)
		n /= 1024;
	fprintf(f, unit && n < 10 ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

const char *center_user(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw ? pw->pw_name : "eyrie";
}
