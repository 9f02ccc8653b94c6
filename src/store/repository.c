/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is the same whatever the repository lies on: names and paths, and the way to the backend. */
#include "store/repository.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/backend.h"
#include "store/s3_store.h"
#include "store/sealed.h"

enum { MAX_WRITER_LENGTH = 64 };

bool store_is_bucket(const char *root)
{
	return !strncmp(root, STORE_S3_SCHEME, strlen(STORE_S3_SCHEME));
}

struct ey_error *store_open_with(const char *root, unsigned int flags,
				 const struct store_s3_options *s3, struct store **ret)
{
	if (store_is_bucket(root))
		return store_s3_open(root, flags, s3, ret);
	return store_dir_open(root, flags, ret);
}

struct ey_error *store_open(const char *root, unsigned int flags, struct store **ret)
{
	return store_open_with(root, flags, NULL, ret);
}

void store_destroy(struct store *store)
{
	if (!store)
		return;
	store_seal_deinit(store);
	free(store->root);
	store->ops->destroy(store);
}

const char *store_root(const struct store *store)
{
	return store->root;
}

void store_short_id(const char *id, char ret[STORE_ID_DIGITS + 1])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, (const unsigned char *)id, strlen(id));
	sodium_bin2hex(ret, STORE_ID_DIGITS + 1, digest, STORE_ID_DIGITS / 2);
}

char *store_host_folder(const char *hostname)
{
	if (!hostname || !*hostname)
		return strdup("unknown");
	char *name = strndup(hostname, NAME_MAX);
	for (char *p = name; p && *p; p++) {
		char one[2] = {*p, '\0'};

		// One byte alone is safe or not as it is within a name, but for the dot in front.
		if (!ey_name_is_safe(one) && (*p != '.' || p == name))
			*p = '_';
	}
	return name;
}

static bool all_of(const char *s, size_t n, int (*is)(int))
{
	for (size_t i = 0; i < n; i++) {
		if (!is((unsigned char)s[i]))
			return false;
	}
	return true;
}

static int is_lower_hex(int c)
{
	return isdigit(c) || (c >= 'a' && c <= 'f');
}

void store_parse_name(const char *name, int64_t *time_ret, char id_ret[STORE_ID_DIGITS + 1])
{
	enum { TIME_LENGTH = 16 }; // YYYYMMDDTHHMMSSZ
	struct tm tm = {0};

	*time_ret = -1;
	id_ret[0] = '\0';
	if (strlen(name) != TIME_LENGTH + 1 + STORE_ID_DIGITS || name[TIME_LENGTH] != '-' ||
	    name[8] != 'T' || name[15] != 'Z' || !all_of(name, 8, isdigit) ||
	    !all_of(name + 9, 6, isdigit) ||
	    !all_of(name + TIME_LENGTH + 1, STORE_ID_DIGITS, is_lower_hex))
		return;
	if (strptime(name, "%Y%m%dT%H%M%SZ", &tm) != name + TIME_LENGTH)
		return;
	*time_ret = timegm(&tm);
	memcpy(id_ret, name + TIME_LENGTH + 1, STORE_ID_DIGITS + 1);
}

static struct ey_error *check_root_name(const char *name)
{
	if (ey_name_is_safe(name))
		return NULL;
	return ey_error_create(EY_ERR_INPUT, "not a file's name: \"%.300s\"", name);
}

struct ey_error *store_read(struct store *store, const char *name, size_t max, char **data_ret,
			    size_t *len_ret)
{
	struct ey_error *err = check_root_name(name);

	return err ? err : store->ops->read(store, name, max, data_ret, len_ret);
}

struct ey_error *store_put(struct store *store, const char *name, const char *data, size_t len)
{
	struct ey_error *err = check_root_name(name);

	return err ? err : store->ops->put(store, name, data, len);
}

struct ey_error *store_has_site(struct store *store, const char *site, bool *ret)
{
	*ret = false;
	return ey_name_is_safe(site) ? store->ops->has_site(store, site, ret) : NULL;
}

struct ey_error *store_probe(struct store *store)
{
	return store->ops->probe(store);
}

struct ey_error *store_staging_open(struct store *store, int *dirfd_ret)
{
	return store->ops->staging_open(store, dirfd_ret);
}

struct ey_error *store_clean(struct store *store, struct store_cleaned *ret)
{
	*ret = (struct store_cleaned){0};
	return store->ops->clean ? store->ops->clean(store, ret) : NULL;
}

struct ey_error *store_walk(struct store *store, const struct store_walker *walker)
{
	return store->ops->walk(store, walker);
}

static struct ey_error *make_place(const struct store_crash *crash, const char *host,
				   struct store_place *ret)
{
	time_t t = (time_t)crash->time;
	struct tm tm;
	char text[32];

	*ret = (struct store_place){.site = crash->site, .host = host};
	if (!ey_name_is_safe(crash->site))
		return ey_error_create(EY_ERR_INPUT, "not a site's name: \"%.100s\"", crash->site);
	if (crash->writer &&
	    (!ey_name_is_safe(crash->writer) || strlen(crash->writer) > MAX_WRITER_LENGTH))
		return ey_error_create(EY_ERR_INPUT, "not a writer's name: \"%.100s\"",
				       crash->writer);
	if (!crash->record.data)
		return ey_error_create(EY_ERR_INPUT, "a crash without a record cannot be filed");
	if (crash->time < 0 || !gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900)
		return ey_error_create(EY_ERR_INPUT, "a crash's time must be within 1970 to 9999");
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	store_short_id(crash->id, ret->id);
	snprintf(ret->name, sizeof(ret->name), "%s-%s", text, ret->id);
	return NULL;
}

// File the crash, sealed where the repository is to be sealed.
static struct ey_error *file_sealed(struct store *store, const struct store_crash *crash,
				    const struct store_place *place, bool *already_ret,
				    char **name_ret)
{
	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT, analysis = EY_BUF_INIT,
				    dmesg = EY_BUF_INIT;
	_cleanup_close_ int dump = -1;
	struct store_crash c = *crash;
	struct ey_error *err = store_seal_part(store, &c.record, &record);

	if (!err)
		err = store_seal_part(store, &c.analysis, &analysis);
	if (!err)
		err = store_seal_part(store, &c.dmesg, &dmesg);
	if (!err && c.vmcore_fd >= 0 && !store->ops->file_seals && store_seals(store, SEAL_DUMPS)) {
		err = store_seal_dump(store, c.vmcore_fd, &dump, NULL);
		c.vmcore_fd = dump;
	}
	return err ? err : store->ops->file(store, &c, place, already_ret, name_ret);
}

struct ey_error *store_file(struct store *store, const struct store_crash *crash,
			    struct store_filed *ret)
{
	_cleanup_free_ char *host = store_host_folder(crash->hostname);
	_cleanup_free_ char *found = NULL;
	struct store_place place;

	*ret = (struct store_filed){0};
	if (!host)
		return &ey_error_nomem;
	struct ey_error *err = make_place(crash, host, &place);
	if (err)
		return err;
	err = file_sealed(store, crash, &place, &ret->already, &found);
	if (!err &&
	    asprintf(&ret->path, "%s/%s/%s", place.site, host, found ? found : place.name) < 0) {
		ret->path = NULL;
		err = &ey_error_nomem;
	}
	return ey_error_prefix(err, "%s/%s/%s", store->root, place.site, host);
}
