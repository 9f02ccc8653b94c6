/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy document: whatever it is, a reason that it does not name is never refused its dump, but
 * by the document's own default. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char unnamed[] = "g0:no-document-of-the-corpus-names-this";
	_cleanup_store_policy_ struct store_policy p;
	_cleanup_error_ struct ey_error *err = store_policy_read((const char *)data, size, &p);

	if (err && (store_policy_decide(&p, unnamed) != STORE_WANT_VMCORE || p.count))
		abort();
	if (store_policy_decide(&p, NULL) != STORE_WANT_VMCORE)
		abort();
	enum store_want want = store_policy_decide(&p, unnamed);
	if (want != STORE_WANT_VMCORE && want != p.fallback)
		abort();
	for (size_t i = 0; i < p.count; i++) {
		// Sorted, so that each is found; and "g1:x" is decided only by a policy of g1.
		if (i && strcmp(p.reasons[i - 1].key, p.reasons[i].key) >= 0)
			abort();
		want = store_policy_decide(&p, p.reasons[i].key);
		if (want != p.reasons[i].want && want != STORE_WANT_VMCORE)
			abort();
	}
	return 0;
}
