/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/auth_header.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool copy(const char *s, size_t len, char *ret, size_t size)
{
	if (!len || len >= size)
		return false;
	memcpy(ret, s, len);
	ret[len] = '\0';
	return true;
}

bool auth_header_bearer(const char *header, char *ret, size_t size)
{
	static const char scheme[] = "Bearer ";

	if (!header || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return false;
	header += sizeof(scheme) - 1;
	header += strspn(header, " ");
	size_t len = strcspn(header, " \t,");
	return !header[len + strspn(header + len, " \t")] && copy(header, len, ret, size);
}

bool auth_header_cookie(const char *header, const char *name, char *ret, size_t size)
{
	size_t name_len = strlen(name);

	while (header && *header) {
		header += strspn(header, "; \t");
		size_t len = strcspn(header, ";");

		if (len > name_len && header[name_len] == '=' && !strncmp(header, name, name_len)) {
			header += name_len + 1;
			len -= name_len + 1;
			while (len && (header[len - 1] == ' ' || header[len - 1] == '\t'))
				len--;
			return copy(header, len, ret, size);
		}
		header += len;
	}
	return false;
}

bool auth_name_is_valid(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	static const char all[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@+-";
	size_t len = strlen(name);

	return len && len <= 64 && strchr(letters, name[0]) && strspn(name, all) == len;
}

// 16 bytes, IPv4 as IPv6 writes it; the number of leading bits that it adds, or -1.
static int parse_address(const char *text, unsigned char *ret)
{
	static const unsigned char v4[12] = {[10] = 0xff, [11] = 0xff};

	memcpy(ret, v4, sizeof(v4));
	if (inet_pton(AF_INET, text, ret + 12) == 1)
		return 96;
	return inet_pton(AF_INET6, text, ret) == 1 ? 0 : -1;
}

// A word of a list: an address, or one and the number of its bits that count.
static bool parse_network(const char *word, size_t len, unsigned char *ret, unsigned int *bits_ret)
{
	char text[64];
	char *end;

	if (!copy(word, len, text, sizeof(text)))
		return false;
	char *slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	int base = parse_address(text, ret);
	if (base < 0)
		return false;
	*bits_ret = 128;
	if (!slash)
		return true;
	if (slash[1] < '0' || slash[1] > '9')
		return false;
	unsigned long bits = strtoul(slash + 1, &end, 10);
	*bits_ret = (unsigned int)base + (unsigned int)bits;
	return !*end && bits <= 128 && *bits_ret <= 128;
}

static bool in_network(const unsigned char *a, const unsigned char *network, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;
	unsigned char mask = (unsigned char)(0xff << (8 - rest));

	return !memcmp(a, network, whole) && (!rest || !((a[whole] ^ network[whole]) & mask));
}

bool auth_address_in(const char *address, const char *list)
{
	unsigned char a[16], network[16];
	unsigned int bits;

	if (parse_address(address, a) < 0)
		return false;
	for (const char *s = list; s && *s;) {
		s += strspn(s, " \t,");
		size_t len = strcspn(s, " \t,");

		if (len && parse_network(s, len, network, &bits) && in_network(a, network, bits))
			return true;
		s += len;
	}
	return false;
}

bool auth_address_list_check(const char *list, char *bad, size_t size)
{
	unsigned char network[16];
	unsigned int bits;

	for (const char *s = list; s && *s;) {
		s += strspn(s, " \t,");
		size_t len = strcspn(s, " \t,");

		if (len && !parse_network(s, len, network, &bits)) {
			snprintf(bad, size, "%.*s", (int)len, s);
			return false;
		}
		s += len;
	}
	return true;
}

bool auth_header_forwarded(const char *header, const char *proxies, char *ret, size_t size)
{
	size_t end = header ? strlen(header) : 0;

	while (end) {
		size_t start = end;
		unsigned char a[16];

		while (start && header[start - 1] != ',')
			start--;
		size_t next = start ? start - 1 : 0;
		while (start < end && (header[start] == ' ' || header[start] == '\t'))
			start++;
		while (end > start && (header[end - 1] == ' ' || header[end - 1] == '\t'))
			end--;
		// What stands before something that no proxy of ours wrote is anybody's word.
		if (!copy(header + start, end - start, ret, size) || parse_address(ret, a) < 0)
			return false;
		if (!auth_address_in(ret, proxies))
			return true;
		end = next;
	}
	return false;
}

void auth_address_bucket(const char *address, char *ret, size_t size)
{
	unsigned char a[16];
	char text[INET6_ADDRSTRLEN];

	if (parse_address(address, a) != 0) {
		snprintf(ret, size, "%s", address);
		return;
	}
	memset(a + 8, 0, 8);
	snprintf(ret, size, "%s/64", inet_ntop(AF_INET6, a, text, sizeof(text)) ? text : "");
}
