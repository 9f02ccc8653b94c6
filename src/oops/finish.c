/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a report's lines to its event: kind, place, title and keys. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "oops/keys.h"
#include "oops/report.h"

static bool header_has(const struct report *r, const char *words)
{
	return strstr(r->header, words) != NULL;
}

// What a die path says that it was: "Internal error: Oops - BUG: 0 [#1]", "Oops: Machine check,
// sig: 7 [#1]", "Oops - illegal instruction [#1]", "Unknown program exception: 0012 ilc:2 [#1]".
static enum oops_kind die_kind(const struct report *r)
{
	static const struct {
		const char *words;
		enum oops_kind kind;
	} table[] = {
		{"UBSAN", OOPS_UBSAN},
		{" BUG", OOPS_BUG},
		{"BUG [#", OOPS_BUG},
		{"Kernel bug detected", OOPS_BUG},
		{"achine check", OOPS_MCE},
		{"System Reset", OOPS_NMI},
		{"NMI Reset", OOPS_NMI},
		{"tack overflow", OOPS_STACK_OVERFLOW},
		{"kernel stack pointer", OOPS_STACK_OVERFLOW},
		{"stack guard page", OOPS_STACK_OVERFLOW},
		{"of bad area, sig", OOPS_PAGE_FAULT},
		{"page fault, sig", OOPS_PAGE_FAULT},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (header_has(r, table[i].words))
			return table[i].kind;
	}
	// "Oops: 0002 [#1]", "Oops [#1]": a page fault whose first line is lost.
	if (r->rule == RULE_OOPS && !header_has(r, ", sig: ") && !header_has(r, "Oops - "))
		return OOPS_PAGE_FAULT;
	return OOPS_TRAP;
}

static enum oops_kind panic_kind(const struct report *r)
{
	static const struct {
		const char *words;
		enum oops_kind kind;
	} table[] = {
		{"ard LOCKUP", OOPS_HARD_LOCKUP},
		{"softlockup", OOPS_SOFT_LOCKUP},
		{"hung_task", OOPS_HANG},
		{"workqueue: ", OOPS_HANG},
		{"RCU Stall", OOPS_RCU_STALL},
		{"ut of memory", OOPS_OOM},
		{"deadlocked on memory", OOPS_OOM},
		{"NMI", OOPS_NMI},
		{"achine check", OOPS_MCE},
		{"broadcast exception handler", OOPS_MCE},
		{"ardware error", OOPS_HW_OTHER},
		{"SError", OOPS_HW_OTHER},
		{"ncontained", OOPS_HW_OTHER},
		{"Unrecovered Bus Error", OOPS_HW_OTHER},
		{"EDAC", OOPS_HW_OTHER},
		{"UE ", OOPS_HW_OTHER},
		{"Parity Error", OOPS_HW_OTHER},
		{"Memory failure on page", OOPS_HW_OTHER},
		{"hardware is malfunctioning", OOPS_HW_OTHER},
		{"AER: ", OOPS_HW_OTHER},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *at = strstr(r->panic, table[i].words);
		// "UE " begins its message.
		if (at && (table[i].words[0] != 'U' || at == r->panic))
			return table[i].kind;
	}
	return OOPS_PANIC;
}

static enum oops_kind hardware_kind(const struct report *r, enum oops_kind other)
{
	switch (r->error.source) {
	case OOPS_HW_MCE:
		return OOPS_MCE;
	case OOPS_HW_NMI:
	case OOPS_HW_WATCHDOG:
		return OOPS_NMI;
	case OOPS_HW_EDAC:
	case OOPS_HW_AER:
	case OOPS_HW_GHES:
	case OOPS_HW_THERMAL:
	case OOPS_HW_MEMORY:
		return OOPS_HW_OTHER;
	default:
		return other;
	}
}

