/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/passphrase.h"

static const char help[] =
	"Usage: eyrie unseal [OPTION...] IN OUT\n"
	"\n"
	"Unseal a dump (or another file) that was sealed to a public key. OUT appears whole, "
	"readable\n"
	"by you alone, and only if nothing of IN was changed or is missing; - is standard output,\n"
	"which may have got a part when the end shows that IN is damaged (then exit code 2).\n"
	"\n"
	"Options:\n"
	"  -k, --key FILE           secret key, in place of [repository] seal_secret\n"
	"  --passphrase-file FILE   its passphrase (first line), in place of asking\n"
	"  --config FILE            configuration in place of /etc/eyrie/eyrie.conf\n"
	"  --help                   this help\n"
	"\n"
	"Exit codes: 0 unsealed; 1 usage; 2 not sealed, not to this key, damaged or incomplete;\n"
	"3 could not be read or written, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie unseal --key center.key vmcore /var/tmp/vmcore\n";

struct arguments {
	const char *key;
	const char *passphrase_file;
	const char *config;
	const char *in;
	const char *out;
};

static struct ey_error *unseal_to(int in, const char *out, const struct seal_secret *secret)
{
	_cleanup_newfile_ struct ey_newfile file = EY_NEWFILE_INIT;

	if (!strcmp(out, "-"))
		return unseal_fd(in, STDOUT_FILENO, secret, NULL);
	struct ey_error *err = ey_newfile_open(&file, out, 0600);
	if (!err)
		err = unseal_fd(in, file.fd, secret, NULL);
	return err ? err : ey_newfile_commit(&file);
}

static struct ey_error *run(const struct arguments *a)
{
	_cleanup_config_ struct ey_config config = {0};
	_cleanup_seal_secret_ struct seal_secret secret = {0};
	_cleanup_close_ int fd = -1;

	struct ey_error *err = ey_config_load(&config, a->config);
	if (!err)
		err = secret_key_open(&config, a->key, a->passphrase_file, &secret);
	if (err)
		return err;
	fd = open(a->in, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", a->in);
	return ey_error_prefix(unseal_to(fd, a->out, &secret), "%s", a->in);
}

int cmd_unseal(int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"passphrase-file", required_argument, NULL, 'p'},
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct arguments a = {0};

	for (int c; (c = getopt_long(argc, argv, "k:h", options, NULL)) != -1;) {
		switch (c) {
		case 'k':
			a.key = optarg;
			break;
		case 'p':
			a.passphrase_file = optarg;
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
	if (argc - optind != 2) {
		ey_log_error("name what to unseal and where to write it; 'eyrie unseal --help' "
			     "tells more");
		return 1;
	}
	a.in = argv[optind];
	a.out = argv[optind + 1];
	return ey_error_report(run(&a));
}
