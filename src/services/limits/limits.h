/* limits.h - token buckets in this process, behind an interface that a shared store
 * (Redis, PostgreSQL) can stand behind later. */
#pragma once

#include "spine/ports.h" /* struct limit_state */

struct limits *limits_new(const void *ctx, size_t max_buckets);
/* Takes cost from the bucket named key, which holds `limit` and refills over
 * window_s. Any thread. cost 0 only looks. */
struct limit_state limits_take(struct limits *l, struct str key, int64_t limit, int window_s,
			       int64_t cost);
