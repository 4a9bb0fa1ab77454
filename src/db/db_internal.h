/* db_internal.h - what the files of src/db share: connections, pools, encoded
 * statements. Nobody else includes it.
 *
 * A connection lives in pipeline mode from birth to death and belongs to one
 * thread at a time: the pool's while idle, a transaction's while taken. It owns
 * a talloc context of its own, so that threads never share one. */
#pragma once

#include "db/db.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"

#include <libpq-fe.h>
#include <pthread.h>

/* A statement known to one connection; the key is the query's address, checked
 * by the text's address, so a reused address never runs another text. */
struct statement {
	const struct db_query *query;
	const char *sql;
	bool is_prepared;
	char name[12];
};

struct conn {
	PGconn *pg;
	struct pool *pool;
	struct conn *next; /* in the pool's idle list */
	unsigned generation;
	struct statement *statements;
	size_t statement_room; /* a power of two; open addressing */
	size_t statement_count;
};

struct pool {
	struct db *db;
	enum db_role role;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct conn *idle; /* newest first: its caches are warm */
	int open;
	int size;
	unsigned generation; /* connections of an older one are closed, not reused */
	int64_t down_until_ms;
	int backoff_ms;
	bool closing;
};

struct db {
	struct db_config config;
	char options[256];
	struct map *constraints;
	struct pool pools[DB_ROLES];
};

/* A connection, waiting at most until deadline (steady ms). */
struct fault *pool_take(const void *ctx, struct pool *pool, int64_t deadline_ms,
			struct conn **ret_conn);
/* Idle and whole: back to the others; anything else is closed. */
void pool_give(struct conn *c);
/* The connection broke while in use: none of its generation is trusted. */
void pool_give_broken(struct conn *c);
/* Its answer did not come in time: closed, the others are not suspected. */
void pool_give_late(struct conn *c);
struct fault *pool_open(struct db *db, enum db_role role);
void pool_close(struct pool *pool);

/* One connection outside the pools (migrations, notifier, bootstrap). */
struct fault *conn_open(const void *ctx, const char *conninfo, const char *options,
			PGconn **ret_pg);
struct statement *conn_statement(struct conn *c, const struct db_query *q);

/* ---- statements on their way ---- */

struct pending {
	const struct db_query *query;
	int count;
	const char **values;
	int *lengths;
	int *formats;
	struct pending *next;
};

extern const unsigned db_type_oids[]; /* by enum db_type */

/* Encodes parameters for the binary protocol; everything is owned by ctx. Texts
 * are copied when copy is set, else borrowed until the statement was sent. */
struct fault *pending_new(const void *ctx, const struct db_query *q, const struct db_param *params,
			  bool copy, struct pending **ret_pending);

/* ---- results ---- */

struct db_result {
	PGresult *pg;
};

/* Takes pg over. */
struct db_result *result_new(const void *ctx, PGresult *pg);

/* ---- faults ---- */

/* The fault for an error result; what names the statement, for the log. */
struct fault *db_fault(const void *ctx, struct db *db, const PGresult *pg, const char *what);
struct fault *db_fault_unavailable(const void *ctx, const char *file, int line, const char *code,
				   const char *detail);
#define DB_UNAVAILABLE(ctx, code, detail)                                                          \
	db_fault_unavailable(ctx, __FILE__, __LINE__, code, detail)
