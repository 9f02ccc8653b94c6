/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "analysis/record_read.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "host/agent.h"
#include "store/policy.h"
#include "store/repository.h"
#include "tracer.h"
#include "tree.h"

enum { NOW = 1795450000 };

static const char *bug_path, *null_path;

struct fixture {
	char *dir;
	char *crash;
	char *repository;
	char *state;
	char *sysroot;
	struct agent_options options;
	char lines[4096];
};

static void report(const char *line, void *arg)
{
	struct fixture *f = arg;
	size_t n = strlen(f->lines);

	snprintf(f->lines + n, sizeof(f->lines) - n, "%s\n", line);
}

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){.dir = make_tree()};
	f->crash = in_tree(f->dir, "crash");
	f->repository = in_tree(f->dir, "repository");
	f->state = in_tree(f->dir, "state");
	f->sysroot = in_tree(f->dir, "sysroot");
	static const char *const folders[] = {"crash", "repository", "sysroot/etc",
					      "sysroot/proc/sys/kernel",
					      "sysroot/sys/class/dmi/id"};
	for (size_t i = 0; i < EY_ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = in_tree(f->dir, folders[i]);

		assert_null(ey_mkdir_parents(path, 0755));
	}
	write_text(f->sysroot, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	write_text(f->sysroot, "proc/sys/kernel/hostname", "web-01\n");
	write_text(f->sysroot, "proc/stat", "cpu 1 2 3\nbtime 1795449000\nprocesses 5\n");
	f->options = (struct agent_options){
		.crash_dir = f->crash,
		.repository = f->repository,
		.site = "default",
		.state_dir = f->state,
		.sysroot = f->sysroot,
		.settle = 60,
		.report = report,
		.report_arg = f,
	};
}

static void fixture_deinit(struct fixture *f)
{
	remove_tree(f->dir);
	free(f->dir);
	free(f->crash);
	free(f->repository);
	free(f->state);
	free(f->sysroot);
}
#define _cleanup_fixture_ __attribute__((cleanup(fixture_deinit)))

