// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * many_tasks PROCESSES THREADS: make processes with so many threads each (the first one counts),
 * which sleep for good, and say so. For guests with as many tasks as a large machine has.
 *
 * A thread costs the kernel's 16 kB stack and its task_struct, nothing else: it sleeps without ever
 * touching a stack of its own, so all share one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static long make_thread(void)
{
	register long result __asm__("rax") = SYS_clone;
	register long flags __asm__("rdi") =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	register long stack __asm__("rsi") = 0;
	register long no_parent __asm__("rdx") = 0;
	register long no_child __asm__("r10") = 0;
	register long no_tls __asm__("r8") = 0;

	// The child goes to sleep before anything of C's can touch the stack.
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 2f\n"
			 "1:\tmov %[pause], %%eax\n\t"
			 "syscall\n\t"
			 "jmp 1b\n"
			 "2:"
			 : "+r"(result)
			 : "r"(flags), "r"(stack), "r"(no_parent), "r"(no_child),
			   "r"(no_tls), [pause] "i"(SYS_pause)
			 : "rcx", "r11", "memory");
	return result;
}

static void fail(const char *what, long error)
{
	printf("many_tasks: %s: %s\n", what, strerror((int)error));
	exit(1);
}

int main(int argc, char **argv)
{
	int processes = argc == 3 ? atoi(argv[1]) : 0, threads = argc == 3 ? atoi(argv[2]) : 0;
	int ready[2];
	char byte;

	if (processes < 1 || threads < 1) {
		printf("usage: many_tasks PROCESSES THREADS\n");
		return 1;
	}
	if (pipe(ready))
		fail("pipe", errno);
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork", errno);
		if (pid)
			continue;
		char name[16];

		snprintf(name, sizeof(name), "worker-%d", i % 1000000);
		prctl(PR_SET_NAME, name);
		for (int n = 1; n < threads; n++) {
			long made = make_thread();

			if (made < 0)
				fail("clone", -made);
		}
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	for (int i = 0; i < processes; i++) {
		if (read(ready[0], &byte, 1) != 1)
			fail("read", errno);
	}
	printf("many_tasks: %d processes of %d threads sleep\n", processes, threads);
	return 0;
}
