/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/heartbeat.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

enum {
	/** Largest file that is looked at: dpkg's of a machine with many packages has a few MB. */
	MAX_BYTES = 64 << 20,
	/** The center takes lines of at most so many bytes. */
	MAX_TEXT = 255,
	MAX_LABELS = 64,
	MAX_PACKAGES = 200,
};

/** Packages whose version says something about a kernel's crash: names that begin so. */
static const char *const packages[] = {
	"linux-image",	   "linux-modules",   "firmware-",   "linux-firmware",
	"intel-microcode", "amd64-microcode", "kdump-tools", "makedumpfile",
};

// The contents of a file below the root; NULL where it cannot be read.
static char *slurp(const char *sysroot, const char *name)
{
	_cleanup_free_ char *path = NULL;
	char *text = NULL;

	if (asprintf(&path, "%s%s", sysroot, name) < 0) {
		path = NULL;
		return NULL;
	}
	_cleanup_error_ struct ey_error *err = ey_file_read_whole(path, MAX_BYTES, &text, NULL);
	return err ? NULL : text;
}

// The first line without blanks around it, in place; NULL where it is empty or no plain text.
static const char *clean(char *text)
{
	if (!text)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	text += strspn(text, " \t\"");
	for (size_t n = strlen(text); n && strchr(" \t\r\"", text[n - 1]); n--)
		text[n - 1] = '\0';
	for (const char *p = text; *p; p++) {
		if (iscntrl((unsigned char)*p))
			return NULL;
	}
	if (strlen(text) > MAX_TEXT)
		text[MAX_TEXT] = '\0';
	return *text ? text : NULL;
}

static void kv(struct ey_json *json, const char *key, const char *value)
{
	if (value)
		ey_json_kv_string(json, key, value);
}

static void kv_file(struct ey_json *json, const char *sysroot, const char *key, const char *file)
{
	_cleanup_free_ char *text = slurp(sysroot, file);

	kv(json, key, clean(text));
}

// What stands behind "KEY<separator>" at the beginning of a line (free()); NULL: nothing.
static char *value_of(const char *text, const char *key, char separator)
{
	size_t len = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) != 0)
			continue;
		const char *p = line + len + strspn(line + len, " \t");
		if (*p == separator)
			return strndup(p + 1, strcspn(p + 1, "\n"));
	}
	return NULL;
}

struct ey_error *host_boot_id(const char *sysroot, char **ret)
{
	_cleanup_free_ char *text = slurp(sysroot, "/proc/sys/kernel/random/boot_id");
	const char *id = clean(text);

	if (!id)
		return ey_error_create(EY_ERR_IO, "cannot read "
						  "/proc/sys/kernel/random/boot_id");
	*ret = strdup(id);
	return *ret ? NULL : &ey_error_nomem;
}

static void write_identity(struct ey_json *json, const struct host_identity *i, const char *boot_id)
{
	ey_json_key(json, "identity");
	ey_json_object_begin(json);
	ey_json_kv_string(json, "hostname", i->hostname);
	ey_json_kv_string(json, "machine_id", i->machine_id);
	ey_json_kv_string(json, "boot_id", boot_id);
	ey_json_kv_string(json, "dmi_uuid", i->dmi_uuid);
	ey_json_kv_string(json, "dmi_serial", i->dmi_serial);
	ey_json_object_end(json);
}

static void write_kernel(struct ey_json *json, const char *sysroot)
{
	struct utsname name;

	ey_json_key(json, "kernel");
	ey_json_object_begin(json);
	kv_file(json, sysroot, "release", "/proc/sys/kernel/osrelease");
	kv_file(json, sysroot, "version", "/proc/sys/kernel/version");
	if (!uname(&name))
		ey_json_kv_string(json, "machine", name.machine);
	ey_json_object_end(json);
}

