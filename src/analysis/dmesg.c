/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/dmesg.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oops/line.h"
#include "oops/parser.h"

enum {
	// log_buf_len= goes to 2 GiB, which no log of a crash comes near.
	MAX_LOG = 64 << 20,
	LOOK = 4096,
	CHUNK = 1 << 16,
};

static struct ey_error *read_some(int fd, void *buf, size_t len, uint64_t at, size_t *ret)
{
	ssize_t n;

	do {
		n = pread(fd, buf, len, (off_t)at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot read the log");
	*ret = (size_t)n;
	return NULL;
}

bool dmesg_is_text(int fd)
{
	uint8_t head[LOOK];
	size_t len = 0, odd = 0;
	_cleanup_error_ struct ey_error *err = read_some(fd, head, sizeof(head), 0, &len);

	if (err || !len || memchr(head, '\0', len))
		return false;
	for (size_t i = 0; i < len; i++)
		odd += head[i] < 0x20 && !strchr("\t\n\r\f\033", head[i]);
	// A console's noise is no reason to refuse the rest.
	return odd <= len / 50;
}

static struct ey_error *read_log(int fd, struct ey_buf *ret, bool *cut_ret)
{
	size_t n = 0;

	do {
		if (!ey_buf_reserve(ret, CHUNK))
			return &ey_error_nomem;
		struct ey_error *err = read_some(fd, ret->data + ret->len, CHUNK, ret->len, &n);
		if (err)
			return err;
		ret->len += n;
	} while (n && ret->len < MAX_LOG);
	*cut_ret = n > 0;
	// Of a log that stopped in the middle of a write, the rest is zeros.
	for (size_t i = 0; i < ret->len; i++) {
		if (!ret->data[i])
			ret->data[i] = ' ';
	}
	ret->data[ret->len] = '\0';
	return NULL;
}

// Whether a line has what printk puts before it.
static bool has_kernel_line(const char *log, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *end = memchr(log + at, '\n', len - at);
		size_t n = end ? (size_t)(end - log) - at : len - at;
		struct oops_line line;

		oops_line_strip(log + at, n, &line);
		if (line.time >= 0)
			return true;
		at += n + 1;
	}
	return false;
}

static void add_gaps(struct kernel *k, const struct system_info *s)
{
	kernel_gap(k, "dump", "there is no dump, only the kernel's log");
	kernel_gap(k, "stacks", "a log has only those that the kernel printed");
	kernel_gap(k, "tasks", "a log does not list them");
	kernel_gap(k, "modules", "a log does not say where they lie");
	if (s->crash_time >= 0)
		kernel_gap(k, "crash_time",
			   "from what the log says of the clock at boot, and the time of its last "
			   "line: some seconds off");
	else
		kernel_gap(k, "crash_time", "the log does not tell of the clock");
	if (!s->hostname[0])
		kernel_gap(k, "hostname", "the log does not tell it");
}

struct ey_error *dmesg_collect(struct facts *f, struct kernel *k, int fd, const char *name)
{
	bool cut = false;

	*k = (struct kernel){.dump = {.format = DUMP_NONE, .dump_level = -1, .source.fd = -1}};
	k->dump.incomplete = true;
	*f = (struct facts){.kernel = k, .dump_name = name};
	struct ey_error *err = read_log(fd, &f->log, &cut);
	if (!err)
		err = oops_parse_text(ey_buf_str(&f->log), f->log.len, &f->events, &f->event_count);
	if (err)
		return err;
	if (!f->event_count && !has_kernel_line(f->log.data, f->log.len))
		return ey_error_create(
			EY_ERR_INPUT,
			"not a kernel dump but a text in which no line is of a kernel's log");
	f->event = oops_pick_fatal(f->events, f->event_count);
	if (cut)
		kernel_gap(k, "log", "longer than %d MiB: the rest is not read", MAX_LOG >> 20);
	dmesg_read_system(f->log.data, f->log.len, f->event ? f->event->last_line : 0, &f->system);
	add_gaps(k, &f->system);
	if (!f->event)
		kernel_gap(k, "event", "the log tells of no crash");
	return NULL;
}
