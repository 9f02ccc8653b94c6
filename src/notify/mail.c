/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One SMTP transaction by libcurl. libcurl's own result tells only the last answer of the server;
 * which recipient was refused, and whether for now or for good, is read from the dialogue, which
 * libcurl shows to its debug function line by line.
 */
#include "notify/mail.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

enum stage {
	/** Connecting, greeting, EHLO. */
	STAGE_HELLO,
	STAGE_TLS,
	STAGE_LOGIN,
	STAGE_SENDER,
	STAGE_RECIPIENT,
	STAGE_BODY,
};

struct answer {
	/** 0: none. */
	int code;
	char text[200];
};

struct dialogue {
	enum stage stage;
	/** QUIT was said; libcurl does so after a failure too, which must not hide its stage. */
	bool over;
	/** Which recipient was last named, counted from 0. */
	size_t recipient;
	size_t recipient_count;
	/** The last answer of all but to QUIT, and one for each recipient. */
	struct answer last;
	struct answer *recipients;
	/** The answer to the body's end; its code stays 0 if the server never gave one. */
	struct answer body;
	/** What is sent. */
	const char *data;
	size_t left;
};

void mail_result_deinit(struct mail_result *result)
{
	free(result->retry_to);
	free(result->refused_to);
	*result = (struct mail_result){0};
}

static bool begins(const char *s, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && !strncasecmp(s, word, n);
}

static void on_command(struct dialogue *d, const char *s, size_t len)
{
	if (begins(s, len, "EHLO") || begins(s, len, "HELO")) {
		d->stage = STAGE_HELLO;
	} else if (begins(s, len, "STARTTLS")) {
		d->stage = STAGE_TLS;
	} else if (begins(s, len, "AUTH")) {
		d->stage = STAGE_LOGIN;
	} else if (begins(s, len, "MAIL FROM")) {
		d->stage = STAGE_SENDER;
	} else if (begins(s, len, "RCPT TO")) {
		if (d->stage == STAGE_RECIPIENT)
			d->recipient++;
		d->stage = STAGE_RECIPIENT;
	} else if (begins(s, len, "DATA")) {
		d->stage = STAGE_BODY;
	} else if (begins(s, len, "QUIT")) {
		d->over = true;
	}
	// Anything else belongs to the login's exchange.
}

static void on_answer(struct dialogue *d, const char *s, size_t len)
{
	struct answer a = {0};

	// "250-..." goes on, "250 ..." ends an answer (RFC 5321, 4.2.1).
	if (len < 3 || s[0] < '2' || s[0] > '5' || (len > 3 && s[3] == '-') || d->over)
		return;
	a.code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	while (len && (s[len - 1] == '\r' || s[len - 1] == '\n'))
		len--;
	snprintf(a.text, sizeof(a.text), "%.*s", (int)len, s);
	d->last = a;
	if (d->stage == STAGE_RECIPIENT && d->recipient < d->recipient_count)
		d->recipients[d->recipient] = a;
	if (d->stage == STAGE_BODY && a.code != 354) // 354: send the body
		d->body = a;
}

static int on_debug(CURL *curl, curl_infotype type, char *data, size_t len, void *arg)
{
	struct dialogue *d = arg;

	if (type == CURLINFO_HEADER_OUT) {
		on_command(d, data, len);
	} else if (type == CURLINFO_HEADER_IN) {
		// A chunk may hold several lines.
		for (size_t i = 0; i < len;) {
			const char *end = memchr(data + i, '\n', len - i);
			size_t n = end ? (size_t)(end - (data + i)) + 1 : len - i;

			on_answer(d, data + i, n);
			i += n;
		}
	}
	return 0;
}

static size_t on_read(char *buf, size_t size, size_t count, void *arg)
{
	struct dialogue *d = arg;
	size_t n = EY_MIN(size * count, d->left);

	memcpy(buf, d->data, n);
	d->data += n;
	d->left -= n;
	return n;
}

