/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/package_version.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const format_names[] = {[EY_PACKAGE_DPKG] = "dpkg", [EY_PACKAGE_RPM] = "rpm"};

const char *ey_package_format_name(enum ey_package_format format)
{
	return format_names[format];
}

bool ey_package_format_parse(const char *name, enum ey_package_format *ret)
{
	for (size_t i = 0; name && i < EY_ARRAY_SIZE(format_names); i++) {
		if (!strcmp(name, format_names[i])) {
			*ret = (enum ey_package_format)i;
			return true;
		}
	}
	return false;
}

// The locale must not change an order: plain ASCII, for isdigit() and isalpha().
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int sign(int64_t v)
{
	return (v > 0) - (v < 0);
}

/** A stretch of text that ends where `end` is. */
struct span {
	const char *at;
	const char *end;
};

static char first(const struct span *s)
{
	return s->at < s->end ? *s->at : '\0';
}

// Numbers of any length: the one with more digits is larger, else the first digit that differs.
static int compare_digits(struct span *a, struct span *b)
{
	const char *begin_a, *begin_b;

	while (first(a) == '0')
		a->at++;
	while (first(b) == '0')
		b->at++;
	begin_a = a->at;
	begin_b = b->at;
	while (is_digit(first(a)))
		a->at++;
	while (is_digit(first(b)))
		b->at++;
	ptrdiff_t len_a = a->at - begin_a, len_b = b->at - begin_b;
	if (len_a != len_b)
		return sign(len_a - len_b);
	return sign(memcmp(begin_a, begin_b, (size_t)len_a));
}

// deb-version(7): "~" before the end of the text, that before letters, those before all else.
static int dpkg_order(char c)
{
	if (!c || is_digit(c))
		return 0;
	if (is_alpha(c))
		return c;
	return c == '~' ? -1 : (unsigned char)c + 256;
}

static int compare_dpkg(struct span a, struct span b)
{
	while (first(&a) || first(&b)) {
		while ((first(&a) && !is_digit(first(&a))) || (first(&b) && !is_digit(first(&b)))) {
			int order = dpkg_order(first(&a)) - dpkg_order(first(&b));

			if (order)
				return sign(order);
			a.at++;
			b.at++;
		}
		int order = compare_digits(&a, &b);
		if (order)
			return order;
	}
	return 0;
}

static void skip_separators(struct span *s)
{
	char c;

	while ((c = first(s)) && !is_digit(c) && !is_alpha(c) && c != '~' && c != '^')
		s->at++;
}

static int compare_letters(struct span *a, struct span *b)
{
	const char *begin_a = a->at, *begin_b = b->at;

	while (is_alpha(first(a)))
		a->at++;
	while (is_alpha(first(b)))
		b->at++;
	size_t len_a = (size_t)(a->at - begin_a), len_b = (size_t)(b->at - begin_b);
	int order = memcmp(begin_a, begin_b, EY_MIN(len_a, len_b));
	return order ? sign(order) : sign((int64_t)len_a - (int64_t)len_b);
}

// rpm-version(7), segment by segment: separators only separate, "~" sorts before the end of the
// text, "^" after it and before anything else, a number after letters.
static int compare_rpm(struct span a, struct span b)
{
	while (first(&a) || first(&b)) {
		skip_separators(&a);
		skip_separators(&b);
		char x = first(&a), y = first(&b);
		if (x == '~' || y == '~') {
			if (x != y)
				return x == '~' ? -1 : 1;
		} else if (x == '^' || y == '^') {
			if (x != y)
				return !x || (y && x == '^') ? -1 : 1;
		} else if (!x || !y) {
			break;
		} else {
			if (is_digit(x) != is_digit(y))
				return is_digit(x) ? 1 : -1;
			int order = is_digit(x) ? compare_digits(&a, &b) : compare_letters(&a, &b);
			if (order)
				return order;
			continue;
		}
		a.at++;
		b.at++;
	}
	return (first(&a) != '\0') - (first(&b) != '\0');
}

struct parts {
	struct span epoch;
	struct span version;
	struct span revision;
	bool has_revision;
};

static struct parts take_apart(const char *text)
{
	const char *end = text + strlen(text), *colon = strchr(text, ':');
	struct parts p = {.epoch = {text, text}};

	if (colon) {
		p.epoch.end = colon;
		text = colon + 1;
	}
	const char *dash = strrchr(text, '-');
	p.version = (struct span){text, dash ? dash : end};
	p.revision = (struct span){dash ? dash + 1 : end, end};
	p.has_revision = dash;
	return p;
}

int ey_package_version_compare(enum ey_package_format format, const char *a, const char *b)
{
	struct parts x = take_apart(a), y = take_apart(b);
	int (*compare)(struct span, struct span) =
		format == EY_PACKAGE_DPKG ? compare_dpkg : compare_rpm;
	int order = compare_digits(&x.epoch, &y.epoch);

	if (!order)
		order = compare(x.version, y.version);
	if (order)
		return order;
	// To rpm none at all is less than any; to dpkg it is "0".
	if (format == EY_PACKAGE_RPM && x.has_revision != y.has_revision)
		return x.has_revision - y.has_revision;
	return compare(x.revision, y.revision);
}

// "... Debian 6.1.147-1 (2025-08-02)"
static char *debian_version(const char *version)
{
	const char *at = strstr(version, " Debian ");

	if (!at)
		return NULL;
	at += strlen(" Debian ");
	return is_digit(*at) ? strndup(at, strcspn(at, " ")) : NULL;
}

// uname -r "5.15.0-139-generic" and uname -v "#149~20.04.1-Ubuntu SMP ..."
// are 5.15.0-139.149~20.04.1
static char *ubuntu_version(const char *release, const char *version)
{
	const char *end = strstr(version, "-Ubuntu"), *dash = strchr(release, '-');
	char *text;

	if (!end || *version != '#' || !dash || !is_digit(dash[1]))
		return NULL;
	int upload = (int)(end - version - 1);
	int abi = (int)(dash + 1 - release + (ptrdiff_t)strspn(dash + 1, "0123456789"));
	return asprintf(&text, "%.*s.%.*s", abi, release, upload, version + 1) < 0 ? NULL : text;
}

// "5.14.0-427.13.1.el9_4.x86_64", "6.8.5-301.fc40.x86_64+debug": a distribution and the machine.
static char *rpm_version(const char *release)
{
	static const char *const distributions[] = {".el", ".fc", ".amzn", ".an", ".oe", ".cm"};
	const char *found = NULL, *machine;

	for (size_t i = 0; !found && i < EY_ARRAY_SIZE(distributions); i++) {
		found = strstr(release, distributions[i]);
		if (found && !is_digit(found[strlen(distributions[i])]))
			found = NULL;
	}
	machine = found ? strrchr(found + 1, '.') : NULL;
	return machine && strchr(release, '-') ? strndup(release, (size_t)(machine - release))
					       : NULL;
}

char *ey_package_version_of_kernel(const char *release, const char *version,
				   enum ey_package_format *format_ret)
{
	release = release ? release : "";
	version = version ? version : "";
	*format_ret = EY_PACKAGE_DPKG;
	char *found = debian_version(version);
	if (!found)
		found = ubuntu_version(release, version);
	if (found)
		return found;
	*format_ret = EY_PACKAGE_RPM;
	return rpm_version(release);
}
