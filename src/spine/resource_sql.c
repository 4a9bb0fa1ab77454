/* resource_sql.c - the statements of a resource.
 *
 * Text comes from the descriptor alone (identifiers that pass is_identifier);
 * whatever a client says is a parameter. Every statement names the tenant,
 * although row security would do it too: the plans get better and there are
 * two walls. Answers are built from the fields of the shape, never from all
 * columns, so a new column stays inside until somebody shows it. */
#include "spine/resource_internal.h"

#include <ctype.h>

#define SQL_MAX_BYTES 16384

static bool is_identifier(const char *text)
{
	size_t dots = 0;

	if (!text || !*text)
		return false;
	for (; *text; text++) {
		dots += *text == '.';
		if (!islower((unsigned char)*text) && !isdigit((unsigned char)*text) &&
		    *text != '_' && *text != '.')
			return false;
	}
	return dots <= 1;
}

enum db_type column_type(const struct field *f)
{
	switch (f->type == FIELD_LIST ? f->element : f->type) {
	case FIELD_INT:
	case FIELD_MONEY:
		return f->type == FIELD_LIST ? DB_INTS : DB_INT;
	case FIELD_NUMBER:
		return DB_DOUBLE;
	case FIELD_BOOL:
		return DB_BOOL;
	case FIELD_UUID:
		return f->type == FIELD_LIST ? DB_UUIDS : DB_UUID;
	case FIELD_TIME:
		return f->type == FIELD_LIST ? DB_TIMES : DB_TIME;
	case FIELD_JSON:
	case FIELD_MAP:
		return DB_JSON;
	default:
		return f->type == FIELD_LIST ? DB_TEXTS : DB_TEXT;
	}
}

const char *column_cast(const struct field *f)
{
	static const char *const casts[] = {
		[DB_TEXT] = "text",	[DB_INT] = "bigint",	   [DB_BOOL] = "boolean",
		[DB_UUID] = "uuid",	[DB_TIME] = "timestamptz", [DB_JSON] = "jsonb",
		[DB_BYTES] = "bytea",	[DB_DOUBLE] = "float8",	   [DB_TEXTS] = "text[]",
		[DB_INTS] = "bigint[]", [DB_UUIDS] = "uuid[]",	   [DB_TIMES] = "timestamptz[]",
	};

	return f->type == FIELD_DATE ? "text::date" : casts[column_type(f)];
}

bool column_is_sent(const struct field *f, const char *base)
{
	return f->has_offset == FIELD_NONE || *(const bool *)(base + f->has_offset);
}

struct db_param column_param(const struct field *f, const char *base)
{
	const char *at = base + f->offset;
	const struct str_list *list = (const void *)at;
	struct db_param p = { 0 };

	if (!column_is_sent(f, base) ||
	    (f->null_offset != FIELD_NONE && *(const bool *)(base + f->null_offset))) {
		p.is_null = true;
		return p;
	}
	switch (column_type(f)) {
	case DB_INT:
	case DB_TIME:
		p.number = *(const int64_t *)(const void *)at;
		break;
	case DB_BOOL:
		p.number = *(const bool *)at;
		break;
	case DB_DOUBLE:
		p.real = *(const double *)(const void *)at;
		break;
	case DB_UUID:
		memcpy(&p.uuid, at, sizeof(p.uuid));
		break;
	case DB_TEXT:
	case DB_JSON:
		p.text = *(const struct str *)(const void *)at;
		p.is_null = p.text.p == NULL;
		break;
	default: /* lists of any type have one layout */
		p.array = list->v;
		p.array_count = list->n;
	}
	return p;
}

static const struct db_query *query_new(const void *ctx, const char *name, const struct buf *sql,
					const enum db_type *types, int count, int columns)
{
	struct db_query *q = talloc_zero(ctx, struct db_query);

	q->name = name;
	q->sql = talloc_strndup(q, sql->p, sql->n);
	q->param_count = count;
	q->param_types = talloc_memdup(q, types, sizeof(*types) * (size_t)(count ? count : 1));
	q->column_count = columns;
	q->returns_rows = columns > 0;
	return q;
}

