/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/keys.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "pass_index.h"

static const struct oops_pass passes[] = {
#define PASS(pattern, where, why) {pattern, sizeof(pattern) - 1, PASS_##where, why},
#include "oops/pass.def"
#undef PASS
};

static_assert(EY_ARRAY_SIZE(passes) == PASS_COUNT, "pass_index.py sees the whole table");

static bool pattern_matches(const char *pattern, size_t n, const char *name, size_t len)
{
	bool open = pattern[n - 1] == '*';

	if (pattern[0] == '*') {
		const char *part = pattern + 1;
		size_t m = n - 1 - (open ? 1 : 0);

		return open ? oops_find_bytes(name, len, part, m) != NULL
			    : len >= m && !memcmp(name + len - m, part, m);
	}
	return open ? len >= n - 1 && !memcmp(pattern, name, n - 1)
		    : len == n && !memcmp(pattern, name, n);
}

const struct oops_pass *oops_pass_find(const char *function, unsigned int where)
{
	char plain[256] = "";
	uint64_t pairs = 0;

	oops_plain_name(function, plain, sizeof(plain));
	const unsigned char *u = (const unsigned char *)plain;
	size_t len = strlen(plain);
	// The same hash as pass_index.py's.
	unsigned int bucket = (u[0] + 7u * u[1] + 31u * (u[1] ? u[2] : 0)) % PASS_BUCKETS;
	for (unsigned int i = pass_starts[bucket]; i < pass_starts[bucket + 1]; i++) {
		const struct oops_pass *pass = &passes[pass_order[i]];
		if ((pass->where & where) && pattern_matches(pass->pattern, pass->len, plain, len))
			return pass;
	}
	for (size_t i = 0; i + 1 < len; i++)
		pairs |= (uint64_t)1 << ((u[i] * 5u + u[i + 1]) % 64);
	for (size_t i = 0; i < EY_ARRAY_SIZE(pass_anywhere); i++) {
		const struct oops_pass *pass = &passes[pass_anywhere[i].pass];
		if (!(pass_anywhere[i].pairs & ~pairs) && (pass->where & where) &&
		    pattern_matches(pass->pattern, pass->len, plain, len))
			return pass;
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
	size_t len = strlen(name), digits = 0, n = 0;
	// A plain C++ name of a module: "_Z8functionv".
	if (name[0] == '_' && name[1] == 'Z') {
		for (digits = 2; name[digits] >= '0' && name[digits] <= '9' && n < 1000; digits++)
			n = n * 10 + (size_t)(name[digits] - '0');
		if (digits > 2 && n && n <= len - digits) {
			name += digits;
			len = n;
		}
	}
	for (size_t i = 0; memchr(name, '.', len) && i < sizeof(suffixes) / sizeof(*suffixes);
	     i++) {
		const char *at = memmem(name, len, suffixes[i], strlen(suffixes[i]));
		if (at && at > name && (size_t)(at - name) < len)
			len = (size_t)(at - name);
	}
	if (name[0] == '_' && name[1] == 'R' && oops_rust_name(name, len, buf, size))
		return buf;
	if (len >= size)
		len = size - 1;
	memcpy(buf, name, len);
	buf[len] = '\0';
	return buf;
}

const char *oops_guilty_name(const char *name, char *buf, size_t size)
{
	// One wait with several implementations, between which kernels and their states choose.
	static const struct {
		const char *prefix, *name;
	} same[] = {
		{"smp_call_function", "smp_call_function"},
		{"synchronize_rcu", "synchronize_rcu"},
		{"synchronize_sched", "synchronize_rcu"},
	};

	oops_plain_name(name, buf, size);
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		if (!strncmp(buf, same[i].prefix, strlen(same[i].prefix)))
			snprintf(buf, size, "%s", same[i].name);
	}
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

	oops_guilty_name(name, buf, size);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t n = strlen(prefixes[i]);
		if (!strncmp(buf, prefixes[i], n) && buf[n]) {
			memmove(buf, buf + n, strlen(buf + n) + 1);
			break;
		}
	}
	// "<a::Type as a::Trait>::function": a key holds no signs that others must escape.
	char *to = buf;
	for (const char *p = buf; *p; p++) {
		if (*p != '<' && *p != '>' && *p != '&')
			*to++ = *p == ' ' ? '-' : *p;
	}
	*to = '\0';
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
	case OOPS_MEMLEAK:
	case OOPS_BUG_MSG:
		where |= PASS_ALLOC | PASS_CALLER;
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

