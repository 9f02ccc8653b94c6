/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores that are slow, break off, lie or refuse: answers played by a server of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "store/repository.h"
#include "store/s3_store.h"
#include "tree.h"

enum { MAX_ANSWERS = 8 };

#define LIST  "<ListBucketResult><IsTruncated>false</IsTruncated>"
#define OLD   "<LastModified>2020-01-01T00:00:00Z</LastModified>"
#define CRASH "default/web-01/20261123T143546Z-0123456789abcdef/"

struct answer {
	const char *status;
	const char *headers;
	const char *body;
	/** Bytes less than announced are sent. */
	size_t cut;
	/** Say nothing and wait for the client to go. */
	bool silent;
};

/** A server in a child that gives its answers in turn, the last one again and again. */
struct fake {
	char *dir;
	char *log;
	pid_t pid;
	char endpoint[64];
	struct store_s3_options options;
	struct store *store;
};

static bool read_head(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len + 1 < size) {
		ssize_t n = recv(fd, buf + len, size - len - 1, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		buf[len] = '\0';
		if (strstr(buf, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void serve_one(int fd, const struct answer *a, FILE *log)
{
	char head[8192], byte;
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	if (!read_head(fd, head, sizeof(head)))
		return;
	fprintf(log, "%.*s\n", (int)strcspn(head, "\r"), head);
	fflush(log);
	if (a->silent) {
		while (recv(fd, &byte, 1, 0) > 0)
			;
		return;
	}
	const char *body = a->body ? a->body : "";
	ey_buf_printf(&out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n%.*s",
		      a->status, strlen(body), a->headers ? a->headers : "",
		      (int)(strlen(body) - a->cut), body);
	send(fd, out.data, out.len, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (recv(fd, head, sizeof(head), 0) > 0)
		;
}

static void serve(int listener, const struct answer *answers, size_t count, const char *path)
{
	FILE *log = fopen(path, "we");

	for (size_t i = 0; log; i++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			break;
		serve_one(fd, &answers[EY_MIN(i, count - 1)], log);
		close(fd);
	}
	_exit(0);
}

static void fake_init(struct fake *f, const struct answer *answers, size_t count)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*f = (struct fake){.dir = make_tree()};
	f->log = in_tree(f->dir, "log");
	write_text(f->dir, "log", "");
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	f->pid = fork();
	if (!f->pid)
		serve(fd, answers, count, f->log);
	close(fd);
	snprintf(f->endpoint, sizeof(f->endpoint), "http://127.0.0.1:%d", ntohs(address.sin_port));
	f->options =
		(struct store_s3_options){.endpoint = f->endpoint, .retries = -1, .timeout = 600};
	setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "never-to-be-seen", 1);
	setenv("no_proxy", "127.0.0.1", 1);
}

static struct store *fake_store(struct fake *f)
{
	assert_null(store_open_with("s3://crashes/eyrie", 0, &f->options, &f->store));
	return f->store;
}

static void fake_deinit(struct fake *f)
{
	store_destroy(f->store);
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	remove_tree(f->dir);
	free(f->dir);
	free(f->log);
}
#define _cleanup_fake_ __attribute__((cleanup(fake_deinit)))

static int requests(const struct fake *f, const char *part)
{
	_cleanup_free_ char *text = NULL;
	int n = 0;

	assert_null(ey_file_read_whole(f->log, 1 << 24, &text, NULL));
	for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

static void assert_says(struct ey_error *err, enum ey_error_code code, const char *words)
{
	assert_non_null(err);
	if (!strstr(err->message, words))
		print_error("%s\n", err->message);
	assert_non_null(strstr(err->message, words));
	assert_int_equal(err->code, code);
	assert_null(strchr(err->message, '\n'));
	assert_null(strstr(err->message, "never-to-be-seen"));
	ey_error_destroy(err);
}

static void each_refusal_is_a_sentence(void **state)
{
#define ERROR(code) "<Error><Code>" code "</Code><Message>as told\nby it</Message></Error>"
	static const struct {
		struct answer answer;
		const char *words;
	} cases[] = {
		{{"404 Not Found", NULL, ERROR("NoSuchBucket")}, "there is no bucket crashes at"},
		{{"403 Forbidden", NULL, ERROR("AccessDenied")},
		 "does not allow our key GET in the bucket crashes (AccessDenied); correct its"},
		{{"403 Forbidden", "Date: Mon, 01 Jan 2001 00:00:00 GMT\r\n",
		  ERROR("RequestTimeTooSkewed")},
		 " s ahead of that of the S3 store"},
		{{"403 Forbidden", "Date: Fri, 31 Dec 2099 00:00:00 GMT\r\n",
		  ERROR("RequestTimeTooSkewed")},
		 " s behind that of the S3 store"},
		{{"403 Forbidden", NULL, ERROR("InvalidAccessKeyId")},
		 "does not know the access key"},
		{{"403 Forbidden", NULL, ERROR("SignatureDoesNotMatch")},
		 "does not take our signature"},
		{{"400 Bad Request", NULL,
		  "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region>"
		  "</Error>"},
		 "s3_region = eu-central-1"},
		{{"301 Moved Permanently", "Location: http://127.0.0.1:1/\r\n",
		  ERROR("PermanentRedirect")},
		 "the bucket crashes is at another endpoint"},
		{{"507 Insufficient Storage", NULL, ""}, "has no space for the bucket crashes"},
		{{"503 Slow Down", NULL, ERROR("SlowDown")}, "status 503 SlowDown: as told by it"},
		{{"418 Teapot", NULL, "<html>"}, "refuses GET of s3://crashes/ with status 418"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		_cleanup_fake_ struct fake f;

		fake_init(&f, &cases[i].answer, 1);
		assert_says(store_probe(fake_store(&f)), EY_ERR_IO, cases[i].words);
		assert_int_equal(requests(&f, "GET"), 1);
	}
}

static void answers_that_are_none(void **state)
{
	static const struct {
		const char *body;
		const char *words;
	} cases[] = {
		{"", "does not answer as an S3 store does"},
		{"<html><body>Welcome</body></html>", "does not answer as an S3 store does"},
		{LIST, "is not XML"},
		{"<!DOCTYPE a [<!ENTITY b \"c\">]><ListBucketResult>&b;</ListBucketResult>",
		 "document type"},
		{LIST "<Contents><Key>eyrie/a</Key><Size>-1</Size></Contents></ListBucketResult>",
		 "Size that is no number"},
		{LIST "<Contents><Key>eyrie/a</Key><Size>99999999999999999999</Size></Contents>"
		      "</ListBucketResult>",
		 "Size that is no number"},
		{LIST "<Contents><Key>eyrie/a</Key><LastModified>soon</LastModified></Contents>"
		      "</ListBucketResult>",
		 "LastModified that is no time"},
		{LIST "<Contents><Key>other/a</Key></Contents></ListBucketResult>",
		 "lists what was not asked for"},
		{LIST "<Contents></Contents></ListBucketResult>", "an object without a key"},
		{"<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p><q><r></r></q></p></o></n></m></"
		 "l>"
		 "</k></j></i></h></g></f></e></d></c></b></a>",
		 "nested too deeply"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		const struct answer answer = {"200 OK", NULL, cases[i].body};
		_cleanup_fake_ struct fake f;

		fake_init(&f, &answer, 1);
		assert_says(store_probe(fake_store(&f)), EY_ERR_INPUT, cases[i].words);
	}
}

static struct ey_error *count_entry(const struct store_entry *entry, void *arg)
{
	_cleanup_store_files_ struct store_files files;
	struct store_file_info info;
	int64_t filed;

	assert_null(store_entry_stat(entry, STORE_RECORD, &info));
	assert_int_equal(info.size, 3);
	assert_null(store_entry_filed(entry, &filed));
	assert_int_equal(filed, 1577836800);
	assert_null(store_entry_list(entry, &files));
	assert_int_equal(files.count, 2);
	++*(int *)arg;
	return NULL;
}

static void add_object(struct ey_buf *buf, int host, const char *name)
{
	ey_buf_printf(buf,
		      "<Contents><Key>eyrie/default/h%03d/20261123T143546Z-0123456789abcdef/"
		      "%s</Key>" OLD "<Size>3</Size></Contents>",
		      host, name);
}

static void walks_by_listing_alone(void **state)
{
	enum { HOSTS = 800 };
	_cleanup_buf_ struct ey_buf first = EY_BUF_INIT, second = EY_BUF_INIT;
	struct ey_buf *pages[] = {&first, &second};
	struct answer answers[2];
	_cleanup_fake_ struct fake f;
	int n = 0;

	// A crash may begin on one page and end on the next.
	for (int page = 0; page < 2; page++) {
		ey_buf_printf(pages[page], "<ListBucketResult><IsTruncated>%s</IsTruncated>%s",
			      page ? "false" : "true",
			      page ? "" : "<NextContinuationToken>a+/=</NextContinuationToken>");
		if (page)
			add_object(pages[page], HOSTS / 2, "vmcore");
		for (int i = page * HOSTS / 2 + page; i <= (page ? HOSTS - 1 : HOSTS / 2); i++) {
			add_object(pages[page], i, "record.json");
			if (page || i < HOSTS / 2)
				add_object(pages[page], i, "vmcore");
		}
		ey_buf_adds(pages[page], "</ListBucketResult>");
		answers[page] = (struct answer){"200 OK", NULL, ey_buf_str(pages[page])};
	}
	fake_init(&f, answers, 2);
	assert_null(store_walk(fake_store(&f),
			       &(struct store_walker){.on_entry = count_entry, .arg = &n}));
	assert_int_equal(n, HOSTS);
	assert_int_equal(requests(&f, "HTTP/1.1"), 2);
	assert_int_equal(requests(&f, "continuation-token=a%2B%2F%3D"), 1);
}

struct seen {
	int entries;
	int skips;
};

static struct ey_error *see_entry(const struct store_entry *entry, void *arg)
{
	((struct seen *)arg)->entries++;
	return NULL;
}

static void see_skip(const char *path, const char *why, void *arg)
{
	for (const char *p = path; *p; p++)
		assert_true((unsigned char)*p >= ' ');
	((struct seen *)arg)->skips++;
}

static void what_is_no_crash_is_passed_over(void **state)
{
	static const struct answer answer = {
		"200 OK", NULL,
		LIST
		// Being filed, of a bad name, in a folder below, beside the sites; and one of
		// others.
		"<Contents><Key>eyrie/default/a/20261123T143546Z-0123456789abcdef/checksums</Key>"
		"</Contents>"
		"<Contents><Key>eyrie/default/b/..%2Fx/record.json</Key></Contents>"
		"<Contents><Key>eyrie/default/c%0A%1b/x/record.json</Key></Contents>"
		"<Contents><Key>eyrie/default/d/e/crash.txt</Key></Contents>"
		"<Contents><Key>eyrie/policy.json</Key></Contents></ListBucketResult>"};
	_cleanup_fake_ struct fake f;
	struct seen seen = {0};

	fake_init(&f, &answer, 1);
	assert_null(store_walk(fake_store(&f), &(struct store_walker){see_entry, see_skip, &seen}));
	assert_int_equal(seen.entries, 1);
	assert_int_equal(seen.skips, 2);
}

static void pages_that_never_end(void **state)
{
	static const struct answer same[] = {
		{"200 OK", NULL,
		 "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x"
		 "</NextContinuationToken></ListBucketResult>"}};
	static const struct answer again[] = {
		{"200 OK", NULL,
		 "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x"
		 "</NextContinuationToken><Contents><Key>eyrie/b</Key></Contents>"
		 "</ListBucketResult>"},
		{"200 OK", NULL,
		 "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>y"
		 "</NextContinuationToken><Contents><Key>eyrie/b</Key></Contents>"
		 "</ListBucketResult>"}};
	struct seen seen = {0};
	const struct store_walker w = {see_entry, see_skip, &seen};
	_cleanup_fake_ struct fake f, g;

	fake_init(&f, same, 1);
	assert_says(store_walk(fake_store(&f), &w), EY_ERR_INPUT, "the same page again");
	fake_init(&g, again, 2);
	assert_says(store_walk(fake_store(&g), &w), EY_ERR_INPUT, "keys out of order");
}

static void busy_stores_are_asked_again(void **state)
{
	static const struct answer answers[] = {
		{"503 Slow Down", NULL, ERROR("SlowDown")},
		{"500 Internal Server Error", NULL, ""},
		{"400 Bad Request", NULL, ERROR("RequestTimeout")},
		{"200 OK", NULL, LIST "</ListBucketResult>", .cut = 5},
		{"200 OK", NULL, LIST "</ListBucketResult>"},
	};
	_cleanup_fake_ struct fake f;

	fake_init(&f, answers, EY_ARRAY_SIZE(answers));
	f.options.retries = 4;
	assert_null(store_probe(fake_store(&f)));
	assert_int_equal(requests(&f, "GET"), 5);
}

static void silent_stores_are_given_up(void **state)
{
	static const struct answer answer = {.silent = true};
	_cleanup_fake_ struct fake f;

	fake_init(&f, &answer, 1);
	f.options.timeout = 1;
	assert_says(store_probe(fake_store(&f)), EY_ERR_IO, "does not answer (nothing for 1 s)");
}

static void downloads_go_on_where_they_broke(void **state)
{
	static const char listed[] =
		LIST "<Contents><Key>eyrie/" CRASH "record.json</Key><Size>10</Size><ETag>\"e\""
		     "</ETag></Contents></ListBucketResult>";
	static const struct answer answers[] = {
		{"200 OK", NULL, listed},
		{"206 Partial Content", "Content-Range: bytes 0-9/10\r\n", "0123456789", .cut = 6},
		{"206 Partial Content", "Content-Range: bytes 4-9/10\r\n", "456789"},
	};
	static const struct answer liar[] = {
		{"200 OK", NULL, listed},
		{"206 Partial Content", "Content-Range: bytes 5-14/20\r\n", "0123456789"},
	};
	_cleanup_fake_ struct fake f, g;
	_cleanup_store_entry_ struct store_entry *e = NULL, *h = NULL;
	_cleanup_free_ char *data = NULL;

	fake_init(&f, answers, EY_ARRAY_SIZE(answers));
	f.options.retries = 2;
	assert_null(store_entry_open(fake_store(&f),
				     "default/web-01/20261123T143546Z-0123456789abcdef", &e));
	assert_null(store_entry_read(e, STORE_RECORD, 100, &data, NULL));
	assert_string_equal(data, "0123456789");
	assert_int_equal(requests(&f, "GET"), 3);
	store_entry_destroy(no_cleanup_ptr(e));

	fake_init(&g, liar, EY_ARRAY_SIZE(liar));
	assert_null(store_entry_open(fake_store(&g),
				     "default/web-01/20261123T143546Z-0123456789abcdef", &h));
	assert_says(store_entry_read(h, STORE_RECORD, 100, &data, NULL), EY_ERR_IO,
		    "another part of the object");
	store_entry_destroy(no_cleanup_ptr(h));
}

static void conditions_that_a_store_keeps_or_not(void **state)
{
	static const struct answer keeps = {"412 Precondition Failed", NULL,
					    ERROR("PreconditionFailed")};
	static const struct answer knows_none[] = {
		{"501 Not Implemented", NULL, ERROR("NotImplemented")}, {"200 OK", NULL, NULL}};
	_cleanup_fake_ struct fake f, g;
	struct s3 *s3;
	bool taken;

	fake_init(&f, &keeps, 1);
	assert_null(s3_create("s3://crashes", &f.options, &s3));
	assert_null(s3_put(s3, "a", "b", 1, true, &taken));
	assert_true(taken);
	s3_destroy(s3);
	fake_init(&g, knows_none, 2);
	assert_null(s3_create("s3://crashes", &g.options, &s3));
	assert_null(s3_put(s3, "a", "b", 1, true, &taken));
	assert_false(taken);
	assert_int_equal(requests(&g, "PUT /crashes/a "), 2);
	s3_destroy(s3);
}

static void old_leftovers_are_removed(void **state)
{
	static const struct answer answers[] = {
		{"200 OK", "Date: Mon, 23 Nov 2026 22:00:00 GMT\r\n", LIST "</ListBucketResult>"},
		{"200 OK", NULL,
		 "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
		 "<Upload><Key>eyrie/" CRASH "vmcore</Key><UploadId>new</UploadId>"
		 "<Initiated>2026-11-23T20:00:00Z</Initiated></Upload>"
		 "<Upload><Key>eyrie/" CRASH "vmcore</Key><UploadId>old</UploadId>"
		 "<Initiated>2026-11-21T20:00:00Z</Initiated></Upload>"
		 "</ListMultipartUploadsResult>"},
		{"204 No Content", NULL, NULL},
		// Old and unfinished; the same but just begun; with a file that is not ours; filed.
		{"200 OK", NULL,
		 LIST "<Contents><Key>eyrie/default/a/20261123T143546Z-0123456789abcdef/"
		      "checksums</Key>" OLD "</Contents>"
		      "<Contents><Key>eyrie/default/a/20261123T143546Z-0123456789abcdef/vmcore"
		      "</Key>" OLD "</Contents>"
		      "<Contents><Key>eyrie/default/b/20261123T143546Z-0123456789abcdef/"
		      "checksums</Key><LastModified>2026-11-23T21:00:00Z</LastModified></Contents>"
		      "<Contents><Key>eyrie/default/c/20261123T143546Z-0123456789abcdef/"
		      "checksums</Key>" OLD "</Contents>"
		      "<Contents><Key>eyrie/default/c/20261123T143546Z-0123456789abcdef/notes"
		      "</Key>" OLD "</Contents>"
		      "<Contents><Key>eyrie/default/d/20261123T143546Z-0123456789abcdef/"
		      "checksums</Key>" OLD "</Contents>"
		      "<Contents><Key>eyrie/default/d/20261123T143546Z-0123456789abcdef/"
		      "record.json</Key>" OLD "</Contents></ListBucketResult>"},
		{"204 No Content", NULL, NULL},
	};
	_cleanup_fake_ struct fake f;
	struct store_cleaned cleaned;

	fake_init(&f, answers, EY_ARRAY_SIZE(answers));
	assert_null(store_clean(fake_store(&f), &cleaned));
	assert_int_equal(cleaned.uploads, 1);
	assert_int_equal(cleaned.crashes, 1);
	assert_int_equal(requests(&f, "DELETE"), 3);
	assert_int_equal(requests(&f, "vmcore?uploadId=old"), 1);
	assert_int_equal(requests(&f, "DELETE /crashes/eyrie/default/a/"), 2);
}

static void roots_and_keys(void **state)
{
	char *dir = make_tree();
	_cleanup_free_ char *keys = in_tree(dir, "keys");
	struct store_s3_options o = {.endpoint = "https://s3.example.com:9000"};
	struct store *store = NULL;
	static const char *const bad[] = {"s3://",	     "s3://ab",		  "s3:///x",
					  "s3://UPPER case", "s3://crashes/../x", "s3://crashes//x",
					  "s3://crashes/a b"};
	static const char *const endpoints[] = {"s3.example.com", "ftp://s3.example.com",
						"https://",	  "https://a/b",
						"https://u@a",	  "https://a b"};

	setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "never-to-be-seen", 1);
	for (size_t i = 0; i < EY_ARRAY_SIZE(bad); i++)
		assert_says(store_open_with(bad[i], 0, &o, &store), EY_ERR_USAGE, bad[i]);
	for (size_t i = 0; i < EY_ARRAY_SIZE(endpoints); i++) {
		struct store_s3_options wrong = {.endpoint = endpoints[i]};

		assert_says(store_open_with("s3://crashes", 0, &wrong, &store), EY_ERR_USAGE,
			    "is not of the form");
	}
	o.addressing = "dns";
	assert_says(store_open_with("s3://crashes", 0, &o, &store), EY_ERR_USAGE, "\"path\" or");
	o.addressing = NULL;
	o.keys = keys;
	assert_says(store_open_with("s3://crashes", 0, &o, &store), EY_ERR_USAGE, "cannot read");
	write_text(dir, "keys", "access_key = AKIDEXAMPLE\nsecret never-to-be-seen\n");
	chmod(keys, 0644);
	assert_says(store_open_with("s3://crashes", 0, &o, &store), EY_ERR_USAGE, "chmod 0600");
	chmod(keys, 0600);
	assert_says(store_open_with("s3://crashes", 0, &o, &store), EY_ERR_USAGE, "keys:2: not ");
	write_text(dir, "keys", "access_key = AKIDEXAMPLE\n");
	assert_says(store_open_with("s3://crashes", 0, &o, &store), EY_ERR_USAGE, "no access_key");
	write_text(dir, "keys", "access_key = AKIDEXAMPLE\nsecret_key = a=b\n");
	assert_null(store_open_with("s3://crashes/eyrie/", 0, &o, &store));
	assert_string_equal(store_root(store), "s3://crashes/eyrie");
	store_destroy(store);
	remove_tree(dir);
	free(dir);
}

static void buckets_in_the_host_or_the_path(void **state)
{
	struct store_s3_options o = {.endpoint = "https://s3.example.com:9000"};
	struct s3 *s3;

	setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "never-to-be-seen", 1);
	unsetenv("AWS_ENDPOINT_URL");
	for (int i = 0; i < 4; i++) {
		static const char *const want[] = {
			"https://s3.example.com:9000/crashes/eyrie/a%20b?",
			"https://crashes.s3.example.com:9000/eyrie/a%20b?",
			"https://crashes.s3.eu-west-1.amazonaws.com/eyrie/a%20b?",
			"https://s3.eu-west-1.amazonaws.com/my.crashes/eyrie/a%20b?",
		};
		const struct s3_call call = {.method = "GET", .key = "eyrie/a b"};
		_cleanup_free_ char *url = NULL;

		o.region = "eu-west-1";
		o.addressing = i == 1 ? "host" : NULL;
		if (i >= 2)
			o.endpoint = NULL;
		assert_null(s3_create(i == 3 ? "s3://my.crashes" : "s3://crashes", &o, &s3));
		assert_null(s3_presign(s3, &call, 60, &url));
		assert_int_equal(strncmp(url, want[i], strlen(want[i])), 0);
		assert_says(s3_presign(s3, &call, 0, &url), EY_ERR_INPUT, "1 second to 7 days");
		assert_says(s3_presign(s3, &call, 700000, &url), EY_ERR_INPUT, "7 days");
		s3_destroy(s3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_refusal_is_a_sentence),
		cmocka_unit_test(answers_that_are_none),
		cmocka_unit_test(walks_by_listing_alone),
		cmocka_unit_test(what_is_no_crash_is_passed_over),
		cmocka_unit_test(pages_that_never_end),
		cmocka_unit_test(busy_stores_are_asked_again),
		cmocka_unit_test(silent_stores_are_given_up),
		cmocka_unit_test(downloads_go_on_where_they_broke),
		cmocka_unit_test(conditions_that_a_store_keeps_or_not),
		cmocka_unit_test(old_leftovers_are_removed),
		cmocka_unit_test(roots_and_keys),
		cmocka_unit_test(buckets_in_the_host_or_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
