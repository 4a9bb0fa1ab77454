/* pool.c - connections: made when first needed, kept warm, never reused broken.
 *
 * A pool is bounded and so is the wait for it; whoever waits too long gets a
 * 503. After a lost connection the whole generation is closed, because a
 * restarted server has forgotten all of them, and reconnecting backs off so
 * that a dead server is not hammered. The lock is never held while connecting. */
#include "db/db_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MOST_MS 2000

static void ignore_notice(void *arg, const PGresult *notice)
{
	(void)arg;
	(void)notice;
}

struct fault *conn_open(const void *ctx, const char *conninfo, const char *options, PGconn **ret_pg)
{
	const char *const keys[] = { "dbname",
				     "options",
				     "fallback_application_name",
				     "client_encoding",
				     "connect_timeout",
				     "keepalives_idle",
				     "keepalives_interval",
				     "tcp_user_timeout",
				     NULL };
	const char *const values[] = { conninfo, options, "bulkhead", "UTF8", "3",
				       "30",	 "10",	  "20000",    NULL };
	PGconn *pg = PQconnectdbParams(keys, values, 1);

	if (PQstatus(pg) != CONNECTION_OK) {
		struct fault *f = DB_UNAVAILABLE(ctx, "database_unavailable", PQerrorMessage(pg));
		PQfinish(pg);
		return f;
	}
	PQsetNoticeReceiver(pg, ignore_notice, NULL);
	*ret_pg = pg;
	return NULL;
}

/* ---- statements of a connection ---- */

static size_t statement_slot(const struct conn *c, const struct db_query *q, const char *sql)
{
	uintptr_t at = (uintptr_t)q ^ ((uintptr_t)sql << 7);
	size_t slot = (size_t)(at * 0x9e3779b97f4a7c15U >> 32) & (c->statement_room - 1);

	while (c->statements[slot].query &&
	       (c->statements[slot].query != q || c->statements[slot].sql != sql))
		slot = (slot + 1) & (c->statement_room - 1);
	return slot;
}

static void statements_grow(struct conn *c)
{
	struct statement *old = c->statements;
	size_t old_room = c->statement_room;

	c->statement_room = old_room ? old_room * 2 : 64;
	c->statements = talloc_zero_size(c, c->statement_room * sizeof(struct statement));
	for (size_t i = 0; i < old_room; i++) {
		if (old[i].query)
			c->statements[statement_slot(c, old[i].query, old[i].sql)] = old[i];
	}
	talloc_free(old);
}

struct statement *conn_statement(struct conn *c, const struct db_query *q)
{
	if ((c->statement_count + 1) * 2 > c->statement_room)
		statements_grow(c);
	struct statement *s = &c->statements[statement_slot(c, q, q->sql)];
	if (!s->query) {
		s->query = q;
		s->sql = q->sql;
		snprintf(s->name, sizeof(s->name), "q%zu", c->statement_count++ % 1000000000);
	}
	return s;
}

/* ---- pool ---- */

static int conn_free(struct conn *c)
{
	PQfinish(c->pg);
	return 0;
}

static struct fault *conn_new(const void *ctx, struct pool *pool, struct conn **ret_conn)
{
	PGconn *pg;

	TRY(conn_open(ctx, pool->db->config.conninfo[pool->role], pool->db->options, &pg));
	struct conn *c = talloc_zero(NULL, struct conn);
	c->pg = pg;
	c->pool = pool;
	talloc_set_destructor(c, conn_free);
	PQenterPipelineMode(pg);
	*ret_conn = c;
	return NULL;
}

/* Has the server hung up (or said that it will)? An idle connection has
 * nothing to read. */
