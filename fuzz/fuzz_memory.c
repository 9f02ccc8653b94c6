/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page tables: the first piece are addresses to read, the second lines for VMCOREINFO; the rest is
 * physical memory from frame 1 on, of which the first frame is the top page table.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "fake_dump.h"
#include "pieces.h"
#include "vmcore/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct memory *m, const struct piece *addresses)
{
	for (size_t at = 0; at < addresses->len && at < 64 * 8; at += 8) {
		uint64_t address = piece_number(addresses, at);
		struct range r;
		char buf[40];

		_cleanup_error_ struct ey_error *ignored =
			memory_read(m, address, buf, sizeof(buf));
		memory_string(m, address, buf, sizeof(buf));
		_cleanup_error_ struct ey_error *err = range_init(&r, m, address, 0x2345);
		if (!err) {
			range_get(&r, 0, 0x2345);
			range_get(&r, 0x1000, 1);
		}
		range_deinit(&r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct piece addresses = next_piece(&data, &size);
	struct piece lines = next_piece(&data, &size);
	struct fake_dump f;
	struct memory m;
	struct dump d;

	fake_dump_init(&f, 4);
	ey_buf_add(&f.info, lines.data, lines.len);
	for (uint64_t pfn = 1; size && pfn < 64; pfn++) {
		size_t n = EY_MIN(size, (size_t)FAKE_PAGE);

		memcpy(fake_dump_frame(&f, pfn), data, n);
		data += n;
		size -= n;
	}
	_cleanup_error_ struct ey_error *err = dump_open(&d, fake_dump_elf_file(&f));
	if (err)
		abort();
	err = memory_init(&m, &d);
	if (!err)
		read_all(&m, &addresses);
	dump_close(&d);
	fake_dump_deinit(&f);
	return 0;
}
