/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "store/repository.h"
#include "tracer.h"
#include "tree.h"

enum { DUMP_BYTES = 768 << 10, CRASH_TIME = 1795444546 };
#define CRASH_ID "time:web-01:1795444546:25:f+0x10"

struct fixture {
	char *dir;
	/** The repository and the dump in it. */
	char *root;
	char *dump;
	const char *writer;
	bool may_link;
};

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){.dir = make_tree()};
	f->root = in_tree(f->dir, "repository");
	f->dump = in_tree(f->dir, "dump");
	assert_int_equal(mkdir(f->root, 0755), 0);
	write_dump(f->dir, "dump", DUMP_BYTES);
}

static void fixture_deinit(struct fixture *f)
{
	remove_tree(f->dir);
	free(f->dir);
	free(f->root);
	free(f->dump);
}
#define _cleanup_fixture_ __attribute__((cleanup(fixture_deinit)))

static struct ey_error *file_crash(const struct fixture *f, struct store_filed *ret)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_close_ int fd = open(f->dump, O_RDONLY | O_CLOEXEC);
	struct store_crash crash = {
		.site = "default",
		.hostname = "web-01",
		.time = CRASH_TIME,
		.id = CRASH_ID,
		.record = {"{}\n", 3},
		.analysis = {"text\n", 5},
		.dmesg = {"log\n", 4},
		.vmcore_fd = fd,
		.may_link = f->may_link,
		.writer = f->writer,
	};
	struct ey_error *err = store_open(f->root, 0, &store);

	*ret = (struct store_filed){0};
	return err ? err : store_file(store, &crash, ret);
}

struct seen {
	int entries;
	int skips;
	int bad;
	char path[512];
	char skipped[4096];
};

static struct ey_error *on_entry(const struct store_entry *e, void *arg)
{
	struct seen *s = arg;
	_cleanup_error_ struct ey_error *err = store_entry_verify(e);

	s->entries++;
	s->bad += err != NULL;
	snprintf(s->path, sizeof(s->path), "%s", e->path);
	return NULL;
}

static void on_skip(const char *path, const char *why, void *arg)
{
	struct seen *s = arg;
	size_t n = strlen(s->skipped);

	s->skips++;
	snprintf(s->skipped + n, sizeof(s->skipped) - n, "%s: %s\n", path, why);
}

static struct seen look(const char *root)
{
	_cleanup_store_ struct store *store = NULL;
	struct seen seen = {0};
	struct store_walker w = {on_entry, on_skip, &seen};

	assert_null(store_open(root, 0, &store));
	assert_null(store_walk(store, &w));
	return seen;
}

static void assert_filed_once(const struct fixture *f)
{
	struct seen s = look(f->root);

	assert_int_equal(s.entries, 1);
	assert_int_equal(s.bad, 0);
	assert_int_equal(s.skips, 0);
	assert_int_equal(count_names(f->root, "vmcore"), 1);
	assert_int_equal(count_names(f->root, ".eyrie-tmp"), 0);
}

static void appears_whole_with_checksums(void **state)
{
	_cleanup_fixture_ struct fixture f;
	struct store_filed filed;
	char command[1024];
	struct stat st;

	fixture_init(&f);
	assert_null(file_crash(&f, &filed));
	_cleanup_free_ char *path = filed.path;
	assert_false(filed.already);
	assert_int_equal(strncmp(path, "default/web-01/20261123T143546Z-", 32), 0);
	assert_filed_once(&f);
	_cleanup_free_ char *folder = in_tree(f.root, path);
	snprintf(command, sizeof(command),
		 "cd %s && sha256sum --quiet --strict -c checksums && cmp vmcore %s && "
		 "test $(wc -l <checksums) = 4",
		 folder, f.dump);
	assert_int_equal(system(command), 0);
	_cleanup_free_ char *vmcore = in_tree(folder, "vmcore");
	assert_int_equal(stat(vmcore, &st), 0);
	assert_int_equal(st.st_size, DUMP_BYTES);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_mode & 07777, 0640);
	// The zeros within became a hole.
	assert_true((size_t)st.st_blocks * 512 < DUMP_BYTES);
}

