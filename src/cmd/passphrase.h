/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Secret keys of commands: their file, and the passphrase where it asks for one. */
#ifndef EYRIE_CMD_PASSPHRASE_H
#define EYRIE_CMD_PASSPHRASE_H

#include "base/config.h"
#include "base/error.h"
#include "store/seal.h"

enum { PASSPHRASE_MAX = 1024 };

/**
 * Read a passphrase: the first line of @p file, or (NULL) from the terminal, which is asked with
 * @p prompt and does not show it. EY_ERR_USAGE where there is neither.
 */
struct ey_error *passphrase_read(const char *file, const char *prompt,
				 char ret[PASSPHRASE_MAX]) EY_MUST_CHECK;

/**
 * Read the secret key at @p path (NULL: [repository] seal_secret of @p config), and ask for its
 * passphrase if it has one.
 */
struct ey_error *secret_key_open(const struct ey_config *config, const char *path,
				 const char *passphrase_file,
				 struct seal_secret *ret) EY_MUST_CHECK;

#endif
