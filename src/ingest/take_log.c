/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/dmesg.h"
#include "base/cleanup.h"
#include "ingest/take_text.h"

enum {
	// A slow dump of terabytes over a network, and who analyses it, are done by then.
	SETTLE_SECONDS = 3600,
};

static bool is_log_name(const char *name)
{
	static const char stamped[] = "dmesg.";

	if (!strcmp(name, STORE_DMESG) || !strcmp(name, "vmcore-dmesg.txt"))
		return true;
	if (strncmp(name, stamped, sizeof(stamped) - 1) != 0)
		return false;
	name += sizeof(stamped) - 1;
	return *name && name[strspn(name, "0123456789")] == '\0';
}

// The first log by name, and the latest change of any file of the folder.
static struct ey_error *find_log(const struct store_entry *entry, struct store_file_info *ret,
				 bool *found_ret, int64_t *changed_ret)
{
	_cleanup_store_files_ struct store_files files = {0};
	struct ey_error *err = store_entry_list(entry, &files);

	*found_ret = false;
	*changed_ret = INT64_MIN;
	for (size_t i = 0; !err && i < files.count; i++) {
		const struct store_file_info *f = &files.files[i];

		*changed_ret = EY_MAX(*changed_ret, f->mtime);
		if (!is_log_name(f->name) || (*found_ret && strcmp(f->name, ret->name) > 0))
			continue;
		*ret = *f;
		*found_ret = true;
	}
	return err;
}

// The readers of logs take a file.
static struct ey_error *as_file(const char *text, size_t len, int *ret)
{
	_cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);

	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot make a file in memory");
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, text + at, len - at);

		if (n < 0 && errno != EINTR)
			return ey_error_errno(EY_ERR_IO, errno, "cannot write to memory");
		at += n > 0 ? (size_t)n : 0;
	}
	*ret = no_cleanup_fd(fd);
	return NULL;
}

static struct ey_error *write_both(const struct facts *facts, struct take_text *ret)
{
	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT, text = EY_BUF_INIT;

	facts_write_record(facts, &record);
	facts_write_text(facts, &text);
	ret->record = ey_buf_steal(&record, &ret->record_len);
	ret->text = ey_buf_steal(&text, &ret->text_len);
	return ret->record && ret->text ? NULL : &ey_error_nomem;
}

// What the log @p text tells; @p ret stays empty where it is not of a crash.
static struct ey_error *analyse(const char *text, size_t len, const char *name,
				struct take_text *ret)
{
	_cleanup_free_ struct kernel *k = calloc(1, sizeof(*k));
	_cleanup_close_ int fd = -1;
	struct facts facts = {0};

	if (!k)
		return &ey_error_nomem;
	struct ey_error *err = as_file(text, len, &fd);
	if (err)
		return err;
	err = dmesg_collect(&facts, k, fd, name);
	if (err && err->code == EY_ERR_INPUT) {
		ey_error_destroy(err);
		err = NULL;
	} else if (!err && facts.event) {
		err = write_both(&facts, ret);
	}
	facts_deinit(&facts);
	kernel_close(k);
	return err;
}

struct ey_error *take_log_read(const struct store_entry *entry, size_t max, int64_t now,
			       struct take_text *ret)
{
	_cleanup_free_ char *text = NULL;
	struct store_file_info log;
	int64_t changed;
	size_t len;
	bool found;

	*ret = (struct take_text){0};
	struct ey_error *err = find_log(entry, &log, &found, &changed);
	if (!err && found)
		err = store_entry_read(entry, log.name, max, &text, &len);
	if (!err && found)
		err = ey_error_prefix(analyse(text, len, log.name, ret), "%s", log.name);
	if (!err && !ret->record)
		err = ey_error_create(EY_ERR_NOT_FOUND,
				      "neither %s, nor a text of the crash utility, nor a kernel "
				      "log that tells of a crash is there",
				      STORE_RECORD);
	if (!err && changed > now - SETTLE_SECONDS && changed <= now)
		err = ey_error_create(EY_ERR_IO,
				      "there is only %s, and the folder was changed within the "
				      "last hour: a dump or an analysis may still come",
				      log.name);
	if (err)
		take_text_deinit(ret);
	return err;
}
