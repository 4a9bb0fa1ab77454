/* http.h - the HTTP/1.1 server engine as the rest of the program sees it.
 *
 * Network threads (epoll) read strictly, write, and keep idle connections;
 * worker threads run blocking handlers. A request goes: bytes -> reader
 * (refuses what RFC 9112 lets one refuse) -> admit() on the network thread
 * (cheap: limits, body size, lane) -> body to memory or a spool file ->
 * bounded queue of the lane (full: 503 + Retry-After) -> handle() on a worker
 * -> answer, written by the network thread. TLS and HTTP/2 stay in the proxy.
 *
 * Ownership: an exchange belongs to one thread at a time. The network thread
 * makes it; a worker has it from handle() until it answers, hands over or
 * defers. Everything allocated on http_mem(x) lives until the answer is
 * written. See docs/adr for why this is our own reader and not
 * libmicrohttpd. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"

#include <stdint.h>

struct http_server;
struct http_exchange;

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER, /* a token we do not know; the router answers 405 or 501 */
};

const char *http_method_name(enum http_method m);

struct http_field {
	struct str name;
	struct str value;
};

/* What came in. Valid as long as the exchange. */
struct http_request {
	enum http_method method;
	struct str method_name; /* as sent */
	struct str target;	/* as sent */
	struct str path;	/* target up to '?', still percent-encoded */
	struct str query;	/* after '?', absent when there is none */
	const struct http_field *fields;
	size_t field_count;
	struct str host;
	struct str body; /* when it is in memory */
	int body_fd;	 /* spool file, positioned at 0; -1 when in memory; dup() to keep it */
	uint64_t body_bytes;
	/* Numeric address of the client; behind a trusted proxy the one it names
	 * in X-Forwarded-For. */
	struct str peer;
	bool via_proxy;	     /* came from a trusted proxy: its other X-Forwarded-* count, too */
	int64_t received_us; /* steady clock, when the first byte came */
};

/* First value of a field (case-insensitive), absent if none. */
struct str http_field(const struct http_request *rq, struct str name);
/* Value of a cookie (RFC 6265), absent if none. */
struct str http_cookie(const struct http_request *rq, struct str name);
/* Decoded value of the first query parameter of that name; absent if none. */
struct str http_query_param(const void *ctx, const struct http_request *rq, struct str name);

enum http_lane { LANE_NORMAL, LANE_SLOW, LANE_STREAM, LANE_INGEST, LANE_COUNT };

/* admit() fills this in. Defaults: normal lane, 1 MiB in memory. */
struct http_admission {
	enum http_lane lane;
	size_t body_max_bytes; /* larger: 413 before reading */
	bool spool;	       /* body to a file above 64 KiB instead of memory */
	bool refused;	       /* admit() has already answered with http_answer */
};

struct http_config {
	const char *address; /* "0.0.0.0", "::", "127.0.0.1" */
	uint16_t port;	     /* 0: any free one, see http_port */
	int network_threads;
	int workers[LANE_COUNT];
	int queue_limit[LANE_COUNT];
	int max_connections;
	const char *const *trusted_proxies; /* NULL-ended addresses or CIDRs */
	const char *spool_folder;
	void *app; /* passed to every hook */
	/* Network thread, must not block: after the head is read. */
	void (*admit)(void *app, struct http_exchange *x, struct http_admission *ret_admission);
	/* Worker thread: must answer, stream, hand over or defer before it returns. */
	void (*handle)(void *app, struct http_exchange *x);
	/* Network thread: the engine itself refuses (malformed, too large, timeout,
	 * queue full). Must call http_answer with http_refusal_status(x); the
	 * request may be empty or half read. The engine closes where it must. */
	void (*refuse)(void *app, struct http_exchange *x, const struct fault *why);
};

struct fault *http_start(const void *ctx, const struct http_config *config,
			 struct http_server **ret_server);
uint16_t http_port(const struct http_server *s);
/* Stop accepting, let running requests finish until the deadline, close. */
void http_stop(struct http_server *s, int64_t deadline_steady_ms);

struct http_counts {
	int64_t connections, requests, refused, queued[LANE_COUNT], busy[LANE_COUNT];
};
struct http_counts http_counts(const struct http_server *s);

/* ---- the exchange ---- */

const void *http_mem(struct http_exchange *x); /* talloc context of this request */
const struct http_request *http_request(const struct http_exchange *x);
void *http_tag(const struct http_exchange *x); /* one pointer for the application */
void http_set_tag(struct http_exchange *x, void *tag);
bool http_peer_gone(const struct http_exchange *x);

/* Adds a field to the coming answer; name and value must outlive the exchange
 * or lie on http_mem. CR, LF and NUL in a value are an assertion failure. */
void http_add(struct http_exchange *x, struct str name, struct str value);
/* Answers once. body must lie on http_mem(x) or be static. May be called from
 * any thread that has the exchange, also long after handle() (see http_defer).
 * Inside a hook the answer goes out when the hook returns and the exchange
 * stays valid until then; called later, the exchange is gone at once.
 * Content-Length, Date and Connection are the engine's; HEAD sends no body. */
void http_answer(struct http_exchange *x, int status, struct str body);
/* The same with a part of a file; the engine closes fd. */
void http_answer_file(struct http_exchange *x, int status, int fd, uint64_t offset, uint64_t bytes);
/* In refuse(): the status line that says it best, more exact than the kind of
 * the fault (400 408 413 414 431 503 505). */
int http_refusal_status(const struct http_exchange *x);
/* Closes the connection after the answer. */
void http_close_after(struct http_exchange *x);

/* A streamed answer (chunked): begin, write any number of times, end. write
 * blocks while 256 KiB wait to be sent and returns false once the peer is
 * gone or does not read for 30 s. Only inside handle(). abort ends it so that
 * the peer sees that something is missing (no last chunk, connection closed). */
void http_stream_begin(struct http_exchange *x, int status);
bool http_stream_write(struct http_exchange *x, struct str bytes);
void http_stream_end(struct http_exchange *x);
void http_stream_abort(struct http_exchange *x);

/* handle() returns without an answer; somebody calls http_answer later, from
 * any thread. Call this before that somebody can know of x: afterwards the
 * answer is theirs alone, but x and its memory stay until handle() returns.
 * on_abort (network thread, may be NULL) is called at most once if the peer
 * leaves first; it may cross with the answer, so arg must live as long as the
 * exchange (lie on http_mem). The exchange still has to be answered (the
 * answer goes nowhere), also after http_stop, before the server is freed. */
void http_defer(struct http_exchange *x, void (*on_abort)(void *arg), void *arg);

/* Takes the connection out of the engine for good (WebSocket, SSE): taken()
 * is called on the network thread with the socket (non-blocking, ours to
 * close) and bytes already read behind this request; it must copy what it
 * needs, the exchange dies when it returns. Nothing has been written. */
void http_hand_over(struct http_exchange *x,
		    void (*taken)(void *arg, int fd, struct str already_read), void *arg);
