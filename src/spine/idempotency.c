/* idempotency.c - a POST that is sent twice happens once.
 *
 * The answer is stored in the transaction of its effect, so there is never one
 * without the other; a key that is in use elsewhere is held by an advisory lock
 * that a crash frees. What is stored is encrypted with the server's key, because
 * some answers carry a secret that is shown once. Callers without a name
 * (sign-in, registration) have no keys: their answers are session secrets, and
 * repeating such a request is harmless. docs/adr/0021-idempotency.md. */
#include "spine/pipeline_internal.h"

#include "spine/spine_gen.h"

#include <stdio.h>

#define PLACE STR("idempotency")

static const char *const kept_fields[] = { "Location", "ETag", NULL };

static struct uuid actor_of(const struct request *rq)
{
	return rq->who->kind == WHO_USER ? rq->who->user : rq->who->credential;
}

static void hash_request(struct flow *fl, char ret_hex[2 * PORT_HASH_BYTES + 1])
{
	const struct http_request *http = fl->rq.http;
	uint8_t hash[PORT_HASH_BYTES];
	struct buf b;

	buf_init(&b, fl->rq.mem, http->target.n + http->body.n + 16);
	buf_str(&b, http->target);
	buf_char(&b, '\n');
	buf_str(&b, http->body);
	fl->rq.app->ports->sha256(buf_view(&b), hash);
	buf_clear(&b);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", hash[i]);
}

static struct str hash_text(const struct flow *fl)
{
	return (struct str){ fl->idempotency_hash, 2 * PORT_HASH_BYTES };
}

static bool is_key(struct str key)
{
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] < '!' || key.p[i] > '~')
			return false;
	return key.n > 0 && key.n <= 255;
}

/* The stored answer: status in the row, fields as JSON, body sealed. */
static struct fault *replay(struct flow *fl, const struct idempotency_lookup_row *row)
{
	struct request *rq = &fl->rq;
	struct str body = STR("");
	struct json doc;

	if (row->body.n > 0)
		TRY(rq->app->ports->decrypt(rq->mem, rq->app->keys, PLACE, row->body, &body));
	TRY(json_parse(rq->mem, row->headers, &json_default_limits, &doc));
	const struct json_node *type = json_get(&doc, json_root(&doc), STR("Content-Type"));
	TRY(reply_bytes(rq, (int)row->status, json_string(rq->mem, &doc, type), body));
	for (const char *const *name = kept_fields; *name; name++) {
		const struct json_node *value = json_get(&doc, json_root(&doc), str_of(*name));
		if (value)
			reply_field(rq, *name, json_string(rq->mem, &doc, value));
	}
	reply_field(rq, "Idempotency-Replayed", STR("true"));
	return NULL;
}

struct fault *idempotency_begin(struct flow *fl, bool *ret_is_answered)
{
	struct request *rq = &fl->rq;
	struct str key = http_field(rq->http, STR("Idempotency-Key"));
	struct idempotency_lookup_row row;

	if (!key.p || rq->route->method != HTTP_POST || rq->who->kind == WHO_ANONYMOUS)
		return NULL;
	if (!is_key(key))
		return FAULT(rq->mem, FAULT_MALFORMED, "idempotency_key",
			     "Idempotency-Key has 1 to 255 visible ASCII characters.");
	fl->is_idempotent = true;
	fl->idempotency_key = key;
	hash_request(fl, fl->idempotency_hash);
	TRY(idempotency_lookup(rq->tx, rq->tenant, actor_of(rq), key, hash_text(fl), &row));
	if (str_eq(row.state, STR("running")))
		return fault_conflict(rq, "idempotency_key_running",
				      "The first request with this key is still running.");
	if (str_eq(row.state, STR("other")))
		return FAULT(rq->mem, FAULT_INVALID, "idempotency_key_reused",
			     "This key was used for another request.");
	*ret_is_answered = str_eq(row.state, STR("done"));
	return *ret_is_answered ? replay(fl, &row) : NULL;
}

static struct str stored_fields(struct flow *fl)
{
	const struct reply *r = &fl->reply;
	struct json_out w;
	struct buf b;

	buf_init(&b, fl->rq.mem, 8192);
	json_out_init(&w, &b);
	json_open(&w, '{');
	if (r->content_type.p) {
		json_key(&w, "Content-Type");
		json_put_str(&w, r->content_type);
	}
	for (size_t i = 0; i < r->field_count; i++) {
		if (!str_eq_nocase(r->fields[i].name, STR("Location")))
			continue;
		json_key(&w, "Location");
		json_put_str(&w, r->fields[i].value);
	}
	if (r->has_version) {
		json_key(&w, "ETag");
		buf_printf(&b, "\"\\\"%lld\\\"\"", (long long)r->version);
		w.comma = true;
	}
	json_close(&w, '}');
	return buf_view(&b);
}

struct fault *idempotency_store(struct flow *fl)
{
	struct request *rq = &fl->rq;
	const struct reply *r = &fl->reply;
	struct str body = STR("");

	if (!fl->is_idempotent || r->status < 200 || r->status > 299)
		return NULL;
	if (r->body.n > 0)
		body = rq->app->ports->encrypt(rq->mem, rq->app->keys, PLACE, r->body);
	return idempotency_keep(rq->tx, rq->tenant, actor_of(rq), fl->idempotency_key,
				hash_text(fl), r->status, stored_fields(fl), body);
}
