/* hub.c - start, loop and end of the hub: mail, sockets, timers, then one flush of
 * all that wants to be written, then the graves. */
#include "services/realtime/hub_internal.h"

#include "base/clock.h"
#include "base/map.h"
#include "services/crypto/crypto.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define INPUT_BYTES 65536
#define EVENTS_PER_TURN 256
#define HOUSEKEEPING_MS 200

const struct hub_limits hub_default_limits = {
	.ping_interval_ms = 25000,
	.ping_timeout_ms = 20000,
	.upgrade_timeout_ms = 10000,
	.connect_timeout_ms = 45000,
	.recovery_ms = 120000,
	.recheck_ms = 1000,
	.message_max_bytes = 1000000,
	.outbound_max_bytes = 4000000,
	.sockets_per_user = 10,
	.sockets_max = 50000,
	.rooms_per_socket = 100,
	.messages_per_s = 500,
	.strangers_per_address = 500,
	.pool_threads = 2,
};

void hub_bury(struct hub *hub, void *what)
{
	talloc_steal(hub->grave, what);
}

void hub_random_id(uint8_t ret_id[EIO_SID_BYTES])
{
	crypto_random(ret_id, EIO_SID_BYTES);
}

void hub_mark_dirty(struct hub *hub, struct dirty *d)
{
	if (d->is_queued)
		return;
	d->is_queued = true;
	d->next = hub->dirty;
	hub->dirty = d;
}

