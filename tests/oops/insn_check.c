/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each line of standard input is an instruction's bytes: print what oops_insn_decode() makes of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "oops/state.h"

int main(void)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		struct oops_state state = {0};
		struct oops_insn insn;
		char *p = line, *end;

		while (state.code_len < OOPS_CODE_MAX) {
			unsigned long byte = strtoul(p, &end, 16);

			if (end == p)
				break;
			state.code[state.code_len++] = (uint8_t)byte;
			p = end;
		}
		oops_insn_decode(&state, &insn);
		printf("%d %s %s %u %lld %d\n", insn.kind,
		       insn.base < 0 ? "-" : oops_reg_name(insn.base),
		       insn.index < 0 ? "-" : oops_reg_name(insn.index), insn.scale,
		       (long long)insn.offset, insn.computable);
	}
	return 0;
}
