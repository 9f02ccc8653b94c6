/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mail API as a program, for the tests in Python:
 *
 *	mail_probe CONFIG [--print] < MESSAGE.json
 *
 * sends the message (or prints its bytes) and prints what mail_send() said as JSON.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "notify/mail.h"

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static int print_result(const struct ey_error *err, const struct mail_result *result)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	struct ey_json w;

	ey_json_init(&w, &buf, 0);
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "error", err ? err->message : NULL);
	ey_json_kv_uint(&w, "accepted", result->accepted);
	ey_json_kv_string(&w, "retry_to", result->retry_to);
	ey_json_kv_string(&w, "refused_to", result->refused_to);
	ey_json_kv_int(&w, "smtp_code", result->smtp_code);
	ey_json_object_end(&w);
	puts(ey_buf_str(&buf));
	return ey_error_exit_code(err);
}

static struct ey_error *run(const struct mail_options *o, const struct mail_message *m, bool print,
			    struct mail_result *result)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

	if (!print)
		return mail_send(o, m, result);
	struct ey_error *err = mail_message_write(m, &o->from, &o->to, o->prefix, &buf);
	if (!err)
		fwrite(ey_buf_str(&buf), 1, buf.len, stdout);
	return err;
}

int main(int argc, char **argv)
{
	_cleanup_config_ struct ey_config config = {0};
	_cleanup_mail_options_ struct mail_options options = {0};
	_cleanup_mail_result_ struct mail_result result = {0};
	bool print = argc > 2 && !strcmp(argv[2], "--print");
	struct mail_attachment attachments[4];

	if (argc < 2)
		return 64;
	json_t *o = json_loadf(stdin, JSON_ALLOW_NUL, NULL);
	if (!o)
		return 65;
	struct mail_message m = {
		.to = text_of(o, "to"),
		.subject = text_of(o, "subject"),
		.text = text_of(o, "text"),
		.html = text_of(o, "html"),
		.key = text_of(o, "key"),
		.thread_key = text_of(o, "thread_key"),
		.date = json_integer_value(json_object_get(o, "date")),
		.attachments = attachments,
	};
	size_t i;
	json_t *a;
	json_array_foreach(json_object_get(o, "attachments"), i, a)
	{
		if (i == EY_ARRAY_SIZE(attachments))
			break;
		attachments[m.attachment_count++] = (struct mail_attachment){
			.name = text_of(a, "name"),
			.type = text_of(a, "type"),
			.data = text_of(a, "data"),
			.len = json_string_length(json_object_get(a, "data")),
			.gzip = json_is_true(json_object_get(a, "gzip")),
		};
	}
	struct ey_error *err = ey_config_load(&config, argv[1]);
	if (!err)
		err = mail_options_load(&options, &config);
	if (!err)
		err = run(&options, &m, print, &result);
	int code = err || !print ? print_result(err, &result) : 0;
	ey_error_destroy(err);
	json_decref(o);
	return code;
}
