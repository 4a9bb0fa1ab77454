/* route.h - the route table: one designated initialiser below each handler.
 *
 * Everything the pipeline does for a request is decided by its route: who may,
 * which limits, which shapes, which transaction. The zero value of every field
 * is the safe one; a route without a permission does not start (contract.h). */
#pragma once

#include "http/http.h"
#include "spine/shape.h"

struct request;

/* Instead of a permission from the catalogue: */
#define PUBLIC "(public)"	/* nobody needs to be signed in */
#define SIGNED_IN "(signed in)" /* any person, no tenant right needed */
#define MEMBER "(member)"	/* any member or key of the tenant */

enum limit_class {
	LIMIT_API,    /* 120 a minute a person, key, address */
	LIMIT_AUTH,   /* failures count, see spec/api-conventions.md */
	LIMIT_UPLOAD, /* 10 a minute */
	LIMIT_BULK,   /* 5 a minute */
	LIMIT_INGEST, /* token bucket of the write key, taken by the handler */
	LIMIT_NONE,   /* health and static files */
	LIMIT_CLASSES
};

enum route_tx {
	ROUTE_TX_BY_METHOD, /* GET: read; else write */
	ROUTE_TX_READ,
	ROUTE_TX_NONE, /* streams, calls to the outside */
};

struct route {
	enum http_method method;
	const char *path; /* "/api/v1/t/{tenant}/projects/{id}"; {x} is one segment */
	struct fault *(*handler)(struct request *rq);
	const char *permission;
	const struct shape *input;  /* JSON body */
	const struct shape *query;  /* query string; NULL: none allowed but list's own */
	const struct shape *output; /* of the success answer, or of one item */
	bool output_is_list;	    /* {items:[output], next_cursor} */
	int status;		    /* of success; 0: 200 */
	enum limit_class limit;
	enum http_lane lane;
	enum route_tx tx;
	const char *audit;	   /* "project.create"; required on mutating routes */
	const char *summary;	   /* one line for OpenAPI */
	const char *const *faults; /* further codes it may answer, NULL-ended, for OpenAPI */
	const char *deprecated;	   /* "2026-11-21": since when; answers say so (RFC 9745) */
	const char *sunset;	   /* until when it works (RFC 8594) */
	size_t body_max_bytes;	   /* 0: 1 MiB */
	bool raw_body;		   /* the handler reads the bytes (and the query) itself */
	bool raw_query;		   /* the handler reads the query string itself */
	bool open_cors;		   /* any origin (ingestion) */
	bool no_csrf;		   /* cookie not used here (sign-in, ingestion) */
	bool no_session_token;	   /* never look at credentials (ingestion has its own) */
	bool knows_project;	   /* keys of one project may come; the handler keeps them to it */
};
