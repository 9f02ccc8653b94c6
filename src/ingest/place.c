/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/s3.h"
#include "store/sealed.h"

#define DEFAULT_UPLOADS "/var/lib/eyrie/uploads"

struct ey_error *place_flags(const struct ey_config *config, unsigned int *ret)
{
	bool mounted;
	struct ey_error *err =
		ey_config_bool(config, "repository", "must_be_mounted", false, &mounted);

	*ret = !err && mounted ? STORE_MUST_BE_MOUNTED : 0;
	return err;
}

struct ey_error *place_open(const struct ey_config *config, struct store **ret)
{
	const char *root = ey_config_string(config, "repository", "path", STORE_DEFAULT_ROOT);
	struct store_s3_options s3;
	_cleanup_store_ struct store *store = NULL;
	unsigned int flags = 0;
	struct ey_error *err = store_s3_options_load(config, &s3);

	if (!err)
		err = place_flags(config, &flags);
	if (!err && !flags && !store_is_bucket(root))
		err = ey_mkdir_parents(root, 0755);
	if (!err)
		err = store_open_with(root, flags ? flags : STORE_CREATE, &s3, &store);
	// What hosts send here is sealed as what they would file themselves.
	if (!err)
		err = store_set_recipients(
			store, ey_config_string(config, "repository", "seal_to", "auto"));
	if (!err)
		err = store_set_secret(store,
				       ey_config_string(config, "repository", "seal_secret", NULL));
	if (err)
		return err;
	*ret = no_cleanup_ptr(store);
	return NULL;
}

struct ey_error *place_open_to_read(const struct ey_config *config, struct store **ret)
{
	const char *root = ey_config_string(config, "repository", "path", STORE_DEFAULT_ROOT);
	struct store_s3_options s3;
	unsigned int flags = 0;
	struct ey_error *err = store_s3_options_load(config, &s3);

	if (!err)
		err = place_flags(config, &flags);
	return err ? err : store_open_with(root, flags, &s3, ret);
}

struct ey_error *place_open_uploads(const struct ey_config *config, struct store *store,
				    int *dirfd_ret)
{
	const char *path = ey_config_string(config, "repository", "uploads", DEFAULT_UPLOADS);
	struct ey_error *err = store_staging_open(store, dirfd_ret);

	if (!err || err->code != EY_ERR_NOT_FOUND)
		return err;
	ey_error_destroy(err);
	err = ey_mkdir_parents(path, 0700);
	if (err)
		return err;
	*dirfd_ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *dirfd_ret < 0 ? ey_error_errno(EY_ERR_IO, errno, "cannot open %s", path) : NULL;
}
