/* wire_server.c - a small program on the HTTP engine, for tests/wire and
 * bench/http_bench.sh: each path shows one behaviour. It prints its port and
 * stops on SIGTERM.
 *
 *   wire_server [port [workers [max_connections [spool folder]]]] */
#include "base/clock.h"
#include "base/parse.h"
#include "http/http.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

struct app {
	_Atomic int aborts;
	_Atomic int running;
	char file[64]; /* 4 MiB for /file */
	struct http_server *server;
};

static void pause_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static int64_t number(struct http_exchange *x, const char *name, int64_t otherwise)
{
	int64_t value = otherwise;
	struct str text = http_query_param(http_mem(x), http_request(x), str_of(name));

	if (!str_is_null(text))
		parse_int(text, 0, 1000000000, &value);
	return value;
}

static void answer_text(struct http_exchange *x, int status, const char *text)
{
	http_add(x, STR("Content-Type"), STR("text/plain"));
	http_answer(x, status, str_of(text));
}

static void hello(struct app *app, struct http_exchange *x)
{
	(void)app;
	answer_text(x, 200, "hello\n");
}

static void empty(struct app *app, struct http_exchange *x)
{
	(void)app;
	http_answer(x, 204, STR(""));
}

static void echo(struct app *app, struct http_exchange *x)
{
	(void)app;
	const struct http_request *rq = http_request(x);
	struct str body = rq->body;

	if (rq->body_fd >= 0) {
		char *bytes = talloc_size(http_mem(x), rq->body_bytes);
		size_t n = 0;
		for (ssize_t got = 1; got > 0; n += (size_t)got)
			got = read(rq->body_fd, bytes + n, rq->body_bytes - n);
		body = (struct str){ bytes, rq->body_bytes };
		http_add(x, STR("X-Spooled"), STR("1"));
	}
	http_answer(x, 200, body);
}

static void show(struct app *app, struct http_exchange *x)
{
	(void)app;
	const struct http_request *rq = http_request(x);
	struct buf b;

	buf_init(&b, http_mem(x), 1 << 20);
	buf_printf(&b, "method=%.*s\npath=%.*s\nquery=%.*s\nhost=%.*s\npeer=%.*s\nproxy=%d\n",
		   STR_ARG(rq->method_name), STR_ARG(rq->path), STR_ARG(rq->query),
		   STR_ARG(rq->host), STR_ARG(rq->peer), rq->via_proxy);
	for (size_t i = 0; i < rq->field_count; i++)
		buf_printf(&b, "[%.*s]=[%.*s]\n", STR_ARG(rq->fields[i].name),
			   STR_ARG(rq->fields[i].value));
	http_answer(x, 200, buf_view(&b));
}

static void nap(struct app *app, struct http_exchange *x)
{
	atomic_fetch_add(&app->running, 1);
	pause_ms(number(x, "ms", 100));
	atomic_fetch_sub(&app->running, 1);
	answer_text(x, 200, http_peer_gone(x) ? "gone\n" : "slept\n");
}

static void large(struct app *app, struct http_exchange *x)
{
	(void)app;
	size_t n = (size_t)number(x, "n", 1000000);
	char *bytes = talloc_size(http_mem(x), n);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)('a' + i % 26);
	http_answer(x, 200, (struct str){ bytes, n });
}

static void file(struct app *app, struct http_exchange *x)
{
	int fd = open(app->file, O_RDONLY | O_CLOEXEC);

	http_answer_file(x, 200, fd, (uint64_t)number(x, "at", 0),
			 (uint64_t)number(x, "n", 1 << 22));
}

static void stream(struct app *app, struct http_exchange *x)
{
	int64_t count = number(x, "n", 3), size = number(x, "size", 10);
	char *bytes = talloc_size(http_mem(x), (size_t)size);

	memset(bytes, 's', (size_t)size);
	http_stream_begin(x, 200);
	for (int64_t i = 0; i < count; i++) {
		if (!http_stream_write(x, (struct str){ bytes, (size_t)size })) {
			atomic_fetch_add(&app->aborts, 1);
			break;
		}
		pause_ms(number(x, "ms", 0));
	}
	if (number(x, "abort", 0))
		http_stream_abort(x);
	else
		http_stream_end(x);
}