// A file in the folder of a crash, as old as the crash.
static void add(const struct fixture *f, const char *folder, const char *name, const char *text)
{
	_cleanup_free_ char *sub = in_tree(f->crash, folder);
	_cleanup_free_ char *path = in_tree(sub, name);
	struct timespec times[2] = {{NOW - 3600, 0}, {NOW - 3600, 0}};

	mkdir(sub, 0755);
	write_text(sub, name, text);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void add_bug(const struct fixture *f)
{
	_cleanup_free_ char *text = read_text("", bug_path);

	add(f, "202611231427", "dump.202611231427", text);
	add(f, "202611231427", "dmesg.202611231427", "a log\n");
}

static void add_null(const struct fixture *f)
{
	_cleanup_free_ char *text = read_text("", null_path);

	add(f, "127.0.0.1-2026-11-23-14:28:20", "vmcore", text);
}

struct seen {
	int entries;
	int bad;
	int dumps;
	char path[512];
	char *record;
	struct store *store;
};

static struct ey_error *on_entry(const struct store_entry *e, void *arg)
{
	struct seen *s = arg;
	_cleanup_error_ struct ey_error *err = store_entry_verify(e);
	_cleanup_close_ int fd = -1;
	_cleanup_error_ struct ey_error *none = store_entry_open_file(e, STORE_VMCORE, &fd, NULL);

	s->entries++;
	s->bad += err != NULL;
	s->dumps += fd >= 0;
	snprintf(s->path, sizeof(s->path), "%s", e->path);
	return NULL;
}

static struct seen look(const struct fixture *f)
{
	_cleanup_store_ struct store *store = NULL;
	struct seen seen = {0};
	struct store_walker w = {.on_entry = on_entry, .arg = &seen};

	assert_null(store_open(f->repository, 0, &store));
	assert_null(store_walk(store, &w));
	return seen;
}

static struct agent_result run(struct fixture *f)
{
	struct agent_result result;
	struct ey_error *err = agent_run(&f->options, &result);

	if (err)
		fail_msg("%s", err->message);
	return result;
}

static char *filed_text(const struct fixture *f, const char *path, const char *name)
{
	_cleanup_free_ char *folder = in_tree(f->repository, path);

	return read_text(folder, name);
}

static void files_a_dump_once(void **state)
{
	_cleanup_fixture_ struct fixture f;
	_cleanup_record_ struct record r;

	fixture_init(&f);
	add_bug(&f);
	struct agent_result first = run(&f);
	assert_int_equal(first.filed, 1);
	assert_int_equal(first.with_dump, 1);
	struct seen s = look(&f);
	assert_int_equal(s.entries, 1);
	assert_int_equal(s.dumps, 1);
	assert_int_equal(s.bad, 0);
	assert_int_equal(strncmp(s.path, "default/web-01/20261123T142729Z-", 32), 0);
	assert_non_null(strstr(f.lines, "202611231427: BUG in lkdtm_BUG (g1:BUG:lkdtm_BUG); "
					"filed as default/web-01/20261123T142729Z-"));
	assert_non_null(strstr(f.lines, " with its dump ("));

	_cleanup_free_ char *text = filed_text(&f, s.path, "record.json");
	assert_null(record_read(text, strlen(text), &r));
	assert_string_equal(r.identity.machine_id, "0123456789abcdef0123456789abcdef");
	assert_string_equal(r.identity.hostname, "web-01");
	assert_string_equal(r.event.signature, "lkdtm_BUG+0x5");
	_cleanup_free_ char *analysis = filed_text(&f, s.path, "analysis.txt");
	assert_string_equal(analysis, "the analysis\n");
	// The dump's own log, not kdump's copy.
	_cleanup_free_ char *dmesg = filed_text(&f, s.path, "dmesg.txt");
	assert_non_null(strstr(dmesg, "kernel BUG at"));

	struct agent_result second = run(&f);
	assert_int_equal(second.filed, 0);
	assert_int_equal(second.known, 1);
	assert_int_equal(look(&f).entries, 1);
	// An agent that lost its memory files nothing twice either.
	remove_tree(f.state);
	struct agent_result third = run(&f);
	assert_int_equal(third.filed, 0);
	assert_int_equal(third.known, 1);
	assert_int_equal(look(&f).entries, 1);
	assert_non_null(strstr(f.lines, "already filed as"));
	assert_int_equal(count_names(f.crash, "dump."), 1);
}

static void keeps_keys_that_it_does_not_know(void **state)
{
	_cleanup_fixture_ struct fixture f;
	static const char json[] =
		"{\"schema\":\"eyrie/crash/1\",\"system\":{\"hostname\":\"web-01\",\"crash_time\":"
		"\"2026-11-23T14:27:29Z\",\"load\":[0.1,0.02,0.0],\"later\":[1,{\"a\":null}]},"
		"\"tomorrow\":{\"x\":\"\\u0000y\"},\"log\":\"one\\n\"}";

	fixture_init(&f);
	add(&f, "202611231427", "dump.202611231427", json);
	assert_int_equal(run(&f).filed, 1);
	struct seen s = look(&f);
	_cleanup_free_ char *text = filed_text(&f, s.path, "record.json");
	json_auto_t *root = json_loads(text, JSON_ALLOW_NUL, NULL);
	json_auto_t *was = json_loads(json, JSON_ALLOW_NUL, NULL);
	assert_true(
		json_equal(json_object_get(root, "tomorrow"), json_object_get(was, "tomorrow")));
	assert_true(json_equal(json_object_get(root, "system"), json_object_get(was, "system")));
	assert_non_null(strstr(text, "0.02,"));
}

static void other_hosts_dump_keeps_its_name(void **state)
{
	_cleanup_fixture_ struct fixture f;
	_cleanup_record_ struct record r;

	fixture_init(&f);
	write_text(f.sysroot, "proc/sys/kernel/hostname", "collector\n");
	add_bug(&f);
	run(&f);
	struct seen s = look(&f);
	assert_int_equal(strncmp(s.path, "default/web-01/", 15), 0);
	_cleanup_free_ char *text = filed_text(&f, s.path, "record.json");
	assert_null(record_read(text, strlen(text), &r));
	assert_null(r.identity.machine_id);
}

static void policy_skips_the_dump(void **state)
{
	_cleanup_fixture_ struct fixture f;

	fixture_init(&f);
	write_text(f.repository, "policy.json",
		   "{\"schema\":\"eyrie/policy/1\",\"group_version\":\"g1\",\"default\":\"vmcore\","
		   "\"reasons\":{\"g1:BUG:lkdtm_BUG\":{\"state\":\"known\",\"want\":\"dmesg\"}}}");
	add_bug(&f);
	add_null(&f);
	struct agent_result r = run(&f);
	assert_int_equal(r.filed, 2);
	assert_int_equal(r.with_dump, 1);
	struct seen s = look(&f);
	assert_int_equal(s.entries, 2);
	assert_int_equal(s.dumps, 1);
	assert_int_equal(s.bad, 0);
	assert_int_equal(count_names(f.repository, "dmesg.txt"), 2);
	assert_non_null(strstr(f.lines, "without its dump: the policy wants only the log"));

	// "nothing" leaves record and analysis, and a policy that is broken leaves everything.
	remove_tree(f.state);
	remove_tree(f.repository);
	mkdir(f.repository, 0755);
	write_text(f.repository, "policy.json",
		   "{\"schema\":\"eyrie/policy/1\",\"group_version\":\"g1\","
		   "\"default\":\"nothing\"}");
	assert_int_equal(run(&f).with_dump, 0);
	assert_int_equal(count_names(f.repository, "dmesg.txt"), 0);
	assert_int_equal(look(&f).entries, 2);
	remove_tree(f.state);
	remove_tree(f.repository);
	mkdir(f.repository, 0755);
	write_text(f.repository, "policy.json", "{\"default\":\"nothing\"");
	assert_int_equal(run(&f).with_dump, 2);
}

static void broken_dump_is_filed_with_its_log(void **state)
{
	_cleanup_fixture_ struct fixture f;
	_cleanup_record_ struct record r, bug = {0};
	_cleanup_free_ char *json = read_text("", bug_path);

	fixture_init(&f);
	assert_null(record_read(json, strlen(json), &bug));
	add(&f, "202611231427", "dump.202611231427", "broken");
	add(&f, "202611231427", "dmesg.202611231427", bug.log);
	assert_int_equal(run(&f).with_dump, 1);
	struct seen s = look(&f);
	assert_int_equal(s.entries, 1);
	assert_int_equal(s.dumps, 1);
	_cleanup_free_ char *text = filed_text(&f, s.path, "record.json");
	assert_null(record_read(text, strlen(text), &r));
	assert_string_equal(r.identity.hostname, "web-01");
	assert_string_equal(r.identity.machine_id, "0123456789abcdef0123456789abcdef");
	assert_int_equal(r.system.crash_time, 1795444020);
	assert_false(r.dump.complete);
	assert_int_equal(r.dump.bytes, 6);
	assert_true(r.gap_count >= 3);
	assert_string_equal(r.gaps[0].what, "analysis");
	assert_non_null(strstr(r.gaps[0].why, "dump.202611231427: not a dump"));
	// The event is what the log says.
	assert_true(r.have_event);
	assert_string_equal(r.event.kind, "BUG");
	assert_string_equal(r.event.function, "lkdtm_BUG");
	assert_string_equal(r.system.release, "6.1.0-56-amd64");
	assert_string_equal(r.log, bug.log);
	_cleanup_free_ char *analysis = filed_text(&f, s.path, "analysis.txt");
	assert_int_equal(strncmp(analysis, "Not analysed: ", 14), 0);
	assert_non_null(strstr(analysis, "The log that kdump saved says: "));
}

static void nothing_but_a_log_or_a_piece(void **state)
{
	_cleanup_fixture_ struct fixture f;

	fixture_init(&f);
	add(&f, "202611231427", "dmesg.202611231427", "only \xff this\n");
	add(&f, "202611231428", "dump-incomplete", "broken");
	add(&f, "10.0.0.7-202611231429", "vmcore.202611231429", "broken");
	assert_int_equal(run(&f).filed, 3);
	assert_int_equal(look(&f).bad, 0);
	assert_int_equal(count_names(f.repository, "vmcore"), 2);
	assert_int_equal(count_names(f.repository, "20261123T142700Z-"), 1);
	assert_int_equal(count_names(f.repository, "10.0.0.7"), 1);
	assert_non_null(strstr(f.lines, "no crash event found"));
	assert_non_null(strstr(f.lines, ", there is no dump"));
	_cleanup_free_ char *path = in_tree(f.repository, look(&f).path);
	_cleanup_free_ char *text = read_text(path, "record.json");
	assert_non_null(strstr(text, "incomplete: its collector did not finish"));
}

static void unreadable_dump_is_tried_again(void **state)
{
	_cleanup_fixture_ struct fixture f;
	struct agent_result r;

	fixture_init(&f);
	add(&f, "202611231427", "dump.202611231427", "unreadable");
	_cleanup_error_ struct ey_error *err = agent_run(&f.options, &r);
	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_IO);
	assert_int_equal(r.failed, 1);
	assert_int_equal(look(&f).entries, 0);
	// But not for ever.
	setenv("EYRIE_NOW", "1795650000", 1);
	assert_int_equal(run(&f).filed, 1);
	setenv("EYRIE_NOW", "1795450000", 1);
	assert_int_equal(look(&f).entries, 1);
}

