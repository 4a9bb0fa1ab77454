/* pipeline_internal.h - one request inside the pipeline, and the stages.
 *
 * A flow is a request with what only the pipeline knows. The request is its
 * first member, so that stages have the handler's own signature. */
#pragma once

#include "http/http.h"
#include "spine/pipeline.h"
#include "spine/registry_internal.h"
#include "spine/request.h"

#define REPLY_FIELDS_MAX 12

struct reply {
	int status;	/* 0: none yet */
	bool *is_taken; /* on the stack of pipeline_handle, see reply_taken */
	struct str content_type;
	struct str body;
	struct http_field fields[REPLY_FIELDS_MAX];
	size_t field_count;
	bool has_version;
	int64_t version;
};

struct access_hold; /* access.c: a cached principal that this request uses */

struct flow {
	struct request rq; /* first */
	struct reply reply;
	const struct route_entry *entry; /* NULL: no route */
	const char *allow;		 /* other methods of the path */
	struct credential cred;
	bool has_credential;
	struct access_hold *hold;
	struct limit_state limit; /* the narrowest that was asked */
	int limit_window_s;
	bool is_limited; /* limit is filled */
	bool is_second_try;
	bool is_idempotent;
	struct str idempotency_key;
	char idempotency_hash[2 * PORT_HASH_BYTES + 1]; /* hex */
	bool is_dressed;
	bool is_page;	    /* a file of the interface */
	int refusal_status; /* of the engine, more exact than the kind; 0: none */
	int64_t started_us;
};

static inline struct flow *flow_of(struct request *rq)
{
	return (struct flow *)rq;
}
static inline const struct flow *flow_of_const(const struct request *rq)
{
	return (const struct flow *)rq;
}

typedef struct fault *stage_fn(struct request *rq);

/* flow.c: makes the flow on http_mem(x), finds the route, sets the tag. */
struct flow *flow_begin(struct app *app, struct http_exchange *x);

/* stage_access.c */
stage_fn stage_authenticate, stage_tenant, stage_origin, stage_permission;
/* stage_limit.c; the first runs on the network thread */
stage_fn limit_address, stage_limit;
/* Counts a failed attempt on a LIMIT_AUTH route against the address. */
void limit_failure(struct flow *fl, const struct fault *why);
void limit_headers(struct flow *fl);
/* stage_input.c */
stage_fn stage_precondition, stage_query, stage_body;
/* stage_run.c: transaction, idempotency, handler, commit */
stage_fn stage_run;
/* idempotency.c, inside the transaction */
struct fault *idempotency_begin(struct flow *fl, bool *ret_is_answered);
struct fault *idempotency_store(struct flow *fl);
/* refusal.c: the audit entry of a refusal */
void refusal_audit(struct flow *fl, const struct fault *why);
/* access.c */
struct fault *access_find(struct flow *fl);
void access_forget(struct flow *fl);
/* edge.c: fields that every answer has; CORS */
void edge_security(struct flow *fl, bool is_page);
void edge_cors(struct flow *fl);
void edge_deprecation(struct flow *fl);
void edge_preflight(struct flow *fl);
/* flow_answer.c: the one place that sends (or counts what was taken) */
void flow_answer(struct flow *fl, const struct fault *why);
void flow_dress(struct flow *fl); /* the fields every answer has, once */
/* interface.c: files of the embedded interface; false: none fits */
bool interface_answer(struct flow *fl);
