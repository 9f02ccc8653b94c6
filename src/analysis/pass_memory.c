/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How memory was used, as crash's `kmem -i` and `kmem -s`, and what the OOM killer did. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/passes.h"
#include "analysis/text.h"
#include "vmcore/meminfo.h"
#include "vmcore/slab.h"

enum {
	// The largest caches and processes, and the last words of the OOM killer.
	SHOWN_SLABS = 20,
	SHOWN_TASKS = 10,
	SHOWN_KILLS = 8,
};

struct oom_task {
	const struct task *task;
	bool have_adj, victim;
	int64_t adj;
};

struct memory_result {
	struct meminfo info;
	struct slab_list slabs;
	struct slab_cache *largest[SHOWN_SLABS];
	size_t largest_count;
	/** -1 not known. */
	int disabled;
	int64_t victims;
	struct {
		const char *text;
		size_t len;
	} kills[SHOWN_KILLS];
	size_t kill_count;
	struct oom_task tasks[SHOWN_TASKS];
	size_t task_count;
};

static uint64_t cache_bytes(const struct slab_cache *c)
{
	return c->slabs > 0 ? (uint64_t)c->slabs * c->slab_bytes : 0;
}

static int by_bytes(const void *a, const void *b)
{
	const struct slab_cache *x = a, *y = b;
	uint64_t m = cache_bytes(x), n = cache_bytes(y);

	if (m != n)
		return m > n ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static void find_largest(struct kernel *k, struct memory_result *r)
{
	if (r->slabs.count)
		qsort(r->slabs.caches, r->slabs.count, sizeof(*r->slabs.caches), by_bytes);
	for (size_t i = 0; i < r->slabs.count && i < SHOWN_SLABS; i++) {
		if (!cache_bytes(&r->slabs.caches[i]))
			break;
		slab_count_active(k, &r->slabs.caches[i]);
		r->largest[r->largest_count++] = &r->slabs.caches[i];
	}
}

// What the OOM killer and the page allocator say last (mm/oom_kill.c).
static void find_kills(const struct facts *f, struct memory_result *r)
{
	const char *p = ey_buf_str(&f->log), *end = p + f->log.len;

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = newline ? (size_t)(newline - p) : (size_t)(end - p);

		if (memmem(p, len, "ut of memory", 12)) {
			if (r->kill_count == SHOWN_KILLS) {
				memmove(r->kills, r->kills + 1,
					sizeof(r->kills) - sizeof(r->kills[0]));
				r->kill_count--;
			}
			r->kills[r->kill_count].text = p;
			r->kills[r->kill_count++].len = len;
		}
		p += len + 1;
	}
}

static void read_oom_task(struct kernel *k, struct oom_task *t)
{
	uint64_t signal, victim_mm;

	if (!kernel_read(k, t->task->address, MEM_TASK_SIGNAL, &signal) || !signal)
		return;
	t->have_adj = kernel_read_signed(k, signal, MEM_SIGNAL_OOM_ADJ, &t->adj);
	// Set when the OOM killer chooses it (mark_oom_victim()).
	t->victim = kernel_read(k, signal, MEM_SIGNAL_OOM_MM, &victim_mm) && victim_mm;
}

// The largest processes, by insertion: there are few places.
static void find_tasks(const struct facts *f, struct memory_result *r)
{
	for (size_t i = 0; i < f->tasks.count; i++) {
		const struct task *t = &f->tasks.tasks[i];
		size_t at = r->task_count;

		if (t->pid != t->tgid || !t->rss_kib)
			continue;
		while (at && r->tasks[at - 1].task->rss_kib < t->rss_kib)
			at--;
		if (at == SHOWN_TASKS)
			continue;
		if (r->task_count < SHOWN_TASKS)
			r->task_count++;
		memmove(&r->tasks[at + 1], &r->tasks[at],
			(r->task_count - at - 1) * sizeof(r->tasks[0]));
		r->tasks[at] = (struct oom_task){.task = t};
	}
	for (size_t i = 0; i < r->task_count; i++)
		read_oom_task(f->kernel, &r->tasks[i]);
}

static void read_oom(struct kernel *k, struct memory_result *r)
{
	uint64_t at;
	uint32_t word;
	uint8_t byte;

	r->disabled = -1;
	r->victims = -1;
	if (kernel_symbol(k, SYM_oom_killer_disabled, &at)) {
		_cleanup_error_ struct ey_error *err = memory_read(&k->memory, at, &byte, 1);

		if (!err)
			r->disabled = byte != 0;
	}
	if (kernel_symbol(k, SYM_oom_victims, &at) && memory_u32(&k->memory, at, &word) &&
	    (int32_t)word >= 0)
		r->victims = word;
}

