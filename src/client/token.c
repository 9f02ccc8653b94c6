/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The token: read from a file that only its owner can read, and wiped when it is done with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "client/internal.h"

void client_wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

struct ey_error *client_use_token(const char *token, char **authorization_ret)
{
	size_t len = strlen(token);

	// RFC 6750, 2.1; above all no line end, which would be a header of its own.
	if (!len || len > CLIENT_TOKEN_MAX ||
	    strspn(token,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") != len)
		return ey_error_create(EY_ERR_USAGE, "the token is not one: it must be of letters, "
						     "digits and \"-._~+/=\"");
	if (asprintf(authorization_ret, "Authorization: Bearer %s", token) < 0) {
		*authorization_ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

struct ey_error *client_read_token(const char *path, char **authorization_ret)
{
	_cleanup_(client_wipe) char *token = NULL;
	struct stat st;
	struct ey_error *err = ey_file_read_whole(path, CLIENT_TOKEN_MAX, &token, NULL);

	if (err) {
		if (err != &ey_error_nomem)
			err->code = EY_ERR_USAGE;
		return ey_error_prefix(err, "the token");
	}
	if (stat(path, &st) < 0 || (st.st_mode & 077))
		return ey_error_create(EY_ERR_USAGE,
				       "the token file %s can be read by others; chmod 600 it, and "
				       "think of a new token",
				       path);
	token[strcspn(token, "\r\n")] = '\0';
	err = client_use_token(token, authorization_ret);
	return err ? ey_error_prefix(err, "%s", path) : NULL;
}
