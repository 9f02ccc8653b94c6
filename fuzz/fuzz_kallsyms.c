/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kallsyms: the pieces are number of symbols and base, token index, token table, offsets, names.
 * Whatever they hold, a name that is given out is a string and an address lies where it was asked.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "fake_tables.h"
#include "pieces.h"
#include "vmcore/kallsyms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct kallsyms *k, uint64_t relative_base)
{
	struct wanted_symbol wanted[] = {{.name = "init_task"}, {.name = "schedule"},
					 {.name = "a"},		{.name = ""},
					 {.name = "_stext"},	{.name = "xyz"}};
	struct symbol symbol;

	kallsyms_resolve(k, wanted, EY_ARRAY_SIZE(wanted));
	for (uint64_t i = 0; i < 64; i++) {
		uint64_t address = relative_base + (i % 2 ? i * 0x10 : -i * 0x100);

		if (!kallsyms_find_address(k, address, &symbol))
			continue;
		if (symbol.address > address || !memchr(symbol.name, 0, sizeof(symbol.name)))
			abort();
	}
	kallsyms_find_address(k, UINT64_MAX, &symbol);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct piece numbers = next_piece(&data, &size);
	struct fake_kallsyms fake = {.count = (uint32_t)piece_number(&numbers, 0),
				     .relative_base = piece_number(&numbers, 4)};
	struct ey_buf *parts[] = {&fake.token_index, &fake.token_table, &fake.offsets, &fake.names};
	uint64_t relative_base = fake.relative_base;
	struct fake_dump f;
	struct memory m;
	struct dump d;
	struct kallsyms k;

	fake_dump_init(&f, 4);
	for (size_t i = 0; i < EY_ARRAY_SIZE(parts); i++) {
		struct piece p = next_piece(&data, &size);

		ey_buf_add(parts[i], p.data, p.len);
	}
	fake_kallsyms_put(&fake, &f);
	_cleanup_error_ struct ey_error *err = dump_open(&d, fake_dump_elf_file(&f));
	if (!err)
		err = memory_init(&m, &d);
	if (err)
		abort();
	err = kallsyms_init(&k, &m);
	if (!err)
		look(&k, relative_base);
	kallsyms_deinit(&k);
	dump_close(&d);
	fake_dump_deinit(&f);
	return 0;
}
