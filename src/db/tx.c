/* tx.c - a transaction: begun lazily, pipelined, with its scope.
 *
 * One exchange with the server is: [begin] enter, held-back statements, the
 * query, [commit], Sync - one round trip. A TX_READ is one implicit
 * transaction an exchange (no begin, no commit; nothing is held open between
 * two queries, and the access stamps are checked each time). A TX_WRITE stays
 * open until tx_commit or tx_end. A statement that fails skips the rest of its
 * exchange on the server; the first error is the one that counts.
 *
 * A connection lost before anything could have been committed is replaced
 * once, silently; otherwise the caller gets FAULT_UNAVAILABLE. */
#include "db/db_internal.h"

#include "base/clock.h"
#include "base/json.h"

#include <poll.h>
#include <stdlib.h>

#define SCOPE_JSON_MAX_BYTES 16384
#define NOT_HELD SIZE_MAX
#define GRACE_MS 5000 /* beyond the server's own statement_timeout */

struct hook {
	void (*fn)(void *arg);
	void *arg;
};

struct tx {
	const void *mem;
	struct db *db;
	enum db_role role;
	enum tx_mode mode;
	struct scope scope;
	struct conn *conn; /* NULL: none taken */
	struct pending *enter;
	VEC(const struct pending *) held;
	VEC(struct hook) hooks;
	unsigned wakes;
	int within_ms; /* bound of one exchange, 0: from statement_timeout */
	bool is_begun; /* the server has an open transaction */
	bool has_failed;
	bool is_over;
	/* the one savepoint */
	size_t savepoint_at; /* its place among the held, NOT_HELD once sent */
	bool savepoint_is_set;
	size_t savepoint_hooks;
	unsigned savepoint_wakes;
};

#define CONTROL(name_, sql_)                                                                       \
	static const struct db_query name_##_query = { .name = #name_, .sql = sql_ };              \
	static const struct pending name_ = { .query = &name_##_query }

CONTROL(begin_tx, "begin");
CONTROL(commit_tx, "commit");
CONTROL(rollback_tx, "rollback");
CONTROL(set_savepoint, "savepoint step");
CONTROL(release_savepoint, "release savepoint step");
CONTROL(back_to_savepoint, "rollback to savepoint step");

/* What core.enter says, inline: a PL/pgSQL call would cost more than all of
 * this (docs/adr/0010-scope-in-one-round-trip.md). */
#define ENTER_SQL                                                                                  \
	"select num_nulls(set_config('app.tenant', $1, true), set_config('app.user', $2, true),"   \
	" set_config('app.actor', $3, true), set_config('app.request', $4, true),"                 \
	" set_config('transaction_read_only', $5, true)"
/* A list of known length and not an array parameter: for one of unknown length
 * the planner would think again each time. */
#define STAMPS_SQL                                                                                 \
	", case when exists (select from core.access_stamps s where s.id in ($6, $8, $10, $12)"    \
	" and s.stamp <> case s.id when $6 then $7 when $8 then $9 when $10 then $11 else $13"     \
	" end) then core.stale_access() end"
#define STAMPS_MAX 4

static const enum db_type enter_types[] = { DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT,
					    DB_UUID, DB_INT,  DB_UUID, DB_INT,	DB_UUID,
					    DB_INT,  DB_UUID, DB_INT };
static const struct db_query enter_plain = {
	.name = "enter", .sql = ENTER_SQL ")", .param_count = 5, .param_types = enter_types
};
static const struct db_query enter_stamped = { .name = "enter",
					       .sql = ENTER_SQL STAMPS_SQL ")",
					       .param_count = 5 + 2 * STAMPS_MAX,
					       .param_types = enter_types };

/* ---- making one ---- */

static struct scope scope_copy(const void *ctx, const struct scope *s)
{
	struct scope copy = *s;

	copy.actor_name = str_copy(ctx, s->actor_name);
	copy.on_behalf = str_copy(ctx, s->on_behalf);
	copy.request_id = str_copy(ctx, s->request_id);
	copy.ip = str_copy(ctx, s->ip);
	copy.user_agent = str_copy(ctx, s->user_agent);
	if (s->stamp_count > 0)
		copy.stamps = talloc_memdup(ctx, s->stamps, s->stamp_count * sizeof(*s->stamps));
	return copy;
}

static int tx_free(struct tx *tx)
{
	tx_end(tx);
	return 0;
}

struct tx *tx_new(const void *ctx, struct db *db, enum db_role role, enum tx_mode mode,
		  const struct scope *scope)
{
	struct tx *tx = talloc_zero(ctx, struct tx);

	tx->mem = ctx;
	tx->db = db;
	tx->role = role;
	tx->mode = mode;
	tx->savepoint_at = NOT_HELD;
	if (scope)
		tx->scope = scope_copy(tx, scope);
	talloc_set_destructor(tx, tx_free);
	return tx;
}

const void *tx_mem(const struct tx *tx)
{
	return tx->mem;
}

bool tx_was_used(const struct tx *tx)
{
	return tx->enter != NULL;
}

const struct scope *tx_scope(const struct tx *tx)
{
	return &tx->scope;
}

enum db_role tx_role(const struct tx *tx)
{
	return tx->role;
}

struct db *tx_db(const struct tx *tx)
{
	return tx->db;
}

void tx_hurry(struct tx *tx, int within_ms)
{
	tx->within_ms = within_ms;
}

/* ---- the scope as parameters ---- */

static struct str uuid_or_empty(const void *ctx, struct uuid id)
{
	return uuid_is_nil(id) ? STR("") : uuid_str(ctx, id);
}

static struct str actor_json(const void *ctx, const struct scope *s)
{
	struct buf b;
	struct json_out w;

	if (!s->actor_kind)
		return STR("");
	buf_init(&b, ctx, SCOPE_JSON_MAX_BYTES);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "kind");
	json_put_str(&w, str_of(s->actor_kind));
	if (!uuid_is_nil(s->actor_id)) {
		char text[UUID_TEXT_SIZE];
		json_key(&w, "id");
		json_put_str(&w, str_of(uuid_format(s->actor_id, text)));
	}
	json_key(&w, "name");
	json_put_str(&w, s->actor_name);
	if (!str_is_null(s->on_behalf)) {
		json_key(&w, "on_behalf");
		json_put_str(&w, s->on_behalf);
	}
	json_close(&w, '}');
	return b.overflowed ? STR("{\"kind\":\"overlong\"}") : buf_view(&b);
}

