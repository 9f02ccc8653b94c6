/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Monitor and mails as the commands run them: what happens is printed. */
#ifndef EYRIE_CMD_WATCH_H
#define EYRIE_CMD_WATCH_H

#include <stdbool.h>

#include "cmd/center.h"
#include "monitor/mailer.h"
#include "monitor/monitor.h"

struct watch_result {
	struct monitor_result monitor;
	struct mailer_result mailer;
};

/**
 * Run the monitor, then send the mails that wait, printing a line for each alert and mail. Where
 * no server is configured this says so and queues none.
 */
struct ey_error *watch_run(struct center *center, bool no_mail,
			   struct watch_result *ret) EY_MUST_CHECK;

#endif
