/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMCOREINFO's text: what is asked for is found in it or is not. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/vmcoreinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"phys_base", "list_head.next", "page", "", "a)=1\n("};
	_cleanup_free_ char *info = calloc(1, size + 1);
	uint64_t u;
	int64_t i;

	if (info)
		memcpy(info, data, size);
	for (size_t n = 0; info && n < EY_ARRAY_SIZE(names); n++) {
		vmcoreinfo_symbol(info, names[n], &u);
		vmcoreinfo_number(info, names[n], &i);
		vmcoreinfo_offset(info, names[n], &u);
		vmcoreinfo_size(info, names[n], &u);
		vmcoreinfo_decimal(info, names[n], &i);
		vmcoreinfo_hex(info, names[n], &u);
		const char *value = vmcoreinfo_find(info, names[n]);
		if (value && (value <= info || value > info + strlen(info)))
			abort();
	}
	return 0;
}