static void write_cpu(struct ey_json *json, const char *sysroot)
{
	_cleanup_free_ char *text = slurp(sysroot, "/proc/cpuinfo");
	_cleanup_free_ char *model = text ? value_of(text, "model name", ':') : NULL;
	_cleanup_free_ char *microcode = text ? value_of(text, "microcode", ':') : NULL;
	uint64_t count = 0;

	for (const char *p = text; p && (p = strstr(p, "processor")); p++)
		count += p == text || p[-1] == '\n';
	kv(json, "cpu_model", clean(model));
	kv(json, "microcode", clean(microcode));
	if (count)
		ey_json_kv_uint(json, "cpus", count);
}

// As modules of memory come: what the kernel keeps for itself differs a little from boot to boot.
static void write_memory(struct ey_json *json, const char *sysroot)
{
	enum { STEP_MIB = 256 };
	_cleanup_free_ char *text = slurp(sysroot, "/proc/meminfo");
	_cleanup_free_ char *total = text ? value_of(text, "MemTotal", ':') : NULL;
	uint64_t mib = total ? strtoull(total, NULL, 10) >> 10 : 0;

	if (mib)
		ey_json_kv_uint(json, "memory_bytes",
				((mib + STEP_MIB - 1) / STEP_MIB * STEP_MIB) << 20);
}

static void write_system(struct ey_json *json, const char *sysroot, const char *image)
{
	_cleanup_free_ char *text = slurp(sysroot, "/etc/os-release");
	_cleanup_free_ char *id = text ? value_of(text, "ID", '=') : NULL;
	_cleanup_free_ char *version = text ? value_of(text, "VERSION_ID", '=') : NULL;
	_cleanup_free_ char *image_id = text ? value_of(text, "IMAGE_ID", '=') : NULL;
	_cleanup_free_ char *image_version = text ? value_of(text, "IMAGE_VERSION", '=') : NULL;
	_cleanup_free_ char *point = slurp(sysroot, "/etc/debian_version");
	const char *name = clean(id), *number = clean(version), *own = clean(image_id),
		   *own_version = clean(image_version), *debian = clean(point);
	char os[2 * MAX_TEXT];

	if (name) {
		// Debian's point release is only there.
		if (!strcmp(name, "debian") && debian && isdigit((unsigned char)*debian))
			number = debian;
		snprintf(os, MAX_TEXT, "%s%s%s", name, number ? " " : "", number ? number : "");
		ey_json_kv_string(json, "os", os);
	}
	if (!image && own) {
		snprintf(os, MAX_TEXT, "%s%s%s", own, own_version ? " " : "",
			 own_version ? own_version : "");
		image = os;
	}
	kv(json, "image", image);
}

static void write_inventory(struct ey_json *json, const struct host_heartbeat_options *o)
{
	static const char *const dmi[][2] = {
		{"vendor", "/sys/class/dmi/id/sys_vendor"},
		{"product", "/sys/class/dmi/id/product_name"},
		{"board", "/sys/class/dmi/id/board_name"},
		{"bios_vendor", "/sys/class/dmi/id/bios_vendor"},
		{"bios_version", "/sys/class/dmi/id/bios_version"},
		{"bios_date", "/sys/class/dmi/id/bios_date"},
	};

	ey_json_key(json, "inventory");
	ey_json_object_begin(json);
	for (size_t i = 0; i < EY_ARRAY_SIZE(dmi); i++)
		kv_file(json, o->sysroot, dmi[i][0], dmi[i][1]);
	write_cpu(json, o->sysroot);
	write_memory(json, o->sysroot);
	write_system(json, o->sysroot, o->image);
	ey_json_object_end(json);
}

static void write_package(struct ey_json *json, const char *name, const char *version)
{
	ey_json_object_begin(json);
	ey_json_kv_string(json, "name", name);
	ey_json_kv_string(json, "version", version);
	ey_json_object_end(json);
}

static bool is_wanted(const char *name)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(packages); i++) {
		if (!strncmp(name, packages[i], strlen(packages[i])))
			return true;
	}
	return false;
}

