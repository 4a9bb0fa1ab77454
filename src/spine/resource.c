/* resource.c - the routes of a resource and what their verbs do.
 *
 * A write is: lock and compare the version when If-Match came, before_write, the
 * statement (held back), the event, after_write, then the row as it is now.
 * Statement, event and reading travel in one round trip. */
#include "spine/pipeline_internal.h"
#include "spine/resource_internal.h"

struct resource_route {
	struct route route; /* first */
	struct ready_resource *ready;
};

static struct ready_resource *ready_of(const struct request *rq)
{
	return ((const struct resource_route *)rq->route)->ready;
}

static void row_params(const struct request *rq, struct uuid id, struct db_param params[2])
{
	params[0] = (struct db_param){ .uuid = rq->tenant };
	params[1] = (struct db_param){ .uuid = id };
}

static struct fault *take_row(struct request *rq, const struct db_result *rows,
			      struct str *ret_json)
{
	if (db_rows(rows) == 0)
		return fault_not_found(rq);
	*ret_json = db_text(rows, 0, 0);
	reply_etag(rq, db_int(rows, 0, 1));
	return NULL;
}

static struct fault *read_row(struct request *rq, struct uuid id, struct str *ret_json)
{
	struct db_param params[2];
	struct db_result *rows;

	row_params(rq, id, params);
	TRY(tx_run(rq->tx, ready_of(rq)->get, params, &rows));
	return take_row(rq, rows, ret_json);
}

/* The row just written, with the commit in the same round trip. The row is certainly
 * there, so nothing is committed that the answer would deny. */
static struct fault *read_written(struct request *rq, struct uuid id, struct str *ret_json)
{
	struct db_param params[2];
	struct db_result *rows;

	if (flow_of(rq)->is_idempotent) /* its answer has to be stored before the commit */
		return read_row(rq, id, ret_json);
	row_params(rq, id, params);
	TRY(tx_finish(rq->tx, ready_of(rq)->get, params, &rows));
	return take_row(rq, rows, ret_json);
}

static struct fault *check_version(struct request *rq)
{
	struct db_param params[2];
	struct db_result *rows;

	if (rq->if_match < 0)
		return NULL;
	row_params(rq, rq->id, params);
	TRY(tx_run(rq->tx, ready_of(rq)->lock, params, &rows));
	if (db_rows(rows) == 0)
		return fault_not_found(rq);
	return request_check_version(rq, db_int(rows, 0, 0));
}

static struct fault *emit(struct request *rq, const struct event_type *type, struct uuid id)
{
	if (!type)
		return NULL;
	return rq->app->ports->emit(rq->tx, type, id, (struct str){ NULL, 0 });
}

static struct fault *before(struct request *rq, enum resource_verb verb)
{
	const struct resource *r = ready_of(rq)->r;

	return r->before_write ? r->before_write(rq, verb) : NULL;
}

static struct fault *after(struct request *rq, enum resource_verb verb,
			   const struct event_type *type, struct uuid id)
{
	const struct resource *r = ready_of(rq)->r;

	TRY(emit(rq, type, id));
	return r->after_write ? r->after_write(rq, verb, id) : NULL;
}

static struct fault *list_rows(struct request *rq)
{
	return resource_list_answer(rq, ready_of(rq));
}

static struct fault *get_row(struct request *rq)
{
	struct str json;

	if (uuid_is_nil(rq->id))
		return fault_not_found(rq);
	TRY(read_row(rq, rq->id, &json));
	return reply_json(rq, 200, json);
}

static struct fault *create_row(struct request *rq)
{
	struct ready_resource *ready = ready_of(rq);
	const struct shape *shape = ready->r->create;
	struct db_param params[2 + RESOURCE_COLUMNS_MAX];
	struct uuid id = uuid_new();
	uint64_t mask = 0;
	size_t n = 2;
	struct str json;

	TRY(before(rq, VERB_CREATE));
	row_params(rq, id, params);
	for (size_t i = 0; i < shape->field_count; i++) {
		if (!column_is_sent(&shape->fields[i], rq->input))
			continue;
		mask |= 1ULL << i;
		params[n++] = column_param(&shape->fields[i], rq->input);
	}
	TRY(tx_defer(rq->tx, resource_insert(ready, mask), params));
	TRY(after(rq, VERB_CREATE, ready->r->created, id));
	TRY(read_written(rq, id, &json));
	return reply_created(rq, id, json);
}

static struct fault *patch_row(struct request *rq)
{
	struct ready_resource *ready = ready_of(rq);
	const struct shape *shape = ready->r->patch;
	struct db_param params[2 + 2 * RESOURCE_COLUMNS_MAX];
	bool is_empty = true;
	size_t n = 2;
	struct str json;

	if (uuid_is_nil(rq->id))
		return fault_not_found(rq);
	TRY(check_version(rq));
	TRY(before(rq, VERB_PATCH));
	row_params(rq, rq->id, params);
	for (size_t i = 0; i < shape->field_count; i++) {
		bool is_sent = column_is_sent(&shape->fields[i], rq->input);
		is_empty = is_empty && !is_sent;
		params[n++] = (struct db_param){ .number = is_sent };
		params[n++] = column_param(&shape->fields[i], rq->input);
	}
	if (!is_empty) {
		TRY(tx_defer(rq->tx, ready->patch, params));
		TRY(after(rq, VERB_PATCH, ready->r->updated, rq->id));
	}
	TRY(read_row(rq, rq->id, &json));
	return reply_json(rq, 200, json);
}