static void add_row(struct ey_buf *out, const char *name, int64_t pages, int64_t of,
		    const char *of_name)
{
	static const char *const units[] = {"KB", "MB", "GB", "TB"};
	const int64_t page_kib = DUMP_PAGE_SIZE / 1024;
	double amount = (double)pages * (double)page_kib;
	size_t unit = 0;
	char text[32];

	if (pages < 0) {
		ey_buf_printf(out, "%14s %9s\n", name, "?");
		return;
	}
	while (amount >= 1024 && unit + 1 < EY_ARRAY_SIZE(units)) {
		amount /= 1024;
		unit++;
	}
	snprintf(text, sizeof(text), pages ? "%.1f %s" : "0", amount, units[unit]);
	ey_buf_printf(out, "%14s %9" PRId64 "  %11s  ", name, pages, text);
	if (of > 0)
		ey_buf_printf(out, " %3" PRId64 "%% of %s\n", pages * 100 / of, of_name);
	else
		ey_buf_adds(out, "       ----\n");
}

static int64_t sum(int64_t a, int64_t b)
{
	return a >= 0 && b >= 0 ? a + b : -1;
}

static int64_t less(int64_t a, int64_t b)
{
	return a >= b && b >= 0 ? a - b : -1;
}

static void huge_pages(const struct meminfo *m, int64_t *total_ret, int64_t *free_ret)
{
	*total_ret = *free_ret = 0;
	for (size_t i = 0; i < m->huge_count; i++) {
		*total_ret += m->huge[i].total * (m->huge[i].page_kib / 4);
		*free_ret += m->huge[i].free * (m->huge[i].page_kib / 4);
	}
}

static void write_totals(struct ey_buf *out, const struct meminfo *m)
{
	int64_t huge, huge_free;

	huge_pages(m, &huge, &huge_free);
	text_add_heading(out, "kmem -i: how memory was used");
	ey_buf_printf(out, "%14s %9s  %11s    %s\n", "", "PAGES", "TOTAL", "PERCENTAGE");
	add_row(out, "TOTAL MEM", m->total, 0, "");
	add_row(out, "FREE", m->free, m->total, "TOTAL MEM");
	add_row(out, "USED", less(m->total, m->free), m->total, "TOTAL MEM");
	add_row(out, "AVAILABLE", m->available, m->total, "TOTAL MEM");
	add_row(out, "BUFFERS", m->buffers, m->total, "TOTAL MEM");
	add_row(out, "CACHED", m->cached, m->total, "TOTAL MEM");
	add_row(out, "SHMEM", m->shmem, m->total, "TOTAL MEM");
	add_row(out, "ANON", m->anon, m->total, "TOTAL MEM");
	add_row(out, "MAPPED", m->mapped, m->total, "TOTAL MEM");
	add_row(out, "DIRTY", m->dirty, m->total, "TOTAL MEM");
	add_row(out, "WRITEBACK", m->writeback, m->total, "TOTAL MEM");
	add_row(out, "SLAB", sum(m->slab_reclaimable, m->slab_unreclaimable), m->total,
		"TOTAL MEM");
	add_row(out, "RECLAIMABLE", m->slab_reclaimable, m->total, "TOTAL MEM");
	add_row(out, "PAGE TABLES", m->page_tables, m->total, "TOTAL MEM");
	add_row(out, "KERNEL STACKS", m->kernel_stack_kib >= 0 ? m->kernel_stack_kib / 4 : -1,
		m->total, "TOTAL MEM");
	ey_buf_addc(out, '\n');
	add_row(out, "TOTAL HUGE", huge, 0, "");
	add_row(out, "HUGE FREE", huge_free, huge, "TOTAL HUGE");
	ey_buf_addc(out, '\n');
	add_row(out, "TOTAL SWAP", m->swap_total, 0, "");
	add_row(out, "SWAP USED", less(m->swap_total, m->swap_free), m->swap_total, "TOTAL SWAP");
	add_row(out, "SWAP FREE", m->swap_free, m->swap_total, "TOTAL SWAP");
	ey_buf_addc(out, '\n');
	add_row(out, "COMMIT LIMIT", m->commit_limit, 0, "");
	add_row(out, "COMMITTED", m->committed, m->commit_limit, "TOTAL LIMIT");
	if (m->zone_count)
		ey_buf_printf(out, "\nNODE  %-10s %10s %10s %8s %8s %8s\n", "ZONE", "MANAGED",
			      "FREE", "MIN", "LOW", "HIGH");
	for (size_t i = 0; i < m->zone_count; i++) {
		const struct meminfo_zone *z = &m->zones[i];

		ey_buf_printf(out, "%4u  ", z->node);
		text_add_plain(out, z->name, strlen(z->name));
		ey_buf_printf(out,
			      "%*s %10" PRId64 " %10" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64
			      "%s\n",
			      (int)(10 - strnlen(z->name, 10)), "", z->managed, z->free, z->min,
			      z->low, z->high, z->free < z->min ? "  below MIN" : "");
	}
}

