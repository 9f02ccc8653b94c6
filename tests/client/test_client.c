/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "client/client.h"
#include "client/internal.h"
#include "script.h"

#define OK \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"a\": 1}"
#define STEPS(...) \
	(struct script_step[]){__VA_ARGS__}, EY_ARRAY_SIZE(((struct script_step[]){__VA_ARGS__}))

static struct client *client_for(const struct script *s, const char *token)
{
	struct client_options options = {.url = s->url, .token = token, .answer_max = 4096};
	struct client *c;

	assert_null(client_create(&options, &c));
	return c;
}

static void assert_error(struct ey_error *err, enum ey_error_code code, const char *part)
{
	assert_non_null(err);
	if (err->code != code || !strstr(err->message, part))
		fail_msg("got %d \"%s\"", err->code, err->message);
	ey_error_destroy(err);
}

static void addresses(void **state)
{
	static const char *const bad[] = {
		"",
		"crash.example.com",
		"ftp://crash.example.com",
		"http://crash.example.com",
		"http://127.example.com",
		"https://user:password@crash.example.com",
		"https://crash.example.com/?a=b",
		"https://crash.example.com/#x",
		"https://",
		"https://crash example.com",
		"file:///etc/passwd",
	};
	static const char *const good[] = {
		"https://crash.example.com", "https://crash.example.com:8420/eyrie/",
		"http://127.0.0.1:8420",     "http://127.9.9.9",
		"http://localhost:1",	     "http://[::1]:8420",
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(bad); i++) {
		struct client *c = NULL;

		assert_error(client_create(&(struct client_options){.url = bad[i]}, &c),
			     EY_ERR_USAGE, "");
		assert_null(c);
	}
	for (size_t i = 0; i < EY_ARRAY_SIZE(good); i++) {
		_cleanup_client_ struct client *c = NULL;

		assert_null(client_create(&(struct client_options){.url = good[i]}, &c));
		assert_true(client_url(c)[strlen(client_url(c)) - 1] != '/');
	}
}

static void tokens(void **state)
{
	char path[] = "/tmp/eyrie-test-token-XXXXXX";
	int fd = mkstemp(path);
	char *header = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "eyh_AbC-123.x\nsecond line\n", 26), 26);
	assert_null(client_read_token(path, &header));
	assert_string_equal(header, "Authorization: Bearer eyh_AbC-123.x");
	client_wipe(&header);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_error(client_read_token(path, &header), EY_ERR_USAGE, "can be read by others");
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "a b\n", 4, 0), 4);
	assert_error(client_read_token(path, &header), EY_ERR_USAGE, "is not one");
	close(fd);
	unlink(path);
	assert_error(client_read_token(path, &header), EY_ERR_USAGE, "the token");
	// A line end would be a header of its own.
	assert_error(client_use_token("a\r\nX-Other: b", &header), EY_ERR_USAGE, "is not one");
	assert_error(client_use_token("", &header), EY_ERR_USAGE, "is not one");
}

static void retry_after(void **state)
{
	assert_int_equal(client_retry_after("120", 0), 120);
	assert_int_equal(client_retry_after("99999999", 0), 86400);
	assert_int_equal(client_retry_after("99999999999999999999999", 0), 86400);
	assert_int_equal(client_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 60), 60);
	assert_int_equal(client_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 60), 0);
	assert_int_equal(client_retry_after("soon", 0), -1);
	assert_int_equal(client_retry_after("-5", 0), -1);
	assert_int_equal(client_retry_after("", 0), -1);
}

