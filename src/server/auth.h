/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Who asks, and what they may do. routes.c finds the principal of each request before its body is
 * read, and turns away whoever has none of the permissions that the route's row names; a route's
 * function finds it in server_request.who.
 */
#ifndef EYRIE_SERVER_AUTH_H
#define EYRIE_SERVER_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/** What somebody may do; a bit each. The names are those of tokens' scopes. */
#define AUTH_PERMISSIONS(X)                                                           \
	/* Read everything but dumps: crashes, logs, hosts, reports. */               \
	X(VIEW, 0, "view")                                                            \
	/* Acknowledge alerts; make, change and comment issues. */                    \
	X(TRIAGE, 1, "triage")                                                        \
	/* Merge and split reasons, apply a regrouping. */                            \
	X(MERGE, 2, "merge")                                                          \
	/* Take a dump away: it holds what was in the machine's memory, keys too. */  \
	X(DOWNLOAD, 3, "download")                                                    \
	/* Run jobs, set holds and the policy, change events, life of hosts. */       \
	X(OPERATE, 4, "operate")                                                      \
	/* Users, tokens, enrolment keys, the audit log. */                           \
	X(ADMINISTER, 5, "administer")                                                \
	/* Send crashes, dumps and heartbeats: a host for itself, a token for any. */ \
	X(SUBMIT, 6, "submit")                                                        \
	/* A site's eyried: the token of the site's name, for that site alone. */     \
	X(FORWARD, 7, "forward")

enum auth_permission {
#define X(id, bit, name) AUTH_##id = 1 << (bit),
	AUTH_PERMISSIONS(X)
#undef X
		AUTH_ALL = (1 << 8) - 1,
	/* For rows of the route table: whoever is known, and everybody. */
	AUTH_KNOWN = 1 << 29,
	AUTH_PUBLIC = 1 << 30,
};

#define AUTH_KINDS(X)                                                           \
	X(ANONYMOUS, "anonymous")                                               \
	/* This machine, as long as there is no user (ADR 0043): may do all. */ \
	X(LOCAL, "local")                                                       \
	/* Signed in, or named by the proxy. */                                 \
	X(PERSON, "person")                                                     \
	/* A person's API token. */                                             \
	X(TOKEN, "token")                                                       \
	/* A host's own token: speaks for that host only. */                    \
	X(HOST, "host")

enum auth_kind {
#define X(id, name) AUTH_IS_##id,
	AUTH_KINDS(X)
#undef X
};
const char *auth_kind_name(enum auth_kind kind);

enum {
	AUTH_NAME_SIZE = 72,
	AUTH_ADDRESS_SIZE = 48,
	AUTH_HOSTNAME_SIZE = 256,
	AUTH_ID_SIZE = 72,
};

/** Which machine; "" where not known. */
struct auth_host {
	char site[AUTH_ID_SIZE];
	char hostname[AUTH_HOSTNAME_SIZE];
	char machine_id[AUTH_ID_SIZE];
	char dmi_uuid[AUTH_ID_SIZE];
};

struct auth_principal {
	enum auth_kind kind;
	/** Bits of enum auth_permission. */
	unsigned int permissions;
	/** The person, also behind a token; 0: none. */
	int64_t user_id;
	/** The API token or host token; 0: none. */
	int64_t token_id;
	/** The session that the cookie named; 0: none. */
	int64_t session_id;
	/** What histories call it: "robin", "web-01", "local"; "" for nobody. */
	char name[AUTH_NAME_SIZE];
	/** Numeric, where the request came from (told by the proxy, where that is trusted). */
	char address[AUTH_ADDRESS_SIZE];
	/** Of AUTH_IS_HOST. */
	struct auth_host host;
};

/** Whether @p who has one of @p permissions (a row's, with AUTH_KNOWN and AUTH_PUBLIC). */
bool auth_allows(const struct auth_principal *who, unsigned int permissions);

/**
 * Whether @p who may send what says to come from @p host (NULL members are not there: a dump knows
 * no machine-id). EY_ERR_DENIED where a host's token speaks for another machine: every id that both
 * know must be equal, and one of machine-id, DMI UUID or host name must be there. Everybody else
 * with AUTH_SUBMIT may speak for any host.
 */
struct auth_claim {
	const char *site;
	const char *hostname;
	const char *machine_id;
	const char *dmi_uuid;
};
struct ey_error *auth_check_host(const struct auth_principal *who,
				 const struct auth_claim *claim) EY_MUST_CHECK;

/**
 * The name that a change is noted under: that of the person, or of the token's person; @p said
 * (what the body says, may be NULL) only where nobody signs in. EY_ERR_INPUT where that is needed
 * and missing.
 */
struct ey_error *auth_name(const struct auth_principal *who, const char *said,
			   const char **ret) EY_MUST_CHECK;

/** The bit of a permission's name, 0 for none; and its name. */
unsigned int auth_permission_parse(const char *name);
const char *auth_permission_name(unsigned int bit);

#endif
