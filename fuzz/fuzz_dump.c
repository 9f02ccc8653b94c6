/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole file, of whatever format: open it, read its frames, and all that is made of them. */
#include "analysis/facts.h"
#include "base/cleanup.h"
#include "fake_dump.h"
#include "vmcore/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_frames(const uint8_t *data, size_t size)
{
	uint8_t page[DUMP_PAGE_SIZE];
	struct dump d;

	_cleanup_error_ struct ey_error *err = dump_open(&d, fake_file(data, size));
	if (err)
		return;
	for (uint64_t pfn = 0; pfn < 40; pfn++) {
		_cleanup_error_ struct ey_error *ignored = dump_read_page(&d, pfn, page);

		dump_page_may_be_zero(&d, pfn);
	}
	for (unsigned int shift = 6; shift < 64; shift++) {
		_cleanup_error_ struct ey_error *ignored = dump_read_page(&d, 1ULL << shift, page);
	}
	dump_close(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return 0;
	read_frames(data, size);
	_cleanup_error_ struct ey_error *err = kernel_open(k, fake_file(data, size));
	if (err)
		return 0;
	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	struct facts facts;
	_cleanup_error_ struct ey_error *unreadable = facts_collect(&facts, k, "fuzz", size);
	facts_write_record(&facts, &record);
	facts_write_text(&facts, &text);
	facts_deinit(&facts);
	kernel_close(k);
	return 0;
}
