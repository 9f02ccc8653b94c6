/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/window.h"

#include <stdlib.h>

#include "base/cleanup.h"

/* How often each id occurs in the window: an open-addressed table, never more than half full. */
struct bag {
	struct bag_slot {
		int64_t id;
		uint64_t count;
	} * slots;
	size_t size;
	uint64_t distinct;
};

static void bag_deinit(struct bag *bag)
{
	free(bag->slots);
}

static struct ey_error *bag_init(struct bag *bag, size_t most)
{
	*bag = (struct bag){.size = 16};
	while (bag->size < 2 * most)
		bag->size *= 2;
	bag->slots = calloc(bag->size, sizeof(*bag->slots));
	return bag->slots ? NULL : &ey_error_nomem;
}

// Ids are positive: 0 is a free slot. What was counted down to 0 keeps its slot.
static struct bag_slot *bag_find(struct bag *bag, int64_t id)
{
	size_t at = ((uint64_t)id * 0x9e3779b97f4a7c15u) >> 32;

	for (;; at++) {
		struct bag_slot *s = &bag->slots[at & (bag->size - 1)];

		if (!s->id || s->id == id) {
			s->id = id;
			return s;
		}
	}
}

static void bag_add(struct bag *bag, int64_t id)
{
	if (bag_find(bag, id)->count++ == 0)
		bag->distinct++;
}

static void bag_remove(struct bag *bag, int64_t id)
{
	if (--bag_find(bag, id)->count == 0)
		bag->distinct--;
}

void window_finding_deinit(struct window_finding *finding)
{
	free(finding->ids);
	*finding = (struct window_finding){0};
}

struct ey_error *window_slide(const struct db_watch_crash_list *crashes,
			      const struct monitor_rule *rule, bool count_hosts, int64_t after,
			      struct window_finding *ret)
{
	_cleanup_(bag_deinit) struct bag hosts = {0}, reasons = {0};
	_cleanup_free_ int64_t *ids = calloc(crashes->count + 1, sizeof(*ids));
	size_t first = 0, listed = 0, id_count = 0, fresh = 0;
	uint64_t best = 0;

	*ret = (struct window_finding){0};
	if (!ids)
		return &ey_error_nomem;
	struct ey_error *err = bag_init(&hosts, crashes->count);
	if (!err)
		err = bag_init(&reasons, crashes->count);
	if (err)
		return err;
	for (size_t i = 0; i < crashes->count; i++) {
		const struct db_watch_crash *c = &crashes->items[i];

		bag_add(&hosts, c->host_id);
		bag_add(&reasons, c->reason_id);
		fresh += c->id > after;
		for (; crashes->items[first].time <= c->time - rule->window; first++) {
			const struct db_watch_crash *gone = &crashes->items[first];

			bag_remove(&hosts, gone->host_id);
			bag_remove(&reasons, gone->reason_id);
			fresh -= gone->id > after;
		}
		uint64_t n = count_hosts ? hosts.distinct : i - first + 1;
		if (!fresh || n <= rule->threshold)
			continue;
		ret->exceeded = true;
		for (size_t k = EY_MAX(first, listed); k <= i; k++)
			ids[id_count++] = crashes->items[k].id;
		listed = i + 1;
		if (n >= best) {
			best = n;
			ret->crashes = i - first + 1;
			ret->hosts = hosts.distinct;
			ret->reasons = reasons.distinct;
		}
	}
	ret->ids = no_cleanup_ptr(ids);
	ret->id_count = id_count;
	return NULL;
}
