/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "notify/message.h"

enum {
	MAX_ADDRESSES = 100,
	/** RFC 5321, 4.5.3.1: the longest path. */
	MAX_ADDRESS_LENGTH = 254,
};

void mail_address_deinit(struct mail_address *address)
{
	free(address->name);
	free(address->address);
	*address = (struct mail_address){0};
}

void mail_addresses_deinit(struct mail_addresses *addresses)
{
	for (size_t i = 0; i < addresses->count; i++)
		mail_address_deinit(&addresses->list[i]);
	free(addresses->list);
	*addresses = (struct mail_addresses){0};
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

// dot-atom "@" domain (RFC 5321, 4.1.2) without the forms that nobody uses and that only make
// trouble: quoted local parts, comments, address literals.
static bool is_address(const char *s, size_t len)
{
	const char *at = memchr(s, '@', len);
	char previous = '.';

	if (!at || at == s || len > MAX_ADDRESS_LENGTH)
		return false;
	for (const char *p = s; p < at; p++) {
		if (!is_alnum(*p) && !strchr(".!#$%&'*+-/=?^_`{|}~", *p))
			return false;
		if (*p == '.' && previous == '.')
			return false;
		previous = *p;
	}
	if (previous == '.')
		return false;
	previous = '.';
	for (const char *p = at + 1; p < s + len; p++) {
		if (!is_alnum(*p) && *p != '-' && *p != '.')
			return false;
		if (*p == '.' && previous == '.')
			return false;
		previous = *p;
	}
	return at + 1 < s + len && previous != '.';
}

static void trim(const char **s, size_t *len)
{
	while (*len && strchr(" \t\r\n", **s)) {
		(*s)++;
		(*len)--;
	}
	while (*len && strchr(" \t\r\n", (*s)[*len - 1]))
		(*len)--;
}

// Where this item of the list ends: a comma outside of "..." and <...>, or the end.
static size_t item_length(const char *s)
{
	bool quoted = false, angle = false;
	size_t i;

	for (i = 0; s[i]; i++) {
		if (quoted && s[i] == '\\' && s[i + 1])
			i++;
		else if (s[i] == '"')
			quoted = !quoted;
		else if (!quoted && (s[i] == '<' || s[i] == '>'))
			angle = s[i] == '<';
		else if (!quoted && !angle && s[i] == ',')
			break;
	}
	return i;
}

static struct ey_error *bad_address(const char *s, size_t len)
{
	return ey_error_create(EY_ERR_USAGE,
			       "\"%.*s\" is not a mail address; write it as user@example.com or "
			       "Name <user@example.com>",
			       (int)EY_MIN(len, (size_t)100), s);
}

// A display name as it is written: the quotes and backslashes of "..." taken away.
static char *unquote(const char *s, size_t len)
{
	char *name = malloc(len + 1);
	size_t n = 0;

	if (!name)
		return NULL;
	bool quoted = len >= 2 && s[0] == '"' && s[len - 1] == '"';
	for (size_t i = quoted; i < len - quoted; i++) {
		if (quoted && s[i] == '\\' && i + 1 < len - 1)
			i++;
		name[n++] = s[i];
	}
	name[n] = '\0';
	return name;
}

static struct ey_error *parse_one(const char *s, size_t len, struct mail_address *ret)
{
	const char *open = memrchr(s, '<', len);
	const char *address = s, *name = NULL;
	size_t address_len = len, name_len = 0;

	*ret = (struct mail_address){0};
	if (open) {
		if (s[len - 1] != '>')
			return bad_address(s, len);
		name = s;
		name_len = (size_t)(open - s);
		address = open + 1;
		address_len = (size_t)(s + len - 1 - address);
		trim(&name, &name_len);
	}
	if (!is_address(address, address_len))
		return bad_address(s, len);
	ret->address = strndup(address, address_len);
	if (name_len)
		ret->name = unquote(name, name_len);
	if (!ret->address || (name_len && !ret->name)) {
		mail_address_deinit(ret);
		return &ey_error_nomem;
	}
	return NULL;
}

struct ey_error *mail_addresses_parse(const char *text, struct mail_addresses *ret)
{
	_cleanup_mail_addresses_ struct mail_addresses found = {0};

	*ret = (struct mail_addresses){0};
	for (const char *s = text; *s;) {
		size_t whole = item_length(s), len = whole;
		const char *item = s;

		trim(&item, &len);
		s += whole;
		if (*s == ',')
			s++;
		if (!len)
			continue;
		if (found.count == MAX_ADDRESSES)
			return ey_error_create(EY_ERR_USAGE,
					       "more than %d mail addresses; use a mailing list",
					       MAX_ADDRESSES);
		struct mail_address *list =
			reallocarray(found.list, found.count + 1, sizeof(*list));
		if (!list)
			return &ey_error_nomem;
		found.list = list;
		struct ey_error *err = parse_one(item, len, &list[found.count]);
		if (err)
			return err;
		found.count++;
	}
	*ret = found;
	found = (struct mail_addresses){0};
	return NULL;
}
