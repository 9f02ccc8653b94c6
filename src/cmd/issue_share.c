/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eyrie issue export, import: what sites know, as a file. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "db/issue_share.h"
#include "server/query.h"

static const char help[] =
	"Usage: eyrie issue export [--comments] [--issue ID] [OPTION...] [FILE]\n"
	"       eyrie issue import [--theirs] [OPTION...] FILE\n"
	"\n"
	"Share known issues with another site: with their states, fixes, rules and reasons by\n"
	"key. export writes FILE or standard output; import takes such a file in, and the same\n"
	"twice changes nothing. An issue that both sites changed since they were last the same\n"
	"is reported and left as it is. The document: docs/issues.schema.json.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP "  --comments         export: with what people said\n"
	"  --issue ID         export: only this one\n"
	"  --theirs           import: where both sides changed an issue, take theirs\n"
	"  --who NAME         import: for the history (your login name)\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 no such document, or issues that both sides changed;\n"
	"3 the database could not be reached or written, safe to try again.\n"
	"\n"
	"Examples:\n"
	"  eyrie issue export --comments issues.json\n"
	"  eyrie issue import issues.json\n";

struct arguments {
	struct center_options common;
	struct db_issue_export export;
	struct db_issue_import import;
	const char *file;
};

static struct ey_error *run_export(struct db *db, const struct arguments *a)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	struct ey_error *err = db_issues_export(db, &a->export, &out);

	if (err)
		return err;
	if (!a->file || !strcmp(a->file, "-"))
		return ey_write_all(STDOUT_FILENO, out.data, out.len);
	return ey_file_write_whole(a->file, 0644, out.data, out.len);
}

static struct ey_error *run_import(struct db *db, const struct arguments *a)
{
	_cleanup_imported_ struct db_imported_list list = {0};
	_cleanup_free_ char *text = NULL;
	size_t len;
	struct ey_error *err = ey_file_read_whole(a->file, DB_ISSUES_MAX_BYTES, &text, &len);

	if (!err)
		err = ey_error_prefix(db_issues_import(db, text, len, &a->import, &list), "%s",
				      a->file);
	if (err)
		return err;
	for (size_t i = 0; i < list.count; i++) {
		printf("%-11s #%" PRId64 " ", db_import_name(list.items[i].result),
		       list.items[i].issue_id);
		center_print_text(stdout, list.items[i].title);
		if (list.items[i].taken)
			printf(" (%" PRId64 " reasons belong to other issues here)",
			       list.items[i].taken);
		putchar('\n');
	}
	if (list.conflicts)
		return ey_error_create(EY_ERR_INPUT,
				       "%" PRId64 " issue%s changed on both sides and left alone; "
				       "--theirs takes those of the document",
				       list.conflicts, list.conflicts == 1 ? " was" : "s were");
	return NULL;
}

int cmd_issue_share(int argc, char **argv)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"comments", no_argument, NULL, 'C'},
		{"issue", required_argument, NULL, 'i'},
		{"theirs", no_argument, NULL, 't'},
		{"who", required_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct arguments a = {
		.export = {.now = ey_time_now()},
		.import = {.who = center_user(), .why = "from another site", .now = ey_time_now()}};
	_cleanup_center_ struct center center = {0};
	bool exporting = false, importing = false;

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (center_option(&a.common, c, optarg))
			continue;
		switch (c) {
		case 'C':
			a.export.comments = true;
			break;
		case 'i':
			if (!server_int_parse(optarg, &a.export.issue_id) ||
			    a.export.issue_id < 1) {
				fprintf(stderr, "eyrie issue: \"%s\" is no number of an issue\n",
					optarg);
				return 1;
			}
			break;
		case 't':
			a.import.theirs = true;
			break;
		case 'w':
			a.import.who = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	exporting = argv[optind] && !strcmp(argv[optind], "export");
	importing = argv[optind] && !strcmp(argv[optind], "import");
	a.file = exporting || importing ? argv[optind + 1] : NULL;
	if ((!exporting && !importing) || argc - optind > 2 || (importing && !a.file) ||
	    (exporting && a.import.theirs) ||
	    (importing && (a.export.comments || a.export.issue_id))) {
		fprintf(stderr, "eyrie issue: wants export [FILE] or import FILE; see --help\n");
		return 1;
	}
	struct ey_error *err = center_open(&center, &a.common, 0);
	if (!err)
		err = exporting ? run_export(center.db, &a) : run_import(center.db, &a);
	return ey_error_report(err);
}
