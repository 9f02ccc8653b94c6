/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files, and the durations and times in them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_config_ struct ey_config config = {0};
	_cleanup_close_ int fd = memfd_create("eyrie.conf", MFD_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct ey_error *err = ey_write_all(fd, data, size);

	if (!err)
		err = ey_config_load(&config, path);
	ey_error_destroy(err);
	for (size_t i = 0; i < config.count; i++) {
		const struct ey_config_entry *e = &config.entries[i];
		char text[EY_TIME_TEXT_SIZE];
		int64_t t, again;
		bool yes;
		uint64_t n;

		ey_error_destroy(ey_config_uint(&config, e->section, e->key, 0, &n));
		ey_error_destroy(ey_config_bool(&config, e->section, e->key, false, &yes));
		ey_error_destroy(ey_config_duration(&config, e->section, e->key, 0, &t));
		if (ey_name_is_safe(e->value) && e->value[0] == '.')
			abort();
		// A time that is read and written must be read the same again.
		if (ey_time_parse(e->value, &t) &&
		    (!ey_time_parse(ey_time_format(t, text), &again) || again != t))
			abort();
	}
	return 0;
}
