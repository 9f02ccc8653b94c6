/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/mailer.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/outbox.h"
#include "monitor/facts.h"
#include "notify/console.h"
#include "store/repository.h"

struct ey_error *mailer_config_load(struct mailer_config *ret, const struct ey_config *config)
{
	*ret = (struct mailer_config){0};
	struct ey_error *err = mail_options_load(&ret->mail, config);
	if (!err)
		err = notify_console_url(config, &ret->console_url);
	if (!err) {
		ret->repository =
			strdup(ey_config_string(config, "repository", "path", STORE_DEFAULT_ROOT));
		err = ret->repository ? NULL : &ey_error_nomem;
	}
	if (err)
		mailer_config_deinit(ret);
	return err;
}

void mailer_config_deinit(struct mailer_config *config)
{
	mail_options_deinit(&config->mail);
	free(config->console_url);
	free(config->repository);
	config->console_url = config->repository = NULL;
}

static void tell(const struct mailer_options *options, const char *subject, const char *error)
{
	if (options->on_mail)
		options->on_mail(&(struct mailer_event){subject, error}, options->arg);
}

static struct ey_error *give_up(struct db *db, const struct mailer_options *options,
				const struct db_mail *mail, const char *subject, const char *why,
				struct mailer_result *result)
{
	result->given_up++;
	tell(options, subject, why);
	return db_outbox_failed(db, mail->id, why, true, NULL, ey_time_now());
}

static struct ey_error *send_text(struct db *db, const struct mailer_options *options,
				  const struct db_mail *mail, const struct facts_mail *facts,
				  struct mailer_result *result)
{
	const struct mail_attachment analysis = {
		.name = "analysis.txt",
		.type = "text/plain; charset=utf-8",
		.data = facts->analysis,
		.len = facts->analysis_len,
		.gzip = facts->analysis_len > 65536,
	};
	_cleanup_mail_result_ struct mail_result answer = {0};
	struct mail_message message = notify_text_message(&facts->text, mail->created);

	if (*mail->recipients)
		message.to = mail->recipients;
	if (facts->analysis_len) {
		message.attachments = &analysis;
		message.attachment_count = 1;
	}
	struct ey_error *err = mail_send(&options->config->mail, &message, &answer);
	if (!err) {
		result->sent++;
		tell(options, facts->text.subject, NULL);
		return db_outbox_sent(db, mail->id, ey_time_now());
	}
	_cleanup_error_ struct ey_error *why = err;
	if (why->code == EY_ERR_INPUT && !answer.retry_to)
		return give_up(db, options, mail, facts->text.subject, why->message, result);
	result->delayed++;
	tell(options, facts->text.subject, why->message);
	err = db_outbox_failed(db, mail->id, why->message, false, answer.retry_to, ey_time_now());
	if (err)
		return err;
	// Some took it: the server is there. Else the next mail would fare no better just now.
	return answer.accepted || answer.retry_to ? NULL : no_cleanup_ptr(why);
}

static struct ey_error *send_one(struct db *db, const struct mailer_options *options,
				 const struct db_mail *mail, struct mailer_result *result)
{
	_cleanup_facts_mail_ struct facts_mail facts = {0};
	const struct facts_places places = {options->config->console_url,
					    options->config->repository};

	if (ey_time_now() - mail->created > MAILER_MAX_AGE)
		return give_up(db, options, mail, mail->key, "it waited too long", result);
	struct ey_error *err = facts_compose(db, mail, &places, &facts);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		_cleanup_error_ struct ey_error *gone = err;

		return give_up(db, options, mail, mail->key, gone->message, result);
	}
	return err ? err : send_text(db, options, mail, &facts, result);
}

struct ey_error *mailer_run(struct db *db, const struct mailer_options *options,
			    struct mailer_result *ret)
{
	struct db_outbox_counts counts;
	struct ey_error *err = NULL;
	bool more = true;

	*ret = (struct mailer_result){0};
	while (!err && more) {
		_cleanup_mails_ struct db_mail_list list;

		// One at a time: what is claimed and not sent would wait for the lease's end.
		err = db_outbox_claim(db, ey_time_now(),
				      options->config->mail.timeout + MAILER_LEASE, 1, &list);
		more = list.count > 0;
		if (!err && more)
			err = send_one(db, options, &list.items[0], ret);
	}
	struct ey_error *later = db_outbox_counts(db, &counts);
	ret->waiting = (uint64_t)counts.waiting;
	if (!err)
		return later;
	ey_error_destroy(later);
	return err;
}
