/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "analysis/engine.h"
#include "analysis/passes.h"
#include "analysis/unwrap.h"
#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/sealed.h"

static const char help[] =
	"Analyse a kernel dump from the dump alone: no vmlinux, no debuginfo package.\n"
	"\n"
	"Usage: eyrie analyze [OPTION...] VMCORE [PART...]\n"
	"\n"
	"Reads dumps of x86-64 kernels (kdump-compressed, flattened, split, incomplete; ELF; "
	"QEMU's;\n"
	"gzip, xz or zstd around them; - from a pipe), /proc/kcore, or a vmcore-dmesg.txt alone, "
	"and\n"
	"prints what the crash utility's sys, bt, bt -a, log, ps and mod would show, with the "
	"crash\n"
	"event and its reason on top. Of a split dump one part is enough where the others lie "
	"beside\n"
	"it. Decompresses to a file without a name in $TMPDIR (/var/tmp).\n"
	"\n"
	"Options:\n"
	"  --format=text|json   text for people (default), or the record as JSON\n"
	"  --engine=ENGINE      native: Eyrie itself; crash: the crash utility, with the kernel's\n"
	"                       vmlinux; both: native, and what crash says otherwise; auto (the\n"
	"                       default): native, and crash where that finds no event or no log\n"
	"  --with=PASS,...      look at more, e.g. --with=un,bt:17; --with=all, --with=none (not "
	"even\n"
	"                       the passes that run by default), --with=help lists them\n"
	"  --timeout=SECONDS    stop after so long (default 120)\n"
	"  --vmlinux=FILE       the kernel's vmlinux: with debuginfo for crash, which finds it by "
	"its\n"
	"                       build id if not given; symbols and types for a dump without them\n"
	"  --system-map=FILE    System.map, for the symbols of a dump without them\n"
	"  --types=DIR|FILE     types of kernels without BTF (eyrie types make); by build id\n"
	"  --crash=PROGRAM      the crash utility (crash, in PATH)\n"
	"  --crash-commands=FILE  what to ask it, one command a line\n"
	"  --crash-timeout=SECONDS  stop crash after so long (default 600)\n"
	"  --key=FILE           secret key of a sealed dump, which is unsealed to a file without a "
	"name\n"
	"                       in $TMPDIR (/var/tmp); default: [repository] seal_secret\n"
	"  --passphrase-file=FILE  its passphrase, in place of asking\n"
	"  --config=FILE        read this in place of /etc/eyrie/eyrie.conf\n"
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
	const char *config;
	const char *key;
	const char *passphrase_file;
	struct analysis_options options;
	struct engine_options engine;
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

static bool parse_seconds(const char *option, const char *text, unsigned int *ret)
{
	char *end;

	errno = 0;
	unsigned long seconds = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || !seconds || seconds > 86400) {
		ey_log_error("--%s takes 1 to 86400 seconds, not \"%s\"", option, text);
		return false;
	}
	*ret = (unsigned int)seconds;
	return true;
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
		{"vmlinux", required_argument, NULL, 'v'},
		{"system-map", required_argument, NULL, 'm'},
		{"types", required_argument, NULL, 'y'},
		{"crash", required_argument, NULL, 'c'},
		{"crash-commands", required_argument, NULL, 'C'},
		{"crash-timeout", required_argument, NULL, 'T'},
		{"key", required_argument, NULL, 'k'},
		{"passphrase-file", required_argument, NULL, 'p'},
		{"config", required_argument, NULL, 'g'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct ey_error *err;

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
			if (!engine_parse(optarg, &a->engine.engine)) {
				ey_log_error("there is no engine \"%s\"; the engines are auto, "
					     "native, crash and both",
					     optarg);
				return 1;
			}
			break;
		case 't':
			if (!parse_seconds("timeout", optarg, &a->options.timeout_seconds))
				return 1;
			break;
		case 'T':
			if (!parse_seconds("crash-timeout", optarg, &a->engine.crash_seconds))
				return 1;
			break;
		case 'v':
			a->options.vmlinux = optarg;
			break;
		case 'm':
			a->options.system_map = optarg;
			break;
		case 'y':
			a->options.types = optarg;
			break;
		case 'c':
			a->engine.crash = optarg;
			break;
		case 'C':
			a->engine.commands = optarg;
			break;
		case 'k':
			a->key = optarg;
			break;
		case 'p':
			a->passphrase_file = optarg;
			break;
		case 'g':
			a->config = optarg;
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
	struct arguments a = {.options.unwrap = unwrap_open};
	struct analysis_result result;
	int ret = parse_arguments(argc, argv, &a);

	if (ret >= 0)
		return ret;
	_cleanup_config_ struct ey_config config = {0};
	_cleanup_unsealed_ struct unsealed unsealed = UNSEALED_INIT;
	struct ey_error *err = ey_config_load(&config, a.config);
	if (!err)
		err = engine_configure(&a.engine, &config);
	if (!err)
		err = unsealed_open(&config, argv[optind], a.key, a.passphrase_file, &unsealed);
	if (err)
		return ey_error_report(err);
	a.engine.native = &a.options;
	err = engine_run(unsealed.path, &a.engine, &result);
	if (err)
		return ey_error_report(err);
	const char *data = a.json ? result.record : result.text;
	size_t len = a.json ? result.record_len : result.text_len;
	err = a.output ? ey_file_write_output(a.output, 0600, data, len)
		       : ey_error_prefix(ey_write_all(STDOUT_FILENO, data, len), "standard output");
	analysis_result_deinit(&result);
	return ey_error_report(err);
}
