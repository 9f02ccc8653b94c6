/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/keep.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum { DAY = 86400, DEFAULT_DAYS = 30, KNOWN_DAYS = 14 };

void keep_rules_same(struct keep_rules *ret, int64_t seconds)
{
	for (size_t i = 0; i < KEEP_STATES; i++)
		ret->seconds[i] = seconds;
}

void keep_rules_default(struct keep_rules *ret, int64_t fallback)
{
	static const enum db_reason_state known[] = {DB_REASON_FIX_AVAILABLE, DB_REASON_ROLLED_OUT,
						     DB_REASON_RESOLVED, DB_REASON_WONT_FIX,
						     DB_REASON_HARDWARE};

	keep_rules_same(ret, fallback);
	for (size_t i = 0; i < EY_ARRAY_SIZE(known); i++)
		ret->seconds[known[i]] = EY_MIN(fallback, (int64_t)KNOWN_DAYS * DAY);
	ret->seconds[DB_REASON_REPORTED] = KEEP_HOLD;
}

struct ey_error *keep_rules_load(struct keep_rules *ret, const struct ey_config *config)
{
	int64_t fallback;
	struct ey_error *err = ey_config_duration(config, "repository", "retention",
						  (int64_t)DEFAULT_DAYS * DAY, &fallback);

	if (!err)
		err = ey_config_duration(config, "retention", "default", fallback, &fallback);
	if (err)
		return err;
	keep_rules_default(ret, fallback);
	for (size_t i = 0; i < KEEP_STATES; i++) {
		const char *state = db_reason_state_name((enum db_reason_state)i);
		const char *text = ey_config_string(config, "retention", state, NULL);

		if (!text)
			continue;
		if (!strcmp(text, "hold"))
			ret->seconds[i] = KEEP_HOLD;
		else if (!ey_duration_parse(text, &ret->seconds[i]))
			return ey_error_create(EY_ERR_USAGE,
					       "[retention] %s: \"%.100s\" is neither \"hold\" nor "
					       "a time such as 30d",
					       state, text);
	}
	return NULL;
}

int64_t keep_rules_shortest(const struct keep_rules *rules)
{
	int64_t shortest = EY_DURATION_MAX;

	for (size_t i = 0; i < KEEP_STATES; i++) {
		if (rules->seconds[i] != KEEP_HOLD)
			shortest = EY_MIN(shortest, rules->seconds[i]);
	}
	return shortest;
}

// "12 h", "30 days".
static void say_time(int64_t seconds, char *buf, size_t size)
{
	if (seconds % DAY && seconds < 3 * DAY)
		snprintf(buf, size, "%" PRId64 " h", seconds / 3600);
	else
		snprintf(buf, size, "%" PRId64 " days", seconds / DAY);
}

bool keep_is_over(const struct keep_rules *rules, const struct db_kept *dump, int64_t now,
		  char why[KEEP_WHY_SIZE])
{
	const char *state = db_reason_state_name(dump->state);
	int64_t seconds = rules->seconds[dump->state];
	char text[32];

	if (dump->hold_id) {
		snprintf(why, KEEP_WHY_SIZE, "hold %" PRId64, dump->hold_id);
		return false;
	}
	if (seconds == KEEP_HOLD) {
		snprintf(why, KEEP_WHY_SIZE, "%s: kept while it is so", state);
		return false;
	}
	say_time(seconds, text, sizeof(text));
	snprintf(why, KEEP_WHY_SIZE, "%s: %s", state, text);
	return now - dump->time > seconds;
}

bool keep_size_parse(const char *text, int64_t *ret)
{
	static const char units[] = "KMGTP";
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;
	if (unit)
		end++;
	if (errno || *end || n > INT64_MAX >> shift)
		return false;
	*ret = (int64_t)n << shift;
	return true;
}

static struct ey_error *bad_size(const char *key, const char *text)
{
	return ey_error_create(EY_ERR_USAGE, "[quota] %s: \"%.100s\" is not a size such as 500G%s",
			       key, text, !strcmp(key, "min_free") ? " or 5%" : "");
}

struct ey_error *keep_quotas_load(struct keep_quotas *ret, const struct ey_config *config)
{
	const struct {
		const char *key;
		int64_t *value;
	} sizes[] = {{"host", &ret->host}, {"site", &ret->site}, {"repository", &ret->repository}};
	const char *text;
	char *end;

	*ret = (struct keep_quotas){0};
	for (size_t i = 0; i < EY_ARRAY_SIZE(sizes); i++) {
		text = ey_config_string(config, "quota", sizes[i].key, NULL);
		if (text && !keep_size_parse(text, sizes[i].value))
			return bad_size(sizes[i].key, text);
	}
	text = ey_config_string(config, "quota", "min_free", NULL);
	if (!text || keep_size_parse(text, &ret->free_bytes))
		return NULL;
	unsigned long percent = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || strcmp(end, "%") != 0 || percent > 90)
		return bad_size("min_free", text);
	ret->free_percent = (unsigned int)percent;
	return NULL;
}

enum { RANK_DAMAGED, RANK_PATCHED, RANK_SETTLED, RANK_OPEN, RANK_REPORTED };

static int rank(const struct db_kept *d)
{
	if (*d->damage)
		return RANK_DAMAGED;
	switch (d->state) {
	case DB_REASON_FIX_AVAILABLE:
	case DB_REASON_ROLLED_OUT:
	case DB_REASON_RESOLVED:
		return RANK_PATCHED;
	case DB_REASON_WONT_FIX:
	case DB_REASON_HARDWARE:
		return RANK_SETTLED;
	case DB_REASON_REPORTED:
		return RANK_REPORTED;
	default:
		return RANK_OPEN;
	}
}

