/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child that reads a dump can do nothing else, and whatever becomes of it costs one analysis.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "analysis/sandbox.h"
#include "base/cleanup.h"

static const struct sandbox_limits generous = {
	.timeout_seconds = 20, .memory = 1UL << 30, .output = 16 << 20};

// Run the function; the error's message must have the text in it.
static void assert_fails(sandbox_fn fn, const struct sandbox_limits *limits, const char *text)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	_cleanup_error_ struct ey_error *err = sandbox_run(fn, NULL, limits, &out);

	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_INPUT);
	if (!strstr(err->message, text))
		fail_msg("\"%s\" has no \"%s\"", err->message, text);
	// No zombie is left.
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static struct ey_error *answer(void *arg, struct ey_buf *out)
{
	ey_buf_printf(out, "got %s", (const char *)arg);
	return NULL;
}

static void answer_comes_back(void **state)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	assert_null(sandbox_run(answer, (void *)"this", &generous, &out));
	assert_string_equal(ey_buf_str(&out), "got this");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static struct ey_error *long_answer(void *arg, struct ey_buf *out)
{
	for (int i = 0; i < 3 << 20; i++)
		ey_buf_addc(out, (char)('a' + i % 26));
	return NULL;
}

static void answer_longer_than_a_pipe_comes_back(void **state)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	assert_null(sandbox_run(long_answer, NULL, &generous, &out));
	assert_int_equal(out.len, 3 << 20);
	assert_int_equal(out.data[out.len - 1], 'a' + (out.len - 1) % 26);
}

static void answer_beyond_the_limit_is_stopped(void **state)
{
	struct sandbox_limits limits = generous;

	limits.output = 1 << 20;
	assert_fails(long_answer, &limits, "wrote more than 1048576 bytes");
}

static struct ey_error *empty_answer(void *arg, struct ey_buf *out)
{
	return NULL;
}

static void empty_answer_is_one(void **state)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	assert_null(sandbox_run(empty_answer, NULL, &generous, &out));
	assert_int_equal(out.len, 0);
}

static struct ey_error *refuse(void *arg, struct ey_buf *out)
{
	ey_buf_adds(out, "half an answer");
	return ey_error_create(EY_ERR_FAULT, "a \x1b[31mred\nsentence\x7f");
}

static void error_comes_back_with_its_code(void **state)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	_cleanup_error_ struct ey_error *err = sandbox_run(refuse, NULL, &generous, &out);

	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_FAULT);
	// What a child that read hostile input says must not drive a terminal.
	assert_string_equal(err->message, "a  [31mred sentence ");
}

static struct ey_error *loop(void *arg, struct ey_buf *out)
{
	for (volatile int i = 0;; i++) {
	}
	return NULL;
}

static void endless_loop_is_stopped(void **state)
{
	struct sandbox_limits limits = generous;
	time_t begin = time(NULL);

	limits.timeout_seconds = 1;
	assert_fails(loop, &limits, "stopped");
	assert_true(time(NULL) - begin < 10);
}

// Lets go of the pipe, so that the parent sees its end, and then waits for ever.
static struct ey_error *hide(void *arg, struct ey_buf *out)
{
	int word = 0;

	for (int fd = 0; fd < 256; fd++)
		close(fd);
	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void child_that_closes_the_pipe_and_stays_is_stopped(void **state)
{
	time_t begin = time(NULL);

	assert_fails(hide, &generous, "");
	assert_true(time(NULL) - begin < 10);
}

static struct ey_error *eat(void *arg, struct ey_buf *out)
{
	size_t got = 0;

	for (size_t i = 0; i < 1024; i++) {
		char *p = malloc(1 << 20);

		if (!p)
			break;
		memset(p, 1, 1 << 20);
		__asm__ volatile("" : : "r"(p) : "memory");
		got++;
	}
	ey_buf_printf(out, "%zu", got);
	return NULL;
}

static void memory_is_bounded(void **state)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	struct sandbox_limits limits = generous;

#ifdef __SANITIZE_ADDRESS__
	skip(); // its shadow memory is beyond any limit, so there is none
#endif
	limits.memory = 200 << 20;
	assert_null(sandbox_run(eat, NULL, &limits, &out));
	assert_in_range(strtol(ey_buf_str(&out), NULL, 10), 1, 200);
}

static struct ey_error *crash(void *arg, struct ey_buf *out)
{
	signal(SIGSEGV, SIG_DFL); // a sanitizer's handler would explain it
	volatile uintptr_t nowhere = 8;
	*(volatile int *)nowhere = 1;
	return NULL;
}

static void crash_is_told(void **state)
{
	assert_fails(crash, &generous, "died of signal 11");
}

static struct ey_error *quit(void *arg, struct ey_buf *out)
{
	_exit(0);
}

static void child_without_an_answer_is_told(void **state)
{
	assert_fails(quit, &generous, "ended without an answer");
}

// What is forbidden; each returns only if it was let through.
static struct ey_error *through(const char *what)
{
	return ey_error_create(EY_ERR_IO, "was let through: %s", what);
}

