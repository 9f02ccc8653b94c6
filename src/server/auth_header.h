/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Headers that say who asks, taken apart. Text that anybody may send: what is not understood is as
 * if it was not there.
 */
#ifndef EYRIE_SERVER_AUTH_HEADER_H
#define EYRIE_SERVER_AUTH_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/** The token of "Bearer TOKEN"; false where @p header (may be NULL) is something else. */
bool auth_header_bearer(const char *header, char *ret, size_t size);

/**
 * The value of cookie @p name in a Cookie header (may be NULL); the first of that name. False where
 * it is missing, empty, or does not fit.
 */
bool auth_header_cookie(const char *header, const char *name, char *ret, size_t size);

/** A user's name: 1 to 64 letters, digits and any of "._@+-", beginning with none of "-.@+". */
bool auth_name_is_valid(const char *name);

/** Whether numeric @p address is in @p list: addresses and networks ("10.0.0.0/8"), blanks between.
 */
bool auth_address_in(const char *address, const char *list);
/** EY: whether each word of @p list is an address or a network; the first that is none. */
bool auth_address_list_check(const char *list, char *bad, size_t size);

/**
 * Whose request a proxy handed on: from the right end of X-Forwarded-For (may be NULL), the first
 * address that is not in @p proxies. False: none that is an address.
 */
bool auth_header_forwarded(const char *header, const char *proxies, char *ret, size_t size);

/** What is counted for an address: itself, and of IPv6 its /64, which one machine has whole. */
void auth_address_bucket(const char *address, char *ret, size_t size);

#endif
