/* resource_internal.h - a resource made ready at start: its statements and the
 * shape of its list's query string (resource.c, resource_sql.c,
 * resource_list.c). */
#pragma once

#include "base/map.h"
#include "spine/registry_internal.h"

#include <pthread.h>

#define RESOURCE_FILTERS_MAX 16
#define RESOURCE_COLUMNS_MAX 48

/* One decoded parameter of a list; every type fits. */
struct list_slot {
	bool has;
	union {
		struct str text;
		int64_t number;
		double real;
		bool yes;
		struct uuid uuid;
	} value;
};

enum list_place { LIST_LIMIT, LIST_CURSOR, LIST_COUNT, LIST_SORT, LIST_Q, LIST_FILTERS };
#define LIST_SLOTS (LIST_FILTERS + RESOURCE_FILTERS_MAX)

struct ready_resource {
	const struct resource *r;
	const void *ctx;
	const char *json; /* json_build_object(…) over v */
	const struct db_query *get, *lock, *patch, *archive, *restore, *delete, *audit_as;
	struct shape list_shape;
	size_t filter_count;
	const struct field *filter_fields[RESOURCE_FILTERS_MAX];
	/* Made when first asked for: at most one for each set of columns, filters and
	 * order. The key says which. */
	pthread_mutex_t lock_lazy;
	struct map *lazy;
};

/* resource_sql.c */
struct fault *resource_prepare(const void *ctx, const struct resource *r,
			       struct ready_resource **ret_ready);
const struct db_query *resource_insert(struct ready_resource *ready, uint64_t mask);
/* order: a column with or without "-"; counts: `select count(*)` of the same rows. */
const struct db_query *resource_list(struct ready_resource *ready, uint64_t filters,
				     const char *order, bool has_cursor, bool has_q, bool counts);
enum db_type column_type(const struct field *f);
const char *column_cast(const struct field *f);
/* The value of a decoded field as a parameter. */
struct db_param column_param(const struct field *f, const char *base);
bool column_is_sent(const struct field *f, const char *base);

/* resource_list.c */
void resource_list_shape(const void *ctx, struct ready_resource *ready);
struct fault *resource_list_answer(struct request *rq, struct ready_resource *ready);
