/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "oops/keys.h"

static uint32_t arena_add(struct report *r, const char *s, size_t len)
{
	if (!len || r->arena_used + len + 1 > OOPS_ARENA_SIZE)
		return 0;
	uint32_t at = r->arena_used;
	memcpy(r->arena + at, s, len);
	r->arena[at + len] = '\0';
	r->arena_used += (uint32_t)len + 1;
	return at;
}

static struct raw_symbol keep_symbol(struct report *r, const struct oops_symbol *s)
{
	return (struct raw_symbol){
		.name = arena_add(r, s->name, s->name_len),
		.module = s->module ? arena_add(r, s->module, s->module_len) : 0,
		.offset = s->offset,
		.size = s->size,
		.have_offset = s->have_offset,
	};
}

static void keep_text(char *to, size_t size, const char *s, size_t len)
{
	size_t n = len < size - 1 ? len : size - 1;

	memcpy(to, s, n);
	to[n] = '\0';
}

static void section_begin(struct report *r, enum oops_section_kind kind)
{
	unsigned int last = r->section_count - 1, frames = 0;

	for (unsigned int i = r->frame_count; r->section_count && i-- > 0;) {
		if (r->frames[i].section != last)
			break;
		frames += r->frames[i].flags & FRAME_PC ? 0 : 1;
	}
	// An empty section takes the new one's kind; the program counter that the registers
	// showed belongs to the trace below them.
	if (!r->section_count || (frames && r->section_count < OOPS_SECTIONS_MAX))
		r->sections[r->section_count++] = kind;
	else if (kind != SECTION_TRACE ||
		 (r->sections[last] != SECTION_NMI && r->sections[last] != SECTION_TASK))
		r->sections[last] = kind;
}

static bool is_aside(enum oops_section_kind kind)
{
	return kind == SECTION_ORIGIN || kind == SECTION_CHAIN;
}

