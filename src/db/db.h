/* db.h - PostgreSQL: pools, transactions with a scope, typed queries.
 *
 * A transaction (struct tx) carries who acts, for which tenant and in which
 * request; domain functions take it and nothing else. It begins lazily: the
 * first query travels with BEGIN and core.enter() - which puts the scope into
 * the session for row security and audit, and checks the access stamps - in
 * one pipelined round trip. Statements without a result are held back and
 * travel with the next one, or with COMMIT. The connection is taken from the
 * pool at the first query and goes back at the end.
 *
 * libpq is seen in this folder only. */
#pragma once

#include "base/fault.h"
#include "base/uuid.h"

#include <stdint.h>

struct db; /* all pools of the program */
struct tx;

enum db_role {
	DB_APP,	     /* requests and jobs of a tenant; row security applies */
	DB_PLATFORM, /* sign-in, claiming jobs, operator: explicit policies only */
	DB_OWNER,    /* migrations only */
	DB_ROLES
};

/* Facts that were true when access was decided; core.enter() compares them with
 * core.access_stamps and fails with code "stale_access" when one has changed
 * (session revoked, role changed, tenant frozen, key revoked). */
struct access_stamp {
	struct uuid id; /* session, user, key or tenant */
	int64_t stamp;
};

struct scope {
	struct uuid tenant;	/* nil: none */
	struct uuid user;	/* nil: no person */
	const char *actor_kind; /* "user", "api_key", "write_key", "system", "anonymous" */
	struct uuid actor_id;	/* user or key */
	struct str actor_name;
	struct str on_behalf; /* impersonation; absent */
	struct str request_id;
	struct str ip;
	struct str user_agent;
	const struct access_stamp *stamps;
	size_t stamp_count; /* at most 4, as in struct principal */
};

/* Bits given to tx_wake; after the commit they reach db_config.committed. */
enum wake { WAKE_EVENTS = 1, WAKE_JOBS = 2, WAKE_INGEST = 4 };

struct db_config {
	const char *conninfo[DB_ROLES]; /* libpq connection strings */
	int pool_size[DB_ROLES];
	int wait_ms; /* for a free connection, then FAULT_UNAVAILABLE */
	int statement_timeout_ms;
	void (*committed)(void *arg, unsigned wakes); /* after a commit, any thread */
	void *arg;
};

struct fault *db_open(const void *ctx, const struct db_config *config, struct db **ret_db);
void db_close(struct db *db);
bool db_is_up(struct db *db); /* a cheap query within 1 s */

/* TX_READ: each query is a transaction of its own, the server refuses writes, and
 * core.actor() and core.request() are not set. TX_WRITE: one transaction. */
enum tx_mode { TX_READ, TX_WRITE };

/* Never touches the network. scope is copied onto ctx. */
struct tx *tx_new(const void *ctx, struct db *db, enum db_role role, enum tx_mode mode,
		  const struct scope *scope);
const void *tx_mem(const struct tx *tx); /* results live here */
bool tx_was_used(const struct tx *tx);	 /* has it spoken with the server (stamps compared)? */
const struct scope *tx_scope(const struct tx *tx);
enum db_role tx_role(const struct tx *tx);
struct db *tx_db(const struct tx *tx);
/* Sends what is held back and commits; the wake bits go out after success. */
struct fault *tx_commit(struct tx *tx);
/* Rolls back if still open; harmless after tx_commit. Gives the connection back. */
void tx_end(struct tx *tx);
/* Bounds the wait for a connection and each exchange, instead of the pool's figures. */
void tx_hurry(struct tx *tx, int within_ms);
void tx_wake(struct tx *tx, unsigned wakes);
/* Runs fn(arg) after a successful commit, never after a rollback. */
void tx_on_commit(struct tx *tx, void (*fn)(void *arg), void *arg);
/* Savepoint for a step that may fail alone. There is one at a time: a new one
 * releases the former. Hooks and wakes of the step are forgotten with it. */
struct fault *tx_savepoint(struct tx *tx);
struct fault *tx_rollback_to_savepoint(struct tx *tx);

/* ---- the runtime under generated queries (tools/gen_queries.py) ---- */

enum db_type {
	DB_TEXT,
	DB_INT,
	DB_BOOL,
	DB_UUID,
	DB_TIME,
	DB_JSON,
	DB_BYTES,
	DB_DOUBLE,
	DB_TEXTS,
	DB_INTS,
	DB_UUIDS,
	DB_TIMES,
	DB_BOOLS,
	DB_JSONS,
	DB_BYTESS
};

/* One statement. The address is its identity: generated ones are static,
 * the resource engine's live as long as the program. */