static bool is_last(const struct db_kept *d)
{
	return d->reason_dumps <= 1 && !*d->damage;
}

// Twice as many matter, one more does not: age and size decide among about as many.
static int redundancy(const struct db_kept *d)
{
	int n = 0;

	for (int64_t dumps = d->reason_dumps; dumps > 1; dumps /= 2)
		n++;
	return n;
}

static int sign(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

int keep_compare(const struct db_kept *a, const struct db_kept *b, int64_t now)
{
	int order = sign(is_last(a), is_last(b));

	if (!order)
		order = sign(rank(a), rank(b));
	if (!order)
		order = sign(redundancy(b), redundancy(a));
	if (!order)
		order = sign((now - b->time) / DAY, (now - a->time) / DAY);
	if (!order)
		order = sign(b->bytes, a->bytes);
	return order ? order : strcmp(a->path, b->path);
}

void keep_describe(const struct db_kept *dump, int64_t now, char why[KEEP_WHY_SIZE])
{
	static const char *const words[] = {
		[RANK_DAMAGED] = "damaged",
		[RANK_PATCHED] = "known and patched",
		[RANK_SETTLED] = "settled",
		[RANK_OPEN] = "open",
		[RANK_REPORTED] = "reported to the vendor",
	};

	snprintf(why, KEEP_WHY_SIZE,
		 "%s (%s), %" PRId64 " dump%s of its reason, %" PRId64 " days old, %" PRId64 " MiB",
		 words[rank(dump)], db_reason_state_name(dump->state), dump->reason_dumps,
		 dump->reason_dumps == 1 ? "" : "s", (now - dump->time) / DAY, dump->bytes >> 20);
}

static int by_id(const void *a, const void *b)
{
	return sign(((const struct keep_reason *)a)->id, ((const struct keep_reason *)b)->id);
}

static struct keep_reason *reason_of(const struct keep_pool *pool, int64_t id)
{
	return bsearch(&(struct keep_reason){.id = id}, pool->reasons, pool->reason_count,
		       sizeof(*pool->reasons), by_id);
}

static void sift_down(struct keep_pool *pool, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < pool->count; child++) {
			if (keep_compare(pool->heap[child], pool->heap[least], pool->now) < 0)
				least = child;
		}
		if (least == i)
			return;
		struct db_kept *d = pool->heap[i];
		pool->heap[i] = pool->heap[least];
		pool->heap[least] = d;
		i = least;
	}
}

static void count_reasons(struct keep_pool *pool)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->dumps.count; i++)
		pool->reasons[i] = (struct keep_reason){pool->dumps.items[i].reason_id,
							pool->dumps.items[i].reason_dumps};
	if (pool->dumps.count)
		qsort(pool->reasons, pool->dumps.count, sizeof(*pool->reasons), by_id);
	for (size_t i = 0; i < pool->dumps.count; i++) {
		if (!n || pool->reasons[n - 1].id != pool->reasons[i].id)
			pool->reasons[n++] = pool->reasons[i];
	}
	pool->reason_count = n;
}

struct ey_error *keep_pool_load(struct keep_pool *pool, struct db *db,
				const struct db_kept_filter *filter, const struct keep_rules *rules,
				int64_t now)
{
	char why[KEEP_WHY_SIZE];

	*pool = (struct keep_pool){.now = now};
	struct ey_error *err = db_kept_list(db, filter, now, &pool->dumps);
	if (err)
		return err;
	size_t n = pool->dumps.count + 1;
	pool->heap = calloc(n, sizeof(struct db_kept *));
	pool->reasons = calloc(n, sizeof(*pool->reasons));
	if (!pool->heap || !pool->reasons)
		return &ey_error_nomem;
	count_reasons(pool);
	for (size_t i = 0; i < pool->dumps.count; i++) {
		struct db_kept *d = &pool->dumps.items[i];

		if (rules && keep_is_over(rules, d, now, why)) {
			reason_of(pool, d->reason_id)->dumps--;
			continue;
		}
		pool->bytes += d->bytes;
		if (!d->hold_id)
			pool->heap[pool->count++] = d;
	}
	for (size_t i = 0; i < pool->dumps.count; i++) {
		struct db_kept *d = &pool->dumps.items[i];

		d->reason_dumps = reason_of(pool, d->reason_id)->dumps;
	}
	for (size_t i = pool->count / 2 + 1; i-- > 0;)
		sift_down(pool, i);
	return NULL;
}

struct db_kept *keep_pool_pop(struct keep_pool *pool)
{
	while (pool->count) {
		struct db_kept *d = pool->heap[0];
		struct keep_reason *reason = reason_of(pool, d->reason_id);

		// Others of its reason went since: it is worth more now, never less.
		if (reason && d->reason_dumps != reason->dumps) {
			d->reason_dumps = reason->dumps;
			sift_down(pool, 0);
			continue;
		}
		pool->heap[0] = pool->heap[--pool->count];
		sift_down(pool, 0);
		if (reason && reason->dumps > 1)
			reason->dumps--;
		pool->bytes -= d->bytes;
		return d;
	}
	return NULL;
}

void keep_pool_deinit(struct keep_pool *pool)
{
	db_kept_list_deinit(&pool->dumps);
	free(pool->heap);
	free(pool->reasons);
	*pool = (struct keep_pool){0};
}
