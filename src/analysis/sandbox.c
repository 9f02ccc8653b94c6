/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"

// Sanitizers reserve terabytes of address space and write their reports themselves.
#if defined(__SANITIZE_ADDRESS__)
#define HAVE_SANITIZER 1
#else
#define HAVE_SANITIZER 0
#endif

/** What comes first through the pipe. */
struct answer_header {
	/** An ey_error_code plus one, 0 for success. */
	uint32_t failed;
	uint64_t len;
};

static int set_limit(int resource, rlim_t value)
{
	struct rlimit limit = {value, value};

	return setrlimit(resource, &limit);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	return (int)syscall(SYS_capset, &header, none);
}

// Memory may be had, but none that can be executed.
static int allow_memory(scmp_filter_ctx ctx)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
	int ret = 0;

	for (size_t i = 0; !ret && i < EY_ARRAY_SIZE(calls); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return ret;
}

// The answer, and what a sanitizer has to say.
static int allow_write(scmp_filter_ctx ctx, int answer_fd)
{
	const int fds[] = {answer_fd, STDERR_FILENO};
	int ret = 0;

	for (size_t i = 0; !ret && i < EY_ARRAY_SIZE(fds); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fds[i]));
	return ret;
}

// What a compressed dump is decompressed to.
static int allow_file(scmp_filter_ctx ctx, int fd)
{
	static const int calls[] = {SCMP_SYS(pwrite64), SCMP_SYS(ftruncate), SCMP_SYS(fstatfs)};
	int ret = 0;

	for (size_t i = 0; fd && !ret && i < EY_ARRAY_SIZE(calls); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd));
	return ret;
}

// Read, compute, write the answer: nothing else. Opening files fails instead of killing, since the
// C library looks for time zones and the like by itself.
static int install_filter(int answer_fd, int file_fd)
{
	static const int allowed[] = {
		SCMP_SYS(read),	     SCMP_SYS(pread64),	      SCMP_SYS(lseek),
		SCMP_SYS(munmap),    SCMP_SYS(mremap),	      SCMP_SYS(brk),
		SCMP_SYS(madvise),   SCMP_SYS(fstat),	      SCMP_SYS(newfstatat),
		SCMP_SYS(futex),     SCMP_SYS(clock_gettime), SCMP_SYS(exit_group),
		SCMP_SYS(exit),	     SCMP_SYS(rt_sigreturn),  SCMP_SYS(sigaltstack),
		SCMP_SYS(close),     SCMP_SYS(sysinfo),	      SCMP_SYS(restart_syscall),
		SCMP_SYS(getrandom), SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask),
		SCMP_SYS(gettid),    SCMP_SYS(getpid),	      SCMP_SYS(sched_yield),
	};
	static const int refused[] = {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(readlink),
				      SCMP_SYS(access)};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int ret = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < EY_ARRAY_SIZE(allowed); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !ret && i < EY_ARRAY_SIZE(refused); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (!ret)
		ret = allow_memory(ctx);
	if (!ret)
		ret = allow_write(ctx, answer_fd);
	if (!ret)
		ret = allow_file(ctx, file_fd);
	if (!ret)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	return ret;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

// What else the caller has open (a database, connections) is none of the child's business.
static int close_others(int answer_fd, const struct sandbox_limits *limits)
{
	int keep[SANDBOX_MAX_FDS + 4] = {STDERR_FILENO, answer_fd, limits->input_fd,
					 limits->file_fd};
	size_t count = 4;

	for (size_t i = 0; i < EY_MIN(limits->more_count, (size_t)SANDBOX_MAX_FDS); i++)
		keep[count++] = limits->more_fds[i];
	qsort(keep, count, sizeof(*keep), by_number);
	for (size_t i = 0; i < count; i++) {
		unsigned int first = (unsigned int)keep[i] + 1;
		unsigned int last = i + 1 < count ? (unsigned int)keep[i + 1] - 1 : ~0U;

		// Standard input and output stay: opened in between, another file would take their
		// place.
		if (first <= STDERR_FILENO || first > last)
			continue;
		if (close_range(first, last, 0) < 0)
			return -1;
	}
	return 0;
}

