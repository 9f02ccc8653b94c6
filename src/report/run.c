/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report as a job: files on schedule, and a mail when a month is over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/job.h"
#include "notify/console.h"
#include "notify/document.h"
#include "notify/mail.h"
#include "report/data.h"

/** Under which db_state_get() keeps the last month that was mailed, as year * 12 + month - 1. */
#define MAILED_STATE "report.mailed"

enum {
	/** So long after its end a month is still written anew: crashes that arrive late count. */
	LATE_SECONDS = 7 * 86400,
	MAX_MAIL_ROWS = 10,
};

void report_result_deinit(struct report_result *result)
{
	free(result->path);
	*result = (struct report_result){0};
}

static void add_mail_table(struct notify_document *d, const char *heading,
			   const struct db_top_list *list)
{
	_cleanup_buf_ struct ey_buf lines = EY_BUF_INIT;

	if (!list->count)
		return;
	for (size_t i = 0; i < list->count && i < MAX_MAIL_ROWS; i++) {
		const struct db_top *t = &list->items[i];

		ey_buf_printf(&lines, "%6lld  ", (long long)t->crashes);
		for (const char *s = *t->label ? t->label : "(not known)"; *s; s++)
			ey_buf_addc(&lines, *s == '\n' || *s == '\r' ? ' ' : *s);
		ey_buf_addc(&lines, '\n');
	}
	notify_document_heading(d, heading);
	notify_document_lines(d, ey_buf_str(&lines));
	d->text.failed |= lines.failed;
}

static void compose(const struct report_data *d, struct notify_document *doc,
		    struct ey_buf *subject)
{
	_cleanup_buf_ struct ey_buf summary = EY_BUF_INIT;

	ey_buf_printf(subject, "kernel crashes in %s %d: ", report_month_name(d->month.month),
		      d->month.year);
	if (d->totals.crashes) {
		report_add_number(subject, d->totals.crashes);
		ey_buf_adds(subject, " on ");
		report_add_count(subject, d->totals.hosts, "host", "hosts");
		ey_buf_adds(subject, ", ");
		report_add_count(subject, d->counts.new_reasons, "new reason", "new reasons");
	} else {
		ey_buf_adds(subject, "none");
	}
	report_summary(d, &summary);
	notify_document_begin(doc);
	notify_document_title(doc, ey_buf_str(subject));
	notify_document_paragraph(doc, "%s", ey_buf_str(&summary));
	add_mail_table(doc, "Crashes by reason", &d->reasons);
	add_mail_table(doc, "By host", &d->hosts);
	add_mail_table(doc, "By model", &d->models);
	add_mail_table(doc, "By kernel", &d->kernels);
	notify_document_paragraph(doc, "The whole report with its charts is attached.");
	notify_document_end(doc);
	subject->failed |= summary.failed;
}

static struct ey_error *send(const struct mail_options *mail, const char *to,
			     const struct report_data *data, struct mail_result *result)
{
	_cleanup_document_ struct notify_document doc = {0};
	_cleanup_buf_ struct ey_buf subject = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf page = EY_BUF_INIT;
	char month[REPORT_MONTH_TEXT_SIZE], key[64], name[64];

	report_month_format(data->month, month);
	// A month that was mailed while it ran is another message than the same when it is over.
	if (report_is_running(data))
		snprintf(key, sizeof(key), "report-%s-%lld", month, (long long)data->now);
	else
		snprintf(key, sizeof(key), "report-%s", month);
	snprintf(name, sizeof(name), "eyrie-%s.html", month);
	struct ey_error *err = report_html(data, &page);
	if (err)
		return err;
	compose(data, &doc, &subject);
	err = ey_buf_error(&subject);
	if (!err)
		err = ey_buf_error(&doc.text);
	if (!err)
		err = ey_buf_error(&doc.html);
	if (err)
		return err;
	struct mail_attachment attachment = {
		.name = name,
		.type = "text/html; charset=utf-8",
		.data = page.data,
		.len = page.len,
	};
	struct mail_message message = {
		.to = to,
		.subject = ey_buf_str(&subject),
		.text = ey_buf_str(&doc.text),
		.html = ey_buf_str(&doc.html),
		.key = key,
		.attachments = &attachment,
		.attachment_count = 1,
	};
	return mail_send(mail, &message, result);
}

static struct ey_error *load_and_send(struct db *db, const struct ey_config *config,
				      const struct mail_options *mail, const char *to,
				      struct report_month month, struct mail_result *result)
{
	_cleanup_report_data_ struct report_data data = {0};
	_cleanup_free_ char *console = NULL;
	struct ey_error *err = notify_console_url(config, &console);

	if (!err)
		err = report_data_load(db, month, &(struct report_options){.console_url = console},
				       &data);
	return err ? err : send(mail, to, &data, result);
}

static struct ey_error *load_mail(const struct ey_config *config, struct mail_options *ret)
{
	struct ey_error *err = mail_options_load(ret, config);

	if (!err && !mail_is_on(ret))
		err = ey_error_create(EY_ERR_USAGE, "the report cannot be mailed: [mail] server is "
						    "not set");
	return err;
}

struct ey_error *report_mail(struct db *db, const struct ey_config *config,
			     struct report_month month)
{
	_cleanup_mail_options_ struct mail_options mail = {0};
	struct ey_error *err = load_mail(config, &mail);

	return err ? err
		   : load_and_send(db, config, &mail,
				   ey_config_string(config, "report", "to", NULL), month, NULL);
}