static void repository_that_cannot_be_reached(void **state)
{
	_cleanup_fixture_ struct fixture f;
	struct agent_result r;
	char command[1024];

	fixture_init(&f);
	add_bug(&f);
	add_null(&f);
	assert_int_equal(rmdir(f.repository), 0);
	_cleanup_error_ struct ey_error *err = agent_run(&f.options, &r);
	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_IO);
	assert_int_equal(r.failed, 2);
	// Analysed already: the dump of one goes, the other's is no longer what it was.
	snprintf(command, sizeof(command), "rm -r %s/202611231427", f.crash);
	assert_int_equal(system(command), 0);
	mkdir(f.repository, 0755);
	r = run(&f);
	assert_int_equal(r.filed, 2);
	assert_int_equal(r.with_dump, 1);
	assert_int_equal(look(&f).entries, 2);
	assert_int_equal(look(&f).dumps, 1);
	assert_int_equal(count_names(f.state, "record.json"), 0);
	assert_int_equal(run(&f).filed, 0);
}

static void evidence_waits_while_the_crash_directory_is_away(void **state)
{
	_cleanup_fixture_ struct fixture f;
	_cleanup_free_ char *away = NULL;
	struct agent_result r;

	fixture_init(&f);
	away = in_tree(f.dir, "away");
	add_bug(&f);
	assert_int_equal(rmdir(f.repository), 0);
	_cleanup_error_ struct ey_error *err = agent_run(&f.options, &r);
	assert_non_null(err);
	mkdir(f.repository, 0755);
	assert_int_equal(rename(f.crash, away), 0);
	assert_int_equal(run(&f).filed, 0);
	assert_int_equal(rename(away, f.crash), 0);
	assert_int_equal(run(&f).with_dump, 1);
}