static struct fault *mark_row(struct request *rq, enum resource_verb verb)
{
	struct ready_resource *ready = ready_of(rq);
	bool archives = verb == VERB_ARCHIVE;
	const struct db_param action = { .text = archives ? STR("archive") : STR("restore") };
	struct db_param params[2];
	struct str json;

	if (uuid_is_nil(rq->id))
		return fault_not_found(rq);
	TRY(check_version(rq));
	TRY(before(rq, verb));
	row_params(rq, rq->id, params);
	TRY(tx_defer(rq->tx, ready->audit_as, &action));
	TRY(tx_defer(rq->tx, archives ? ready->archive : ready->restore, params));
	TRY(after(rq, verb, archives ? ready->r->archived : ready->r->restored, rq->id));
	TRY(read_row(rq, rq->id, &json));
	return reply_json(rq, 200, json);
}

static struct fault *archive_row(struct request *rq)
{
	return mark_row(rq, VERB_ARCHIVE);
}

static struct fault *restore_row(struct request *rq)
{
	return mark_row(rq, VERB_RESTORE);
}

static struct fault *delete_row(struct request *rq)
{
	struct ready_resource *ready = ready_of(rq);
	struct db_param params[2];
	int64_t affected;

	if (uuid_is_nil(rq->id))
		return fault_not_found(rq);
	TRY(check_version(rq));
	TRY(before(rq, VERB_DELETE));
	row_params(rq, rq->id, params);
	TRY(tx_exec(rq->tx, ready->delete, params, &affected));
	if (affected == 0)
		return fault_not_found(rq);
	TRY(after(rq, VERB_DELETE, ready->r->deleted, rq->id));
	return reply_empty(rq, 204);
}

struct verb_row {
	enum resource_verb verb;
	enum http_method method;
	const char *suffix;
	struct fault *(*handler)(struct request *rq);
	const char *audit; /* NULL: reads */
	const char *summary;
	int status;
};

static const struct verb_row verbs[] = {
	{ VERB_LIST, HTTP_GET, "", list_rows, NULL, "List: %s", 200 },
	{ VERB_CREATE, HTTP_POST, "", create_row, "create", "Create: %s", 201 },
	{ VERB_GET, HTTP_GET, "/{id}", get_row, NULL, "One: %s", 200 },
	{ VERB_PATCH, HTTP_PATCH, "/{id}", patch_row, "update", "Change: %s", 200 },
	{ VERB_ARCHIVE, HTTP_POST, "/{id}/archive", archive_row, "archive", "Archive: %s", 200 },
	{ VERB_RESTORE, HTTP_POST, "/{id}/restore", restore_row, "restore", "Restore: %s", 200 },
	{ VERB_DELETE, HTTP_DELETE, "/{id}", delete_row, "delete", "Delete: %s", 204 },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const char *permission_of(const struct resource *r, enum resource_verb verb)
{
	switch (verb) {
	case VERB_CREATE:
		return r->create_permission;
	case VERB_PATCH:
		return r->update_permission;
	case VERB_ARCHIVE:
	case VERB_RESTORE:
		return r->archive_permission;
	case VERB_DELETE:
		return r->delete_permission;
	default:
		return r->read_permission;
	}
}

static const struct shape *input_of(const struct resource *r, enum resource_verb verb)
{
	return verb == VERB_CREATE ? r->create : verb == VERB_PATCH ? r->patch : NULL;
}

static const struct route *route_new(const void *ctx, struct ready_resource *ready,
				     const struct verb_row *v)
{
	static const char *const stale[] = { "stale_version", NULL };
	const struct resource *r = ready->r;
	struct resource_route *out = talloc_zero(ctx, struct resource_route);
	char *summary = talloc_strndup(out, v->summary, strlen(v->summary) - 2);

	out->ready = ready;
	out->route = (struct route){
		.method = v->method,
		.path = talloc_asprintf(out, "%s%s", r->path, v->suffix),
		.handler = v->handler,
		.permission = permission_of(r, v->verb),
		.input = input_of(r, v->verb),
		.query = v->verb == VERB_LIST ? &ready->list_shape : NULL,
		.output = v->verb == VERB_DELETE ? NULL : r->shape,
		.output_is_list = v->verb == VERB_LIST,
		.status = v->status,
		.audit = v->audit ? talloc_asprintf(out, "%s.%s", r->noun, v->audit) : NULL,
		.summary = talloc_asprintf_append(summary, "%s", r->noun),
		.faults = v->audit && v->verb != VERB_CREATE ? stale : NULL,
	};
	return &out->route;
}

struct fault *resource_routes(const void *ctx, const struct resource *r,
			      const struct route *const **ret_routes, size_t *ret_count)
{
	const struct route **routes = talloc_zero_size(ctx, VERBS * sizeof(*routes));
	struct ready_resource *ready;
	size_t n = 0;

	TRY(resource_prepare(ctx, r, &ready));
	resource_list_shape(ready, ready);
	for (size_t i = 0; i < VERBS; i++)
		if (r->verbs & verbs[i].verb)
			routes[n++] = route_new(ready, ready, &verbs[i]);
	*ret_routes = routes;
	*ret_count = n;
	return NULL;
}
