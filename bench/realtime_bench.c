/* realtime_bench.c - many idle Socket.IO clients over WebSocket: what they cost the
 * server in memory, and how long a broadcast takes to reach all of them.
 *
 *   realtime_bench PORT PID CLIENTS ROUNDS TENANT TOKEN TRIGGER [BODY]
 *
 * A %d in TOKEN becomes the client's number. TRIGGER is the path of a POST that
 * makes one event (with the token of client 0 as Bearer). PID is the server, whose
 * memory is read from /proc. Only 127.0.0.1, at most 20 000 clients. One line of
 * JSON comes out. */
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 20000
#define AT_ONCE 100
#define ROUNDS_MAX 1000

enum stage { STAGE_HANDSHAKE, STAGE_OPEN, STAGE_LIVE, STAGE_DEAD };

struct client {
	int fd;
	enum stage stage;
	int round; /* of the last event it has heard */
};

struct bench {
	int port, pid, epoll, count, begun, live, dead;
	int round, heard;
	const char *tenant, *token, *trigger, *body;
	struct client clients[CLIENTS_MAX];
	int64_t started_us;
	int64_t latencies_us[CLIENTS_MAX];
	int64_t worst_us[ROUNDS_MAX], p99_us[ROUNDS_MAX], p50_us[ROUNDS_MAX];
};

