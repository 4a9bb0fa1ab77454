/* metrics.c - how often and how long, by route template and status.
 *
 * Counters are atomic and live in cells made at the first answer of that
 * status, so that counting takes no lock and an unused status no memory.
 * Text format: Prometheus 0.0.4. */
#include "spine/registry_internal.h"

#include <stdatomic.h>

#define STATUS_FIRST 100
#define STATUS_LAST 599
#define CELLS_MAX 24 /* different statuses of one route */

static const int64_t bounds_us[] = { 500,    1000,   2500,   5000,    10000,   25000,	50000,
				     100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000 };
#define BOUNDS (sizeof(bounds_us) / sizeof(bounds_us[0]))

struct cell {
	_Atomic int status; /* 0: free */
	_Atomic int64_t sum_us;
	_Atomic int64_t count;
	_Atomic int64_t buckets[BOUNDS];
};

struct route_stats {
	_Atomic(struct cell *) cells[CELLS_MAX];
};

struct metrics {
	struct route_stats *routes; /* the last one: what no route matched */
	size_t n;
};

/* Cells are not on a talloc context: threads may race to make one, and contexts
 * are not theirs to share. They live as long as the program. */
static struct cell *cell_of(struct route_stats *stats, int status)
{
	for (size_t i = 0; i < CELLS_MAX; i++) {
		struct cell *cell = atomic_load_explicit(&stats->cells[i], memory_order_acquire);
		if (!cell) {
			struct cell *fresh = talloc_zero(NULL, struct cell), *other = NULL;
			atomic_init(&fresh->status, status);
			if (atomic_compare_exchange_strong(&stats->cells[i], &other, fresh))
				return fresh;
			talloc_free(fresh);
			cell = other;
		}
		if (atomic_load_explicit(&cell->status, memory_order_relaxed) == status)
			return cell;
	}
	return NULL;
}

static int free_cells(struct metrics *m)
{
	for (size_t r = 0; r < m->n; r++)
		for (size_t i = 0; i < CELLS_MAX; i++)
			talloc_free(atomic_load(&m->routes[r].cells[i]));
	return 0;
}

struct metrics *metrics_new(const void *ctx, size_t routes)
{
	struct metrics *m = talloc_zero(ctx, struct metrics);

	m->n = routes + 1;
	m->routes = talloc_zero_size(m, m->n * sizeof(*m->routes));
	talloc_set_destructor(m, free_cells);
	return m;
}

struct route_stats *metrics_route(struct metrics *m, size_t index)
{
	return &m->routes[index < m->n ? index : m->n - 1];
}

void metrics_count(struct route_stats *stats, int status, int64_t duration_us)
{
	struct cell *cell =
		status >= STATUS_FIRST && status <= STATUS_LAST ? cell_of(stats, status) : NULL;

	if (!cell)
		return;
	atomic_fetch_add_explicit(&cell->count, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&cell->sum_us, duration_us, memory_order_relaxed);
	for (size_t i = 0; i < BOUNDS; i++) {
		if (duration_us <= bounds_us[i]) {
			atomic_fetch_add_explicit(&cell->buckets[i], 1, memory_order_relaxed);
			break;
		}
	}
}

static void put_cell(struct buf *out, const char *labels, struct cell *cell)
{
	int64_t running = 0, count = atomic_load(&cell->count);

	for (size_t i = 0; i < BOUNDS; i++) {
		running += atomic_load(&cell->buckets[i]);
		buf_printf(out, "http_server_request_duration_seconds_bucket{%s,le=\"%g\"} %lld\n",
			   labels, (double)bounds_us[i] / 1e6, (long long)running);
	}
	buf_printf(out, "http_server_request_duration_seconds_bucket{%s,le=\"+Inf\"} %lld\n",
		   labels, (long long)count);
	buf_printf(out, "http_server_request_duration_seconds_sum{%s} %.6f\n", labels,
		   (double)atomic_load(&cell->sum_us) / 1e6);
	buf_printf(out, "http_server_request_duration_seconds_count{%s} %lld\n", labels,
		   (long long)count);
}

static void put_stats(struct buf *out, const struct route *route, struct route_stats *stats)
{
	char labels[400];

	for (size_t i = 0; i < CELLS_MAX; i++) {
		struct cell *cell = atomic_load_explicit(&stats->cells[i], memory_order_acquire);
		if (!cell)
			break;
		snprintf(labels, sizeof(labels),
			 "http_request_method=\"%s\",http_route=\"%s\","
			 "http_response_status_code=\"%d\"",
			 route ? http_method_name(route->method) : "_OTHER",
			 route ? route->path : "(none)", atomic_load(&cell->status));
		put_cell(out, labels, cell);
	}
}

void registry_metrics(const struct registry *r, struct buf *out)
{
	buf_text(out, "# HELP http_server_request_duration_seconds Time from the request to the "
		      "answer.\n# TYPE http_server_request_duration_seconds histogram\n");
	for (size_t i = 0; i < r->routes.n; i++)
		put_stats(out, r->routes.v[i]->route, r->routes.v[i]->stats);
	put_stats(out, NULL, metrics_route(r->metrics, r->routes.n));
}
