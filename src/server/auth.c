/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What principals may do. Who they are is found out in auth_request.c. */
#include "server/auth.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

const char *auth_kind_name(enum auth_kind kind)
{
	static const char *const names[] = {
#define X(id, name) [AUTH_IS_##id] = (name),
		AUTH_KINDS(X)
#undef X
	};

	return names[kind];
}

static const struct {
	unsigned int bit;
	const char *name;
} permissions[] = {
#define X(id, bit, name) {AUTH_##id, name},
	AUTH_PERMISSIONS(X)
#undef X
};

unsigned int auth_permission_parse(const char *name)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(permissions); i++) {
		if (!strcmp(permissions[i].name, name))
			return permissions[i].bit;
	}
	return 0;
}

const char *auth_permission_name(unsigned int bit)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(permissions); i++) {
		if (permissions[i].bit == bit)
			return permissions[i].name;
	}
	return "";
}

bool auth_allows(const struct auth_principal *who, unsigned int wanted)
{
	if (wanted & AUTH_PUBLIC)
		return true;
	if ((wanted & AUTH_KNOWN) && who->kind != AUTH_IS_ANONYMOUS)
		return true;
	return (wanted & who->permissions & AUTH_ALL) != 0;
}

// Ids differ in letter case between kernels and tools, machines do not.
static bool differs(const char *ours, const char *theirs)
{
	return *ours && theirs && *theirs && strcasecmp(ours, theirs) != 0;
}

static bool same(const char *ours, const char *theirs)
{
	return *ours && theirs && !strcasecmp(ours, theirs);
}

struct ey_error *auth_check_host(const struct auth_principal *who, const struct auth_claim *claim)
{
	const struct auth_host *own = &who->host;
	const char *what = NULL;

	if (!(who->permissions & AUTH_SUBMIT))
		return ey_error_create(EY_ERR_DENIED, "sending crashes needs a host's token, or "
						      "one with the scope \"submit\"");
	if (who->kind != AUTH_IS_HOST)
		return NULL;
	if (claim->site && *claim->site && strcmp(own->site, claim->site) != 0)
		what = "site";
	else if (differs(own->machine_id, claim->machine_id))
		what = "machine-id";
	else if (differs(own->dmi_uuid, claim->dmi_uuid))
		what = "DMI UUID";
	else if (!same(own->machine_id, claim->machine_id) &&
		 !same(own->dmi_uuid, claim->dmi_uuid) && !same(own->hostname, claim->hostname))
		what = "host name";
	if (!what)
		return NULL;
	return ey_error_create(EY_ERR_DENIED,
			       "the token is that of %s, and the %s is another one's; if it is the "
			       "same machine with new hardware or a new name, enrol it again",
			       own->hostname, what);
}

struct ey_error *auth_name(const struct auth_principal *who, const char *said, const char **ret)
{
	bool visible = said && said[strspn(said, " \t\n")];

	*ret = who->kind == AUTH_IS_LOCAL ? said : who->name;
	if (who->kind == AUTH_IS_LOCAL && !visible)
		return ey_error_create(EY_ERR_INPUT, "the body must have a \"who\", as nobody "
						     "signs in here yet");
	return NULL;
}
