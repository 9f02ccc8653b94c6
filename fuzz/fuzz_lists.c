/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks, modules and what the machine says of itself: the input is memory, in which the structures
 * stand at fixed places and point wherever they like.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fake_lists.h"
#include "vmcore/module.h"
#include "vmcore/system.h"
#include "vmcore/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_dump f;
	struct task_list tasks;
	struct system_info info;
	struct symbol symbol;

	fake_dump_init(&f, 4);
	fake_dump_put(&f, FAKE_LISTS, data, EY_MIN(size, (size_t)1 << 16));
	struct kernel *k = fake_lists_open(&f, (size & 1) == 0);
	_cleanup_error_ struct ey_error *modules_err = modules_load(k);
	for (size_t i = 0; i < k->module_count && i < 16; i++) {
		struct module *m = &k->modules[i];

		module_find_symbol(k, m, m->text_base + 0x10, &symbol);
		if (module_of_text(k, m->text_base) &&
		    module_find_symbol(k, m, m->text_base + m->text_size / 2, &symbol) &&
		    !memchr(symbol.name, 0, sizeof(symbol.name)))
			abort();
	}
	system_read(k, &info);
	_cleanup_error_ struct ey_error *tasks_err = task_list_read(k, &tasks);
	for (size_t i = 0; i < tasks.count; i++) {
		for (size_t j = i + 1; j < tasks.count && j < i + 64; j++) {
			if (tasks.tasks[i].address == tasks.tasks[j].address)
				abort();
		}
	}
	task_list_deinit(&tasks);
	fake_kernel_close(k);
	return 0;
}
