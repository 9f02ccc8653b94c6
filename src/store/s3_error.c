/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What went wrong with an S3 store, as a sentence that says what to do. No secret is in it. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/s3_client.h"

static bool is_one_of(const char *code, const char *const *names)
{
	for (; *names; names++) {
		if (!strcmp(code, *names))
			return true;
	}
	return false;
}

bool s3_is_passing(CURLcode curl, long status, const char *code)
{
	static const char *const codes[] = {"SlowDown",
					    "RequestTimeout",
					    "InternalError",
					    "ServiceUnavailable",
					    "OperationAborted",
					    "ConditionalRequestConflict",
					    NULL};

	switch (curl) {
	case CURLE_OK:
		return status >= 500 ? status != 501 && status != 505
				     : status == 429 || is_one_of(code, codes);
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return false;
	}
}

static struct ey_error *transport_error(const struct s3 *s3, CURLcode code, const char *text)
{
	const char *why = *text ? text : curl_easy_strerror(code);

	switch (code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return ey_error_create(EY_ERR_IO, "cannot reach the S3 store: %s", why);
	case CURLE_OPERATION_TIMEDOUT:
		return ey_error_create(EY_ERR_IO,
				       "the S3 store %s does not answer (nothing for %" PRId64
				       " s); try again later",
				       s3->base, s3->timeout);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return ey_error_create(EY_ERR_IO,
				       "the certificate of the S3 store %s is not trusted: %s; "
				       "[repository] s3_ca names the file of its authority",
				       s3->base, why);
	case CURLE_WRITE_ERROR:
		return ey_error_create(EY_ERR_INPUT, "the S3 store %s answers more than it may",
				       s3->base);
	case CURLE_ABORTED_BY_CALLBACK:
		return ey_error_create(EY_ERR_IO, "the dump changes while it is copied");
	default:
		return ey_error_create(EY_ERR_IO, "the S3 store %s fails: %s", s3->base, why);
	}
}

static struct ey_error *clock_error(const struct s3 *s3, const struct s3_call *call)
{
	int64_t here = time(NULL);

	if (!call->date)
		return ey_error_create(EY_ERR_IO,
				       "the clock of this machine and that of the S3 store %s "
				       "differ too much; set it (chrony, systemd-timesyncd)",
				       s3->base);
	int64_t off = here - call->date;
	return ey_error_create(EY_ERR_IO,
			       "the clock of this machine is %" PRId64
			       " s %s that of the S3 store %s; set it (chrony, systemd-timesyncd)",
			       off < 0 ? -off : off, off < 0 ? "behind" : "ahead of", s3->base);
}

static struct ey_error *other_error(const struct s3 *s3, const struct s3_call *call,
				    const struct s3_answer *answer)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	const char *message = answer->message ? answer->message : "";
	static const char *const for_good[] = {
		"EntityTooLarge",  "EntityTooSmall", "InvalidPart", "InvalidPartOrder",
		"KeyTooLongError", "MalformedXML",   NULL};

	ey_text_clean(&text, message, strnlen(message, 300));
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n' || text.data[i] == '\t')
			text.data[i] = ' ';
	}
	return ey_error_create(is_one_of(call->code, for_good) ? EY_ERR_INPUT : EY_ERR_IO,
			       "the S3 store %s refuses %s of s3://%s/%s with status %ld%s%s%s%s",
			       s3->base, call->method, s3->bucket, call->key ? call->key : "",
			       call->status, *call->code ? " " : "", call->code,
			       text.len ? ": " : "", ey_buf_str(&text));
}

struct ey_error *s3_error(const struct s3 *s3, const struct s3_call *call, CURLcode curl,
			  const char *curl_text, const struct s3_answer *answer)
{
	const char *code = call->code;

	if (curl != CURLE_OK)
		return transport_error(s3, curl, curl_text);
	if (!strcmp(code, "NoSuchBucket"))
		return ey_error_create(EY_ERR_IO,
				       "there is no bucket %s at %s; create it, or correct "
				       "[repository] path",
				       s3->bucket, s3->base);
	if (call->status == 404)
		return ey_error_create(EY_ERR_NOT_FOUND, "there is no s3://%s/%s", s3->bucket,
				       call->key ? call->key : "");
	if (!strcmp(code, "RequestTimeTooSkewed"))
		return clock_error(s3, call);
	if (!strcmp(code, "InvalidAccessKeyId"))
		return ey_error_create(EY_ERR_IO,
				       "the S3 store %s does not know the access key; correct the "
				       "file that [repository] s3_keys names",
				       s3->base);
	if (!strcmp(code, "SignatureDoesNotMatch"))
		return ey_error_create(
			EY_ERR_IO,
			"the S3 store %s does not take our signature: the secret key "
			"or [repository] s3_region is wrong",
			s3->base);
	if (!strcmp(code, "AuthorizationHeaderMalformed") && answer->region)
		return ey_error_create(EY_ERR_IO,
				       "the bucket %s is in another region; set [repository] "
				       "s3_region = %.40s",
				       s3->bucket, answer->region);
	if (!strcmp(code, "PermanentRedirect") || !strcmp(code, "TemporaryRedirect"))
		return ey_error_create(EY_ERR_IO,
				       "the bucket %s is at another endpoint than %s; correct "
				       "[repository] s3_endpoint and s3_region",
				       s3->bucket, s3->base);
	if (!strcmp(code, "QuotaExceeded") || call->status == 507)
		return ey_error_create(EY_ERR_IO, "the S3 store %s has no space for the bucket %s",
				       s3->base, s3->bucket);
	if (call->status == 403)
		return ey_error_create(EY_ERR_IO,
				       "the S3 store %s does not allow our key %s in the bucket %s "
				       "(%s); correct its policy",
				       s3->base, call->method, s3->bucket,
				       *code ? code : "status 403");
	return other_error(s3, call, answer);
}
