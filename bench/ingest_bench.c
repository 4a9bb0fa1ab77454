/* ingest_bench.c - how many events a second, against a bare loop of the same rows.
 *
 * usage: ingest_bench HOST PORT WRITE_KEY CONNINFO SECONDS
 * Prints one line a measurement: name, value, unit. The load is what
 * analytics-node sends; every connection is a thread that waits for its answer.
 * The bare loop does what no server can leave out: insert the rows into tables
 * with the same columns and indexes, 100 a transaction, from as many
 * connections, without row security, books or de-duplication by look-up. */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 128
#define SAMPLES_MAX 200000
#define FIGURE 20000.0 /* events a second to reach; half of it is "half load" */

struct load {
	const char *host, *port, *key;
	int events; /* a request */
	int connections;
	double seconds;
	double rate; /* requests a second over all, 0: as fast as it goes */
	_Atomic long requests, failures, accepted;
	double *samples_ms;
	_Atomic long sample_count;
};

static _Atomic long next_message;
static char run_name[32];

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t put_event(char *to, size_t room, long n)
{
	return (size_t)snprintf(
		to, room,
		"{\"timestamp\":\"2026-11-21T03:34:11.319Z\",\"integrations\":{},\"event\":"
		"\"Order Completed\",\"type\":\"track\",\"properties\":{\"revenue\":%ld.5,"
		"\"product\":\"Rain jacket\",\"currency\":\"EUR\"},\"context\":{\"library\":"
		"{\"name\":\"@segment/analytics-node\",\"version\":\"3.1.0\"}},\"userId\":"
		"\"user-%ld\",\"messageId\":\"node-next-%s-%ld\",\"_metadata\":{\"nodeVersion\":"
		"\"v20.20.2\",\"jsRuntime\":\"node\"}}",
		n % 500, n % 1000, run_name, n);
}

static size_t put_request(char *to, size_t room, const struct load *load)
{
	static _Thread_local char body[400 * 120];
	size_t n = 0;
	long first = atomic_fetch_add(&next_message, load->events);

	if (load->events > 1)
		n += (size_t)snprintf(body, sizeof(body), "{\"batch\":[");
	for (int i = 0; i < load->events; i++) {
		if (i > 0)
			body[n++] = ',';
		n += put_event(body + n, sizeof(body) - n, first + i);
	}
	if (load->events > 1)
		n += (size_t)snprintf(body + n, sizeof(body) - n,
				      "],\"sentAt\":\"2026-11-21T03:34:11.330Z\"}");
	int head = snprintf(to, room,
			    "POST /v1/%s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n"
			    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			    load->events > 1 ? "batch" : "track", load->host, load->port, load->key,
			    n);
	memcpy(to + head, body, n);
	return (size_t)head + n;
}

