/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/machine.h"

#include <string.h>

#include "base/cleanup.h"

static const struct machine *const machines[] = {&machine_x86_64};

const struct machine *machine_by_name(const char *name)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(machines); i++) {
		if (!strcmp(machines[i]->name, name))
			return machines[i];
	}
	return NULL;
}

const struct machine *machine_by_elf(uint16_t elf_machine)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(machines); i++) {
		if (machines[i]->elf_machine == elf_machine)
			return machines[i];
	}
	return NULL;
}

const struct machine *machine_default(void)
{
	return machines[0];
}
