/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "server/config.h"
#include "server/http.h"
#include "server/jobs.h"
#include "server/query.h"
#include "server/sd_notify.h"

static void assert_refused(struct ey_error *err, enum ey_error_code code)
{
	assert_non_null(err);
	assert_int_equal(err->code, code);
	ey_error_destroy(err);
}

static struct ey_error *parse(struct server_target *target, const char *raw)
{
	return server_target_parse(target, raw, strlen(raw));
}

static void target_is_decoded(void **state)
{
	_cleanup_target_ struct server_target t = {0};
	int64_t n;

	assert_null(parse(&t, "/a%20b/c?q=x%2By+z&empty=&flag&n=42&utf=%C3%A9&&"));
	assert_string_equal(t.path, "/a b/c");
	assert_string_equal(server_query_string(&t, "q"), "x+y z");
	assert_null(server_query_string(&t, "empty"));
	assert_null(server_query_string(&t, "flag"));
	assert_null(server_query_string(&t, "absent"));
	assert_string_equal(server_query_string(&t, "utf"), "\xc3\xa9");
	assert_null(server_query_int(&t, "n", 1, 100, 7, &n));
	assert_int_equal(n, 42);
	assert_null(server_query_int(&t, "absent", 1, 100, 7, &n));
	assert_int_equal(n, 7);
	assert_refused(server_query_int(&t, "n", 1, 41, 7, &n), EY_ERR_INPUT);
	assert_refused(server_query_int(&t, "q", 1, 41, 7, &n), EY_ERR_INPUT);
	assert_refused(server_query_time(&t, "q", 0, &n), EY_ERR_INPUT);
	static const char *const few[] = {"q", "n", NULL};
	assert_refused(server_query_only(&t, few), EY_ERR_INPUT);
	static const char *const all[] = {"q", "empty", "flag", "n", "utf", NULL};
	assert_null(server_query_only(&t, all));
}

static void broken_targets_are_refused(void **state)
{
	static const char *const broken[] = {
		"",
		"x",
		"/%",
		"/%4",
		"/%zz",
		"/%00",
		"/a?b=%0a",
		"/a?x=%ff",
		"/%c0%80",
		"/%ed%a0%80",
		"/a?x=1&x=2",
		"/%f5%80%80%80",
		"/a?%e2%82=1",
		"/a?x=%7f",
		"*",
		"http://example.com/",
	};
	static char big[SERVER_TARGET_MAX + 2];
	_cleanup_buf_ struct ey_buf many = EY_BUF_INIT;
	struct server_target t;

	for (size_t i = 0; i < EY_ARRAY_SIZE(broken); i++)
		assert_refused(parse(&t, broken[i]), EY_ERR_INPUT);
	memset(big, '/', sizeof(big) - 1);
	assert_refused(parse(&t, big), EY_ERR_INPUT);
	// One parameter more than there is room for, all without a value: the tightest case.
	ey_buf_adds(&many, "/?");
	for (int i = 0; i <= SERVER_QUERY_PARAMS_MAX; i++)
		ey_buf_printf(&many, "%c%d&", 'a' + i % 26, i);
	assert_refused(parse(&t, ey_buf_str(&many)), EY_ERR_INPUT);
	many.data[strrchr(many.data, 'g') - many.data] = '\0';
	assert_null(parse(&t, many.data));
	assert_int_equal(t.param_count, SERVER_QUERY_PARAMS_MAX);
	server_target_deinit(&t);
}

static void encodings_are_negotiated(void **state)
{
	assert_true(server_accepts("gzip, deflate, br, zstd", "zstd"));
	assert_true(server_accepts("GZIP;q=0.5", "gzip"));
	assert_false(server_accepts("gzip;q=0, br", "gzip"));
	assert_false(server_accepts("gzip-x", "gzip"));
	assert_false(server_accepts("", "gzip"));
	assert_false(server_accepts(NULL, "gzip"));
	assert_int_equal(server_accepts("gzip, zstd;q=0.25", "gzip"), 1000);
	assert_int_equal(server_accepts("gzip, zstd;q=0.25", "zstd"), 250);
	assert_int_equal(server_accepts("zstd;q=1.000 , *;q=0.1", "zstd"), 1000);
	assert_int_equal(server_accepts("br, *;q=0.1", "gzip"), 100);
	assert_int_equal(server_accepts("gzip;q=0, *", "gzip"), 0);
	assert_int_equal(server_accepts("gzip;q=0.0009", "gzip"), 0);
	assert_int_equal(server_accepts("gzip;q=x", "gzip"), 0);
}