static const struct db_query *row_query(struct ready_resource *ready, const char *verb,
					const char *format, int columns)
	__attribute__((format(printf, 3, 0)));

/* A statement about one row: $1 tenant, $2 id. */
static const struct db_query *row_query(struct ready_resource *ready, const char *verb,
					const char *format, int columns)
{
	static const enum db_type types[] = { DB_UUID, DB_UUID };
	const char *name = talloc_asprintf(ready, "%s.%s", ready->r->noun, verb);
	struct buf sql;

	buf_init(&sql, ready, SQL_MAX_BYTES);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_printf(&sql, format, ready->r->table);
#pragma GCC diagnostic pop
	buf_text(&sql, " where t.tenant_id = $1 and t.id = $2");
	const struct db_query *q = query_new(ready, name, &sql, types, 2, columns);
	buf_clear(&sql);
	return q;
}

static const char *json_of(struct ready_resource *ready)
{
	const struct shape *shape = ready->r->shape;
	struct buf b;

	buf_init(&b, ready, SQL_MAX_BYTES);
	buf_text(&b, "json_build_object(");
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct field *f = &shape->fields[i];
		buf_printf(&b, f->type == FIELD_TIME ? "%s'%s', core.iso(v.%s)" : "%s'%s', v.%s",
			   i ? ", " : "", f->name, f->name);
	}
	buf_text(&b, ")");
	return b.p;
}

static const struct db_query *get_query(struct ready_resource *ready)
{
	static const enum db_type types[] = { DB_UUID, DB_UUID };
	struct buf sql;

	buf_init(&sql, ready, SQL_MAX_BYTES);
	buf_printf(&sql, "select %s, v.version from %s v where v.tenant_id = $1 and v.id = $2",
		   ready->json, ready->r->view);
	return query_new(ready, talloc_asprintf(ready, "%s.get", ready->r->noun), &sql, types, 2,
			 2);
}

/* Every column is named; one that was not sent keeps its value. */
static const struct db_query *patch_query(struct ready_resource *ready)
{
	const struct shape *shape = ready->r->patch;
	enum db_type types[2 + 2 * RESOURCE_COLUMNS_MAX] = { DB_UUID, DB_UUID };
	struct buf sql;
	int n = 2;

	buf_init(&sql, ready, SQL_MAX_BYTES);
	buf_printf(&sql, "update %s t set ", ready->r->table);
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct field *f = &shape->fields[i];
		types[n] = DB_BOOL;
		types[n + 1] = column_type(f);
		buf_printf(&sql, "%s%s = case when $%d::boolean then $%d::%s else t.%s end",
			   i ? ", " : "", f->name, n + 1, n + 2, column_cast(f), f->name);
		n += 2;
	}
	buf_text(&sql, " where t.tenant_id = $1 and t.id = $2");
	return query_new(ready, talloc_asprintf(ready, "%s.patch", ready->r->noun), &sql, types, n,
			 0);
}

static const struct db_query *audit_query(struct ready_resource *ready)
{
	static const enum db_type types[] = { DB_TEXT };
	struct buf sql;

	buf_init(&sql, ready, SQL_MAX_BYTES);
	buf_text(&sql, "select core.audit_as($1)");
	return query_new(ready, "audit_as", &sql, types, 1, 0);
}

static const struct db_query *insert_query(struct ready_resource *ready, uint64_t mask)
{
	const struct shape *shape = ready->r->create;
	enum db_type types[2 + RESOURCE_COLUMNS_MAX] = { DB_UUID, DB_UUID };
	struct buf sql, values;
	int n = 2;

	buf_init(&sql, ready, SQL_MAX_BYTES);
	buf_init(&values, ready, SQL_MAX_BYTES);
	buf_printf(&sql, "insert into %s (tenant_id, id", ready->r->table);
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct field *f = &shape->fields[i];
		if (!(mask >> i & 1))
			continue;
		types[n++] = column_type(f);
		buf_printf(&sql, ", %s", f->name);
		buf_printf(&values, ", $%d::%s", n, column_cast(f));
	}
	buf_printf(&sql, ") values ($1, $2%s)", values.p ? values.p : "");
	return query_new(ready, talloc_asprintf(ready, "%s.create", ready->r->noun), &sql, types, n,
			 0);
}