static void frame_add(struct report *r, const struct oops_symbol *symbol, unsigned int flags,
		      uint64_t number)
{
	// Of a very long trace the doubtful frames go first.
	if (r->frame_count == OOPS_FRAMES_MAX ||
	    (r->frame_count >= OOPS_FRAMES_MAX / 4 && !(flags & FRAME_RELIABLE)))
		return;
	if (!r->section_count)
		r->sections[r->section_count++] = SECTION_BARE;
	struct raw_frame *f = &r->frames[r->frame_count];
	*f = (struct raw_frame){
		.symbol = keep_symbol(r, symbol),
		.line = number,
		.flags = (uint8_t)flags,
		.section = (uint8_t)(r->section_count - 1),
	};
	if (f->symbol.name)
		r->frame_count++;
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static uint64_t parse_uint(const char *p, const char *end)
{
	uint64_t v = 0;

	for (; p < end && *p >= '0' && *p <= '9' && v < UINT64_MAX / 16; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	return v;
}

// "CPU: 1 UID: 0 PID: 178 Comm: tail Kdump: loaded Tainted: G    OE   6.1.0-56-amd64 #1 ...",
// in old kernels "Pid: 178, comm: tail Tainted: P 2.6.32 #1", on s390x and ARM "CPU: 0 Not
// tainted".
static bool parse_cpu_line(struct report *r, const char *s, const char *end)
{
	const char *p = skip_blank(s, end), *q;
	size_t n = (size_t)(end - p);
	bool old = oops_has_prefix(p, n, "Pid: ");

	if (!old && !oops_has_prefix(p, n, "CPU: "))
		return false;
	const char *comm = oops_find(p, n, old ? "comm: " : "Comm: ");
	const char *pid = old ? p : oops_find(p, n, "PID: ");
	if (!comm && !oops_find(p, n, "ainted"))
		return false;
	if (!old && r->cpu < 0)
		r->cpu = (int)parse_uint(p + 5, end);
	if (pid && r->pid < 0)
		r->pid = (int64_t)parse_uint(pid + 5, end);
	q = oops_find(p, n, "Not tainted");
	const char *tainted = q ? NULL : oops_find(p, n, "Tainted: ");
	const char *kdump = oops_find(p, n, " Kdump: ");
	const char *state = q ? q : tainted;
	const char *release = NULL;
	if (q) {
		release = skip_blank(q + 11, end);
	} else if (tainted) {
		// Letters and blanks in columns, then the release: it begins with a digit.
		const char *t = tainted + 9, *e = t;
		while (e < end && (*e == ' ' || (*e >= 'A' && *e <= 'Z')))
			e++;
		release = e;
		while (e > t && e[-1] == ' ')
			e--;
		if (!r->taint[0])
			keep_text(r->taint, sizeof(r->taint), t, (size_t)(e - t));
	}
	if (comm && state && state > comm && !r->comm[0]) {
		const char *c = comm + 6, *e = kdump && kdump < state ? kdump : state;
		while (e > c && e[-1] == ' ')
			e--;
		keep_text(r->comm, sizeof(r->comm), c, (size_t)(e - c));
	}
	if (release && release < end && !r->kernel[0]) {
		const char *e = memchr(release, ' ', (size_t)(end - release));
		char *paren = NULL;

		keep_text(r->kernel, sizeof(r->kernel), release, (size_t)((e ? e : end) - release));
		if ((paren = strchr(r->kernel, '(')))
			*paren = '\0';
	}
	return true;
}

// Lines that open a group of frames, and what group.
static bool parse_section(const char *s, size_t len, enum oops_section_kind *ret)
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
		ROW("Freed", SECTION_ORIGIN),
		ROW("Uninit was ", SECTION_ORIGIN),
		ROW("Local variable ", SECTION_ORIGIN),
		ROW("Last call_rcu", SECTION_ORIGIN),
		ROW("Last potentially related work creation", SECTION_ORIGIN),
		ROW("Second to last ", SECTION_ORIGIN),
		ROW("allocated by task", SECTION_ORIGIN),
		ROW("freed by task", SECTION_ORIGIN),
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
	const char *p = skip_blank(s, s + len);
	size_t n = (size_t)(s + len - p);

	for (size_t i = 0; i < EY_ARRAY_SIZE(table); i++) {
		if (*p == table[i].words[0] && n >= table[i].len &&
		    !memcmp(p, table[i].words, table[i].len)) {
			*ret = table[i].kind;
			return true;
		}
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
		*ret = SECTION_ORIGIN;
		return true;
	}
	return false;
}

// What follows an oops by the kernel's own settings, and so is no matter of its own.
static bool is_consequence(const struct report *r, const char *s, size_t len)
{
	static const char *const words[] = {
		"Fatal exception",
		"panic_on_warn set",
		"softlockup: hung tasks",
		"hung_task: blocked",
		"Hard LOCKUP",
		"RCU Stall",
		"Aiee, killing interrupt handler",
		"Attempted to kill the idle task",
		"panic_on_taint",
		"panic_on_oops",
		"Oops",
		"Unable to continue",
		"Fatal machine check",
		"Machine halted",
		"kasan.fault",
		"KASAN: panic_on",
		"UBSAN: panic_on",
		"scheduling while atomic",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (oops_find(s, len, words[i]))
			return true;
	}
	// Init dies of the oops it ran into.
	if (r->rule == RULE_NMI && oops_find(s, len, "NMI"))
		return true;
	return r->died && oops_find(s, len, "Attempted to kill init");
}

static bool is_bug_family(enum oops_rule rule)
{
	return rule == RULE_LIST || rule == RULE_USERCOPY || rule == RULE_FORTIFY;
}

// A header within an open report: more of the same matter, or another one?
static bool continues(struct report *r, const struct oops_header *h, const char *text, size_t len)
{
	unsigned int flags = oops_rule_info[h->rule].flags;

	if (h->rule == RULE_PANIC) {
		if (r->rule == RULE_PANIC || r->panic[0] ||
		    !is_consequence(r, text + h->end, len - h->end))
			return false;
		const char *p = text + h->end, *end = text + len;
		while (p < end && (*p == ':' || *p == ' '))
			p++;
		if (!r->panic[0])
			keep_text(r->panic, sizeof(r->panic), p, (size_t)(end - p));
		// The trace that follows is panic()'s.
		section_begin(r, SECTION_TRACE);
		if (!r->panic_section)
			r->panic_section = r->section_count;
		r->died = true;
		r->ended = false;
		return true;
	}
	if (r->ended)
		return false;
	// Notices that come again and again, from another context than the report's.
	if (h->rule == RULE_STUCK_REF || h->rule == RULE_OOM_KILL)
		return r->rule != h->rule && r->idle_lines < STRAY_LINES;
	// The unwinder's own complaint, while it prints a trace.
	if (h->rule == RULE_UNWIND)
		return r->rule != h->rule && !r->frame_count && r->idle_lines < STRAY_LINES;
	// slub.c prints who had the object in the midst of KASAN's and its own reports.
	if (h->rule == RULE_SLAB_TRACK)
		return true;
	// The stall detector stumbled while it printed: the stack is the stalled CPU's all the
	// same.
	if (h->rule == RULE_WARN_AT && r->rule == RULE_RCU_STALL && !r->frame_count)
		return true;
	if (h->rule == RULE_LEAK && r->rule == RULE_LEAK && !r->frame_count)
		return true;
	if (is_bug_family(r->rule) && h->rule == RULE_BUG_AT && !r->saw_registers) {
		r->died = true;
		return true;
	}
	if (is_bug_family(h->rule) && (r->rule == RULE_WARN_AT || r->rule == RULE_BUG_AT))
		return true;
	if ((flags & RULE_DIE) && r->idle_lines < STRAY_LINES && h->rule != RULE_BUG_AT &&
	    !r->saw_registers &&
	    ((oops_rule_info[r->rule].flags & RULE_DIE) || is_bug_family(r->rule))) {
		r->died = true;
		return true;
	}
	// "BUG: KASAN: ..." once for each inlined function, in symbolized logs.
	if (h->rule == r->rule && !r->frame_count && r->rule == RULE_KASAN)
		return true;
	if (h->rule == RULE_WARN && (r->rule != RULE_WARN))
		return true;
	if (h->rule == RULE_MCE && r->rule == RULE_MCE)
		return true;
	return false;
}

static void parse_subject(struct report *r, const char *text, size_t len)
{
	const char *end = text + len, *p;

	switch (r->rule) {
	case RULE_SOFT_LOCKUP:
		// "CPU#1 stuck for 22s! [comm:123]"
		if ((p = oops_find(text, len, "CPU#")))
			r->cpu = (int)parse_uint(p + 4, end);
		break;
	case RULE_HARD_LOCKUP:
		if ((p = oops_find(text, len, "on cpu ")))
			r->cpu = (int)parse_uint(p + 7, end);
		else if ((p = oops_find(text, len, "CPU ")))
			r->cpu = (int)parse_uint(p + 4, end);
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
				keep_text(r->comm, sizeof(r->comm), p, (size_t)(colon - p));
				r->pid = (int64_t)parse_uint(colon + 1, end);
			}
		}
		break;
	case RULE_OOM_KILL:
		// "Out of memory: Killed process 4011 (hog) total-vm:..."
		if ((p = oops_find(text, len, " process "))) {
			const char *open = memchr(p, '(', (size_t)(end - p));
			const char *close = open ? memchr(open, ')', (size_t)(end - open)) : NULL;
			r->pid = (int64_t)parse_uint(p + 9, end);
			if (close)
				keep_text(r->comm, sizeof(r->comm), open + 1,
					  (size_t)(close - open - 1));
		}
		break;
	case RULE_WARN_AT:
	case RULE_MCE:
		if ((p = oops_find(text, len, "CPU: ")) || (p = oops_find(text, len, "CPU#")))
			r->cpu = (int)parse_uint(p + (p[3] == '#' ? 4 : 5), end);
		else if ((p = oops_find(text, len, "CPU ")))
			r->cpu = (int)parse_uint(p + 4, end);
		if ((p = oops_find(text, len, "PID: ")))
			r->pid = (int64_t)parse_uint(p + 5, end);
		break;
	default:
		break;
	}
}

