/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Say in words how an event's fields came about. */
#include "base/buf.h"
#include "oops/keys.h"

static const char *const rule_names[] = {
#define X(id, kind, flags) [RULE_##id] = #id,
	OOPS_RULES(X)
#undef X
};

static const char *const section_names[] = {
	[SECTION_BARE] = "frames without a title", [SECTION_TRACE] = "the call trace",
	[SECTION_NMI] = "an NMI backtrace",	   [SECTION_TASK] = "a task's stack",
	[SECTION_ORIGIN] = "an origin's stack",	   [SECTION_FREED] = "the stack that freed it",
	[SECTION_CHAIN] = "a lock chain",
};

struct ey_error *oops_explain(const struct report *r, struct oops_event *e)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	int guilty = oops_guilty_frame(r);
	struct ey_error *err;

	ey_buf_printf(&out, "line %llu: rule %s, kind %s: %s\n", (unsigned long long)r->first_line,
		      rule_names[r->rule], oops_kind_name(e->kind), r->header);
	if (r->panic[0] && r->rule != RULE_PANIC)
		ey_buf_printf(&out, "it led to the panic \"%s\"\n", r->panic);
	if (e->signature)
		ey_buf_printf(&out, "signature %s: where it is%s%s\n", e->signature,
			      e->module ? ", in module " : "", e->module ? e->module : "");
	else
		ey_buf_adds(&out, "no signature: the log gives no symbol for where it is\n");
	if (guilty >= 0) {
		const struct raw_frame *g = &r->frames[guilty];

		ey_buf_printf(&out, "the guilty function is looked for in %s\n",
			      section_names[r->sections[g->section]]);
		for (int i = 0; i < guilty; i++) {
			const struct raw_frame *f = &r->frames[i];
			const char *name = report_text(r, f->symbol.name);
			const struct oops_pass *pass;

			if (f->section != g->section || !(f->flags & FRAME_RELIABLE))
				continue;
			pass = oops_pass_find(name, ~(unsigned int)PASS_DISPATCH);
			ey_buf_printf(&out, "line %llu: %s is passed over: %s\n",
				      (unsigned long long)f->symbol.line, name,
				      pass ? pass->why : "what a loop or a recursion is in varies");
		}
		if (e->guilty)
			ey_buf_printf(&out, "line %llu: %s is the guilty function\n",
				      (unsigned long long)g->symbol.line, e->guilty);
	} else if (e->guilty) {
		ey_buf_printf(&out, "%s is the guilty function: the report names it itself\n",
			      e->guilty);
	} else {
		ey_buf_adds(&out, "no function is to blame: the words of the report are the key\n");
	}
	ey_buf_printf(&out, "reason %s\n", e->reason);
	for (unsigned int i = 0; i < e->hint_count; i++)
		ey_buf_printf(&out, "likely %s: %s\n", oops_verdict_name(e->hints[i].verdict),
			      e->hints[i].evidence);
	if ((err = ey_buf_error(&out)))
		return err;
	e->explanation = ey_buf_steal(&out, NULL);
	return e->explanation ? NULL : &ey_error_nomem;
}
