/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Mail by SMTP: the options of the [mail] section, and sending one message.
 *
 *	struct mail_options mail;
 *	err = mail_options_load(&mail, &config);
 *	if (!err && mail_is_on(&mail))
 *		err = mail_send(&mail, &message, &result);
 *
 * The code of the error that mail_send() returns says what a queue should do:
 *
 *	NULL		every recipient's server took the message
 *	EY_ERR_IO	temporary: keep it and try again (result.retry_to may say for whom)
 *	EY_ERR_USAGE	the server does not want *us* (login, TLS, sender): nothing is wrong with
 *the message; keep it, tell the administrator, try again when that is mended
 *	EY_ERR_INPUT	refused for good (result.refused_to): trying again is useless
 */
#ifndef EYRIE_NOTIFY_MAIL_H
#define EYRIE_NOTIFY_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "notify/message.h"

/** What [mail] starttls says; mail_starttls_name() has the words. */
enum mail_starttls {
	/**
	 * Encrypt where the server offers it, without proof of who it is (RFC 7435). The default
	 * where there is no user.
	 */
	MAIL_STARTTLS_AUTO,
	/** Encrypt to a server whose certificate is right, or do not send. Default with a user. */
	MAIL_STARTTLS_REQUIRE,
	/** Plain text. */
	MAIL_STARTTLS_NO,
};

struct mail_options {
	/** "smtp://host:port" or "smtps://host:port"; NULL: mail is off. */
	char *server;
	enum mail_starttls starttls;
	/** A file of certificates to trust in place of the system's; NULL: the system's. */
	char *ca_file;
	/** NULL: no login. The password is read at each sending. */
	char *user;
	char *password_file;
	/** The sender, and where alerts go. */
	struct mail_address from;
	struct mail_addresses to;
	/** What subjects begin with, e.g. "[eyrie]"; may be "". */
	char *prefix;
	/** Seconds that one sending may take in all. */
	int64_t timeout;
};

/**
 * Read and check the section [mail]. Where `server` is not set the result is valid and
 * mail_is_on() says no. EY_ERR_USAGE: a bad value, with the place in the message.
 */
struct ey_error *mail_options_load(struct mail_options *options,
				   const struct ey_config *config) EY_MUST_CHECK;
void mail_options_deinit(struct mail_options *options);
#define _cleanup_mail_options_ __attribute__((cleanup(mail_options_deinit)))

/** Whether a server is configured. Callers that want to mail and cannot should say so once. */
static inline bool mail_is_on(const struct mail_options *options)
{
	return options->server != NULL;
}

/** "auto", "require", "no". */
const char *mail_starttls_name(enum mail_starttls starttls);

/** What became of one sending, beside the error. All zero where nobody took it. */
struct mail_result {
	/** How many recipients the server took the message for. */
	size_t accepted;
	/**
	 * "a@x, b@x" (free()): with EY_ERR_IO, whom to try again where that is not everybody; NULL:
	 * the whole message, since nobody was refused and nobody took it.
	 */
	char *retry_to;
	/** Those refused for good (free()); NULL: nobody. */
	char *refused_to;
	/** The server's last answer about this message, e.g. 250, 451, 550; 0 where none came. */
	long smtp_code;
};
void mail_result_deinit(struct mail_result *result);
#define _cleanup_mail_result_ __attribute__((cleanup(mail_result_deinit)))

/**
 * Send @p message, to message->to where it is set and to options->to else, in one SMTP
 * transaction. One recipient's refusal does not keep the others from getting it.
 *
 * The Message-ID is made from message->key, so that a second sending of the same message (after
 * a power cut between the server's answer and our note of it) can be told by the receiver.
 *
 * @p result_ret may be NULL. Errors as described at the top of this file; also EY_ERR_USAGE when
 * mail is off or there is no recipient. May be called from several threads at once.
 */
struct ey_error *mail_send(const struct mail_options *options, const struct mail_message *message,
			   struct mail_result *result_ret) EY_MUST_CHECK;

#endif