static void only_own_names_and_origins(void **state)
{
	assert_true(http_host_is_ours("127.0.0.1:8420", NULL));
	assert_true(http_host_is_ours("[::1]:8420", NULL));
	assert_true(http_host_is_ours("LOCALHOST", NULL));
	assert_true(http_host_is_ours("eyrie.example.com:443", "a.example.com, eyrie.example.com"));
	// A page of evil.example.com may point that name to 127.0.0.1 (DNS rebinding).
	assert_false(http_host_is_ours("evil.example.com", "eyrie.example.com"));
	assert_false(http_host_is_ours("localhost.evil.example.com", NULL));
	assert_false(http_host_is_ours("[evil]", NULL));
	assert_false(http_host_is_ours("", NULL));
	assert_false(http_host_is_ours(NULL, NULL));

	assert_true(http_is_same_origin(NULL, NULL, "localhost:1"));
	assert_true(http_is_same_origin("same-origin", "http://localhost:1", "localhost:1"));
	assert_true(http_is_same_origin(NULL, "https://eyrie.example.com", "eyrie.example.com"));
	assert_false(http_is_same_origin("cross-site", NULL, "localhost:1"));
	assert_false(http_is_same_origin("same-site", "http://localhost:1", "localhost:1"));
	assert_false(http_is_same_origin(NULL, "http://localhost:2", "localhost:1"));
	assert_false(http_is_same_origin(NULL, "null", "localhost:1"));
	assert_false(http_is_same_origin(NULL, "http://localhost:1", NULL));
}

static void listen_address_is_read(void **state)
{
	static const char *const broken[] = {
		"",	      "127.0.0.1",	 ":80",		"::1:80", "[::1]", "host:80",
		"127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x", "[]:1"};
	char address[SERVER_ADDRESS_SIZE];
	uint16_t port;

	assert_null(server_listen_parse("127.0.0.1:8420", address, &port));
	assert_string_equal(address, "127.0.0.1");
	assert_int_equal(port, 8420);
	assert_null(server_listen_parse("[::1]:0", address, &port));
	assert_string_equal(address, "::1");
	for (size_t i = 0; i < EY_ARRAY_SIZE(broken); i++)
		assert_refused(server_listen_parse(broken[i], address, &port), EY_ERR_USAGE);
	assert_true(server_address_is_loopback("127.8.0.1"));
	assert_true(server_address_is_loopback("::1"));
	assert_false(server_address_is_loopback("0.0.0.0"));
	assert_false(server_address_is_loopback("::"));
}

static void remote_address_needs_a_word(void **state)
{
	_cleanup_config_ struct ey_config config = {0};
	struct server_config server;

	assert_null(server_config_read(&config, &server));
	assert_int_equal(server.port, 8420);
	assert_true(server.loopback);
	assert_null(ey_config_set(&config, "server", "listen", "0.0.0.0:80", "test"));
	assert_refused(server_config_read(&config, &server), EY_ERR_USAGE);
	assert_null(ey_config_set(&config, "server", "allow_remote", "yes", "test"));
	assert_null(server_config_read(&config, &server));
	assert_false(server.loopback);
	assert_null(ey_config_set(&config, "server", "threads", "0", "test"));
	assert_refused(server_config_read(&config, &server), EY_ERR_USAGE);
}

static void notifies_the_service_manager(void **state)
{
	char path[] = "/tmp/eyrie-notify-XXXXXX";
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char got[32] = "";

	assert_non_null(mkdtemp(path));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", path);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	setenv("NOTIFY_SOCKET", sa.sun_path, 1);
	server_sd_notify("READY=1");
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 7);
	assert_string_equal(got, "READY=1");
	server_sd_notify("READY=1");
	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), -1);
	unlink(sa.sun_path);
	rmdir(path);
}

// Counts its runs, how many ran at once, and fails on the second.
struct counter {
	int runs;
	int inside;
	int most;
};

static struct ey_error *count(void *arg, struct ey_buf *said, bool *kick)
{
	struct counter *c = arg;
	int now = __atomic_add_fetch(&c->inside, 1, __ATOMIC_SEQ_CST);

	if (now > c->most)
		c->most = now;
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	__atomic_sub_fetch(&c->inside, 1, __ATOMIC_SEQ_CST);
	int run = __atomic_add_fetch(&c->runs, 1, __ATOMIC_SEQ_CST);
	ey_buf_printf(said, "run %d", run);
	*kick = true;
	return run == 2 ? ey_error_create(EY_ERR_IO, "the second fails") : NULL;
}

