/* accept.c - the listening socket, and what happens when there is no room.
 *
 * The first network thread accepts and gives each connection to the thread
 * that has fewest (SO_REUSEPORT would spread by hash and let a second server
 * steal the port unnoticed). Over max_connections, and when descriptors run
 * out, the peer gets a short 503 and not silence. */
#include "http/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#define ACCEPT_TURN 64
#define BACKLOG 4096

static const char overload[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\n"
			       "Content-Length: 0\r\nConnection: close\r\n\r\n";

static bool address_of(const struct http_config *config, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)ret_address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)ret_address;

	*ret_address = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, config->address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(config->port);
		return true;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(config->port);
	return inet_pton(AF_INET6, config->address, &in6->sin6_addr) == 1;
}

static bool listen_on(int fd, const struct sockaddr_storage *address)
{
	int on = 1, off = 0;

	/* inherited by accepted sockets */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return bind(fd, (const struct sockaddr *)(const void *)address,
		    address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
						  : sizeof(struct sockaddr_in6)) == 0 &&
	       listen(fd, BACKLOG) == 0;
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t n = sizeof(address);

	getsockname(fd, (struct sockaddr *)(void *)&address, &n);
	return address.ss_family == AF_INET
		       ? ntohs(((struct sockaddr_in *)(void *)&address)->sin_port)
		       : ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
}

struct fault *accept_open(const void *ctx, struct http_server *s)
{
	struct sockaddr_storage address;
	char why[64];

	if (!address_of(&s->config, &address))
		return FAULT(ctx, FAULT_INVALID, "bad_listen_address",
			     "'%s' is not a numeric address.", s->config.address);
	s->listener = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listener < 0 || !listen_on(s->listener, &address)) {
		int error = errno;
		return FAULT(ctx, FAULT_UNAVAILABLE, "cannot_listen",
			     "Cannot listen on %s port %u: %s.", s->config.address,
			     (unsigned)s->config.port, strerror_r(error, why, sizeof(why)));
	}
	s->port = bound_port(s->listener);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = &s->listener };
	if (epoll_ctl(s->nets[0].epoll, EPOLL_CTL_ADD, s->listener, &e) != 0)
		return FAULT_BUG(ctx, "epoll_ctl on the listener failed");
	return NULL;
}

static int total_connections(const struct http_server *s)
{
	int total = 0;

	for (int i = 0; i < s->config.network_threads; i++)
		total += atomic_load_explicit(&s->nets[i].conn_count, memory_order_relaxed);
	return total;
}

static struct net *emptiest(struct http_server *s)
{
	struct net *best = &s->nets[0];

	for (int i = 1; i < s->config.network_threads; i++) {
		struct net *t = &s->nets[i];
		if (atomic_load_explicit(&t->conn_count, memory_order_relaxed) <
		    atomic_load_explicit(&best->conn_count, memory_order_relaxed))
			best = t;
	}
	return best;
}

static void turn_away(int fd)
{
	send(fd, overload, sizeof(overload) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	/* What has been sent to us is read once, else close() sends a reset
	 * that destroys the answer on its way. */
	char dump[4096];
	shutdown(fd, SHUT_WR);
	while (recv(fd, dump, sizeof(dump), MSG_DONTWAIT) == (ssize_t)sizeof(dump))
		;
	close(fd);
}

static void welcome(struct net *t, int fd, const struct sockaddr_storage *address)
{
	struct http_server *s = t->server;
	struct conn *c = talloc_zero(NULL, struct conn);

	c->fd = fd;
	c->phase = CONN_NEW;
	c->net = emptiest(s);
	c->flags = CONN_QUEUED;
	peer_format(address, c->peer);
	c->via_proxy = peer_is_trusted(s, str_of(c->peer));
	atomic_fetch_add_explicit(&c->net->conn_count, 1, memory_order_relaxed);
	if (c->net == t)
		conn_adopt(c);
	else
		net_push(c);
}

/* Out of descriptors: the spare one is given up to answer one peer. */
static bool turn_away_with_spare(struct http_server *s)
{
	if (s->spare_fd < 0)
		return false;
	close(s->spare_fd);
	int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(fd);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

void accept_some(struct net *t)
{
	struct http_server *s = t->server;

	for (int i = 0; i < ACCEPT_TURN; i++) {
		struct sockaddr_storage address;
		socklen_t n = sizeof(address);
		int fd = accept4(s->listener, (struct sockaddr *)(void *)&address, &n,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && total_connections(s) >= s->config.max_connections) {
			atomic_fetch_add_explicit(&t->refused, 1, memory_order_relaxed);
			turn_away(fd);
		} else if (fd >= 0) {
			welcome(t, fd, &address);
		} else if (errno == EMFILE || errno == ENFILE) {
			if (!turn_away_with_spare(s))
				return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}
