/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_run(), the job of the scheduler, as a program: report_probe CONFIG. */
#include <stdio.h>

#include "base/log.h"
#include "report/report.h"

int main(int argc, char **argv)
{
	_cleanup_config_ struct ey_config config = {0};
	_cleanup_db_ struct db *db = NULL;
	_cleanup_report_result_ struct report_result result = {0};

	if (argc != 2)
		return 64;
	struct ey_error *err = ey_config_load(&config, argv[1]);
	if (!err)
		err = db_open_config(&config, DB_OPEN_WRITE, &db);
	if (!err)
		err = report_run(db, &config, &result);
	printf("written %u mailed %04d-%02d %s\n", result.written, result.mailed.year,
	       result.mailed.month, result.path ? result.path : "-");
	return ey_error_report(err);
}