static void a_request_and_its_answer(void **state)
{
	struct script s;
	json_t *json;

	script_start(&s, STEPS({OK}, {OK}));
	_cleanup_client_ struct client *c = client_for(&s, "secret");
	assert_null(client_get_json(c, "/api/v1/x?q=1", &json));
	assert_int_equal(json_integer_value(json_object_get(json, "a")), 1);
	json_decref(json);
	assert_null(client_post_json(c, "/api/v1/y", "{}", 2, NULL));
	script_finish(&s);
	assert_non_null(strstr(s.requests[0].head, "GET /api/v1/x?q=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(s.requests[0].head, "\r\nAuthorization: Bearer secret\r\n"));
	assert_non_null(strstr(s.requests[1].head, "POST /api/v1/y HTTP/1.1\r\n"));
	assert_non_null(strstr(s.requests[1].head, "\r\nContent-Type: application/json\r\n"));
	assert_string_equal(s.requests[1].body, "{}");
	script_free(&s);
}

static void refusals_as_sentences(void **state)
{
	static const struct {
		const char *answer;
		enum ey_error_code code;
		const char *part;
		int64_t retry_after;
	} cases[] = {
		{"HTTP/1.1 400 Bad\r\n\r\n{\"error\":{\"status\":400,\"message\":\"no "
		 "\\u001b[31m\\n"
		 "key\"}}",
		 EY_ERR_INPUT, "/x was answered with 400: no \\x1b[31m key", -1},
		{"HTTP/1.1 401 No\r\n\r\n", EY_ERR_INPUT, "the token is missing", -1},
		{"HTTP/1.1 403 No\r\n\r\n<html>", EY_ERR_INPUT, "may not", -1},
		{"HTTP/1.1 404 No\r\n\r\n", EY_ERR_NOT_FOUND, "404", -1},
		{"HTTP/1.1 429 Slow\r\nretry-after: 7\r\n\r\n", EY_ERR_IO, "429", 7},
		{"HTTP/1.1 503 Later\r\nRetry-After: 30\r\n\r\n", EY_ERR_IO, "503", 30},
		{"HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\n\r\n", EY_ERR_INPUT,
		 "redirection", -1},
		{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", EY_ERR_IO, "failed", -1},
		{NULL, EY_ERR_IO, "failed", -1},
		{"no HTTP at all\r\n\r\n", EY_ERR_IO, "failed", -1},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		_cleanup_client_answer_ struct client_answer answer = {0};
		struct client_request request = {.method = "GET", .target = "/x"};
		struct script s;

		script_start(&s, STEPS({cases[i].answer}));
		_cleanup_client_ struct client *c = client_for(&s, NULL);
		assert_error(client_call(c, &request, &answer), cases[i].code, cases[i].part);
		assert_int_equal(answer.retry_after, cases[i].retry_after);
		script_finish(&s);
		script_free(&s);
	}
}

static void nobody_is_there(void **state)
{
	struct script s;

	script_start(&s, NULL, 0);
	script_finish(&s);
	_cleanup_client_ struct client *c = client_for(&s, NULL);
	assert_error(client_get_json(c, "/x", NULL), EY_ERR_IO, "failed");
	script_free(&s);
}

static void long_answers_are_not_taken(void **state)
{
	char *big = malloc(9000), *headers = malloc(90000);
	struct script s;

	snprintf(big, 9000, "HTTP/1.1 200 OK\r\n\r\n%05000d", 0);
	snprintf(headers, 90000, "HTTP/1.1 200 OK\r\nX: %070000d\r\n\r\n", 0);
	script_start(&s, STEPS({big}, {headers}, {"HTTP/1.1 200 OK\r\n\r\n[[[[[[[["},
			       {"HTTP/1.1 200 OK\r\n\r\n<html>"}));
	_cleanup_client_ struct client *c = client_for(&s, NULL);
	json_t *json;
	assert_error(client_get_json(c, "/x", &json), EY_ERR_INPUT, "more than 4096 bytes");
	assert_error(client_get_json(c, "/x", &json), EY_ERR_INPUT, "headers");
	assert_error(client_get_json(c, "/x", &json), EY_ERR_INPUT, "is the address right");
	assert_error(client_get_json(c, "/x", &json), EY_ERR_INPUT, "is the address right");
	script_finish(&s);
	script_free(&s);
	free(big);
	free(headers);
}

static void the_token_goes_to_the_center_only(void **state)
{
	_cleanup_client_answer_ struct client_answer answer = {0};
	struct script s, other;
	char url[128];

	script_start(&s, STEPS({OK}));
	script_start(&other, STEPS({OK}));
	_cleanup_client_ struct client *c = client_for(&s, "secret");
	struct client_request request = {.method = "GET", .target = url};
	snprintf(url, sizeof(url), "%s/own", s.url);
	assert_null(client_call(c, &request, &answer));
	client_answer_deinit(&answer);
	snprintf(url, sizeof(url), "%s/other", other.url);
	assert_null(client_call(c, &request, &answer));
	client_answer_deinit(&answer);
	snprintf(url, sizeof(url), "http://crash.example.com/");
	assert_error(client_call(c, &request, &answer), EY_ERR_INPUT, "not safe");
	script_finish(&s);
	script_finish(&other);
	assert_non_null(strstr(s.requests[0].head, "Authorization"));
	assert_null(strstr(other.requests[0].head, "Authorization"));
	script_free(&s);
	script_free(&other);
}

static int file_of(const char *text)
{
	FILE *f = tmpfile();
	int fd = dup(fileno(f));

	fclose(f);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void multipart_from_memory_and_file(void **state)
{
	_cleanup_client_answer_ struct client_answer answer = {0};
	_cleanup_close_ int fd = file_of("0123456789");
	struct script s;

	script_start(&s, STEPS({OK}));
	_cleanup_client_ struct client *c = client_for(&s, NULL);
	struct client_part parts[] = {
		{.name = "record",
		 .filename = "record.json",
		 .content_type = "application/json",
		 .body = {.data = "{}", .len = 2}},
		{.name = "dmesg", .body = {.fd = fd, .offset = 3, .len = 4}},
	};
	struct client_request request = {
		.method = "POST", .target = "/m", .parts = parts, .part_count = 2};
	assert_null(client_call(c, &request, &answer));
	script_finish(&s);
	const char *body = s.requests[0].body;
	assert_non_null(strstr(s.requests[0].head, "multipart/form-data; boundary="));
	assert_non_null(strstr(body, "name=\"record\"; filename=\"record.json\"\r\n"));
	assert_non_null(strstr(body, "Content-Type: application/json\r\n\r\n{}\r\n"));
	assert_non_null(strstr(body, "name=\"dmesg\"\r\n\r\n3456\r\n"));
	script_free(&s);
}

#define HEAD_AT(n) "HTTP/1.1 200 OK\r\nUpload-Offset: " n "\r\nUpload-Length: 10\r\n\r\n"
#define TOOK(n)	   "HTTP/1.1 204 Done\r\nUpload-Offset: " n "\r\n\r\n"

static void an_upload_goes_on_where_it_broke(void **state)
{
	_cleanup_close_ int fd = file_of("0123456789");
	int64_t retry_after;
	struct script s;

	script_start(&s, STEPS({HEAD_AT("0")}, {TOOK("4")}, {NULL, 2}, {HEAD_AT("6")},
			       {"HTTP/1.1 460 Checksum Mismatch\r\n\r\n"}, {HEAD_AT("6")},
			       {TOOK("10")}));
	_cleanup_client_ struct client *c = client_for(&s, "secret");
	struct client_upload upload = {
		.target = "/api/v1/uploads/x", .fd = fd, .bytes = 10, .chunk = 4};
	assert_null(client_upload(c, &upload, &retry_after));
	assert_int_equal(retry_after, -1);
	script_finish(&s);
	assert_non_null(strstr(s.requests[0].head, "HEAD /api/v1/uploads/x HTTP/1.1\r\n"));
	assert_non_null(strstr(s.requests[1].head, "PATCH /api/v1/uploads/x HTTP/1.1\r\n"));
	assert_non_null(strstr(s.requests[1].head, "\r\nTus-Resumable: 1.0.0\r\n"));
	assert_non_null(strstr(s.requests[1].head, "\r\nUpload-Offset: 0\r\n"));
	// printf 0123 | sha256sum | xxd -r -p | base64
	assert_non_null(strstr(s.requests[1].head,
			       "\r\nUpload-Checksum: sha256 "
			       "G+LkUrRteg2WVrux92joJI66G3W67WX12Z6vqUiJmmo=\r\n"));
	assert_string_equal(s.requests[1].body, "0123");
	assert_non_null(strstr(s.requests[2].head, "\r\nUpload-Offset: 4\r\n"));
	assert_non_null(strstr(s.requests[4].head, "\r\nUpload-Offset: 6\r\n"));
	assert_string_equal(s.requests[6].body, "6789");
	script_free(&s);
}

static void an_upload_is_asked_for(void **state)
{
	_cleanup_client_answer_ struct client_answer answer = {0};
	static const struct client_meta meta[] = {{"crash", "12"}, {"filename", "vmcore"}};
	struct script s;

	script_start(&s, STEPS({"HTTP/1.1 201 Made\r\nLocation: /api/v1/uploads/7\r\n"
				"Content-Length: 0\r\n\r\n"},
			       {OK}));
	_cleanup_client_ struct client *c = client_for(&s, NULL);
	assert_null(client_upload_create(c, "/api/v1/uploads", 10, meta, 2, &answer));
	assert_string_equal(answer.location, "/api/v1/uploads/7");
	client_answer_deinit(&answer);
	assert_error(client_upload_create(c, "/api/v1/uploads", 10, meta, 2, &answer), EY_ERR_INPUT,
		     "does not say where");
	script_finish(&s);
	assert_non_null(strstr(s.requests[0].head, "\r\nUpload-Length: 10\r\n"));
	assert_non_null(strstr(s.requests[0].head,
			       "\r\nUpload-Metadata: crash MTI=,filename dm1jb3Jl\r\n"));
	script_free(&s);
}

static void an_upload_that_cannot_go_on(void **state)
{
	static const struct {
		const char *answer;
		enum ey_error_code code;
		int64_t retry_after;
	} cases[] = {
		{"HTTP/1.1 404 No\r\n\r\n", EY_ERR_NOT_FOUND, -1},
		{"HTTP/1.1 503 Later\r\nRetry-After: 11\r\n\r\n", EY_ERR_IO, 11},
		{"HTTP/1.1 403 No\r\n\r\n", EY_ERR_INPUT, -1},
		{"HTTP/1.1 200 OK\r\nUpload-Offset: 11\r\n\r\n", EY_ERR_INPUT, -1},
		{"HTTP/1.1 200 OK\r\nUpload-Offset: 0\r\nUpload-Length: 12\r\n\r\n", EY_ERR_INPUT,
		 -1},
	};
	_cleanup_close_ int fd = file_of("0123456789");

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct client_upload upload = {.target = "/u", .fd = fd, .bytes = 10};
		int64_t retry_after;
		struct script s;

		script_start(&s, STEPS({cases[i].answer}));
		_cleanup_client_ struct client *c = client_for(&s, NULL);
		assert_error(client_upload(c, &upload, &retry_after), cases[i].code, "");
		assert_int_equal(retry_after, cases[i].retry_after);
		script_finish(&s);
		script_free(&s);
	}
}

static void targets_are_escaped(void **state)
{
	_cleanup_buf_ struct ey_buf target = EY_BUF_INIT;

	ey_buf_adds(&target, "/api/v1/hosts");
	client_add_query(&target, "q", "a b&c=\xc3\xa9");
	client_add_query(&target, "limit", "5");
	assert_string_equal(ey_buf_str(&target), "/api/v1/hosts?q=a%20b%26c%3D%C3%A9&limit=5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(tokens),
		cmocka_unit_test(retry_after),
		cmocka_unit_test(a_request_and_its_answer),
		cmocka_unit_test(refusals_as_sentences),
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(long_answers_are_not_taken),
		cmocka_unit_test(the_token_goes_to_the_center_only),
		cmocka_unit_test(multipart_from_memory_and_file),
		cmocka_unit_test(an_upload_goes_on_where_it_broke),
		cmocka_unit_test(an_upload_is_asked_for),
		cmocka_unit_test(an_upload_that_cannot_go_on),
		cmocka_unit_test(targets_are_escaped),
	};

	unsetenv("http_proxy");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
