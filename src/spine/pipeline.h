/* pipeline.h - from an exchange to an answer: the stages every route shares.
 *
 * match -> authenticate -> tenant -> limit -> CSRF -> permission -> shapes ->
 * idempotency -> transaction -> handler -> audit -> commit -> answer. A stage
 * has the handler's signature; a fault ends the walk and becomes a problem
 * document (and an audit entry when access was refused). */
#pragma once

#include "spine/module.h"
#include "spine/request.h"

/* The hooks of http_config; app is struct app *. */
void pipeline_admit(void *app, struct http_exchange *x, struct http_admission *ret_admission);
void pipeline_handle(void *app, struct http_exchange *x);
void pipeline_refuse(void *app, struct http_exchange *x, const struct fault *why);

struct access_cache *access_cache_new(const void *ctx);
/* For code that is not a route but needs to know who connects (sockets):
 * authenticates and fills who (on mem) with tenant and permissions. */
struct fault *access_authenticate(const void *mem, struct app *app, const struct credential *cred,
				  const struct principal **ret_who);
/* Are the stamps of this principal still true (for long-lived sockets)? */
struct fault *access_recheck(const void *mem, struct app *app, const struct principal *who,
			     bool *ret_is_valid);
/* The scope of a principal's transaction. */
struct scope access_scope(const struct principal *who, struct str request_id, struct str ip,
			  struct str user_agent);
/* An answer that somebody gives later (reply_taken) is counted by them: the clock is
 * taken before the request is let go, told before http_answer. Any thread. */
struct route_stats;
struct request_clock {
	struct route_stats *stats;
	int64_t started_us;
};
struct request_clock request_clock(const struct request *rq);
void request_counted(struct request_clock clock, int status);
/* Writes f as application/problem+json. */
void problem_write(struct buf *out, const struct fault *f, struct str request_id);
/* With a status that says it better than the kind (408, 414, 505). */
void problem_write_as(struct buf *out, const struct fault *f, struct str request_id, int status);
int problem_status(enum fault_kind kind);
const char *problem_title(enum fault_kind kind);
/* The spine's own migrations, queries and routes (/openapi.json, /docs); first of all
 * modules. */
extern const struct module spine_module;
