/* conn.c - a connection on its network thread: read, judge, dispatch, go on.
 *
 * conn_go is the one place that drives a connection; it runs whenever there is
 * news and stops when it has to wait for the peer or for the holder of the
 * exchange. Requests that came together (pipelining) are served in order, one
 * at a time: what is behind the running one stays unread or in c->in. */
#include "http/engine.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#define TURNS 16	    /* steps before others have a turn */
#define SPARE_EXCHANGES 256 /* kept by resting connections, in the whole server */

static const struct refusal timed_out = { 408, FAULT_MALFORMED, "request_timeout",
					  "The request did not arrive in time." };
static const struct refusal too_large = { 413, FAULT_TOO_LARGE, "body_too_large",
					  "The body of the request is too large." };
static const struct refusal queue_full = { 503, FAULT_UNAVAILABLE, "busy",
					   "The server is busy. Please try again." };

static unsigned conn_flags(const struct conn *c)
{
	return atomic_load(&c->flags);
}

void conn_adopt(struct conn *c)
{
	struct net *t = c->net;
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				 .data.ptr = c };

	atomic_fetch_and(&c->flags, ~(unsigned)CONN_QUEUED);
	c->phase = CONN_IDLE;
	c->deadline_ms = t->now_ms + HEAD_MS; /* the first request is awaited shorter */
	c->next = t->conns;
	if (c->next)
		c->next->prev = c;
	t->conns = c;
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		conn_close(c);
}

static void conn_leave(struct conn *c)
{
	struct net *t = c->net;

	if (c->prev)
		c->prev->next = c->next;
	else
		t->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (c->x)
		exchange_free(c->x);
	c->x = NULL;
	c->fd = -1;
	talloc_free(c->in);
	c->dead_next = t->dead;
	t->dead = c;
	atomic_fetch_sub_explicit(&t->conn_count, 1, memory_order_relaxed);
}

void conn_close(struct conn *c)
{
	if (c->x && c->phase == CONN_IDLE)
		atomic_fetch_sub_explicit(&c->net->server->spare_exchanges, 1,
					  memory_order_relaxed);
	close(c->fd); /* leaves the epoll set, too */
	conn_leave(c);
}

/* Between requests. The exchange stays for the next one, unless very many
 * connections rest at the same time. */
void conn_rest(struct conn *c, int64_t now_ms)
{
	struct http_server *s = c->net->server;

	exchange_reset(c->x);
	if (atomic_fetch_add_explicit(&s->spare_exchanges, 1, memory_order_relaxed) >=
	    SPARE_EXCHANGES) {
		atomic_fetch_sub_explicit(&s->spare_exchanges, 1, memory_order_relaxed);
		exchange_free(c->x);
		c->x = NULL;
	}
	c->phase = CONN_IDLE;
	c->deadline_ms = now_ms + KEEP_MS;
}

void conn_give_back(struct conn *c)
{
	unsigned old = atomic_fetch_or(&c->flags, CONN_DONE | CONN_QUEUED);

	if (!(old & CONN_QUEUED))
		net_push(c);
}

/* ---- reading ---- */

/* Keeps what was not understood yet; data is the scratch or c->in itself. */
static void conn_keep(struct conn *c, struct str data, size_t used)
{
	struct str rest = str_slice(data, used, data.n);

	if (rest.n == 0) {
		talloc_free(c->in);
		c->in = NULL;
		c->in_n = c->in_room = 0;
		return;
	}
	if (!c->in) {
		c->in_room = (uint32_t)rest.n;
		c->in = talloc_memdup(NULL, rest.p, rest.n);
	} else if (used > 0) {
		memmove(c->in, rest.p, rest.n);
	}
	c->in_n = (uint32_t)rest.n;
}