struct later {
	struct app *app;
	struct http_exchange *x;
	int64_t ms;
	_Atomic bool aborted;
};

static void aborted(void *arg)
{
	struct later *later = arg;

	atomic_store(&later->aborted, true);
	atomic_fetch_add(&later->app->aborts, 1);
}

static void *answer_later(void *arg)
{
	struct later *later = arg;

	for (int64_t ms = 0; ms < later->ms && !atomic_load(&later->aborted); ms += 10)
		pause_ms(10);
	atomic_fetch_sub(&later->app->running, 1);
	http_answer(later->x, 200, STR("later\n"));
	return NULL;
}

static void defer(struct app *app, struct http_exchange *x)
{
	struct later *later = talloc_zero(http_mem(x), struct later);
	pthread_t thread;

	later->app = app;
	later->x = x;
	later->ms = number(x, "ms", 50);
	atomic_fetch_add(&app->running, 1);
	http_defer(x, aborted, later);
	int error = pthread_create(&thread, NULL, answer_later, later);
	assert(error == 0);
	pthread_detach(thread);
	/* the answer may be long decided: the request must still be there */
	pause_ms(number(x, "hold", 0));
	assert(str_eq(http_request(x)->path, STR("/defer")));
}

struct taken {
	int fd;
	char bytes[4096];
	size_t n;
};

static void *shout(void *arg)
{
	static const char go[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\n"
				 "Connection: Upgrade\r\n\r\n";
	struct taken *taken = arg;
	ssize_t n = (ssize_t)taken->n;

	send(taken->fd, go, sizeof(go) - 1, MSG_NOSIGNAL);
	fcntl(taken->fd, F_SETFL, 0); /* blocking: one thread of its own */
	while (n >= 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (taken->bytes[i] >= 'a' && taken->bytes[i] <= 'z')
				taken->bytes[i] = (char)(taken->bytes[i] - 32);
		}
		send(taken->fd, taken->bytes, (size_t)n, MSG_NOSIGNAL);
		n = recv(taken->fd, taken->bytes, sizeof(taken->bytes), 0);
		if (n <= 0)
			break;
	}
	close(taken->fd);
	talloc_free(taken);
	return NULL;
}

static void taken(void *arg, int fd, struct str already_read)
{
	struct taken *taken = talloc(NULL, struct taken);
	pthread_t thread;

	(void)arg;
	taken->fd = fd;
	taken->n = already_read.n < sizeof(taken->bytes) ? already_read.n : sizeof(taken->bytes);
	memcpy(taken->bytes, already_read.p, taken->n);
	int error = pthread_create(&thread, NULL, shout, taken);
	assert(error == 0);
	pthread_detach(thread);
}

static void hand_over(struct app *app, struct http_exchange *x)
{
	(void)app;
	http_hand_over(x, taken, NULL);
}

static void counts(struct app *app, struct http_exchange *x)
{
	struct http_counts c = http_counts(app->server);
	char *text = talloc_asprintf(
		http_mem(x),
		"aborts=%d running=%d connections=%lld requests=%lld "
		"refused=%lld queued=%lld busy=%lld slow_queued=%lld\n",
		atomic_load(&app->aborts), atomic_load(&app->running), (long long)c.connections,
		(long long)c.requests, (long long)c.refused, (long long)c.queued[LANE_NORMAL],
		(long long)c.busy[LANE_NORMAL], (long long)c.queued[LANE_SLOW]);

	answer_text(x, 200, text);
}

static void close_it(struct app *app, struct http_exchange *x)
{
	(void)app;
	http_close_after(x);
	answer_text(x, 200, "bye\n");
}

static void refused(struct app *app, struct http_exchange *x)
{
	(void)app;
	answer_text(x, 500, "admit() should have answered\n");
}

