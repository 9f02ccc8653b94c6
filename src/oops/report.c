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
		.line = r->number,
		.have_offset = s->have_offset,
	};
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
	return kind == SECTION_ORIGIN || kind == SECTION_FREED || kind == SECTION_CHAIN;
}

static void frame_add(struct report *r, const struct oops_symbol *symbol, unsigned int flags)
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
		.flags = (uint8_t)flags,
		.section = (uint8_t)(r->section_count - 1),
	};
	if (f->symbol.name)
		r->frame_count++;
}

// The hardware's own reports.
static bool is_hardware(enum oops_rule rule)
{
	return rule == RULE_MCE || rule == RULE_HW || rule == RULE_NMI;
}

static bool hardware_panic(const char *s, size_t len)
{
	char text[256];

	report_keep_text(text, sizeof(text), s, len);
	return oops_hardware_from_panic(NULL, text);
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
		"kfence.fault",
		"kmsan.panic",
		"KASAN: panic_on",
		"UBSAN: panic_on",
		"scheduling while atomic",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (oops_find(s, len, words[i]))
			return true;
	}
	if (is_hardware(r->rule) && r->idle_lines < STRAY_LINES &&
	    (oops_find(s, len, "NMI") || hardware_panic(s, len)))
		return true;
	switch (r->rule) {
	case RULE_SERROR:
	case RULE_BAD_MODE:
		return oops_find(s, len, "SError") || oops_find(s, len, "nhandled exception") ||
		       oops_find(s, len, "bad mode");
	case RULE_STACK_OVERFLOW:
		return oops_find(s, len, "ernel stack") != NULL;
	case RULE_WORKQUEUE:
		return oops_find(s, len, "workqueue: ") != NULL;
	case RULE_HARD_LOCKUP:
		return oops_find(s, len, "hard LOCKUP") != NULL;
	default:
		// Init dies of the oops it ran into.
		return r->died && oops_find(s, len, "Attempted to kill init");
	}
}

static bool is_bug_family(enum oops_rule rule)
{
	return rule == RULE_LIST || rule == RULE_USERCOPY || rule == RULE_FORTIFY ||
	       rule == RULE_CFI || rule == RULE_RUST;
}

// The first "name+0x1/0x2" of a text.
static bool find_symbol(const char *p, const char *end, struct oops_symbol *ret)
{
	for (const char *plus = p; (plus = oops_find_bytes(plus, (size_t)(end - plus), "+0x", 3));
	     plus++) {
		const char *start = plus;
		while (start > p && start[-1] != ' ' && start[-1] != '(' && start[-1] != '[' &&
		       start[-1] != ']' && start[-1] != '\t')
			start--;
		if (start < plus && oops_symbol_parse(&start, end, ret))
			return true;
	}
	return false;
}

// mm/slub.c print_track(): "INFO: Allocated in f+0x1/0x2 age=3 cpu=0 pid=1", then its stack.
static void take_track(struct report *r, const char *s, size_t len, enum oops_section_kind kind)
{
	struct oops_symbol symbol;

	section_begin(r, kind);
	if (find_symbol(s, s + len, &symbol))
		frame_add(r, &symbol, FRAME_RELIABLE);
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
		if (!r->panic[0]) {
			report_keep_text(r->panic, sizeof(r->panic), p, (size_t)(end - p));
			report_mark(r, OOPS_FIELD_PANIC);
		}
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
	// The unwinder's own complaint, while it prints a trace; two of them are of one stack.
	if (h->rule == RULE_UNWIND && r->rule == RULE_UNWIND && r->idle_lines < STRAY_LINES) {
		r->both_unwind = r->both_unwind || !strstr(r->header, "frame pointer") !=
							   !oops_find(text, len, "frame pointer");
		return true;
	}
	if (h->rule == RULE_UNWIND)
		return !r->frame_count && r->idle_lines < STRAY_LINES;
	// Memory ran out in the midst of a report.
	if (h->rule == RULE_ALLOC_FAIL)
		return r->rule != h->rule && r->idle_lines < STRAY_LINES;
	// Until 4.5 the hard lockup's words were a WARN()'s, fs/dcache.c's are to this day.
	if (h->rule == RULE_HARD_LOCKUP && r->rule == RULE_WARN_AT && !r->frame_count) {
		r->rule = RULE_HARD_LOCKUP;
		r->kind = OOPS_HARD_LOCKUP;
		return true;
	}
	if (h->rule == RULE_HARD_LOCKUP && r->rule == RULE_HARD_LOCKUP)
		return r->idle_lines < STRAY_LINES;
	if (h->rule == RULE_WARN_AT && !r->frame_count && !r->saw_registers &&
	    (r->rule == RULE_DENTRY || r->rule == RULE_CFI))
		return true;
	// UBSAN's and lockdep's reports that the machine died of, or in.
	if ((flags & RULE_DIE) && !r->frame_count && !r->saw_registers &&
	    (r->rule == RULE_UBSAN || (r->rule == RULE_LOCKDEP && r->idle_lines < 8))) {
		r->died = true;
		return true;
	}
	// slub.c prints who had the object in the midst of KASAN's and its own reports.
	if (h->rule == RULE_SLAB_TRACK) {
		take_track(r, text, len,
			   oops_find(text, len, "INFO: Freed") ? SECTION_FREED : SECTION_ORIGIN);
		return true;
	}
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
	if (h->rule == r->rule && !r->frame_count &&
	    (r->rule == RULE_KASAN || r->rule == RULE_KMSAN || r->rule == RULE_KFENCE))
		return true;
	if (h->rule == RULE_WARN && (r->rule != RULE_WARN))
		return true;
	// One incident, many records: of each CPU, of each bank, of the driver that decodes them.
	if (is_hardware(h->rule) && is_hardware(r->rule) && r->idle_lines < STRAY_LINES &&
	    (h->rule == RULE_NMI) == (r->rule == RULE_NMI) &&
	    !(r->time >= 0 && r->now > r->time + INCIDENT_SECONDS))
		return true;
	return false;
}

