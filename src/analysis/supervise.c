/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three processes: this one, which reads what the program writes and looks at the clock; a keeper,
 * to which the kernel gives all orphans of the program (PR_SET_CHILD_SUBREAPER), so that it can
 * kill what left the program's session; and the program.
 */
#include "analysis/supervise.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"

enum {
	// For the keeper to kill what there is.
	KILL_SECONDS = 20,
	KILL_PAUSE_NS = 5000000,
	CANNOT_START = 127,
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void supervise_result_deinit(struct supervise_result *result)
{
	ey_buf_deinit(&result->out);
	ey_buf_deinit(&result->err);
}

char *supervise_find_program(const char *name)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return access(name, X_OK) ? NULL : strdup(name);
	if (!path)
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	for (const char *end; *path; path = *end ? end + 1 : end) {
		_cleanup_free_ char *file = NULL;

		end = strchrnul(path, ':');
		// An entry that is no absolute path depends on where one stands.
		if (*path != '/')
			continue;
		if (asprintf(&file, "%.*s/%s", (int)(end - path), path, name) < 0) {
			file = NULL;
			return NULL;
		}
		if (!access(file, X_OK))
			return_ptr(file);
	}
	return NULL;
}

// Parent and session of process @p pid: "PID (comm) S PPID PGRP SESSION ...".
static bool read_stat(const char *pid, pid_t *ppid, pid_t *session)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	// Behind the name, which may hold anything: " S PPID PGRP SESSION".
	char *at = strrchr(text, ')');
	if (!at || strlen(at) < 5)
		return false;
	*ppid = (pid_t)strtol(at + 3, &at, 10);
	strtol(at, &at, 10);
	*session = (pid_t)strtol(at, &at, 10);
	return *ppid >= 0 && *session > 0;
}

// SIGKILL to whoever is the program's: in its session, or an orphan that the kernel gave to us.
static void kill_once(pid_t program)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	pid_t self = getpid(), ppid, session;

	kill(-program, SIGKILL);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (!isdigit((unsigned char)e->d_name[0]) || !read_stat(e->d_name, &ppid, &session))
			continue;
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (pid != self && (ppid == self || session == program))
			kill(pid, SIGKILL);
	}
}

// Until there is none left. What is killed leaves its children to us: the next round's.
static void kill_all(pid_t program, int *status, bool *ended)
{
	static const struct timespec pause = {0, KILL_PAUSE_NS};
	int64_t deadline = now_ms() + KILL_SECONDS * 1000;

	while (now_ms() < deadline) {
		int its;
		pid_t pid;

		kill_once(program);
		while ((pid = waitpid(-1, &its, WNOHANG)) > 0) {
			if (pid == program) {
				*status = its;
				*ended = true;
			}
		}
		if (pid < 0 && errno == ECHILD)
			return;
		nanosleep(&pause, NULL);
	}
}

static void run_program(const struct supervise_options *o, int out, int err, int report,
			pid_t keeper)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	// SIGPIPE and the rest as a program expects them.
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    getppid() != keeper || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0 || chdir(o->cwd) < 0 ||
	    fcntl(report, F_SETFD, FD_CLOEXEC) < 0 ||
	    close_range(STDERR_FILENO + 1, (unsigned int)report - 1, 0) < 0 ||
	    close_range((unsigned int)report + 1, ~0U, 0) < 0 || supervise_confine(o) < 0)
		dprintf(report, "cannot confine it: %s", strerror(errno));
	else if (execve(o->argv[0], (char *const *)o->argv, (char *const *)o->env) < 0)
		dprintf(report, "%s", strerror(errno));
	_exit(CANNOT_START);
}

// Wait for the program or the order to stop, then leave nothing of it behind.
static void keep(const struct supervise_options *o, int out, int err, int report, int answer,
		 pid_t parent)
{
	sigset_t wanted;
	int status = 0;
	bool ended = false;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGTERM);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	// A parent that ignores SIGCHLD would have the kernel reap for us.
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (setsid() < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(1);
	pid_t keeper = getpid();
	pid_t program = fork();
	if (program < 0) {
		dprintf(report, "cannot start a process: %s", strerror(errno));
		_exit(1);
	}
	if (!program)
		run_program(o, out, err, report, keeper);
	close(out);
	close(err);
	close(report);
	for (bool stop = false; !stop && !ended;) {
		int signal_number, its;

		stop = sigwait(&wanted, &signal_number) || signal_number == SIGTERM;
		for (pid_t pid; (pid = waitpid(-1, &its, WNOHANG)) > 0;) {
			if (pid == program) {
				status = its;
				ended = true;
			}
		}
	}
	kill_all(program, &status, &ended);
	struct ey_error *lost = ey_write_all(answer, &status, sizeof(status));
	_exit(lost ? 1 : 0);
}

struct stream {
	int fd;
	struct ey_buf *buf;
	size_t max;
};