static void put_search(struct buf *sql, const struct resource *r, int n)
{
	buf_text(sql, " and (");
	for (size_t i = 0; r->search[i]; i++)
		buf_printf(sql, "%sposition(lower($%d::text) in lower(v.%s)) > 0", i ? " or " : "",
			   n, r->search[i]);
	buf_text(sql, ")");
}

static void put_filters(struct ready_resource *ready, struct buf *sql, uint64_t filters,
			enum db_type *types, int *n)
{
	for (size_t i = 0; i < ready->filter_count; i++) {
		const struct field *f = ready->filter_fields[i];
		if (!(filters >> i & 1))
			continue;
		types[(*n)++] = column_type(f);
		buf_printf(sql, " and v.%s = $%d::%s", f->name, *n, column_cast(f));
	}
}

static const struct field *field_named(const struct shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->field_count; i++)
		if (strcmp(shape->fields[i].name, name) == 0)
			return &shape->fields[i];
	return NULL;
}

static const struct db_query *list_query(struct ready_resource *ready, uint64_t filters,
					 const char *order, bool has_cursor, bool has_q,
					 bool counts)
{
	enum db_type types[RESOURCE_FILTERS_MAX + 6] = { DB_UUID };
	bool is_down = order[0] == '-';
	const char *column = order + is_down, *way = is_down ? "desc" : "asc";
	struct buf sql;
	int n = 1;

	buf_init(&sql, ready, SQL_MAX_BYTES);
	if (counts)
		buf_printf(&sql, "select count(*) from %s v where v.tenant_id = $1",
			   ready->r->view);
	else
		buf_printf(&sql, "select %s, v.%s::text, v.id from %s v where v.tenant_id = $1",
			   ready->json, column, ready->r->view);
	put_filters(ready, &sql, filters, types, &n);
	if (has_q) {
		types[n++] = DB_TEXT;
		put_search(&sql, ready->r, n);
	}
	if (has_cursor) {
		const struct field *f = field_named(ready->r->shape, column);
		types[n] = DB_TEXT;
		types[n + 1] = DB_UUID;
		buf_printf(&sql, " and (v.%s, v.id) %s ($%d::text::%s, $%d::uuid)", column,
			   is_down ? "<" : ">", n + 1, column_cast(f), n + 2);
		n += 2;
	}
	if (!counts) {
		types[n++] = DB_INT;
		buf_printf(&sql, " order by v.%s %s, v.id %s limit $%d::bigint", column, way, way,
			   n);
	}
	return query_new(ready, talloc_asprintf(ready, "%s.list", ready->r->noun), &sql, types, n,
			 counts ? 1 : 3);
}

const struct db_query *resource_insert(struct ready_resource *ready, uint64_t mask)
{
	char key[40];

	snprintf(key, sizeof(key), "insert %llx", (unsigned long long)mask);
	pthread_mutex_lock(&ready->lock_lazy);
	const struct db_query *q = map_get(ready->lazy, str_of(key));
	if (!q) {
		q = insert_query(ready, mask);
		map_put(ready->lazy, str_of(key), (void *)(uintptr_t)q);
	}
	pthread_mutex_unlock(&ready->lock_lazy);
	return q;
}

const struct db_query *resource_list(struct ready_resource *ready, uint64_t filters,
				     const char *order, bool has_cursor, bool has_q, bool counts)
{
	char key[120];

	snprintf(key, sizeof(key), "list %llx %s %d%d%d", (unsigned long long)filters,
		 counts ? "" : order, has_cursor, has_q, counts);
	pthread_mutex_lock(&ready->lock_lazy);
	const struct db_query *q = map_get(ready->lazy, str_of(key));
	if (!q) {
		q = list_query(ready, filters, order, has_cursor, has_q, counts);
		map_put(ready->lazy, str_of(key), (void *)(uintptr_t)q);
	}
	pthread_mutex_unlock(&ready->lock_lazy);
	return q;
}