void report_begin(struct report *r, const struct oops_header *header, const struct oops_line *line,
		  uint64_t number)
{
	struct oops_symbol symbol;

	// All but the big arrays, which the counts guard.
	memset(r, 0, offsetof(struct report, frames));
	r->frame_count = 0;
	memset(&r->lines, 0, offsetof(struct report, arena) - offsetof(struct report, lines));
	r->arena[0] = '\0';
	r->arena_used = 1;
	r->rule = header->rule;
	r->kind = oops_rule_info[header->rule].kind;
	r->first_line = r->last_line = r->number = number;
	report_mark(r, OOPS_FIELD_TITLE);
	r->time = r->now = line->time;
	r->corrupted = line->dropped;
	memcpy(r->caller, line->caller, sizeof(r->caller));
	report_keep_text(r->header, sizeof(r->header), line->text + header->at,
			 line->len - header->at);
	r->cpu = -1;
	r->pid = -1;
	r->header_end = (uint32_t)EY_MIN(header->end - header->at, (size_t)OOPS_HEADER_MAX - 1);
	if (find_symbol(line->text + header->end, line->text + line->len, &symbol))
		r->header_symbol = keep_symbol(r, &symbol);
	if ((oops_rule_info[r->rule].flags & RULE_DIE) && strstr(r->header, "[#"))
		r->died = true;
	if (r->rule == RULE_DOUBLE_FAULT && oops_has_prefix(r->header, 7, "PANIC: "))
		r->died = true;
	if (r->rule == RULE_PANIC) {
		const char *p = line->text + header->end, *end = line->text + line->len;
		while (p < end && (*p == ':' || *p == ' '))
			p++;
		report_keep_text(r->panic, sizeof(r->panic), p, (size_t)(end - p));
		report_mark(r, OOPS_FIELD_PANIC);
		r->died = true;
		section_begin(r, SECTION_TRACE);
		r->panic_section = 1;
	}
	report_take_subject(r, line->text, line->len);
	oops_state_take_header(&r->state, line->text, line->len);
	r->error.source = OOPS_HW_NONE;
	if (is_hardware(r->rule)) {
		oops_hardware_init(&r->error);
		oops_hardware_take(&r->error, line->text, line->len, number);
	}
}

// Lockdep tells where the locks at hand were taken: "... , at: f+0x1/0x2" after "is trying to
// acquire lock:", "takes:", "#0:"; after "is trying to release lock (x) at:" on the next line. A
// place in a lock function or a dispatcher says nothing: then the next one is taken.
static bool take_lock_place(struct report *r, const char *s, size_t len)
{
	struct oops_symbol symbol;
	const char *at;

	if (strstr(r->header, "lock order detected") || r->rule == RULE_RCU_USAGE ||
	    strstr(r->header, "lock inversion"))
		return false;
	// The list of held locks matters where holding them is the fault.
	const char *hash = memchr(s, '#', len < 8 ? len : 8);
	if (hash && !strstr(r->header, "held") && !strstr(r->header, "returning to user"))
		return false;
	if (oops_find(s, len, "is trying to release lock")) {
		r->want_place = true;
	} else if ((at = oops_find(s, len, "at: ")) && find_symbol(at + 3, s + len, &symbol)) {
		if (!r->header_symbol.name || r->weak_place) {
			r->header_symbol = keep_symbol(r, &symbol);
			r->weak_place = oops_pass_find(report_text(r, r->header_symbol.name),
						       PASS_ANY | PASS_LOCK) != NULL;
		}
		r->last_line = r->number;
		return true;
	} else if ((at = oops_find(s, len, "last function: ")) && !r->header_symbol.name) {
		const char *name = at + 15, *end = name;
		while (end<s + len && * end> ' ')
			end++;
		symbol = (struct oops_symbol){.name = name, .name_len = (size_t)(end - name)};
		r->header_symbol = keep_symbol(r, &symbol);
		r->weak_place = false;
	}
	return false;
}

