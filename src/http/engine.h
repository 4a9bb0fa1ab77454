/* engine.h - what the units of the engine share; nobody outside src/http
 * includes it.
 *
 * One idea carries the concurrency: an exchange has exactly one holder. While
 * a worker or a deferrer holds it, CONN_BUSY is set in conn.flags and the
 * network thread only adds news to the flags (readable, gone). A worker that
 * has written its answer whole lets go with one compare-and-swap from exactly
 * CONN_BUSY to 0 and the connection rests, no thread is woken; if there is
 * any news, or more to do, it gives the connection back through the inbox of
 * its network thread. Everything else in struct conn belongs to the holder.
 *
 * Units: server.c (start, stop), net.c (epoll loop, inbox, clock), accept.c,
 * conn.c (state of a connection), body.c (memory or spool), lane.c (queues
 * and workers), exchange.c (what handlers call), answer.c (bytes out),
 * stream.c, peer.c (addresses, trusted proxies). */
#pragma once

#include "http/http.h"
#include "http/reader.h"

#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define HEAD_MS 10000
#define KEEP_MS 30000
#define STALL_MS 30000	    /* a peer that takes nothing of our answer */
#define BODY_GRACE_MS 10000 /* and then 1 byte per ms = 1 kB/s */
#define LINGER_MS 2000
#define RECEIVE_BYTES 65536
#define SPOOL_FROM 65536   /* bytes of a body kept in memory when spool is set */
#define DISCARD_MAX 262144 /* a refused body this small is read, not cut off */
#define MEM_POOL 16384

enum conn_phase {
	CONN_NEW,    /* accepted, not yet with its network thread */
	CONN_IDLE,   /* between requests */
	CONN_HEAD,   /* part of a head is here */
	CONN_BODY,   /* admitted, the body is coming */
	CONN_READY,  /* the request is whole */
	CONN_OUT,    /* the exchange is with a lane, a worker or a deferrer */
	CONN_WRITE,  /* an answer is being sent by the network thread */
	CONN_LINGER, /* our side is shut; reads on so that the peer sees the answer */
};

enum conn_flag {
	CONN_BUSY = 1,	    /* someone outside the network thread holds the exchange */
	CONN_DONE = 2,	    /* and has given it back */
	CONN_READABLE = 4,  /* the socket may have unread bytes */
	CONN_HALF = 8,	    /* the peer has ended its direction */
	CONN_GONE = 16,	    /* the connection is broken */
	CONN_DEFERRED = 32, /* on_abort wants to know */
	CONN_QUEUED = 64,   /* stands in the inbox */
};

struct conn {
	struct net *net;
	struct conn *prev, *next; /* all connections of the thread */
	struct conn *inbox_next;
	struct conn *again_next;
	struct conn *dead_next;
	struct http_exchange *x; /* kept for a second of idleness, then freed */
	char *in;		 /* read, not yet understood; NULL when empty */
	uint32_t in_n, in_room;
	int fd;
	_Atomic unsigned flags;
	uint8_t phase;
	bool is_again; /* waits for the next turn of the loop */
	bool via_proxy;
	int64_t deadline_ms;
	char peer[INET6_ADDRSTRLEN];
};

enum outcome {
	OUTCOME_NONE,
	OUTCOME_ANSWER,
	OUTCOME_STREAM,	  /* begun, not ended */
	OUTCOME_STREAMED, /* ended: nothing left to send */
	OUTCOME_DEFERRED,
	OUTCOME_HAND_OVER,
};

enum holder { HELD_BY_NET, HELD_BY_WORKER, HELD_BY_DEFERRER };

struct http_exchange {
	struct conn *conn;
	struct http_server *server;
	void *mem;
	void *tag;
	enum holder holder;
	enum outcome outcome;
	struct http_request request;
	struct http_admission admission;

	struct buf body;
	uint64_t received_bytes; /* of the body, on the wire */
	int64_t body_since_ms;
	struct chunk_reader chunks;
	bool discards; /* refused by admit: the body is read and dropped */
	bool is_cut;   /* answered before the request was read to its end */
	bool closes;   /* the request cannot be followed by another */
	/* A deferred exchange goes back when both are done with it: handle(), which
	 * may still look at it, and whoever answers. */
	_Atomic int holds;

	int status;
	int refusal_status;
	struct http_field *fields;
	size_t field_count, field_room;
	struct str answer_body;
	int file_fd; /* -1: none */
	uint64_t file_at, file_left;
	bool is_built;	/* head holds the status line and fields */
	bool is_broken; /* a write failed: close */
	bool is_chunked;
	struct buf head;
	size_t sent; /* of head and answer_body together */