static void is_filed_once(void **state)
{
	_cleanup_fixture_ struct fixture f;
	struct store_filed first, second;

	fixture_init(&f);
	assert_null(file_crash(&f, &first));
	assert_null(file_crash(&f, &second));
	assert_true(second.already);
	assert_string_equal(first.path, second.path);
	free(first.path);
	free(second.path);
	assert_filed_once(&f);
}

static void racing_writers_file_once(void **state)
{
	enum { WRITERS = 8, ROUNDS = 5 };

	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_fixture_ struct fixture f;
		int gate[2], winners = 0;

		fixture_init(&f);
		assert_int_equal(pipe(gate), 0);
		for (int i = 0; i < WRITERS; i++) {
			if (fork())
				continue;
			struct store_filed filed;
			char c;

			close(gate[1]);
			if (read(gate[0], &c, 1) != 0)
				_exit(9);
			_exit(file_crash(&f, &filed) ? 9 : filed.already);
		}
		close(gate[0]);
		close(gate[1]); // all of them at once
		for (int i = 0; i < WRITERS; i++) {
			int status;

			assert_true(wait(&status) > 0);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
			winners += WEXITSTATUS(status) == 0;
		}
		assert_int_equal(winners, 1);
		assert_filed_once(&f);
	}
}

static int file_in_child(void *arg)
{
	struct store_filed filed;
	struct ey_error *err = file_crash(arg, &filed);

	return ey_error_exit_code(err);
}

static void killed_at_every_step(void **state)
{
	bool reached = true;
	int steps = 0, visible = 0;

	for (int n = 1; reached; n++) {
		for (int link = 0; link < 2; link++) {
			_cleanup_fixture_ struct fixture f;
			struct store_filed filed;

			fixture_init(&f);
			f.writer = "agent";
			f.may_link = link;
			int ret = tracer_run(file_in_child, &f, false, TRACER_KILL, n, 0, &reached);
			if (ret == TRACER_UNABLE)
				skip();
			assert_int_equal(ret, reached ? TRACER_KILLED : 0);
			struct seen s = look(f.root);
			assert_true(s.entries <= 1);
			assert_int_equal(s.bad, 0);
			visible += s.entries;
			assert_int_equal(access(f.dump, R_OK), 0);
			assert_null(file_crash(&f, &filed));
			assert_int_equal(filed.already, s.entries);
			free(filed.path);
			// Where the folder was in place at once, what was left may stay a while.
			if (!s.entries)
				assert_filed_once(&f);
			steps += reached;
		}
	}
	// A kill before anything, in between, and after the rename: the test saw them all.
	assert_true(steps > 30);
	assert_true(visible > 1 && visible < steps);
}

static void each_step_fails(void **state)
{
	static const int errors[] = {ENOSPC, EIO};

	for (size_t i = 0; i < EY_ARRAY_SIZE(errors); i++) {
		bool reached = true;
		int failed = 0;

		for (int n = 1; reached; n++) {
			_cleanup_fixture_ struct fixture f;
			struct store_filed filed;

			fixture_init(&f);
			f.writer = "agent";
			int ret = tracer_run(file_in_child, &f, false, TRACER_FAIL, n, errors[i],
					     &reached);
			if (ret == TRACER_UNABLE)
				skip();
			assert_true(ret == 0 || ret == 3);
			failed += ret == 3;
			struct seen s = look(f.root);
			assert_int_equal(s.bad, 0);
			// Success and a visible crash are the same, but where only the last sync of
			// the folder failed.
			if (ret == 0)
				assert_int_equal(s.entries, 1);
			if (s.entries == 0)
				assert_int_equal(count_names(f.root, ".eyrie-tmp"), 0);
			assert_null(file_crash(&f, &filed));
			free(filed.path);
			assert_filed_once(&f);
		}
		assert_true(failed > 15);
	}
}