static struct ey_error *make_socket(void *arg, struct ey_buf *out)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? through("socket") : through("socket call");
}

static struct ey_error *make_child(void *arg, struct ey_buf *out)
{
	syscall(SYS_fork);
	return through("fork");
}

static struct ey_error *run_program(void *arg, struct ey_buf *out)
{
	char *argv[] = {(char *)"/bin/true", NULL};

	execve(argv[0], argv, argv + 1);
	return through("execve");
}

static struct ey_error *signal_parent(void *arg, struct ey_buf *out)
{
	kill(getppid(), SIGTERM);
	return through("kill");
}

static struct ey_error *delete_file(void *arg, struct ey_buf *out)
{
	unlink("/tmp/eyrie-test-sandbox-none");
	return through("unlink");
}

static struct ey_error *trace(void *arg, struct ey_buf *out)
{
	syscall(SYS_ptrace, 0, 0, 0, 0);
	return through("ptrace");
}

static struct ey_error *use_ioctl(void *arg, struct ey_buf *out)
{
	syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI: type into the terminal */, "x");
	return through("ioctl");
}

static struct ey_error *map_code(void *arg, struct ey_buf *out)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(code, 4096);
	return through("executable memory");
}

static void forbidden_calls_end_the_child(void **state)
{
	static const sandbox_fn calls[] = {make_socket, make_child, run_program, signal_parent,
					   delete_file, trace,	    use_ioctl,	 map_code};

	for (size_t i = 0; i < EY_ARRAY_SIZE(calls); i++)
		assert_fails(calls[i], &generous, "not allowed");
}

// The C library opens files by itself now and then: that fails and does not kill.
static struct ey_error *open_files(void *arg, struct ey_buf *out)
{
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EPERM)
		return through("open");
	if (syscall(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600) >= 0)
		return through("openat");
	return NULL;
}

static void files_cannot_be_opened(void **state)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	assert_null(sandbox_run(open_files, NULL, &generous, &out));
}

// The child has the dump and the pipe, and of what else the parent has open, nothing.
static struct ey_error *read_others(void *arg, struct ey_buf *out)
{
	const int *fds = arg;
	char c;

	if (pread(fds[0], &c, 1, 0) != 1)
		return ey_error_create(EY_ERR_IO, "the input cannot be read");
	if (pread(fds[1], &c, 1, 0) != -1 || errno != EBADF)
		return through("another of the parent's files");
	close(fds[0]);
	ey_buf_addc(out, c);
	return NULL;
}

static void child_has_only_its_input(void **state)
{
	_cleanup_close_ int first = memfd_create("first", MFD_CLOEXEC);
	_cleanup_close_ int second = memfd_create("second", MFD_CLOEXEC);

	assert_int_equal(write(first, "1", 1), 1);
	assert_int_equal(write(second, "2", 1), 1);
	for (int i = 0; i < 2; i++) {
		_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
		struct sandbox_limits limits = generous;
		int fds[2] = {i ? second : first, i ? first : second};

		limits.input_fd = fds[0];
		_cleanup_error_ struct ey_error *err = sandbox_run(read_others, fds, &limits, &out);
		if (err)
			fail_msg("%s", err->message);
		assert_string_equal(ey_buf_str(&out), i ? "2" : "1");
		// What the child closed is still open here.
		assert_true(fcntl(first, F_GETFD) >= 0 && fcntl(second, F_GETFD) >= 0);
	}
}

// Writing to the file that it reads, which the parent may have open for writing.
static struct ey_error *write_input(void *arg, struct ey_buf *out)
{
	if (write(*(int *)arg, "harm", 4) >= 0)
		return through("write to a file");
	return NULL;
}

static void input_cannot_be_written(void **state)
{
	_cleanup_close_ int fd = memfd_create("input", MFD_CLOEXEC);
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	struct sandbox_limits limits = generous;
	char got[5] = "";

	assert_int_equal(write(fd, "good", 4), 4);
	lseek(fd, 0, SEEK_SET);
	limits.input_fd = fd;
	_cleanup_error_ struct ey_error *err = sandbox_run(write_input, &fd, &limits, &out);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "not allowed"));
	assert_int_equal(pread(fd, got, 4, 0), 4);
	assert_string_equal(got, "good");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_comes_back),
		cmocka_unit_test(answer_longer_than_a_pipe_comes_back),
		cmocka_unit_test(answer_beyond_the_limit_is_stopped),
		cmocka_unit_test(empty_answer_is_one),
		cmocka_unit_test(error_comes_back_with_its_code),
		cmocka_unit_test(endless_loop_is_stopped),
		cmocka_unit_test(child_that_closes_the_pipe_and_stays_is_stopped),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(crash_is_told),
		cmocka_unit_test(child_without_an_answer_is_told),
		cmocka_unit_test(forbidden_calls_end_the_child),
		cmocka_unit_test(files_cannot_be_opened),
		cmocka_unit_test(child_has_only_its_input),
		cmocka_unit_test(input_cannot_be_written),
	};

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
