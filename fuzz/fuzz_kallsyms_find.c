/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kallsyms found by its form: the input is the kernel's image from _stext on, in which VMCOREINFO
 * names nothing. Whatever it holds, the search ends, and a name that is given out is a string.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "fake_tables.h"
#include "pieces.h"
#include "vmcore/kallsyms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { MAX_IMAGE = 1 << 20 };
	struct wanted_symbol wanted = {.name = "schedule"};
	struct symbol symbol;
	struct fake_dump f;
	struct memory m;
	struct dump d;
	struct kallsyms k;

	fake_dump_init(&f, 4);
	fake_dump_symbol(&f, "_stext", FAKE_IMAGE);
	fake_dump_put(&f, FAKE_IMAGE, data, EY_MIN(size, (size_t)MAX_IMAGE));
	_cleanup_error_ struct ey_error *err = dump_open(&d, fake_dump_elf_file(&f));
	if (!err)
		err = memory_init(&m, &d);
	if (err)
		abort();
	err = kallsyms_init(&k, &m);
	if (!err) {
		kallsyms_resolve(&k, &wanted, 1);
		for (uint64_t i = 0; i < 64; i++) {
			if (kallsyms_find_address(&k, FAKE_IMAGE + i * 0x40, &symbol) &&
			    !memchr(symbol.name, 0, sizeof(symbol.name)))
				abort();
		}
	}
	kallsyms_deinit(&k);
	dump_close(&d);
	fake_dump_deinit(&f);
	return 0;
}
