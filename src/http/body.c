/* body.c - request bodies: to memory, or to a nameless file when large.
 *
 * The limit of the route is checked against every byte that arrives, not only
 * against Content-Length. Memory grows with what has come, never with what was
 * announced. A file has no name, so nothing is left behind after a crash. */
#include "http/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

static const struct refusal too_large = { 413, FAULT_TOO_LARGE, "body_too_large",
					  "The body of the request is too large." };
static const struct refusal no_spool = { 503, FAULT_UNAVAILABLE, "spool_unavailable",
					 "The upload cannot be stored at the moment." };

static bool write_all(int fd, struct str data)
{
	while (data.n > 0) {
		ssize_t n = write(fd, data.p, data.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data = str_slice(data, (size_t)n, data.n);
	}
	return true;
}

static int spool_open(struct http_exchange *x)
{
	const char *folder = x->server->config.spool_folder;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	/* a file system without O_TMPFILE */
	char *name = talloc_asprintf(x->mem, "%s/upload-XXXXXX", folder);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

static const struct refusal *body_add(struct http_exchange *x, struct str data)
{
	struct http_request *rq = &x->request;

	if (rq->body_bytes + data.n > (x->discards ? DISCARD_MAX : x->admission.body_max_bytes))
		return &too_large;
	rq->body_bytes += data.n;
	if (x->discards || data.n == 0)
		return NULL;
	if (rq->body_fd < 0 && x->admission.spool && rq->body_bytes > SPOOL_FROM) {
		rq->body_fd = spool_open(x);
		if (rq->body_fd < 0 || !write_all(rq->body_fd, buf_view(&x->body)))
			return &no_spool;
		buf_clear(&x->body);
	}
	if (rq->body_fd >= 0)
		return write_all(rq->body_fd, data) ? NULL : &no_spool;
	buf_str(&x->body, data);
	return NULL;
}

static size_t take_counted(struct http_exchange *x, struct str data,
			   enum reader_progress *ret_progress, const struct refusal **ret_why)
{
	uint64_t left = x->reader.length - x->request.body_bytes;
	size_t n = data.n < left ? data.n : (size_t)left;

	*ret_why = body_add(x, str_slice(data, 0, n));
	*ret_progress = n == left ? READER_DONE : READER_MORE;
	return n;
}

static size_t take_chunks(struct http_exchange *x, struct str data,
			  enum reader_progress *ret_progress, const struct refusal **ret_why)
{
	size_t total = 0;

	do {
		struct str piece;
		size_t used;
		*ret_progress =
			chunk_read(&x->chunks, str_slice(data, total, data.n), &used, &piece);
		total += used;
		*ret_why = *ret_progress == READER_REFUSED ? x->chunks.why : body_add(x, piece);
	} while (!*ret_why && *ret_progress == READER_MORE && total < data.n);
	return total;
}

size_t body_take(struct http_exchange *x, struct str data, enum reader_progress *ret_progress,
		 const struct refusal **ret_why)
{
	size_t used = x->reader.is_chunked ? take_chunks(x, data, ret_progress, ret_why)
					   : take_counted(x, data, ret_progress, ret_why);

	x->received_bytes += used;
	if (*ret_why)
		*ret_progress = READER_REFUSED;
	return used;
}

void body_finish(struct http_exchange *x)
{
	if (x->request.body_fd >= 0)
		lseek(x->request.body_fd, 0, SEEK_SET);
	else
		x->request.body = buf_view(&x->body);
}
