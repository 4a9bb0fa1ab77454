/* hub.h - the loop that owns every live connection of this process.
 *
 * One thread with epoll owns sockets, sessions, rooms and timers; nothing of it
 * is shared. Other threads hand it mail. What needs the database - who is
 * this, may they join, what did they miss - is asked of an authority on a
 * small pool of threads and comes back as mail, so the loop never waits. The
 * authority is a table of functions: the server's talks to spine and the
 * event log, the tests' is made up. */
#pragma once

#include "http/http.h"
#include "services/events/events.h"
#include "spine/principal.h"

struct hub;
struct session;
struct sio_packet;

/* Milliseconds and bytes; the numbers are spec/platform.md section 5. */
struct hub_limits {
	int ping_interval_ms;
	int ping_timeout_ms;
	int upgrade_timeout_ms;
	int connect_timeout_ms;	   /* Engine.IO session without a Socket.IO CONNECT */
	int recovery_ms;	   /* a lost client may come back within */
	int recheck_ms;		   /* rights of everybody are looked at this often */
	size_t message_max_bytes;  /* of a message from a client */
	size_t outbound_max_bytes; /* waiting for one client; more: it is cut */
	int sockets_per_user;
	int sockets_max;
	int rooms_per_socket;
	int messages_per_s;	   /* from one client; more: it is cut */
	int strangers_per_address; /* connections that have not said who they are */
	int pool_threads;
};

extern const struct hub_limits hub_default_limits;

/* Runs on pool threads and may block; arg is the authority's own. Results are
 * owned by mem. */
struct authority {
	void *arg;
	struct fault *(*authenticate)(const void *mem, void *arg, const struct credential *cred,
				      const struct principal **ret_who);
	/* May they see this object, and is it there? FORBIDDEN, NOT_FOUND or NULL. */
	struct fault *(*may_join)(const void *mem, void *arg, const struct principal *who,
				  struct str noun, struct uuid id);
	/* Events of their tenant after that seq. *ret_is_complete false: some are lost. */
	struct fault *(*replay)(const void *mem, void *arg, const struct principal *who,
				int64_t after, struct event **ret_list, size_t *ret_n,
				bool *ret_is_complete);
	/* ret_is_valid has n places. */
	struct fault *(*recheck)(const void *mem, void *arg, const struct principal *const *who,
				 size_t n, bool *ret_is_valid);
	/* These two are also called on the loop and must not block. The permission to
	 * receive an event (NULL: it is not declared) and to join rooms of a noun. */
	const char *(*event_permission)(void *arg, struct str event_name);
	const char *(*noun_permission)(void *arg, struct str noun);
	int64_t (*head)(void *arg); /* newest seq of the log when the hub starts */
};

/* A client event beside the product's own (join:entity, leave:entity); the protocol
 * suites' server has some. attachments are the binary packets, in order. */
struct hub_verb {
	const char *name; /* NULL ends the table */
	void (*run)(struct session *s, const struct sio_packet *p, const struct str *attachments);
};

/* What lives on top of Engine.IO; NULL in the configuration: Socket.IO. */
struct message_handler {
	void (*on_text)(struct session *s, struct str text);
	void (*on_binary)(struct session *s, struct str bytes);
	void (*on_end)(struct session *s, bool is_recoverable);
	bool needs_connect; /* connect_timeout_ms applies */
};

struct hub_config {
	struct hub_limits limits;
	struct authority authority;
	const struct hub_verb *verbs;	       /* may be NULL */
	const struct message_handler *handler; /* may be NULL */
	const char *session_cookie;	       /* name of the cookie CONNECT is checked with */
	const char *const *origins;	       /* NULL-ended; NULL: any */
};

struct fault *hub_start(const void *ctx, const struct hub_config *config, struct hub **ret_hub);
/* Says goodbye to everybody and waits until it is sent or the deadline has passed.
 * The loop goes on and refuses whoever still comes. */
void hub_stop(struct hub *hub, int64_t deadline_steady_ms);
/* Ends the loop; after hub_stop, when nobody can call any more. */
void hub_free(struct hub *hub);

/* Any thread; everything is copied. */
void hub_publish(struct hub *hub, const struct event *list, size_t n);
void hub_broadcast(struct hub *hub, struct str room, struct str name, struct str payload_json);
bool hub_has_room(struct hub *hub, struct str room);
void hub_metrics(struct hub *hub, struct buf *out);

/* ---- from handlers, on worker threads; each takes the exchange over ---- */

/* Anything at /socket.io/: polling, handshake, upgrade. */
void hub_engine_request(struct hub *hub, struct http_exchange *x);

/* A stream or plain WebSocket whose principal the pipeline has found. */
struct opening {
	const struct principal *who;
	struct credential cred;	  /* to look again when rights change */
	const struct str *topics; /* event names or nouns; none: everything */
	size_t topic_count;
	const struct str *rooms; /* extra rooms, already checked */
	size_t room_count;
	int64_t after;		 /* replay what came after; -1: nothing */
	struct str ws_key;	 /* of a WebSocket */
	struct str allow_origin; /* of a stream: CORS; absent if none */
};
void hub_open_stream(struct hub *hub, struct http_exchange *x, const struct opening *o);
void hub_open_plain(struct hub *hub, struct http_exchange *x, const struct opening *o);
/* Is the Origin field of this request (if any) one of ours? */
bool hub_origin_is_fine(const struct hub *hub, const struct http_request *rq);
