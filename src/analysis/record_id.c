/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "analysis/record_read.h"
#include "base/buf.h"
#include "base/cleanup.h"

enum { ID_DIGITS = 32 };

// 128 bits in hexadecimal, with or without dashes. All zeros is what an unset id looks like.
static bool normalise_id(const char *s, char *ret)
{
	size_t n = 0;
	bool any = false;

	for (; s && *s; s++) {
		if (*s == '-')
			continue;
		if (!isxdigit((unsigned char)*s) || n == ID_DIGITS)
			return false;
		ret[n++] = (char)tolower((unsigned char)*s);
		any |= *s != '0';
	}
	ret[n] = '\0';
	return n == ID_DIGITS && any;
}

// Host names do not differ by case, and the ':' between the parts must stay unambiguous.
static void add_host(struct ey_buf *buf, const struct record *r)
{
	const char *host = record_hostname(r);

	if (!host || !*host)
		host = "-";
	for (; *host; host++)
		ey_buf_addc(buf, *host == ':' ? '_' : (char)tolower((unsigned char)*host));
}

static void hash_string(crypto_hash_sha256_state *h, const char *s)
{
	// With its NUL, so that "ab","c" and "a","bc" differ.
	if (s)
		crypto_hash_sha256_update(h, (const unsigned char *)s, strlen(s) + 1);
}

static void add_digest(struct ey_buf *buf, const struct record *r)
{
	crypto_hash_sha256_state h;
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(digest) + 1];

	crypto_hash_sha256_init(&h);
	hash_string(&h, r->system.release);
	hash_string(&h, r->log);
	hash_string(&h, r->dump.format);
	uint64_t bytes = r->dump.bytes;
	unsigned char le[8];
	for (size_t i = 0; i < sizeof(le); i++, bytes >>= 8)
		le[i] = (unsigned char)bytes;
	crypto_hash_sha256_update(&h, le, sizeof(le));
	crypto_hash_sha256_final(&h, digest);
	ey_buf_adds(buf, sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest)));
}

struct ey_error *record_crash_id(const struct record *r, char **ret)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	char machine[ID_DIGITS + 1], boot[ID_DIGITS + 1];
	const struct record_system *s = &r->system;

	if (normalise_id(r->identity.machine_id, machine) &&
	    normalise_id(r->identity.boot_id, boot)) {
		ey_buf_printf(&buf, "boot:%s:%s", machine, boot);
	} else if (s->have_crash_time) {
		ey_buf_adds(&buf, "time:");
		add_host(&buf, r);
		ey_buf_printf(&buf, ":%" PRId64 ":", s->crash_time);
		if (s->have_uptime)
			ey_buf_printf(&buf, "%" PRIu64, s->uptime_seconds);
		else
			ey_buf_addc(&buf, '-');
		ey_buf_printf(&buf, ":%s", r->event.signature ? r->event.signature : "-");
	} else {
		ey_buf_adds(&buf, "text:");
		add_host(&buf, r);
		ey_buf_addc(&buf, ':');
		add_digest(&buf, r);
	}
	*ret = ey_buf_steal(&buf, NULL);
	return *ret ? NULL : &ey_error_nomem;
}
