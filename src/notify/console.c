/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify/console.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct ey_error *notify_console_url(const struct ey_config *config, char **ret)
{
	const char *url = ey_config_string(config, "server", "url", NULL);

	*ret = NULL;
	if (!url || !*url)
		return NULL;
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return ey_error_create(EY_ERR_USAGE,
				       "[server] url = %s: write it as https://eyrie.example.com",
				       url);
	for (const char *s = url; *s; s++) {
		if (*s <= 0x20 || *s >= 0x7f || strchr("\"<>\\^`{|}", *s))
			return ey_error_create(EY_ERR_USAGE,
					       "[server] url: there is a character in it that no "
					       "address may have");
	}
	size_t len = strlen(url);
	while (len && url[len - 1] == '/')
		len--;
	*ret = strndup(url, len);
	return *ret ? NULL : &ey_error_nomem;
}

char *notify_console_link(const char *console_url, const char *kind, int64_t id)
{
	char *link;

	if (!console_url || id <= 0 || asprintf(&link, "%s/%s/%" PRId64, console_url, kind, id) < 0)
		return NULL;
	return link;
}
