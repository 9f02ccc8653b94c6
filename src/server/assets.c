/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/assets.h"

#include <stdlib.h>
#include <string.h>

static int by_path(const void *key, const void *asset)
{
	return strcmp(key, ((const struct server_asset *)asset)->path);
}

const struct server_asset *server_asset_find(const char *path)
{
	return bsearch(path, server_assets, server_asset_count, sizeof(server_assets[0]), by_path);
}