void hub_post(struct hub *hub, struct mail *m)
{
	uint64_t one = 1;

	m->next = NULL;
	pthread_mutex_lock(&hub->lock);
	bool was_empty = hub->inbox == NULL;
	*hub->inbox_end = m;
	hub->inbox_end = &m->next;
	pthread_mutex_unlock(&hub->lock);
	if (was_empty && write(hub->wake_fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: it is awake already */
}

static void read_inbox(struct hub *hub)
{
	pthread_mutex_lock(&hub->lock);
	struct mail *m = hub->inbox;
	hub->inbox = NULL;
	hub->inbox_end = &hub->inbox;
	pthread_mutex_unlock(&hub->lock);
	while (m) {
		struct mail *next = m->next;
		m->deliver(hub, m);
		m = next;
	}
}

static void flush(struct hub *hub)
{
	while (hub->dirty) {
		struct dirty *d = hub->dirty;
		hub->dirty = d->next;
		d->is_queued = false;
		d->flush(d);
	}
}

static void end_turn(struct hub *hub)
{
	flush(hub);
	talloc_free_children(hub->grave);
	talloc_free_children(hub->scratch);
}

static void keep_house(struct timer *t)
{
	struct hub *hub = CONTAINER_OF(t, struct hub, housekeeping);

	recovery_expire(hub, hub->now_ms);
	if (hub->now_ms >= hub->recheck_due_ms) {
		hub->recheck_due_ms = hub->now_ms + hub->limits.recheck_ms;
		identity_recheck(hub);
	}
	wheel_set(&hub->wheel, t, hub->now_ms + HOUSEKEEPING_MS);
}

static void say_goodbye(struct hub *hub)
{
	hub->is_stopping = true;
	for (uint32_t i = 0; i < hub->slot_count; i++)
		if (hub->slots[i].peer)
			hub->slots[i].peer->ops->stop(hub->slots[i].peer);
}

/* Tells hub_stop when the last one has gone or its patience has ended. */
static void watch_goodbyes(struct hub *hub)
{
	if (!hub->is_stopping || hub->has_stopped)
		return;
	if (hub->links && hub->now_ms < hub->stop_by_ms)
		return;
	pthread_mutex_lock(&hub->lock);
	hub->has_stopped = true;
	pthread_cond_broadcast(&hub->stopped);
	pthread_mutex_unlock(&hub->lock);
}

static void take_events(struct hub *hub, const struct epoll_event *list, int n)
{
	for (int i = 0; i < n; i++) {
		struct link *l = list[i].data.ptr;
		uint64_t count;
		if (l)
			link_events(l, list[i].events);
		else if (read(hub->wake_fd, &count, sizeof(count)) < 0)
			continue; /* somebody else's wake was enough */
	}
}

static void *loop(void *arg)
{
	struct hub *hub = arg;
	struct epoll_event events[EVENTS_PER_TURN];

	pthread_setname_np(pthread_self(), "realtime");
	while (!hub->is_ending) {
		int wait = wheel_wait_ms(&hub->wheel, clock_steady_ms());
		int n = epoll_wait(hub->epoll_fd, events, EVENTS_PER_TURN, wait);
		hub->now_ms = clock_steady_ms();
		take_events(hub, events, n > 0 ? n : 0);
		read_inbox(hub);
		wheel_advance(&hub->wheel, hub->now_ms);
		end_turn(hub);
		watch_goodbyes(hub);
	}
	return NULL;
}

static struct fault *open_loop(struct hub *hub)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	hub->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	hub->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (hub->epoll_fd < 0 || hub->wake_fd < 0 ||
	    epoll_ctl(hub->epoll_fd, EPOLL_CTL_ADD, hub->wake_fd, &event) != 0)
		return FAULT_BUG(hub, "the realtime loop cannot be opened: errno %d", errno);
	return NULL;
}

static struct hub *hub_new(const void *ctx, const struct hub_config *config)
{
	struct hub *hub = talloc_zero(ctx, struct hub);

	hub->config = *config;
	hub->limits = config->limits;
	hub->handler = config->handler ? config->handler : &socketio_handler;
	hub->epoll_fd = hub->wake_fd = -1;
	hub->inbox_end = &hub->inbox;
	hub->free_slot = UINT32_MAX;
	hub->rooms = rooms_new(hub);
	hub->identities = map_new(hub);
	hub->headcounts = map_new(hub);
	hub->recoveries = map_new(hub);
	hub->words = map_new(hub);
	hub->strangers = map_new(hub);
	hub->grave = talloc_new(hub);
	hub->scratch = talloc_new(hub);
	hub->input = talloc_size(hub, INPUT_BYTES);
	hub->ping = packet_frame(hub, WS_TEXT, STR("2"));
	hub->noop = packet_frame(hub, WS_TEXT, STR("6"));
	pthread_mutex_init(&hub->lock, NULL);
	pthread_cond_init(&hub->stopped, NULL);
	return hub;
}

struct fault *hub_start(const void *ctx, const struct hub_config *config, struct hub **ret_hub)
{
	struct hub *hub = hub_new(ctx, config);

	TRY(open_loop(hub));
	hub->now_ms = clock_steady_ms();
	wheel_init(&hub->wheel, hub->now_ms);
	hub->housekeeping.fire = keep_house;
	wheel_set(&hub->wheel, &hub->housekeeping, hub->now_ms + HOUSEKEEPING_MS);
	hub->seq = config->authority.head(config->authority.arg);
	hub->pool = pool_start(hub, hub, hub->limits.pool_threads);
	if (pthread_create(&hub->thread, NULL, loop, hub) != 0)
		return FAULT_BUG(hub, "no thread for realtime");
	*ret_hub = hub;
	return NULL;
}

struct stop_mail {
	struct mail mail;
	int64_t deadline_ms;
};

static void deliver_stop(struct hub *hub, struct mail *m)
{
	hub->stop_by_ms = ((struct stop_mail *)m)->deadline_ms;
	talloc_free(m);
	say_goodbye(hub);
}

void hub_stop(struct hub *hub, int64_t deadline_steady_ms)
{
	struct stop_mail *m = talloc_zero(NULL, struct stop_mail);

	m->mail.deliver = deliver_stop;
	m->deadline_ms = deadline_steady_ms;
	hub_post(hub, &m->mail);
	pthread_mutex_lock(&hub->lock);
	while (!hub->has_stopped)
		pthread_cond_wait(&hub->stopped, &hub->lock);
	pthread_mutex_unlock(&hub->lock);
	pool_stop(hub->pool); /* harmless when said twice */
}

static void deliver_end(struct hub *hub, struct mail *m)
{
	talloc_free(m);
	hub->is_ending = true;
}

void hub_free(struct hub *hub)
{
	struct mail *m = talloc_zero(NULL, struct mail);

	m->deliver = deliver_end;
	hub_post(hub, m);
	pthread_join(hub->thread, NULL);
	while (hub->inbox) /* answers must be given, sockets closed */
		read_inbox(hub);
	while (hub->links)
		link_drop(hub->links);
	end_turn(hub);
	close(hub->epoll_fd);
	close(hub->wake_fd);
	pthread_mutex_destroy(&hub->lock);
	pthread_cond_destroy(&hub->stopped);
	rooms_free(hub->rooms);
	talloc_free(hub);
}

bool hub_has_room(struct hub *hub, struct str room)
{
	return rooms_has(hub->rooms, room);
}

static const char *const ending_names[ENDINGS] = {
	[END_CLIENT] = "client",     [END_TRANSPORT] = "transport", [END_PARSE] = "parse",
	[END_TIMEOUT] = "timeout",   [END_SLOW] = "slow",	    [END_KICKED] = "kicked",
	[END_REPLACED] = "replaced", [END_STOPPING] = "stopping",   [END_DUPLICATE] = "duplicate",
	[END_FLOOD] = "flood",
};

static void gauge(struct buf *out, const char *kind, int64_t value)
{
	buf_printf(out, "bulkhead_realtime_sockets{kind=\"%s\"} %lld\n", kind, (long long)value);
}

static void counter(struct buf *out, const char *name, const char *help, int64_t value)
{
	buf_printf(out, "# HELP bulkhead_realtime_%s %s\n# TYPE bulkhead_realtime_%s counter\n",
		   name, help, name);
	buf_printf(out, "bulkhead_realtime_%s %lld\n", name, (long long)value);
}

void hub_metrics(struct hub *hub, struct buf *out)
{
	struct hub_counts *c = &hub->counts;

	buf_text(out, "# HELP bulkhead_realtime_sockets Live connections.\n"
		      "# TYPE bulkhead_realtime_sockets gauge\n");
	gauge(out, "socketio", c->sessions);
	gauge(out, "websocket", c->plains);
	gauge(out, "sse", c->streams);
	buf_text(out, "# HELP bulkhead_realtime_rooms Rooms with somebody in them.\n"
		      "# TYPE bulkhead_realtime_rooms gauge\n");
	buf_printf(out, "bulkhead_realtime_rooms %zu\n", rooms_count(hub->rooms));
	counter(out, "events_total", "Events of the log looked at.", c->events);
	counter(out, "broadcasts_total", "Volatile messages sent to a room.", c->broadcasts);
	counter(out, "deliveries_total", "Messages given to sockets.", c->delivered);
	counter(out, "messages_in_total", "Messages from clients.", c->messages_in);
	counter(out, "refused_total", "Connections and joins refused.", c->refused);
	counter(out, "recovered_total", "Clients that came back and missed nothing.", c->recovered);
	counter(out, "not_recovered_total", "Clients that came back too late.", c->not_recovered);
	buf_text(out, "# HELP bulkhead_realtime_ended_total Socket.IO sessions ended, by reason.\n"
		      "# TYPE bulkhead_realtime_ended_total counter\n");
	for (int i = 0; i < ENDINGS; i++)
		buf_printf(out, "bulkhead_realtime_ended_total{reason=\"%s\"} %lld\n",
			   ending_names[i], (long long)c->ended[i]);
}
