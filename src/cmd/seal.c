/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys, and what was sealed to whom. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/passphrase.h"
#include "store/repository.h"
#include "store/seal.h"

static const char help[] =
	"Usage: eyrie seal keygen [OPTION...] NAME\n"
	"       eyrie seal publish [OPTION...] [KEY.pub...]\n"
	"       eyrie seal file [OPTION...] --to KEY.pub IN OUT\n"
	"       eyrie seal show FILE\n"
	"\n"
	"Seal kernel dumps, which hold passwords and keys, to a public key: hosts can write them, "
	"and\n"
	"only who has the secret key can read them (eyrie unseal).\n"
	"\n"
	"  keygen   make NAME.pub and NAME.key, the pair of keys of the center or an "
	"administrator\n"
	"  publish  put public keys into the root of the repository: agents seal to them from then "
	"on\n"
	"  file     seal one file; - is standard input or output\n"
	"  show     say to which keys a file is sealed, or the id of a key\n"
	"\n"
	"Options:\n"
	"  --passphrase             keygen: ask for a passphrase for NAME.key\n"
	"  --passphrase-file FILE   keygen: take it from the first line of FILE\n"
	"  --comment TEXT           keygen: words behind the key, such as whose it is\n"
	"  --dumps KEY.pub          publish: seal only dumps to this key (may be given again)\n"
	"  --texts KEY.pub          publish: seal only records, analyses and logs to this key\n"
	"  --to KEY.pub             file: seal to the keys of this file\n"
	"  --repository ROOT        publish: in place of [repository] path\n"
	"  --config FILE            configuration in place of /etc/eyrie/eyrie.conf\n"
	"  --help                   this help\n"
	"\n"
	"What is sealed to several keys can be read with any of them. The center must be able to "
	"read\n"
	"the texts: a key for them has no passphrase and is named in its [repository] "
	"seal_secret.\n"
	"\n"
	"Exit codes: 0 done; 1 usage; 2 no key, or no sealed file; 3 could not be read or "
	"written.\n"
	"\n"
	"Examples:\n"
	"  eyrie seal keygen /etc/eyrie/center\n"
	"  eyrie seal publish --repository /srv/crash /etc/eyrie/center.pub\n"
	"  eyrie seal publish --texts center.pub --dumps admin.pub\n"
	"  eyrie seal show /srv/crash/default/web-01/20261123T143546Z-0123456789abcdef/vmcore\n";

enum { KEYS_MAX = SEAL_RECIPIENTS_MAX };

struct arguments {
	bool passphrase;
	const char *passphrase_file;
	const char *comment;
	const char *to;
	const char *repository;
	const char *config;
	/** Files of public keys, and for what. */
	struct {
		const char *path;
		unsigned int purpose;
	} keys[KEYS_MAX];
	size_t key_count;
	char **rest;
	int rest_count;
};

static struct ey_error *get_passphrase(const struct arguments *a, char ret[PASSPHRASE_MAX])
{
	char again[PASSPHRASE_MAX];
	struct ey_error *err = passphrase_read(a->passphrase_file, "New passphrase: ", ret);

	if (err || a->passphrase_file)
		return err;
	err = passphrase_read(NULL, "Once more: ", again);
	if (!err && strcmp(again, ret) != 0)
		err = ey_error_create(EY_ERR_USAGE, "the two passphrases differ");
	sodium_memzero(again, sizeof(again));
	return err;
}

// A key that is there was perhaps used: without it, what was sealed to it is lost.
static struct ey_error *write_new(const char *name, const char *suffix, mode_t mode,
				  const struct ey_buf *text)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s%s", name, suffix) >= sizeof(path))
		return ey_error_create(EY_ERR_USAGE, "the name is too long");
	if (!lstat(path, &st))
		return ey_error_create(EY_ERR_USAGE,
				       "%s is there already and is not overwritten; choose "
				       "another name",
				       path);
	return ey_file_write_whole(path, mode, ey_buf_str(text), text->len);
}

