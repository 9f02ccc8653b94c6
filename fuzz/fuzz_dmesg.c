/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text in place of a dump: what it says becomes a record and a text. */
#include <stdlib.h>
#include <unistd.h>

#include "analysis/dmesg.h"
#include "base/cleanup.h"
#include "fake_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ struct kernel *k = malloc(sizeof(*k));
	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	_cleanup_close_ int fd = fake_file(data, size);
	struct facts facts;

	if (!k)
		return 0;
	dmesg_is_text(fd);
	_cleanup_error_ struct ey_error *err = dmesg_collect(&facts, k, fd, "fuzz");
	if (!err) {
		facts_write_record(&facts, &record);
		facts_write_text(&facts, &text);
	}
	facts_deinit(&facts);
	kernel_close(k);
	return 0;
}
