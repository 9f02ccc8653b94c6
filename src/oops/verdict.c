/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hints of whose fault a crash is, each with its evidence (docs/signatures.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "oops/keys.h"

enum {
	// A machine check so shortly before has to do with it, seconds.
	HARDWARE_NEAR = 60,
};

static struct ey_error *judge(struct oops_event *e, enum oops_verdict verdict, struct ey_buf *why)
{
	struct ey_error *err = ey_buf_error(why);

	if (err)
		return err;
	e->verdict = verdict;
	e->evidence = ey_buf_steal(why, NULL);
	return e->evidence ? NULL : &ey_error_nomem;
}

void oops_context_take(struct oops_context *context, const struct oops_event *event)
{
	// What was corrected did no harm, and of a mere notice nobody knows.
	if (!event->error || event->error->severity < OOPS_HW_DEFERRED || event->time < 0)
		return;
	context->hardware_time = event->time;
	snprintf(context->hardware_title, sizeof(context->hardware_title), "%s", event->title);
}

static bool is_canonical(uint64_t address)
{
	// 48 bits, sign-extended: what all of today's machines use unless told otherwise.
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/**
 * The bit that alone keeps @p address from being a pointer of the kernel's, -1 for none. Fillers
 * (poison of lists and freed memory, KASAN's shadow) are a program's doing.
 */
static int stray_bit(uint64_t address)
{
	static const uint64_t fillers[] = {0xdead, 0x6b6b, 0x5a5a, 0xcccc, 0xaaaa,
					   0xa5a5, 0xdfff, 0x6161, 0x4141};

	for (size_t i = 0; i < sizeof(fillers) / sizeof(*fillers); i++) {
		if (address >> 48 == fillers[i])
			return -1;
	}
	if (is_canonical(address) || address >> 56 < 0x7f)
		return -1;
	for (int bit = 48; bit < 64; bit++) {
		uint64_t flipped = address ^ (uint64_t)1 << bit;
		if (is_canonical(flipped) && flipped >> 63)
			return bit;
	}
	return -1;
}

static bool header_address(const struct report *r, uint64_t *ret)
{
	const char *at = strstr(r->header, "address 0x");

	if (!at)
		return false;
	*ret = strtoull(at + 10, NULL, 16);
	return true;
}

// A frame that the kernel marks proves nothing, but for the one that is blamed all the same.
static bool counts(const struct oops_event *e, const struct oops_frame *f)
{
	return f->reliable || (e->guilty && f->function && !strcmp(f->function, e->guilty));
}

static const char *foreign_module(const struct report *r, const struct oops_event *e)
{
	char word[68];

	for (size_t i = 0; i <= e->frame_count; i++) {
		const char *module = i ? e->frames[i - 1].module : e->module;
		if (!module || (i && !counts(e, &e->frames[i - 1])) || strlen(module) > 64)
			continue;
		snprintf(word, sizeof(word), " %s ", module);
		// Without the list of modules the taint must do.
		if (r->foreign_modules[0] ? strstr(r->foreign_modules, word) != NULL
					  : e->taint && strpbrk(e->taint, "OP"))
			return module;
	}
	return NULL;
}

struct ey_error *oops_judge(const struct report *r, const struct oops_context *context,
			    struct oops_event *e)
{
	_cleanup_buf_ struct ey_buf why = EY_BUF_INIT;
	uint64_t address = 0;
	int bit = -1;

	// An NMI without a reason may be an operator's button.
	if (e->error &&
	    (e->error->severity != OOPS_HW_UNKNOWN || e->error->source == OOPS_HW_MCE)) {
		ey_buf_printf(&why, "the hardware reported it: %.160s", r->header);
		return judge(e, OOPS_VERDICT_HARDWARE, &why);
	}
	if (e->time >= 0 && context->hardware_time >= 0 && e->time >= context->hardware_time &&
	    e->time - context->hardware_time <= HARDWARE_NEAR && e->kind != OOPS_OOM) {
		ey_buf_printf(&why, "the hardware reported an error %.1f s before: %s",
			      e->time - context->hardware_time, context->hardware_title);
		return judge(e, OOPS_VERDICT_HARDWARE, &why);
	}
	if (e->kind == OOPS_GPF && header_address(r, &address) && (bit = stray_bit(address)) >= 0) {
		ey_buf_printf(&why, "bit %d alone keeps 0x%llx from being a kernel address", bit,
			      (unsigned long long)address);
		return judge(e, OOPS_VERDICT_HARDWARE, &why);
	}
	const char *module = foreign_module(r, e);
	if (module) {
		ey_buf_printf(&why,
			      "the module %s, which is not of the kernel's tree, is in the stack",
			      module);
		return judge(e, OOPS_VERDICT_OUT_OF_TREE, &why);
	}
	return NULL;
}