static struct str request_json(const void *ctx, const struct scope *s)
{
	struct buf b;
	struct json_out w;

	if (str_is_null(s->request_id) && str_is_null(s->ip))
		return STR("");
	buf_init(&b, ctx, SCOPE_JSON_MAX_BYTES);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "id");
	json_put_str(&w, s->request_id);
	json_key(&w, "ip");
	json_put_str(&w, s->ip);
	json_key(&w, "user_agent");
	json_put_str(&w, s->user_agent);
	json_close(&w, '}');
	return b.overflowed ? STR("{}") : buf_view(&b);
}

static struct fault *make_enter(struct tx *tx)
{
	const struct scope *s = &tx->scope;
	bool writes = tx->mode == TX_WRITE; /* actor and request are for the audit list */
	struct db_param params[5 + 2 * STAMPS_MAX] = {
		{ .text = uuid_or_empty(tx, s->tenant) },
		{ .text = uuid_or_empty(tx, s->user) },
		{ .text = writes ? actor_json(tx, s) : STR("") },
		{ .text = writes ? request_json(tx, s) : STR("") },
		{ .text = writes ? STR("off") : STR("on") },
	};

	if (s->stamp_count > STAMPS_MAX)
		return FAULT_BUG(tx->mem, "a scope has at most %d stamps", STAMPS_MAX);
	for (size_t i = 0; i < s->stamp_count; i++) {
		params[5 + 2 * i].uuid = s->stamps[i].id;
		params[6 + 2 * i].number = s->stamps[i].stamp;
	}
	return pending_new(tx, s->stamp_count > 0 ? &enter_stamped : &enter_plain, params, false,
			   &tx->enter);
}

/* ---- one exchange ---- */

