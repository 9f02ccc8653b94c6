/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What single lines of a report tell: CPU, task, release, modules, what a trace is of. */
#include <string.h>

#include "base/cleanup.h"
#include "oops/report.h"

static uint64_t parse_uint(const char *p, const char *end)
{
	uint64_t v = 0;

	for (; p < end && *p >= '0' && *p <= '9' && v < UINT64_MAX / 16; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	return v;
}

static void set_cpu(struct report *r, uint64_t cpu)
{
	r->cpu = (int)cpu;
	report_mark(r, OOPS_FIELD_CPU);
}

static void set_pid(struct report *r, uint64_t pid)
{
	r->pid = (int64_t)pid;
	report_mark(r, OOPS_FIELD_PID);
}

static void set_comm(struct report *r, const char *p, const char *end)
{
	report_keep_text(r->comm, sizeof(r->comm), p, (size_t)(end - p));
	report_mark(r, OOPS_FIELD_COMM);
}

// "CPU: 1 UID: 0 PID: 178 Comm: tail Kdump: loaded Tainted: G    OE   6.1.0-56-amd64 #1 ...",
// in old kernels "Pid: 178, comm: tail Tainted: P 2.6.32 #1", on s390x and ARM "CPU: 0 Not
// tainted".
bool report_take_cpu_line(struct report *r, const char *s, const char *end)
{
	const char *p = report_skip_blank(s, end), *q;
	size_t n = (size_t)(end - p);
	bool old = oops_has_prefix(p, n, "Pid: ");

	if (!old && !oops_has_prefix(p, n, "CPU: "))
		return false;
	const char *comm = oops_find(p, n, old ? "comm: " : "Comm: ");
	const char *pid = old ? p : oops_find(p, n, "PID: ");
	if (!comm && !oops_find(p, n, "ainted"))
		return false;
	if (!old && r->cpu < 0)
		set_cpu(r, parse_uint(p + 5, end));
	if (pid && r->pid < 0)
		set_pid(r, parse_uint(pid + 5, end));
	q = oops_find(p, n, "Not tainted");
	const char *tainted = q ? NULL : oops_find(p, n, "Tainted: ");
	const char *kdump = oops_find(p, n, " Kdump: ");
	const char *state = q ? q : tainted;
	const char *release = NULL;
	if (q) {
		release = report_skip_blank(q + 11, end);
	} else if (tainted) {
		// Letters and blanks in columns, then the release: it begins with a digit.
		const char *t = tainted + 9, *e = t;
		while (e < end && (*e == ' ' || (*e >= 'A' && *e <= 'Z')))
			e++;
		release = e;
		while (e > t && e[-1] == ' ')
			e--;
		if (!r->taint[0]) {
			report_keep_text(r->taint, sizeof(r->taint), t, (size_t)(e - t));
			report_mark(r, OOPS_FIELD_TAINT);
		}
	}
	if (comm && state && state > comm && !r->comm[0]) {
		const char *c = comm + 6, *e = kdump && kdump < state ? kdump : state;
		while (e > c && e[-1] == ' ')
			e--;
		set_comm(r, c, e);
	}
	// In parentheses until 3.x: "Not tainted (2.6.32-5-amd64 #1)".
	if (release && release < end && *release == '(')
		release++;
	if (release && release < end && !r->kernel[0]) {
		const char *e = memchr(release, ' ', (size_t)(end - release));
		char *paren = NULL;

		report_keep_text(r->kernel, sizeof(r->kernel), release,
				 (size_t)((e ? e : end) - release));
		if ((paren = strchr(r->kernel, '(')))
			*paren = '\0';
		report_mark(r, OOPS_FIELD_KERNEL);
	}
	return true;
}

// Kernels until 4.9 printed the stack's words before it, at times without a newline.
static bool ends_in_trace(const char *s, size_t len)
{
	return len > 11 && !memcmp(s + len - 11, "Call Trace:", 11);
}

// Lines that open a group of frames, and what group.
bool report_section_of(const char *s, size_t len, enum oops_section_kind *ret)
{
	static const struct {
		const char *words;
		size_t len;
		enum oops_section_kind kind;
	} table[] = {
#define ROW(words, kind) {words, sizeof(words) - 1, kind}
		ROW("Call Trace", SECTION_TRACE),
		ROW("Call trace", SECTION_TRACE),
		ROW("Backtrace:", SECTION_TRACE),
		ROW("stack backtrace:", SECTION_TRACE),
		ROW("backtrace:", SECTION_TRACE),
		ROW("backtrace (", SECTION_TRACE),
		ROW("Allocated", SECTION_ORIGIN),
		ROW("Freed", SECTION_FREED),
		ROW("Uninit was ", SECTION_ORIGIN),
		ROW("Local variable ", SECTION_ORIGIN),
		ROW("Last call_rcu", SECTION_ORIGIN),
		ROW("Last potentially related work creation", SECTION_ORIGIN),
		ROW("Second to last ", SECTION_ORIGIN),
		ROW("allocated by task", SECTION_ORIGIN),
		ROW("freed by task", SECTION_FREED),
		ROW("page_owner tracks", SECTION_ORIGIN),
		ROW("page last allocated", SECTION_ORIGIN),
		ROW("page last free", SECTION_ORIGIN),
		ROW("the existing dependency chain", SECTION_CHAIN),
		ROW("which lock already depends", SECTION_CHAIN),
		ROW("the dependencies between", SECTION_CHAIN),
		ROW("the first lock:", SECTION_CHAIN),
		ROW("Showing all locks held", SECTION_CHAIN),
		ROW("-> #", SECTION_CHAIN),
		ROW("read to ", SECTION_TRACE),
		ROW("write to ", SECTION_TRACE),
		ROW("read-write to ", SECTION_TRACE),
		ROW("task:", SECTION_TASK),
		ROW("... which became ", SECTION_TRACE),
		ROW("to a ", SECTION_CHAIN),
		ROW("{", SECTION_CHAIN),
		ROW("Preemption disabled at:", SECTION_CHAIN),
#undef ROW
	};
	const char *p = report_skip_blank(s, s + len);
	size_t n = (size_t)(s + len - p);

	for (size_t i = 0; i < EY_ARRAY_SIZE(table); i++) {
		if (*p == table[i].words[0] && n >= table[i].len &&
		    !memcmp(p, table[i].words, table[i].len)) {
			*ret = table[i].kind;
			return true;
		}
	}
	if (ends_in_trace(p, n)) {
		*ret = SECTION_TRACE;
		return true;
	}
	// Words that other words stand before: "rcu: NMI backtrace for cpu 1", "object was
	// allocated by task 12 on cpu 0:". All end in a number or a colon.
	if (!n || (p[n - 1] != ':' && (p[n - 1] < '0' || p[n - 1] > '9') && !memchr(p, ':', n)))
		return false;
	if (oops_find(p, n, "NMI backtrace for cpu")) {
		*ret = SECTION_NMI;
		return true;
	}
	if ((p = oops_find(s, len, " by task ")) && memchr(p, ':', (size_t)(s + len - p)) &&
	    (oops_find(s, len, "llocated") || oops_find(s, len, "reed"))) {
		*ret = oops_find(s, len, "llocated") ? SECTION_ORIGIN : SECTION_FREED;
		return true;
	}
	return false;
}

void report_take_subject(struct report *r, const char *text, size_t len)
{
	const char *end = text + len, *p;

	switch (r->rule) {
	case RULE_SOFT_LOCKUP:
		// "CPU#1 stuck for 22s! [comm:123]"
		if ((p = oops_find(text, len, "CPU#")))
			set_cpu(r, parse_uint(p + 4, end));
		break;
	case RULE_HARD_LOCKUP:
		if ((p = oops_find(text, len, "on cpu ")))
			set_cpu(r, parse_uint(p + 7, end));
		else if ((p = oops_find(text, len, "CPU ")))
			set_cpu(r, parse_uint(p + 4, end));
		break;
	case RULE_HUNG_TASK:
		// "INFO: task comm:123 blocked for more than 120 seconds."
		if ((p = oops_find(text, len, "INFO: task "))) {
			const char *words = oops_find(p, (size_t)(end - p), " blocked ");
			if (!words)
				words = oops_find(p, (size_t)(end - p), " can't die ");
			const char *colon = words ? memrchr(p, ':', (size_t)(words - p)) : NULL;
			p += 11;
			if (colon && colon > p) {
				set_comm(r, p, colon);
				set_pid(r, parse_uint(colon + 1, end));
			}
		}
		break;
	case RULE_OOM_KILL:
		// "Out of memory: Killed process 4011 (hog) total-vm:..."
		if ((p = oops_find(text, len, " process "))) {
			const char *open = memchr(p, '(', (size_t)(end - p));
			const char *close = open ? memchr(open, ')', (size_t)(end - open)) : NULL;
			set_pid(r, parse_uint(p + 9, end));
			if (close)
				set_comm(r, open + 1, close);
		}
		break;
	case RULE_WARN_AT:
	case RULE_MCE:
		if ((p = oops_find(text, len, "CPU: ")) || (p = oops_find(text, len, "CPU#")))
			set_cpu(r, parse_uint(p + (p[3] == '#' ? 4 : 5), end));
		else if ((p = oops_find(text, len, "CPU ")))
			set_cpu(r, parse_uint(p + 4, end));
		if ((p = oops_find(text, len, "PID: ")))
			set_pid(r, parse_uint(p + 5, end));
		break;
	default:
		break;
	}
}

int64_t report_stuck_seconds(const struct report *r)
{
	const char *end = r->header + strlen(r->header), *p;

	switch (r->kind) {
	case OOPS_HANG:
	case OOPS_SOFT_LOCKUP:
		// "blocked for more than 120 seconds", "stuck for 22s!"
		if ((p = strstr(r->header, " for more than ")))
			p += 15;
		else if ((p = strstr(r->header, "stuck for ")))
			p += 10;
		return p && *p >= '0' && *p <= '9' ? (int64_t)parse_uint(p, end) : -1;
	default:
		return -1;
	}
}

// "Modules linked in: widget(O) ext4 [last unloaded: x]": the ones from elsewhere.
void report_take_modules(struct report *r, const char *p, const char *end)
{
	size_t used = strlen(r->foreign_modules);

	while (p < end) {
		p = report_skip_blank(p, end);
		const char *word = p;
		while (p < end && *p != ' ')
			p++;
		const char *open = memchr(word, '(', (size_t)(p - word));
		if (!open || open == word ||
		    (!memchr(open, 'O', (size_t)(p - open)) &&
		     !memchr(open, 'P', (size_t)(p - open))))
			continue;
		size_t n = (size_t)(open - word);
		if (used + n + 2 >= sizeof(r->foreign_modules))
			return;
		if (!used)
			r->foreign_modules[used++] = ' ';
		memcpy(r->foreign_modules + used, word, n);
		used += n;
		r->foreign_modules[used++] = ' ';
		r->foreign_modules[used] = '\0';
	}
}

bool report_is_register_line(const char *s, size_t len)
{
	if (ends_in_trace(s, len))
		return false;
	static const char words[][8] = {"RSP:", "RAX:", "RBP:", "R10:", "R13:", "RDX:",
					"FS: ", "CS: ", "CR2:", "DR0:", "DR3:", "PKRU",
					"Code", "EAX:", "sp :", "psta", "GPR0", "CFAR"};

	for (size_t i = 0; len >= 4 && i < EY_ARRAY_SIZE(words); i++) {
		if (!memcmp(s, words[i], 4))
			return true;
	}
	// The words of the stack (until 4.9), a hex dump of memory.
	size_t digits = 0;
	while (digits < len &&
	       ((s[digits] >= '0' && s[digits] <= '9') || (s[digits] >= 'a' && s[digits] <= 'f')))
		digits++;
	if (digits >= 8 && (digits == len || s[digits] == ' ' || s[digits] == ':'))
		return true;
	return (len > 5 && s[0] == 'x' && s[1] >= '0' && s[1] <= '9');
}

bool report_is_abort_line(const char *s, size_t len)
{
	// arch/arm64/mm/fault.c mem_abort_decode(), show_pte()
	static const char words[][8] = {"Mem abo", "Data ab", "ESR = 0", "EC = 0x", "SET = 0",
					"EA = 0,", "FSC = 0", "ISV = 0", "CM = 0,", "GCS = 0",
					"swapper", "user pg", "Excepti", "address"};

	for (size_t i = 0; len >= 7 && i < EY_ARRAY_SIZE(words); i++) {
		if (!memcmp(s, words[i], 7))
			return true;
	}
	return len > 20 && s[0] == '[' && oops_find(s, len, "] p") && oops_find(s, len, "d=");
}
