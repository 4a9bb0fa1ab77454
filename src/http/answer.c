/* answer.c - the bytes of an answer: head, body, part of a file.
 *
 * Head and body leave in one sendmsg; a file follows by sendfile. The sender
 * is whoever holds the exchange, worker or network thread, and may stop at any
 * byte: all progress is in the exchange. Framing is written here only, so that
 * no handler can make it ambiguous (RFC 9112 section 6). */
#include "http/engine.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define FILE_TURN_BYTES 2097152 /* of a file, before others have a turn */

struct reason {
	int status;
	const char *text;
};

static const struct reason reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 422, "Unprocessable Content" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *reason_of(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	return "";
}

/* IMF-fixdate, RFC 9110 5.6.7. */
static struct str date_text(struct date_cache *cache)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct timespec now;
	struct tm t;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (cache->second != now.tv_sec) {
		gmtime_r(&now.tv_sec, &t);
		snprintf(cache->text, sizeof(cache->text), "%s, %02u %s %04u %02u:%02u:%02u GMT",
			 days[t.tm_wday], (unsigned)t.tm_mday % 100U, months[t.tm_mon],
			 (unsigned)(t.tm_year + 1900) % 10000U, (unsigned)t.tm_hour % 100U,
			 (unsigned)t.tm_min % 100U, (unsigned)t.tm_sec % 100U);
		cache->second = now.tv_sec;
	}
	return (struct str){ cache->text, 29 };
}

static bool status_has_body(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

static void build_framing(struct http_exchange *x, int64_t body_bytes)
{
	struct buf *b = &x->head;

	if (status_has_body(x->status)) {
		if (body_bytes >= 0) {
			buf_str(b, STR("Content-Length: "));
			buf_int(b, body_bytes);
			buf_str(b, STR("\r\n"));
		} else if (x->reader.minor == 1) {
			buf_str(b, STR("Transfer-Encoding: chunked\r\n"));
			x->is_chunked = true;
		} else {
			x->closes = true; /* HTTP/1.0: the end is the end */
		}
	}
	if (x->closes)
		buf_str(b, STR("Connection: close\r\n"));
	else if (x->reader.minor == 0)
		buf_str(b, STR("Connection: keep-alive\r\n"));
}

void answer_build(struct http_exchange *x, struct date_cache *date, int64_t body_bytes)
{
	struct buf *b = &x->head;

	if (atomic_load_explicit(&x->server->stop_at_ms, memory_order_relaxed) != 0)
		x->closes = true;
	buf_reserve(b, 500);
	buf_str(b, STR("HTTP/1.1 "));
	buf_int(b, x->status);
	buf_char(b, ' ');
	buf_text(b, reason_of(x->status));
	buf_str(b, STR("\r\nDate: "));
	buf_str(b, date_text(date));
	buf_str(b, STR("\r\n"));
	for (size_t i = 0; i < x->field_count; i++) {
		buf_str(b, x->fields[i].name);
		buf_str(b, STR(": "));
		buf_str(b, x->fields[i].value);
		buf_str(b, STR("\r\n"));
	}
	build_framing(x, body_bytes);
	buf_str(b, STR("\r\n"));
	if (x->request.method == HTTP_HEAD || !status_has_body(x->status)) {
		x->answer_body.n = 0;
		x->file_left = 0;
	}
	x->is_broken = b->overflowed;
	x->is_built = true;
}

static enum send_result send_file(struct http_exchange *x)
{
	uint64_t turn = FILE_TURN_BYTES;

	while (x->file_left > 0) {
		off_t at = (off_t)x->file_at;
		size_t want = x->file_left < turn ? (size_t)x->file_left : (size_t)turn;
		if (want == 0)
			return SEND_AGAIN;
		ssize_t n = sendfile(x->conn->fd, x->file_fd, &at, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return SEND_LATER;
		if (n <= 0) /* 0: the file shrank, the promised length cannot be kept */
			return SEND_FAILED;
		x->file_at += (uint64_t)n;
		x->file_left -= (uint64_t)n;
		turn -= (uint64_t)n;
	}
	return SEND_DONE;
}

enum send_result answer_send(struct http_exchange *x)
{
	size_t total = x->head.n + x->answer_body.n;

	while (!x->is_broken && x->sent < total) {
		struct iovec parts[2];
		struct msghdr message = { .msg_iov = parts };
		if (x->sent < x->head.n)
			parts[message.msg_iovlen++] =
				(struct iovec){ x->head.p + x->sent, x->head.n - x->sent };
		size_t skip = x->sent > x->head.n ? x->sent - x->head.n : 0;
		if (x->answer_body.n > skip) /* iovec is not const, sendmsg only reads */
			parts[message.msg_iovlen++] =
				(struct iovec){ (void *)(uintptr_t)(x->answer_body.p + skip),
						x->answer_body.n - skip };
		ssize_t n = sendmsg(x->conn->fd, &message,
				    MSG_NOSIGNAL | MSG_DONTWAIT | (x->file_left ? MSG_MORE : 0));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? SEND_LATER : SEND_FAILED;
		x->sent += (size_t)n;
	}
	return x->is_broken ? SEND_FAILED : send_file(x);
}
