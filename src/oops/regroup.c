/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/regroup.h"

#include <stdlib.h>
#include <string.h>

// "g1:KIND:function" without the version.
static const char *without_version(const char *reason)
{
	const char *colon = strchr(reason, ':');

	return reason[0] == 'g' && colon ? colon + 1 : reason;
}

struct ey_error *oops_regroup_add(struct oops_regroup *regroup, const char *stored,
				  const char *made)
{
	if (regroup->count == regroup->capacity) {
		size_t capacity = regroup->capacity ? 2 * regroup->capacity : 64;
		void *more = reallocarray(regroup->pairs, capacity, sizeof(*regroup->pairs));
		if (!more)
			return &ey_error_nomem;
		regroup->pairs = more;
		regroup->capacity = capacity;
	}
	struct oops_regroup_pair *pair = &regroup->pairs[regroup->count];
	pair->stored = strdup(without_version(stored));
	pair->made = strdup(made ? without_version(made) : "(no event)");
	regroup->count++;
	return pair->stored && pair->made ? NULL : &ey_error_nomem;
}

void oops_regroup_deinit(struct oops_regroup *regroup)
{
	for (size_t i = 0; i < regroup->count; i++) {
		free(regroup->pairs[i].stored);
		free(regroup->pairs[i].made);
	}
	free(regroup->pairs);
	*regroup = (struct oops_regroup){0};
}

static int by_stored(const void *a, const void *b)
{
	const struct oops_regroup_pair *x = a, *y = b;
	int order = strcmp(x->stored, y->stored);

	return order ? order : strcmp(x->made, y->made);
}

static int by_made(const void *a, const void *b)
{
	const struct oops_regroup_pair *x = a, *y = b;
	int order = strcmp(x->made, y->made);

	return order ? order : strcmp(x->stored, y->stored);
}

// The pairs are sorted by group, then by part: print each group that has several parts.
static size_t print_groups(const struct oops_regroup *regroup, bool stored, const char *word,
			   struct ey_buf *out)
{
	size_t groups = 0;

#define GROUP(i) (stored ? regroup->pairs[i].stored : regroup->pairs[i].made)
#define PART(i)	 (stored ? regroup->pairs[i].made : regroup->pairs[i].stored)
	for (size_t i = 0, end; i < regroup->count; i = end) {
		for (end = i; end < regroup->count && !strcmp(GROUP(end), GROUP(i));)
			end++;
		if (!strcmp(PART(i), PART(end - 1)))
			continue;
		groups++;
		ey_buf_printf(out, "%s %s (%zu):", word, GROUP(i), end - i);
		for (size_t j = i, next; j < end; j = next) {
			for (next = j; next < end && !strcmp(PART(next), PART(j));)
				next++;
			ey_buf_printf(out, "%s %s (%zu)", j == i ? "" : ",", PART(j), next - j);
		}
		ey_buf_addc(out, '\n');
	}
#undef GROUP
#undef PART
	return groups;
}

void oops_regroup_report(struct oops_regroup *regroup, struct ey_buf *out)
{
	size_t same = 0, split, merged;

	if (regroup->count)
		qsort(regroup->pairs, regroup->count, sizeof(*regroup->pairs), by_stored);
	split = print_groups(regroup, true, "split", out);
	if (regroup->count)
		qsort(regroup->pairs, regroup->count, sizeof(*regroup->pairs), by_made);
	merged = print_groups(regroup, false, "merge", out);
	for (size_t i = 0; i < regroup->count; i++)
		same += !strcmp(regroup->pairs[i].stored, regroup->pairs[i].made);
	ey_buf_printf(out,
		      "%zu crashes: %zu keep their reason, %zu get another; %zu groups split, "
		      "%zu merged\n",
		      regroup->count, same, regroup->count - same, split, merged);
}