// The kind, where the header says more than its rule.
static enum oops_kind refine_kind(const struct report *r)
{
	switch (r->rule) {
	case RULE_KASAN:
		if (header_has(r, "use-after-free"))
			return OOPS_KASAN_UAF;
		if (header_has(r, "double-free") || header_has(r, "invalid-free"))
			return OOPS_DOUBLE_FREE;
		if (header_has(r, "null-ptr-deref"))
			return OOPS_NULL_DEREF;
		if (header_has(r, "out-of-bounds") || header_has(r, "wild-memory-access") ||
		    header_has(r, "user-memory-access") || header_has(r, "invalid-access") ||
		    header_has(r, "unknown-crash") || header_has(r, "out of bounds"))
			return OOPS_KASAN_OOB;
		return OOPS_KASAN_OTHER;
	case RULE_KFENCE:
		return header_has(r, "invalid free") ? OOPS_DOUBLE_FREE : OOPS_KFENCE;
	case RULE_WARN_AT:
		// lockdep's own assertions.
		return header_has(r, "kernel/locking/lockdep.c") ? OOPS_LOCKDEP : OOPS_WARNING;
	case RULE_PANIC:
		return hardware_kind(r, panic_kind(r));
	case RULE_MCE:
	case RULE_HW:
	case RULE_NMI:
		return hardware_kind(r, r->kind);
	case RULE_TRAP:
	case RULE_OOPS:
	case RULE_DIED:
		return die_kind(r);
	case RULE_SLAB:
		return header_has(r, "already free") || header_has(r, "double free")
			       ? OOPS_DOUBLE_FREE
			       : OOPS_BUG_MSG;
	default:
		return r->kind;
	}
}

static struct ey_error *copy(char **to, const char *s)
{
	if (!s || !*s)
		return NULL;
	*to = strdup(s);
	return *to ? NULL : &ey_error_nomem;
}

static struct ey_error *set_place(struct oops_event *e, const struct report *r,
				  const struct raw_symbol *s)
{
	struct ey_error *err;

	if (!s || !s->name)
		return NULL;
	if ((err = copy(&e->function, report_text(r, s->name))) ||
	    (err = copy(&e->module, report_text(r, s->module))))
		return err;
	e->have_offset = s->have_offset;
	e->offset = s->offset;
	e->size = s->size;
	e->lines[OOPS_FIELD_FUNCTION] = s->line;
	return NULL;
}

// panic()'s caller, as its own trace prints it: the frame after panic's.
static const struct raw_symbol *panic_caller(const struct report *r)
{
	bool seen = false;

	if (!r->panic_section)
		return NULL;
	for (unsigned int i = 0; i < r->frame_count; i++) {
		const struct raw_frame *f = &r->frames[i];
		char name[64];

		if (f->section + 1u < r->panic_section || !(f->flags & FRAME_RELIABLE) ||
		    (f->flags & FRAME_PC))
			continue;
		oops_plain_name(report_text(r, f->symbol.name), name, sizeof(name));
		if (!strcmp(name, "panic") || !strcmp(name, "vpanic"))
			seen = true;
		else if (seen)
			return &f->symbol;
	}
	return NULL;
}

// Where the event is (design.md, "Event").
static const struct raw_symbol *place_of(const struct report *r, const struct raw_symbol *guilty)
{
	const struct raw_symbol *caller;

	switch (r->kind) {
	case OOPS_WARNING:
	case OOPS_BUG:
	case OOPS_NULL_DEREF:
	case OOPS_PAGE_FAULT:
	case OOPS_GPF:
	case OOPS_TRAP:
	case OOPS_STACK_OVERFLOW:
	case OOPS_SOFT_LOCKUP:
	case OOPS_HARD_LOCKUP:
	case OOPS_RCU_STALL:
		if (r->rule == RULE_WARN_AT && r->header_symbol.name)
			return &r->header_symbol;
		if (r->rule != RULE_PANIC && r->pc.name)
			return &r->pc;
		if (r->rule == RULE_PANIC)
			return (caller = panic_caller(r)) ? caller : guilty;
		return r->pc_unknown ? NULL : r->header_symbol.name ? &r->header_symbol : guilty;
	case OOPS_KASAN_UAF:
	case OOPS_KASAN_OOB:
	case OOPS_KASAN_OTHER:
	case OOPS_DOUBLE_FREE:
	case OOPS_KFENCE:
		return r->header_symbol.name ? &r->header_symbol : guilty;
	default:
		return (caller = panic_caller(r)) ? caller : guilty;
	}
}

// "in name" of a header without an offset (KMSAN, KCSAN, old KASAN with file and line).
static bool header_name(const struct report *r, char *buf, size_t size)
{
	const char *in = strstr(r->header, " in ");
	size_t n = 0;

	if (!in || (r->rule != RULE_KASAN && r->rule != RULE_KFENCE && r->rule != RULE_KMSAN &&
		    r->rule != RULE_KCSAN))
		return false;
	for (in += 4; in[n] && n + 1 < size; n++) {
		char c = in[n];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '.'))
			break;
	}
	memcpy(buf, in, n);
	buf[n] = '\0';
	return n > 0 && (in[n] == ' ' || in[n] == '\0' || in[n] == '+');
}

