/* ingest_answer.c - answers of ingestion, now or after the commit.
 *
 * Success is always 200 with one object (reference/events-and-billing.md 1.2:
 * some SDKs take any other 2xx for a failure). A refusal is a problem document
 * with the members success, message and error added. */
#include "modules/analytics/ingest_answer.h"

#include "services/limits/limits.h"
#include "spine/pipeline.h"

#include <talloc.h>

/* Rejected events listed in an answer; the counts are always whole. */
#define LISTED_MAX 2500
#define ANSWER_MAX_BYTES (16U << 20)

struct str ingest_int_text(const void *mem, int64_t value)
{
	return str_of(talloc_asprintf(mem, "%lld", (long long)value));
}

static void put_rejected(struct json_out *w, const struct ingest_event *e)
{
	json_open(w, '{');
	json_key(w, "index");
	json_put_int(w, e->index);
	json_key(w, "messageId");
	json_put_str(w, e->message_id);
	json_key(w, "code");
	json_put_str(w, str_of(reject_code_names[e->reject]));
	json_key(w, "message");
	json_put_str(w, str_of(reject_messages[e->reject]));
	json_close(w, '}');
}

static void put_quota(struct json_out *w, const struct ingest_request *r)
{
	enum quota_state state = quota_state_of(r->quota_used, r->quota_limit);

	json_key(w, "quota");
	json_open(w, '{');
	json_key(w, "used");
	json_put_int(w, r->quota_used);
	json_key(w, "limit");
	json_put_int(w, r->quota_limit);
	json_key(w, "state");
	json_put_str(w, str_of(quota_state_names[state]));
	json_close(w, '}');
}

struct str ingest_result_json(const struct ingest_request *r)
{
	int64_t accepted = 0, duplicates = 0, listed = 0;
	struct json_out w;
	struct buf b;

	buf_init(&b, r->mem, ANSWER_MAX_BYTES);
	json_out_init(&w, &b);
	for (size_t i = 0; i < r->event_count; i++) {
		accepted += r->events[i].fate == FATE_ACCEPTED;
		duplicates += r->events[i].fate == FATE_DUPLICATE;
	}
	json_open(&w, '{');
	json_key(&w, "success");
	json_put_bool(&w, true);
	json_key(&w, "accepted");
	json_put_int(&w, accepted);
	json_key(&w, "duplicates");
	json_put_int(&w, duplicates);
	json_key(&w, "rejected");
	json_open(&w, '[');
	for (size_t i = 0; i < r->event_count && listed < LISTED_MAX; i++) {
		if (r->events[i].reject == REJECT_NONE)
			continue;
		put_rejected(&w, &r->events[i]);
		listed++;
	}
	json_close(&w, ']');
	put_quota(&w, r);
	json_close(&w, '}');
	return buf_view(&b);
}

/* problem_write() makes an object; ours has three members more. */
static struct str refusal_json(const void *mem, const struct fault *why, struct str request_id)
{
	struct buf problem, b;

	buf_init(&problem, mem, 64 * 1024);
	problem_write(&problem, why, request_id);
	buf_init(&b, mem, 128 * 1024);
	buf_text(&b, "{\"success\":false,\"message\":");
	json_quote(&b, str_of(why->text));
	buf_text(&b, ",\"error\":");
	json_quote(&b, str_of(why->text));
	buf_char(&b, ',');
	buf_append(&b, problem.p + 1, problem.n - 1);
	return buf_view(&b);
}

struct fault *ingest_refuse(struct request *rq, const struct fault *why)
{
	if (why->kind == FAULT_LIMITED || why->kind == FAULT_UNAVAILABLE)
		reply_field(
			rq, "Retry-After",
			ingest_int_text(rq->mem, why->retry_after_s > 0 ? why->retry_after_s : 1));
	if (why->kind == FAULT_UNAUTHENTICATED)
		reply_field(rq, "WWW-Authenticate", STR("Basic realm=\"write key\""));
	return reply_bytes(rq, problem_status(why->kind), STR("application/problem+json"),
			   refusal_json(rq->mem, why, rq->request_id));
}

/* What a committer thread needs to answer; on the exchange's memory. */
struct late_answer {
	struct http_exchange *exchange;
	struct str request_id;
	struct request_clock clock;
};

static void answer_late(struct ingest_request *r, const struct fault *why)
{
	struct late_answer *late = r->arg;
	struct http_exchange *x = late->exchange;

	http_add(x, STR("Cache-Control"), STR("no-store"));
	if (!why) {
		http_add(x, STR("Content-Type"), STR("application/json"));
		request_counted(late->clock, 200);
		http_answer(x, 200, ingest_result_json(r));
		return;
	}
	http_add(x, STR("Content-Type"), STR("application/problem+json"));
	/* whatever went wrong: nothing was stored, and the SDK shall try again */
	struct fault again = *why;
	int status = problem_status(why->kind);
	if (why->kind != FAULT_UNAUTHENTICATED && why->kind != FAULT_FORBIDDEN) {
		again.kind = FAULT_UNAVAILABLE;
		again.code = "not_stored";
		again.text = "The events could not be stored. Send them again.";
		status = 503;
		http_add(x, STR("Retry-After"), STR("1"));
	}
	again.detail = NULL;
	again.fields = NULL;
	again.cause = NULL;
	request_counted(late->clock, status);
	http_answer(x, status, refusal_json(r->mem, &again, late->request_id));
}

/* From here on a committer thread may answer at any moment. */
static struct fault *submit(struct request *rq, struct ingest_request *r,
			    void (*done)(struct ingest_request *r, const struct fault *why))
{
	struct late_answer *late = talloc(rq->mem, struct late_answer);
	struct ingest *in = rq->app->ingest;

	*late = (struct late_answer){ rq->exchange, rq->request_id, request_clock(rq) };
	r->done = done;
	r->arg = late;
	reply_taken(rq);
	http_defer(late->exchange, NULL, NULL);
	struct fault *f = ingest_submit(in, r);
	if (f)
		done(r, f);
	return NULL;
}

struct fault *ingest_answer_later(struct request *rq, struct ingest_request *r)
{
	return submit(rq, r, answer_late);
}

/* ---- pictures ---- */

static const char gif[] = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04"
			  "\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02"
			  "D\x01\x00;";
static const struct str picture = { gif, sizeof(gif) - 1 };

static void show_picture(struct ingest_request *r, const struct fault *why)
{
	struct late_answer *late = r->arg;

	(void)why; /* nobody could read it */
	http_add(late->exchange, STR("Cache-Control"), STR("no-store"));
	http_add(late->exchange, STR("Content-Type"), STR("image/gif"));
	request_counted(late->clock, 200);
	http_answer(late->exchange, 200, picture);
}

struct fault *ingest_picture(struct request *rq)
{
	return reply_bytes(rq, 200, STR("image/gif"), picture);
}

struct fault *ingest_picture_later(struct request *rq, struct ingest_request *r)
{
	return submit(rq, r, show_picture);
}