struct step {
	const struct pending *what;
	struct statement *statement;
	bool is_preparation;
};

struct exchange {
	struct tx *tx;
	int64_t deadline_ms; /* -1: none */
	VEC(struct step) steps;
	PGresult *last;	 /* of the last statement that is no commit */
	PGresult *error; /* the first */
	const char *error_at;
	bool is_lost; /* the connection is gone, or given up */
	bool is_late; /* given up: the deadline has passed */
};

static void say(struct exchange *x, const struct pending *p)
{
	PGconn *pg = x->tx->conn->pg;
	struct statement *s = conn_statement(x->tx->conn, p->query);

	if (!s->is_prepared) {
		Oid types[64] = { 0 };
		for (int i = 0; i < p->count && i < 64; i++)
			types[i] = db_type_oids[p->query->param_types[i]];
		x->is_lost |=
			!PQsendPrepare(pg, s->name, s->sql, p->count < 64 ? p->count : 64, types);
		*VEC_ADD(&x->steps, x->tx) = (struct step){ p, s, true };
		s->is_prepared = true; /* taken back if it fails */
	}
	x->is_lost |=
		!PQsendQueryPrepared(pg, s->name, p->count, p->values, p->lengths, p->formats, 0);
	*VEC_ADD(&x->steps, x->tx) = (struct step){ p, s, false };
}

/* The next result as PQgetResult gives it, waiting no longer than the deadline. */
static PGresult *next_result(struct exchange *x)
{
	PGconn *pg = x->tx->conn->pg;

	while (PQisBusy(pg)) {
		struct pollfd fd = { .fd = PQsocket(pg), .events = POLLIN };
		int64_t left_ms = -1;
		if (x->deadline_ms >= 0) {
			left_ms = x->deadline_ms - clock_steady_ms();
			left_ms = left_ms > 0 ? left_ms : 0;
		}
		int ready = poll(&fd, 1, (int)left_ms);
		if (ready == 0 || (ready > 0 && !PQconsumeInput(pg))) {
			x->is_late = ready == 0;
			x->is_lost = true;
			return NULL;
		}
	}
	PGresult *r = PQgetResult(pg);
	if (!r && PQstatus(pg) != CONNECTION_OK)
		x->is_lost = true;
	return r;
}

static void keep(PGresult **slot, PGresult *r)
{
	PQclear(*slot);
	*slot = r;
}

static void take_error(struct exchange *x, const struct step *step, PGresult *r)
{
	if (step->is_preparation)
		step->statement->is_prepared = false;
	if (x->error || PQresultStatus(r) == PGRES_PIPELINE_ABORTED) {
		PQclear(r);
		return;
	}
	x->error = r;
	x->error_at = step->what->query->name;
}

static void take_result(struct exchange *x, const struct step *step, PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		take_error(x, step, r);
	} else if (step->is_preparation) {
		PQclear(r);
	} else if (step->what == &commit_tx && strcmp(PQcmdStatus(r), "COMMIT") != 0) {
		x->error = r; /* "ROLLBACK": cannot happen unless has_failed was missed */
		x->error_at = "commit";
	} else if (step->what == &commit_tx) {
		PQclear(r); /* the rows are those of the statement before it */
	} else {
		x->tx->is_begun |= step->what == &begin_tx;
		x->tx->savepoint_is_set |= step->what == &set_savepoint;
		keep(&x->last, r);
	}
}

static void collect(struct exchange *x)
{
	size_t i = 0;

	while (!x->is_lost) {
		PGresult *r = next_result(x);
		if (!r) {
			i++;
			continue;
		}
		if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
			PQclear(r);
			return;
		}
		if (i < x->steps.n)
			take_result(x, &x->steps.v[i], r);
		else
			PQclear(r);
	}
}

static int exchange_ms(const struct tx *tx, size_t steps)
{
	if (tx->within_ms > 0)
		return tx->within_ms;
	if (tx->db->config.statement_timeout_ms <= 0)
		return -1;
	return tx->db->config.statement_timeout_ms * (steps < 4 ? (int)steps : 4) + GRACE_MS;
}