static int dial(const struct load *load)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtol(load->port, NULL, 10)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	inet_pton(AF_INET, load->host, &to.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Reads one answer; its status, 0 when the connection is gone. */
static int read_answer(int fd, char *text, size_t room)
{
	size_t n = 0;

	for (;;) {
		ssize_t got = recv(fd, text + n, room - 1 - n, 0);
		if (got <= 0)
			return 0;
		n += (size_t)got;
		text[n] = '\0';
		char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");
		if (end && length && length < end &&
		    n >= (size_t)(end + 4 - text) + strtoul(length + 15, NULL, 10))
			return (int)strtol(text + 9, NULL, 10);
	}
}

static void *sender(void *arg)
{
	struct load *load = arg;
	char *request = malloc(1 << 17), answer[8192];
	int fd = dial(load);
	double start = now_s(), step = load->rate > 0 ? load->connections / load->rate : 0;
	double due = start + step * (double)rand() / RAND_MAX;

	while (request && fd >= 0 && now_s() < start + load->seconds) {
		size_t n = put_request(request, 1 << 17, load);
		if (step > 0 && due > now_s())
			usleep((useconds_t)((due - now_s()) * 1e6));
		double sent = step > 0 ? due : now_s();
		due += step;
		if (send(fd, request, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
		int status = read_answer(fd, answer, sizeof(answer));
		char *accepted = strstr(answer, "\"accepted\":");
		atomic_fetch_add(status == 200 ? &load->requests : &load->failures, 1);
		if (accepted)
			atomic_fetch_add(&load->accepted, strtol(accepted + 11, NULL, 10));
		long at = atomic_fetch_add(&load->sample_count, 1);
		if (at < SAMPLES_MAX)
			load->samples_ms[at] = (now_s() - sent) * 1000;
	}
	if (fd >= 0)
		close(fd);
	free(request);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double percentile(struct load *load, double p)
{
	long n = load->sample_count < SAMPLES_MAX ? load->sample_count : SAMPLES_MAX;

	if (n == 0)
		return 0;
	qsort(load->samples_ms, (size_t)n, sizeof(double), compare);
	return load->samples_ms[(long)((double)(n - 1) * p)];
}

static double run(struct load *load, const char *name)
{
	pthread_t threads[THREADS_MAX];
	double start = now_s();

	load->samples_ms = malloc(SAMPLES_MAX * sizeof(double));
	for (int i = 0; i < load->connections; i++)
		pthread_create(&threads[i], NULL, sender, load);
	for (int i = 0; i < load->connections; i++)
		pthread_join(threads[i], NULL);
	double took = now_s() - start;
	printf("%s: %.0f requests/s, %.0f events/s, p50 %.1f ms, p99 %.1f ms, %ld failures\n", name,
	       (double)load->requests / took, (double)load->accepted / took, percentile(load, 0.5),
	       percentile(load, 0.99), load->failures);
	fflush(stdout);
	free(load->samples_ms);
	return (double)load->accepted / took;
}

/* ---- the bare loop ---- */

static const char bare_setup[] =
	"drop schema if exists bench cascade; create schema bench;"
	"create table bench.events (like analytics.events including defaults);"
	"alter table bench.events add primary key (tenant_id, project_id, id, received_at);"
	"create table bench.seen (like analytics.seen_messages including defaults);"
	"alter table bench.seen add primary key (tenant_id, key, day);";

static const char bare_insert[] =
	"with e as (insert into bench.events (tenant_id, project_id, id, received_at, occurred_at,"
	" batch_no, lane, type, message_id, name, user_id, properties, context)"
	" select '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222',"
	" core.uuid_v7(), now(), now(), 1, 1, 'track', m, 'Order Completed', u, p, c"
	" from unnest($1::text[], $2::text[], $3::jsonb[], $4::jsonb[]) as x (m, u, p, c))"
	" insert into bench.seen (tenant_id, key, day)"
	" select '11111111-1111-1111-1111-111111111111', k, date_trunc('day', now())"
	" from unnest($5::uuid[]) k order by k";

struct bare {
	const char *conninfo;
	double seconds;
	_Atomic long rows, failures;
};

static void append(char *to, size_t room, const char *text)
{
	size_t n = strlen(to);

	snprintf(to + n, room - n, "%s", text);
}

static void *bare_loop(void *arg)
{
	enum { ROWS = 100, ROOM = 60000 };
	struct bare *bare = arg;
	PGconn *pg = PQconnectdb(bare->conninfo);
	char *columns[5], text[400];
	double start = now_s();

	for (int i = 0; i < 5; i++)
		columns[i] = malloc(ROOM);
	PQclear(PQprepare(pg, "bare", bare_insert, 0, NULL));
	while (now_s() < start + bare->seconds) {
		long first = atomic_fetch_add(&next_message, ROWS);
		for (int i = 0; i < 5; i++)
			snprintf(columns[i], ROOM, "{");
		for (long n = first; n < first + ROWS; n++) {
			const char *comma = n == first ? "" : ",";
			snprintf(text, sizeof(text), "%snode-next-%s-%ld", comma, run_name, n);
			append(columns[0], ROOM, text);
			snprintf(text, sizeof(text), "%suser-%ld", comma, n % 1000);
			append(columns[1], ROOM, text);
			snprintf(text, sizeof(text),
				 "%s\"{\\\"revenue\\\":%ld.5,\\\"product\\\":\\\"Rain jacket\\\","
				 "\\\"currency\\\":\\\"EUR\\\"}\"",
				 comma, n % 500);
			append(columns[2], ROOM, text);
			snprintf(
				text, sizeof(text),
				"%s\"{\\\"_metadata\\\":{\\\"nodeVersion\\\":\\\"v20.20.2\\\","
				"\\\"jsRuntime\\\":\\\"node\\\"},\\\"library\\\":{\\\"name\\\":"
				"\\\"@segment/analytics-node\\\",\\\"version\\\":\\\"3.1.0\\\"}}\"",
				comma);
			append(columns[3], ROOM, text);
			snprintf(text, sizeof(text), "%s%08lx-%04lx-4000-8000-%012lx", comma,
				 (unsigned long)rand(), (unsigned long)rand() & 0xffff,
				 (unsigned long)n);
			append(columns[4], ROOM, text);
		}
		for (int i = 0; i < 5; i++)
			append(columns[i], ROOM, "}");
		PGresult *r =
			PQexecPrepared(pg, "bare", 5, (const char *const *)columns, NULL, NULL, 0);
		if (PQresultStatus(r) == PGRES_COMMAND_OK)
			atomic_fetch_add(&bare->rows, ROWS);
		else if (atomic_fetch_add(&bare->failures, 1) == 0)
			fprintf(stderr, "%s", PQerrorMessage(pg));
		PQclear(r);
	}
	for (int i = 0; i < 5; i++)
		free(columns[i]);
	PQfinish(pg);
	return NULL;
}

static double run_bare(const char *conninfo, double seconds, int connections)
{
	struct bare bare = { .conninfo = conninfo, .seconds = seconds };
	pthread_t threads[THREADS_MAX];
	PGconn *pg = PQconnectdb(conninfo);

	PQclear(PQexec(pg, bare_setup));
	if (PQstatus(pg) != CONNECTION_OK)
		fprintf(stderr, "%s", PQerrorMessage(pg));
	for (int i = 0; i < connections; i++)
		pthread_create(&threads[i], NULL, bare_loop, &bare);
	for (int i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	PQclear(PQexec(pg, "drop schema bench cascade"));
	PQfinish(pg);
	double rate = (double)bare.rows / seconds;
	printf("bare loop, %d connections: %.0f events/s, %ld failures\n", connections, rate,
	       bare.failures);
	fflush(stdout);
	return rate;
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: ingest_bench HOST PORT WRITE_KEY CONNINFO SECONDS\n");
		return 2;
	}
	double seconds = strtod(argv[5], NULL);
	snprintf(run_name, sizeof(run_name), "%lx", (unsigned long)(now_s() * 1e6));
	struct load base = { .host = argv[1], .port = argv[2], .key = argv[3], .seconds = seconds };

	struct load batch = base;
	batch.events = 100;
	batch.connections = 16;
	double ours = run(&batch, "batches of 100, 16 connections");
	double bare = run_bare(argv[4], seconds, 16);
	printf("share of the bare loop: %.2f\n", ours / bare);
	struct load single = base;
	single.events = 1;
	single.connections = 64;
	run(&single, "single events, 64 connections");
	struct load half = base;
	half.events = 15;
	half.connections = 32;
	half.rate = (ours < FIGURE ? ours : FIGURE) / 2 / half.events;
	run(&half, "batches of 15 at half load");
	return 0;
}
