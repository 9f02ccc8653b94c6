/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as the output of the crash utility: refused, or a record that the center takes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/crash_text.h"
#include "analysis/record_read.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct crash_dump no_dump;
	_cleanup_crash_text_ struct crash_text text = {0};
	_cleanup_buf_ struct ey_buf json = EY_BUF_INIT;
	_cleanup_record_ struct record record = {0};
	_cleanup_error_ struct ey_error *err = crash_text_parse((const char *)data, size, &text);

	(void)crash_text_recognize((const char *)data, size);
	if (err) {
		if (!*err->message || text.stack_count || text.task_count || text.log.len)
			abort();
		return 0;
	}
	if (text.stack_count > CRASH_STACKS_MAX || text.task_count > CRASH_TASKS_MAX ||
	    text.module_count > CRASH_MODULES_MAX || text.gap_count > CRASH_GAPS_MAX)
		abort();
	for (size_t i = 0; i < text.stack_count; i++) {
		if (!text.stacks[i].count || text.stacks[i].count > CRASH_FRAMES_MAX)
			abort();
	}
	// The log is what the lines held, and no more.
	if (text.log.len > size + 1)
		abort();
	if (text.event && (text.event < text.events ||
			   text.event >= text.events + text.event_count || !text.event->reason))
		abort();
	crash_text_write_record(&text, &no_dump, &json);
	err = record_read(json.data, json.len, &record);
	if (err)
		abort();
	return 0;
}
