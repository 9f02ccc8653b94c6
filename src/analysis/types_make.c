// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BTF is what the kernel's own build makes of its DWARF with pahole; where a vmlinux was built
 * without, the same program makes it afterwards.
 */
#include "analysis/types_make.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/supervise.h"
#include "analysis/vmlinux.h"
#include "base/cleanup.h"
#include "base/file.h"

enum {
	// pahole takes half a minute and 1 to 2 GB for a distribution's kernel.
	PAHOLE_SECONDS = 1800,
	MAX_BTF = 256 << 20,
};

// A section's bytes, or nothing where it has none.
static struct ey_error *copy_section(const char *vmlinux, const char *path, bool *copied_ret)
{
	_cleanup_free_ void *data = NULL;
	size_t len;
	struct ey_error *err = vmlinux_read_section(vmlinux, ".BTF", MAX_BTF, &data, &len);

	*copied_ret = !err && len;
	if (err || !len)
		return err;
	return ey_file_write_whole(path, 0644, data, len);
}

static struct ey_error *run_pahole(const char *pahole, const char *vmlinux, const char *folder,
				   const char *path)
{
	_cleanup_free_ char *file = realpath(vmlinux, NULL);
	_cleanup_free_ char *dir = realpath(folder, NULL);
	_cleanup_buf_ struct ey_buf part = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf option = EY_BUF_INIT;
	_cleanup_supervise_ struct supervise_result r = {0};

	if (!file || !dir)
		return ey_error_errno(EY_ERR_IO, errno, "cannot find %s", file ? folder : vmlinux);
	ey_buf_printf(&part, "%s/.types.%d.part", dir, (int)getpid());
	ey_buf_printf(&option, "--btf_encode_detached=%s", ey_buf_str(&part));
	const char *argv[] = {pahole, ey_buf_str(&option), file, NULL};
	const char *env[] = {"LC_ALL=C", NULL};
	const struct supervise_options o = {
		.argv = argv,
		.env = env,
		.cwd = "/",
		.timeout_seconds = PAHOLE_SECONDS,
		.max_output = 64 << 10,
		.max_file = MAX_BTF,
		.writable = dir,
		.confined = true,
	};
	struct ey_error *err = supervise_run(&o, &r);
	struct stat st;
	if (!err &&
	    (r.end != SUPERVISE_EXITED || r.status || stat(part.data, &st) < 0 || !st.st_size))
		err = ey_error_create(EY_ERR_INPUT, "pahole made no types of %s: %.300s", vmlinux,
				      r.end == SUPERVISE_TIMED_OUT ? "it took too long"
				      : r.err.len		   ? r.err.data
								   : "it says nothing");
	if (!err && (chmod(part.data, 0644) < 0 || rename(part.data, path) < 0))
		err = ey_error_errno(EY_ERR_IO, errno, "cannot write %s", path);
	if (err)
		unlink(part.data);
	return err;
}

struct ey_error *types_make(const char *vmlinux, const char *folder, struct types_made *ret)
{
	char build_id[VMLINUX_BUILD_ID_SIZE];
	bool debuginfo, copied;
	struct stat st;

	*ret = (struct types_made){0};
	struct ey_error *err = vmlinux_read_build_id(vmlinux, build_id, &debuginfo);
	if (err)
		return err;
	if (!build_id[0])
		return ey_error_create(EY_ERR_INPUT,
				       "%s has no build id, by which the types would be found",
				       vmlinux);
	err = ey_mkdir_parents(folder, 0755);
	if (err)
		return err;
	_cleanup_free_ char *path = NULL;
	if (asprintf(&path, "%s/%s.btf", folder, build_id) < 0)
		return &ey_error_nomem;
	err = copy_section(vmlinux, path, &copied);
	if (err)
		return err;
	if (!copied && !debuginfo)
		return ey_error_create(EY_ERR_INPUT,
				       "%s has neither BTF nor DWARF: take the vmlinux of the "
				       "kernel's debuginfo package",
				       vmlinux);
	if (!copied) {
		_cleanup_free_ char *pahole = supervise_find_program("pahole");

		if (!pahole)
			return ey_error_create(EY_ERR_IO,
					       "there is no pahole, which makes types of DWARF "
					       "(package pahole or dwarves)");
		err = run_pahole(pahole, vmlinux, folder, path);
		if (err)
			return err;
	}
	if (stat(path, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot find %s", path);
	ret->bytes = (uint64_t)st.st_size;
	ret->from_dwarf = !copied;
	ret->path = path;
	path = NULL;
	return NULL;
}
