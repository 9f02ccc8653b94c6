/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A host makes itself known to a center, and gets a token of its own. */
#ifndef EYRIE_HOST_ENROLL_H
#define EYRIE_HOST_ENROLL_H

#include "base/error.h"
#include "host/identity.h"

/** Nothing in it is owned. */
struct host_enroll_options {
	/** As in struct client_options. */
	const char *center;
	const char *ca_file;
	/** The site's enrolment key, or NULL: a new token for the one in @p token_file. */
	const char *key;
	/** Where the token goes, 0600; its folder is made. */
	const char *token_file;
	const struct host_identity *identity;
};

/** What the center says: who it takes the host for, and of which site (free() both; "" unknown). */
struct host_enrolled {
	char *host;
	char *site;
};
void host_enrolled_deinit(struct host_enrolled *enrolled);
#define _cleanup_enrolled_ __attribute__((cleanup(host_enrolled_deinit)))

/**
 * Ask, and keep the token. The file appears whole or stays as it was; an answer that is lost costs
 * nothing but a token that nobody has. EY_ERR_INPUT: the center refused the key.
 */
struct ey_error *host_enroll(const struct host_enroll_options *options,
			     struct host_enrolled *ret) EY_MUST_CHECK;

#endif
