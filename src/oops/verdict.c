/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hints of whose fault a crash is, each with its evidence (docs/signatures.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "oops/hints.h"
#include "oops/keys.h"

enum {
	// A machine check so shortly before has to do with it, seconds.
	HARDWARE_NEAR = 60,
	// Faults so far apart are no one story, seconds.
	FAULTS_NEAR = 3600,
	// So many faults without anything in common.
	UNRELATED_FAULTS = 3,
};

static struct ey_error *add_hint(struct oops_event *e, enum oops_verdict verdict,
				 struct ey_buf *why)
{
	struct ey_error *err = ey_buf_error(why);

	if (err || e->hint_count == OOPS_HINTS_MAX)
		return err;
	struct oops_hint *hint = &e->hints[e->hint_count];
	hint->verdict = verdict;
	hint->evidence = ey_buf_steal(why, NULL);
	if (!hint->evidence)
		return &ey_error_nomem;
	e->hint_count++;
	return NULL;
}

// A fault of a task's own, which a program can run into at any time.
static bool is_fault(const struct oops_event *e)
{
	switch (e->kind) {
	case OOPS_NULL_DEREF:
	case OOPS_PAGE_FAULT:
	case OOPS_GPF:
	case OOPS_TRAP:
	case OOPS_BUG:
		return e->died && e->guilty;
	default:
		return false;
	}
}

// FNV-1a.
static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261;

	for (; s && *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619;
	return h;
}

// What is on the stacks of all tasks says nothing of two that meet there.
static void keep_frames(struct oops_fault *fault, const struct oops_event *e)
{
	char plain[128];

	fault->frames[fault->frame_count++] =
		hash(oops_plain_name(e->guilty, plain, sizeof(plain)));
	for (size_t i = 0; i < e->frame_count && fault->frame_count < OOPS_FAULT_FRAMES; i++) {
		const char *name = e->frames[i].function;

		if (!e->frames[i].reliable || !name || oops_pass_find(name, ~0u))
			continue;
		fault->frames[fault->frame_count++] =
			hash(oops_plain_name(name, plain, sizeof(plain)));
	}
}

static bool share_frames(const struct oops_fault *a, const struct oops_fault *b)
{
	for (unsigned int i = 0; i < a->frame_count; i++) {
		for (unsigned int j = 0; j < b->frame_count; j++) {
			if (a->frames[i] == b->frames[j])
				return true;
		}
	}
	return false;
}

static struct oops_fault fault_of(const struct oops_event *e)
{
	struct oops_fault fault = {
		.kind = e->kind,
		.time = e->time,
		.pid = e->pid,
		.kernel = hash(e->kernel),
		.module = hash(e->module),
	};

	keep_frames(&fault, e);
	snprintf(fault.what, sizeof(fault.what), "%s in %s", oops_kind_name(e->kind), e->guilty);
	return fault;
}

void oops_context_take(struct oops_context *context, const struct oops_event *e)
{
	// Time that runs backwards is another boot's.
	if (e->time >= 0 && e->time + 1 < context->last_time) {
		context->hardware_time = -1;
		context->fault_count = 0;
		context->software = false;
	}
	if (e->time >= 0)
		context->last_time = e->time;
	// What was corrected did no harm, and of a mere notice nobody knows.
	if (e->error && e->error->severity >= OOPS_HW_DEFERRED && e->time >= 0) {
		context->hardware_time = e->time;
		snprintf(context->hardware_title, sizeof(context->hardware_title), "%s", e->title);
	}
	switch (e->kind) {
	case OOPS_KASAN_UAF:
	case OOPS_KASAN_OOB:
	case OOPS_KASAN_OTHER:
	case OOPS_DOUBLE_FREE:
	case OOPS_KFENCE:
	case OOPS_KMSAN:
		context->software = true;
		break;
	default:
		break;
	}
	if (e->taint && strpbrk(e->taint, "OP"))
		context->software = true;
	if (!is_fault(e) || e->time < 0)
		return;
	if (context->fault_count == OOPS_FAULTS_MAX) {
		memmove(context->faults, context->faults + 1,
			(OOPS_FAULTS_MAX - 1) * sizeof(*context->faults));
		context->fault_count--;
	}
	context->faults[context->fault_count++] = fault_of(e);
}

// Faults of several kinds, in several tasks, without a function in common.
static bool unrelated_faults(const struct oops_context *context, const struct oops_event *e,
			     struct ey_buf *why)
{
	const struct oops_fault *picked[OOPS_FAULTS_MAX + 1];
	unsigned int count = 0;
	bool kinds = false;

	if (context->fault_count + 1 < UNRELATED_FAULTS || !is_fault(e) || e->time < 0 ||
	    context->software || (e->taint && strpbrk(e->taint, "OP")))
		return false;
	struct oops_fault last = fault_of(e);
	picked[count++] = &last;
	for (unsigned int i = context->fault_count; i-- > 0;) {
		const struct oops_fault *f = &context->faults[i];
		bool fits = f->kernel == last.kernel && last.time - f->time <= FAULTS_NEAR &&
			    last.time >= f->time;

		for (unsigned int j = 0; fits && j < count; j++)
			fits = f->pid != picked[j]->pid && !share_frames(f, picked[j]) &&
			       (!f->module || f->module != picked[j]->module ||
				f->module == hash(NULL));
		if (!fits)
			continue;
		kinds = kinds || f->kind != last.kind;
		picked[count++] = f;
	}
	if (count < UNRELATED_FAULTS || !kinds)
		return false;
	ey_buf_printf(why, "%u faults without a function or a task in common in %.0f s:", count,
		      last.time - picked[count - 1]->time);
	for (unsigned int i = count; i-- > 0;)
		ey_buf_printf(why, "%s %s", i + 1 == count ? "" : ",", picked[i]->what);
	return true;
}

static bool is_foreign(const struct report *r, const struct oops_event *e, const char *module)
{
	char word[68];

	if (!module || strlen(module) > 64)
		return false;
	snprintf(word, sizeof(word), " %s ", module);
	// Without the list of modules the taint must do.
	return r->foreign_modules[0] ? strstr(r->foreign_modules, word) != NULL
				     : e->taint && strpbrk(e->taint, "OP");
}

// A module that is not of the kernel's tree on the stack that is to blame: what other CPUs and
// other tasks were doing does not count.
static const char *foreign_module(const struct report *r, const struct oops_event *e)
{
	if (!r->foreign_modules[0] && !(e->taint && strpbrk(e->taint, "OP")))
		return NULL;
	if (is_foreign(r, e, e->module))
		return e->module;
	int guilty = oops_guilty_frame(r);
	if (guilty < 0)
		return NULL;
	for (unsigned int i = 0; i < r->frame_count; i++) {
		const struct raw_frame *f = &r->frames[i];
		const char *module = report_text(r, f->symbol.module);

		// A frame that the kernel marks proves nothing, but for the one that is blamed.
		if (f->section == r->frames[guilty].section &&
		    (f->flags & FRAME_RELIABLE || (int)i == guilty) && is_foreign(r, e, module))
			return module;
	}
	return NULL;
}

struct ey_error *oops_judge(const struct report *r, const struct oops_context *context,
			    struct oops_event *e)
{
	_cleanup_buf_ struct ey_buf why = EY_BUF_INIT;
	struct ey_error *err;

	// An NMI without a reason may be an operator's button, a watchdog's cause is software too,
	// and what was logged without its record may have been corrected.
	if (e->error) {
		if (e->error->severity == OOPS_HW_UNKNOWN)
			return NULL;
		ey_buf_printf(&why, "the hardware reported it: %.160s", r->header);
		return add_hint(e, OOPS_VERDICT_HARDWARE, &why);
	}
	// What no decoder knows. An SError is as often a driver's access to what is switched off.
	if ((e->kind == OOPS_MCE || e->kind == OOPS_HW_OTHER) && r->rule != RULE_SERROR &&
	    !strstr(r->panic, "SError")) {
		ey_buf_printf(&why, "the hardware reported it: %.160s", r->header);
		return add_hint(e, OOPS_VERDICT_HARDWARE, &why);
	}
	if (e->time >= 0 && context->hardware_time >= 0 && e->time >= context->hardware_time &&
	    e->time - context->hardware_time <= HARDWARE_NEAR && e->kind != OOPS_OOM) {
		ey_buf_printf(&why, "the hardware reported an error %.1f s before: %s",
			      e->time - context->hardware_time, context->hardware_title);
		if ((err = add_hint(e, OOPS_VERDICT_HARDWARE, &why)))
			return err;
	}
	// What was printed of the processor or of memory, and does not fit together.
	ey_buf_clear(&why);
	if (oops_hint_state(r, &why) && (err = add_hint(e, OOPS_VERDICT_HARDWARE, &why)))
		return err;
	ey_buf_clear(&why);
	if (unrelated_faults(context, e, &why) && (err = add_hint(e, OOPS_VERDICT_HARDWARE, &why)))
		return err;
	ey_buf_clear(&why);
	const char *module = foreign_module(r, e);
	if (!module)
		return NULL;
	ey_buf_printf(&why, "the module %s, which is not of the kernel's tree, is in the stack",
		      module);
	return add_hint(e, OOPS_VERDICT_OUT_OF_TREE, &why);
}