static void wait_for_runs(struct counter *c, int runs)
{
	for (int i = 0; i < 500 && __atomic_load_n(&c->runs, __ATOMIC_SEQ_CST) < runs; i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	assert_true(__atomic_load_n(&c->runs, __ATOMIC_SEQ_CST) >= runs);
}

static void jobs_run_one_at_a_time(void **state)
{
	struct counter shared = {0}, rare = {0};
	const struct server_job table[] = {
		{"first", 1, count, &shared},
		{"second", 1, count, &shared},
		{"third", 1000000, count, &rare},
		{"off", 0, count, &rare},
		{0},
	};
	struct server_job_status *status;
	struct server_jobs *jobs;
	size_t n;

	setenv("EYRIE_LOG_LEVEL", "none", 1);
	assert_null(server_jobs_create(table, &jobs));
	assert_null(server_jobs_start(jobs));
	wait_for_runs(&shared, 2);
	// The third's interval is long, but its neighbour kicks it.
	wait_for_runs(&rare, 2);
	assert_null(server_jobs_status(jobs, &status, &n));
	assert_int_equal(n, 4);
	assert_int_equal(status[3].state, SERVER_JOB_OFF);
	assert_int_equal(status[3].runs, 0);
	assert_int_equal(status[0].failures + status[1].failures, 1);
	assert_true(status[0].last_start > 0);
	assert_non_null(status[0].message);
	server_jobs_status_free(status, n);
	assert_true(server_jobs_stop(jobs, 5));
	assert_int_equal(shared.most, 1);
	int runs = shared.runs;
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	assert_int_equal(shared.runs, runs);
}

static struct ey_error *always_fails(void *arg, struct ey_buf *said, bool *kick)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
	return ey_error_create(EY_ERR_IO, "no such disk");
}

static void failing_job_says_since_when(void **state)
{
	int runs = 0;
	const struct server_job table[] = {{"fails", 1000, always_fails, &runs}, {0}};
	struct server_job_status *status;
	struct server_jobs *jobs;
	size_t n;

	assert_null(server_jobs_create(table, &jobs));
	assert_null(server_jobs_start(jobs));
	for (int i = 0; i < 500; i++) {
		assert_null(server_jobs_status(jobs, &status, &n));
		if (status[0].runs)
			break;
		server_jobs_status_free(status, n);
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	assert_int_equal(status[0].state, SERVER_JOB_FAILED);
	assert_string_equal(status[0].message, "no such disk");
	assert_true(status[0].failing_since > 0);
	assert_int_equal(status[0].last_ok, 0);
	server_jobs_status_free(status, n);
	assert_true(server_jobs_stop(jobs, 5));
	assert_int_equal(runs, 1);
}

static unsigned int any_path_is_read(void *arg, const char *path)
{
	return SERVER_GET;
}

static struct ey_error *begin_nothing(void *arg, struct server_request *request,
				      struct server_response *response)
{
	return NULL;
}

static struct ey_error *answer_204(void *arg, struct server_request *request,
				   struct server_response *response)
{
	response->status = 204;
	return NULL;
}

// What the server at @p port answers to GET /, as far as it fits.
static void ask(uint16_t port, char *answer, size_t size)
{
	static const char request[] =
		"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t have = 0;
	ssize_t n;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	while (have < size - 1 && (n = recv(fd, answer + have, size - 1 - have, 0)) > 0)
		have += (size_t)n;
	answer[have] = '\0';
}

// Ending it must neither leave a request without an answer nor race with the threads that accept.
static void a_stopping_server_says_come_again(void **state)
{
	const struct http_options options = {
		.address = "127.0.0.1",
		.threads = 2,
		.handler = {.methods = any_path_is_read,
			    .begin = begin_nothing,
			    .handle = answer_204},
	};
	char answer[2000];

	for (int i = 0; i < 20; i++) {
		struct http_server *server = NULL;

		assert_null(http_server_create(&options, &server));
		ask(http_server_port(server), answer, sizeof(answer));
		assert_memory_equal(answer, "HTTP/1.1 204", 12);
		http_server_quiesce(server);
		ask(http_server_port(server), answer, sizeof(answer));
		assert_memory_equal(answer, "HTTP/1.1 503", 12);
		assert_non_null(strcasestr(answer, "\r\nRetry-After: "));
		http_server_destroy(server);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(target_is_decoded),
		cmocka_unit_test(broken_targets_are_refused),
		cmocka_unit_test(encodings_are_negotiated),
		cmocka_unit_test(only_own_names_and_origins),
		cmocka_unit_test(listen_address_is_read),
		cmocka_unit_test(remote_address_needs_a_word),
		cmocka_unit_test(notifies_the_service_manager),
		cmocka_unit_test(jobs_run_one_at_a_time),
		cmocka_unit_test(failing_job_says_since_when),
		cmocka_unit_test(a_stopping_server_says_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
