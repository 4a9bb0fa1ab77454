/* stream.c - streamed answers: written by the worker itself, with the
 * socket's own buffer as the queue (256 KiB unsent at most, by
 * TCP_NOTSENT_LOWAT). A worker that may not write waits in poll, which is why
 * streams have a lane of their own. */
#include "http/engine.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define UNSENT_BYTES 262144
#define POLL_MS 500 /* how soon a stop or a break is noticed while waiting */

static bool is_over(const struct http_exchange *x)
{
	return (atomic_load(&x->conn->flags) & CONN_GONE) != 0;
}

static bool wait_writable(struct http_exchange *x)
{
	int64_t until = clock_steady_ms() + STALL_MS;
	struct pollfd p = { .fd = x->conn->fd, .events = POLLOUT };

	while (!is_over(x) && clock_steady_ms() < until) {
		if (poll(&p, 1, POLL_MS) > 0)
			return (p.revents & (POLLERR | POLLHUP)) == 0;
	}
	return false;
}

static void drop_sent(struct msghdr *message, size_t n)
{
	while (n > 0) {
		struct iovec *first = message->msg_iov;
		size_t take = n < first->iov_len ? n : first->iov_len;
		first->iov_base = (char *)first->iov_base + take;
		first->iov_len -= take;
		n -= take;
		if (first->iov_len == 0) {
			message->msg_iov++;
			message->msg_iovlen--;
		}
	}
}

static bool stream_send(struct http_exchange *x, struct iovec *parts, size_t count)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };

	x->is_broken = x->is_broken || is_over(x);
	while (!x->is_broken && message.msg_iovlen > 0) {
		ssize_t n = sendmsg(x->conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			drop_sent(&message, (size_t)n);
		else if (errno == EAGAIN)
			x->is_broken = !wait_writable(x);
		else if (errno != EINTR)
			x->is_broken = true;
	}
	return !x->is_broken;
}

void http_stream_begin(struct http_exchange *x, int status)
{
	assert(x->holder == HELD_BY_WORKER && x->outcome == OUTCOME_NONE);
	int unsent = UNSENT_BYTES;
	struct date_cache date = { .second = -1 };

	x->outcome = OUTCOME_STREAM;
	x->status = status;
	answer_build(x, &date, -1);
	setsockopt(x->conn->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	stream_send(x, &(struct iovec){ x->head.p, x->head.n }, 1);
	x->sent = x->head.n;
}

bool http_stream_write(struct http_exchange *x, struct str bytes)
{
	assert(x->outcome == OUTCOME_STREAM);
	char size[24];
	/* iovec is not const, sendmsg only reads */
	struct iovec parts[3] = { { .iov_base = size },
				  { (void *)(uintptr_t)bytes.p, bytes.n },
				  { (void *)(uintptr_t) "\r\n", 2 } };

	if (x->request.method == HTTP_HEAD || bytes.n == 0) /* no size 0: that is the end */
		return !x->is_broken;
	if (!x->is_chunked)
		return stream_send(x, parts + 1, 1);
	parts[0].iov_len = (size_t)snprintf(size, sizeof(size), "%zx\r\n", bytes.n);
	return stream_send(x, parts, 3);
}

void http_stream_end(struct http_exchange *x)
{
	assert(x->outcome == OUTCOME_STREAM);
	struct iovec last = { (void *)(uintptr_t) "0\r\n\r\n", 5 };

	if (x->is_chunked && x->request.method != HTTP_HEAD)
		stream_send(x, &last, 1);
	x->outcome = OUTCOME_STREAMED;
}

void http_stream_abort(struct http_exchange *x)
{
	assert(x->outcome == OUTCOME_STREAM);
	x->is_broken = true;
	x->outcome = OUTCOME_STREAMED;
}