static bool conn_is_silent(const struct conn *c)
{
	char byte;
	ssize_t n = recv(PQsocket(c->pg), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static struct timespec steady_time(int64_t ms)
{
	return (struct timespec){ .tv_sec = (time_t)(ms / 1000),
				  .tv_nsec = (long)(ms % 1000) * 1000000 };
}

/* Newest idle connection that may be trusted; NULL if there is none. Called
 * and left with the lock held. */
static struct conn *take_idle(struct pool *pool)
{
	while (pool->idle) {
		struct conn *c = pool->idle;
		pool->idle = c->next;
		if (c->generation == pool->generation && conn_is_silent(c))
			return c;
		pool->open--;
		talloc_free(c);
	}
	return NULL;
}

/* Called and left with the lock held; gives it up while connecting. */
static struct fault *connect_one(const void *ctx, struct pool *pool, struct conn **ret_conn)
{
	pool->open++;
	unsigned generation = pool->generation;
	pthread_mutex_unlock(&pool->lock);
	struct fault *f = conn_new(ctx, pool, ret_conn);
	pthread_mutex_lock(&pool->lock);
	if (!f) {
		(*ret_conn)->generation = generation;
		pool->backoff_ms = BACKOFF_FIRST_MS;
		return NULL;
	}
	pool->open--;
	pool->down_until_ms = clock_steady_ms() + pool->backoff_ms;
	pool->backoff_ms =
		pool->backoff_ms * 2 < BACKOFF_MOST_MS ? pool->backoff_ms * 2 : BACKOFF_MOST_MS;
	pthread_cond_broadcast(&pool->changed);
	return f;
}

static struct fault *take_locked(const void *ctx, struct pool *pool, int64_t deadline_ms,
				 struct conn **ret_conn)
{
	struct fault *last = NULL;

	for (;;) {
		int64_t now_ms = clock_steady_ms();
		if (pool->closing)
			return DB_UNAVAILABLE(ctx, "shutting_down", "the pool is closing");
		*ret_conn = take_idle(pool);
		if (*ret_conn)
			return NULL;
		if (pool->open < pool->size && now_ms >= pool->down_until_ms) {
			last = connect_one(ctx, pool, ret_conn);
			if (!last)
				return NULL;
			continue;
		}
		if (now_ms >= deadline_ms)
			return last ? last
				    : DB_UNAVAILABLE(ctx, "database_busy", "no free connection");
		int64_t until_ms = deadline_ms;
		if (pool->open < pool->size && pool->down_until_ms < until_ms)
			until_ms = pool->down_until_ms;
		struct timespec until = steady_time(until_ms);
		pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
	}
}

struct fault *pool_take(const void *ctx, struct pool *pool, int64_t deadline_ms,
			struct conn **ret_conn)
{
	pthread_mutex_lock(&pool->lock);
	struct fault *f = take_locked(ctx, pool, deadline_ms, ret_conn);
	pthread_mutex_unlock(&pool->lock);
	return f;
}

enum condition { WHOLE, LATE, BROKEN };

static void give(struct conn *c, enum condition condition)
{
	struct pool *pool = c->pool;

	pthread_mutex_lock(&pool->lock);
	if (condition == WHOLE && c->generation == pool->generation && !pool->closing) {
		c->next = pool->idle;
		pool->idle = c;
		c = NULL;
	} else {
		if (condition == BROKEN && c->generation == pool->generation)
			pool->generation++;
		pool->open--;
	}
	pthread_cond_signal(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	talloc_free(c);
}

void pool_give(struct conn *c)
{
	bool is_idle =
		PQstatus(c->pg) == CONNECTION_OK && PQtransactionStatus(c->pg) == PQTRANS_IDLE;

	give(c, is_idle ? WHOLE : LATE);
}

void pool_give_broken(struct conn *c)
{
	give(c, BROKEN);
}

void pool_give_late(struct conn *c)
{
	give(c, LATE);
}

struct fault *pool_open(struct db *db, enum db_role role)
{
	struct pool *pool = &db->pools[role];
	pthread_condattr_t steady;

	pool->db = db;
	pool->role = role;
	pool->size = db->config.conninfo[role] ? db->config.pool_size[role] : 0;
	pool->backoff_ms = BACKOFF_FIRST_MS;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->changed, &steady);
	pthread_condattr_destroy(&steady);
	return NULL;
}

/* Waits for those who still hold a connection: they were told to stop before. */
void pool_close(struct pool *pool)
{
	struct timespec until = steady_time(clock_steady_ms() + 10000);

	pthread_mutex_lock(&pool->lock);
	pool->closing = true;
	pthread_cond_broadcast(&pool->changed);
	for (;;) {
		while (pool->idle) {
			struct conn *c = pool->idle;
			pool->idle = c->next;
			pool->open--;
			talloc_free(c);
		}
		if (pool->open == 0 ||
		    pthread_cond_timedwait(&pool->changed, &pool->lock, &until) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
}
