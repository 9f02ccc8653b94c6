/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/command.h"
#include "host/enroll.h"

enum { KEY_BYTES = 4096 };

static const char help[] =
	"Usage: eyrie enroll [--center URL] --key-file FILE | --key KEY | --rotate [OPTION...]\n"
	"\n"
	"Make this host known to the center with a site's enrolment key, and keep the token that\n"
	"it gets: a file that only root can read, with which 'eyrie agent' sends crashes and\n"
	"heartbeats of this host, and nothing else. Enrolling again replaces the token.\n"
	"\n"
	"Options:\n"
	"  --center URL       the center, https://NAME[:PORT][/PATH], in place of [agent] center\n"
	"  --key-file FILE    file whose first line is the enrolment key; - is standard input\n"
	"  --key KEY          the enrolment key itself; other users of this host can see it\n"
	"                     while the command runs\n"
	"  --rotate           no key: a new token for the one that the host has\n"
	"  --ca-file FILE     authorities to trust, in place of the system's and [agent] ca_file\n"
	"  --state-dir DIR    where the token goes (/var/lib/eyrie/agent)\n"
	"  --config FILE      read this in place of /etc/eyrie/eyrie.conf\n"
	"  --help             this help\n"
	"\n"
	"Exit codes: 0 enrolled; 1 usage; 2 the center refused; 3 it could not be reached or the\n"
	"token not be kept, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie enroll --center https://crash.example.com --key-file /root/site.key\n";

/** The command line. */
struct arguments {
	const char *config;
	const char *center;
	const char *key;
	const char *key_file;
	const char *ca_file;
	const char *state_dir;
	bool rotate;
};

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
}

static struct ey_error *read_key(const char *name, char **ret)
{
	struct ey_error *err = NULL;

	if (!strcmp(name, "-")) {
		char line[KEY_BYTES] = "";

		if (!fgets(line, sizeof(line), stdin))
			return ey_error_create(EY_ERR_USAGE, "there is no key on standard input");
		*ret = strdup(line);
		explicit_bzero(line, sizeof(line));
		if (!*ret)
			return &ey_error_nomem;
	} else {
		err = ey_file_read_whole(name, KEY_BYTES, ret, NULL);
	}
	if (!err)
		(*ret)[strcspn(*ret, "\r\n")] = '\0';
	return err;
}

static struct ey_error *enroll(const struct arguments *a, const struct ey_config *config)
{
	_cleanup_host_identity_ struct host_identity identity = {0};
	_cleanup_enrolled_ struct host_enrolled enrolled = {0};
	_cleanup_(wipe) char *key = NULL;
	_cleanup_free_ char *path = NULL;
	const char *state = a->state_dir ? a->state_dir
					 : ey_config_string(config, "agent", "state_dir",
							    "/var/lib/eyrie/agent");
	const char *token_file = ey_config_string(config, "agent", "token_file", NULL);

	if ((!token_file || a->state_dir) && asprintf(&path, "%s/token", state) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	struct host_enroll_options options = {
		.center = a->center ? a->center : ey_config_string(config, "agent", "center", NULL),
		.ca_file = a->ca_file ? a->ca_file
				      : ey_config_string(config, "agent", "ca_file", NULL),
		.key = a->key,
		.token_file = path ? path : token_file,
		.identity = &identity,
	};
	struct ey_error *err = host_identity_read("", &identity);
	if (!err && a->key_file) {
		err = read_key(a->key_file, &key);
		options.key = key;
	}
	if (!err)
		err = host_enroll(&options, &enrolled);
	if (err)
		return err;
	printf("this host is enrolled as %s", enrolled.host);
	if (*enrolled.site)
		printf(" of site %s", enrolled.site);
	printf("; its token is in %s\n", options.token_file);
	return NULL;
}

int cmd_enroll(int argc, char **argv)
{
	static const struct option options[] = {
		{"center", required_argument, NULL, 'u'},
		{"key", required_argument, NULL, 'k'},
		{"key-file", required_argument, NULL, 'f'},
		{"rotate", no_argument, NULL, 'r'},
		{"ca-file", required_argument, NULL, 'a'},
		{"state-dir", required_argument, NULL, 's'},
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	_cleanup_config_ struct ey_config config = {0};
	struct arguments a = {0};

	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'u':
			a.center = optarg;
			break;
		case 'k':
			a.key = optarg;
			break;
		case 'f':
			a.key_file = optarg;
			break;
		case 'r':
			a.rotate = true;
			break;
		case 'a':
			a.ca_file = optarg;
			break;
		case 's':
			a.state_dir = optarg;
			break;
		case 'c':
			a.config = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (optind < argc || !!a.key + !!a.key_file + a.rotate != 1) {
		fprintf(stderr, "eyrie enroll: %s; see 'eyrie enroll --help'\n",
			optind < argc ? "it takes no arguments"
				      : "it needs one of --key-file, --key and --rotate");
		return 1;
	}
	struct ey_error *err = ey_config_load(&config, a.config);
	return ey_error_report(err ? err : enroll(&a, &config));
}
