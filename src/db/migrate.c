/* migrate.c - brings the schema up to the program, or says why it will not.
 *
 * The list of the program and the ledger core.migrations must tell the same
 * story: what was applied is unchanged (SHA-256 of the text) and nothing stands
 * in the ledger that the program does not know. Each migration and its ledger
 * row are one transaction; an advisory lock lets one node work while the
 * others wait. Migrations that cannot run in a transaction have no place here. */
#include "db/db_internal.h"

#include <stdlib.h>

struct migrator {
	const void *ctx;
	PGconn *pg;
};

static int migrator_free(struct migrator *m)
{
	PQfinish(m->pg);
	return 0;
}

/* Line of the text at which the server stumbled; 0 if it did not say. */
static int error_line(const PGresult *r, const char *sql)
{
	const char *position = PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION);
	long characters = position ? strtol(position, NULL, 10) : 0;
	int line = characters > 0 ? 1 : 0;

	for (; characters > 1 && *sql; sql++) {
		characters -= (*sql & 0xc0) != 0x80;
		line += *sql == '\n';
	}
	return line;
}

static struct fault *failed(const struct migrator *m, const PGresult *r, const char *what,
			    const char *sql)
{
	const char *hint = PQresultErrorField(r, PG_DIAG_CONTEXT);
	struct fault *f = FAULT(m->ctx, FAULT_CONFLICT, "migration_failed",
				"The database could not be brought up to date (%s).", what);

	return fault_detail(f, "%s, line %d: %s%s%s", what, error_line(r, sql),
			    PQresultErrorMessage(r), hint ? " in " : "", hint ? hint : "");
}

/* Runs a text that may hold many statements. */
static struct fault *execute(const struct migrator *m, const char *what, const char *sql)
{
	PGresult *r = PQexec(m->pg, sql);
	ExecStatusType status = PQresultStatus(r);
	struct fault *f = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
				  ? NULL
				  : failed(m, r, what, sql);

	PQclear(r);
	return f;
}

static struct fault *ask(const struct migrator *m, const char *what, const char *sql,
			 const char *const values[3], int count, struct db_result **ret_result)
{
	PGresult *r = PQexecParams(m->pg, sql, count, NULL, values, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(r);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
		*ret_result = result_new(m, r);
		return NULL;
	}
	struct fault *f = failed(m, r, what, "");
	PQclear(r);
	return f;
}

static struct fault *open_ledger(const struct migrator *m)
{
	int version = PQserverVersion(m->pg);

	/* 15.20 closes holes in row security (reference/security-and-reliability.md 2.1) */
	if (version < 150020)
		return FAULT(m->ctx, FAULT_CONFLICT, "server_too_old",
			     "PostgreSQL 15.20 or newer is needed; this is %d.%d.", version / 10000,
			     version % 10000);
	TRY(execute(m, "waiting for another node that migrates",
		    "set lock_timeout = '120s';"
		    "select pg_advisory_lock(hashtextextended('bulkhead migrations', 0));"
		    "set lock_timeout = '10s'"));
	return execute(m, "the ledger",
		       "create schema if not exists core;"
		       "create table if not exists core.migrations ("
		       " module text not null,"
		       " name text not null,"
		       " checksum text not null,"
		       " applied_at timestamptz not null default now(),"
		       " primary key (module, name))");
}

static const struct db_migration *find(const struct db_migration *list, size_t count,
				       struct str module, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(module, str_of(list[i].module)) && str_eq(name, str_of(list[i].name)))
			return &list[i];
	}
	return NULL;
}

static struct fault *refuse_newer(const struct migrator *m, const struct db_migration *list,
				  size_t count)
{
	struct db_result *rows;

	TRY(ask(m, "the ledger",
		"select module, name from core.migrations order by applied_at, module, name", NULL,
		0, &rows));
	for (size_t i = 0; i < db_rows(rows); i++) {
		struct str module = db_text(rows, i, 0), name = db_text(rows, i, 1);
		if (!find(list, count, module, name))
			return FAULT(m->ctx, FAULT_CONFLICT, "schema_newer",
				     "The database is newer than this program: it knows no "
				     "migration %.*s/%.*s.",
				     STR_ARG(module), STR_ARG(name));
	}
	return NULL;
}

static struct fault *apply(const struct migrator *m, const struct db_migration *one)
{
	const char *const values[] = { one->module, one->name, one->sql };
	char *what = talloc_asprintf(m, "%s/%s", one->module, one->name);
	struct db_result *r;