static struct ey_error *lock_down(const struct sandbox_limits *limits, int answer_fd, pid_t parent)
{
	if (close_others(answer_fd, limits) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    getppid() != parent || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0 || set_limit(RLIMIT_CPU, limits->timeout_seconds) < 0 ||
	    set_limit(RLIMIT_CORE, 0) < 0 ||
	    set_limit(RLIMIT_FSIZE, limits->file_fd ? limits->file_size : 0) < 0 ||
	    set_limit(RLIMIT_NPROC, 0) < 0 ||
	    (!HAVE_SANITIZER && set_limit(RLIMIT_AS, limits->memory) < 0) ||
	    drop_capabilities() < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot lock the analysis down");
	int ret = install_filter(answer_fd, limits->file_fd);
	if (ret < 0)
		return ey_error_errno(EY_ERR_IO, -ret,
				      "cannot lock the analysis down with seccomp");
	return NULL;
}

static void run_child(int fd, pid_t parent, sandbox_fn fn, void *arg,
		      const struct sandbox_limits *limits)
{
	struct ey_buf out = EY_BUF_INIT;
	struct ey_error *err = lock_down(limits, fd, parent);

	if (!err)
		err = fn(arg, &out);
	if (!err)
		err = ey_buf_error(&out);
	struct answer_header header = {.failed = err ? (uint32_t)err->code + 1 : 0,
				       .len = err ? strlen(err->message) : out.len};
	// Where the parent has gone there is nobody to tell.
	struct ey_error *lost = ey_write_all(fd, &header, sizeof(header));
	if (!lost)
		lost = ey_write_all(fd, err ? err->message : out.data, header.len);
	_exit(lost ? 1 : 0);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/** Read all that the child writes; EY_ERR_INPUT when it takes too long or says too much. */
static struct ey_error *collect(int fd, const struct sandbox_limits *limits, struct ey_buf *ret)
{
	int64_t deadline = now_ms() + (int64_t)limits->timeout_seconds * 1000;

	for (;;) {
		int64_t left = deadline - now_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = left > 0 ? poll(&p, 1, (int)EY_MIN(left, (int64_t)60000)) : 0;

		if (ready < 0 && errno != EINTR)
			return ey_error_errno(EY_ERR_IO, errno, "cannot wait for the analysis");
		if (left <= 0)
			return ey_error_create(EY_ERR_INPUT,
					       "the analysis took longer than %u seconds and was "
					       "stopped",
					       limits->timeout_seconds);
		if (ready <= 0)
			continue;
		enum { CHUNK = 1 << 18 };
		if (!ey_buf_reserve(ret, CHUNK))
			return &ey_error_nomem;
		ssize_t n = read(fd, ret->data + ret->len, CHUNK);
		if (n < 0 && errno != EINTR)
			return ey_error_errno(EY_ERR_IO, errno, "cannot read from the analysis");
		if (!n)
			return NULL;
		if (n > 0)
			ret->len += (size_t)n;
		if (ret->len > limits->output)
			return ey_error_create(
				EY_ERR_INPUT,
				"the analysis wrote more than %zu bytes and was stopped",
				limits->output);
	}
}

static struct ey_error *explain_death(int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	switch (sig) {
	case SIGXCPU:
	case SIGKILL:
		return ey_error_create(
			EY_ERR_INPUT,
			"the analysis used too much CPU time or memory and was stopped");
	case SIGSYS:
		return ey_error_create(EY_ERR_INPUT,
				       "the analysis tried what it is not allowed to do and was "
				       "stopped: the dump may be hostile");
	case 0:
		return ey_error_create(EY_ERR_INPUT, "the analysis ended without an answer");
	default:
		return ey_error_create(
			EY_ERR_INPUT,
			"the analysis died of signal %d (%s) while reading the dump: "
			"the dump is damaged in a way that is not known yet",
			sig, strsignal(sig));
	}
}

struct ey_error *sandbox_run(sandbox_fn fn, void *arg, const struct sandbox_limits *limits,
			     struct ey_buf *ret)
{
	int fds[2];
	pid_t parent = getpid();
	struct answer_header header;
	int status = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot make a pipe");
	_cleanup_close_ int read_end = fds[0];
	pid_t pid = fork();
	if (pid < 0) {
		close(fds[1]);
		return ey_error_errno(EY_ERR_IO, errno, "cannot start a process for the analysis");
	}
	if (!pid) {
		close(fds[0]);
		run_child(fds[1], parent, fn, arg, limits);
	}
	close(fds[1]);
	struct ey_error *err = collect(read_end, limits, ret);
	// The answer is complete, or there is none. One that only let go of the pipe would be
	// waited for for ever; one that is ending does not notice.
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (err)
		return err;
	if (ret->len < sizeof(header))
		return explain_death(status);
	memcpy(&header, ret->data, sizeof(header));
	if (header.len != ret->len - sizeof(header))
		return explain_death(status);
	memmove(ret->data, ret->data + sizeof(header), (size_t)header.len);
	ret->len = (size_t)header.len;
	ret->data[ret->len] = '\0';
	if (!header.failed)
		return NULL;
	// The message comes from a process that read hostile input.
	for (size_t i = 0; i < ret->len; i++) {
		if ((unsigned char)ret->data[i] < 0x20 || ret->data[i] == 0x7f)
			ret->data[i] = ' ';
	}
	return ey_error_create(header.failed - 1 <= EY_ERR_NOMEM
				       ? (enum ey_error_code)(header.failed - 1)
				       : EY_ERR_INPUT,
			       "%s", ret->data);
}
