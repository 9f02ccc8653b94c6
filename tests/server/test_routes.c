/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses, without a server before them. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "server/auth.h"
#include "server/routes.h"

static unsigned int ask(struct api *api, const char *path)
{
	struct http_handler handler = server_routes(api);
	struct server_request request = {.method = SERVER_GET, .peer = "127.0.0.1"};
	struct server_response response = {0};
	unsigned int status;

	assert_null(server_target_parse(&request.target, path, strlen(path)));
	struct ey_error *err = handler.begin(handler.arg, &request, &response);
	if (!err && !response.status)
		err = handler.handle(handler.arg, &request, &response);
	status = err ? server_status_of(err) : response.status;
	ey_error_destroy(err);
	server_response_deinit(&response);
	server_target_deinit(&request.target);
	return status;
}

// What is wrong with the database is no fault of the request: balancers act on 503.
static void unusable_database_is_503(void **state)
{
	char path[] = "/tmp/eyrie-test-routes-XXXXXX";
	struct ey_config config = {0};
	struct api api = {.config = &config};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_null(ey_file_write_whole(path, 0600, "this is no database, by far not\n", 32));
	assert_null(ey_config_set(&config, "database", "path", path, "test"));
	assert_null(server_db_pool_create(&config, 2, &api.pool));
	assert_null(auth_create(&config, true, false, &api.auth));
	assert_null(ey_config_set(&config, "repository", "path", "/tmp", "test"));
	assert_int_equal(ask(&api, "/healthz"), 200);
	assert_int_equal(ask(&api, "/readyz"), 503);
	assert_int_equal(ask(&api, "/api/v1/crashes"), 503);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ask(&api, "/readyz"), 200); // made anew
	assert_int_equal(ask(&api, "/api/v1/crashes"), 200);
	assert_int_equal(ask(&api, "/api/v1/crashes?limit=x"), 400);
	assert_null(ey_config_set(&config, "repository", "path", path, "test"));
	assert_int_equal(ask(&api, "/readyz"), 503); // a file is no repository
	assert_null(ey_config_set(&config, "repository", "path", "/tmp", "test"));
	api.stopping = true;
	assert_int_equal(ask(&api, "/readyz"), 503);
	assert_int_equal(ask(&api, "/healthz"), 200);
	auth_destroy(api.auth);
	server_db_pool_destroy(api.pool);
	unlink(path);
	ey_config_deinit(&config);
}

// The description's word for a method: "get".
static void lower(const char *name, char *buf, size_t size)
{
	size_t n = 0;

	for (; name[n] && n + 1 < size; n++)
		buf[n] = (char)tolower((unsigned char)name[n]);
	buf[n] = '\0';
}

static bool is_routed(const char *path, const char *method)
{
	enum server_method m;
	const char *pattern;
	char name[16];

	for (size_t i = 0; (pattern = server_route_at(i, &m)); i++) {
		lower(server_method_name(m), name, sizeof(name));
		// HEAD is answered wherever GET is, so it may be described without a route.
		if (!strcmp(pattern, path) &&
		    (!strcmp(name, method) || (!strcmp(method, "head") && m == SERVER_GET)))
			return true;
	}
	return false;
}

// docs/openapi.json describes each route, and nothing that is none.
static void each_route_is_described(void **state)
{
	json_t *doc = json_load_file(EYRIE_OPENAPI, JSON_REJECT_DUPLICATES, NULL);
	const char *path, *method;
	enum server_method m;
	json_t *item, *operation;
	char name[16];
	int wrong = 0;

	assert_non_null(doc);
	json_t *paths = json_object_get(doc, "paths");
	for (size_t i = 0; (path = server_route_at(i, &m)); i++) {
		lower(server_method_name(m), name, sizeof(name));
		assert_true(name[0]);
		if (!json_object_get(json_object_get(paths, path), name)) {
			print_error("docs/openapi.json does not describe %s %s\n", name, path);
			wrong++;
		}
	}
	json_object_foreach(paths, path, item)
	{
		json_object_foreach(item, method, operation)
		{
			if (is_routed(path, method))
				continue;
			print_error("src/server/routes.c has no %s %s\n", method, path);
			wrong++;
		}
	}
	json_decref(doc);
	assert_int_equal(wrong, 0);
}

// A route that names no permission is open to nobody or to all, by accident.
static void every_route_names_who_may(void **state)
{
	struct server_route_row row;
	size_t count = 0;

	for (; server_route_row(count, &row); count++) {
		unsigned int open = row.permissions & (AUTH_PUBLIC | AUTH_KNOWN);
		bool reads = row.method == SERVER_GET;
		bool hosts = row.permissions == AUTH_SUBMIT || row.permissions == AUTH_FORWARD;

		if (!(row.permissions & AUTH_ALL) && !open)
			fail_msg("%s has no permission", row.pattern);
		if (!reads && !hosts && !open && !row.action)
			fail_msg("%s changes something and has no name in the audit log",
				 row.pattern);
		if (!reads && (row.permissions & AUTH_VIEW))
			fail_msg("%s changes something, and viewers may", row.pattern);
	}
	assert_true(count > 20);
}

static void a_hosts_token_speaks_for_that_host(void **state)
{
	struct auth_principal who = {
		.kind = AUTH_IS_HOST,
		.permissions = AUTH_SUBMIT,
		.host = {"ams1", "web-01", "0123456789abcdef0123456789abcdef", "AA-BB"},
	};
	const struct {
		struct auth_claim claim;
		bool allowed;
	} cases[] = {
		{{"ams1", "web-01", who.host.machine_id, "aa-bb"}, true},
		{{NULL, "renamed", who.host.machine_id, NULL}, true},
		{{"", "", NULL, "aa-bb"}, true},
		{{"ams1", "WEB-01", NULL, NULL}, true},
		{{"ams1", "web-02", NULL, NULL}, false},
		{{"ams1", "", "", ""}, false},
		{{NULL, NULL, NULL, NULL}, false},
		{{"fra1", "web-01", who.host.machine_id, "aa-bb"}, false},
		{{"ams1", "web-01", "f123456789abcdef0123456789abcdef", "aa-bb"}, false},
		{{"ams1", "web-01", who.host.machine_id, "aa-cc"}, false},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct ey_error *err = auth_check_host(&who, &cases[i].claim);

		if (!err != cases[i].allowed)
			fail_msg("case %zu: %s", i, err ? err->message : "allowed");
		if (err)
			assert_int_equal(server_status_of(err), 403);
	}
	who.kind = AUTH_IS_TOKEN;
	assert_null(auth_check_host(&who, &cases[4].claim));
	who.permissions = AUTH_ALL & ~AUTH_SUBMIT;
	struct ey_error *err = auth_check_host(&who, &cases[0].claim);
	assert_non_null(err);
	ey_error_destroy(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unusable_database_is_503),
		cmocka_unit_test(each_route_is_described),
		cmocka_unit_test(every_route_names_who_may),
		cmocka_unit_test(a_hosts_token_speaks_for_that_host),
	};

	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
