/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What headers say about where a request comes from and goes to. */
#include "server/http_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "server/http.h"

struct join {
	const char *name;
	/** NULL: only count. */
	struct ey_buf *text;
	size_t count;
};

static enum MHD_Result join_header(void *arg, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct join *join = arg;

	if (strcasecmp(name, join->name) != 0)
		return MHD_YES;
	if (join->text)
		ey_buf_printf(join->text, "%s%s", join->count ? ", " : "", value ? value : "");
	join->count++;
	return MHD_YES;
}

size_t http_header_count(struct MHD_Connection *connection, const char *name)
{
	struct join join = {.name = name};

	MHD_get_connection_values(connection, MHD_HEADER_KIND, join_header, &join);
	return join.count;
}

char *http_header_join(struct MHD_Connection *connection, const char *name)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	struct join join = {.name = name, .text = &text};
	size_t len;

	MHD_get_connection_values(connection, MHD_HEADER_KIND, join_header, &join);
	return ey_buf_steal(&text, &len);
}

bool http_host_is_ours(const char *host, const char *names)
{
	char name[256];
	struct in6_addr a6;
	struct in_addr a4;
	size_t len;

	if (!host)
		return false;
	if (host[0] == '[') {
		len = strcspn(host + 1, "]");
		if (len >= sizeof(name) || host[1 + len] != ']')
			return false;
		memcpy(name, host + 1, len);
		name[len] = '\0';
		return inet_pton(AF_INET6, name, &a6) == 1;
	}
	len = strcspn(host, ":");
	if (!len || len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	if (inet_pton(AF_INET, name, &a4) == 1 || !strcasecmp(name, "localhost"))
		return true;
	for (const char *s = names; s && *s;) {
		s += strspn(s, " \t,");
		size_t n = strcspn(s, " \t,");

		if (n == len && !strncasecmp(s, name, n))
			return true;
		s += n;
	}
	return false;
}

bool http_is_same_origin(const char *sec_fetch_site, const char *origin, const char *host)
{
	if (sec_fetch_site &&
	    (strcmp(sec_fetch_site, "same-origin") != 0 && strcmp(sec_fetch_site, "none") != 0))
		return false;
	if (!origin)
		return true;
	for (size_t i = 0; i < 2; i++) {
		const char *scheme = i ? "https://" : "http://";

		if (!strncmp(origin, scheme, strlen(scheme)))
			return host && !strcasecmp(origin + strlen(scheme), host);
	}
	return false;
}
