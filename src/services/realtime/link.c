/* link.c - one socket on the loop: reads into a shared buffer, hands WebSocket
 * messages to its owner, writes its outbox with one writev a turn. Whoever does
 * not read is cut once the outbox is over its limit. */
#include "services/realtime/hub_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define INPUT_BYTES 65536
#define PARTS 64
#define LINGER_MS 2000

static void watch(struct link *l, int op)
{
	struct epoll_event event = { .events = EPOLLIN | (l->wants_out ? EPOLLOUT : 0U),
				     .data.ptr = l };

	if (epoll_ctl(l->hub->epoll_fd, op, l->fd, &event) != 0 && op == EPOLL_CTL_ADD)
		link_drop(l);
}

void link_drop(struct link *l)
{
	if (l->is_dead)
		return;
	l->is_dead = true;
	l->owner = NULL;
	close(l->fd); /* leaves the epoll set with it */
	wheel_cancel(&l->hub->wheel, &l->timer);
	*l->prev = l->next;
	if (l->next)
		l->next->prev = l->prev;
	outbox_clear(&l->out);
	ws_reader_clear(&l->reader);
	l->hub->counts.links--;
	hub_bury(l->hub, l);
}

/* The socket ended by itself: the owner is told once. */
static void gone(struct link *l)
{
	void *owner = l->owner;

	if (l->is_dead)
		return;
	link_drop(l);
	if (owner)
		l->ops->on_gone(owner, l);
}

static void linger_is_over(struct timer *t)
{
	link_drop(CONTAINER_OF(t, struct link, timer));
}

static void linger(struct link *l)
{
	l->owner = NULL;
	l->ends_after = true;
	wheel_set(&l->hub->wheel, &l->timer, l->hub->now_ms + LINGER_MS);
	hub_mark_dirty(l->hub, &l->dirty);
}

/* Drops n written bytes from the outbox. */
static void written(struct link *l, size_t n)
{
	while (n > 0) {
		struct packet *p = outbox_at(&l->out, 0);
		size_t left = p->bytes - l->sent;
		if (n < left) {
			l->sent += (uint32_t)n;
			return;
		}
		n -= left;
		l->sent = 0;
		outbox_pop(&l->out);
	}
}

static int gather_parts(const struct link *l, struct iovec *parts)
{
	int n = 0;

	for (; n < PARTS; n++) {
		struct packet *p = outbox_at(&l->out, (uint32_t)n);
		if (!p)
			break;
		size_t skip = n == 0 ? l->sent : 0;
		parts[n] = (struct iovec){ p->data + skip, p->bytes - skip };
	}
	return n;
}

static void set_wants_out(struct link *l, bool wants)
{
	if (l->wants_out == wants)
		return;
	l->wants_out = wants;
	watch(l, EPOLL_CTL_MOD);
}

static void link_flush(struct dirty *d)
{
	struct link *l = CONTAINER_OF(d, struct link, dirty);

	while (!l->is_dead && l->out.count > 0) {
		struct iovec parts[PARTS];
		struct msghdr message = { .msg_iov = parts };
		message.msg_iovlen = (size_t)gather_parts(l, parts);
		ssize_t n = sendmsg(l->fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			set_wants_out(l, true);
			return;
		}
		if (n < 0) {
			gone(l);
			return;
		}
		written(l, (size_t)n);
	}
	if (l->is_dead)
		return;
	set_wants_out(l, false);
	if (l->ends_after)
		shutdown(l->fd, SHUT_WR);
}

struct link *link_new(struct hub *hub, int fd, const struct link_ops *ops, void *owner)
{
	struct link *l = talloc_zero(hub, struct link);
	int one = 1, stall_ms = 30000;

	l->hub = hub;
	l->fd = fd;
	l->ops = ops;
	l->owner = owner;
	l->dirty.flush = link_flush;
	l->timer.fire = linger_is_over;
	l->next = hub->links;
	l->prev = &hub->links;
	if (l->next)
		l->next->prev = &l->next;
	hub->links = l;
	hub->counts.links++;
	ws_reader_init(&l->reader, l, hub->limits.message_max_bytes);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof(stall_ms));
	watch(l, EPOLL_CTL_ADD);
	return l;
}