// The words of a title before " in function".
static void title_words(const struct report *r, enum oops_kind kind, struct ey_buf *title)
{
	const char *cut;

	switch (r->rule) {
	case RULE_GPF_GLUED:
		ey_buf_adds(title, "general protection fault");
		return;
	case RULE_BUG_AT:
		ey_buf_adds(title, "kernel BUG");
		return;
	case RULE_WARN_AT:
		ey_buf_adds(title, kind == OOPS_LOCKDEP ? "WARNING: locking bug" : "WARNING");
		return;
	case RULE_LIST:
		ey_buf_adds(title, "BUG: corrupted list");
		return;
	case RULE_USERCOPY:
		ey_buf_adds(title, "BUG: bad usercopy");
		return;
	case RULE_PANIC:
		ey_buf_printf(title, "kernel panic: %s", r->panic);
		return;
	case RULE_HUNG_TASK:
		ey_buf_adds(title, header_has(r, "can't die") ? "INFO: task can't die"
							      : "INFO: task hung");
		return;
	case RULE_RCU_STALL:
		ey_buf_adds(title, "INFO: rcu detected stall");
		return;
	case RULE_SOFT_LOCKUP:
		ey_buf_adds(title, "BUG: soft lockup");
		return;
	case RULE_HARD_LOCKUP:
		ey_buf_adds(title, "hard LOCKUP");
		return;
	case RULE_KASAN:
	case RULE_KFENCE:
	case RULE_KMSAN:
	case RULE_KCSAN:
	case RULE_UBSAN:
		cut = strstr(r->header, " in ");
		ey_buf_add(title, r->header, cut ? (size_t)(cut - r->header) : strlen(r->header));
		return;
	default:
		// The rule's own words.
		ey_buf_add(title, r->header, r->header_end);
		while (title->len && strchr(" :-,[(!", title->data[title->len - 1]))
			title->data[--title->len] = '\0';
		return;
	}
}

static struct ey_error *copy_frames(struct oops_event *e, const struct report *r)
{
	if (!r->frame_count)
		return NULL;
	// The names stand behind the frames, as the report has them: one piece of memory for all.
	size_t size = r->frame_count * sizeof(*e->frames);
	e->frames = malloc(size + r->arena_used);
	if (!e->frames)
		return &ey_error_nomem;
	char *text = memcpy((char *)e->frames + size, r->arena, r->arena_used);
	for (unsigned int i = 0; i < r->frame_count; i++) {
		const struct raw_frame *f = &r->frames[i];
		struct oops_frame *to = &e->frames[e->frame_count];

		if (r->sections[f->section] == SECTION_ORIGIN ||
		    r->sections[f->section] == SECTION_FREED ||
		    r->sections[f->section] == SECTION_CHAIN || (f->flags & FRAME_PC))
			continue;
		e->frame_count++;
		*to = (struct oops_frame){
			.function = text + f->symbol.name,
			.module = f->symbol.module ? text + f->symbol.module : NULL,
			.offset = f->symbol.offset,
			.size = f->symbol.size,
			.reliable = f->flags & FRAME_RELIABLE,
			.line = f->symbol.line,
		};
	}
	return NULL;
}

/**
 * Warnings that library code gives about its caller are another matter than the caller's own
 * ones, and stand beside them in the same function.
 */
static const char *warning_class(const struct report *r)
{
	const char *name = report_text(r, r->pc.name ? r->pc.name : r->header_symbol.name);

	if (r->rule != RULE_WARN_AT || !name)
		return NULL;
	if (!strncmp(name, "refcount_", 9))
		return "refcount";
	if (!strncmp(name, "debug_print_object", 18) || strstr(name, "_no_obj_freed"))
		return "odebug";
	return NULL;
}

// The hardware is to blame: no function is.
static void hardware_keys(const struct oops_hardware *hw, struct ey_buf *title,
			  struct ey_buf *reason)
{
	char text[256];

	oops_hardware_title(hw, text, sizeof(text));
	ey_buf_adds(title, text);
	oops_hardware_key(hw, text, sizeof(text));
	ey_buf_adds(reason, text);
}

