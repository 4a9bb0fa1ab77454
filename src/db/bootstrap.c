/* bootstrap.c - the three roles and the database, made by whoever may.
 *
 * Works for the superuser of the private cluster and for the user of a
 * DATABASE_URL that has CREATEROLE and owns its database. Roles get passwords
 * only when the caller hands some in (as SCRAM verifiers made on this side, so
 * the server never sees or logs the words). When all is there nothing is written,
 * and an advisory lock keeps two starting nodes apart. */
#include "db/db_internal.h"

static const char *const role_names[] = {
	[DB_APP] = "bulkhead_app",
	[DB_PLATFORM] = "bulkhead_platform",
	[DB_OWNER] = "bulkhead_owner",
};

/* $1: role, $2: verifier or null. Answers with the statements to run. */
static const char role_sql[] =
	"select string_agg(line, ';') from (values"
	" (case when not exists (select from pg_roles where rolname = $1)"
	"  then format('create role %I login noinherit nosuperuser nocreatedb nocreaterole"
	" noreplication', $1::text) end),"
	" (case when $2::text is not null"
	"  then format('alter role %I password %L', $1::text, $2::text) end)) as v (line)";

/* $1: database or null for the present one, $2: whether it is to be created. */
static const char create_database_sql[] =
	"select format('create database %I owner bulkhead_owner encoding ''UTF8''"
	" template template0', $1::text)"
	" where not exists (select from pg_database where datname = $1)";

static const char grants_sql[] =
	"select format('revoke all on database %1$I from public;"
	" grant connect, create, temporary on database %1$I to bulkhead_owner;"
	" grant connect on database %1$I to bulkhead_app, bulkhead_platform', $1::text)";

/* Is there nothing to do? Fails when a role does not exist, which is an answer too. */
static const char complete_sql[] =
	"select has_database_privilege('bulkhead_owner', current_database(), 'create')"
	" and has_database_privilege('bulkhead_app', current_database(), 'connect')"
	" and has_database_privilege('bulkhead_platform', current_database(), 'connect')";

const char *db_role_name(enum db_role role)
{
	return role_names[role];
}

static struct fault *sql_fault(const void *ctx, PGconn *pg, const PGresult *r)
{
	struct fault *f = FAULT(ctx, FAULT_CONFLICT, "bootstrap_failed",
				"The database roles could not be made. The user of DATABASE_URL "
				"needs CREATEROLE and must own the database (docs/operations.md).");

	return fault_detail(f, "%s", r ? PQresultErrorMessage(r) : PQerrorMessage(pg));
}

/* Runs a query whose only answer is SQL, then that. */
static struct fault *run_answer(const void *ctx, PGconn *pg, const char *sql, const char *first,
				const char *second)
{
	const char *const values[] = { first, second };
	int count = strstr(sql, "$2") ? 2 : 1;
	PGresult *r = PQexecParams(pg, sql, count, NULL, values, NULL, NULL, 0);
	struct fault *f = NULL;

	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		f = sql_fault(ctx, pg, r);
	} else if (PQntuples(r) == 1 && !PQgetisnull(r, 0, 0)) {
		PGresult *done = PQexec(pg, PQgetvalue(r, 0, 0));
		if (PQresultStatus(done) != PGRES_COMMAND_OK)
			f = sql_fault(ctx, pg, done);
		PQclear(done);
	}
	PQclear(r);
	return f;
}

static struct fault *make_role(const void *ctx, PGconn *pg, const char *name, const char *password)
{
	char *verifier = NULL;

	if (password) {
		verifier = PQencryptPasswordConn(pg, password, name, "scram-sha-256");
		if (!verifier)
			return sql_fault(ctx, pg, NULL);
	}
	struct fault *f = run_answer(ctx, pg, role_sql, name, verifier);
	PQfreemem(verifier);
	return f;
}

static bool is_true(PGconn *pg, const char *sql)
{
	PGresult *r = PQexec(pg, sql);
	bool yes = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1 &&
		   PQgetvalue(r, 0, 0)[0] == 't';

	PQclear(r);
	return yes;
}

/* Do all roles get in with these passwords, and may they what they must? */
static bool is_complete(const void *ctx, PGconn *pg, const char *admin_conninfo,
			const char *const passwords[DB_ROLES])
{
	const char *conninfo;

	if (!is_true(pg, complete_sql))
		return false;
	for (int i = 0; i < DB_ROLES; i++) {
		if (db_conninfo_as(ctx, admin_conninfo, (enum db_role)i, passwords[i], &conninfo) ||
		    !db_answers(conninfo))
			return false;
	}
	return true;
}

static struct fault *bootstrap(const void *ctx, PGconn *pg, const char *database,
			       const char *const passwords[DB_ROLES])
{
	if (!is_true(pg,
		     "select pg_advisory_lock(hashtextextended('bulkhead roles', 0)) is not null"))
		return sql_fault(ctx, pg, NULL);
	for (int i = 0; i < DB_ROLES; i++)
		TRY(make_role(ctx, pg, role_names[i], passwords ? passwords[i] : NULL));
	if (database)
		TRY(run_answer(ctx, pg, create_database_sql, database, NULL));
	return run_answer(ctx, pg, grants_sql, database ? database : PQdb(pg), NULL);
}

struct fault *db_bootstrap(const void *ctx, const char *admin_conninfo, const char *database,
			   const char *const passwords[DB_ROLES])
{
	struct fault *f = NULL;
	PGconn *pg;

	TRY(conn_open(ctx, admin_conninfo, "-c lock_timeout=20s", &pg));
	if (database || !passwords || !is_complete(ctx, pg, admin_conninfo, passwords))
		f = bootstrap(ctx, pg, database, passwords);
	PQfinish(pg);
	return f;
}

bool db_answers(const char *conninfo)
{
	void *mem = talloc_new(NULL);
	PGconn *pg;
	bool is_up = conn_open(mem, conninfo, "", &pg) == NULL;

	if (is_up)
		PQfinish(pg);
	talloc_free(mem);
	return is_up;
}

/* A conninfo value in quotes, as libpq reads it (34.1.1.1 of the manual). */
static void put_setting(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "%s%s='", b->n > 0 ? " " : "", key);
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			buf_char(b, '\\');
		buf_char(b, *value);
	}
	buf_char(b, '\'');
}

struct fault *db_conninfo_as(const void *ctx, const char *conninfo, enum db_role role,
			     const char *password, const char **ret_conninfo)
{
	char *error = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &error);
	struct buf b;

	if (!options) {
		struct fault *f = FAULT(ctx, FAULT_INVALID, "bad_database_url",
					"DATABASE_URL cannot be read: %s", error ? error : "");
		PQfreemem(error);
		return f;
	}
	buf_init(&b, ctx, 65536);
	for (const PQconninfoOption *o = options; o->keyword; o++) {
		if (o->val && strcmp(o->keyword, "user") != 0 &&
		    strcmp(o->keyword, "password") != 0)
			put_setting(&b, o->keyword, o->val);
	}
	put_setting(&b, "user", role_names[role]);
	if (password)
		put_setting(&b, "password", password);
	PQconninfoFree(options);
	*ret_conninfo = b.p;
	return NULL;
}