/* At most one recv. 0: nothing now, or the connection is closed. */
size_t conn_receive(struct conn *c, struct str *ret_data)
{
	struct net *t = c->net;

	if (!(conn_flags(c) & CONN_READABLE))
		return 0;
	ssize_t n = recv(c->fd, t->scratch, RECEIVE_BYTES, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (errno == EAGAIN)
			atomic_fetch_and(&c->flags, ~(unsigned)CONN_READABLE);
		return 0;
	}
	if (n <= 0) {
		conn_close(c);
		return 0;
	}
	/* Edge-triggered: a short read has emptied the socket; an end that is
	 * known to follow is still to be read. */
	if (n < RECEIVE_BYTES && !(conn_flags(c) & (CONN_HALF | CONN_GONE)))
		atomic_fetch_and(&c->flags, ~(unsigned)CONN_READABLE);
	*ret_data = (struct str){ t->scratch, (size_t)n };
	return (size_t)n;
}

/* Appends to the part of a head that is already here. */
static struct str conn_join(struct conn *c, struct str data)
{
	if (c->in_n == 0)
		return data;
	size_t need = c->in_n + data.n;
	if (need > c->in_room) {
		c->in_room = (uint32_t)(need < 1024 ? 1024 : need * 2);
		c->in = talloc_realloc_size(NULL, c->in, c->in_room);
	}
	memcpy(c->in + c->in_n, data.p, data.n);
	c->in_n = (uint32_t)need;
	return (struct str){ c->in, c->in_n };
}

/* ---- answering from the network thread ---- */

/* The answer is sent whole: next request, or the end. */
static void conn_answered(struct conn *c)
{
	struct http_exchange *x = c->x;
	bool is_clean = c->in_n == 0 && !x->is_cut && !(conn_flags(c) & CONN_READABLE);

	if (!x->closes && !x->is_broken) {
		conn_rest(c, c->net->now_ms);
		return;
	}
	if (is_clean || x->is_broken) {
		conn_close(c);
		return;
	}
	/* Unread bytes would turn close() into a reset, and the peer might never
	 * see the answer (RFC 9112 9.6). */
	shutdown(c->fd, SHUT_WR);
	conn_keep(c, STR(""), 0);
	c->phase = CONN_LINGER;
	c->deadline_ms = c->net->now_ms + LINGER_MS;
}

/* False: wait. The exchange may be gone when it returns. */
static bool conn_flush(struct conn *c)
{
	size_t sent = c->x->sent;
	uint64_t left = c->x->file_left;

	switch (answer_send(c->x)) {
	case SEND_DONE:
		conn_answered(c);
		return true;
	case SEND_AGAIN:
		net_again(c);
		break;
	case SEND_LATER:
		break;
	case SEND_FAILED:
		c->x->is_broken = true;
		conn_answered(c);
		return false;
	}
	if (c->x->sent != sent || c->x->file_left != left)
		c->deadline_ms = c->net->now_ms + STALL_MS;
	return false;
}

static void conn_start_answer(struct conn *c)
{
	struct http_exchange *x = c->x;

	if (!x->is_built)
		answer_build(x, &c->net->date,
			     (int64_t)(x->file_fd >= 0 ? x->file_left : x->answer_body.n));
	c->phase = CONN_WRITE;
	c->deadline_ms = c->net->now_ms + STALL_MS;
}

static void conn_refuse_kindly(struct conn *c, const struct refusal *why)
{
	struct http_server *s = c->net->server;
	struct http_exchange *x = c->x;
	struct fault *f = FAULT(x->mem, why->kind, why->code, "%s", why->text);

	if (why->kind == FAULT_UNAVAILABLE)
		f->retry_after_s = 1;
	if (x->file_fd >= 0)
		close(x->file_fd);
	x->file_fd = -1;
	x->file_left = 0;
	x->outcome = OUTCOME_NONE; /* an answer of admit() loses against a broken body */
	x->field_count = 0;
	x->holder = HELD_BY_NET;
	x->refusal_status = why->status;
	atomic_fetch_add_explicit(&c->net->refused, 1, memory_order_relaxed);
	s->config.refuse(s->config.app, x, f);
	assert(x->outcome == OUTCOME_ANSWER);
	conn_start_answer(c);
}