static void write_slabs(struct ey_buf *out, const struct memory_result *r)
{
	if (!r->largest_count)
		return;
	text_add_heading(out, "kmem -s: the largest slab caches");
	ey_buf_adds(out, "CACHE             OBJSIZE  ALLOCATED     TOTAL   SLABS  SSIZE  NAME\n");
	for (size_t i = 0; i < r->largest_count; i++) {
		const struct slab_cache *c = r->largest[i];

		ey_buf_printf(out, "%016" PRIx64 " %8" PRIu64, c->address, c->object_size);
		if (c->active >= 0)
			ey_buf_printf(out, " %10" PRId64, c->active);
		else
			ey_buf_adds(out, "          ?");
		ey_buf_printf(out, " %9" PRId64 " %7" PRId64 " %5" PRIu64 "k  ", c->objects,
			      c->slabs, c->slab_bytes / 1024);
		text_add_plain(out, c->name, strlen(c->name));
		ey_buf_addc(out, '\n');
	}
}

static void write_oom(struct ey_buf *out, const struct memory_result *r)
{
	text_add_heading(out, "the OOM killer");
	if (r->disabled >= 0)
		ey_buf_printf(out, "%s", r->disabled ? "It was disabled. " : "It was enabled. ");
	if (r->victims >= 0)
		ey_buf_printf(out, "It waited for %" PRId64 " victim%s to end. ", r->victims,
			      r->victims == 1 ? "" : "s");
	ey_buf_printf(out, "%s\n",
		      r->kill_count ? "Its last words:" : "The log has no word of it.");
	for (size_t i = 0; i < r->kill_count; i++) {
		text_add_plain(out, r->kills[i].text, r->kills[i].len);
		ey_buf_addc(out, '\n');
	}
	if (r->task_count)
		ey_buf_adds(out, "\n     PID      RSS KB  OOM_ADJ  COMM\n");
	for (size_t i = 0; i < r->task_count; i++) {
		const struct oom_task *t = &r->tasks[i];

		ey_buf_printf(out, "%8" PRId64 " %11" PRIu64, t->task->pid, t->task->rss_kib);
		if (t->have_adj)
			ey_buf_printf(out, " %8" PRId64 "  ", t->adj);
		else
			ey_buf_adds(out, "        ?  ");
		text_add_plain(out, t->task->comm, strlen(t->task->comm));
		ey_buf_adds(out, t->victim ? "  (chosen to be killed)\n" : "\n");
	}
}

static void kv_pages(struct ey_json *w, const char *key, int64_t pages)
{
	ey_json_key(w, key);
	if (pages < 0)
		ey_json_null(w);
	else
		ey_json_int(w, pages);
}

