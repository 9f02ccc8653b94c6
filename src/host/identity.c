/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/identity.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { MAX_BYTES = 4096, MAX_NAME = 255 };

// What firmware holds where the vendor filled nothing in.
static const char *const placeholders[] = {
	"None",
	"Not Specified",
	"Not Available",
	"N/A",
	"Default string",
	"To be filled by O.E.M.",
	"System Serial Number",
	"Unknown",
	"0123456789",
	"123456789",
	"0",
	"Not Applicable",
};

// The first line of a file, without the blanks around it; NULL where there is none.
static struct ey_error *read_line(const char *sysroot, const char *name, char **ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *text = NULL;

	*ret = NULL;
	if (asprintf(&path, "%s%s", sysroot, name) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	struct ey_error *err = ey_file_read_whole(path, MAX_BYTES, &text, NULL);
	if (err && err != &ey_error_nomem) {
		// Not there, or not for us: a host without DMI, an agent that is not root.
		ey_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	text[strcspn(text, "\n")] = '\0';
	char *start = text + strspn(text, " \t");
	size_t len = strlen(start);
	while (len && isspace((unsigned char)start[len - 1]))
		len--;
	if (!len || len > MAX_NAME)
		return NULL;
	*ret = strndup(start, len);
	return *ret ? NULL : &ey_error_nomem;
}

static bool is_placeholder(const char *s)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(placeholders); i++) {
		if (!strcasecmp(s, placeholders[i]))
			return true;
	}
	return false;
}

// A UUID whose digits are all the same is an unset one (SMBIOS: all 0 or all F).
static bool is_sound_id(const char *s, size_t digits)
{
	size_t n = 0;
	char first = 0;
	bool same = true;

	for (; *s; s++) {
		if (*s == '-')
			continue;
		if (!isxdigit((unsigned char)*s))
			return false;
		if (!first)
			first = *s;
		same &= *s == first;
		n++;
	}
	return n == digits && !same;
}

static void keep_if(char **s, bool keep)
{
	if (keep)
		return;
	free(*s);
	*s = NULL;
}

struct ey_error *host_identity_read(const char *sysroot, struct host_identity *ret)
{
	struct ey_error *err;

	*ret = (struct host_identity){0};
	err = read_line(sysroot, "/proc/sys/kernel/hostname", &ret->hostname);
	if (!err)
		err = read_line(sysroot, "/etc/machine-id", &ret->machine_id);
	if (!err)
		err = read_line(sysroot, "/sys/class/dmi/id/product_uuid", &ret->dmi_uuid);
	if (!err)
		err = read_line(sysroot, "/sys/class/dmi/id/product_serial", &ret->dmi_serial);
	if (err) {
		host_identity_deinit(ret);
		return err;
	}
	for (char *p = ret->dmi_uuid; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	keep_if(&ret->hostname, ret->hostname && strcmp(ret->hostname, "(none)") != 0);
	keep_if(&ret->machine_id, ret->machine_id && is_sound_id(ret->machine_id, 32));
	keep_if(&ret->dmi_uuid, ret->dmi_uuid && is_sound_id(ret->dmi_uuid, 32));
	keep_if(&ret->dmi_serial, ret->dmi_serial && !is_placeholder(ret->dmi_serial));
	return NULL;
}

void host_identity_deinit(struct host_identity *identity)
{
	free(identity->hostname);
	free(identity->machine_id);
	free(identity->dmi_uuid);
	free(identity->dmi_serial);
	*identity = (struct host_identity){0};
}

bool host_names_equal(const char *a, const char *b)
{
	size_t na = strcspn(a, "."), nb = strcspn(b, ".");

	if (a[na] && b[nb])
		return !strcasecmp(a, b);
	return na == nb && !strncasecmp(a, b, na);
}

bool host_identity_owns(const struct host_identity *identity, const struct record *record)
{
	const char *hostname = record_hostname(record);
	const char *uuid = record->identity.dmi_uuid;

	if (uuid && identity->dmi_uuid && is_sound_id(uuid, 32))
		return !strcasecmp(uuid, identity->dmi_uuid);
	return hostname && identity->hostname && host_names_equal(hostname, identity->hostname);
}
