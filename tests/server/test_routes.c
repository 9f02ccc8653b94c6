/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses, without a server before them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "server/routes.h"

static unsigned int ask(struct api *api, const char *path)
{
	struct http_handler handler = server_routes(api);
	struct server_request request = {.method = SERVER_GET};
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
	assert_int_equal(ask(&api, "/healthz"), 503);
	assert_int_equal(ask(&api, "/api/v1/crashes"), 503);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ask(&api, "/healthz"), 200); // made anew
	assert_int_equal(ask(&api, "/api/v1/crashes"), 200);
	assert_int_equal(ask(&api, "/api/v1/crashes?limit=x"), 400);
	server_db_pool_destroy(api.pool);
	unlink(path);
	ey_config_deinit(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unusable_database_is_503),
	};

	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