struct db_query {
	const char *name;
	const char *sql; /* $1 … */
	int param_count;
	const enum db_type *param_types;
	int column_count;
	bool returns_rows; /* false: may be held back */
};

/* A parameter; absent text or is_null means SQL null. Arrays by pointer. */
struct db_param {
	bool is_null;
	struct str text; /* DB_TEXT, DB_JSON, DB_BYTES */
	int64_t number;	 /* DB_INT, DB_BOOL, DB_TIME (wall µs) */
	double real;
	struct uuid uuid;
	const void *array;  /* struct str[], int64_t[], struct uuid[], bool[] */
	size_t array_count; /* an element str with p == NULL is a null element */
};

struct db_result; /* owned by tx_mem */

/* Runs a statement and waits for its rows. Constraint violations become faults
 * through the constraint table (db_constraint_fault). */
struct fault *tx_run(struct tx *tx, const struct db_query *q, const struct db_param *params,
		     struct db_result **ret_result);
/* The same as the last word of a write: the commit travels with it, and the rows
 * count only if both succeed. Nothing may follow but tx_commit, which then costs
 * no round trip. */
struct fault *tx_finish(struct tx *tx, const struct db_query *q, const struct db_param *params,
			struct db_result **ret_result);
/* A statement whose rows nobody needs: held back until the next tx_run or commit. */
struct fault *tx_defer(struct tx *tx, const struct db_query *q, const struct db_param *params);
/* Like tx_run, but returns the affected row count. */
struct fault *tx_exec(struct tx *tx, const struct db_query *q, const struct db_param *params,
		      int64_t *ret_affected);

size_t db_rows(const struct db_result *r);
bool db_is_null(const struct db_result *r, size_t row, int column);
struct str db_text(const struct db_result *r, size_t row, int column); /* absent when null */
int64_t db_int(const struct db_result *r, size_t row, int column);     /* null: 0, also below */
double db_double(const struct db_result *r, size_t row, int column);
bool db_bool(const struct db_result *r, size_t row, int column);
struct uuid db_uuid(const struct db_result *r, size_t row, int column);
int64_t db_time(const struct db_result *r, size_t row, int column); /* wall µs */
struct str db_bytes(const struct db_result *r, size_t row, int column);

/* Names a constraint for people: violation of `constraint` becomes kind/code
 * at `field`. Tables are handed in by the modules at start. */
struct db_constraint {
	const char *constraint;
	const char *field; /* NULL: no field */
	const char *code;
	const char *message;
};
void db_add_constraints(struct db *db, const struct db_constraint *table); /* ends at NULL name */

/* ---- migrations (db/migrate.c) ---- */

struct db_migration {
	const char *module;
	const char *name; /* "001_projects" */
	const char *sql;
};

/* Brings the schema up to date under an advisory lock, each migration in its own
 * transaction, and records checksums. Refuses an edited migration and a
 * database that is newer than the program. Migrations run in the given order. */
struct fault *db_migrate(const void *ctx, const char *owner_conninfo,
			 const struct db_migration *list, size_t count, int *ret_applied);
/* Are all of them applied (no change made)? */
struct fault *db_migrated(const void *ctx, struct db *db, const struct db_migration *list,
			  size_t count, bool *ret_is_current);

/* ---- roles (db/bootstrap.c) ---- */

const char *db_role_name(enum db_role role); /* "bulkhead_app" */
/* Creates what is missing of the roles and, unless database is NULL (then it is
 * the one connected to), of the database, owned by bulkhead_owner. passwords may
 * be NULL: then how roles sign in is the server's business (pg_hba). Harmless
 * when all is there. */
struct fault *db_bootstrap(const void *ctx, const char *admin_conninfo, const char *database,
			   const char *const passwords[DB_ROLES]);
/* The same server and database as conninfo (URL or key=value), as one of the roles. */
struct fault *db_conninfo_as(const void *ctx, const char *conninfo, enum db_role role,
			     const char *password, const char **ret_conninfo);
bool db_answers(const char *conninfo); /* can one connect? waits 3 s at most */

/* ---- wake-ups between nodes (db/notify.c) ---- */

/* One connection of its own that LISTENs on a channel and sends coalesced
 * NOTIFYs (at most one each 2 ms); on_wake runs on its thread. */
struct db_notifier;
struct fault *db_notifier_start(const void *ctx, const char *conninfo, const char *channel,
				void (*on_wake)(void *arg, unsigned wakes), void *arg,
				struct db_notifier **ret_notifier);
void db_notifier_send(struct db_notifier *n, unsigned wakes); /* any thread, never blocks */
void db_notifier_stop(struct db_notifier *n);