static void record_totals(struct ey_json *w, const struct meminfo *m)
{
	const struct {
		const char *key;
		int64_t pages;
	} rows[] = {
		{"page_bytes", DUMP_PAGE_SIZE},
		{"total", m->total},
		{"free", m->free},
		{"used", less(m->total, m->free)},
		{"available", m->available},
		{"buffers", m->buffers},
		{"cached", m->cached},
		{"swap_cached", m->swap_cached},
		{"anon", m->anon},
		{"mapped", m->mapped},
		{"shmem", m->shmem},
		{"dirty", m->dirty},
		{"writeback", m->writeback},
		{"slab_reclaimable", m->slab_reclaimable},
		{"slab_unreclaimable", m->slab_unreclaimable},
		{"page_tables", m->page_tables},
		{"kernel_stacks_kib", m->kernel_stack_kib},
		{"swap_total", m->swap_total},
		{"swap_free", m->swap_free},
		{"commit_limit", m->commit_limit},
		{"committed", m->committed},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(rows); i++)
		kv_pages(w, rows[i].key, rows[i].pages);
	ey_json_key(w, "huge");
	ey_json_array_begin(w);
	for (size_t i = 0; i < m->huge_count; i++) {
		ey_json_object_begin(w);
		kv_pages(w, "page_kib", m->huge[i].page_kib);
		kv_pages(w, "total", m->huge[i].total);
		kv_pages(w, "free", m->huge[i].free);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
	ey_json_key(w, "zones");
	ey_json_array_begin(w);
	for (size_t i = 0; i < m->zone_count; i++) {
		ey_json_object_begin(w);
		ey_json_kv_uint(w, "node", m->zones[i].node);
		ey_json_kv_string(w, "name", m->zones[i].name);
		kv_pages(w, "managed", m->zones[i].managed);
		kv_pages(w, "free", m->zones[i].free);
		kv_pages(w, "min", m->zones[i].min);
		kv_pages(w, "low", m->zones[i].low);
		kv_pages(w, "high", m->zones[i].high);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void record_slabs(struct ey_json *w, const struct memory_result *r)
{
	ey_json_key(w, "slabs");
	ey_json_array_begin(w);
	for (size_t i = 0; i < r->largest_count; i++) {
		const struct slab_cache *c = r->largest[i];

		ey_json_object_begin(w);
		ey_json_kv_string(w, "name", c->name);
		ey_json_kv_address(w, "address", c->address);
		ey_json_kv_uint(w, "object_size", c->object_size);
		ey_json_kv_uint(w, "size", c->size);
		kv_pages(w, "slabs", c->slabs);
		kv_pages(w, "objects", c->objects);
		kv_pages(w, "active", c->active);
		ey_json_kv_uint(w, "slab_bytes", c->slab_bytes);
		ey_json_kv_uint(w, "bytes", cache_bytes(c));
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void record_oom(struct ey_json *w, const struct memory_result *r)
{
	ey_json_key(w, "oom");
	ey_json_object_begin(w);
	ey_json_key(w, "disabled");
	if (r->disabled < 0)
		ey_json_null(w);
	else
		ey_json_bool(w, r->disabled);
	kv_pages(w, "victims", r->victims);
	ey_json_key(w, "kills");
	ey_json_array_begin(w);
	for (size_t i = 0; i < r->kill_count; i++)
		ey_json_stringn(w, r->kills[i].text, r->kills[i].len);
	ey_json_array_end(w);
	ey_json_key(w, "tasks");
	ey_json_array_begin(w);
	for (size_t i = 0; i < r->task_count; i++) {
		const struct oom_task *t = &r->tasks[i];

		ey_json_object_begin(w);
		ey_json_kv_int(w, "pid", t->task->pid);
		ey_json_kv_string(w, "comm", t->task->comm);
		ey_json_kv_address(w, "address", t->task->address);
		ey_json_kv_uint(w, "rss_kib", t->task->rss_kib);
		ey_json_key(w, "oom_score_adj");
		if (t->have_adj)
			ey_json_int(w, t->adj);
		else
			ey_json_null(w);
		ey_json_kv_bool(w, "victim", t->victim);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
	ey_json_object_end(w);
}

static void memory_result_deinit(struct memory_result **r)
{
	if (*r)
		slab_list_deinit(&(*r)->slabs);
	free(*r);
}

static struct ey_error *run(struct pass_run *p)
{
	const struct oops_event *event = p->facts->event;
	struct kernel *k = p->kernel;

	// Not asked for, it tells of memory where that is what the machine died of.
	if (p->by_default && (!event || event->kind != OOPS_OOM))
		return NULL;
	_cleanup_(memory_result_deinit) struct memory_result *r = calloc(1, sizeof(*r));
	if (!r)
		return &ey_error_nomem;
	struct ey_error *err = meminfo_read(k, &r->info);
	if (err)
		return err;
	err = slab_list_read(k, "memory", &r->slabs);
	if (err && err->code == EY_ERR_NOMEM)
		return err;
	if (err)
		kernel_gap_error(k, "memory", err);
	find_largest(k, r);
	find_kills(p->facts, r);
	find_tasks(p->facts, r);
	read_oom(k, r);
	write_totals(p->text, &r->info);
	write_slabs(p->text, r);
	write_oom(p->text, r);
	ey_json_object_begin(&p->json);
	record_totals(&p->json, &r->info);
	record_slabs(&p->json, r);
	record_oom(&p->json, r);
	ey_json_object_end(&p->json);
	return NULL;
}

const struct pass pass_memory = {
	.name = "memory",
	.key = "memory",
	.help = "totals, largest slab caches and processes, OOM killer (kmem -i, -s); for an OOM",
	.by_default = true,
	.run = run,
};
