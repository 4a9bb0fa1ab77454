/* follow_rollups.c - events by hour and day, per name and a few dimensions.
 *
 * All counts of a chunk are sorted and summed here, so that a row of the table
 * is touched once a chunk however many events it has. */
#include "modules/analytics/follow.h"

#include "base/vec.h"

#include <stdlib.h>
#include <talloc.h>

#define HOUR_US ((int64_t)3600 * 1000000)
#define DAY_US (24 * HOUR_US)
#define VALUE_MAX_BYTES 200

struct count {
	const char *dimension;
	struct str value;
	int64_t at;
	bool by_day;
	int64_t events;
};

struct counts {
	struct count *v;
	size_t n, room;
};

static int64_t floor_to(int64_t us, int64_t step)
{
	return us - (us % step + step) % step;
}

static struct str cut(struct str text)
{
	if (text.n <= VALUE_MAX_BYTES)
		return text;
	size_t n = VALUE_MAX_BYTES;
	while (n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
		n--;
	return str_slice(text, 0, n);
}

static void add(struct counts *counts, const void *mem, const char *dimension, struct str value,
		int64_t occurred)
{
	if (value.n == 0)
		return;
	*VEC_ADD(counts, mem) =
		(struct count){ dimension, cut(value), floor_to(occurred, HOUR_US), false, 1 };
	*VEC_ADD(counts, mem) =
		(struct count){ dimension, cut(value), floor_to(occurred, DAY_US), true, 1 };
}

static void add_event(struct counts *counts, const void *mem, const struct followed *e)
{
	const struct follow_events_row *row = e->row;
	bool is_track = str_eq(row->type, STR("track"));
	int64_t at = row->occurred_at;

	add(counts, mem, "type", row->type, at);
	add(counts, mem, "name", is_track ? row->name : row->type, at);
	add(counts, mem, "browser", e->found.browser, at);
	add(counts, mem, "os", e->found.os, at);
	add(counts, mem, "device", e->found.device_kind, at);
	add(counts, mem, "country", e->found.country, at);
	add(counts, mem, "referrer", e->found.referrer_class, at);
	add(counts, mem, "campaign", e->found.campaign_name, at);
}

static int compare(const void *a, const void *b)
{
	const struct count *x = a, *y = b;
	int order = strcmp(x->dimension, y->dimension);

	if (order)
		return order;
	if (x->by_day != y->by_day)
		return x->by_day ? 1 : -1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->value.n != y->value.n)
		return x->value.n < y->value.n ? -1 : 1;
	return memcmp(x->value.p, y->value.p, x->value.n);
}

static size_t sum_up(struct counts *counts)
{
	size_t n = 0;

	qsort(counts->v, counts->n, sizeof(*counts->v), compare);
	for (size_t i = 0; i < counts->n; i++) {
		if (n > 0 && compare(&counts->v[n - 1], &counts->v[i]) == 0)
			counts->v[n - 1].events++;
		else
			counts->v[n++] = counts->v[i];
	}
	return n;
}

struct fault *follow_rollups(struct chunk *c)
{
	struct counts counts = { 0 };

	for (size_t i = 0; i < c->n; i++)
		add_event(&counts, c->mem, &c->events[i]);
	if (counts.n == 0)
		return NULL;
	size_t n = sum_up(&counts);
	struct str *grains = talloc_array(c->mem, struct str, (unsigned)n);
	struct str *dimensions = talloc_array(c->mem, struct str, (unsigned)n);
	struct str *values = talloc_array(c->mem, struct str, (unsigned)n);
	int64_t *ats = talloc_array(c->mem, int64_t, (unsigned)n);
	int64_t *events = talloc_array(c->mem, int64_t, (unsigned)n);
	for (size_t i = 0; i < n; i++) {
		grains[i] = counts.v[i].by_day ? STR("day") : STR("hour");
		dimensions[i] = str_of(counts.v[i].dimension);
		values[i] = counts.v[i].value;
		ats[i] = counts.v[i].at;
		events[i] = counts.v[i].events;
	}
	return rollup_add(c->tx, c->project, grains, n, dimensions, n, ats, n, values, n, events,
			  n);
}
