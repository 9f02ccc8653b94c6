// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kernel/printk/printk.c before 5.10 (commit 896fbe20b4e2): log_buf holds records, each a struct
 * printk_log, its text, its dictionary and padding. The next record is `len` bytes further; a
 * length of 0 says that the next one is at the start of the buffer (log_next()). log_first_idx is
 * the oldest record, log_next_idx where the next one will be.
 */
#include "vmcore/printk_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/vmcoreinfo.h"

enum {
	// log_buf_len= may ask for more than CONFIG_LOG_BUF_SHIFT, which is at most 25.
	MAX_LOG = 1 << 28,
	MAX_HEADER = 256,
};

struct old_log {
	uint64_t ts, len, text_len, header_size;
	uint32_t first, next;
	struct range text;
};

bool printk_log_is_there(struct kernel *k)
{
	uint64_t at;

	return vmcoreinfo_symbol(k->dump.vmcoreinfo, "log_buf", &at) &&
	       vmcoreinfo_symbol(k->dump.vmcoreinfo, "log_first_idx", &at);
}

static struct ey_error *open_log(struct kernel *k, struct old_log *l)
{
	const char *info = k->dump.vmcoreinfo;
	uint64_t buf, buf_len, first, next, at;
	uint32_t size;

	if (!vmcoreinfo_symbol(info, "log_buf", &buf) ||
	    !vmcoreinfo_symbol(info, "log_buf_len", &buf_len) ||
	    !vmcoreinfo_symbol(info, "log_first_idx", &first) ||
	    !vmcoreinfo_symbol(info, "log_next_idx", &next) ||
	    !vmcoreinfo_size(info, "printk_log", &l->header_size) ||
	    !vmcoreinfo_offset(info, "printk_log.ts_nsec", &l->ts) ||
	    !vmcoreinfo_offset(info, "printk_log.len", &l->len) ||
	    !vmcoreinfo_offset(info, "printk_log.text_len", &l->text_len) ||
	    l->header_size > MAX_HEADER || l->header_size < 8 || l->ts > l->header_size - 8 ||
	    l->len > l->header_size - 2 || l->text_len > l->header_size - 2)
		return ey_error_create(
			EY_ERR_INPUT, "VMCOREINFO does not describe the log buffer, or is damaged");
	if (!memory_u64(&k->memory, buf, &at) || !memory_u32(&k->memory, buf_len, &size) ||
	    !memory_u32(&k->memory, first, &l->first) || !memory_u32(&k->memory, next, &l->next))
		return ey_error_create(EY_ERR_FAULT, "the log buffer is not in the dump");
	if (!size || size > MAX_LOG || l->first >= size || l->next > size)
		return ey_error_create(EY_ERR_INPUT, "the log buffer's sizes are damaged");
	return range_init(&l->text, &k->memory, at, size);
}

static uint16_t u16_at(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

struct ey_error *printk_log_read(struct kernel *k, struct ey_buf *ret)
{
	struct old_log l = {0};
	struct ey_error *err = open_log(k, &l);
	bool wrapped = false;
	uint64_t idx = l.first;

	while (!err && idx != l.next) {
		const uint8_t *header = range_get(&l.text, idx, l.header_size);
		uint16_t len = header ? u16_at(header + l.len) : 0;

		// Behind the last record that fits there is one without a length, if there is room.
		if ((header && !len) || idx + l.header_size > l.text.size) {
			if (wrapped || !l.first)
				break;
			wrapped = true;
			idx = 0;
			continue;
		}
		uint16_t text_len = header ? u16_at(header + l.text_len) : 0;
		uint64_t ts = 0;
		const char *text = header && text_len + l.header_size <= len
					   ? range_get(&l.text, idx + l.header_size, text_len)
					   : NULL;
		if (!text) {
			kernel_gap(k, "log",
				   "from byte %" PRIu64 " of the log buffer on it is damaged or "
				   "not in the dump",
				   idx);
			break;
		}
		memcpy(&ts, header + l.ts, sizeof(ts));
		printk_add_lines(ret, ts, text, text_len);
		idx += len;
		// What has come round to where it began does not end.
		if (wrapped && idx >= l.first)
			break;
	}
	range_deinit(&l.text);
	return err ? err : ey_buf_error(ret);
}