static void source_is_removed_where_wished(void **state)
{
	_cleanup_fixture_ struct fixture f;

	fixture_init(&f);
	f.options.remove_source = true;
	add_bug(&f);
	add_null(&f);
	add(&f, "still", "vmcore", "broken");
	_cleanup_free_ char *still = in_tree(f.crash, "still/vmcore");
	struct timespec times[2] = {{NOW, 0}, {NOW, 0}};
	assert_int_equal(utimensat(AT_FDCWD, still, times, 0), 0);
	struct agent_result r = run(&f);
	assert_int_equal(r.with_dump, 2);
	assert_int_equal(r.waiting, 1);
	assert_int_equal(look(&f).dumps, 2);
	assert_int_equal(count_names(f.crash, "dump."), 0);
	assert_int_equal(count_names(f.crash, ""), 3); // crash, crash/still and its dump
}

// The agent's memory is lost, as when a host is installed anew over its /var/crash.
static void forget(const struct fixture *f)
{
	remove_tree(f->state);
	assert_int_equal(mkdir(f->state, 0755), 0);
}

static void only_copy_of_a_dump_stays(void **state)
{
	_cleanup_fixture_ struct fixture f;
	_cleanup_free_ char *policy = NULL;

	fixture_init(&f);
	policy = in_tree(f.repository, STORE_POLICY_FILE);
	write_text(
		f.repository, STORE_POLICY_FILE,
		"{\"schema\":\"eyrie/policy/1\",\"group_version\":\"g1\",\"default\":\"dmesg\"}");
	add_bug(&f);
	struct agent_result r = run(&f);
	assert_int_equal(r.filed, 1);
	assert_int_equal(r.with_dump, 0);
	// Now the dump is wanted, but what is filed stays as it is: nobody has it but this host.
	assert_int_equal(unlink(policy), 0);
	forget(&f);
	f.options.remove_source = true;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run(&f).known, 1);
		assert_int_equal(count_names(f.crash, "dump."), 1);
	}
}

