/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of a split dump: what their headers say of each other, and their frames as one dump. */
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fake_dump.h"
#include "pieces.h"
#include "vmcore/dump.h"
#include "vmcore/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const int *fds, size_t count)
{
	_cleanup_free_ struct split_part *parts = calloc(count, sizeof(*parts));
	size_t known = 0;

	for (size_t i = 0; parts && i < count; i++)
		known += split_look(fds[i], &parts[known]);
	for (size_t i = 0; i + 1 < known; i++) {
		if (split_is_same_dump(&parts[i], &parts[i + 1]) !=
		    split_is_same_dump(&parts[i + 1], &parts[i]))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { MAX_PARTS = 4 };
	uint8_t page[DUMP_PAGE_SIZE];
	int fds[MAX_PARTS];
	struct dump d;
	size_t count = 0;

	do {
		struct piece p = next_piece(&data, &size);

		fds[count++] = fake_file(p.data, p.len);
	} while (size && count < MAX_PARTS);
	look(fds, count);
	_cleanup_error_ struct ey_error *err = dump_open_set(&d, fds, count);
	if (err)
		return 0;
	for (uint64_t pfn = 0; pfn < 40; pfn++) {
		_cleanup_error_ struct ey_error *ignored = dump_read_page(&d, pfn, page);
	}
	uint64_t pfn = 0;
	for (size_t n = 0; n < 100 && dump_next_page(&d, &pfn); n++)
		pfn++;
	dump_close(&d);
	return 0;
}
