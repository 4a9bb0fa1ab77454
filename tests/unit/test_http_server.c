/* test_http_server.c - starting and stopping the engine inside a program:
 * what can be wrong with its configuration, ports, IPv6, two stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http.h"

static void admit(void *app, struct http_exchange *x, struct http_admission *ret_admission)
{
	(void)app;
	(void)x;
	ret_admission->lane = LANE_INGEST; /* has no workers: the normal lane serves it */
}

static void handle(void *app, struct http_exchange *x)
{
	(void)app;
	http_answer(x, 200, http_request(x)->peer);
}

static void refuse(void *app, struct http_exchange *x, const struct fault *why)
{
	(void)app;
	http_answer(x, http_refusal_status(x), str_of(why->code));
}

static const struct http_config plain = {
	.address = "127.0.0.1",
	.network_threads = 1,
	.workers = { 2, 0, 0, 0 },
	.queue_limit = { 10, 0, 0, 0 },
	.max_connections = 100,
	.spool_folder = "/tmp",
	.admit = admit,
	.handle = handle,
	.refuse = refuse,
};

static void assert_fault(struct http_config config, const char *code)
{
	void *ctx = talloc_new(NULL);
	struct http_server *s = NULL;
	struct fault *f = http_start(ctx, &config, &s);

	assert_non_null(f);
	assert_string_equal(f->code, code);
	assert_null(s);
	talloc_free(ctx);
}

static void faulty_configurations_are_told(void **state)
{
	static const char *const bad_ranges[][2] = {
		{ "10.0.0.0/33", NULL }, { "fd00::/129", NULL }, { "10.0.0.0/", NULL },
		{ "10.0.0.0/-1", NULL }, { "proxy", NULL },	 { "", NULL },
	};
	struct http_config config = plain;

	(void)state;
	config.address = "localhost";
	assert_fault(config, "bad_listen_address");
	config.address = "192.0.2.1"; /* not ours */
	assert_fault(config, "cannot_listen");
	config = plain;
	for (size_t i = 0; i < sizeof(bad_ranges) / sizeof(bad_ranges[0]); i++) {
		config.trusted_proxies = bad_ranges[i];
		assert_fault(config, "bad_proxy_address");
	}
}

static void a_port_is_used_once(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct http_server *s;
	struct http_config second = plain;

	assert_null(http_start(ctx, &plain, &s));
	second.port = http_port(s);
	assert_int_not_equal(second.port, 0);
	assert_fault(second, "cannot_listen");
	http_stop(s, clock_steady_ms() + 1000);
	assert_null(http_start(ctx, &second, &s)); /* free again */
	http_stop(s, clock_steady_ms() + 1000);
	http_stop(s, clock_steady_ms() + 1000);
	talloc_free(ctx);
}

/* What a GET from this address is answered with. */
static struct str ask(void *ctx, int family, const char *address, uint16_t port)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	struct sockaddr_storage to = { 0 };
	char *bytes = talloc_zero_size(ctx, 4096);
	size_t n = 0;
	int fd = socket(family, SOCK_STREAM, 0);

	to.ss_family = (sa_family_t)family;
	((struct sockaddr_in6 *)(void *)&to)->sin6_port = htons(port); /* same place in both */
	inet_pton(family, address,
		  family == AF_INET ? (void *)&((struct sockaddr_in *)(void *)&to)->sin_addr
				    : (void *)&((struct sockaddr_in6 *)(void *)&to)->sin6_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)(void *)&to, sizeof(struct sockaddr_in6)),
			 0);
	assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	for (ssize_t got = 1; got > 0; n += (size_t)got) {
		got = recv(fd, bytes + n, 4095 - n, 0);
		assert_true(got >= 0);
	}
	close(fd);
	const char *body = strstr(bytes, "\r\n\r\n");
	assert_non_null(body);
	return str_of(body + 4);
}

static void both_families_are_served(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct http_server *s;
	struct http_config config = plain;

	config.address = "::";
	struct fault *f = http_start(ctx, &config, &s);
	if (f) { /* a machine without IPv6 */
		assert_string_equal(f->code, "cannot_listen");
		talloc_free(ctx);
		skip();
	}
	assert_true(str_eq(ask(ctx, AF_INET, "127.0.0.1", http_port(s)), STR("127.0.0.1")));
	assert_true(str_eq(ask(ctx, AF_INET6, "::1", http_port(s)), STR("::1")));
	struct http_counts counts = http_counts(s);
	assert_int_equal(counts.requests, 2);
	assert_int_equal(counts.refused, 0);
	http_stop(s, clock_steady_ms() + 1000);
	assert_int_equal(http_counts(s).connections, 0);
	talloc_free(ctx);
}

static void what_was_left_open_is_closed(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct http_server *s;
	int fds[8];
	char byte;

	assert_null(http_start(ctx, &plain, &s));
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(http_port(s)) };
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	for (size_t i = 0; i < 8; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&to, sizeof(to)), 0);
		if (i % 2)
			assert_int_equal(send(fds[i], "GET / HTTP", 10, 0), 10);
	}
	while (http_counts(s).connections < 8)
		usleep(1000);
	int64_t started = clock_steady_ms();
	http_stop(s, started + 300);
	int64_t took_ms = clock_steady_ms() - started;
	assert_true(took_ms >= 290 && took_ms < 2500); /* half a head may still be completed */
	for (size_t i = 0; i < 8; i++) {
		assert_true(recv(fds[i], &byte, 1, 0) <= 0);
		close(fds[i]);
	}
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_configurations_are_told),
		cmocka_unit_test(a_port_is_used_once),
		cmocka_unit_test(both_families_are_served),
		cmocka_unit_test(what_was_left_open_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