static int open_socket(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static void send_all(int fd, const char *bytes, size_t n)
{
	if (send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n) {
		perror("send");
		exit(1);
	}
}

/* A masked text frame; the mask is zero, which the RFC allows a test to choose. */
static void send_text(int fd, const char *text)
{
	char frame[2048];
	size_t n = strlen(text), at = 0;

	frame[at++] = (char)0x81;
	if (n < 126) {
		frame[at++] = (char)(0x80 | n);
	} else {
		frame[at++] = (char)(0x80 | 126);
		frame[at++] = (char)(n >> 8);
		frame[at++] = (char)n;
	}
	memset(frame + at, 0, 4);
	at += 4;
	memcpy(frame + at, text, n);
	send_all(fd, frame, at + n);
}

static const char *token_of(const struct bench *b, int i, char text[1024])
{
	const char *hole = strstr(b->token, "%d");

	if (hole)
		snprintf(text, 1024, "%.*s%d%s", (int)(hole - b->token), b->token, i, hole + 2);
	else
		snprintf(text, 1024, "%s", b->token);
	return text;
}

static void begin(struct bench *b)
{
	int i = b->begun++;
	struct client *c = &b->clients[i];
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
	char request[512];
	int n = snprintf(
		request, sizeof(request),
		"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		b->port);

	c->fd = open_socket(b->port);
	send_all(c->fd, request, (size_t)n);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(b->epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static void heard(struct bench *b, struct client *c)
{
	if (c->round == b->round)
		return;
	c->round = b->round;
	b->latencies_us[b->heard++] = clock_steady_us() - b->started_us;
}

static void take_text(struct bench *b, struct client *c, const char *text, size_t n)
{
	char line[1600], token[1024];

	if (n > 0 && text[0] == '0') {
		snprintf(line, sizeof(line), "40{\"tenant\":\"%s\",\"token\":\"%s\"}", b->tenant,
			 token_of(b, (int)(c - b->clients), token));
		send_text(c->fd, line);
	} else if (n > 0 && text[0] == '2') {
		send_text(c->fd, "3");
	} else if (n > 1 && memcmp(text, "40", 2) == 0) {
		c->stage = STAGE_LIVE;
		b->live++;
	} else if (n > 1 && memcmp(text, "42", 2) == 0) {
		heard(b, c);
	} else {
		fprintf(stderr, "unexpected: %.*s\n", (int)n, text);
		exit(1);
	}
}

/* Frames are small and come whole on loopback; anything else ends the run. */
static void take_frames(struct bench *b, struct client *c, const char *p, size_t n)
{
	while (n >= 2) {
		size_t head = 2, length = (unsigned char)p[1];
		if (length == 126) {
			head = 4;
			length = (size_t)(unsigned char)p[2] << 8 | (unsigned char)p[3];
		}
		if ((unsigned char)p[0] != 0x81 || head + length > n) {
			c->stage = STAGE_DEAD;
			b->dead++;
			return;
		}
		take_text(b, c, p + head, length);
		p += head + length;
		n -= head + length;
	}
}

static void readable(struct bench *b, struct client *c)
{
	static char buffer[65536];
	ssize_t n = read(c->fd, buffer, sizeof(buffer));
	const char *p = buffer;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		fprintf(stderr, "a client was closed\n");
		exit(1);
	}
	if (c->stage == STAGE_HANDSHAKE) {
		const char *end = memmem(buffer, (size_t)n, "\r\n\r\n", 4);
		if (!end || memcmp(buffer, "HTTP/1.1 101", 12) != 0) {
			fprintf(stderr, "no upgrade: %.*s\n", (int)n, buffer);
			exit(1);
		}
		c->stage = STAGE_OPEN;
		p = end + 4;
	}
	take_frames(b, c, p, (size_t)n - (size_t)(p - buffer));
}

static void turn(struct bench *b, int wait_ms)
{
	struct epoll_event events[512];
	int n = epoll_wait(b->epoll, events, 512, wait_ms);

	for (int i = 0; i < n; i++)
		readable(b, &b->clients[events[i].data.u32]);
}

static double rss_mib(int pid)
{
	char path[64], line[256];
	long kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return (double)kib / 1024;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* One event to everybody; the clock starts before the request that makes it. */
static void run_round(struct bench *b, int round)
{
	char request[4096], answer[4096], token[1024];
	int fd = open_socket(b->port);
	int64_t give_up = clock_steady_ms() + 20000;
	char body[512];
	int body_bytes = snprintf(body, sizeof(body), "%s%d\"}", b->body, round);
	int n = snprintf(request, sizeof(request),
			 "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n"
			 "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
			 "Content-Length: %d\r\n\r\n%s",
			 b->trigger, b->port, token_of(b, 0, token), body_bytes, body);

	b->round = round + 1;
	b->heard = 0;
	b->started_us = clock_steady_us();
	send_all(fd, request, (size_t)n);
	while (b->heard < b->count && clock_steady_ms() < give_up)
		turn(b, 1000);
	if (read(fd, answer, sizeof(answer)) <= 0 || b->heard < b->count || b->dead) {
		fprintf(stderr, "round %d: %d of %d heard it\n", round, b->heard, b->count);
		exit(1);
	}
	close(fd);
	qsort(b->latencies_us, (size_t)b->count, sizeof(int64_t), compare);
	b->worst_us[round] = b->latencies_us[b->count - 1];
	b->p99_us[round] = b->latencies_us[(size_t)b->count * 99 / 100];
	b->p50_us[round] = b->latencies_us[b->count / 2];
}

static void connect_all(struct bench *b)
{
	while (b->live < b->count) {
		while (b->begun < b->count && b->begun - b->live < AT_ONCE)
			begin(b);
		turn(b, 1000);
	}
}

static double middle_ms(int64_t *list, int n)
{
	qsort(list, (size_t)n, sizeof(*list), compare);
	return (double)list[n / 2] / 1000;
}

int main(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof(*b));
	int64_t number[4];
	struct rlimit files = { CLIENTS_MAX + 100, CLIENTS_MAX + 100 };

	if (argc < 8 || !b)
		return 2;
	for (int i = 0; i < 4; i++)
		if (!parse_int(str_of(argv[i + 1]), 1, 10000000, &number[i]))
			return 2;
	setrlimit(RLIMIT_NOFILE, &files);
	b->port = (int)number[0];
	b->pid = (int)number[1];
	b->count = number[2] < CLIENTS_MAX ? (int)number[2] : CLIENTS_MAX;
	int rounds = number[3] < ROUNDS_MAX ? (int)number[3] : ROUNDS_MAX;
	b->tenant = argv[5];
	b->token = argv[6];
	b->trigger = argv[7];
	b->body = argc > 8 ? argv[8] : "{\"name\":\"Bench ";
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	double before = rss_mib(b->pid);
	int64_t began = clock_steady_ms();
	connect_all(b);
	double seconds = (double)(clock_steady_ms() - began) / 1000;
	double after = rss_mib(b->pid);
	for (int round = 0; round < rounds; round++)
		run_round(b, round);
	printf("{\"clients\":%d,\"connects_per_s\":%.0f,\"rss_before_mib\":%.1f,\"rss_mib\":%.1f,"
	       "\"kib_per_client\":%.2f,\"rss_after_broadcasts_mib\":%.1f,\"rounds\":%d,"
	       "\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"last_ms\":%.1f}\n",
	       b->count, b->count / seconds, before, after, (after - before) * 1024 / b->count,
	       rss_mib(b->pid), rounds, middle_ms(b->p50_us, rounds), middle_ms(b->p99_us, rounds),
	       middle_ms(b->worst_us, rounds));
	return 0;
}