// Only a fault makes something of the processor's state.
static void take_state(struct report *r, const char *p, size_t n)
{
	if (oops_rule_info[r->rule].flags & RULE_DIE)
		oops_state_take(&r->state, p, n);
}

enum report_take report_add(struct report *r, const struct oops_line *line,
			    const struct oops_header *header, uint64_t number)
{
	const char *s = line->text, *end = s + line->len;
	const char *p = report_skip_blank(s, end);
	size_t n = (size_t)(end - p);
	struct oops_frame_line frame;
	struct oops_symbol symbol;
	enum oops_section_kind section;
	enum oops_pc pc;

	// mm/kmemleak.c prints its own name before each line of a leak.
	if (r->rule == RULE_LEAK && !header && oops_has_prefix(s, line->len, "kmemleak: ")) {
		struct oops_line inner = *line;
		inner.text += 10;
		inner.len -= 10;
		return report_add(r, &inner, NULL, number);
	}
	r->number = number;
	r->now = line->time;
	if (line->dropped)
		r->corrupted = true;
	if (!n)
		return r->idle_lines < 4 ? REPORT_NEUTRAL : REPORT_UNKNOWN;
	if (header) {
		if (!continues(r, header, s, line->len))
			return REPORT_OVER;
		r->last_line = number;
		oops_state_take_header(&r->state, s, line->len);
		if (is_hardware(header->rule) && is_hardware(r->rule))
			oops_hardware_take(&r->error, s, line->len, number);
		return REPORT_TOOK;
	}
	if (is_hardware(r->rule) && r->idle_lines < STRAY_LINES &&
	    oops_hardware_take(&r->error, s, line->len, number)) {
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
			frame_add(r, &frame.callee, FRAME_RELIABLE);
		frame_add(r, &frame.symbol, frame.reliable ? FRAME_RELIABLE : 0);
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
			frame_add(r, &symbol, FRAME_RELIABLE | FRAME_PC);
		} else if (pc == OOPS_PC_ADDRESS && !r->pc.name) {
			r->pc_unknown = true;
		}
		if (pc == OOPS_PC_ADDRESS)
			take_state(r, p, n);
		// What follows is the state of user space, before it called.
		if (pc == OOPS_PC_USER)
			r->state.done = r->state.code_done = true;
		// "IP: f" only goes before: the registers come later.
		if (*p != 'I')
			r->saw_registers = true;
		return REPORT_TOOK;
	}
	if (r->kind == OOPS_LOCKDEP && take_lock_place(r, s, line->len))
		return REPORT_TOOK;
	if ((r->rule == RULE_NULL_DEREF || r->rule == RULE_PAGE_FAULT) && !r->saw_registers &&
	    report_is_abort_line(p, n)) {
		r->last_line = number;
		return REPORT_TOOK;
	}
	if (report_take_cpu_line(r, s, end)) {
		r->last_line = number;
		return REPORT_TOOK;
	}
	if (report_is_register_line(p, n)) {
		take_state(r, p, n);
		if (r->idle_lines < 4)
			r->last_line = number;
		return REPORT_NEUTRAL;
	}
	if (report_section_of(s, line->len, &section)) {
		// The grace-period thread is the stall's victim, not its cause.
		if (r->next_is_victim && section != SECTION_NMI) {
			r->next_is_victim = section == SECTION_TASK;
			section = SECTION_ORIGIN;
		}
		if (r->rule == RULE_SLAB && oops_find(s, line->len, " in "))
			take_track(r, s, line->len, section);
		else
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
		if (!r->hardware[0]) {
			report_keep_text(r->hardware, sizeof(r->hardware), p + 15, n - 15);
			report_mark(r, OOPS_FIELD_HARDWARE);
		}
		return REPORT_NEUTRAL;
	}
	if (r->rule == RULE_RCU_STALL && oops_find(s, line->len, "kthread stack dump:"))
		r->next_is_victim = true;
	if (oops_has_prefix(p, n, "Modules linked in:"))
		report_take_modules(r, p + 18, end);
	if (oops_has_prefix(p, n, "Modules linked in") || *p == '<' ||
	    oops_has_prefix(p, n, "#PF")) {
		take_state(r, p, n);
		return REPORT_NEUTRAL;
	}
	return REPORT_UNKNOWN;
}
