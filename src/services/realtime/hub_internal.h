/* hub_internal.h - the parts of the hub among themselves. Everything here belongs
 * to the loop thread unless it says otherwise; what is done with is buried and
 * freed at the end of the turn, so a callback may end its own connection. */
#pragma once

#include "services/realtime/engineio.h"
#include "services/realtime/hub.h"
#include "services/realtime/packet.h"
#include "services/realtime/rooms.h"
#include "services/realtime/socketio.h"
#include "services/realtime/wheel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <talloc.h>

#define CONTAINER_OF(ptr, type, member)                                                            \
	((type *)(void *)((char *)(ptr) - __builtin_offsetof(type, member)))

/* ---- mail: work for the loop from other threads ---- */

struct mail { /* a talloc top level of its own; deliver frees it */
	struct mail *next;
	void (*deliver)(struct hub *hub, struct mail *m);
};
void hub_post(struct hub *hub, struct mail *m); /* any thread */

/* ---- pool: questions to the authority ---- */

struct task {		  /* a talloc top level of its own */
	struct mail mail; /* comes back with mail.deliver */
	struct task *next;
	void (*run)(struct task *t, const struct authority *authority); /* pool thread */
};
struct pool;
struct pool *pool_start(const void *ctx, struct hub *hub, int threads);
/* False when too many wait; the caller keeps the task. */
bool pool_submit(struct pool *p, struct task *t);
void pool_stop(struct pool *p); /* waits for what runs; the rest is freed */

/* ---- identities: one principal for all sockets of a session or key ---- */

struct peer;

struct identity {
	uint8_t key[32]; /* credential and tenant */
	/* Both are replaced, never changed: a pool thread may still read the old ones,
	 * which are kept in stale (NULL: none) while anybody holds the identity. */
	const struct principal *who;
	const struct credential *cred;
	void *stale;
	struct peer *peers;
	struct headcount *headcount; /* of the person */
	const char *memo_permission; /* the last question asked, and its answer */
	bool memo_may;
	bool is_checking;
	uint32_t holders;
};

struct headcount {
	uint8_t id[16]; /* of the person or key */
	int sockets;
};

/* NULL if none of their sockets is here. */
struct identity *identity_find(const struct hub *hub, const struct principal *who);
/* Takes a place for one more socket; NULL if the person has too many. */
struct identity *identity_enter(struct hub *hub, const struct principal *who,
				const struct credential *cred);
void identity_leave(struct hub *hub, struct peer *peer);
bool identity_may(struct identity *i, const char *permission);
void identity_hold(struct identity *i);
void identity_drop(struct hub *hub, struct identity *i);
/* Looks at everybody's rights, now. */
void identity_recheck(struct hub *hub);
struct principal *principal_copy(const void *mem, const struct principal *from);
struct credential *credential_copy(const void *mem, const struct credential *from);

/* ---- peers: who receives events, whatever the transport ---- */

enum peer_kind { PEER_SOCKETIO, PEER_PLAIN, PEER_STREAM, PEER_KINDS };

struct join_task;

struct peer_ops {
	void (*send)(struct peer *p, struct packet *packet);
	size_t (*backlog)(const struct peer *p);
	/* An answer to join_start; fault NULL: is in. */
	void (*joined)(struct peer *p, const struct join_task *j, const struct fault *fault);
	/* The replay has been sent (or could not be): now the held events follow. */
	void (*replayed)(struct peer *p, bool is_complete);
	/* Rights are gone, or the client does not read. */
	void (*kick)(struct peer *p, const char *code, const char *text);
	void (*stop)(struct peer *p); /* the server ends */
};

struct held { /* an event that came while older ones are still being read */
	int64_t seq;
	struct packet *packet;
};

