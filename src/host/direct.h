/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Dumps that go from this host into the center's store, sealed here, by addresses that the center
 * signs for each part.
 */
#ifndef EYRIE_HOST_DIRECT_H
#define EYRIE_HOST_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"
#include "store/seal.h"

/** What the center wants. */
struct host_direct {
	bool on;
	/** Before it leaves this host. */
	bool seal;
	struct seal_recipients to;
};

/** Ask; a center that does not know the question wants dumps by itself. */
struct ey_error *host_direct_ask(struct client *client, struct host_direct *ret) EY_MUST_CHECK;
/** Seal the dump @p fd into a file without a name in $TMPDIR (else /var/tmp). */
struct ey_error *host_direct_seal(const struct host_direct *direct, int fd,
				  int *fd_ret) EY_MUST_CHECK;
/**
 * Put what is missing of @p upload, until the center has it. @p begin: nothing of it came yet.
 * Errors and @p retry_after_ret are those of client_upload().
 */
struct ey_error *host_direct_upload(struct client *client, const struct client_upload *upload,
				    bool begin, int64_t *retry_after_ret) EY_MUST_CHECK;

#endif