static void source_of_a_purged_dump_goes(void **state)
{
	_cleanup_fixture_ struct fixture f;

	fixture_init(&f);
	add_bug(&f);
	assert_int_equal(run(&f).with_dump, 1);
	_cleanup_free_ char *entry = in_tree(f.repository, look(&f).path);
	_cleanup_free_ char *dump = in_tree(entry, STORE_VMCORE);
	assert_int_equal(unlink(dump), 0);
	forget(&f);
	f.options.remove_source = true;
	assert_int_equal(run(&f).known, 1);
	assert_int_equal(count_names(f.crash, "dump."), 0);
}

static int run_in_child(void *arg)
{
	struct fixture *f = arg;
	struct agent_result r;

	return ey_error_exit_code(agent_run(&f->options, &r));
}

static void assert_all_filed(struct fixture *f)
{
	run(f);
	struct seen s = look(f);
	assert_int_equal(s.entries, 2);
	assert_int_equal(s.dumps, 2);
	assert_int_equal(s.bad, 0);
	assert_int_equal(count_names(f->state, "record.json"), 0);
	assert_int_equal(count_names(f->crash, "dump."), f->options.remove_source ? 0 : 1);
	assert_int_equal(run(f).filed, 0);
}

static void killed_at_every_step(void **state)
{
	for (int remove = 0; remove < 2; remove++) {
		bool reached = true;
		int steps = 0;

		for (int n = 1; reached; n++) {
			_cleanup_fixture_ struct fixture f;

			fixture_init(&f);
			f.options.remove_source = remove;
			add_bug(&f);
			add_null(&f);
			int ret = tracer_run(run_in_child, &f, false, TRACER_KILL, n, 0, &reached);
			if (ret == TRACER_UNABLE)
				skip();
			assert_int_equal(ret, reached ? TRACER_KILLED : 0);
			assert_int_equal(look(&f).bad, 0);
			assert_all_filed(&f);
			steps += reached;
		}
		assert_true(steps > 80);
	}
}

static void each_step_fails(void **state)
{
	bool reached = true;
	int failed = 0;

	for (int n = 1; reached; n++) {
		_cleanup_fixture_ struct fixture f;

		fixture_init(&f);
		add_bug(&f);
		add_null(&f);
		int ret = tracer_run(run_in_child, &f, false, TRACER_FAIL, n, ENOSPC, &reached);
		if (ret == TRACER_UNABLE)
			skip();
		assert_true(ret == 0 || ret == 3);
		failed += ret == 3;
		assert_int_equal(look(&f).bad, 0);
		assert_all_filed(&f);
	}
	assert_true(failed > 50);
}

static long microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

// Killed again and again, at any moment, until a run happens to live to its end.
static void killed_in_a_loop(void **state)
{
	enum { KILLS = 60, MAX_ROUNDS = 500 };
	unsigned int seed = 1;
	long longest = 2000;
	int kills = 0, rounds = 0;

	for (; kills < KILLS && rounds < MAX_ROUNDS; rounds++) {
		_cleanup_fixture_ struct fixture f;
		bool ended = false;

		fixture_init(&f);
		add_bug(&f);
		add_null(&f);
		while (!ended) {
			long begin = microseconds();
			pid_t pid = fork();
			int status;

			if (!pid)
				_exit(run_in_child(&f));
			usleep((useconds_t)(rand_r(&seed) % longest));
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			ended = WIFEXITED(status);
			kills += !ended;
			// About as long as a run takes here: shorter when most live, and the
			// reverse.
			longest = ended ? EY_MAX((microseconds() - begin + longest) / 2, 100L)
					: longest + longest / 8 + 1;
			assert_int_equal(look(&f).bad, 0);
			assert_true(look(&f).entries <= 2);
			assert_true(count_names(f.repository, ".eyrie-tmp") <= 2);
		}
		assert_all_filed(&f);
	}
	assert_true(kills >= KILLS);
}

static void two_agents_on_one_host(void **state)
{
	_cleanup_fixture_ struct fixture f;
	struct agent_result r;
	int ready[2], stop[2];
	char c;

	fixture_init(&f);
	add_bug(&f);
	run(&f);
	_cleanup_free_ char *lock = in_tree(f.state, "lock");
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(stop), 0);
	pid_t pid = fork();
	if (!pid) {
		struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		int fd = open(lock, O_RDWR);

		if (fcntl(fd, F_SETLK, &l) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		close(stop[1]);
		_exit(read(stop[0], &c, 1) != 0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	_cleanup_error_ struct ey_error *err = agent_run(&f.options, &r);
	close(stop[1]);
	waitpid(pid, NULL, 0);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "another agent is at work"));
	assert_int_equal(ey_error_exit_code(err), 3);
	run(&f);
}