// The frame behind the detector's own: the program counter that the tick found, or the first
// frame that is none of the tick's.
static unsigned int behind_detector(const struct report *r, unsigned int section)
{
	static const char *const ticks[] = {"update_process_times", "rcu_sched_clock_irq",
					    "rcu_check_callbacks",  "watchdog_timer_fn",
					    "nmi_cpu_backtrace",    "watchdog_overflow_callback"};
	unsigned int begin = r->frame_count;
	bool tick = false;
	char name[64];

	for (unsigned int i = 0; i < r->frame_count; i++) {
		const struct raw_frame *f = &r->frames[i];

		if (f->section != section || !(f->flags & FRAME_RELIABLE))
			continue;
		if (begin == r->frame_count)
			begin = i;
		oops_plain_name(report_text(r, f->symbol.name), name, sizeof(name));
		if (tick && ((f->flags & FRAME_PC) || !oops_pass_find(name, PASS_ANY | PASS_STALL)))
			return i;
		for (size_t j = 0; j < sizeof(ticks) / sizeof(*ticks); j++)
			tick = tick || !strcmp(name, ticks[j]);
	}
	return begin;
}

// In a loop, and in a recursion, the innermost functions vary from one report to the next; the
// one that a dispatcher called stays.
static int dispatched_guilty(const struct report *r, unsigned int section)
{
	int previous = -2, first = -2;

	for (unsigned int i = behind_detector(r, section); i < r->frame_count; i++) {
		const struct raw_frame *f = &r->frames[i];
		const char *name = report_text(r, f->symbol.name);

		if (f->section != section || !(f->flags & FRAME_RELIABLE))
			continue;
		if (!strncmp(name, "smp_call_function", 17))
			return (int)i;
		if (first == -2 && oops_pass_find(name, PASS_ANY | PASS_STALL))
			continue;
		if (first == -2)
			first = (int)i;
		if (previous >= 0 && oops_pass_find(name, PASS_DISPATCH))
			return previous;
		previous = (int)i;
	}
	return first;
}

// A function that calls itself needs no dispatcher to be found.
static bool calls_itself(const struct report *r, int frame)
{
	return frame >= 0 && (unsigned int)frame + 1 < r->frame_count &&
	       !strcmp(report_text(r, r->frames[frame].symbol.name),
		       report_text(r, r->frames[frame + 1].symbol.name));
}

static int section_guilty(const struct report *r, unsigned int section)
{
	int found;

	switch (r->kind) {
	case OOPS_RCU_STALL:
	case OOPS_SOFT_LOCKUP:
	case OOPS_HARD_LOCKUP:
		return dispatched_guilty(r, section);
	case OOPS_STACK_OVERFLOW:
		found = first_guilty(r, section, where_of(r));
		return calls_itself(r, found) ? found : dispatched_guilty(r, section);
	case OOPS_PANIC:
		// The stack ran out somewhere in a deep call: arm64 and riscv only panic.
		if (strstr(r->panic, "corrupted stack end") || strstr(r->panic, "stack overflow"))
			return dispatched_guilty(r, section);
		return first_guilty(r, section, where_of(r));
	default:
		return first_guilty(r, section, where_of(r));
	}
}