static void check_columns(struct fault *f, const struct resource *r, const struct shape *shape)
{
	for (size_t i = 0; shape && i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];
		bool is_nested = field->type == FIELD_SHAPE ||
				 (field->type == FIELD_LIST && field->element == FIELD_SHAPE);
		if (!is_identifier(field->name) || (is_nested && shape != r->shape))
			fault_field(f, shape->name, "not_a_column", "%s cannot be a column.",
				    field->name);
	}
	if (shape && shape->field_count > RESOURCE_COLUMNS_MAX)
		fault_field(f, shape->name, "too_many_columns", "A resource has at most 48.");
}

static void check_names(struct fault *f, const struct resource *r)
{
	if (!is_identifier(r->table) || !is_identifier(r->view) || !is_identifier(r->noun))
		fault_field(f, r->noun, "identifier", "noun, table and view are lower-case names.");
	for (size_t i = 0; r->sorts[i]; i++) {
		const char *column = r->sorts[i] + (r->sorts[i][0] == '-');
		if (!field_named(r->shape, column))
			fault_field(f, r->noun, "unknown_sort", "%s is no field of it.", column);
	}
	for (size_t i = 0; r->search && r->search[i]; i++)
		if (!field_named(r->shape, r->search[i]))
			fault_field(f, r->noun, "unknown_search", "%s is no field of it.",
				    r->search[i]);
	if ((r->verbs & VERB_CREATE && !r->create) || (r->verbs & VERB_PATCH && !r->patch))
		fault_field(f, r->noun, "no_input", "create and patch need their shapes.");
	if (!r->sorts[0])
		fault_field(f, r->noun, "no_sort", "A list needs an order.");
}

static struct fault *check(const void *ctx, struct ready_resource *ready)
{
	const struct resource *r = ready->r;
	struct fault *f =
		FAULT(ctx, FAULT_INVALID, "resource", "The resource %s cannot be served.", r->noun);

	check_columns(f, r, r->shape);
	check_columns(f, r, r->create);
	check_columns(f, r, r->patch);
	check_names(f, r);
	for (const struct resource_filter *x = r->filters; x && x->column; x++) {
		const struct field *field = field_named(r->shape, x->column);
		if (!field || ready->filter_count == RESOURCE_FILTERS_MAX)
			fault_field(f, r->noun, "filter", "%s is no field, or one too many.",
				    x->column);
		else
			ready->filter_fields[ready->filter_count++] = field;
	}
	return f->fields ? f : NULL;
}

static int ready_free(struct ready_resource *ready)
{
	pthread_mutex_destroy(&ready->lock_lazy);
	return 0;
}

struct fault *resource_prepare(const void *ctx, const struct resource *r,
			       struct ready_resource **ret_ready)
{
	struct ready_resource *ready = talloc_zero(ctx, struct ready_resource);

	ready->r = r;
	ready->ctx = ctx;
	pthread_mutex_init(&ready->lock_lazy, NULL);
	talloc_set_destructor(ready, ready_free);
	ready->lazy = map_new(ready);
	TRY(check(ctx, ready));
	ready->json = json_of(ready);
	ready->get = get_query(ready);
	ready->lock = row_query(ready, "lock", "select t.version from %s t", 1);
	ready->archive = row_query(ready, "archive", "update %s t set status = 'archived'", 0);
	ready->restore = row_query(ready, "restore", "update %s t set status = 'active'", 0);
	ready->delete = row_query(ready, "delete", "delete from %s t", 0);
	ready->audit_as = audit_query(ready);
	if (r->patch)
		ready->patch = patch_query(ready);
	*ret_ready = ready;
	return NULL;
}