struct peer {
	struct guest guest; /* first: rooms hand out guests */
	struct hub *hub;
	const struct peer_ops *ops;
	struct identity *identity;
	struct peer *next_same; /* of the identity */
	struct held *held;
	struct str *topics; /* none: everything */
	uint64_t mark;	    /* the last delivery that reached it */
	int64_t since;	    /* it has been receiving since this seq */
	uint32_t slot, generation;
	uint32_t held_count;
	uint32_t second;	 /* in which it has said … */
	uint16_t said_in_second; /* … this many messages */
	uint16_t topic_count;
	uint16_t joins_waiting;
	uint8_t kind;
	bool is_replaying;
};

void peer_init(struct peer *p, struct hub *hub, enum peer_kind kind, const struct peer_ops *ops);
/* Out of rooms, identity and slots; the memory is the owner's. */
void peer_remove(struct peer *p);
/* Into the rooms that are its own by who it is. */
void peer_sit_down(struct peer *p);
/* The peer becomes somebody and enters its own two rooms. */
void peer_enter(struct peer *p, struct identity *identity);
/* Leaves rooms and identity but stays a connection. */
void peer_retire(struct peer *p);
/* Counts a message from the client; false: it floods us. */
bool peer_may_speak(struct peer *p);
uint64_t peer_handle(const struct peer *p);
struct peer *hub_peer(const struct hub *hub, uint64_t handle); /* NULL if it has gone */
struct str room_of(char text[64], const char *noun, struct uuid id);

struct join_task {
	struct task task;
	uint64_t handle;
	struct identity *identity;
	const struct principal *who; /* as it was when the join was asked for */
	struct str noun;
	struct uuid id;
	struct str ref; /* of a plain WebSocket: raw JSON to echo, or absent */
	int64_t ack_id; /* of Socket.IO; -1: none wanted */
	struct fault *fault;
};
/* Checks and joins, later; the answer goes to ops->joined. ref is copied. */
void join_start(struct peer *p, struct str noun, struct str id, int64_t ack_id, struct str ref);
/* May the peer, with its rights of now, see objects of that noun? */
bool noun_is_allowed(const struct peer *p, struct str noun);
/* False if it was not in. */
bool join_leave(struct peer *p, struct str noun, struct str id);

/* Reads what the peer missed after seq and sends it; events that come meanwhile
 * are held back. Ends in ops->replayed. */
void replay_start(struct peer *p, int64_t after);
void replay_drop_held(struct peer *p);
void replay_send_held(struct peer *p, int64_t after);

/* One event on its way to its rooms, encoded at most once a kind of peer. */
struct delivery {
	struct hub *hub;
	uint64_t mark;
	int64_t seq; /* 0: volatile */
	struct uuid tenant;
	struct str name, payload;
	const char *permission; /* NULL: membership of the room is enough */
	struct packet *encoded[PEER_KINDS];
};
struct packet *delivery_packet(struct delivery *d, enum peer_kind kind);
void delivery_end(struct delivery *d);
bool topic_matches(const struct peer *p, struct str event_name);

/* ---- links: sockets on the loop ---- */

struct dirty { /* something to be written at the end of the turn */
	struct dirty *next;
	void (*flush)(struct dirty *d);
	bool is_queued;
};
void hub_mark_dirty(struct hub *hub, struct dirty *d);

struct link;

struct link_ops { /* owner is never NULL here */
	void (*on_text)(void *owner, struct link *l, struct str text);
	void (*on_binary)(void *owner, struct link *l, struct str bytes);
	void (*on_pong)(void *owner, struct link *l);
	/* The socket has ended by itself; the link is already buried. */
	void (*on_gone)(void *owner, struct link *l);
	bool is_websocket; /* else what comes in is thrown away */
};

struct link {
	struct dirty dirty;
	struct hub *hub;
	const struct link_ops *ops;
	void *owner; /* NULL: only lingers until all is sent and the peer has closed */
	struct link *next, **prev; /* all links of the hub */
	struct timer timer;	   /* of lingering */
	struct outbox out;
	uint32_t sent; /* of the first packet */
	int fd;
	bool is_dead;
	bool wants_out;	 /* EPOLLOUT is on */
	bool ends_after; /* half-close when the outbox is empty */
	struct ws_reader reader;
};

