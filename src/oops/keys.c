/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/keys.h"

#include <string.h>

static const struct oops_pass passes[] = {
#define PASS(pattern, where, why) {pattern, PASS_##where, why},
#include "oops/pass.def"
#undef PASS
};

static bool pattern_matches(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (pattern[0] == '*') {
		char part[64];
		bool open = pattern[n - 1] == '*';
		size_t m = n - 1 - (open ? 1 : 0);

		memcpy(part, pattern + 1, m);
		part[m] = '\0';
		const char *at = strstr(name, part);
		return at && (open || !strcmp(name + strlen(name) - m, part));
	}
	if (pattern[0] != name[0])
		return false;
	return pattern[n - 1] == '*' ? !strncmp(pattern, name, n - 1) : !strcmp(pattern, name);
}

const struct oops_pass *oops_pass_find(const char *function, unsigned int where)
{
	char plain[256];

	oops_plain_name(function, plain, sizeof(plain));
	for (size_t i = 0; i < sizeof(passes) / sizeof(*passes); i++) {
		if ((passes[i].where & where) && pattern_matches(passes[i].pattern, plain))
			return &passes[i];
	}
	return NULL;
}

const char *oops_plain_name(const char *name, char *buf, size_t size)
{
	static const char *const suffixes[] = {".isra",	      ".constprop", ".part",
					       ".cold",	      ".llvm.",	    ".lto_priv",
					       ".localalias", ".clone",	    ".unlikely"};

	if (!strncmp(name, "__pfx_", 6))
		name += 6;
	size_t len = strlen(name);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		const char *at = strstr(name, suffixes[i]);
		if (at && at > name && (size_t)(at - name) < len)
			len = (size_t)(at - name);
	}
	if (len >= size)
		len = size - 1;
	memcpy(buf, name, len);
	buf[len] = '\0';
	return buf;
}

const char *oops_group_name(const char *name, char *buf, size_t size)
{
	static const char *const prefixes[] = {
		"__x64_compat_sys_",
		"__ia32_compat_sys_",
		"__arm64_compat_sys_",
		"__se_compat_sys_",
		"__do_compat_sys_",
		"compat_SYSC_",
		"compat_SyS_",
		"compat_sys_",
		"__x64_sys_",
		"__x32_sys_",
		"__ia32_sys_",
		"__arm64_sys_",
		"__riscv_sys_",
		"__s390x_sys_",
		"__s390_sys_",
		"__powerpc_sys_",
		"__se_sys_",
		"__do_sys_",
		"____sys_",
		"___sys_",
		"__sys_",
		"SYSC_",
		"SyS_",
		"ksys_",
		"sys_",
	};

	oops_plain_name(name, buf, size);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t n = strlen(prefixes[i]);
		if (!strncmp(buf, prefixes[i], n) && buf[n]) {
			memmove(buf, buf + n, strlen(buf + n) + 1);
			break;
		}
	}
	return buf;
}

static unsigned int where_of(const struct report *r)
{
	unsigned int where = PASS_ANY;

	switch (r->kind) {
	case OOPS_HANG:
		where |= PASS_HANG;
		break;
	case OOPS_RCU_STALL:
	case OOPS_SOFT_LOCKUP:
	case OOPS_HARD_LOCKUP:
		where |= PASS_STALL;
		break;
	case OOPS_LOCKDEP:
		where |= PASS_LOCK;
		break;
	default:
		where |= PASS_CALLER;
		break;
	}
	return where;
}

// The first frame of a section that is not passed over.
static int first_guilty(const struct report *r, unsigned int section, unsigned int where)
{
	for (unsigned int i = 0; i < r->frame_count; i++) {
		const struct raw_frame *f = &r->frames[i];

		if (f->section != section || !(f->flags & FRAME_RELIABLE))
			continue;
		if (!oops_pass_find(report_text(r, f->symbol.name), where))
			return (int)i;
	}
	return -2;
}

// In a loop the innermost functions vary from one report to the next; the one that a dispatcher
// called stays. Begins behind the last program counter: what stands before is the detector.
static int stall_guilty(const struct report *r, unsigned int section)
{
	int begin = -1, previous = -2, first = -2;

	for (unsigned int i = 0; i < r->frame_count; i++) {
		const struct raw_frame *f = &r->frames[i];
		if (f->section == section && (f->flags & FRAME_PC) && begin < 0)
			begin = (int)i;
	}
	for (unsigned int i = begin < 0 ? 0 : (unsigned int)begin; i < r->frame_count; i++) {
		const struct raw_frame *f = &r->frames[i];
		const char *name = report_text(r, f->symbol.name);

		if (f->section != section || !(f->flags & FRAME_RELIABLE))
			continue;
		if (first == -2 && oops_pass_find(name, PASS_ANY | PASS_STALL))
			continue;
		if (first == -2)
			first = (int)i;
		if (!strncmp(name, "smp_call_function", 17))
			return (int)i;
		if (previous >= 0 && oops_pass_find(name, PASS_DISPATCH))
			return previous;
		previous = (int)i;
	}
	return first;
}

int oops_guilty_frame(const struct report *r)
{
	unsigned int where = where_of(r);
	bool stall = r->kind == OOPS_RCU_STALL || r->kind == OOPS_SOFT_LOCKUP ||
		     r->kind == OOPS_HARD_LOCKUP;

	for (unsigned int s = 0; s < r->section_count; s++) {
		if (r->sections[s] == SECTION_ORIGIN || r->sections[s] == SECTION_CHAIN)
			continue;
		int found = stall ? stall_guilty(r, s) : first_guilty(r, s, where);
		if (found >= 0)
			return found;
	}
	return -2;
}

void oops_key_text(const char *text, struct ey_buf *buf)
{
	bool blank = false;
	size_t start = buf->len;

	for (const char *p = text; *p && buf->len - start < 96; p++) {
		bool digit = *p >= '0' && *p <= '9';
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');

		if (digit) {
			// A number, or an address: the same key whatever it is.
			while ((p[1] >= '0' && p[1] <= '9') || (p[1] >= 'a' && p[1] <= 'f') ||
			       p[1] == 'x')
				p++;
			if (blank)
				ey_buf_addc(buf, '-');
			blank = false;
			ey_buf_addc(buf, 'N');
		} else if (letter || *p == '_' || *p == '/' || *p == '.') {
			if (blank && buf->len > start)
				ey_buf_addc(buf, '-');
			blank = false;
			ey_buf_addc(buf, *p);
		} else {
			blank = true;
		}
	}
	while (buf->len > start && (buf->data[buf->len - 1] == '.'))
		buf->data[--buf->len] = '\0';
}
