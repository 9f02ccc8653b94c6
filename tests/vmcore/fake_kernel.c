// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmcore/vmcoreinfo.h"

static void must(struct ey_error *err)
{
	if (!err)
		return;
	fprintf(stderr, "fake_kernel: %s\n", err->message);
	abort();
}

struct kernel *fake_kernel_open(struct fake_dump *f)
{
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		abort();
	must(dump_open(&k->dump, fake_dump_elf_file(f)));
	must(memory_init(&k->memory, &k->dump));
	if (vmcoreinfo_find(k->dump.vmcoreinfo, "SYMBOL(kallsyms_names)")) {
		_cleanup_error_ struct ey_error *err = kallsyms_init(&k->kallsyms, &k->memory);

		if (!err) {
			kallsyms_resolve(&k->kallsyms, NULL, 0);
			k->have_kallsyms = true;
		}
	}
	fake_dump_deinit(f);
	return k;
}

void fake_kernel_close(struct kernel *k)
{
	kernel_close(k);
	free(k);
}

void fake_kernel_symbol(struct kernel *k, enum kernel_symbol symbol, uint64_t address)
{
	k->symbols[symbol].address = address;
	k->symbols[symbol].found = true;
}

void fake_kernel_member(struct kernel *k, enum kernel_member member, uint32_t offset, uint32_t size)
{
	k->members[member].state = 1;
	k->members[member].member = (struct btf_member){.bit_offset = offset * 8, .size = size};
}

void fake_kernel_bits(struct kernel *k, enum kernel_member member, uint32_t bit_offset,
		      uint32_t bit_size)
{
	k->members[member].state = 1;
	k->members[member].member =
		(struct btf_member){.bit_offset = bit_offset, .bit_size = bit_size, .size = 4};
}

void fake_kernel_cpus(struct kernel *k, unsigned int count, uint64_t stride)
{
	k->cpu_count = count;
	k->percpu_offsets = calloc(count, sizeof(*k->percpu_offsets));
	k->cpu_online = calloc(count, sizeof(*k->cpu_online));
	if (!k->percpu_offsets || !k->cpu_online)
		abort();
	for (unsigned int cpu = 0; cpu < count; cpu++) {
		k->percpu_offsets[cpu] = cpu * stride;
		k->cpu_online[cpu] = true;
	}
}

const char *fake_kernel_gap(const struct kernel *k, const char *what)
{
	for (size_t i = 0; i < k->gap_count; i++) {
		if (!strcmp(k->gaps[i].what, what))
			return k->gaps[i].why;
	}
	return NULL;
}
