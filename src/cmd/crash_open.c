/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eyrie crash open: a dump of the center in the hands of an engineer. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/engine.h"
#include "analysis/identify.h"
#include "analysis/unwrap.h"
#include "analysis/vmlinux.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/client_open.h"
#include "cmd/command.h"
#include "cmd/passphrase.h"
#include "store/seal.h"

#define DEFAULT_SYMBOLS "/var/lib/eyrie/symbols"

enum { UNWRAP_SECONDS = 1800 };

static const char help[] =
	"Usage: eyrie crash open [OPTION...] ID [-- ARGUMENT...]\n"
	"\n"
	"Fetch the dump of a crash from the center, unseal it, find its kernel's vmlinux by the\n"
	"build id, and start crash (or drgn) on both, with the ARGUMENTs. Needs the permission\n"
	"download; the center notes who took which dump. The dump is kept in a file without a "
	"name\n"
	"in $TMPDIR (else /var/tmp), which is gone when the program ends, however it ends. What\n"
	"is broken off is taken up again, and all of it is compared with the center's checksum.\n"
	"\n"
	"Options:\n"
	"  -o, --output FILE        only fetch it to FILE: sealed if it is sealed, but where "
	"--key\n"
	"                           is given. Called again, it goes on where it was broken off\n"
	"  -k, --key FILE           secret key, in place of [repository] seal_secret\n"
	"  --passphrase-file FILE   its passphrase (first line), in place of asking\n"
	"  --with crash|drgn        what is started (crash)\n"
	"  --vmlinux FILE           the kernel's vmlinux with debuginfo, in place of a search\n"
	"  --symbols DIR            store of symbols, in place of [symbols] path\n"
	"  --center URL             the center, in place of [client] url\n"
	"  --token-file FILE        file with an API token, in place of [client] token_file\n"
	"  --ca-file FILE           authorities to trust, in place of [client] ca_file\n"
	"  --config FILE            read this in place of /etc/eyrie/eyrie.conf\n"
	"  --help                   this help\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 refused, not there, damaged, sealed to another key, no\n"
	"vmlinux, or the program that was started failed; 3 the center could not be reached or a\n"
	"file not be written, safe to try again.\n"
	"\n"
	"Example:\n"
	"  eyrie crash open --key ~/center.key 4711\n";

struct arguments {
	const char *id;
	const char *output;
	const char *key;
	const char *passphrase_file;
	bool drgn;
	const char *vmlinux;
	const char *symbols;
	struct client_choice client;
	const char *config;
	char **rest;
};

/** What the work is done with. */
struct work {
	const struct arguments *a;
	struct ey_config config;
	struct client *client;
	struct client_download dump;
	/** "/api/v1/crashes/ID/dump". */
	struct ey_buf target;
};

static void work_deinit(struct work *w)
{
	client_destroy(w->client);
	ey_config_deinit(&w->config);
	ey_buf_deinit(&w->target);
}

static struct ey_error *nameless(int *ret)
{
	const char *dir = getenv("TMPDIR");

	dir = dir && *dir ? dir : "/var/tmp";
	*ret = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return *ret < 0 ? ey_error_errno(EY_ERR_IO, errno, "cannot make a file in %s", dir) : NULL;
}

static bool is_sealed(int fd)
{
	unsigned char head[SEAL_MAGIC_BYTES];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n == (ssize_t)sizeof(head) && seal_is_sealed(head, sizeof(head));
}

static struct ey_error *unseal_into(const struct work *w, int in, int out)
{
	_cleanup_seal_secret_ struct seal_secret secret = {0};
	struct ey_error *err =
		secret_key_open(&w->config, w->a->key, w->a->passphrase_file, &secret);

	if (!err && lseek(in, 0, SEEK_SET) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot read the dump");
	return err ? err : unseal_fd(in, out, &secret, NULL);
}

// The name under which a download goes on: it is of this very dump, or it is not there.
static struct ey_error *part_name(const struct work *w, char **ret)
{
	char tag[sizeof(w->dump.etag)] = "";
	size_t n = 0;

