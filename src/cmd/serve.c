/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "cmd/command.h"
#include "server/server.h"

static const char help[] =
	"Usage: eyried serve [OPTION...]\n"
	"\n"
	"Run the jobs of the center on schedule (populate, monitor, purge, report) and serve\n"
	"the JSON API and the web console, until SIGTERM or SIGINT.\n"
	"\n"
	"People sign in as the users that `eyried user` made; hosts enrol and get tokens.\n"
	"It listens on 127.0.0.1 and refuses any other address unless it has a certificate\n"
	"(tls_certificate, tls_key) or allow_remote = yes stands in section [server], as\n"
	"behind a proxy with TLS.\n"
	"\n"
	"Options:\n"
	"  -c, --config FILE           read FILE instead of /etc/eyrie/eyrie.conf\n"
	"  -l, --listen ADDRESS:PORT   listen there instead of at [server] listen\n"
	"                              (127.0.0.1:8420); port 0 takes a free one and logs it\n"
	"  -h, --help                  this text\n"
	"\n"
	"Exit codes: 0 stopped as asked; 1 usage or a bad setting; 2 the database is damaged or\n"
	"of a newer Eyrie; 3 the address is taken or the database cannot be opened.\n"
	"\n"
	"Example:\n"
	"  eyried serve --config ./eyrie.conf --listen 127.0.0.1:9000\n";

int cmd_serve(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"listen", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	_cleanup_config_ struct ey_config config = {0};
	const char *config_path = NULL;
	const char *listen = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:l:h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			config_path = optarg;
			break;
		case 'l':
			listen = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			fputs("eyried serve: 'eyried serve --help' tells the options\n", stderr);
			return 1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "eyried serve: takes no argument such as \"%s\"\n", argv[optind]);
		return 1;
	}
	struct ey_error *err = ey_config_load(&config, config_path);
	if (!err && listen)
		err = ey_config_set(&config, "server", "listen", listen, "--listen");
	if (!err)
		err = server_run(&config);
	return ey_error_report(err);
}