static void short_of_space(void **state)
{
	struct store_filed filed;
	struct fixture f;

	fixture_init(&f);
	pid_t pid = fork();
	if (!pid) {
		// A mount of our own that ends with this process.
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("tmpfs", f.root, "tmpfs", 0, "size=16m,nr_inodes=12") < 0)
			_exit(77);
		// The dump and 16 MiB to spare do not fit.
		struct ey_error *err = file_crash(&f, &filed);
		if (!err || err->code != EY_ERR_IO || !strstr(err->message, "no space"))
			_exit(1);
		if (look(f.root).entries || count_names(f.root, ".eyrie-tmp"))
			_exit(2);
		// No inodes: fails in the middle of building.
		if (mount(NULL, f.root, NULL, MS_REMOUNT, "size=64m,nr_inodes=7") < 0)
			_exit(3);
		err = file_crash(&f, &filed);
		if (!err || !strstr(err->message, "No space left"))
			_exit(4);
		if (look(f.root).entries || count_names(f.root, ".eyrie-tmp"))
			_exit(5);
		if (mount(NULL, f.root, NULL, MS_REMOUNT, "size=64m,nr_inodes=30") < 0)
			_exit(6);
		_exit(file_crash(&f, &filed) || look(f.root).entries != 1 ? 7 : 0);
	}
	int status;
	waitpid(pid, &status, 0);
	fixture_deinit(&f); // skip() does not come back
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int file_with_limit(void *arg)
{
	struct rlimit limit = {DUMP_BYTES / 2, DUMP_BYTES / 2};

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	return file_in_child(arg);
}

static void file_size_limit_in_the_middle(void **state)
{
	_cleanup_fixture_ struct fixture f;
	int status;

	fixture_init(&f);
	pid_t pid = fork();
	if (!pid)
		_exit(file_with_limit(&f));
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(look(f.root).entries, 0);
	assert_int_equal(count_names(f.root, ".eyrie-tmp"), 0);
}

static void changing_dump_is_refused(void **state)
{
	enum { TRIES = 50 };
	int refused = 0;

	// Whether the other process gets to write during the copy is the scheduler's choice.
	for (int i = 0; i < TRIES && !refused; i++) {
		_cleanup_fixture_ struct fixture f;
		struct store_filed filed;

		fixture_init(&f);
		pid_t pid = fork();
		if (!pid) {
			_cleanup_close_ int fd = open(f.dump, O_WRONLY | O_APPEND);

			while (write(fd, "more", 4) == 4)
				;
			_exit(1);
		}
		_cleanup_error_ struct ey_error *err = file_crash(&f, &filed);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		free(filed.path);
		refused += err && strstr(err->message, "changes while it is copied");
		assert_int_equal(look(f.root).entries, err ? 0 : 1);
	}
	assert_int_equal(refused, 1);
}

