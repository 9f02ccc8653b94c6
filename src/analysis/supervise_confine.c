/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program of others may not do: capabilities, files (Landlock), system calls (seccomp). */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analysis/supervise.h"
#include "base/cleanup.h"

enum {
	// linux/capability.h: reading files that only root may, as dumps often are.
	KEEP_CAPABILITY = 2,
	LAST_CAPABILITY = 63,
};

// Rights to change something in the file system, of Landlock's first version (5.13).
static const uint64_t write_rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
				     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
				     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

static int allow_below(int ruleset, const char *path, uint64_t rights)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr beneath = {.allowed_access = rights, .parent_fd = fd};

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath,
			    0);
}

static int restrict_files(const char *writable)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = write_rights};
	_cleanup_close_ int ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	// A kernel without Landlock: the other limits hold.
	if (ruleset < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	// crash keeps output in tmpfile(3), which is in /tmp whatever TMPDIR says.
	if (allow_below(ruleset, writable, write_rights) < 0 ||
	    allow_below(ruleset, "/tmp", write_rights) < 0 ||
	    allow_below(ruleset, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE) < 0)
		return -1;
	return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}

static int refuse_calls(void)
{
	static const int calls[] = {SCMP_SYS(socket),
				    SCMP_SYS(ptrace),
				    SCMP_SYS(process_vm_readv),
				    SCMP_SYS(mount),
				    SCMP_SYS(process_vm_writev),
				    SCMP_SYS(umount2),
				    SCMP_SYS(pivot_root),
				    SCMP_SYS(reboot),
				    SCMP_SYS(kexec_load),
				    SCMP_SYS(init_module),
				    SCMP_SYS(kexec_file_load),
				    SCMP_SYS(finit_module),
				    SCMP_SYS(bpf),
				    SCMP_SYS(delete_module),
				    SCMP_SYS(perf_event_open),
				    SCMP_SYS(keyctl),
				    SCMP_SYS(add_key),
				    SCMP_SYS(request_key),
				    SCMP_SYS(setns),
				    SCMP_SYS(unshare),
				    SCMP_SYS(userfaultfd),
				    SCMP_SYS(io_uring_setup)};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int ret = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < EY_ARRAY_SIZE(calls); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
	if (!ret)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	errno = -ret;
	return ret ? -1 : 0;
}

static int limit(int resource, uint64_t value)
{
	struct rlimit now, wanted;

	if (getrlimit(resource, &now) < 0)
		return -1;
	wanted.rlim_cur = wanted.rlim_max = EY_MIN((rlim_t)value, now.rlim_max);
	return setrlimit(resource, &wanted);
}

int supervise_confine(const struct supervise_options *o)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	// Fails for who is not root, and has none.
	for (int cap = 0; cap <= LAST_CAPABILITY; cap++) {
		if (cap != KEEP_CAPABILITY)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
	if (limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_FSIZE, o->max_file) < 0 ||
	    (o->memory && limit(RLIMIT_AS, o->memory) < 0) ||
	    // Time that it computes: twice the wall clock's, for one that has several threads.
	    limit(RLIMIT_CPU, (uint64_t)o->timeout_seconds * 2) < 0)
		return -1;
	if (o->writable && restrict_files(o->writable) < 0)
		return -1;
	return o->confined ? refuse_calls() : 0;
}