static void converse(struct exchange *x, const struct pending *query, bool commits)
{
	struct tx *tx = x->tx;

	if (tx->mode == TX_WRITE && !tx->is_begun)
		say(x, &begin_tx);
	if (!tx->is_begun)
		say(x, tx->enter);
	for (size_t i = 0; i < tx->held.n; i++)
		say(x, tx->held.v[i]);
	if (query)
		say(x, query);
	if (commits)
		say(x, &commit_tx);
	x->is_lost |= !PQpipelineSync(tx->conn->pg);
	int ms = exchange_ms(tx, x->steps.n);
	x->deadline_ms = ms < 0 ? -1 : clock_steady_ms() + ms;
	collect(x);
}

static void drop_connection(struct exchange *x)
{
	if (x->is_late)
		pool_give_late(x->tx->conn);
	else
		pool_give_broken(x->tx->conn);
	x->tx->conn = NULL;
}

static struct fault *ensure_connection(struct tx *tx)
{
	if (tx->conn)
		return NULL;
	int wait_ms = tx->within_ms > 0 ? tx->within_ms : tx->db->config.wait_ms;
	return pool_take(tx->mem, &tx->db->pools[tx->role], clock_steady_ms() + wait_ms, &tx->conn);
}

static bool says_goodbye(const PGresult *error)
{
	const char *state = error ? PQresultErrorField(error, PG_DIAG_SQLSTATE) : NULL;

	return state && strncmp(state, "57P", 3) == 0;
}

/* Sends everything held and the query, waits for the answer. The error of the
 * server or the loss of the connection becomes the fault. */
static struct fault *exchange_once(struct tx *tx, const struct pending *query, bool commits,
				   struct db_result **ret_result, bool *ret_may_retry)
{
	struct exchange x = { .tx = tx };
	bool was_begun = tx->is_begun;
	struct fault *f = NULL;

	*ret_may_retry = false;
	TRY(ensure_connection(tx));
	converse(&x, query, commits);
	if (x.is_lost || says_goodbye(x.error)) {
		*ret_may_retry = !was_begun && !x.is_late && !(commits && tx->mode == TX_WRITE);
		f = DB_UNAVAILABLE(tx->mem, commits ? "commit_unknown" : "database_lost",
				   x.error ? PQresultErrorMessage(x.error)
					   : PQerrorMessage(tx->conn->pg));
		drop_connection(&x);
		tx->is_begun = false;
		tx->has_failed = tx->mode == TX_WRITE;
		keep(&x.last, NULL);
	} else if (x.error) {
		f = db_fault(tx->mem, tx->db, x.error, x.error_at);
		tx->has_failed = tx->mode == TX_WRITE;
		keep(&x.last, NULL);
	}
	PQclear(x.error);
	talloc_free(x.steps.v);
	if (ret_result && x.last)
		*ret_result = result_new(tx->mem, x.last);
	else
		PQclear(x.last);
	return f;
}

static struct fault *exchange(struct tx *tx, const struct pending *query, bool commits,
			      struct db_result **ret_result)
{
	bool may_retry;

	if (tx->is_over)
		return FAULT_BUG(tx->mem, "the transaction is over");
	if (tx->has_failed)
		return FAULT_BUG(tx->mem, "a statement of this transaction has failed before");
	if (!tx->enter)
		TRY(make_enter(tx));
	struct fault *f = exchange_once(tx, query, commits, ret_result, &may_retry);
	if (f && may_retry) {
		tx->has_failed = false;
		f = exchange_once(tx, query, commits, ret_result, &may_retry);
	}
	tx->held.n = 0;
	tx->savepoint_at = NOT_HELD;
	return f;
}

/* ---- statements ---- */

static struct fault *run(struct tx *tx, const struct db_query *q, const struct db_param *params,
			 struct db_result **ret_result)
{
	struct pending *p;

	TRY(pending_new(tx->mem, q, params, false, &p));
	struct fault *f = exchange(tx, p, false, ret_result);
	talloc_free(p);
	return f;
}

struct fault *tx_run(struct tx *tx, const struct db_query *q, const struct db_param *params,
		     struct db_result **ret_result)
{
	return run(tx, q, params, ret_result);
}