static const struct route {
	const char *path;
	void (*handle)(struct app *app, struct http_exchange *x);
	struct http_admission admission;
} routes[] = {
	{ "/hello", hello, { .body_max_bytes = 1048576 } },
	{ "/empty", empty, { .body_max_bytes = 0 } },
	{ "/echo", echo, { .body_max_bytes = 1048576 } },
	{ "/small", echo, { .body_max_bytes = 10 } },
	{ "/upload", echo, { .body_max_bytes = 8388608, .spool = true } },
	{ "/show", show, { .body_max_bytes = 0 } },
	{ "/nap", nap, { .body_max_bytes = 0 } },
	{ "/slow", nap, { .lane = LANE_SLOW } },
	{ "/large", large, { .body_max_bytes = 0 } },
	{ "/file", file, { .body_max_bytes = 0 } },
	{ "/stream", stream, { .lane = LANE_STREAM } },
	{ "/defer", defer, { .body_max_bytes = 0 } },
	{ "/shout", hand_over, { .body_max_bytes = 0 } },
	{ "/counts", counts, { .body_max_bytes = 0 } },
	{ "/close", close_it, { .body_max_bytes = 0 } },
	{ "/refused", refused, { .body_max_bytes = 1048576, .refused = true } },
};

static const struct route *route_of(struct http_exchange *x)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (str_eq(http_request(x)->path, str_of(routes[i].path)))
			return &routes[i];
	}
	return NULL;
}

static void admit(void *app, struct http_exchange *x, struct http_admission *ret_admission)
{
	const struct route *route = route_of(x);

	(void)app;
	if (!route)
		return;
	*ret_admission = route->admission;
	if (route->admission.refused)
		answer_text(x, 401, "who are you?\n");
}

static void handle(void *app, struct http_exchange *x)
{
	const struct route *route = route_of(x);

	if (route)
		route->handle(app, x);
	else
		answer_text(x, 404, "no such path\n");
}

static void refuse(void *app, struct http_exchange *x, const struct fault *why)
{
	(void)app;
	if (why->retry_after_s > 0)
		http_add(x, STR("Retry-After"),
			 str_of(talloc_asprintf(http_mem(x), "%d", why->retry_after_s)));
	answer_text(x, http_refusal_status(x),
		    talloc_asprintf(http_mem(x), "%s: %s\n", why->code, why->text));
}

static void make_file(char name[64])
{
	static char block[65536];
	int fd;

	snprintf(name, 64, "/tmp/wire-file-XXXXXX");
	fd = mkostemp(name, O_CLOEXEC);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 7);
	for (int i = 0; i < 64; i++) {
		ssize_t n = write(fd, block, sizeof(block));
		assert(n == (ssize_t)sizeof(block));
	}
	close(fd);
}

static void wait_for_end(void)
{
	sigset_t set;
	int signal_number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigwait(&set, &signal_number);
}

int main(int argc, char **argv)
{
	static const char *const proxies[] = { "127.0.0.2", "10.0.0.0/8", "fd00::/8", NULL };
	struct app app = { 0 };
	int workers = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 4;
	struct http_config config = {
		.address = "127.0.0.1",
		.port = (uint16_t)(argc > 1 ? strtol(argv[1], NULL, 10) : 0),
		.network_threads = 2,
		.workers = { workers, 1, 2, 0 },
		.queue_limit = { 4096, 2, 2, 0 },
		.max_connections = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1000,
		.trusted_proxies = proxies,
		.spool_folder = argc > 4 ? argv[4] : "/tmp",
		.app = &app,
		.admit = admit,
		.handle = handle,
		.refuse = refuse,
	};
	void *ctx = talloc_new(NULL);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	make_file(app.file);
	struct fault *f = http_start(ctx, &config, &app.server);
	if (f) {
		fprintf(stderr, "%s\n", fault_describe(ctx, f));
		return 1;
	}
	printf("%u\n", (unsigned)http_port(app.server));
	fflush(stdout);
	wait_for_end();
	http_stop(app.server, clock_steady_ms() + 2000);
	unlink(app.file);
	talloc_free(ctx);
	return 0;
}