// The first "name+0x1/0x2" of a text.
static bool find_symbol(const char *p, const char *end, struct oops_symbol *ret)
{
	for (const char *plus = p; (plus = memmem(plus, (size_t)(end - plus), "+0x", 3)); plus++) {
		const char *start = plus;
		while (start > p && start[-1] != ' ' && start[-1] != '(' && start[-1] != '[' &&
		       start[-1] != ']' && start[-1] != '\t')
			start--;
		if (start < plus && oops_symbol_parse(&start, end, ret))
			return true;
	}
	return false;
}

void report_begin(struct report *r, const struct oops_header *header, const struct oops_line *line,
		  uint64_t number)
{
	struct oops_symbol symbol;

	// All but the big arrays, which the counts guard.
	memset(r, 0, offsetof(struct report, frames));
	r->frame_count = 0;
	memset(&r->cpu, 0, offsetof(struct report, arena) - offsetof(struct report, cpu));
	r->arena[0] = '\0';
	r->arena_used = 1;
	r->rule = header->rule;
	r->kind = oops_rule_info[header->rule].kind;
	r->first_line = r->last_line = number;
	r->time = line->time;
	r->corrupted = line->dropped;
	memcpy(r->caller, line->caller, sizeof(r->caller));
	keep_text(r->header, sizeof(r->header), line->text + header->at, line->len - header->at);
	r->cpu = -1;
	r->pid = -1;
	r->header_end = (uint32_t)EY_MIN(header->end - header->at, (size_t)OOPS_HEADER_MAX - 1);
	if (find_symbol(line->text + header->end, line->text + line->len, &symbol))
		r->header_symbol = keep_symbol(r, &symbol);
	if ((oops_rule_info[r->rule].flags & RULE_DIE) && strstr(r->header, "[#"))
		r->died = true;
	if (r->rule == RULE_PANIC) {
		const char *p = line->text + header->end, *end = line->text + line->len;
		while (p < end && (*p == ':' || *p == ' '))
			p++;
		keep_text(r->panic, sizeof(r->panic), p, (size_t)(end - p));
		r->died = true;
		section_begin(r, SECTION_TRACE);
		r->panic_section = 1;
	}
	parse_subject(r, line->text, line->len);
}

