/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/types.h"
#include "analysis/types_make.h"
#include "base/log.h"
#include "cmd/command.h"

static const char help[] =
	"Make types for kernels that were built without BTF.\n"
	"\n"
	"Usage: eyrie types make [OPTION...] VMLINUX...\n"
	"\n"
	"Of a dump whose kernel has no BTF, eyrie analyze reads the log and the symbols, and of "
	"the\n"
	"stacks what needs no types. With the file that this writes it reads all. VMLINUX is that "
	"of\n"
	"the kernel's debuginfo package; the file is some 5 MB, is named by the build id, and is\n"
	"found by it in /var/lib/eyrie/types and /usr/share/eyrie/types.\n"
	"\n"
	"Types are copied from VMLINUX where it has BTF, else made from its DWARF by pahole, "
	"which\n"
	"takes a minute and some gigabytes of memory.\n"
	"\n"
	"Options:\n"
	"  -o, --output=DIR     write to DIR (default /var/lib/eyrie/types)\n"
	"  -h, --help           show this\n"
	"\n"
	"Exit status: 0 written, 1 wrong usage, 2 no vmlinux or no types in it, 3 cannot read or\n"
	"write, or no pahole (try again).\n"
	"\n"
	"Example: eyrie types make /usr/lib/debug/boot/vmlinux-5.10.0-46-amd64\n";

int cmd_types(int argc, char **argv)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	const char *folder = types_folders[0];

	for (int c; (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
		switch (c) {
		case 'o':
			folder = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (argc - optind < 2 || strcmp(argv[optind], "make") != 0) {
		ey_log_error("say of what: eyrie types make VMLINUX");
		return 1;
	}
	for (int i = optind + 1; i < argc; i++) {
		struct types_made made;
		struct ey_error *err = types_make(argv[i], folder, &made);

		if (err)
			return ey_error_report(err);
		printf("%s: %llu bytes, %s\n", made.path, (unsigned long long)made.bytes,
		       made.from_dwarf ? "made from DWARF" : "copied from the vmlinux");
		free(made.path);
	}
	return 0;
}