static void links_where_the_source_goes(void **state)
{
	_cleanup_fixture_ struct fixture f;
	struct store_filed filed;
	struct stat st;

	fixture_init(&f);
	f.may_link = true;
	assert_null(file_crash(&f, &filed));
	free(filed.path);
	assert_int_equal(stat(f.dump, &st), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_filed_once(&f);
}

// A center of its own user on the same machine reads and purges by the root's group.
static void permissions_follow_the_root(void **state)
{
	static const struct {
		mode_t root, host, crash, file;
	} cases[] = {
		{0755, 0755, 0750, 0640},
		{02770, 02770, 02770, 0660},
		{0700, 0700, 0700, 0600},
		{0777, 0777, 0770, 0660},
	};
	mode_t mask = umask(0);

	for (size_t i = 0; i < 2 * EY_ARRAY_SIZE(cases); i++) {
		_cleanup_fixture_ struct fixture f;
		struct store_filed filed;
		struct stat host, crash, record, dump;

		fixture_init(&f);
		f.may_link = i % 2;
		assert_int_equal(chmod(f.root, cases[i / 2].root), 0);
		assert_null(file_crash(&f, &filed));
		_cleanup_free_ char *folder = in_tree(f.root, filed.path);
		_cleanup_free_ char *site = in_tree(f.root, "default/web-01");
		_cleanup_free_ char *record_path = in_tree(folder, "record.json");
		_cleanup_free_ char *dump_path = in_tree(folder, "vmcore");
		free(filed.path);
		assert_int_equal(stat(site, &host), 0);
		assert_int_equal(stat(folder, &crash), 0);
		assert_int_equal(stat(record_path, &record), 0);
		assert_int_equal(stat(dump_path, &dump), 0);
		assert_int_equal(host.st_mode & 07777, cases[i / 2].host);
		assert_int_equal(crash.st_mode & 07777, cases[i / 2].crash);
		assert_int_equal(record.st_mode & 07777, cases[i / 2].file);
		assert_int_equal(dump.st_mode & 07777, cases[i / 2].file);
	}
	umask(mask);
}

static void other_file_system_is_copied(void **state)
{
	_cleanup_fixture_ struct fixture f;
	struct store_filed filed;
	struct stat here, there;
	char disk[] = "/var/tmp/eyrie-test-XXXXXX";

	fixture_init(&f);
	if (!mkdtemp(disk) || stat(disk, &there) < 0 || stat(f.dir, &here) < 0 ||
	    here.st_dev == there.st_dev)
		skip();
	free(f.dump);
	f.dump = in_tree(disk, "dump");
	write_dump(disk, "dump", DUMP_BYTES);
	f.may_link = true;
	assert_null(file_crash(&f, &filed));
	free(filed.path);
	assert_filed_once(&f);
	assert_int_equal(stat(f.dump, &there), 0);
	assert_int_equal(there.st_nlink, 1);
	remove_tree(disk);
}

static void leftovers_are_cleaned(void **state)
{
	_cleanup_fixture_ struct fixture f;
	struct store_filed filed;
	struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
	static const char *const names[] = {
		".eyrie-tmp-w-other-0123456789abcdef",
		".eyrie-tmp-w-old-0123456789abcdef",
		".eyrie-tmp-w-agent-0123456789abcdef",
		".eyrie-tmp-dead--0123456789abcdef",
	};

	fixture_init(&f);
	_cleanup_free_ char *site = in_tree(f.root, "default");
	_cleanup_free_ char *host = in_tree(site, "web-01");
	assert_int_equal(mkdir(site, 0755), 0);
	assert_int_equal(mkdir(host, 0755), 0);
	for (size_t i = 0; i < EY_ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *temp = in_tree(host, names[i]);
		_cleanup_free_ char *file = in_tree(temp, "vmcore");

		assert_int_equal(mkdir(temp, 0755), 0);
		write_text(temp, "vmcore", "half");
		if (i == 1) {
			assert_int_equal(utimensat(AT_FDCWD, file, old, 0), 0);
			assert_int_equal(utimensat(AT_FDCWD, temp, old, 0), 0);
		}
	}
	assert_int_equal(look(f.root).entries, 0);
	f.writer = "agent";
	assert_null(file_crash(&f, &filed));
	free(filed.path);
	// Another's that may be alive stays; ours, the old and the dead go.
	assert_int_equal(count_names(f.root, ".eyrie-tmp"), 1);
	assert_int_equal(count_names(f.root, names[0]), 1);
	assert_int_equal(look(f.root).entries, 1);
}

static void hostile_tree(void **state)
{
	_cleanup_fixture_ struct fixture f;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_entry_ struct store_entry *e = NULL;
	struct store_filed filed;
	char *data;
	uint64_t bytes;
	char command[4096];

	fixture_init(&f);
	assert_null(file_crash(&f, &filed));
	_cleanup_free_ char *path = filed.path;
	snprintf(
		command, sizeof(command),
		"cd %s && ln -s / default/root && ln -s /etc etc && touch default/file && "
		"mkfifo default/web-01/fifo && mkdir 'default/web-01/a b' default/web-01/x '%s' && "
		"mkfifo default/web-01/x/record.json && ln -s /etc/passwd default/web-01/x/vmcore "
		"&& "
		"ln -s x default/web-01/y && touch note.txt && mkdir -p .snapshot/web-01/z && "
		"mkdir $(printf 'h%%0254d' 0) && ln -s /etc/passwd default/web-01/x/analysis.txt",
		f.root, "line\nbreak\x1b[31m");
	assert_int_equal(system(command), 0);
	struct seen s = look(f.root);
	assert_int_equal(s.entries, 2);
	assert_int_equal(s.skips, 7);
	assert_non_null(strstr(s.skipped, "etc: a symbolic link, which is not followed\n"));
	assert_non_null(strstr(s.skipped, "default/root: a symbolic link"));
	assert_non_null(strstr(s.skipped, "default/file: not a folder\n"));
	assert_non_null(strstr(s.skipped, "default/web-01/fifo: not a folder\n"));
	assert_non_null(strstr(s.skipped, "default/web-01/a b: not a safe name\n"));
	assert_non_null(strstr(s.skipped, "line?break\\x1b[31m: not a safe name\n"));
	assert_non_null(strstr(s.skipped, "default/web-01/y: a symbolic link"));

	assert_null(store_open(f.root, 0, &store));
	assert_null(store_entry_open(store, "default/web-01/x", &e));
	assert_int_equal(e->time, -1);
	_cleanup_error_ struct ey_error *fifo = store_entry_read(e, STORE_RECORD, 100, &data, NULL);
	assert_int_equal(fifo->code, EY_ERR_INPUT);
	_cleanup_error_ struct ey_error *link =
		store_entry_read(e, STORE_ANALYSIS, 1 << 20, &data, NULL);
	assert_int_equal(link->code, EY_ERR_INPUT);
	_cleanup_error_ struct ey_error *none = store_entry_read(e, STORE_DMESG, 100, &data, NULL);
	assert_int_equal(none->code, EY_ERR_NOT_FOUND);
	_cleanup_error_ struct ey_error *up = store_entry_read(e, "../x", 100, &data, NULL);
	assert_int_equal(up->code, EY_ERR_INPUT);
	// The link goes, not what it points to.
	assert_null(store_entry_remove_dump(e, &bytes));
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	assert_int_equal(count_names(f.root, "vmcore"), 1);

	static const char *const bad[] = {"",
					  "default",
					  "default/web-01",
					  "../a/b",
					  "default/../x",
					  "default/web-01/x/record.json",
					  "/default/web-01/x"};
	for (size_t i = 0; i < EY_ARRAY_SIZE(bad); i++) {
		struct store_entry *no;
		_cleanup_error_ struct ey_error *err = store_entry_open(store, bad[i], &no);

		assert_non_null(err);
		assert_int_equal(err->code, EY_ERR_INPUT);
	}
}

static void host_folder_that_is_a_link_is_refused(void **state)
{
	_cleanup_fixture_ struct fixture f;
	struct store_filed filed;
	char command[1024];

	fixture_init(&f);
	snprintf(command, sizeof(command),
		 "mkdir %s/default %s/elsewhere && ln -s %s/elsewhere %s/default/web-01", f.root,
		 f.dir, f.dir, f.root);
	assert_int_equal(system(command), 0);
	_cleanup_error_ struct ey_error *err = file_crash(&f, &filed);
	assert_non_null(err);
	assert_int_equal(count_names(f.dir, "record.json"), 0);
}

static void dump_goes_and_the_rest_stays(void **state)
{
	_cleanup_fixture_ struct fixture f;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_entry_ struct store_entry *e = NULL;
	_cleanup_free_ char *data = NULL, *none = NULL;
	struct store_filed filed, again;
	uint64_t bytes;
	size_t len;

	fixture_init(&f);
	assert_null(file_crash(&f, &filed));
	_cleanup_free_ char *path = filed.path;
	assert_null(store_open(f.root, 0, &store));
	assert_null(store_entry_open(store, path, &e));
	assert_int_equal(e->time, CRASH_TIME);
	assert_string_equal(e->site, "default");
	assert_string_equal(e->host, "web-01");
	assert_int_equal(strlen(e->id), STORE_ID_DIGITS);
	assert_null(store_entry_remove_dump(e, &bytes));
	assert_int_equal(bytes, DUMP_BYTES);
	assert_null(store_entry_remove_dump(e, &bytes));
	assert_int_equal(bytes, 0);
	assert_null(store_entry_read(e, STORE_DMESG, 4, &data, &len));
	assert_string_equal(data, "log\n");
	_cleanup_error_ struct ey_error *large = store_entry_read(e, STORE_DMESG, 3, &none, NULL);
	assert_int_equal(large->code, EY_ERR_INPUT);
	assert_null(store_entry_verify(e));
	// It is still the crash that it was: an agent that comes again adds nothing.
	assert_null(file_crash(&f, &again));
	assert_true(again.already);
	free(again.path);

	_cleanup_free_ char *folder = in_tree(f.root, path);
	write_text(folder, "dmesg.txt", "lag\n");
	_cleanup_error_ struct ey_error *changed = store_entry_verify(e);
	assert_non_null(changed);
	assert_non_null(strstr(changed->message, "dmesg.txt is not what was filed"));
}

static void names(void **state)
{
	static const char *const cases[][2] = {
		{"web-01.example.com", "web-01.example.com"},
		{"", "unknown"},
		{"../../etc", "_._.._etc"},
		{".", "_"},
		{"a b\n\xff/c", "a_b___c"},
	};
	char id[STORE_ID_DIGITS + 1];

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *name = store_host_folder(cases[i][0]);

		assert_string_equal(name, cases[i][1]);
	}
	_cleanup_free_ char *unknown = store_host_folder(NULL);
	assert_string_equal(unknown, "unknown");
	store_short_id("abc", id); // FIPS 180-2's first example
	assert_string_equal(id, "ba7816bf8f01cfea");
}

