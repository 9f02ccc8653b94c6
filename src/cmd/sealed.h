/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A dump that may be sealed, for commands that read one. */
#ifndef EYRIE_CMD_SEALED_H
#define EYRIE_CMD_SEALED_H

#include "base/config.h"
#include "base/error.h"

struct unsealed {
	/** The file to read: the dump itself, or where it was unsealed to. */
	const char *path;
	/** The original, a file without a name that is gone with this process; -1: not sealed. */
	int fd;
	char name[64];
};

#define UNSEALED_INIT     \
	(struct unsealed) \
	{                 \
		.fd = -1  \
	}

/**
 * Where @p path is sealed, unseal it with the secret key @p key (NULL: [repository] seal_secret)
 * into $TMPDIR; where there is no key, EY_ERR_INPUT says what to do. What cannot be opened, or is a
 * pipe, is left to who reads it.
 */
struct ey_error *unsealed_open(const struct ey_config *config, const char *path, const char *key,
			       const char *passphrase_file, struct unsealed *ret) EY_MUST_CHECK;
void unsealed_deinit(struct unsealed *unsealed);
#define _cleanup_unsealed_ __attribute__((cleanup(unsealed_deinit)))

#endif
