/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/file.h"

static struct ey_error *first_line(FILE *f, const char *where, char ret[PASSPHRASE_MAX])
{
	if (!fgets(ret, PASSPHRASE_MAX, f))
		ret[0] = '\0';
	size_t len = strcspn(ret, "\r\n");
	// A line that does not end within the buffer is longer than it.
	if (!ret[len] && len == PASSPHRASE_MAX - 1)
		return ey_error_create(EY_ERR_USAGE, "%s: the passphrase is too long", where);
	ret[len] = '\0';
	if (!len)
		return ey_error_create(EY_ERR_USAGE, "%s: there is no passphrase", where);
	return NULL;
}

static struct ey_error *ask(const char *prompt, char ret[PASSPHRASE_MAX])
{
	_cleanup_fclose_ FILE *tty = fopen("/dev/tty", "r+e");
	struct termios before, quiet;

	if (!tty || tcgetattr(fileno(tty), &before) < 0)
		return ey_error_create(EY_ERR_USAGE,
				       "there is no terminal to ask for the passphrase; use "
				       "--passphrase-file");
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fputs(prompt, tty);
	fflush(tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
	struct ey_error *err = first_line(tty, "terminal", ret);
	tcsetattr(fileno(tty), TCSAFLUSH, &before);
	fputs("\n", tty);
	return err;
}

struct ey_error *passphrase_read(const char *file, const char *prompt, char ret[PASSPHRASE_MAX])
{
	if (!file)
		return ask(prompt, ret);
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	if (!f)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", file);
	return first_line(f, file, ret);
}

struct ey_error *secret_key_open(const struct ey_config *config, const char *path,
				 const char *passphrase_file, struct seal_secret *ret)
{
	_cleanup_free_ char *text = NULL;
	char passphrase[PASSPHRASE_MAX];
	bool locked;

	if (!path)
		path = ey_config_string(config, "repository", "seal_secret", NULL);
	if (!path)
		return ey_error_create(EY_ERR_USAGE,
				       "no secret key: name it by --key, or set seal_secret in "
				       "[repository]");
	struct ey_error *err = ey_file_read_whole(path, SEAL_KEY_FILE_MAX, &text, NULL);
	if (err)
		return err;
	locked = seal_secret_is_locked(text);
	sodium_memzero(text, strlen(text));
	if (locked)
		err = passphrase_read(passphrase_file,
				      "Passphrase of the secret key: ", passphrase);
	if (!err)
		err = seal_secret_load(path, locked ? passphrase : NULL, ret);
	sodium_memzero(passphrase, sizeof(passphrase));
	return err;
}
