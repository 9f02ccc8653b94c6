/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "analysis/passes.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/command.h"

static const char help[] =
	"Analyse a kernel dump from the dump alone: no vmlinux, no debuginfo package.\n"
	"\n"
	"Usage: eyrie analyze [OPTION...] VMCORE [PART...]\n"
	"\n"
	"Reads kdump-compressed dumps (zlib, lzo, snappy, zstd; also flattened, split and "
	"incomplete\n"
	"ones) and ELF dumps of x86-64 kernels, and prints what the crash utility's sys, bt, bt "
	"-a, log,\n"
	"ps and mod would show, with the crash event and its reason on top. Of a split dump one "
	"part is\n"
	"enough where the others lie beside it.\n"
	"\n"
	"Options:\n"
	"  --format=text|json   text for people (default), or the record as JSON\n"
	"  --engine=native      the engine; native is the only one so far\n"
	"  --with=PASS,...      look at more, e.g. --with=un,bt:17; --with=all, --with=none (not "
	"even\n"
	"                       the passes that run by default), --with=help lists them\n"
	"  --timeout=SECONDS    stop after so long (default 120)\n"
	"  -o, --output=FILE    write to FILE, which appears whole, instead of standard output\n"
	"  -h, --help           show this\n"
	"\n"
	"What cannot be read is named under \"what could not be read\" (\"gaps\" in JSON).\n"
	"\n"
	"Exit status: 0 analysed, 1 wrong usage, 2 not a dump or nothing of it can be read,\n"
	"3 cannot read or write (try again).\n"
	"\n"
	"Example: eyrie analyze /var/crash/202611231435/dump.202611231435 | less\n";

struct arguments {
	bool json;
	const char *output;
	struct analysis_options options;
};

static int list_passes(void)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	ey_buf_adds(&text, "What --with= can name:\n");
	passes_describe(&text);
	ey_buf_adds(&text, "  all        all that take no argument\n"
			   "  none       not even those that run by default\n");
	return ey_error_report(ey_write_all(STDOUT_FILENO, ey_buf_str(&text), text.len));
}

/** -1 to go on, else the exit code. */
static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"format", required_argument, NULL, 'f'},
		{"engine", required_argument, NULL, 'e'},
		{"timeout", required_argument, NULL, 't'},
		{"output", required_argument, NULL, 'o'},
		{"with", required_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct ey_error *err;
	char *end;

	for (int c; (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
		switch (c) {
		case 'f':
			a->json = !strcmp(optarg, "json");
			if (!a->json && strcmp(optarg, "text") != 0) {
				ey_log_error("--format is \"text\" or \"json\", not \"%s\"",
					     optarg);
				return 1;
			}
			break;
		case 'e':
			if (strcmp(optarg, "native") != 0 && strcmp(optarg, "auto") != 0) {
				ey_log_error("there is no engine \"%s\"; use --engine=native",
					     optarg);
				return 1;
			}
			break;
		case 't':
			errno = 0;
			a->options.timeout_seconds = (unsigned int)strtoul(optarg, &end, 10);
			if (errno || *end || !a->options.timeout_seconds ||
			    a->options.timeout_seconds > 86400) {
				ey_log_error("--timeout takes 1 to 86400 seconds, not \"%s\"",
					     optarg);
				return 1;
			}
			break;
		case 'w':
			if (!strcmp(optarg, "help"))
				return list_passes();
			a->options.with = optarg;
			err = passes_check(optarg);
			if (err)
				return ey_error_report(err);
			break;
		case 'o':
			a->output = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (optind >= argc) {
		ey_log_error("name a dump; 'eyrie analyze --help' tells more");
		return 1;
	}
	a->options.parts = (const char *const *)argv + optind + 1;
	a->options.part_count = (size_t)(argc - optind - 1);
	return -1;
}

int cmd_analyze(int argc, char **argv)
{
	struct arguments a = {0};
	struct analysis_result result;
	int ret = parse_arguments(argc, argv, &a);

	if (ret >= 0)
		return ret;
	struct ey_error *err = analysis_run(argv[optind], &a.options, &result);
	if (err)
		return ey_error_report(err);
	const char *data = a.json ? result.record : result.text;
	size_t len = a.json ? result.record_len : result.text_len;
	err = a.output ? ey_file_write_output(a.output, 0600, data, len)
		       : ey_error_prefix(ey_write_all(STDOUT_FILENO, data, len), "standard output");
	analysis_result_deinit(&result);
	return ey_error_report(err);
}
