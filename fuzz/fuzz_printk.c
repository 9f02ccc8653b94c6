/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log buffer: the pieces are the numbers (bits of count and size, head and tail id),
 * descriptors, infos, text.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "fake_kernel.h"
#include "fake_tables.h"
#include "pieces.h"
#include "vmcore/printk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct piece numbers = next_piece(&data, &size);
	_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;
	struct fake_dump f;

	fake_dump_init(&f, 4);
	fake_ring_describe(&f, (unsigned int)piece_number(&numbers, 0) & 0xff,
			   (unsigned int)piece_number(&numbers, 1) & 0xff,
			   piece_number(&numbers, 2), piece_number(&numbers, 10));
	for (uint64_t i = 1; i <= 3; i++) {
		struct piece p = next_piece(&data, &size);

		fake_dump_put(&f, FAKE_RING + i * 0x100000, p.data, p.len);
	}
	struct kernel *k = fake_kernel_open(&f);
	fake_kernel_symbol(k, SYM_prb, FAKE_IMAGE + 0x2000);
	_cleanup_error_ struct ey_error *err = printk_read(k, &log);
	for (size_t i = 0; i < log.len; i++) {
		unsigned char c = (unsigned char)log.data[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			abort();
	}
	fake_kernel_close(k);
	return 0;
}
