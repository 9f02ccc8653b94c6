/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record that anyone may have written: read or refused; what is read keeps its promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/record_read.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_record_ struct record r;
	_cleanup_free_ char *id = NULL;
	_cleanup_error_ struct ey_error *err = record_read((const char *)data, size, &r);

	if (err) {
		static const struct record none;

		// One sentence, and nothing left half read: the struct was zeroed, padding and all.
		// NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
		if (!*err->message || memcmp(&r, &none, sizeof(r)) != 0)
			abort();
		return 0;
	}
	if (r.have_event && (!r.event.kind || !r.event.reason || !*r.event.reason))
		abort();
	if (r.log && strlen(r.log) != r.log_len)
		abort();
	for (size_t i = 0; i < r.gap_count; i++) {
		if (!r.gaps[i].what || !r.gaps[i].why)
			abort();
	}
	if (record_crash_id(&r, &id) || !id ||
	    (strncmp(id, "boot:", 5) != 0 && strncmp(id, "time:", 5) != 0 &&
	     strncmp(id, "text:", 5) != 0))
		abort();
	return 0;
}