static struct ey_error *set_hardware(struct oops_event *e, struct report *r)
{
	if (r->error.source == OOPS_HW_NONE)
		return NULL;
	if (r->panic[0] && r->error.severity != OOPS_HW_UNKNOWN)
		r->error.severity = OOPS_HW_FATAL;
	if (!(e->error = malloc(sizeof(*e->error))))
		return &ey_error_nomem;
	*e->error = r->error;
	// Of many CPUs' records the one that counts.
	if (r->error.cpu >= 0) {
		r->cpu = r->error.cpu;
		r->lines[OOPS_FIELD_CPU] = r->error.lines[OOPS_HW_LINE_STATUS];
	}
	return NULL;
}

// The words of a report that blames no function: what does not tell one matter from another (the
// task it happened to, addresses, times) is left out.
static void key_words(const struct report *r, enum oops_kind kind, struct ey_buf *reason)
{
	_cleanup_buf_ struct ey_buf words = EY_BUF_INIT;
	const char *cut;

	switch (r->rule) {
	case RULE_UNWIND:
		// "WARNING: kernel stack regs at X in comm:pid has bad 'bp' value X"; which of two
		// complaints of one stack came first does not matter.
		oops_key_text(r->both_unwind ? "bad stack"
			      : strstr(r->header, "frame pointer")
				      ? "bad frame pointer on the stack"
				      : "bad regs on the stack",
			      reason);
		return;
	case RULE_PANIC:
		oops_key_text(r->panic, reason);
		return;
	case RULE_SLAB:
		// "BUG kmalloc-64 (Tainted: G    B): Poison overwritten"
		cut = strstr(r->header, " (");
		ey_buf_add(&words, r->header, cut ? (size_t)(cut - r->header) : strlen(r->header));
		if (cut && (cut = strchr(cut, ')')))
			ey_buf_adds(&words, cut + 1);
		break;
	case RULE_SPINLOCK:
		// "BUG: spinlock bad magic on CPU#1, comm/pid"
		cut = strstr(r->header, " on CPU#");
		ey_buf_add(&words, r->header, cut ? (size_t)(cut - r->header) : strlen(r->header));
		break;
	case RULE_OOM_KILL:
		ey_buf_printf(&words, "%.*s %s", (int)r->header_end, r->header, r->comm);
		break;
	case RULE_HUNG_TASK:
	case RULE_RCU_STALL:
	case RULE_SOFT_LOCKUP:
	case RULE_HARD_LOCKUP:
	case RULE_SCHED_ATOMIC:
	case RULE_PREEMPT:
	case RULE_DENTRY:
	case RULE_WORKQUEUE:
	case RULE_CSD:
	case RULE_LEAK:
	case RULE_BAD_PAGE:
	case RULE_BAD_IRQ:
		title_words(r, kind, &words);
		break;
	default:
		if (oops_rule_info[r->rule].flags & RULE_DIE && r->rule != RULE_BUG_AT &&
		    r->rule != RULE_DIED)
			title_words(r, kind, &words);
		else
			ey_buf_adds(&words, r->header);
		break;
	}
	// Without memory the title or the reason fails just the same.
	if (words.data)
		oops_key_text(words.data, reason);
}

static struct ey_error *make_keys(struct oops_event *e, const struct report *r, const char *guilty)
{
	_cleanup_buf_ struct ey_buf title = EY_BUF_INIT, reason = EY_BUF_INIT;
	char plain[256], group[256];
	struct ey_error *err;

	ey_buf_adds(&reason, OOPS_GROUP_VERSION ":");
	ey_buf_adds(&reason, oops_kind_name(e->kind));
	ey_buf_addc(&reason, ':');
	if (e->error) {
		hardware_keys(e->error, &title, &reason);
		if (reason.len && reason.data[reason.len - 1] == ':')
			oops_key_text(r->rule == RULE_PANIC ? r->panic : r->header, &reason);
	} else {
		title_words(r, e->kind, &title);
	}
	if (e->error) {
		;
	} else if (guilty) {
		if ((err = copy(&e->guilty, oops_guilty_name(guilty, plain, sizeof(plain)))))
			return err;
		ey_buf_adds(&title, " in ");
		ey_buf_adds(&title, plain);
		ey_buf_adds(&reason, oops_group_name(guilty, group, sizeof(group)));
		if (warning_class(r))
			ey_buf_printf(&reason, ":%s", warning_class(r));
	} else {
		key_words(r, e->kind, &reason);
	}
	if ((err = ey_buf_error(&title)) || (err = ey_buf_error(&reason)))
		return err;
	e->title = ey_buf_steal(&title, NULL);
	e->reason = ey_buf_steal(&reason, NULL);
	if (e->function && e->have_offset &&
	    asprintf(&e->signature, "%s+0x%llx", e->function, (unsigned long long)e->offset) < 0) {
		e->signature = NULL;
		return &ey_error_nomem;
	}
	return e->title && e->reason ? NULL : &ey_error_nomem;
}

