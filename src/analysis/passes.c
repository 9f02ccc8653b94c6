/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/passes.h"

#include <string.h>

enum {
	// Of one list: "bt" may be named several times.
	MAX_RUNS = 64,
	MAX_ARGUMENT = 64,
};

static const struct pass *const passes[] = {
	&pass_code, &pass_waits, &pass_bt, &pass_un, &pass_cpus, &pass_memory,
};
enum { PASSES = EY_ARRAY_SIZE(passes) };

/** What is wanted of a list. */
struct wanted {
	struct {
		const struct pass *pass;
		char argument[MAX_ARGUMENT];
		bool by_default;
	} runs[MAX_RUNS + PASSES];
	size_t count;
	bool none;
};

static bool is_wanted(const struct wanted *w, const struct pass *pass, const char *argument)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->runs[i].pass == pass && !strcmp(w->runs[i].argument, argument))
			return true;
	}
	return false;
}

static void want(struct wanted *w, const struct pass *pass, const char *argument, bool by_default)
{
	if (is_wanted(w, pass, argument) || w->count == EY_ARRAY_SIZE(w->runs))
		return;
	w->runs[w->count].pass = pass;
	w->runs[w->count].by_default = by_default;
	memccpy(w->runs[w->count].argument, argument, 0, MAX_ARGUMENT);
	w->count++;
}

static const struct pass *find_pass(const char *name, size_t len)
{
	for (size_t i = 0; i < PASSES; i++) {
		if (strlen(passes[i]->name) == len && !memcmp(passes[i]->name, name, len))
			return passes[i];
	}
	return NULL;
}

// One word of the list, which is not terminated.
static struct ey_error *want_word(struct wanted *w, const char *word, size_t len)
{
	size_t name_len = strcspn(word, ":,");
	const struct pass *pass = find_pass(word, name_len);
	bool has_argument = name_len < len;
	char argument[MAX_ARGUMENT] = "";

	if (len == 3 && !memcmp(word, "all", 3)) {
		for (size_t i = 0; i < PASSES; i++) {
			if (!passes[i]->argument)
				want(w, passes[i], "", false);
		}
		return NULL;
	}
	if (len == 4 && !memcmp(word, "none", 4)) {
		w->none = true;
		return NULL;
	}
	if (!pass)
		return ey_error_create(EY_ERR_USAGE,
				       "there is no pass \"%.*s\"; --with=help lists them",
				       (int)EY_MIN(len, (size_t)80), word);
	if (has_argument != !!pass->argument)
		return ey_error_create(EY_ERR_USAGE, "--with=%s %s%s%s", pass->name,
				       pass->argument ? "needs an argument: " : "takes no argument",
				       pass->argument ? pass->name : "",
				       pass->argument ? pass->argument : "");
	if (has_argument) {
		size_t n = len - name_len - 1;

		if (!n || n >= MAX_ARGUMENT)
			return ey_error_create(EY_ERR_USAGE, "--with=%s: the argument is %s",
					       pass->name, n ? "too long" : "missing");
		memcpy(argument, word + name_len + 1, n);
	}
	if (w->count >= MAX_RUNS)
		return ey_error_create(EY_ERR_USAGE, "--with names more than %d passes", MAX_RUNS);
	want(w, pass, argument, false);
	return NULL;
}

static struct ey_error *parse(const char *with, struct wanted *ret)
{
	*ret = (struct wanted){0};
	for (const char *word = with; word;) {
		size_t len = strcspn(word, ",");
		struct ey_error *err = want_word(ret, word, len);

		if (err)
			return err;
		word = word[len] ? word + len + 1 : NULL;
	}
	for (size_t i = 0; i < PASSES && !ret->none; i++) {
		if (passes[i]->by_default)
			want(ret, passes[i], "", true);
	}
	return NULL;
}

struct ey_error *passes_check(const char *with)
{
	struct wanted wanted;

	return parse(with, &wanted);
}

// Run it into buffers of its own; what it wrote counts only if it did not fail.
static void run_pass(struct facts *f, const struct pass *pass, const char *argument,
		     bool by_default)
{
	_cleanup_buf_ struct ey_buf json = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	struct pass_run run = {.facts = f,
			       .kernel = f->kernel,
			       .argument = argument[0] ? argument : NULL,
			       .by_default = by_default,
			       .text = &text};

	ey_json_init(&run.json, &json, 1);
	// It stands one level deep in the record.
	run.json.depth = 1;
	run.json.after_key = true;
	struct ey_error *err = pass->run(&run);
	if (!err)
		err = ey_buf_error(&json);
	if (!err)
		err = ey_buf_error(&text);
	if (err) {
		kernel_gap_error(f->kernel, pass->name, err);
		return;
	}
	ey_buf_add(&f->pass_text, ey_buf_str(&text), text.len);
	if (json.len && pass->key && f->part_count < FACTS_MAX_PARTS) {
		f->parts[f->part_count++] = (struct facts_part){pass->key, json};
		json = EY_BUF_INIT;
	}
}

void passes_run(struct facts *f, const char *with)
{
	struct wanted wanted;
	_cleanup_error_ struct ey_error *err = parse(with, &wanted);

	if (err) {
		kernel_gap(f->kernel, "passes", "%s", err->message);
		return;
	}
	// In the order of the table, whatever the order of the list.
	for (size_t i = 0; i < PASSES; i++) {
		for (size_t j = 0; j < wanted.count; j++) {
			if (wanted.runs[j].pass == passes[i])
				run_pass(f, passes[i], wanted.runs[j].argument,
					 wanted.runs[j].by_default);
		}
	}
}

void passes_describe(struct ey_buf *ret)
{
	for (size_t i = 0; i < PASSES; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s%s", passes[i]->name,
			 passes[i]->argument ? passes[i]->argument : "");
		ey_buf_printf(ret, "  %-10s %s%s\n", name, passes[i]->help,
			      passes[i]->by_default ? " (by default)" : "");
	}
}
