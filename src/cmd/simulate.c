/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/command.h"
#include "simulate/run.h"

static const char help[] =
	"Usage: eyrie simulate [OPTION...] --scenario NAME|FILE FOLDER\n"
	"       eyrie simulate [OPTION...] --scenario NAME|FILE --center URL [FOLDER]\n"
	"       eyrie simulate --list | --show NAME\n"
	"\n"
	"Make up a fleet, and the crashes it has: for demos, tests and benchmarks. The crashes go\n"
	"to FOLDER/repository, laid out for 'eyrie populate', or to a center; what truly happened\n"
	"is written to FOLDER/truth.json, truth.csv and changes.ndjson. The same scenario and "
	"seed\n"
	"make the same bytes.\n"
	"\n"
	"Options:\n"
	"  --scenario NAME|FILE  a preset (--list), or a file as eyrie-simulate(1) describes\n"
	"  --seed N              random seed (1)\n"
	"  --set SECTION.KEY=V   change the scenario, e.g. --set fleet.hosts=500; may be repeated\n"
	"  --small               records of 9 kB in place of 44 kB\n"
	"  --dump-bytes N        a file of N zeros as each dump (none)\n"
	"  --speed N             N simulated seconds a second; 1: in real time (as fast as it "
	"goes)\n"
	"  --center URL          send to this center in place of FOLDER/repository\n"
	"  --token-file FILE     token for the center\n"
	"  --ca-file FILE        authorities to trust\n"
	"  --heartbeats          send a heartbeat of each host each day, too\n"
	"  --list                the presets\n"
	"  --show NAME           print a preset, to change it\n"
	"  -q, --quiet           print only the last line\n"
	"  --help                this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage or scenario; 2 the center refused something; 3 could not "
	"reach\n"
	"or written, safe to try again: what is there already is passed over.\n"
	"\n"
	"Examples:\n"
	"  eyrie simulate --scenario demo /tmp/fleet\n"
	"  eyrie simulate --scenario outbreak --set fleet.start=now --speed 3600 \\\n"
	"      --center http://127.0.0.1:8420 --token-file token\n";

enum { SETTINGS_MAX = 64, PROGRESS_EVERY = 1000 };

static int list_presets(void)
{
	for (size_t i = 0; sim_preset_at(i); i++)
		printf("%-10s %s\n", sim_preset_at(i)->name, sim_preset_at(i)->summary);
	return 0;
}

static int show_preset(const char *name)
{
	for (size_t i = 0; sim_preset_at(i); i++) {
		if (!strcmp(sim_preset_at(i)->name, name)) {
			printf("# %s\n%s", sim_preset_at(i)->summary, sim_preset_at(i)->text);
			return 0;
		}
	}
	fprintf(stderr, "eyrie simulate: there is no preset \"%s\"; --list names them\n", name);
	return 1;
}

static void on_progress(uint64_t delivered, uint64_t all, int64_t time, void *arg)
{
	if (delivered % PROGRESS_EVERY == 0)
		fprintf(stderr, "%" PRIu64 " of %" PRIu64 " crashes\n", delivered, all);
}

struct words {
	const char *scenario;
	const char *settings[SETTINGS_MAX];
	size_t setting_count;
	uint64_t seed;
	struct sim_run_options run;
	struct client_options center;
};

static struct ey_error *run(const struct words *words)
{
	_cleanup_scenario_ struct sim_scenario scenario = {0};
	_cleanup_plan_ struct sim_plan plan = {0};
	struct sim_run_result r = {0};
	struct ey_error *err = sim_scenario_load(words->scenario, words->settings,
						 words->setting_count, &scenario);

	if (!err)
		err = sim_plan_make(&scenario, words->seed, &plan);
	if (!err)
		err = sim_run(&plan, &words->run, &r);
	if (err)
		return err;
	printf("%" PRIu64 " hosts, %zu crashes: %" PRIu64 " delivered, %" PRIu64
	       " were there, %" PRIu64 " never reported",
	       scenario.fleet.hosts, plan.crash_count, r.delivered, r.already, r.lost);
	if (words->run.center)
		printf("; %" PRIu64 " heartbeats, %" PRIu64 " tries again", r.heartbeats,
		       r.retries);
	putchar('\n');
	return NULL;
}

static bool number(const char *text, uint64_t *ret)
{
	char *end;

	*ret = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end;
}

static bool option(struct words *w, int c, const char *arg)
{
	char *end;

	switch (c) {
	case 'S':
		w->scenario = arg;
		return true;
	case 'e':
		return number(arg, &w->seed);
	case 's':
		if (w->setting_count == SETTINGS_MAX)
			return false;
		w->settings[w->setting_count++] = arg;
		return true;
	case 'm':
		w->run.evidence = SIM_EVIDENCE_SMALL;
		return true;
	case 'd':
		return number(arg, &w->run.dump_bytes) && w->run.dump_bytes <= INT64_MAX;
	case 'p':
		w->run.speed = strtod(arg, &end);
		return *arg && !*end && isfinite(w->run.speed) && w->run.speed > 0;
	case 'c':
		w->center.url = arg;
		w->run.center = &w->center;
		return true;
	case 't':
		w->center.token_file = arg;
		return true;
	case 'a':
		w->center.ca_file = arg;
		return true;
	case 'b':
		w->run.heartbeats = true;
		return true;
	case 'q':
		w->run.on_progress = NULL;
		return true;
	default:
		return false;
	}
}

int cmd_simulate(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"scenario", required_argument, NULL, 'S'},
		{"seed", required_argument, NULL, 'e'},
		{"set", required_argument, NULL, 's'},
		{"small", no_argument, NULL, 'm'},
		{"dump-bytes", required_argument, NULL, 'd'},
		{"speed", required_argument, NULL, 'p'},
		{"center", required_argument, NULL, 'c'},
		{"token-file", required_argument, NULL, 't'},
		{"ca-file", required_argument, NULL, 'a'},
		{"heartbeats", no_argument, NULL, 'b'},
		{"list", no_argument, NULL, 'l'},
		{"show", required_argument, NULL, 'w'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct words words = {.seed = 1, .run = {.on_progress = on_progress}};

	for (int c; (c = getopt_long(argc, argv, "qh", long_options, NULL)) != -1;) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c == 'l')
			return list_presets();
		if (c == 'w')
			return show_preset(optarg);
		if (!option(&words, c, optarg)) {
			fputs("eyrie simulate: wrong option or value; see --help\n", stderr);
			return 1;
		}
	}
	if (optind < argc)
		words.run.output = argv[optind++];
	if (!words.scenario || optind < argc || (!words.run.output && !words.run.center)) {
		fputs("eyrie simulate: say --scenario and a folder or --center; see --help\n",
		      stderr);
		return 1;
	}
	struct ey_error *err = run(&words);
	int status = ey_error_exit_code(err);
	if (err)
		ey_log_error("simulate: %s", err->message);
	ey_error_destroy(err);
	return status;
}
