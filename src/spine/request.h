/* request.h - one request on its way through the pipeline, and how to answer.
 *
 * A handler is straight-line blocking C: read INPUT, call queries with rq->tx,
 * decide, emit, reply. It frees nothing and commits nothing. Domain functions
 * take rq->tx, never the request. */
#pragma once

#include "db/db.h"
#include "spine/app.h"
#include "spine/principal.h"
#include "spine/route.h"

struct request {
	const void *mem; /* everything of this request lives here */
	struct app *app;
	struct http_exchange *exchange;
	const struct http_request *http;
	const struct route *route;
	struct tx *tx;		     /* NULL when the route says ROUTE_TX_NONE */
	const struct principal *who; /* never NULL; kind ANONYMOUS if not signed in */
	struct uuid tenant;	     /* nil outside /t/{tenant} */
	struct str tenant_slug;
	struct uuid id; /* the last {…} of the path that is a UUID */
	struct str request_id;
	struct str traceparent; /* absent if none came */
	const void *input;	/* decoded body */
	const void *query;	/* decoded query string */
	struct reply *reply;	/* the pipeline's */
	int64_t if_match;	/* version from If-Match, -1 if none */
};

#define INPUT(rq, type) ((const struct type *)(rq)->input)
#define QUERY(rq, type) ((const struct type *)(rq)->query)

/* A {name} of the path, percent-decoded; absent if the route has none. */
struct str request_path(const struct request *rq, const char *name);
/* The same as a UUID; FAULT_NOT_FOUND when it is none (ids are not guessed at). */
struct fault *request_path_uuid(const struct request *rq, const char *name, struct uuid *ret_id);
/* The usual 404. */
struct fault *fault_not_found(const struct request *rq);
struct fault *fault_conflict(const struct request *rq, const char *code, const char *text);
/* Has the caller this permission (for fields and rows, beyond the route's)? */
bool request_may(const struct request *rq, const char *permission);

/* Answers; the first one counts. json is text built by PostgreSQL or json_out. */
struct fault *reply_json(struct request *rq, int status, struct str json);
struct fault *reply_empty(struct request *rq, int status);
/* 201 with Location: the request's path and the id. */
struct fault *reply_created(struct request *rq, struct uuid id, struct str json);
/* {"items":…,"next_cursor":…}: items is a JSON array text, cursor absent at the end. */
struct fault *reply_list(struct request *rq, struct str items, struct str next_cursor);
/* The same with `total` (?count=true); total < 0 leaves it out. */
struct fault *reply_list_total(struct request *rq, struct str items, struct str next_cursor,
			       int64_t total);
struct fault *reply_bytes(struct request *rq, int status, struct str content_type, struct str body);
void reply_field(struct request *rq, const char *name, struct str value);
void reply_etag(struct request *rq, int64_t version);
/* The handler takes the exchange over (defers, streams or hands it over). To be
 * called first: after http_defer the request may be gone at any moment. Only for
 * routes without a transaction. */
void reply_taken(struct request *rq);
/* 412 unless If-Match is absent or names this version. */
struct fault *request_check_version(const struct request *rq, int64_t version);

/* The query of a list that declares none of its own: limit, cursor, count. */
struct page_query {
	int64_t limit;
	bool has_cursor;
	struct str cursor;
	bool count;
};
extern const struct shape page_query_shape;

/* Keyset cursors: opaque text over the last row's sort values, sealed with a MAC of
 * the server's key so that a client cannot invent one. values: JSON array text. */
struct str cursor_seal(const struct request *rq, struct str values);
struct fault *cursor_open(const struct request *rq, struct str cursor, struct str *ret_values);
