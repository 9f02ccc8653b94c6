/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Who this host is: what a dump of it does not hold. */
#ifndef EYRIE_HOST_IDENTITY_H
#define EYRIE_HOST_IDENTITY_H

#include <stdbool.h>

#include "analysis/record_read.h"

struct host_identity {
	/** Each NULL where the host has none (or, for DMI, not root). */
	char *hostname;
	/** machine-id(5), 32 hexadecimal digits. */
	char *machine_id;
	/** DMI product UUID, lower case with dashes, and serial number; placeholders are NULL. */
	char *dmi_uuid;
	char *dmi_serial;
};

/** Read it from the files below @p sysroot ("" for this host): /etc, /proc and /sys. */
struct ey_error *host_identity_read(const char *sysroot, struct host_identity *ret) EY_MUST_CHECK;
void host_identity_deinit(struct host_identity *identity);
#define _cleanup_host_identity_ __attribute__((cleanup(host_identity_deinit)))

/**
 * Whether the crash is this host's own, so that its machine-id may be added: the hardware's UUID
 * decides where both sides have one, else the host name (without domain or case). A crash folder
 * can be shared by many hosts; another's crash must not get our name.
 */
bool host_identity_owns(const struct host_identity *identity, const struct record *record);

/** Whether two host names mean one host: compared without case, and without domain where one of
 * them has none. */
bool host_names_equal(const char *a, const char *b);

#endif
