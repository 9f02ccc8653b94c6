/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eyrie report: the report of a month, to a file, to standard output or by mail. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/command.h"
#include "notify/console.h"
#include "report/report.h"

static const char help[] =
	"Write the report of a month: what crashed, how often, where, and what is new\n"
	"\n"
	"Usage: eyrie report [OPTION...]\n"
	"\n"
	"  --month MONTH      the month, as 2026-11; \"this\" (the default) or \"last\"\n"
	"  --out FILE         write it there, in one step; \"-\" is standard output (the default)\n"
	"  --format FORMAT    html (default): one page that needs nothing else; json: its "
	"numbers;\n"
	"                     csv: a row each crash, for a spreadsheet\n"
	"  --mail             mail it to [report] to, or else [mail] to, the page attached;\n"
	"                     then nothing is written unless --out is given\n"
	"  --db FILE          database, in place of [database] path; or postgresql://...\n"
	"  --console-url URL  where links go, in place of [server] url\n"
	"  --config FILE      in place of /etc/eyrie/eyrie.conf\n"
	"  --help             this text\n"
	"\n"
	"Days and months are UTC. Reading only: safe to run at any time, beside everything else.\n"
	"\n"
	"Exit codes: 0 done; 1 wrong options or configuration; 2 no usable database, or the mail\n"
	"was refused for good; 3 could not read, write or mail, try again.\n"
	"\n"
	"Example: eyrie report --month last --out /var/www/crashes/last.html\n";

struct arguments {
	struct ey_config config;
	struct report_month month;
	enum report_format format;
	const char *out;
	bool mail;
};

static struct ey_error *parse_month(const char *text, struct report_month *ret)
{
	struct report_month this_month = report_month_of(ey_time_now());

	if (!strcmp(text, "this"))
		*ret = this_month;
	else if (!strcmp(text, "last"))
		*ret = report_month_add(this_month, -1);
	else if (!report_month_parse(text, ret))
		return ey_error_create(EY_ERR_USAGE,
				       "--month %s: write it as 2026-11, this or last", text);
	return NULL;
}

static struct ey_error *parse_format(const char *text, enum report_format *ret)
{
	return report_format_parse(text, ret)
		       ? NULL
		       : ey_error_create(EY_ERR_USAGE, "--format %s: there are html, json and csv",
					 text);
}

static struct ey_error *write_out(const struct arguments *a, const struct ey_buf *page)
{
	if (a->out && strcmp(a->out, "-") != 0)
		return ey_error_prefix(ey_file_write_output(a->out, 0644, page->data, page->len),
				       "cannot write %s", a->out);
	return ey_error_prefix(ey_write_all(STDOUT_FILENO, page->data, page->len),
			       "standard output");
}

static struct ey_error *run(const struct arguments *a)
{
	_cleanup_db_ struct db *db = NULL;
	_cleanup_buf_ struct ey_buf page = EY_BUF_INIT;
	_cleanup_free_ char *console = NULL;
	struct ey_error *err = notify_console_url(&a->config, &console);

	if (!err)
		err = db_open_config(&a->config, 0, &db);
	if (!err && (a->out || !a->mail)) {
		err = report_write(db, a->month, a->format,
				   &(struct report_options){.console_url = console}, &page);
		if (!err)
			err = write_out(a, &page);
	}
	if (!err && a->mail)
		err = report_mail(db, &a->config, a->month);
	return err;
}

// Options that stand for a key of the configuration.
static struct ey_error * override(struct ey_config *config, const char *const *overrides)
{
	static const char *const keys[][3] = {
		{"database", "connection", "--db"},
		{"server", "url", "--console-url"},
	};
	struct ey_error *err = NULL;

	for (size_t i = 0; i < EY_ARRAY_SIZE(keys) && !err; i++) {
		if (overrides[i])
			err = ey_config_set(config, keys[i][0], keys[i][1], overrides[i],
					    keys[i][2]);
	}
	return err;
}

int cmd_report(int argc, char **argv)
{
	enum { HELP = 256, MONTH, OUT, FORMAT, MAIL, DATABASE, CONSOLE, CONFIG };
	static const struct option options[] = {
		{"help", no_argument, NULL, HELP},
		{"month", required_argument, NULL, MONTH},
		{"out", required_argument, NULL, OUT},
		{"output", required_argument, NULL, OUT},
		{"format", required_argument, NULL, FORMAT},
		{"mail", no_argument, NULL, MAIL},
		{"db", required_argument, NULL, DATABASE},
		{"console-url", required_argument, NULL, CONSOLE},
		{"config", required_argument, NULL, CONFIG},
		{NULL, 0, NULL, 0},
	};
	struct arguments a = {.month = report_month_of(ey_time_now())};
	const char *overrides[2] = {NULL, NULL}, *config_path = NULL;
	struct ey_error *err = NULL;

	for (int c; !err && (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'h':
		case HELP:
			fputs(help, stdout);
			return 0;
		case MONTH:
			err = parse_month(optarg, &a.month);
			break;
		case OUT:
			a.out = optarg;
			break;
		case FORMAT:
			err = parse_format(optarg, &a.format);
			break;
		case MAIL:
			a.mail = true;
			break;
		case DATABASE:
			overrides[0] = optarg;
			break;
		case CONSOLE:
			overrides[1] = optarg;
			break;
		case CONFIG:
			config_path = optarg;
			break;
		default:
			fputs("'eyrie report --help' lists the options\n", stderr);
			return 1;
		}
	}
	if (!err && optind < argc)
		err = ey_error_create(EY_ERR_USAGE,
				      "report takes no argument \"%s\"; 'eyrie report "
				      "--help' lists the options",
				      argv[optind]);
	if (err)
		return ey_error_report(err);
	err = ey_config_load(&a.config, config_path);
	if (!err) {
		err = override(&a.config, overrides);
		if (!err)
			err = run(&a);
		ey_config_deinit(&a.config);
	}
	return ey_error_report(err);
}
