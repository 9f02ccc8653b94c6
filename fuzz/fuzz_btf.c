/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BTF section: look for members, sizes and enumerators in whatever it holds. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "fake_dump.h"
#include "vmcore/btf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		const char *type, *path;
	} members[] = {{"task_struct", "pid"},
		       {"task_struct", "thread.sp"},
		       {"task_struct", "tasks.next"},
		       {"list_head", "next"},
		       {"module", "mem"},
		       {"orc_entry", "sp_reg"},
		       {"task_struct", ""},
		       {"task_struct", "a.b.c"},
		       {"nothing", "at.all"}};
	struct fake_dump f;
	struct memory m;
	struct dump d;
	struct btf b;
	struct btf_member member;
	uint32_t bytes;
	int64_t value;

	if (!size || size > 1 << 20)
		return 0;
	fake_dump_init(&f, 4);
	// Not at the start of a page, as in a real kernel.
	uint64_t start = FAKE_IMAGE + 0x10010;
	fake_dump_put(&f, start, data, size);
	_cleanup_error_ struct ey_error *err = dump_open(&d, fake_dump_elf_file(&f));
	if (!err)
		err = memory_init(&m, &d);
	if (err)
		abort();
	err = btf_init(&b, &m, start, start + size);
	if (!err) {
		for (size_t i = 0; i < EY_ARRAY_SIZE(members); i++) {
			btf_member(&b, members[i].type, members[i].path, &member);
			btf_sizeof(&b, members[i].type, &bytes);
		}
		btf_enum(&b, "mod_mem_type", "MOD_TEXT", &value);
		btf_enum(&b, "dmi_field", "DMI_SYS_VENDOR", &value);
	}
	btf_deinit(&b);
	dump_close(&d);
	fake_dump_deinit(&f);
	return 0;
}