// Lockdep tells where the locks at hand were taken: "... , at: f+0x1/0x2" after "is trying to
// acquire lock:", "takes:", "#0:"; after "is trying to release lock (x) at:" on the next line. A
// place in a lock function or a dispatcher says nothing: then the next one is taken.
static void take_lock_place(struct report *r, const char *s, size_t len)
{
	struct oops_symbol symbol;
	const char *at;

	if (strstr(r->header, "lock order detected") || r->rule == RULE_RCU_USAGE ||
	    strstr(r->header, "lock inversion"))
		return;
	// The list of held locks matters where holding them is the fault.
	const char *hash = memchr(s, '#', len < 8 ? len : 8);
	if (hash && !strstr(r->header, "held") && !strstr(r->header, "returning to user"))
		return;
	if (oops_find(s, len, "is trying to release lock")) {
		r->want_place = true;
	} else if ((at = oops_find(s, len, "at: ")) && find_symbol(at + 3, s + len, &symbol)) {
		if (!r->header_symbol.name || r->weak_place) {
			r->header_symbol = keep_symbol(r, &symbol);
			r->weak_place = oops_pass_find(report_text(r, r->header_symbol.name),
						       PASS_ANY | PASS_LOCK) != NULL;
		}
	} else if ((at = oops_find(s, len, "last function: ")) && !r->header_symbol.name) {
		const char *name = at + 15, *end = name;
		while (end<s + len && * end> ' ')
			end++;
		symbol = (struct oops_symbol){.name = name, .name_len = (size_t)(end - name)};
		r->header_symbol = keep_symbol(r, &symbol);
		r->weak_place = false;
	}
}