	void (*on_abort)(void *arg);
	void *abort_arg;
	bool abort_told;
	void (*taken)(void *arg, int fd, struct str already_read);
	void *taken_arg;

	struct head_reader reader; /* last: large, mostly untouched */
};

/* The Date field, made once a second by each thread that writes. */
struct date_cache {
	int64_t second;
	char text[40];
};

struct net {
	struct http_server *server;
	pthread_t thread;
	int epoll;
	int wake; /* eventfd, edge-triggered, never read */
	_Atomic(struct conn *) inbox;
	_Atomic bool asleep;
	_Atomic int pushers; /* threads inside net_push: the end waits for them */
	struct conn *conns;
	struct conn *again;
	struct conn *dead;
	int64_t now_us, now_ms;
	int64_t swept_ms;
	int64_t trimmed_ms;
	bool is_stopping;
	struct date_cache date;
	_Atomic int conn_count;
	_Atomic int64_t requests, refused;
	char *scratch; /* RECEIVE_BYTES */
};

struct worker {
	struct lane *lane;
	pthread_t thread;
	sem_t go;
	struct worker *idle_next;
	struct date_cache date;
};

struct lane {
	struct http_server *server;
	pthread_mutex_t lock;
	struct http_exchange **ring;
	size_t first, count, limit, room;
	struct worker *idle; /* last one to sleep is first to wake: warm caches */
	struct worker *workers;
	int worker_count;
	int busy;
	bool is_waking; /* a worker has been woken and has not taken anything yet */
	bool stops;
};

struct address_range {
	uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
	int bits;
};

struct http_server {
	struct http_config config;
	struct net *nets;
	struct lane lanes[LANE_COUNT];
	struct address_range *trusted;
	size_t trusted_count;
	int listener;
	int spare_fd; /* given up for a moment when descriptors run out */
	uint16_t port;
	_Atomic int64_t stop_at_ms; /* 0: running */
	_Atomic int spare_exchanges;
	_Atomic int freed_exchanges; /* since memory was last given back */
	bool is_stopped;
};

/* net.c */
void *net_run(void *net);
void net_push(struct conn *c); /* any thread: "look at this connection" */
void net_wake(struct net *t);
void net_again(struct conn *c); /* network thread: go on in the next turn */
void net_drain(struct net *t);	/* after the thread has ended */

/* accept.c */
struct fault *accept_open(const void *ctx, struct http_server *s);
void accept_some(struct net *t);

/* conn.c */
void conn_adopt(struct conn *c);
void conn_news(struct conn *c, unsigned news);
void conn_look(struct conn *c); /* popped from the inbox */
void conn_go(struct conn *c);
void conn_check_time(struct conn *c);
void conn_close(struct conn *c);
void conn_refuse(struct conn *c, const struct refusal *why);
void conn_give_back(struct conn *c); /* holder: the network thread goes on */
void conn_rest(struct conn *c, int64_t now_ms);
size_t conn_receive(struct conn *c, struct str *ret_data);

/* body.c */
size_t body_take(struct http_exchange *x, struct str data, enum reader_progress *ret_progress,
		 const struct refusal **ret_why);
void body_finish(struct http_exchange *x);

/* lane.c */
void lane_start(const void *ctx, struct http_server *s, enum http_lane which);
bool lane_push(struct http_exchange *x); /* false: full */
void lane_stop(struct lane *lane);
/* The connection after handle(): sends, rests or gives back. */
void lane_settle(struct worker *w, struct http_exchange *x);

/* exchange.c */
struct http_exchange *exchange_begin(struct conn *c);
void exchange_take_head(struct http_exchange *x, struct str bytes);
void exchange_reset(struct http_exchange *x);
void exchange_free(struct http_exchange *x);
void exchange_let_go(struct http_exchange *x); /* of a deferred one */

/* answer.c */
enum send_result { SEND_DONE, SEND_LATER, SEND_AGAIN, SEND_FAILED };
void answer_build(struct http_exchange *x, struct date_cache *date, int64_t body_bytes);
/* SEND_LATER: the socket is full; SEND_AGAIN: let others have a turn. */
enum send_result answer_send(struct http_exchange *x);

/* peer.c */
struct fault *peer_ranges(const void *ctx, struct http_server *s);
void peer_format(const struct sockaddr_storage *address, char text[INET6_ADDRSTRLEN]);
bool peer_is_trusted(const struct http_server *s, struct str text);
/* The client's address: the connection's, or what a trusted proxy says. */
struct str peer_of(const struct http_exchange *x);