static struct ey_error *keygen(const struct arguments *a)
{
	_cleanup_seal_secret_ struct seal_secret secret = {0};
	_cleanup_buf_ struct ey_buf key = EY_BUF_INIT, pub = EY_BUF_INIT;
	char passphrase[PASSPHRASE_MAX], id[SEAL_ID_TEXT];
	bool locked = a->passphrase || a->passphrase_file;
	struct ey_error *err = NULL;

	if (a->rest_count != 1)
		return ey_error_create(EY_ERR_USAGE, "keygen takes one name, such as center");
	if (a->comment && strpbrk(a->comment, "\r\n"))
		return ey_error_create(EY_ERR_USAGE, "--comment is one line");
	if (locked)
		err = get_passphrase(a, passphrase);
	if (!err)
		err = seal_secret_generate(&secret);
	if (!err)
		err = seal_secret_write(&key, &secret, locked ? passphrase : NULL,
					&seal_effort_default);
	sodium_memzero(passphrase, sizeof(passphrase));
	if (err)
		return err;
	seal_key_id(secret.public_key, id);
	ey_buf_printf(&pub, "# Key id %s. Seal to this key; unseal with its secret key.\n", id);
	seal_public_write(&pub, SEAL_ALL, secret.public_key, a->comment);
	err = ey_buf_error(&pub);
	if (!err)
		err = write_new(a->rest[0], ".key", 0600, &key);
	if (!err)
		err = write_new(a->rest[0], ".pub", 0644, &pub);
	sodium_memzero(key.data, key.len);
	if (!err)
		printf("key %s: %s.pub, and its secret %s.key; keep a copy of the secret off this "
		       "machine\n",
		       id, a->rest[0], a->rest[0]);
	return err;
}

static struct ey_error *read_public(const char *path, struct seal_recipients *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	struct ey_error *err = ey_file_read_whole(path, SEAL_KEY_FILE_MAX, &text, &len);

	return err ? err : ey_error_prefix(seal_public_read(text, len, ret), "%s", path);
}

static struct ey_error *add_keys(struct ey_buf *buf, const char *path, unsigned int purpose)
{
	struct seal_recipients keys;
	struct ey_error *err = read_public(path, &keys);

	for (size_t i = 0; !err && i < keys.count; i++) {
		char id[SEAL_ID_TEXT];

		if (!(keys.items[i].purpose & purpose))
			continue;
		seal_key_id(keys.items[i].key, id);
		seal_public_write(buf, keys.items[i].purpose & purpose, keys.items[i].key, id);
	}
	return err;
}

static struct ey_error *publish(const struct arguments *a)
{
	_cleanup_config_ struct ey_config config = {0};
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	_cleanup_store_ struct store *store = NULL;
	struct seal_recipients check;
	struct store_s3_options s3;

	struct ey_error *err = ey_config_load(&config, a->config);
	for (int i = 0; !err && i < a->rest_count; i++)
		err = add_keys(&text, a->rest[i], SEAL_ALL);
	for (size_t i = 0; !err && i < a->key_count; i++)
		err = add_keys(&text, a->keys[i].path, a->keys[i].purpose);
	if (!err && !text.len)
		err = ey_error_create(EY_ERR_USAGE, "name the public keys to publish");
	if (!err)
		err = ey_buf_error(&text);
	if (!err)
		err = seal_public_read(ey_buf_str(&text), text.len, &check);
	if (err)
		return err;
	const char *root =
		a->repository ? a->repository
			      : ey_config_string(&config, "repository", "path", STORE_DEFAULT_ROOT);
	err = store_s3_options_load(&config, &s3);
	if (!err)
		err = store_open_with(root, 0, &s3, &store);
	if (!err)
		err = store_put(store, SEAL_PUBLIC_FILE, ey_buf_str(&text), text.len);
	if (!err)
		printf("%s/%s: %zu key%s; agents that file there seal to them from now on\n", root,
		       SEAL_PUBLIC_FILE, check.count, check.count == 1 ? "" : "s");
	return err;
}

static struct ey_error *seal_one(int in, const char *out, const struct seal_recipients *to)
{
	_cleanup_newfile_ struct ey_newfile file = EY_NEWFILE_INIT;

	if (!strcmp(out, "-"))
		return seal_fd(in, STDOUT_FILENO, to, SEAL_ALL, NULL);
	struct ey_error *err = ey_newfile_open(&file, out, 0600);
	if (!err)
		err = seal_fd(in, file.fd, to, SEAL_ALL, NULL);
	return err ? err : ey_newfile_commit(&file);
}