// "Modules linked in: widget(O) ext4 [last unloaded: x]": the ones from elsewhere.
static void take_modules(struct report *r, const char *p, const char *end)
{
	size_t used = strlen(r->foreign_modules);

	while (p < end) {
		p = skip_blank(p, end);
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

static bool is_register_line(const char *s, size_t len)
{
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

enum report_take report_add(struct report *r, const struct oops_line *line,
			    const struct oops_header *header, uint64_t number)
{
	const char *s = line->text, *end = s + line->len;
	const char *p = skip_blank(s, end);
	size_t n = (size_t)(end - p);
	struct oops_frame_line frame;
	struct oops_symbol symbol;
	enum oops_section_kind section;
	enum oops_pc pc;

	if (line->dropped)
		r->corrupted = true;
	if (!n)
		return REPORT_UNKNOWN;
	if (header) {
		if (!continues(r, header, s, line->len))
			return REPORT_OVER;
		r->last_line = number;
		return REPORT_TOOK;
	}
	if (oops_frame_parse(s, line->len, &frame)) {
		if (r->idle_lines < STRAY_LINES)
			r->last_line = number;
		if (r->want_place) {
			if (!r->header_symbol.name)
				r->header_symbol = keep_symbol(r, &frame.symbol);
			r->weak_place = oops_pass_find(report_text(r, r->header_symbol.name),
						       PASS_ANY | PASS_LOCK) != NULL;
			r->want_place = false;
			return REPORT_TOOK;
		}
		if (r->ended)
			return REPORT_TOOK;
		// Frames far behind the report's last line are another's.
		if (r->idle_lines >= STRAY_LINES)
			return REPORT_UNKNOWN;
		if (frame.have_callee &&
		    (!r->frame_count ||
		     r->frames[r->frame_count - 1].section != r->section_count - 1))
			frame_add(r, &frame.callee, FRAME_RELIABLE, number);
		frame_add(r, &frame.symbol, frame.reliable ? FRAME_RELIABLE : 0, number);
		return REPORT_TOOK;
	}
	if ((pc = oops_pc_parse(s, line->len, &symbol)) != OOPS_PC_NONE) {
		r->last_line = number;
		if (r->ended)
			return REPORT_TOOK;
		if (pc == OOPS_PC_SYMBOL) {
			if (!r->pc.name)
				r->pc = keep_symbol(r, &symbol);
			if (r->section_count && is_aside(r->sections[r->section_count - 1]))
				section_begin(r, SECTION_BARE);
			frame_add(r, &symbol, FRAME_RELIABLE | FRAME_PC, number);
		} else if (pc == OOPS_PC_ADDRESS && !r->pc.name) {
			r->pc_unknown = true;
		}
		// "IP: f" only goes before: the registers come later.
		if (*p != 'I')
			r->saw_registers = true;
		return REPORT_TOOK;
	}
	if (r->kind == OOPS_LOCKDEP)
		take_lock_place(r, s, line->len);
	if (parse_cpu_line(r, s, end)) {
		r->last_line = number;
		return REPORT_TOOK;
	}
	if (is_register_line(p, n)) {
		if (r->idle_lines < 4)
			r->last_line = number;
		return REPORT_NEUTRAL;
	}
	if (parse_section(s, line->len, &section)) {
		// The grace-period thread is the stall's victim, not its cause.
		if (r->next_is_victim && section != SECTION_NMI) {
			r->next_is_victim = section == SECTION_TASK;
			section = SECTION_ORIGIN;
		}
		section_begin(r, section);
		r->last_line = number;
		return REPORT_TOOK;
	}
	if (oops_has_prefix(p, n, "---[ end ")) {
		r->ended = true;
		r->last_line = number;
		return REPORT_TOOK;
	}
	if (oops_has_prefix(p, n, "Hardware name: ")) {
		if (!r->hardware[0])
			keep_text(r->hardware, sizeof(r->hardware), p + 15, n - 15);
		return REPORT_NEUTRAL;
	}
	if (r->rule == RULE_RCU_STALL && oops_find(s, line->len, "kthread stack dump:"))
		r->next_is_victim = true;
	if (oops_has_prefix(p, n, "Modules linked in:"))
		take_modules(r, p + 18, end);
	if (oops_has_prefix(p, n, "Modules linked in") || *p == '<' || oops_has_prefix(p, n, "#PF"))
		return REPORT_NEUTRAL;
	return REPORT_UNKNOWN;
}
