/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__

static bool is_step(const struct user_regs_struct *regs, enum tracer_action action)
{
	switch (regs->orig_rax) {
	case SYS_openat:
		return regs->rdx & O_CREAT;
	case SYS_open:
		return regs->rsi & O_CREAT;
	case SYS_write:
	case SYS_pwrite64:
	case SYS_ftruncate:
	case SYS_mkdir:
	case SYS_mkdirat:
	case SYS_rename:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_linkat:
	case SYS_unlink:
	case SYS_unlinkat:
	case SYS_rmdir:
	case SYS_fsync:
	case SYS_utimensat:
	case SYS_sendto:
	case SYS_sendmsg:
		return true;
	case SYS_close:
		return action == TRACER_FAIL;
	default:
		return false;
	}
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : TRACER_KILLED;
}

// Let the child go on to the next entry or exit of a system call, passing on its signals.
// False: it ended, and status says how.
static bool next_stop(pid_t pid, int *status)
{
	int sig = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)sig) < 0 ||
		    waitpid(pid, status, 0) != pid || !WIFSTOPPED(*status))
			return false;
		if (WSTOPSIG(*status) == (SIGTRAP | 0x80))
			return true;
		sig = WSTOPSIG(*status) == SIGTRAP ? 0 : WSTOPSIG(*status);
	}
}

static void fail_call(pid_t pid, struct user_regs_struct *regs, int errnum, int *status)
{
	regs->orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, pid, NULL, regs);
	if (!next_stop(pid, status))
		return;
	ptrace(PTRACE_GETREGS, pid, NULL, regs);
	regs->rax = (unsigned long long)-errnum;
	ptrace(PTRACE_SETREGS, pid, NULL, regs);
}

int tracer_run(int (*fn)(void *arg), void *arg, bool execs, enum tracer_action action, int n,
	       int errnum, bool *reached_ret)
{
	pid_t pid = fork();
	int status, count = 0;
	bool counting = !execs;

	*reached_ret = false;
	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(126);
		raise(SIGSTOP);
		_exit(fn(arg));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return TRACER_UNABLE;
	ptrace(PTRACE_SETOPTIONS, pid, NULL,
	       (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	while (next_stop(pid, &status)) {
		struct user_regs_struct regs;

		ptrace(PTRACE_GETREGS, pid, NULL, &regs);
		counting |= regs.orig_rax == SYS_execve;
		if (counting && is_step(&regs, action) && ++count == n) {
			*reached_ret = true;
			if (action == TRACER_KILL) {
				kill(pid, SIGKILL);
				waitpid(pid, &status, 0);
				return TRACER_KILLED;
			}
			fail_call(pid, &regs, errnum, &status);
			ptrace(PTRACE_DETACH, pid, NULL, NULL);
			waitpid(pid, &status, 0);
			return exit_code(status);
		}
		// Its exit.
		if (!next_stop(pid, &status))
			break;
	}
	return exit_code(status);
}

#else

int tracer_run(int (*fn)(void *arg), void *arg, bool execs, enum tracer_action action, int n,
	       int errnum, bool *reached_ret)
{
	*reached_ret = false;
	return TRACER_UNABLE;
}

#endif