// dpkg's list, paragraph by paragraph (deb-control(5)): the file is its interface for readers.
static void write_dpkg(struct ey_json *json, char *text)
{
	size_t count = 0;

	for (char *p = text, *next; p && *p && count < MAX_PACKAGES; p = next) {
		next = strstr(p, "\n\n");
		if (next) {
			*next = '\0';
			next += 2;
		}
		if (strncmp(p, "Package: ", 9) != 0 || !is_wanted(p + 9))
			continue;
		_cleanup_free_ char *name = value_of(p, "Package", ':');
		_cleanup_free_ char *status = value_of(p, "Status", ':');
		_cleanup_free_ char *version = value_of(p, "Version", ':');
		const char *clean_name = clean(name), *clean_version = clean(version);

		if (!clean_name || !clean_version || !status || !strstr(status, " ok installed"))
			continue;
		write_package(json, clean_name, clean_version);
		count++;
	}
}

// rpm's database has no readable form; what rpm itself says. The command holds nothing of others.
static void write_rpm(struct ey_json *json)
{
	char line[2 * MAX_TEXT];
	size_t count = 0;
	FILE *f = popen("/usr/bin/rpm -qa --qf '%{NAME}-%{ARCH} %{EVR}\\n' 'kernel*' "
			"linux-firmware microcode_ctl ucode-intel 'kdump*' makedumpfile "
			"2>/dev/null",
			"re");

	while (f && fgets(line, sizeof(line), f) && count < MAX_PACKAGES) {
		char *blank = strchr(line, ' ');
		const char *version = blank ? clean(blank + 1) : NULL;

		if (!blank || !version)
			continue;
		*blank = '\0';
		write_package(json, line, version);
		count++;
	}
	if (f)
		pclose(f);
}

static void write_packages(struct ey_json *json, const char *sysroot)
{
	_cleanup_free_ char *text = slurp(sysroot, "/var/lib/dpkg/status");

	ey_json_key(json, "packages");
	ey_json_array_begin(json);
	if (text)
		write_dpkg(json, text);
	else if (!*sysroot && !access("/usr/bin/rpm", X_OK))
		write_rpm(json);
	ey_json_array_end(json);
}

static void write_labels(struct ey_json *json, const struct ey_config *config)
{
	size_t count = 0;

	ey_json_key(json, "labels");
	ey_json_object_begin(json);
	for (size_t i = 0; config && i < config->count && count < MAX_LABELS; i++) {
		const struct ey_config_entry *e = &config->entries[i];

		if (strcmp(e->section, "labels") != 0 || !ey_name_is_safe(e->key))
			continue;
		ey_json_kv_string(json, e->key, e->value);
		count++;
	}
	ey_json_object_end(json);
}

struct ey_error *host_heartbeat_make(const struct host_heartbeat_options *o, struct ey_buf *ret)
{
	_cleanup_free_ char *boot_id = NULL, *uptime = slurp(o->sysroot, "/proc/uptime");
	char time[EY_TIME_TEXT_SIZE];
	struct ey_json json;
	struct ey_error *err = host_boot_id(o->sysroot, &boot_id);

	if (err)
		return err;
	if (!uptime)
		return ey_error_create(EY_ERR_IO, "cannot read /proc/uptime");
	ey_json_init(&json, ret, 0);
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "schema", "eyrie/heartbeat/1");
	if (o->site)
		ey_json_kv_string(&json, "site", o->site);
	ey_json_kv_string(&json, "time", ey_time_format(o->now, time));
	ey_json_kv_uint(&json, "uptime", strtoull(uptime, NULL, 10));
	write_identity(&json, o->identity, boot_id);
	write_kernel(&json, o->sysroot);
	write_inventory(&json, o);
	write_packages(&json, o->sysroot);
	write_labels(&json, o->config);
	ey_json_object_end(&json);
	return ey_buf_error(ret);
}