struct fault *tx_exec(struct tx *tx, const struct db_query *q, const struct db_param *params,
		      int64_t *ret_affected)
{
	struct db_result *r = NULL;

	TRY(run(tx, q, params, &r));
	const char *tuples = PQcmdTuples(r->pg);
	*ret_affected = *tuples ? strtoll(tuples, NULL, 10) : 0;
	talloc_free(r);
	return NULL;
}

struct fault *tx_finish(struct tx *tx, const struct db_query *q, const struct db_param *params,
			struct db_result **ret_result)
{
	struct pending *p;

	TRY(pending_new(tx->mem, q, params, false, &p));
	struct fault *f = exchange(tx, p, tx->mode == TX_WRITE, ret_result);
	talloc_free(p);
	if (!f)
		tx->is_begun = false;
	return f;
}

struct fault *tx_defer(struct tx *tx, const struct db_query *q, const struct db_param *params)
{
	struct pending *p;

	if (tx->mode == TX_READ)
		return FAULT_BUG(tx->mem, "%s: nothing is written in a TX_READ", q->name);
	TRY(pending_new(tx, q, params, true, &p));
	*VEC_ADD(&tx->held, tx) = p;
	return NULL;
}

/* ---- savepoint ---- */

struct fault *tx_savepoint(struct tx *tx)
{
	if (tx->mode == TX_READ)
		return FAULT_BUG(tx->mem, "a TX_READ has no savepoint");
	if (tx->savepoint_is_set || tx->savepoint_at != NOT_HELD)
		*VEC_ADD(&tx->held, tx) = &release_savepoint;
	tx->savepoint_at = tx->held.n;
	*VEC_ADD(&tx->held, tx) = &set_savepoint;
	tx->savepoint_hooks = tx->hooks.n;
	tx->savepoint_wakes = tx->wakes;
	return NULL;
}

struct fault *tx_rollback_to_savepoint(struct tx *tx)
{
	if (tx->savepoint_at != NOT_HELD) {
		tx->held.n = tx->savepoint_at + 1;
	} else if (tx->savepoint_is_set && tx->conn) {
		tx->held.n = 0;
		*VEC_ADD(&tx->held, tx) = &back_to_savepoint;
		tx->has_failed = false;
	} else {
		return FAULT_BUG(tx->mem, "there is no savepoint to go back to");
	}
	tx->hooks.n = tx->savepoint_hooks;
	tx->wakes = tx->savepoint_wakes;
	return NULL;
}

/* ---- the end ---- */

void tx_wake(struct tx *tx, unsigned wakes)
{
	tx->wakes |= wakes;
}

void tx_on_commit(struct tx *tx, void (*fn)(void *arg), void *arg)
{
	*VEC_ADD(&tx->hooks, tx) = (struct hook){ fn, arg };
}

struct fault *tx_commit(struct tx *tx)
{
	if (tx->mode == TX_WRITE && (tx->is_begun || tx->held.n > 0 || tx->has_failed))
		TRY(exchange(tx, NULL, true, NULL));
	tx->is_begun = false;
	tx_end(tx);
	if (tx->wakes && tx->db->config.committed)
		tx->db->config.committed(tx->db->config.arg, tx->wakes);
	for (size_t i = 0; i < tx->hooks.n; i++)
		tx->hooks.v[i].fn(tx->hooks.v[i].arg);
	return NULL;
}

static void roll_back(struct tx *tx)
{
	struct exchange x = { .tx = tx };
	int ms = exchange_ms(tx, 1);

	say(&x, &rollback_tx);
	x.is_lost |= !PQpipelineSync(tx->conn->pg);
	x.deadline_ms = ms < 0 ? -1 : clock_steady_ms() + ms;
	collect(&x);
	PQclear(x.last);
	PQclear(x.error);
	talloc_free(x.steps.v);
	if (x.is_lost)
		drop_connection(&x);
}

void tx_end(struct tx *tx)
{
	if (tx->conn && tx->is_begun)
		roll_back(tx);
	if (tx->conn)
		pool_give(tx->conn);
	tx->conn = NULL;
	tx->is_begun = false;
	tx->is_over = true;
}
