/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "analysis/record_read.h"
#include "analysis/unwrap.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/center.h"
#include "cmd/command.h"
#include "cmd/watch.h"
#include "db/dump.h"
#include "ingest/place.h"
#include "ingest/populate.h"
#include "store/policy.h"
#include "store/repository.h"

static const char help[] =
	"Usage: eyrie ingest [OPTION...] VMCORE\n"
	"\n"
	"The whole chain for one dump: analyse it, file it into the repository, take it into the\n"
	"database under its reason, raise alerts and mail them. Each step says what it did. The\n"
	"dump itself stays where it is; a copy is filed, unless the repository's policy wants no\n"
	"more dumps of the reason. The same dump again is recognised.\n"
	"\n"
	"Options:\n" CENTER_OPTIONS_HELP
	"  --site NAME        site it is filed under, in place of [repository] site (default)\n"
	"  --dump=WHEN        file the dump: policy (default), always, never\n"
	"                     (a dump is added to a crash that was filed without it)\n"
	"  --no-mail          mail nothing\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 the file is no dump, or nothing of it can be read; 3 "
	"could\n"
	"not read or write something or reach the mail server, safe to try again.\n"
	"\n"
	"Examples:\n"
	"  eyrie ingest /var/crash/202611231435/dump.202611231435\n"
	"  eyrie ingest --repository ./repository --db ./eyrie.db vmcore\n";

struct arguments {
	struct center_options common;
	const char *file;
	const char *site;
	enum { DUMP_POLICY, DUMP_ALWAYS, DUMP_NEVER } dump;
	bool no_mail;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct ey_error *analyse(const struct arguments *a, struct analysis_result *result,
				struct record *record)
{
	double begin = seconds();
	struct ey_error *err =
		analysis_run(a->file, &(struct analysis_options){.unwrap = unwrap_open}, result);