static void curl_cleanupp(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

static void curl_slistp(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static struct ey_error *add_word(struct curl_slist **list, const char *word)
{
	struct curl_slist *longer = curl_slist_append(*list, word);

	if (!longer)
		return &ey_error_nomem;
	*list = longer;
	return NULL;
}

// The first line of the file is the password.
static struct ey_error *read_password(const struct mail_options *o, char **ret)
{
	struct stat st;
	struct ey_error *err = ey_file_read_whole(o->password_file, 4096, ret, NULL);

	if (err) {
		// Whatever is wrong with the file, it is not the message's fault.
		err->code = err == &ey_error_nomem ? err->code : EY_ERR_USAGE;
		return ey_error_prefix(err, "[mail] password_file");
	}
	(*ret)[strcspn(*ret, "\r\n")] = '\0';
	if (!stat(o->password_file, &st) && (st.st_mode & 077))
		ey_log_warning("[mail] password_file %s can be read by others; chmod 600 it",
			       o->password_file);
	return NULL;
}

static void wipe_and_free(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
}

static CURLcode set_tls(CURL *curl, const struct mail_options *o)
{
	static const long levels[] = {
		[MAIL_STARTTLS_AUTO] = CURLUSESSL_TRY,
		[MAIL_STARTTLS_REQUIRE] = CURLUSESSL_ALL,
		[MAIL_STARTTLS_NO] = CURLUSESSL_NONE,
	};
	bool smtps = !strncmp(o->server, "smtps://", 8);
	CURLcode rc = CURLE_OK;

	if (!smtps)
		rc = curl_easy_setopt(curl, CURLOPT_USE_SSL, levels[o->starttls]);
	if (!rc && o->ca_file) {
		rc = curl_easy_setopt(curl, CURLOPT_CAINFO, o->ca_file);
		if (!rc)
			rc = curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	// Encrypted to an unknown certificate is better than in clear, which is what "auto" would
	// fall back to (RFC 7435); whoever names a CA wants more.
	if (!rc && !smtps && o->starttls == MAIL_STARTTLS_AUTO && !o->ca_file) {
		rc = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		if (!rc)
			rc = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return rc;
}

#define SET(option, value)                                            \
	do {                                                          \
		CURLcode rc_ = curl_easy_setopt(curl, option, value); \
		if (rc_)                                              \
			return rc_;                                   \
	} while (0)

static CURLcode set_options(CURL *curl, const struct mail_options *o, const char *password,
			    struct curl_slist *rcpt, struct dialogue *d)
{
	SET(CURLOPT_URL, o->server);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	// No HTTP proxy of the environment between us and the mail server.
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT, (long)o->timeout);
	SET(CURLOPT_CONNECTTIMEOUT, (long)o->timeout);
	SET(CURLOPT_MAIL_FROM, o->from.address);
	SET(CURLOPT_MAIL_RCPT, rcpt);
	SET(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, d);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)d->left);
	SET(CURLOPT_VERBOSE, 1L);
	SET(CURLOPT_DEBUGFUNCTION, on_debug);
	SET(CURLOPT_DEBUGDATA, d);
	if (o->user) {
		SET(CURLOPT_USERNAME, o->user);
		SET(CURLOPT_PASSWORD, password);
	}
	return set_tls(curl, o);
}

static void add_address(struct ey_buf *list, const char *address)
{
	if (list->len)
		ey_buf_adds(list, ", ");
	ey_buf_adds(list, address);
}

static struct ey_error *steal_list(struct ey_buf *list, char **ret)
{
	struct ey_error *err = ey_buf_error(list);

	if (!err && list->len) {
		*ret = ey_buf_steal(list, NULL);
		err = *ret ? NULL : &ey_error_nomem;
	}
	return err;
}

// The session broke off before the server had a word about any single recipient.
static struct ey_error *session_error(const struct mail_options *o, const struct dialogue *d,
				      CURLcode rc, const char *detail)
{
	const char *why = *detail ? detail : curl_easy_strerror(rc);

	switch (rc) {
	case CURLE_LOGIN_DENIED:
		if (d->last.code >= 500)
			return ey_error_create(EY_ERR_USAGE,
					       "mail server %s refused the login of user %s: %s; "
					       "check [mail] user and password_file",
					       o->server, o->user ? o->user : "(none)",
					       d->last.text);
		break;
	case CURLE_USE_SSL_FAILED:
		return ey_error_create(EY_ERR_USAGE,
				       "mail server %s offers no STARTTLS, which [mail] starttls = "
				       "require wants (%s)",
				       o->server, why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return ey_error_create(EY_ERR_USAGE,
				       "the certificate of mail server %s is not trusted: %s; name "
				       "its CA in [mail] ca_file",
				       o->server, why);
	default:
		break;
	}
	if (d->last.code >= 500)
		return ey_error_create(EY_ERR_USAGE, "mail server %s does not serve us: %s",
				       o->server, d->last.text);
	if (d->last.code >= 400)
		return ey_error_create(EY_ERR_IO, "mail server %s put us off: %s", o->server,
				       d->last.text);
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return ey_error_create(EY_ERR_IO,
				       "mail server %s did not answer within %lld s (%s)",
				       o->server, (long long)o->timeout, why);
	return ey_error_create(EY_ERR_IO, "cannot send by mail server %s: %s", o->server, why);
}

/** How a recipient fared. */
enum fate { FATE_ACCEPTED, FATE_RETRY, FATE_REFUSED };

static enum fate fate_of(const struct dialogue *d, size_t i)
{
	int code = d->recipients[i].code;

	if (code >= 500)
		return FATE_REFUSED;
	if (code < 200 || code >= 300)
		return FATE_RETRY;
	// Taken so far: what was said of the body counts.
	if (d->body.code >= 500)
		return FATE_REFUSED;
	if (d->body.code >= 200 && d->body.code < 300)
		return FATE_ACCEPTED;
	return FATE_RETRY;
}

static struct ey_error *judge(const struct mail_options *o, const struct mail_addresses *to,
			      const struct dialogue *d, CURLcode rc, const char *detail,
			      struct mail_result *result)
{
	_cleanup_buf_ struct ey_buf retry = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf refused = EY_BUF_INIT;
	const struct answer *why_retry = NULL, *why_refused = NULL;
	// 552 to MAIL FROM: this message is too large; else the sender is what is wrong.
	bool too_large = d->stage == STAGE_SENDER && d->last.code == 552;
	bool session = d->stage < STAGE_RECIPIENT || !d->recipients[0].code;

	result->smtp_code = d->body.code ? d->body.code : d->last.code;
	for (size_t i = 0; i < to->count; i++) {
		const struct answer *said =
			d->recipients[i].code >= 400 ? &d->recipients[i] : &d->body;
		enum fate fate = too_large ? FATE_REFUSED : session ? FATE_RETRY : fate_of(d, i);

		if (fate == FATE_ACCEPTED) {
			result->accepted++;
		} else if (fate == FATE_RETRY) {
			add_address(&retry, to->list[i].address);
			why_retry = said;
		} else {
			add_address(&refused, to->list[i].address);
			why_refused = too_large ? &d->last : said;
		}
	}
	bool all = why_retry && !why_refused && !result->accepted;
	struct ey_error *err = steal_list(&refused, &result->refused_to);
	if (!err && !all)
		err = steal_list(&retry, &result->retry_to);
	if (err)
		return err;
	if (session && !too_large)
		return session_error(o, d, rc, detail);
	// Where some can be tried again, the error is the temporary one; the refused stand in the
	// message and in the result.
	if (result->retry_to && result->refused_to)
		return ey_error_create(EY_ERR_IO,
				       "mail to %s is to be sent again (%s); refused for "
				       "good by %s: %s",
				       result->retry_to, why_retry->code ? why_retry->text : detail,
				       result->refused_to, why_refused->text);
	if (why_retry) {
		const char *whom = result->retry_to ? result->retry_to : ey_buf_str(&retry);

		return why_retry->code
			       ? ey_error_create(EY_ERR_IO, "mail to %s is to be sent again: %s",
						 whom, why_retry->text)
			       : ey_error_prefix(session_error(o, d, rc, detail),
						 "mail to %s is to be sent again", whom);
	}
	if (result->refused_to)
		return ey_error_create(EY_ERR_INPUT, "mail to %s was refused for good: %s",
				       result->refused_to, why_refused->text);
	return NULL;
}

static struct ey_error *transfer(const struct mail_options *o, const struct mail_addresses *to,
				 const struct ey_buf *data, struct mail_result *result)
{
	__attribute__((cleanup(curl_slistp))) struct curl_slist *rcpt = NULL;
	__attribute__((cleanup(wipe_and_free))) char *password = NULL;
	_cleanup_free_ struct answer *answers = calloc(to->count, sizeof(*answers));
	char detail[CURL_ERROR_SIZE] = "";
	struct ey_error *err = NULL;

	if (!answers)
		return &ey_error_nomem;
	for (size_t i = 0; i < to->count && !err; i++)
		err = add_word(&rcpt, to->list[i].address);
	if (!err && o->user)
		err = read_password(o, &password);
	if (err)
		return err;
	struct dialogue d = {.recipients = answers,
			     .recipient_count = to->count,
			     .data = data->data,
			     .left = data->len};
	CURLcode rc;
	{
		// The handle is closed in here, since QUIT is sent then, with d still alive.
		__attribute__((cleanup(curl_cleanupp))) CURL *curl = curl_easy_init();

		if (!curl)
			return &ey_error_nomem;
		rc = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
		if (!rc)
			rc = set_options(curl, o, password, rcpt, &d);
		if (rc == CURLE_OUT_OF_MEMORY)
			return &ey_error_nomem;
		if (rc)
			return ey_error_create(EY_ERR_USAGE, "libcurl cannot send mail by %s: %s",
					       o->server, curl_easy_strerror(rc));
		rc = curl_easy_perform(curl);
	}
	return judge(o, to, &d, rc, detail, result);
}

struct ey_error *mail_send(const struct mail_options *options, const struct mail_message *message,
			   struct mail_result *result_ret)
{
	_cleanup_mail_result_ struct mail_result result = {0};
	_cleanup_mail_addresses_ struct mail_addresses parsed = {0};
	_cleanup_buf_ struct ey_buf data = EY_BUF_INIT;
	const struct mail_addresses *to = &options->to;
	struct ey_error *err = NULL;

	if (result_ret)
		*result_ret = (struct mail_result){0};
	if (!mail_is_on(options))
		return ey_error_create(EY_ERR_USAGE, "mail is off: [mail] server is not set");
	if (message->to) {
		err = mail_addresses_parse(message->to, &parsed);
		to = &parsed;
	}
	if (!err && !to->count)
		err = ey_error_create(EY_ERR_USAGE,
				      "there is nobody to mail to: [mail] to is not set");
	if (!err)
		err = mail_message_write(message, &options->from, to, options->prefix, &data);
	if (!err)
		err = transfer(options, to, &data, &result);
	if (result_ret) {
		*result_ret = result;
		result = (struct mail_result){0};
	}
	return err;
}