struct link *link_new(struct hub *hub, int fd, const struct link_ops *ops, void *owner);
void link_push(struct link *l, struct packet *p);
void link_input(struct link *l, char *bytes, size_t n);
void link_events(struct link *l, uint32_t events);
/* Sends a close frame (WS_CLOSE_NO_CODE: an empty one) and lets go. */
void link_close(struct link *l, uint16_t code, const char *reason);
/* Sends what is queued, then ends; for answers that refuse. */
void link_finish(struct link *l);
void link_drop(struct link *l); /* at once */

/* ---- sessions: Engine.IO ---- */

struct handshake { /* what a session needs to know until it is somebody */
	struct str cookie, ip, user_agent;
};

struct poll { /* a parked HTTP exchange; lies on http_mem(x) */
	struct http_exchange *x;
	uint64_t serial;
};

enum sio_stage { STAGE_NEW, STAGE_CONNECTING, STAGE_CONNECTED };

struct session {
	struct peer peer;
	struct dirty dirty; /* a waiting GET is answered at the end of the turn */
	struct timer heartbeat;
	struct timer deadline; /* CONNECT, or the last poll of a session that is closing */
	struct timer probing;  /* noops for the waiting GET, and the end of our patience */
	struct outbox out;     /* what polling has not fetched */
	struct link *link;     /* once the transport is WebSocket */
	struct link *probe;    /* a WebSocket that wants to become the transport */
	struct poll *get;
	struct handshake *handshake;
	struct strangers *strangers; /* it is one of them; NULL: no longer */
	struct gather *gather;	     /* an event whose attachments are still coming */
	int64_t probe_until_ms;
	uint8_t sid[EIO_SID_BYTES];
	uint8_t socket_sid[EIO_SID_BYTES]; /* what Socket.IO calls sid */
	uint8_t pid[EIO_SID_BYTES];	   /* the secret to come back with */
	uint8_t stage;
	bool is_awaiting_pong, is_closing, is_ended;
};

enum ending {
	END_CLIENT,    /* it said so */
	END_TRANSPORT, /* the connection broke */
	END_PARSE,     /* it does not speak the protocol */
	END_TIMEOUT,   /* no pong */
	END_SLOW,      /* does not read */
	END_KICKED,    /* rights are gone */
	END_REPLACED,  /* came back on a new connection */
	END_STOPPING,  /* the server ends */
	END_DUPLICATE, /* two polls at once */
	END_FLOOD,     /* speaks faster than anybody has to */
	ENDINGS
};

/* Connections of an address that have not said yet who they are. */
struct strangers {
	struct str address;
	int count;
};
/* May one more session of that address be opened? */
bool hub_has_place(const struct hub *hub, struct str address);
bool strangers_are_many(const struct hub *hub, struct str address);

struct session *session_new(struct hub *hub, const struct handshake *h);
struct session *eio_session_find(const struct hub *hub, struct str sid);
void session_send(struct session *s, struct packet *p);
void session_send_text(struct session *s, struct str eio_text);
void session_send_binary(struct session *s, struct str bytes);
void session_receive(struct session *s, const struct eio_packet *p);
void eio_session_end(struct session *s, enum ending why);
void session_open_packet(const struct session *s, bool can_upgrade, struct buf *out);
/* It has said who it is, or (false) is nobody again. */
void session_is_known(struct session *s, bool is_known);
void session_moved(struct session *s); /* the transport is WebSocket now */

void poll_deliver(struct hub *hub, struct mail *m);
void poll_answer_queue(struct session *s, const char *last_packet);
void poll_answer(struct http_exchange *x, int status, struct str type, struct str body);
void poll_error(struct http_exchange *x, int code);
/* A socket that came for a session (sid absent: a new one). */
void upgrade_take(struct hub *hub, int fd, struct str already, struct str sid, struct str key,
		  const struct handshake *h);
extern const char *const eio_errors[];

/* ---- Socket.IO ---- */