// Two hosts over one crash directory on NFS.
static void two_hosts_on_one_crash_directory(void **state)
{
	enum { ROUNDS = 10 };

	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_fixture_ struct fixture f;
		_cleanup_free_ char *other = NULL;

		fixture_init(&f);
		other = in_tree(f.dir, "other");
		add_bug(&f);
		add_null(&f);
		write_text(f.sysroot, "proc/sys/kernel/hostname", "collector\n");
		for (int i = 0; i < 2; i++) {
			if (fork())
				continue;
			f.options.state_dir = i ? other : f.state;
			_exit(run_in_child(&f));
		}
		for (int i = 0; i < 2; i++) {
			int status;

			wait(&status);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		}
		struct seen s = look(&f);
		assert_int_equal(s.entries, 2);
		assert_int_equal(s.bad, 0);
		assert_int_equal(count_names(f.repository, "vmcore"), 2);
	}
}

static void terminals_are_safe(void **state)
{
	_cleanup_fixture_ struct fixture f;

	fixture_init(&f);
	add(&f, "202611231427", "dump.202611231427",
	    "{\"schema\":\"eyrie/crash/1\",\"system\":{\"hostname\":\"../\\u001b[31m\"},\"event\":"
	    "{\"kind\":\"BUG\",\"title\":\"a\\u001b[2Jb\\nfake: line\",\"reason\":\"g1:x\"}}");
	run(&f);
	assert_null(strchr(f.lines, '\x1b'));
	assert_int_equal(strchr(f.lines, '\n') - f.lines, strlen(f.lines) - 1);
	assert_int_equal(count_names(f.repository, "_.__[31m"), 0);
	assert_int_equal(count_names(f.repository, "_._"), 1);
}

static void options_are_checked(void **state)
{
	static const char *const bad[][2] = {{"site", "a/b"}, {"must_be_mounted", "perhaps"}};
	_cleanup_config_ struct ey_config config = {0};
	struct agent_options o;

	assert_null(agent_options_load(&config, &o));
	assert_string_equal(o.crash_dir, "/var/crash");
	assert_string_equal(o.repository, "/var/lib/eyrie/repository");
	assert_int_equal(o.settle, 60);
	assert_int_equal(o.store_flags, STORE_CREATE);
	for (size_t i = 0; i < EY_ARRAY_SIZE(bad); i++) {
		_cleanup_config_ struct ey_config c = {0};

		assert_null(ey_config_set(&c, "repository", bad[i][0], bad[i][1], bad[i][0]));
		_cleanup_error_ struct ey_error *err = agent_options_load(&c, &o);
		assert_int_equal(ey_error_exit_code(err), 1);
		assert_non_null(strstr(err->message, bad[i][0]));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_a_dump_once),
		cmocka_unit_test(keeps_keys_that_it_does_not_know),
		cmocka_unit_test(other_hosts_dump_keeps_its_name),
		cmocka_unit_test(policy_skips_the_dump),
		cmocka_unit_test(broken_dump_is_filed_with_its_log),
		cmocka_unit_test(nothing_but_a_log_or_a_piece),
		cmocka_unit_test(unreadable_dump_is_tried_again),
		cmocka_unit_test(repository_that_cannot_be_reached),
		cmocka_unit_test(evidence_waits_while_the_crash_directory_is_away),
		cmocka_unit_test(source_is_removed_where_wished),
		cmocka_unit_test(only_copy_of_a_dump_stays),
		cmocka_unit_test(source_of_a_purged_dump_goes),
		cmocka_unit_test(killed_at_every_step),
		cmocka_unit_test(each_step_fails),
		cmocka_unit_test(killed_in_a_loop),
		cmocka_unit_test(two_agents_on_one_host),
		cmocka_unit_test(two_hosts_on_one_crash_directory),
		cmocka_unit_test(terminals_are_safe),
		cmocka_unit_test(options_are_checked),
	};

	bug_path = argv[1];
	null_path = argv[2];
	setenv("TZ", "UTC", 1);
	setenv("EYRIE_NOW", "1795450000", 1);
	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
