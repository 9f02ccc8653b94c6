/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The console's files, embedded into the program at build time by embed.py. */
#ifndef EYRIE_SERVER_ASSETS_H
#define EYRIE_SERVER_ASSETS_H

#include <stddef.h>

struct server_asset {
	/** As requested, e.g. "/assets/console-5F2A.js". */
	const char *path;
	const char *content_type;
	const unsigned char *data;
	size_t len;
	/** The same in gzip; NULL where that is not smaller. */
	const unsigned char *gzip;
	size_t gzip_len;
	/** With quotes. */
	const char *etag;
};

/** Sorted by path. */
extern const struct server_asset server_assets[];
extern const size_t server_asset_count;

/** NULL where there is none of that path. */
const struct server_asset *server_asset_find(const char *path);

#endif