	for (const char *p = w->dump.etag; *p; p++) {
		if (*p != '"')
			tag[n++] = *p;
	}
	if (!ey_name_is_safe(tag))
		return ey_error_create(EY_ERR_INPUT, "what %s answers is not of a center",
				       client_url(w->client));
	if (asprintf(ret, "%s.%s.part", w->a->output, tag) < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

static struct ey_error *write_output(const struct work *w, int fd, const char *part)
{
	const char *output = w->a->output;

	if (w->a->key && is_sealed(fd)) {
		_cleanup_newfile_ struct ey_newfile file = EY_NEWFILE_INIT;
		struct ey_error *err = ey_newfile_open(&file, output, 0600);

		if (!err)
			err = unseal_into(w, fd, file.fd);
		if (!err)
			err = ey_newfile_commit(&file);
		if (!err)
			unlink(part);
		return err;
	}
	if (fsync(fd) < 0 || rename(part, output) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write %s", output);
	if (is_sealed(fd))
		fprintf(stderr, "eyrie: %s is sealed; 'eyrie unseal' opens it\n", output);
	return NULL;
}

static struct ey_error *fetch_to_output(const struct work *w)
{
	_cleanup_free_ char *part = NULL;
	struct ey_error *err = part_name(w, &part);

	if (err)
		return err;
	_cleanup_close_ int fd = open(part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write %s", part);
	err = client_download(w->client, &w->dump, fd);
	// Damaged, another one, removed: going on would bring no other end.
	if (err && err->code != EY_ERR_IO)
		unlink(part);
	return err ? err : write_output(w, fd, part);
}

// The dump as a file that crash can read: plain, and not compressed as a whole.
static struct ey_error *fetch_plain(const struct work *w, int *ret)
{
	_cleanup_close_ int fd = -1;
	struct analysis_unwrapped unwrapped = {0};
	struct ey_error *err = nameless(&fd);

	if (!err)
		err = client_download(w->client, &w->dump, fd);
	if (!err && is_sealed(fd)) {
		_cleanup_close_ int plain = -1;

		err = nameless(&plain);
		if (!err)
			err = unseal_into(w, fd, plain);
		if (!err) {
			close(fd);
			fd = no_cleanup_fd(plain);
		}
	}
	if (!err && lseek(fd, 0, SEEK_SET) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot read the dump");
	if (!err)
		err = unwrap_open(&fd, UNWRAP_SECONDS, &unwrapped);
	if (err)
		return err;
	*ret = no_cleanup_fd(fd);
	return NULL;
}

static struct ey_error *find_vmlinux(const struct work *w, const char *dump,
				     const struct engine_options *engine, char **ret)
{
	const struct analysis_options native = {0};
	const char *symbols =
		w->a->symbols ? w->a->symbols
			      : ey_config_string(&w->config, "symbols", "path", DEFAULT_SYMBOLS);
	_cleanup_free_ char *path = NULL;
	struct dump_identity id = {0};
	bool checked;
	struct ey_error *err = analysis_identify(dump, &native, &id);

	if (err)
		return err;
	if (asprintf(&path, "%s:%s", symbols,
		     engine->debug_path ? engine->debug_path : "/usr/lib/debug") < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	const struct vmlinux_query query = {
		.build_id = *id.build_id ? id.build_id : NULL,
		.release = *id.release ? id.release : NULL,
		.file = w->a->vmlinux,
		.debug_path = path,
		.download = engine->download,
		.cache = engine->cache,
		.download_bytes = engine->download_bytes,
	};
	return vmlinux_find(&query, ret, &checked);
}

// Ctrl-C is for the program that was started: it has the terminal, and this one waits.
static struct ey_error *start(char **argv)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
	int status = 0;

	sigaction(SIGINT, &ignore, &interrupt);
	sigaction(SIGQUIT, &ignore, &quit);
	fflush(NULL);
	pid_t pid = fork();
	if (!pid) {
		sigaction(SIGINT, &interrupt, NULL);
		sigaction(SIGQUIT, &quit, NULL);
		execvp(argv[0], argv);
		fprintf(stderr, "eyrie: cannot start %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	int errnum = errno;
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGQUIT, &quit, NULL);
	if (pid < 0)
		return ey_error_errno(EY_ERR_IO, errnum, "cannot start %s", argv[0]);
	if (WIFSIGNALED(status))
		return ey_error_create(EY_ERR_INPUT, "%s died of signal %d", argv[0],
				       WTERMSIG(status));
	return WEXITSTATUS(status) ? ey_error_create(EY_ERR_INPUT, "%s ended with exit status %d",
						     argv[0], WEXITSTATUS(status))
				   : NULL;
}

static struct ey_error *open_in(const struct work *w, int fd)
{
	struct engine_options engine = {0};
	_cleanup_free_ char *vmlinux = NULL;
	_cleanup_free_ char **argv = NULL;
	size_t n = 0, count = 0;
	char dump[64];
	struct ey_error *err = engine_configure(&engine, &w->config);

	// By this process's id, which waits for the program that reads it.
	snprintf(dump, sizeof(dump), "/proc/%d/fd/%d", (int)getpid(), fd);
	if (!err)
		err = find_vmlinux(w, dump, &engine, &vmlinux);
	if (err)
		return err;
	while (w->a->rest[count])
		count++;
	argv = calloc(count + 6, sizeof(*argv));
	if (!argv)
		return &ey_error_nomem;
	if (w->a->drgn) {
		argv[n++] = (char *)(uintptr_t) "drgn";
		argv[n++] = (char *)(uintptr_t) "-c";
		argv[n++] = dump;
		argv[n++] = (char *)(uintptr_t) "-s";
		argv[n++] = vmlinux;
	} else {
		argv[n++] = (char *)(uintptr_t)(engine.crash ? engine.crash : "crash");
		argv[n++] = vmlinux;
		argv[n++] = dump;
	}
	memcpy(argv + n, w->a->rest, count * sizeof(*argv));
	fprintf(stderr, "eyrie: crash %s: %" PRIu64 " bytes fetched, vmlinux is %s\n", w->a->id,
		w->dump.size, vmlinux);
	return start(argv);
}

static struct ey_error *run(const struct arguments *a)
{
	_cleanup_(work_deinit) struct work w = {.a = a, .target = EY_BUF_INIT};
	_cleanup_close_ int fd = -1;
	struct ey_error *err = ey_config_load(&w.config, a->config);

	if (!err)
		err = client_open(&a->client, &w.config, &w.client);
	ey_buf_adds(&w.target, "/api/v1/crashes/");
	client_add_escaped(&w.target, a->id);
	ey_buf_adds(&w.target, "/dump");
	if (!err)
		err = ey_buf_error(&w.target);
	if (!err)
		err = client_download_look(w.client, ey_buf_str(&w.target), &w.dump);
	if (!err && a->output)
		return fetch_to_output(&w);
	if (!err)
		err = fetch_plain(&w, &fd);
	return err ? err : open_in(&w, fd);
}

// -1 to go on, else the exit code.
static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"key", required_argument, NULL, 'k'},
		{"passphrase-file", required_argument, NULL, 'p'},
		{"with", required_argument, NULL, 'w'},
		{"vmlinux", required_argument, NULL, 'v'},
		{"symbols", required_argument, NULL, 's'},
		{"center", required_argument, NULL, 'C'},
		{"token-file", required_argument, NULL, 't'},
		{"ca-file", required_argument, NULL, 'a'},
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const struct {
		int letter;
		const char **value;
	} values[] = {{'o', &a->output},
		      {'k', &a->key},
		      {'p', &a->passphrase_file},
		      {'v', &a->vmlinux},
		      {'s', &a->symbols},
		      {'C', &a->client.center},
		      {'t', &a->client.token_file},
		      {'a', &a->client.ca_file},
		      {'c', &a->config}};

	// What looks like an option is the started program's only behind "--".
	for (int c; (c = getopt_long(argc, argv, "o:k:h", options, NULL)) != -1;) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c == '?')
			return 1;
		if (c == 'w') {
			a->drgn = !strcmp(optarg, "drgn");
			if (!a->drgn && strcmp(optarg, "crash") != 0) {
				ey_log_error("--with is \"crash\" or \"drgn\", not \"%s\"", optarg);
				return 1;
			}
		}
		for (size_t i = 0; i < EY_ARRAY_SIZE(values); i++) {
			if (values[i].letter == c)
				*values[i].value = optarg;
		}
	}
	a->id = argv[optind];
	a->rest = argv + optind + (a->id != NULL);
	if (!a->id || !*a->id || strspn(a->id, "0123456789") != strlen(a->id) ||
	    (a->output && *a->rest)) {
		ey_log_error("name one crash by its number; 'eyrie crash open --help' tells more");
		return 1;
	}
	return -1;
}

int cmd_crash_open(int argc, char **argv)
{
	struct arguments a = {0};
	int code = parse(argc, argv, &a);

	return code >= 0 ? code : ey_error_report(run(&a));
}