// An exception's program counter, and from there outwards: what was printed before it, or by
// another CPU between, does not matter.
static int exception_guilty(const struct report *r)
{
	unsigned int i = 0;

	if (r->rule != RULE_WARN_AT && !(oops_rule_info[r->rule].flags & RULE_DIE))
		return -2;
	if (r->kind == OOPS_STACK_OVERFLOW || r->pc_unknown)
		return -2;
	while (i < r->frame_count && !(r->frames[i].flags & FRAME_PC))
		i++;
	unsigned int section = i < r->frame_count ? r->frames[i].section : 0;
	for (; i < r->frame_count && r->frames[i].section == section; i++) {
		if ((r->frames[i].flags & FRAME_RELIABLE) &&
		    !oops_pass_find(report_text(r, r->frames[i].symbol.name), where_of(r)))
			return (int)i;
	}
	return -2;
}

// After a jump to nowhere the unwinder has no start, and marks every frame; the innermost of them
// is still who jumped.
static int unreliable_guilty(const struct report *r)
{
	for (unsigned int i = 0; r->pc_unknown && i < r->frame_count; i++) {
		if (!oops_pass_find(report_text(r, r->frames[i].symbol.name), where_of(r)))
			return (int)i;
	}
	return -2;
}

// Whose the object was matters more than who stumbled on it: of a section's kind, the round in
// which it is looked at, from 0; -1: never.
static int round_of(const struct report *r, enum oops_section_kind kind)
{
	bool poison = r->rule == RULE_SLAB && strstr(r->header, "Poison overwritten");
	bool redzone = r->rule == RULE_SLAB && strstr(r->header, "edzone overwritten");

	// A lock's chains are better than nothing; what else stands aside is another matter.
	int last = r->kind == OOPS_LOCKDEP || r->rule == RULE_SLAB || r->rule == RULE_SLAB_TRACK
			   ? 4
			   : -1;

	switch (kind) {
	case SECTION_BARE:
		// Sanitizers without "Call Trace:" print their frames right below the header;
		// elsewhere frames that nothing announced are another context's.
		return r->rule == RULE_KMSAN || r->rule == RULE_KCSAN || r->rule == RULE_KFENCE ? 2
												: 3;
	case SECTION_FREED:
		return poison ? 0 : last;
	case SECTION_ORIGIN:
		// A bad page is its owner's, not its finder's.
		return r->rule == RULE_BAD_PAGE || poison || redzone ? 1 : last;
	case SECTION_CHAIN:
		return last;
	default:
		return 2;
	}
}

int oops_guilty_frame(const struct report *r)
{
	// Who asked for memory when there was none, or ran when an unknown interrupt came, is
	// chance.
	if ((r->rule == RULE_PANIC && r->kind == OOPS_OOM) || r->rule == RULE_BAD_IRQ)
		return -2;
	int found = exception_guilty(r);

	if (found >= 0)
		return found;
	for (int round = 0; round < 5; round++) {
		for (unsigned int s = 0; s < r->section_count; s++) {
			if (round_of(r, r->sections[s]) != round)
				continue;
			found = section_guilty(r, s);
			if (found >= 0)
				return found;
		}
	}
	return unreliable_guilty(r);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

void oops_key_text(const char *text, struct ey_buf *buf)
{
	bool blank = false;
	size_t start = buf->len;

	for (const char *p = text; *p && buf->len - start < 96; p++) {
		size_t hex = p[0] == '0' && p[1] == 'x' ? 2 : 0;
		bool digit = *p >= '0' && *p <= '9';

		while (is_hex(p[hex]))
			hex++;
		// A number, or an address: the same key whatever it is.
		if (digit || hex >= 8) {
			p += (hex ? hex : 1) - 1;
			if (blank)
				ey_buf_addc(buf, '-');
			blank = false;
			ey_buf_addc(buf, 'N');
		} else if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' ||
			   *p == '/' || *p == '.') {
			if (blank && buf->len > start)
				ey_buf_addc(buf, '-');
			blank = false;
			ey_buf_addc(buf, *p);
		} else {
			blank = true;
		}
	}
	while (buf->len > start && buf->data[buf->len - 1] == '.')
		buf->data[--buf->len] = '\0';
}
