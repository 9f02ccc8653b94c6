/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "ingest/symbols.h"

static const char help[] =
	"Usage: eyrie symbols add [OPTION...] FILE...\n"
	"       eyrie symbols list [OPTION...]\n"
	"       eyrie symbols remove [OPTION...] BUILD-ID...\n"
	"\n"
	"Debuginfo of kernels at the center, by build id, for the crash utility and for\n"
	"'eyrie crash open'. FILE is a vmlinux with debuginfo, a .deb or .rpm that holds one (and\n"
	"its modules'), or a folder of such files. What is there already is not stored twice.\n"
	"\n"
	"Options:\n"
	"  --config FILE      configuration in place of /etc/eyrie/eyrie.conf\n"
	"  --path DIR         the store, in place of [symbols] path\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 nothing of use in a file, or no such build id; 3 could\n"
	"not read or write, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie symbols add linux-image-6.1.0-30-amd64-dbg_6.1.124-1_amd64.deb\n";

static struct ey_error *print_file(const struct symbols_file *f, void *arg)
{
	printf("%s ", f->build_id);
	center_print_bytes(stdout, f->bytes);
	putchar(' ');
	center_print_text(stdout, f->name);
	putchar('\n');
	return NULL;
}

static struct ey_error *add(const struct symbols_options *o, const char *path)
{
	struct symbols_added r;
	struct ey_error *err = symbols_add(o, path, &r);

	if (r.added || r.known) {
		printf("%s: %" PRIu64 " added, ", path, r.added);
		center_print_bytes(stdout, r.bytes);
		printf("; %" PRIu64 " were there\n", r.known);
	}
	return err;
}

int cmd_symbols(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"config", required_argument, NULL, 'c'},
		{"path", required_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	_cleanup_config_ struct ey_config config = {0};
	struct symbols_options o = {0};
	const char *config_path = NULL;
	struct ey_error *err = NULL;

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		switch (c) {
		case 'c':
			config_path = optarg;
			break;
		case 'p':
			o.root = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	const char *action = argv[optind] ? argv[optind] : "";
	int first = optind + 1;
	bool list = !strcmp(action, "list"), adds = !strcmp(action, "add"),
	     removes = !strcmp(action, "remove");
	if ((!list && !adds && !removes) || (list ? argc > first : argc <= first)) {
		fprintf(stderr,
			"eyrie symbols: wants add FILE, list or remove BUILD-ID; see --help\n");
		return 1;
	}
	err = ey_config_load(&config, config_path);
	if (!err)
		symbols_options_load(&o, &config);
	if (!err && list)
		err = symbols_list(&o, print_file, NULL);
	for (int i = first; !err && i < argc; i++)
		err = adds ? add(&o, argv[i]) : symbols_remove(&o, argv[i]);
	return ey_error_report(err);
}