void link_push(struct link *l, struct packet *p)
{
	if (l->is_dead)
		return;
	outbox_push(&l->out, l, p);
	hub_mark_dirty(l->hub, &l->dirty);
}

static void push_frame(struct link *l, enum ws_opcode opcode, struct str payload)
{
	struct packet *p = packet_frame(l->hub, opcode, payload);

	link_push(l, p);
	packet_drop(p);
}

void link_close(struct link *l, uint16_t code, const char *reason)
{
	char payload[2 + 123];
	size_t n = reason ? strlen(reason) : 0;

	if (l->is_dead)
		return;
	n = n > 123 ? 123 : n;
	payload[0] = (char)(code >> 8);
	payload[1] = (char)code;
	if (n)
		memcpy(payload + 2, reason, n);
	push_frame(l, WS_CLOSE, (struct str){ payload, code == WS_CLOSE_NO_CODE ? 0 : n + 2 });
	linger(l);
}

void link_finish(struct link *l)
{
	if (!l->is_dead)
		linger(l);
}

/* The client closes: echo its code (5.5.1), tell the owner. */
static void closed_by_peer(struct link *l, const struct ws_message *m)
{
	void *owner = l->owner;

	if (l->ends_after) { /* the answer to ours */
		link_drop(l);
		return;
	}
	link_close(l, m->close_code, NULL);
	if (owner)
		l->ops->on_gone(owner, l);
}

static void take_message(struct link *l, const struct ws_message *m)
{
	switch (m->opcode) {
	case WS_TEXT:
		if (l->owner)
			l->ops->on_text(l->owner, l, m->data);
		break;
	case WS_BINARY:
		if (l->owner)
			l->ops->on_binary(l->owner, l, m->data);
		break;
	case WS_PING:
		if (l->owner)
			push_frame(l, WS_PONG, m->data);
		break;
	case WS_PONG:
		if (l->owner)
			l->ops->on_pong(l->owner, l);
		break;
	case WS_CLOSE:
		closed_by_peer(l, m);
		break;
	case WS_CONTINUATION:
		break;
	}
}

void link_input(struct link *l, char *bytes, size_t n)
{
	while (n > 0 && !l->is_dead && l->ops->is_websocket) {
		struct ws_message m = { 0 };
		size_t used = 0;
		enum ws_outcome what = ws_read(&l->reader, bytes, n, &used, &m);
		bytes += used;
		n -= used;
		if (what == WS_MESSAGE) {
			take_message(l, &m);
		} else if (what == WS_BROKEN) {
			void *owner = l->owner;
			if (l->ends_after) {
				link_drop(l);
				return;
			}
			link_close(l, m.close_code, NULL);
			if (owner)
				l->ops->on_gone(owner, l);
			return;
		}
	}
	if (!l->is_dead && l->owner && l->out.bytes > l->hub->limits.outbound_max_bytes)
		gone(l); /* it asks (pings) and does not read */
}

void link_events(struct link *l, uint32_t events)
{
	if (l->is_dead)
		return;
	if (events & EPOLLOUT)
		hub_mark_dirty(l->hub, &l->dirty);
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	ssize_t n = read(l->fd, l->hub->input, INPUT_BYTES);
	if (n > 0)
		link_input(l, l->hub->input, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		gone(l);
}

void link_refuse(struct hub *hub, int fd, int status, struct str type, struct str body)
{
	static const struct link_ops nobody = { 0 };
	struct link *l = link_new(hub, fd, &nobody, NULL);
	const char *phrase = status == 429   ? "Too Many Requests"
			     : status == 503 ? "Service Unavailable"
					     : "Bad Request";
	struct buf b;

	buf_init(&b, hub->scratch, 8192);
	buf_printf(&b,
		   "HTTP/1.1 %d %s\r\nContent-Type: %.*s\r\nContent-Length: %zu\r\n"
		   "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
		   status, phrase, STR_ARG(type), body.n);
	buf_str(&b, body);
	struct packet *p = packet_raw(hub, buf_view(&b));
	link_push(l, p);
	packet_drop(p);
	hub->counts.refused++;
	link_finish(l);
}
