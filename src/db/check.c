/* check.c - prepares every query, runs none (see check.h). */
#include "db/check.h"

#include "db/db_internal.h"

/* First line of a server message. */
static struct str first_line(const char *message)
{
	struct str rest = str_of(message);

	return str_cut(&rest, '\n');
}

static void finding(struct buf *out, const struct db_query *q, struct str what, int *ret_findings)
{
	buf_printf(out, "query %s: %.*s\n", q->name, STR_ARG(what));
	++*ret_findings;
}

static void check_one(PGconn *pg, const struct db_query *q, struct buf *out, int *ret_findings)
{
	Oid types[64];

	for (int i = 0; i < q->param_count && i < 64; i++)
		types[i] = db_type_oids[q->param_types[i]];
	PGresult *prepared = PQprepare(pg, "", q->sql, q->param_count, types);
	if (PQresultStatus(prepared) != PGRES_COMMAND_OK) {
		finding(out, q, first_line(PQresultErrorMessage(prepared)), ret_findings);
		PQclear(prepared);
		return;
	}
	PQclear(prepared);
	PGresult *described = PQdescribePrepared(pg, "");
	if (q->returns_rows && q->column_count > 0 && PQnfields(described) != q->column_count)
		finding(out, q, STR("its columns are not the declared ones"), ret_findings);
	PQclear(described);
}

struct fault *db_check_queries(const void *ctx, const char *conninfo,
			       const struct db_query *const *list, struct buf *out,
			       int *ret_findings)
{
	PGconn *pg;

	TRY(conn_open(ctx, conninfo, "", &pg));
	for (; *list; list++)
		check_one(pg, *list, out, ret_findings);
	PQfinish(pg);
	return NULL;
}
