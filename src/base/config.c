/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

enum { MAX_CONFIG_BYTES = 1 << 20 };

static void entry_deinit(struct ey_config_entry *e)
{
	free(e->section);
	free(e->key);
	free(e->value);
	free(e->where);
}

void ey_config_deinit(struct ey_config *config)
{
	for (size_t i = 0; i < config->count; i++)
		entry_deinit(&config->entries[i]);
	free(config->entries);
	*config = (struct ey_config){0};
}

static struct ey_config_entry *find(const struct ey_config *config, const char *section,
				    const char *key)
{
	for (size_t i = 0; i < config->count; i++) {
		struct ey_config_entry *e = &config->entries[i];

		if (!strcmp(e->section, section) && !strcmp(e->key, key))
			return e;
	}
	return NULL;
}

struct ey_error *ey_config_set(struct ey_config *config, const char *section, const char *key,
			       const char *value, const char *where)
{
	struct ey_config_entry e = {strdup(section), strdup(key), strdup(value), strdup(where)};
	struct ey_config_entry *old = find(config, section, key);

	if (!e.section || !e.key || !e.value || !e.where)
		goto nomem;
	if (old) {
		entry_deinit(old);
		*old = e;
		return NULL;
	}
	struct ey_config_entry *entries =
		reallocarray(config->entries, config->count + 1, sizeof(*entries));
	if (!entries)
		goto nomem;
	config->entries = entries;
	entries[config->count++] = e;
	return NULL;
nomem:
	entry_deinit(&e);
	return &ey_error_nomem;
}

struct load_state {
	struct ey_config *config;
	const char *path;
	struct ey_error *err;
};

// inih calls this once a "key = value"; Debian builds inih with INI_HANDLER_LINENO off, so the
// message names the section and key instead of the line.
static int on_value(void *arg, const char *section, const char *key, const char *value)
{
	struct load_state *s = arg;
	char where[512];

	snprintf(where, sizeof(where), "%s: [%s] %s", s->path, section, key);
	if (!s->err)
		s->err = ey_config_set(s->config, section, key, value ? value : "", where);
	return s->err ? 0 : 1;
}

// inih takes a line that begins with a blank for another value of the key before it: an indented
// key would replace that one's value in silence. Without the blanks it is what it looks like.
static void remove_indents(char *text)
{
	char *to = text;
	bool begin = true;

	for (const char *s = text; *s; s++) {
		if (begin && (*s == ' ' || *s == '\t'))
			continue;
		begin = *s == '\n';
		*to++ = *s;
	}
	*to = '\0';
}

static struct ey_error *load_file(struct ey_config *config, const char *path)
{
	struct load_state s = {.config = config, .path = path};
	_cleanup_free_ char *text = NULL;
	struct ey_error *err = ey_file_read_whole(path, MAX_CONFIG_BYTES, &text, NULL);

	if (err)
		return err;
	remove_indents(text);
	int line = ini_parse_string(text, on_value, &s);
	if (s.err)
		return s.err;
	if (line > 0)
		return ey_error_create(EY_ERR_USAGE,
				       "%s:%d: not \"key = value\" or \"[section]\", or longer "
				       "than 199 bytes",
				       path, line);
	return line < 0 ? &ey_error_nomem : NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct ey_error *load_drop_ins(struct ey_config *config, const char *dir)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	struct ey_error *err = NULL;
	char *names[1024];
	size_t count = 0;

	if (!d)
		return errno == ENOENT || errno == ENOTDIR
			       ? NULL
			       : ey_error_errno(EY_ERR_IO, errno, "cannot open %s", dir);
	for (struct dirent *de; (de = readdir(d)) && count < EY_ARRAY_SIZE(names);) {
		size_t len = strlen(de->d_name);

		if (de->d_name[0] == '.' || len < 6 || strcmp(de->d_name + len - 5, ".conf") != 0)
			continue;
		if (asprintf(&names[count], "%s/%s", dir, de->d_name) < 0) {
			err = &ey_error_nomem;
			break;
		}
		count++;
	}
	qsort(names, count, sizeof(names[0]), by_name);
	for (size_t i = 0; i < count; i++) {
		if (!err)
			err = load_file(config, names[i]);
		free(names[i]);
	}
	return err;
}

static struct ey_error *load_with_drop_ins(struct ey_config *config, const char *path,
					   bool required)
{
	_cleanup_free_ char *dir = NULL;
	struct ey_error *err = load_file(config, path);

	if (err && err->code == EY_ERR_NOT_FOUND && !required) {
		ey_error_destroy(err);
		err = NULL;
	}
	if (err)
		return err;
	if (asprintf(&dir, "%s.d", path) < 0) {
		dir = NULL;
		return &ey_error_nomem;
	}
	return load_drop_ins(config, dir);
}

struct ey_error *ey_config_load(struct ey_config *config, const char *path)
{
	struct ey_error *err;

	*config = (struct ey_config){0};
	if (!path)
		path = getenv("EYRIE_CONFIG");
	if (path) {
		err = load_with_drop_ins(config, path, true);
	} else {
		err = load_with_drop_ins(config, "/usr/lib/eyrie/eyrie.conf", false);
		if (!err)
			err = load_with_drop_ins(config, "/etc/eyrie/eyrie.conf", false);
	}
	if (err)
		ey_config_deinit(config);
	return err;
}

const char *ey_config_string(const struct ey_config *config, const char *section, const char *key,
			     const char *fallback)
{
	const struct ey_config_entry *e = find(config, section, key);

	return e ? e->value : fallback;
}

static struct ey_error *bad_value(const struct ey_config_entry *e, const char *expected)
{
	return ey_error_create(EY_ERR_USAGE, "%s: \"%s\" is not %s", e->where, e->value, expected);
}

struct ey_error *ey_config_uint(const struct ey_config *config, const char *section,
				const char *key, uint64_t fallback, uint64_t *ret)
{
	const struct ey_config_entry *e = find(config, section, key);
	char *end;

	*ret = fallback;
	if (!e)
		return NULL;
	errno = 0;
	unsigned long long v = strtoull(e->value, &end, 10);
	if (errno || *end || !isdigit((unsigned char)e->value[0]))
		return bad_value(e, "a whole number");
	*ret = v;
	return NULL;
}

struct ey_error *ey_config_bool(const struct ey_config *config, const char *section,
				const char *key, bool fallback, bool *ret)
{
	static const char *const words[][4] = {{"no", "false", "off", "0"},
					       {"yes", "true", "on", "1"}};
	const struct ey_config_entry *e = find(config, section, key);

	*ret = fallback;
	if (!e)
		return NULL;
	for (size_t i = 0; i < 8; i++) {
		if (!strcasecmp(e->value, words[i / 4][i % 4])) {
			*ret = i >= 4;
			return NULL;
		}
	}
	return bad_value(e, "yes or no");
}

struct ey_error *ey_config_duration(const struct ey_config *config, const char *section,
				    const char *key, int64_t fallback, int64_t *ret)
{
	const struct ey_config_entry *e = find(config, section, key);

	*ret = fallback;
	if (!e)
		return NULL;
	if (!ey_duration_parse(e->value, ret))
		return bad_value(e, "a duration such as 90s, 15min, 24h or 30d");
	return NULL;
}
