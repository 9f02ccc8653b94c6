/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums that are kept: of a small database never, of a large one while another thread works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "server/summary.h"

static char dir[] = "/tmp/eyrie-test-summary-XXXXXX";

static void ok(struct ey_error *err)
{
	if (err)
		fail_msg("%s", err->message);
}

static atomic_int made;

static struct ey_error *number(struct db *db, int64_t arg, struct ey_buf *out)
{
	assert_non_null(db);
	ey_buf_printf(out, "%d of %d", atomic_fetch_add(&made, 1) + 1, (int)arg);
	return NULL;
}

static struct ey_error *broken(struct db *db, int64_t arg, struct ey_buf *out)
{
	ey_buf_adds(out, "half of it");
	return ey_error_create(EY_ERR_IO, "the database is gone");
}

static struct ey_error *slow(struct db *db, int64_t arg, struct ey_buf *out)
{
	usleep(20000);
	return number(db, arg, out);
}

struct fixture {
	struct ey_config config;
	struct server_db_pool *pool;
	struct server_summaries *summaries;
	struct db *db;
};

static void set_up(struct fixture *f, int64_t from)
{
	_cleanup_free_ char *text = NULL, *path = NULL;

	assert_true(asprintf(&text, "[database]\npath = %s/eyrie.db\n", dir) > 0);
	assert_true(asprintf(&path, "%s/eyrie.conf", dir) > 0);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	*f = (struct fixture){0};
	ok(ey_config_load(&f->config, path));
	ok(db_open_config(&f->config, DB_OPEN_WRITE, &f->db));
	ok(server_db_pool_create(&f->config, 2, &f->pool));
	ok(server_summaries_create(f->pool, from, &f->summaries));
	atomic_store(&made, 0);
}

static void tear_down(struct fixture *f)
{
	server_summaries_destroy(f->summaries);
	server_db_pool_destroy(f->pool);
	db_close(f->db);
	ey_config_deinit(&f->config);
}

static void says(struct fixture *f, server_summary_fn *fn, int64_t arg, const char *expected)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	ok(server_summary(f->summaries, f->db, fn, arg, &out));
	assert_string_equal(ey_buf_str(&out), expected);
}

static void small_databases_are_asked_each_time(void **state)
{
	struct fixture f;

	set_up(&f, 1);
	says(&f, number, 7, "1 of 7");
	says(&f, number, 7, "2 of 7");
	tear_down(&f);
}

static void large_ones_once(void **state)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	struct fixture f;

	set_up(&f, 0);
	says(&f, number, 7, "1 of 7");
	says(&f, number, 7, "1 of 7");
	says(&f, number, 8, "2 of 8");
	says(&f, number, 7, "1 of 7");
	// What failed is not kept, and nothing of it is said.
	struct ey_error *err = server_summary(f.summaries, f.db, broken, 0, &out);
	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_IO);
	ey_error_destroy(err);
	assert_int_equal(out.len, 0);
	// More of them than are kept: the one that was asked for the longest ago goes.
	for (int64_t i = 100; i < 140; i++) {
		_cleanup_buf_ struct ey_buf one = EY_BUF_INIT;

		ok(server_summary(f.summaries, f.db, number, i, &one));
	}
	says(&f, number, 139, "42 of 139");
	says(&f, number, 7, "43 of 7");
	tear_down(&f);
}

static void what_is_prepared_is_there(void **state)
{
	struct fixture f;

	set_up(&f, 0);
	server_summary_prepare(f.summaries, slow, 3);
	while (!atomic_load(&made))
		usleep(1000);
	says(&f, slow, 3, "1 of 3");
	tear_down(&f);
	set_up(&f, 1);
	server_summary_prepare(f.summaries, slow, 3);
	tear_down(&f);
	assert_int_equal(atomic_load(&made), 0);
}

struct asker {
	struct fixture *f;
	struct db *db;
	char said[32];
};

static void *ask(void *arg)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	struct asker *a = arg;

	ey_error_destroy(server_summary(a->f->summaries, a->db, slow, 1, &out));
	snprintf(a->said, sizeof(a->said), "%s", ey_buf_str(&out));
	return NULL;
}

static void who_asks_meanwhile_waits_for_the_same(void **state)
{
	struct fixture f;
	struct asker askers[4];
	pthread_t threads[4];

	set_up(&f, 0);
	for (int i = 0; i < 4; i++) {
		askers[i] = (struct asker){.f = &f};
		ok(db_open_config(&f.config, 0, &askers[i].db));
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_string_equal(askers[i].said, "1 of 1");
		db_close(askers[i].db);
	}
	tear_down(&f);
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	_cleanup_free_ char *command = NULL;

	return asprintf(&command, "rm -rf '%s'", dir) > 0 ? system(command) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_databases_are_asked_each_time),
		cmocka_unit_test(large_ones_once),
		cmocka_unit_test(what_is_prepared_is_there),
		cmocka_unit_test(who_asks_meanwhile_waits_for_the_same),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
