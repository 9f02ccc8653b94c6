/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Send the mails that wait in the database (db/outbox.h). Any number of senders may run at once:
 * each mail is claimed by one. What cannot be sent now is tried again later, longer each time.
 */
#ifndef EYRIE_MONITOR_MAILER_H
#define EYRIE_MONITOR_MAILER_H

#include <stdint.h>

#include "base/error.h"
#include "db/db.h"
#include "notify/mail.h"

enum {
	/** Mails that waited longer than this are given up: their news is old. Seconds. */
	MAILER_MAX_AGE = 7 * 86400,
	/** How long after [mail] timeout a mail that a sender took may be sent by another. */
	MAILER_LEASE = 600,
};

/** How mails go out, as the configuration says: [mail] and [server] url. */
struct mailer_config {
	struct mail_options mail;
	/** NULL where it is not set. */
	char *console_url;
	char *repository;
};

/** Where [mail] server is not set this is no error, and mail_is_on(&ret->mail) says no. */
struct ey_error *mailer_config_load(struct mailer_config *ret,
				    const struct ey_config *config) EY_MUST_CHECK;
void mailer_config_deinit(struct mailer_config *config);
#define _cleanup_mailer_config_ __attribute__((cleanup(mailer_config_deinit)))

struct mailer_event {
	const char *subject;
	/** Why it was not sent; NULL: it was. */
	const char *error;
};

struct mailer_options {
	const struct mailer_config *config;
	void (*on_mail)(const struct mailer_event *event, void *arg);
	void *arg;
};

struct mailer_result {
	uint64_t sent;
	/** To be tried again. */
	uint64_t delayed;
	/** Never to be tried again: refused, too old. */
	uint64_t given_up;
	/** Wait after the run. */
	uint64_t waiting;
};

/**
 * Send what is due. When the server cannot be reached or does not want us the rest waits, and the
 * error of that is returned (EY_ERR_IO, EY_ERR_USAGE); everything is noted before.
 */
struct ey_error *mailer_run(struct db *db, const struct mailer_options *options,
			    struct mailer_result *ret) EY_MUST_CHECK;

#endif