static void root_must_be_mounted(void **state)
{
	_cleanup_free_ char *dir = make_tree();
	_cleanup_free_ char *sub = in_tree(dir, "new");
	_cleanup_free_ char *deep = in_tree(dir, "no/new");
	_cleanup_store_ struct store *proc = NULL, *made = NULL;
	struct store *none;
	_cleanup_error_ struct ey_error *err = store_open(dir, STORE_MUST_BE_MOUNTED, &none);

	assert_non_null(err);
	assert_non_null(strstr(err->message, "mounted"));
	assert_null(store_open("/proc", STORE_MUST_BE_MOUNTED, &proc));
	_cleanup_error_ struct ey_error *missing = store_open(sub, 0, &none);
	assert_non_null(missing);
	assert_null(store_open(sub, STORE_CREATE, &made));
	_cleanup_error_ struct ey_error *parents = store_open(deep, STORE_CREATE, &none);
	assert_non_null(parents);
	remove_tree(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appears_whole_with_checksums),
		cmocka_unit_test(is_filed_once),
		cmocka_unit_test(racing_writers_file_once),
		cmocka_unit_test(killed_at_every_step),
		cmocka_unit_test(each_step_fails),
		cmocka_unit_test(short_of_space),
		cmocka_unit_test(file_size_limit_in_the_middle),
		cmocka_unit_test(changing_dump_is_refused),
		cmocka_unit_test(links_where_the_source_goes),
		cmocka_unit_test(permissions_follow_the_root),
		cmocka_unit_test(other_file_system_is_copied),
		cmocka_unit_test(leftovers_are_cleaned),
		cmocka_unit_test(hostile_tree),
		cmocka_unit_test(host_folder_that_is_a_link_is_refused),
		cmocka_unit_test(dump_goes_and_the_rest_stays),
		cmocka_unit_test(names),
		cmocka_unit_test(root_must_be_mounted),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