void conn_refuse(struct conn *c, const struct refusal *why)
{
	struct http_exchange *x = c->x;

	if (x->reader.has_line)
		x->request.method = x->reader.method;
	x->closes = true;
	x->is_cut = true;
	conn_refuse_kindly(c, why);
}

/* ---- a request ---- */

/* True: the answer is here already; false: a worker has it, hands off. */
static bool conn_dispatch(struct conn *c)
{
	struct http_exchange *x = c->x;

	body_finish(x);
	atomic_fetch_add_explicit(&c->net->requests, 1, memory_order_relaxed);
	if (x->outcome == OUTCOME_ANSWER) { /* admit() has answered */
		conn_start_answer(c);
		return true;
	}
	c->phase = CONN_OUT;
	x->holder = HELD_BY_WORKER;
	atomic_fetch_or(&c->flags, CONN_BUSY);
	if (lane_push(x))
		return false;
	atomic_fetch_and(&c->flags, ~(unsigned)CONN_BUSY);
	conn_refuse_kindly(c, &queue_full);
	return true;
}

/* admit() has answered and a body is coming: read and drop a small one, cut
 * off a large one. */
static void conn_refused_body(struct conn *c)
{
	struct http_exchange *x = c->x;

	if (!x->reader.expects_continue && !x->reader.is_chunked &&
	    x->reader.length <= DISCARD_MAX) {
		x->discards = true;
		return;
	}
	x->closes = true;
	x->is_cut = true;
	conn_start_answer(c);
}