// What is there to read; false when the stream has ended.
static bool take(struct stream *s, bool *too_much)
{
	enum { CHUNK = 1 << 16 };

	if (!ey_buf_reserve(s->buf, CHUNK)) {
		*too_much = true;
		return false;
	}
	ssize_t n = read(s->fd, s->buf->data + s->buf->len, CHUNK);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	s->buf->len += (size_t)n;
	s->buf->data[s->buf->len] = '\0';
	if (s->buf->len > s->max) {
		s->buf->len = s->max;
		s->buf->data[s->max] = '\0';
		*too_much = true;
	}
	return n > 0;
}

// Read all streams until all have ended; tell the keeper when it is enough.
static struct ey_error *collect(struct stream *streams, size_t count, pid_t keeper,
				const struct supervise_options *o, struct supervise_result *ret)
{
	int64_t deadline = now_ms() + (int64_t)o->timeout_seconds * 1000;
	bool stopped = false, too_much = false;
	size_t open_count = count;

	while (open_count) {
		struct pollfd fds[4];
		int64_t left = deadline - now_ms();

		if (!stopped && (left <= 0 || too_much)) {
			ret->end = too_much ? SUPERVISE_TOO_MUCH : SUPERVISE_TIMED_OUT;
			stopped = true;
			kill(keeper, SIGTERM);
			deadline = now_ms() + (int64_t)KILL_SECONDS * 2000;
			continue;
		}
		// Something holds a pipe open that even SIGKILL does not end (a dead NFS server).
		if (stopped && left <= 0)
			return NULL;
		for (size_t i = 0; i < count; i++)
			fds[i] = (struct pollfd){.fd = streams[i].fd, .events = POLLIN};
		int n = poll(fds, count, (int)EY_MIN(left, (int64_t)60000));
		if (n < 0 && errno != EINTR)
			return ey_error_errno(EY_ERR_IO, errno, "cannot wait for the program");
		for (size_t i = 0; n > 0 && i < count; i++) {
			if (!fds[i].revents || take(&streams[i], &too_much))
				continue;
			close(streams[i].fd);
			streams[i].fd = -1;
			open_count--;
		}
	}
	return NULL;
}

static struct ey_error *conclude(const struct supervise_options *o, const struct ey_buf *report,
				 const struct ey_buf *answer, struct supervise_result *ret)
{
	int status;

	if (report->len)
		return ey_error_create(EY_ERR_IO, "cannot run %s: %s", o->argv[0],
				       ey_buf_str(report));
	if (ret->end == SUPERVISE_TIMED_OUT || ret->end == SUPERVISE_TOO_MUCH)
		return NULL;
	if (answer->len != sizeof(status))
		return ey_error_create(EY_ERR_IO, "%s: whoever kept it was killed", o->argv[0]);
	memcpy(&status, answer->data, sizeof(status));
	ret->end = WIFSIGNALED(status) ? SUPERVISE_SIGNALLED : SUPERVISE_EXITED;
	ret->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	return NULL;
}

static void close_pipes(int pipes[4][2], int end)
{
	for (size_t i = 0; i < 4; i++) {
		if (pipes[i][end] >= 0)
			close(pipes[i][end]);
		pipes[i][end] = -1;
	}
}

struct ey_error *supervise_run(const struct supervise_options *o, struct supervise_result *ret)
{
	// Standard output and error, why it could not start, how it ended.
	int pipes[4][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	_cleanup_buf_ struct ey_buf report = EY_BUF_INIT, answer = EY_BUF_INIT;
	pid_t parent = getpid();

	*ret = (struct supervise_result){.end = SUPERVISE_EXITED};
	for (size_t i = 0; i < 4; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0) {
			struct ey_error *err =
				ey_error_errno(EY_ERR_IO, errno, "cannot make a pipe");
			close_pipes(pipes, 0);
			close_pipes(pipes, 1);
			return err;
		}
	}
	pid_t keeper = fork();
	if (!keeper) {
		close_pipes(pipes, 0);
		keep(o, pipes[0][1], pipes[1][1], pipes[2][1], pipes[3][1], parent);
	}
	struct ey_error *err =
		keeper < 0 ? ey_error_errno(EY_ERR_IO, errno, "cannot start a process") : NULL;
	close_pipes(pipes, 1);
	struct stream streams[] = {
		{pipes[0][0], &ret->out, o->max_output},
		{pipes[1][0], &ret->err, o->max_output},
		{pipes[2][0], &report, 4096},
		{pipes[3][0], &answer, sizeof(int)},
	};
	if (!err)
		err = collect(streams, EY_ARRAY_SIZE(streams), keeper, o, ret);
	for (size_t i = 0; i < 4; i++)
		pipes[i][0] = streams[i].fd;
	close_pipes(pipes, 0);
	if (keeper > 0) {
		int ignored;

		// It has answered, or it never will.
		kill(keeper, answer.len ? SIGTERM : SIGKILL);
		while (waitpid(keeper, &ignored, 0) < 0 && errno == EINTR) {
		}
	}
	if (!err)
		err = conclude(o, &report, &answer, ret);
	if (err)
		supervise_result_deinit(ret);
	return err;
}