	TRY(execute(m, what, "begin"));
	TRY(execute(m, what, one->sql));
	TRY(ask(m, what,
		"insert into core.migrations (module, name, checksum)"
		" values ($1, $2, encode(sha256(convert_to($3, 'UTF8')), 'hex'))",
		values, 3, &r));
	return execute(m, what, "commit");
}

/* Applies it unless the ledger has it; the ledger's checksum must be its own. */
static struct fault *consider(const struct migrator *m, const struct db_migration *one,
			      int *applied)
{
	const char *const values[] = { one->module, one->name, one->sql };
	struct db_result *r;

	TRY(ask(m, one->name,
		"select checksum = encode(sha256(convert_to($3, 'UTF8')), 'hex')"
		" from core.migrations where module = $1 and name = $2",
		values, 3, &r));
	if (db_rows(r) == 0) {
		++*applied;
		return apply(m, one);
	}
	if (!db_bool(r, 0, 0))
		return FAULT(m->ctx, FAULT_CONFLICT, "migration_edited",
			     "Migration %s/%s was edited after it had been applied.", one->module,
			     one->name);
	return NULL;
}

/* What must fit the schema as a whole. */
static struct fault *finish(const struct migrator *m)
{
	TRY(execute(m, "partitions", "select core.maintain_partitions()"));
	return execute(m, "masked columns",
		       "do $$ begin if to_regprocedure('core.refresh_audit()') is not null then"
		       " perform core.refresh_audit(); end if; end $$");
}

static struct fault *migrate(struct migrator *m, const char *owner_conninfo,
			     const struct db_migration *list, size_t count, int *applied)
{
	TRY(conn_open(m->ctx, owner_conninfo, "-c statement_timeout=0 -c timezone=UTC", &m->pg));
	TRY(open_ledger(m));
	TRY(refuse_newer(m, list, count));
	for (size_t i = 0; i < count; i++)
		TRY(consider(m, &list[i], applied));
	return count > 0 ? finish(m) : NULL;
}

struct fault *db_migrate(const void *ctx, const char *owner_conninfo,
			 const struct db_migration *list, size_t count, int *ret_applied)
{
	struct migrator *m = talloc_zero(ctx, struct migrator);

	m->ctx = ctx;
	talloc_set_destructor(m, migrator_free);
	*ret_applied = 0;
	struct fault *f = migrate(m, owner_conninfo, list, count, ret_applied);
	talloc_free(m); /* closes the connection, which frees the lock */
	return f;
}

/* ---- the question of /readyz ---- */

static const struct db_query ledger_exists = {
	.name = "ledger_exists",
	.sql = "select to_regclass('core.migrations') is not null",
	.column_count = 1,
	.returns_rows = true,
};

static const enum db_type three_texts[] = { DB_TEXTS, DB_TEXTS, DB_TEXTS };
static const struct db_query ledger_agrees = {
	.name = "ledger_agrees",
	.sql = "select (select count(*) from core.migrations) = cardinality($1)"
	       " and (select count(*) from unnest($1, $2, $3) as w (module, name, sql)"
	       " join core.migrations m on m.module = w.module and m.name = w.name"
	       " where m.checksum = encode(sha256(convert_to(w.sql, 'UTF8')), 'hex'))"
	       " = cardinality($1)",
	.param_count = 3,
	.param_types = three_texts,
	.column_count = 1,
	.returns_rows = true,
};

static struct fault *ask_ledger(struct tx *tx, const struct db_migration *list, size_t count,
				bool *ret_is_current)
{
	struct str *texts = talloc_size(tx, 3 * count * sizeof(*texts) + 1);
	struct db_result *r;

	for (size_t i = 0; i < count; i++) {
		texts[i] = str_of(list[i].module);
		texts[count + i] = str_of(list[i].name);
		texts[2 * count + i] = str_of(list[i].sql);
	}
	const struct db_param params[] = {
		{ .array = texts, .array_count = count },
		{ .array = texts + count, .array_count = count },
		{ .array = texts + 2 * count, .array_count = count },
	};
	*ret_is_current = false;
	TRY(tx_run(tx, &ledger_exists, NULL, &r));
	if (!db_bool(r, 0, 0))
		return NULL;
	TRY(tx_run(tx, &ledger_agrees, params, &r));
	*ret_is_current = db_bool(r, 0, 0);
	return NULL;
}

struct fault *db_migrated(const void *ctx, struct db *db, const struct db_migration *list,
			  size_t count, bool *ret_is_current)
{
	struct tx *tx = tx_new(ctx, db, DB_APP, TX_READ, NULL);
	struct fault *f = ask_ledger(tx, list, count, ret_is_current);

	talloc_free(tx);
	return f;
}
