/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF notes: each lies within what was given, and the walk ends. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "vmcore/notes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *info = NULL;
	struct cpu_regs regs;
	struct elf_note note;
	size_t pos = 0, before = 0;

	while (notes_next(data, size, &pos, &note)) {
		if (pos <= before || pos > size || note.desc < data ||
		    note.desc + note.desc_len > data + size ||
		    (const uint8_t *)note.name + note.name_len > data + size)
			abort();
		before = pos;
	}
	for (size_t i = 0; i < 4; i++)
		notes_cpu_regs(data, size, i, &regs);
	_cleanup_error_ struct ey_error *err = notes_find_vmcoreinfo(data, size, &info);
	return 0;
}