	if (!err)
		err = record_read(result->record, result->record_len, record);
	if (err)
		return err;
	printf("analysed   in %.0f ms: ", (seconds() - begin) * 1000);
	center_print_text(stdout, record->have_event && record->event.title
					  ? record->event.title
					  : "no crash event found");
	if (record->have_event && record->event.signature) {
		fputs(" at ", stdout);
		center_print_text(stdout, record->event.signature);
	}
	fputs("\n           ", stdout);
	center_print_text(stdout,
			  record_hostname(record) ? record_hostname(record) : "unknown host");
	if (record->system.release) {
		fputs(", kernel ", stdout);
		center_print_text(stdout, record->system.release);
	}
	if (record->have_event) {
		fputs(", reason ", stdout);
		center_print_text(stdout, record->event.reason);
	}
	putchar('\n');
	for (size_t i = 0; i < record->gap_count; i++) {
		fputs("           not read: ", stdout);
		center_print_text(stdout, record->gaps[i].what);
		fputs(": ", stdout);
		center_print_text(stdout, record->gaps[i].why);
		putchar('\n');
	}
	return NULL;
}

// Whether the dump itself is filed; says why not.
static struct ey_error *want_dump(const struct arguments *a, struct store *store,
				  const struct record *record, bool *ret)
{
	_cleanup_store_policy_ struct store_policy policy = {0};

	*ret = a->dump == DUMP_ALWAYS;
	if (a->dump != DUMP_POLICY)
		return NULL;
	struct ey_error *err = store_policy_load(store, &policy);
	if (err && err->code == EY_ERR_INPUT) {
		ey_log_warning("%s; so the dump is filed", err->message);
		ey_error_destroy(err);
		err = NULL;
	}
	*ret = store_policy_decide(&policy, record->have_event ? record->event.reason : NULL) ==
	       STORE_WANT_VMCORE;
	if (!err && !*ret)
		puts("           the policy wants no more dumps of this reason: without its dump");
	return err;
}

static struct ey_error *add_dump(struct db *db, struct store *store, const char *path, int fd,
				 int64_t bytes, bool *had_ret)
{
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	struct ey_error *err = store_entry_open(store, path, &entry);

	if (!err)
		err = store_entry_add_dump(entry, &(struct store_new_dump){.fd = fd}, had_ret);
	if (err)
		return err;
	// Whoever took the folder in before did so without it.
	return db_dump_arrived(
		db, &(struct db_dump_arrival){.path = path, .bytes = bytes, .time = ey_time_now()});
}

static struct ey_error *file_crash(const struct arguments *a, struct center *center,
				   const char *site, const struct analysis_result *analysis,
				   const struct record *record, char **path_ret)
{
	const char *root =
		ey_config_string(&center->config, "repository", "path", STORE_DEFAULT_ROOT);
	_cleanup_store_ struct store *store = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *id = NULL;
	struct store_filed filed;
	struct stat st = {0};
	bool with_dump;
	struct ey_error *err = place_open(&center->config, &store);

	if (!err)
		err = want_dump(a, store, record, &with_dump);
	if (!err)
		err = record_crash_id(record, &id);
	if (err)
		return err;
	if (with_dump) {
		fd = open(a->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0 || fstat(fd, &st) < 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", a->file);
	}
	// A dump without a time is filed under that of its file: the same each time.
	if (!record->system.have_crash_time && stat(a->file, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat %s", a->file);
	struct store_crash crash = {
		.site = site,
		.hostname = record_hostname(record),
		.time = record->system.have_crash_time ? record->system.crash_time : st.st_mtime,
		.id = id,
		.record = {analysis->record, analysis->record_len},
		.analysis = {analysis->text, analysis->text_len},
		.dmesg = {record->log, record->log_len},
		.vmcore_fd = fd,
	};
	err = store_file(store, &crash, &filed);
	if (err)
		return err;
	*path_ret = filed.path;
	// Filed before without its dump: that is added now.
	bool had = false;
	if (filed.already && with_dump)
		err = add_dump(center->db, store, filed.path, fd, st.st_size, &had);
	if (err)
		return err;
	printf("filed      %s", filed.already ? "before, as " : "as ");
	printf("%s/%s", root, filed.path);
	if (!had && with_dump) {
		fputs(", with its dump of ", stdout);
		center_print_bytes(stdout, (uint64_t)st.st_size);
	}
	putchar('\n');
	return NULL;
}

static void on_folder(const struct populate_event *e, void *arg)
{
	const struct db_intake_result *r = &e->result;

	if (e->rejected) {
		fputs("rejected   ", stdout);
		center_print_text(stdout, e->rejected);
		putchar('\n');
		return;
	}
	switch (r->verdict) {
	case DB_INTAKE_NEW:
		printf("counted    as crash %" PRId64 ": NEW, the first of its reason\n",
		       r->crash_id);
		break;
	case DB_INTAKE_KNOWN:
		printf("counted    as crash %" PRId64 ": known, its reason now has %" PRId64
		       " crashes on %" PRId64 " host%s\n",
		       r->crash_id, r->reason_crashes, r->reason_hosts,
		       r->reason_hosts == 1 ? "" : "s");
		break;
	case DB_INTAKE_DOUBLE:
		printf("counted    before, as crash %" PRId64 "\n", r->crash_id);
		break;
	}
}

static struct ey_error *count(struct center *center, const char *path)
{
	struct populate_options options = {0};
	struct populate_result result;
	struct ey_error *err = populate_options_load(&options, &center->config);

	if (err)
		return err;
	options.only = path;
	options.on_folder = on_folder;
	err = populate_run(center->db, &options, &result);
	if (!err && result.unchanged)
		puts("counted    before");
	if (!err && result.rejected + result.rejected_before)
		err = ey_error_create(EY_ERR_INPUT, "%s could not be taken in", path);
	return err;
}

static struct ey_error *run(const struct arguments *a)
{
	_cleanup_(analysis_result_deinit) struct analysis_result analysis = {0};
	_cleanup_record_ struct record record = {0};
	_cleanup_center_ struct center center = {0};
	_cleanup_free_ char *path = NULL;
	struct watch_result watch;
	// The database first: a wrong path should not cost an analysis.
	struct ey_error *err = center_open(&center, &a->common, 0);
	const char *site =
		err || a->site ? a->site
			       : ey_config_string(&center.config, "repository", "site", "default");

	if (!err && !ey_name_is_safe(site))
		err = ey_error_create(EY_ERR_USAGE,
				      "site: \"%.100s\" is not a name of letters, digits and "
				      "\"._-:@+\"",
				      site);

	if (!err)
		err = analyse(a, &analysis, &record);
	if (!err)
		err = file_crash(a, &center, site, &analysis, &record, &path);
	if (!err)
		err = count(&center, path);
	if (!err)
		err = watch_run(&center, a->no_mail, &watch);
	if (!err && !watch.monitor.raised && !watch.monitor.new_reasons)
		puts("watched    no new reason, no new alert");
	return err;
}

static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option long_options[] = {
		CENTER_LONG_OPTIONS,
		{"site", required_argument, NULL, 's'},
		{"dump", required_argument, NULL, 'd'},
		{"no-mail", no_argument, NULL, 'M'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	static const char *const when[] = {"policy", "always", "never"};
	size_t i;

	for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (center_option(&a->common, c, optarg))
			continue;
		switch (c) {
		case 's':
			a->site = optarg;
			break;
		case 'd':
			for (i = 0; i < EY_ARRAY_SIZE(when) && strcmp(when[i], optarg) != 0;)
				i++;
			if (i == EY_ARRAY_SIZE(when)) {
				ey_log_error("--dump is policy, always or never, not \"%s\"",
					     optarg);
				return 1;
			}
			a->dump = i;
			break;
		case 'M':
			a->no_mail = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			return 1;
		}
	}
	if (optind + 1 != argc) {
		ey_log_error("eyrie ingest takes one dump; see --help");
		return 1;
	}
	a->file = argv[optind];
	return 0;
}

int cmd_ingest(int argc, char **argv)
{
	struct arguments a = {0};
	int code = parse(argc, argv, &a);

	return code ? code : ey_error_report(run(&a));
}
