/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Configuration in eyrie.conf, with drop-ins as systemd has them. Read in this order, the later
 * winning key by key:
 *
 *	/usr/lib/eyrie/eyrie.conf, /usr/lib/eyrie/eyrie.conf.d/X.conf	(vendor)
 *	/etc/eyrie/eyrie.conf, /etc/eyrie/eyrie.conf.d/X.conf		(administrator)
 *
 * or only the file named by --config or EYRIE_CONFIG, and its ".d" folder beside it.
 */
#ifndef EYRIE_BASE_CONFIG_H
#define EYRIE_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ey_config_entry {
	char *section;
	char *key;
	char *value;
	/** "path:line" of where it was set, for messages. */
	char *where;
};

struct ey_config {
	struct ey_config_entry *entries;
	size_t count;
};

/** Load as described above; @p path may be NULL. A named file that is missing is an error. */
struct ey_error *ey_config_load(struct ey_config *config, const char *path) EY_MUST_CHECK;
void ey_config_deinit(struct ey_config *config);
#define _cleanup_config_ __attribute__((cleanup(ey_config_deinit)))

/** Set a value from elsewhere (a command line option); @p where is for messages. */
struct ey_error *ey_config_set(struct ey_config *config, const char *section, const char *key,
			       const char *value, const char *where) EY_MUST_CHECK;

/** The text, owned by @p config, or @p fallback (which may be NULL). */
const char *ey_config_string(const struct ey_config *config, const char *section, const char *key,
			     const char *fallback);
/** Typed readers: @p ret is the fallback where the key is not set; a bad value is EY_ERR_USAGE. */
struct ey_error *ey_config_uint(const struct ey_config *config, const char *section,
				const char *key, uint64_t fallback, uint64_t *ret) EY_MUST_CHECK;
/** "yes/no", "true/false", "on/off", "1/0". */
struct ey_error *ey_config_bool(const struct ey_config *config, const char *section,
				const char *key, bool fallback, bool *ret) EY_MUST_CHECK;
/** Seconds, as ey_duration_parse() reads them. */
struct ey_error *ey_config_duration(const struct ey_config *config, const char *section,
				    const char *key, int64_t fallback, int64_t *ret) EY_MUST_CHECK;

#endif