// A line that was looked at and held nothing.
static void forget_empty(struct oops_event *e)
{
	const struct {
		enum oops_field field;
		const char *value;
	} fields[] = {{OOPS_FIELD_COMM, e->comm},
		      {OOPS_FIELD_TAINT, e->taint},
		      {OOPS_FIELD_KERNEL, e->kernel},
		      {OOPS_FIELD_HARDWARE, e->hardware},
		      {OOPS_FIELD_PANIC, e->panic}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(fields); i++) {
		if (!fields[i].value)
			e->lines[fields[i].field] = 0;
	}
}

static struct ey_error *fill(struct report *r, struct oops_event *e)
{
	char name[256];
	const char *guilty = NULL;
	const struct raw_symbol *symbol = NULL;
	struct ey_error *err;

	if (r->rule == RULE_PANIC)
		oops_hardware_from_panic(&r->error, r->panic);
	r->kind = e->kind = refine_kind(r);
	if ((err = set_hardware(e, r)))
		return err;
	int frame = e->error ? -2 : oops_guilty_frame(r);
	if (e->error) {
		;
	} else if (r->rule == RULE_KCSAN && header_name(r, name, sizeof(name))) {
		guilty = name;
	} else if (frame >= 0) {
		symbol = &r->frames[frame].symbol;
	} else if (r->header_symbol.name) {
		symbol = &r->header_symbol;
	}
	if (r->kind == OOPS_LOCKDEP && r->header_symbol.name && r->rule != RULE_WARN_AT &&
	    !r->weak_place)
		symbol = &r->header_symbol;
	if (guilty || e->error)
		;
	else if (symbol)
		guilty = report_text(r, symbol->name);
	else if (header_name(r, name, sizeof(name)))
		guilty = name;
	memcpy(e->lines, r->lines, sizeof(e->lines));
	if (guilty)
		e->lines[OOPS_FIELD_GUILTY] = symbol ? symbol->line : r->first_line;
	if ((err = set_place(e, r, place_of(r, symbol))) || (err = make_keys(e, r, guilty)) ||
	    (err = copy(&e->comm, r->comm)) || (err = copy(&e->taint, r->taint)) ||
	    (err = copy(&e->kernel, r->kernel)) || (err = copy(&e->hardware, r->hardware)) ||
	    (err = copy(&e->panic, r->panic)) || (err = copy_frames(e, r)))
		return err;
	forget_empty(e);
	e->stuck_seconds = report_stuck_seconds(r);
	e->cpu = r->cpu;
	e->pid = r->pid;
	e->died = r->died;
	e->corrupted = r->corrupted || r->rule == RULE_SLAB_TRACK || r->rule == RULE_CUT;
	e->first_line = r->first_line;
	e->last_line = r->last_line;
	e->time = r->time;
	return NULL;
}

// Lines that only look like a report, or that are one only with what must follow them.
static bool is_event(const struct report *r)
{
	switch (r->rule) {
	case RULE_WARN:
		// pr_warn("WARNING: ...") is a notice.
		return r->frame_count > 0;
	case RULE_LIST:
	case RULE_USERCOPY:
	case RULE_FORTIFY:
	case RULE_CFI:
		// What was wrong; the BUG or the warning is the report.
		return r->died || r->frame_count > 0;
	case RULE_RUST:
		return r->died;
	case RULE_BAD_IRQ:
	case RULE_ALLOC_FAIL:
		// Notices, but for the ones that the kernel shows with a stack.
		return r->frame_count > 0;
	case RULE_MCE:
	case RULE_HW:
		// What was corrected did no harm: a notice, no crash.
		return r->error.severity != OOPS_HW_CORRECTED || r->panic[0];
	default:
		return true;
	}
}

struct ey_error *report_finish(struct report *r, const struct oops_context *context,
			       struct oops_event *ret, bool *found_ret)
{
	struct oops_event e = {0};
	struct ey_error *err;

	oops_hardware_finish(&r->error);
	*found_ret = is_event(r);
	if (!*found_ret)
		return NULL;
	if (!(err = fill(r, &e)))
		err = oops_judge(r, context, &e);
	if (!err && context->explain)
		err = oops_explain(r, &e);
	if (err) {
		oops_event_deinit(&e);
		return err;
	}
	oops_event_move(ret, &e);
	return NULL;
}