extern const struct message_handler socketio_handler;
extern const struct peer_ops session_peer_ops;
void namespace_kick(struct session *s, const char *code, const char *text);
void session_send_event(struct session *s, struct str name, struct str payload);
void session_ack(struct session *s, int64_t ack_id, struct str json);
/* problem+json of a fault, as text on ctx. */
struct str problem_text(const void *ctx, const struct fault *f);

/* ---- recovery ---- */

struct recovery {
	uint8_t sid[EIO_SID_BYTES];
	uint8_t pid[EIO_SID_BYTES];
	struct uuid user, tenant;
	struct str *rooms; /* beyond its own two */
	uint32_t room_count;
	int64_t since;
	int64_t until_ms;
	struct recovery *next, **link; /* in order of until_ms */
};
void recovery_keep(struct session *s);
/* Takes the record out (the caller frees it); NULL if there is none for them. */
struct recovery *recovery_take(struct hub *hub, struct str pid, const struct principal *who);
void recovery_expire(struct hub *hub, int64_t now_ms);

/* ---- streams and plain WebSockets ---- */

struct arrival { /* mail with a socket in it */
	struct mail mail;
	struct hub *hub;
	void (*take)(struct hub *hub, struct arrival *a);
	int fd;
	struct str already;
	struct str sid;
	struct handshake handshake;
	struct opening opening;
	struct principal *who;
};
void arrival_hand_over(struct http_exchange *x, struct arrival *a);
struct arrival *arrival_new(struct hub *hub, void (*take)(struct hub *, struct arrival *));
/* The same with a copy of an opening. */
struct arrival *arrival_of(struct hub *hub, void (*take)(struct hub *, struct arrival *),
			   const struct opening *o);
void plain_take(struct hub *hub, struct arrival *a);
void stream_take(struct hub *hub, struct arrival *a);
/* Sends a small HTTP answer on a socket that was handed over, and ends it. */
void link_refuse(struct hub *hub, int fd, int status, struct str type, struct str body);
/* An opening becomes a peer; false: refused (answered on fd). */
bool opening_enter(struct hub *hub, struct peer *p, const struct arrival *a);

struct slot {
	struct peer *peer;
	uint32_t generation;
	uint32_t next_free;
};

struct hub_counts { /* read by any thread */
	_Atomic int64_t sessions, plains, streams, links, polls;
	_Atomic int64_t delivered, events, broadcasts, messages_in, refused, recovered,
		not_recovered;
	_Atomic int64_t ended[ENDINGS];
};

struct hub {
	struct hub_config config;
	struct hub_limits limits; /* shorthand */
	const struct message_handler *handler;
	int epoll_fd, wake_fd;
	pthread_t thread;
	pthread_mutex_t lock; /* inbox and has_stopped */
	pthread_cond_t stopped;
	struct mail *inbox, **inbox_end;
	bool has_stopped; /* everybody has gone */
	struct pool *pool;
	struct wheel wheel;
	struct timer housekeeping;
	struct rooms *rooms;
	struct slot *slots;
	uint32_t slot_count, free_slot, peer_count;
	struct map *identities; /* by credential and tenant */
	struct map *headcounts; /* by person */
	struct map *recoveries; /* by pid */
	struct map *words;	/* permission names, each once */
	struct map *strangers;	/* by address, those not connected yet */
	struct recovery *recovery_first, *recovery_last;
	struct dirty *dirty;
	struct link *links;
	void *grave;   /* freed at the end of the turn */
	void *scratch; /* the same, for what a message needs */
	struct packet *ping, *noop;
	char *input; /* one read */
	int64_t now_ms;
	int64_t seq; /* newest log event delivered */
	int64_t recheck_due_ms;
	uint64_t marks;
	bool recheck_is_running, is_stopping, is_ending;
	int64_t stop_by_ms;
	struct hub_counts counts;
};

void hub_bury(struct hub *hub, void *what);
void hub_random_id(uint8_t ret_id[EIO_SID_BYTES]);
