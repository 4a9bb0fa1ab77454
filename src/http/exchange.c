/* exchange.c - the life of an exchange and what its holder may do with it.
 *
 * Answers given inside admit(), refuse() and handle() are only noted down and
 * go out when the hook returns; a deferred answer goes to the network thread.
 * Memory is one talloc pool each (none under a sanitizer, so that it sees
 * every block), reused by the next request of the same connection. */
#include "http/engine.h"

#include <assert.h>
#include <stddef.h>
#include <talloc.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

static void *mem_new(void)
{
#ifdef SANITIZED
	return talloc_new(NULL);
#else
	return talloc_pool(NULL, MEM_POOL);
#endif
}

/* Everything but the memory itself starts anew. */
static void exchange_clear(struct http_exchange *x)
{
	struct conn *conn = x->conn;
	void *mem = x->mem;

	memset(x, 0, offsetof(struct http_exchange, reader));
	x->conn = conn;
	x->server = conn->net->server;
	x->mem = mem;
	x->file_fd = -1;
	x->request.body_fd = -1;
	x->request.method = HTTP_OTHER;
	buf_init(&x->head, mem, 65536);
	head_reset(&x->reader);
}

struct http_exchange *exchange_begin(struct conn *c)
{
	struct http_exchange *x = c->x;

	if (!x) {
		x = talloc(NULL, struct http_exchange);
		x->conn = c;
		x->mem = mem_new();
		c->x = x;
		exchange_clear(x);
	}
	x->request.received_us = c->net->now_us;
	x->request.peer = str_of(c->peer);
	x->request.via_proxy = c->via_proxy;
	return x;
}

static void exchange_close_files(struct http_exchange *x)
{
	if (x->file_fd >= 0)
		close(x->file_fd);
	if (x->request.body_fd >= 0)
		close(x->request.body_fd);
}

void exchange_reset(struct http_exchange *x)
{
	exchange_close_files(x);
	talloc_free_children(x->mem);
	exchange_clear(x);
}

void exchange_free(struct http_exchange *x)
{
	exchange_close_files(x);
	atomic_fetch_add_explicit(&x->server->freed_exchanges, 1, memory_order_relaxed);
	talloc_free(x->mem);
	talloc_free(x);
}

static struct str head_part(const char *copy, struct span part)
{
	return (struct str){ copy + part.at, part.n };
}

void exchange_take_head(struct http_exchange *x, struct str bytes)
{
	const struct head_reader *r = &x->reader;
	struct http_request *rq = &x->request;
	const char *copy = talloc_memdup(x->mem, bytes.p, r->head_bytes);
	struct http_field *fields = talloc_array(x->mem, struct http_field, r->field_count);

	for (uint32_t i = 0; i < r->field_count; i++) {
		fields[i].name = head_part(copy, r->fields[i].name);
		fields[i].value = head_part(copy, r->fields[i].value);
	}
	rq->fields = fields;
	rq->field_count = r->field_count;
	rq->method = r->method;
	rq->method_name = head_part(copy, r->method_text);
	rq->target = head_part(copy, r->target);
	rq->path = r->path.n > 0 ? head_part(copy, r->path) : STR("/");
	if (r->has_query)
		rq->query = head_part(copy, r->query);
	if (r->host.n > 0)
		rq->host = head_part(copy, r->host);
	rq->peer = peer_of(x);
	x->closes = !head_keeps_alive(r);
}

const void *http_mem(struct http_exchange *x)
{
	return x->mem;
}

const struct http_request *http_request(const struct http_exchange *x)
{
	return &x->request;
}

void *http_tag(const struct http_exchange *x)
{
	return x->tag;
}

void http_set_tag(struct http_exchange *x, void *tag)
{
	x->tag = tag;
}

bool http_peer_gone(const struct http_exchange *x)
{
	return (atomic_load(&x->conn->flags) & (CONN_HALF | CONN_GONE)) != 0;
}

int http_refusal_status(const struct http_exchange *x)
{
	return x->refusal_status;
}

void http_add(struct http_exchange *x, struct str name, struct str value)
{
	assert(http_is_token(name) && http_is_value(value));
	assert(!x->is_built);
	if (x->field_count == x->field_room) {
		x->field_room = x->field_room ? x->field_room * 2 : 16;
		x->fields = talloc_realloc(x->mem, x->fields, struct http_field,
					   (unsigned)x->field_room);
	}
	x->fields[x->field_count++] = (struct http_field){ name, value };
}

void http_close_after(struct http_exchange *x)
{
	x->closes = true;
}

void exchange_let_go(struct http_exchange *x)
{
	if (atomic_fetch_sub(&x->holds, 1) == 1)
		conn_give_back(x->conn);
}

/* The exchange is decided; a deferred one goes back at once. */
static void exchange_decide(struct http_exchange *x, enum outcome outcome)
{
	assert(x->outcome == OUTCOME_NONE || x->outcome == OUTCOME_DEFERRED);
	x->outcome = outcome;
	if (x->holder == HELD_BY_DEFERRER) {
		atomic_fetch_and(&x->conn->flags, ~(unsigned)CONN_DEFERRED);
		exchange_let_go(x);
	}
}

void http_answer(struct http_exchange *x, int status, struct str body)
{
	assert(status >= 200 && status <= 599);
	x->status = status;
	x->answer_body = body;
	exchange_decide(x, OUTCOME_ANSWER);
}

void http_answer_file(struct http_exchange *x, int status, int fd, uint64_t offset, uint64_t bytes)
{
	assert(status >= 200 && status <= 599 && fd >= 0);
	x->status = status;
	x->file_fd = fd;
	x->file_at = offset;
	x->file_left = bytes;
	exchange_decide(x, OUTCOME_ANSWER);
}

void http_defer(struct http_exchange *x, void (*on_abort)(void *arg), void *arg)
{
	assert(x->holder == HELD_BY_WORKER && x->outcome == OUTCOME_NONE);
	struct conn *c = x->conn;

	x->outcome = OUTCOME_DEFERRED;
	atomic_store(&x->holds, 2);
	x->on_abort = on_abort;
	x->abort_arg = arg;
	x->holder = HELD_BY_DEFERRER;
	unsigned old = atomic_fetch_or(&c->flags, CONN_DEFERRED);
	if ((old & (CONN_HALF | CONN_GONE)) &&
	    !(atomic_fetch_or(&c->flags, CONN_QUEUED) & CONN_QUEUED))
		net_push(c);
}

void http_hand_over(struct http_exchange *x,
		    void (*taken)(void *arg, int fd, struct str already_read), void *arg)
{
	assert(x->holder != HELD_BY_NET);
	x->taken = taken;
	x->taken_arg = arg;
	exchange_decide(x, OUTCOME_HAND_OVER);
}