static void conn_admit(struct conn *c, bool body_is_here)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_server *s = c->net->server;
	struct http_exchange *x = c->x;
	const struct head_reader *r = &x->reader;

	x->admission = (struct http_admission){ .body_max_bytes = 1048576 };
	s->config.admit(s->config.app, x, &x->admission);
	assert(x->admission.refused == (x->outcome == OUTCOME_ANSWER));
	if (!r->is_chunked && r->length == 0) {
		c->phase = CONN_READY;
		return;
	}
	c->phase = CONN_BODY;
	x->body_since_ms = c->net->now_ms;
	c->deadline_ms = c->net->now_ms + BODY_GRACE_MS;
	if (x->admission.refused) {
		conn_refused_body(c);
		return;
	}
	if (r->length > x->admission.body_max_bytes) {
		conn_refuse(c, &too_large);
		return;
	}
	buf_init(&x->body, x->mem, x->admission.body_max_bytes);
	if (r->length <= RECEIVE_BYTES)
		buf_reserve(&x->body, (size_t)r->length);
	if (r->expects_continue && r->minor == 1 && !body_is_here)
		send(c->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static size_t conn_digest_head(struct conn *c, struct str data)
{
	struct http_exchange *x = c->x;

	switch (head_read(&x->reader, data)) {
	case READER_MORE:
		return 0;
	case READER_REFUSED:
		conn_refuse(c, x->reader.why);
		return data.n;
	case READER_DONE:
		break;
	}
	exchange_take_head(x, data);
	conn_admit(c, data.n > x->reader.head_bytes);
	return x->reader.head_bytes;
}

static size_t conn_digest_body(struct conn *c, struct str data)
{
	struct http_exchange *x = c->x;
	enum reader_progress progress;
	const struct refusal *why;
	size_t used = body_take(x, data, &progress, &why);

	if (progress == READER_REFUSED) {
		conn_refuse(c, why);
		return data.n;
	}
	c->deadline_ms = x->body_since_ms + BODY_GRACE_MS + (int64_t)x->received_bytes;
	if (progress == READER_DONE)
		c->phase = CONN_READY;
	return used;
}

static size_t conn_digest(struct conn *c, struct str data)
{
	size_t used = 0;

	if (c->phase == CONN_LINGER)
		return data.n;
	if (c->phase == CONN_IDLE) {
		if (c->x)
			atomic_fetch_sub_explicit(&c->net->server->spare_exchanges, 1,
						  memory_order_relaxed);
		exchange_begin(c);
		c->phase = CONN_HEAD;
		c->deadline_ms = c->net->now_ms + HEAD_MS;
	}
	if (c->phase == CONN_HEAD)
		used = conn_digest_head(c, data);
	if (c->phase == CONN_BODY && used < data.n)
		used += conn_digest_body(c, str_slice(data, used, data.n));
	return used;
}

/* One step of reading; false: wait (or closed). */
static bool conn_input(struct conn *c)
{
	struct str data = { c->in, c->in_n };

	if (c->phase != CONN_IDLE || c->in_n == 0) {
		if (conn_receive(c, &data) == 0)
			return false;
		data = conn_join(c, data);
	}
	size_t used = conn_digest(c, data);
	conn_keep(c, data, used);
	return true;
}

void conn_go(struct conn *c)
{
	for (int turn = 0; turn < TURNS; turn++) {
		if (c->fd < 0)
			return;
		bool goes_on = c->phase == CONN_WRITE	? conn_flush(c)
			       : c->phase == CONN_READY ? conn_dispatch(c)
							: conn_input(c);
		if (!goes_on)
			return;
	}
	net_again(c);
}

/* ---- news ---- */

static void conn_tell_abort(struct conn *c, unsigned flags)
{
	if (!(flags & CONN_DEFERRED) || !(flags & (CONN_HALF | CONN_GONE)) || (flags & CONN_DONE))
		return;
	struct http_exchange *x = c->x; /* not before: a worker may change it */
	if (x->abort_told)
		return;
	x->abort_told = true;
	if (x->on_abort)
		x->on_abort(x->abort_arg);
}

void conn_news(struct conn *c, unsigned news)
{
	if (c->fd < 0)
		return;
	unsigned flags = atomic_fetch_or(&c->flags, news) | news;
	if (flags & CONN_BUSY)
		conn_tell_abort(c, flags);
	else
		conn_go(c);
}

static void conn_hand_over(struct conn *c)
{
	struct http_exchange *x = c->x;
	int fd = c->fd;

	epoll_ctl(c->net->epoll, EPOLL_CTL_DEL, fd, NULL);
	x->taken(x->taken_arg, fd, (struct str){ c->in ? c->in : "", c->in_n });
	conn_leave(c);
}

void conn_look(struct conn *c)
{
	if (c->phase == CONN_NEW) {
		conn_adopt(c);
		return;
	}
	unsigned flags = atomic_fetch_and(&c->flags, ~(unsigned)CONN_QUEUED);
	if (!(flags & CONN_DONE)) {
		conn_tell_abort(c, flags);
		return;
	}
	atomic_fetch_and(&c->flags, ~(unsigned)(CONN_BUSY | CONN_DONE | CONN_DEFERRED));
	if (c->phase == CONN_OUT) {
		/* from a deferrer, or a hand-over: nothing is written yet */
		if (c->x->outcome == OUTCOME_HAND_OVER) {
			conn_hand_over(c);
			return;
		}
		conn_start_answer(c);
	}
	conn_go(c);
}

void conn_check_time(struct conn *c)
{
	unsigned flags = conn_flags(c);
	int64_t now = c->net->now_ms;

	if (flags & CONN_BUSY) {
		conn_tell_abort(c, flags);
		return;
	}
	if (c->phase == CONN_IDLE && c->x && now > c->deadline_ms - KEEP_MS + 1000) {
		atomic_fetch_sub_explicit(&c->net->server->spare_exchanges, 1,
					  memory_order_relaxed);
		exchange_free(c->x);
		c->x = NULL;
	}
	if (now < c->deadline_ms)
		return;
	if (c->phase == CONN_HEAD || c->phase == CONN_BODY) {
		conn_refuse(c, &timed_out);
		conn_go(c);
	} else {
		conn_close(c);
	}
}
