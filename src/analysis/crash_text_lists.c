/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of ps, mod and mod -t. */
#include <ctype.h>
#include <stdlib.h>

#include "analysis/crash_text_internal.h"
#include "base/cleanup.h"

static struct ey_error *grow(void **list, size_t *capacity, size_t count, size_t size)
{
	if (count < *capacity)
		return NULL;
	size_t more = *capacity ? 2 * *capacity : 64;
	void *p = reallocarray(*list, more, size);
	if (!p)
		return &ey_error_nomem;
	*list = p;
	*capacity = more;
	return NULL;
}

// ">     190       1   1  ffff8c1f8342a100  RU   0.4     2260     1380  poweroff": crash 7 has
// narrower columns, ps -s an address of the stack in place of the task's.
static bool parse_task(struct span line, struct crash_task *t)
{
	struct span word;
	int64_t cpu = -1, vsz, rss;

	if (line.p < line.end && *line.p == '>')
		line.p++;
	if (!span_word(&line, &word) || !span_decimal(word, &t->pid) || t->pid < 0 ||
	    !span_word(&line, &word) || !span_decimal(word, &t->ppid) || !span_word(&line, &word) ||
	    (!span_is(word, "-") && (!span_decimal(word, &cpu) || cpu < 0 || cpu > 65535)) ||
	    !span_word(&line, &word) || !span_hex(word, &t->address) || !span_word(&line, &word) ||
	    span_len(word) != 2)
		return false;
	span_copy(word, t->state, sizeof(t->state));
	// The share of memory follows from the rest.
	struct span share;
	if (!span_word(&line, &share) || !span_word(&line, &word) || !span_decimal(word, &vsz) ||
	    vsz < 0 || !span_word(&line, &word) || !span_decimal(word, &rss) || rss < 0)
		return false;
	struct span comm = {line.p + EY_MIN(span_len(line), (size_t)2), line.end};
	// Kernel threads, which have no memory, stand in brackets.
	if (!vsz && span_len(comm) >= 2 && comm.p[0] == '[' && comm.end[-1] == ']') {
		comm.p++;
		comm.end--;
	}
	span_copy(comm, t->comm, sizeof(t->comm));
	t->cpu = (int)cpu;
	t->vsz_kib = (uint64_t)vsz;
	t->rss_kib = (uint64_t)rss;
	if (t->ppid < 0)
		t->ppid = -1;
	return true;
}

struct ey_error *crash_task_line(struct crash_parser *p, struct span line)
{
	struct crash_text *t = p->text;
	struct crash_task task = {0};

	if (!parse_task(line, &task))
		return NULL;
	if (t->task_count == CRASH_TASKS_MAX)
		return crash_text_gap(t, "tasks", "there are more than %d, which are left out",
				      CRASH_TASKS_MAX);
	void *list = t->tasks;
	struct ey_error *err = grow(&list, &p->task_capacity, t->task_count, sizeof(*t->tasks));
	t->tasks = list;
	if (err)
		return err;
	t->tasks[t->task_count++] = task;
	p->known_lines++;
	return NULL;
}

// "ffffffffc0512340  virtio_ring  ffffffffc050b000  49152  (not loaded)  [CONFIG_KALLSYMS]": BASE
// since crash 8; in place of "(not loaded)" the file that mod -s loaded.
struct ey_error *crash_module_line(struct crash_parser *p, struct span line)
{
	struct crash_text *t = p->text;
	struct crash_module m = {0};
	struct span word;
	int64_t size;

	if (!span_word(&line, &word) || span_len(word) < 8 || !span_hex(word, &m.address) ||
	    !span_word(&line, &word))
		return NULL;
	span_copy(word, m.name, sizeof(m.name));
	if (p->mod_has_base && (!span_word(&line, &word) || !span_hex(word, &m.base)))
		return NULL;
	if (!span_word(&line, &word) || !span_decimal(word, &size) || size < 0)
		return NULL;
	m.size = (uint64_t)size;
	if (p->module_lines++ > (size_t)4 * CRASH_MODULES_MAX)
		return NULL;
	// The same list may be there twice: `mod` and `mod -S`.
	for (size_t i = 0; i < t->module_count; i++) {
		if (t->modules[i].address == m.address)
			return NULL;
	}
	if (t->module_count == CRASH_MODULES_MAX)
		return crash_text_gap(t, "modules", "there are more than %d, which are left out",
				      CRASH_MODULES_MAX);
	void *list = t->modules;
	struct ey_error *err = grow(&list, &p->module_capacity, t->module_count, sizeof(m));
	t->modules = list;
	if (err)
		return err;
	t->modules[t->module_count++] = m;
	p->known_lines++;
	return NULL;
}

void crash_module_taint_line(struct crash_parser *p, struct span line)
{
	struct crash_text *t = p->text;
	struct span name, letters;

	if (!span_word(&line, &name) || !span_word(&line, &letters) ||
	    p->module_lines++ > (size_t)4 * CRASH_MODULES_MAX)
		return;
	for (const char *c = letters.p; c < letters.end; c++) {
		if (!isupper((unsigned char)*c))
			return;
	}
	for (size_t i = 0; i < t->module_count; i++) {
		if (span_is(name, t->modules[i].name))
			span_copy(letters, t->modules[i].taint, sizeof(t->modules[i].taint));
	}
}
