/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file From a request to its principal: cookie, token, proxy's header, or this machine. */
#ifndef EYRIE_SERVER_AUTH_REQUEST_H
#define EYRIE_SERVER_AUTH_REQUEST_H

#include "base/config.h"
#include "db/user.h"
#include "server/auth.h"
#include "server/message.h"

/** Roles of users. */
#define AUTH_ROLES(X)                                                                              \
	X(VIEWER, "viewer", AUTH_VIEW)                                                             \
	X(ENGINEER, "engineer", AUTH_VIEW | AUTH_TRIAGE | AUTH_MERGE)                              \
	X(OPERATOR, "operator", AUTH_VIEW | AUTH_TRIAGE | AUTH_MERGE | AUTH_OPERATE | AUTH_SUBMIT) \
	X(ADMINISTRATOR, "administrator", AUTH_ALL)

/** Permissions of a role, 0 where there is none of that name. */
unsigned int auth_role_permissions(const char *role);
/** Names between blanks or commas as bits; EY_ERR_USAGE for one that is none. */
struct ey_error *auth_permissions_parse(const char *names, unsigned int *ret) EY_MUST_CHECK;

/** Fill in @p who as the person @p user. */
void auth_user_principal(struct auth_principal *who, const struct db_user *user);

struct auth;

/** Section [auth]; @p loopback: the listener is on this machine only, @p secure: TLS before it. */
struct ey_error *auth_create(const struct ey_config *config, bool loopback, bool secure,
			     struct auth **ret) EY_MUST_CHECK;
void auth_destroy(struct auth *auth);

/**
 * Who asks. Never an error because of what was sent: who cannot be told is anonymous. EY_ERR_IO
 * where the database does not answer.
 */
struct ey_error *auth_identify(struct auth *auth, struct db *db,
			       const struct server_request *request,
			       struct auth_principal *ret) EY_MUST_CHECK;
/**
 * Whether @p request, whose principal came by something that the browser sends by itself, comes
 * from a page that was given the session's word for changes.
 */
bool auth_csrf_is_right(const struct auth *auth, const struct server_request *request);

/**
 * Whether what let @p who in is still good: for answers that last. @p ret is not set with an error.
 */
struct ey_error *auth_still(struct auth *auth, struct db *db, const struct auth_principal *who,
			    bool *ret) EY_MUST_CHECK;

/** As long as nobody can sign in, this machine's people are administrators (ADR 0043). */
struct ey_error *auth_is_open(struct auth *auth, struct db *db, bool *ret) EY_MUST_CHECK;

/** The session cookie's value in @p request (SECRET_SIZE bytes); false: there is none. */
bool auth_session_secret(const struct auth *auth, const struct server_request *request, char *ret);
/** Set, or (@p secret NULL) remove, the session cookie. */
void auth_session_cookie(const struct auth *auth, struct server_response *response,
			 const char *secret);
const struct db_session_life *auth_session_life(const struct auth *auth);
/** At most two passwords at a time, as each takes 64 MiB: EY_ERR_IO where more are tried. */
struct ey_error *auth_verify_password(struct auth *auth, const char *hash, const char *password,
				      bool *right_ret) EY_MUST_CHECK;
/** Hash a new one into @p ret (SECRET_PASSWORD_HASH_SIZE bytes); counts as one that is tried. */
struct ey_error *auth_hash_password(struct auth *auth, const char *password,
				    char *ret) EY_MUST_CHECK;

#endif