// Note who has the report of this month: all of @p to but those to be tried again.
static struct ey_error *note_readers(struct db *db, const struct mail_addresses *to,
				     const char *retry_to, int64_t number)
{
	_cleanup_mail_addresses_ struct mail_addresses retry = {0};
	struct ey_error *err = mail_addresses_parse(retry_to, &retry);

	for (size_t i = 0; i < to->count && !err; i++) {
		char key[sizeof(MAILED_STATE) + 256];
		bool again = false;

		for (size_t j = 0; j < retry.count; j++)
			again |= !strcmp(retry.list[j].address, to->list[i].address);
		snprintf(key, sizeof(key), MAILED_STATE ":%s", to->list[i].address);
		if (!again)
			err = db_state_set(db, key, number);
	}
	return err;
}

// Those of @p to who have not got the month yet, as a list.
static struct ey_error *readers_left(struct db *db, const struct mail_addresses *to, int64_t number,
				     struct ey_buf *ret)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; i < to->count && !err; i++) {
		char key[sizeof(MAILED_STATE) + 256];
		int64_t got = 0;

		snprintf(key, sizeof(key), MAILED_STATE ":%s", to->list[i].address);
		err = db_state_get(db, key, 0, &got);
		if (!err && got < number)
			ey_buf_printf(ret, "%s%s", ret->len ? ", " : "", to->list[i].address);
	}
	return err ? err : ey_buf_error(ret);
}

// Mail a month to those who have not got it: where some servers put it off, only theirs again.
static struct ey_error *mail_readers(struct db *db, const struct ey_config *config,
				     struct report_month month, int64_t number)
{
	_cleanup_mail_options_ struct mail_options mail = {0};
	_cleanup_mail_addresses_ struct mail_addresses own = {0};
	_cleanup_mail_result_ struct mail_result result = {0};
	_cleanup_buf_ struct ey_buf left = EY_BUF_INIT;
	const char *to = ey_config_string(config, "report", "to", NULL);
	struct ey_error *err = load_mail(config, &mail);

	if (!err && to)
		err = mail_addresses_parse(to, &own);
	const struct mail_addresses *all = to ? &own : &mail.to;
	if (!err)
		err = readers_left(db, all, number, &left);
	if (err || (all->count && !left.len))
		return err;
	err = load_and_send(db, config, &mail, left.len ? ey_buf_str(&left) : to, month, &result);
	if (err && result.retry_to) {
		struct ey_error *noted = note_readers(db, all, result.retry_to, number);

		ey_error_destroy(noted);
	}
	return err;
}

static struct ey_error *write_file(struct db *db, const char *directory, struct report_month month,
				   const struct report_options *options,
				   struct report_result *result)
{
	_cleanup_buf_ struct ey_buf page = EY_BUF_INIT;
	_cleanup_free_ char *path = NULL;
	char text[REPORT_MONTH_TEXT_SIZE];

	if (asprintf(&path, "%s/%s.html", directory, report_month_format(month, text)) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	struct ey_error *err = report_write_html(db, month, options, &page);
	if (!err)
		err = ey_file_write_whole(path, 0640, page.data, page.len);
	if (err)
		return ey_error_prefix(err, "cannot write the report %s", path);
	free(result->path);
	result->path = no_cleanup_ptr(path);
	result->written++;
	return NULL;
}

static struct ey_error *write_files(struct db *db, const struct ey_config *config, int64_t now,
				    struct report_result *result)
{
	const char *directory = ey_config_string(config, "report", "directory", NULL);
	struct report_month month = report_month_of(now);
	_cleanup_free_ char *console = NULL;

	if (!directory || !*directory)
		return NULL;
	struct ey_error *err = notify_console_url(config, &console);
	struct report_options options = {.console_url = console, .now = now};
	if (!err)
		err = ey_mkdir_parents(directory, 0750);
	if (!err && now - report_month_begin(month) < LATE_SECONDS)
		err = write_file(db, directory, report_month_add(month, -1), &options, result);
	if (!err)
		err = write_file(db, directory, month, &options, result);
	return err;
}

static struct ey_error *mail_last_month(struct db *db, const struct ey_config *config, int64_t now,
					struct report_result *result)
{
	struct report_month last = report_month_add(report_month_of(now), -1);
	int64_t number = (int64_t)last.year * 12 + last.month - 1, mailed, delay;
	bool on;
	struct ey_error *err = ey_config_bool(config, "report", "mail", false, &on);

	if (!err)
		err = ey_config_duration(config, "report", "delay", 6 * 3600, &delay);
	if (err || !on || now < report_month_begin(report_month_of(now)) + delay)
		return err;
	err = db_state_get(db, MAILED_STATE, 0, &mailed);
	if (err || mailed >= number)
		return err;
	struct db_totals totals;
	err = db_stats_totals(
		db,
		&(struct db_stats_filter){.since = report_month_begin(last),
					  .until = report_month_begin(report_month_of(now))},
		&totals);
	// A center that was set up this month has nothing to say of the last.
	if (!err && (mailed || totals.crashes)) {
		err = mail_readers(db, config, last, number);
		if (!err)
			result->mailed = last;
		// What was refused for good is refused again next time: say so once.
		if (err && err->code != EY_ERR_INPUT)
			return err;
	}
	struct ey_error *noted = db_state_set(db, MAILED_STATE, number);
	if (err) {
		ey_error_destroy(noted);
		return err;
	}
	return noted;
}

struct ey_error *report_run(struct db *db, const struct ey_config *config,
			    struct report_result *ret)
{
	struct report_result result = {0};
	int64_t now = ey_time_now();
	struct ey_error *err = write_files(db, config, now, &result);
	// A full disk must not keep the mail back.
	struct ey_error *mail_err = mail_last_month(db, config, now, &result);

	*ret = result;
	if (!err)
		return mail_err;
	ey_error_destroy(mail_err);
	return err;
}