static struct ey_error *seal_a_file(const struct arguments *a)
{
	_cleanup_close_ int fd = -1;
	struct seal_recipients to;

	if (a->rest_count != 2 || !a->to)
		return ey_error_create(EY_ERR_USAGE, "file takes --to KEY.pub, IN and OUT");
	struct ey_error *err = read_public(a->to, &to);
	if (err)
		return err;
	const char *in = a->rest[0];
	if (strcmp(in, "-") != 0) {
		fd = open(in, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", in);
	}
	return ey_error_prefix(seal_one(fd < 0 ? STDIN_FILENO : fd, a->rest[1], &to), "%s", in);
}

static struct ey_error *show_sealed(const char *path, const unsigned char *head, size_t len)
{
	struct seal_header header;
	struct ey_error *err = seal_header_read(head, len, &header);

	if (err)
		return ey_error_prefix(err, "%s", path);
	printf("%s: sealed to", path);
	for (size_t i = 0; i < header.count; i++)
		printf(" %s", header.ids[i]);
	puts("");
	return NULL;
}

static struct ey_error *show(const struct arguments *a)
{
	unsigned char head[SEAL_HEADER_MAX];
	struct seal_recipients keys;

	if (a->rest_count != 1)
		return ey_error_create(EY_ERR_USAGE, "show takes one file");
	const char *path = a->rest[0];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", path);
	ssize_t n = read(fd, head, sizeof(head));
	if (n < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot read %s", path);
	if (seal_is_sealed(head, (size_t)n))
		return show_sealed(path, head, (size_t)n);
	_cleanup_error_ struct ey_error *no_keys = read_public(path, &keys);
	if (no_keys)
		return ey_error_create(EY_ERR_INPUT, "%s is neither sealed nor a public key", path);
	for (size_t i = 0; i < keys.count; i++) {
		static const char *const words[] = {"", "dumps", "texts", "dumps and texts"};
		char id[SEAL_ID_TEXT];

		seal_key_id(keys.items[i].key, id);
		printf("%s: public key %s, for %s\n", path, id, words[keys.items[i].purpose]);
	}
	return NULL;
}

/** -1 to go on, else the exit code. */
static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"passphrase", no_argument, NULL, 'p'},
		{"passphrase-file", required_argument, NULL, 'f'},
		{"comment", required_argument, NULL, 'm'},
		{"dumps", required_argument, NULL, 'd'},
		{"texts", required_argument, NULL, 't'},
		{"to", required_argument, NULL, 'o'},
		{"repository", required_argument, NULL, 'R'},
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'p':
			a->passphrase = true;
			break;
		case 'f':
			a->passphrase_file = optarg;
			break;
		case 'm':
			a->comment = optarg;
			break;
		case 'd':
		case 't':
			if (a->key_count == KEYS_MAX) {
				ey_log_error("at most %d keys", KEYS_MAX);
				return 1;
			}
			a->keys[a->key_count].path = optarg;
			a->keys[a->key_count++].purpose = c == 'd' ? SEAL_DUMPS : SEAL_TEXTS;
			break;
		case 'o':
			a->to = optarg;
			break;
		case 'R':
			a->repository = optarg;
			break;
		case 'c':
			a->config = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	a->rest = argv + optind;
	a->rest_count = argc - optind;
	return -1;
}

int cmd_seal(int argc, char **argv)
{
	static const struct {
		const char *name;
		struct ey_error *(*run)(const struct arguments *a);
	} commands[] = {
		{"keygen", keygen}, {"publish", publish}, {"file", seal_a_file}, {"show", show}};
	struct arguments a = {0};
	int ret = parse(argc, argv, &a);

	if (ret >= 0)
		return ret;
	for (size_t i = 0; a.rest_count && i < EY_ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, a.rest[0]) != 0)
			continue;
		a.rest++;
		a.rest_count--;
		return ey_error_report(commands[i].run(&a));
	}
	ey_log_error("name one of keygen, publish, file and show; 'eyrie seal --help' tells more");
	return 1;
}
