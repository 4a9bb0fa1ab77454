/* db.c - all pools of the program, and the names of its constraints. */
#include "db/db_internal.h"

#include "base/clock.h"

#include <stdio.h>

#define UP_WITHIN_MS 1000
#define LOCK_TIMEOUT_MS 4000

struct fault *db_open(const void *ctx, const struct db_config *config, struct db **ret_db)
{
	struct db *db = talloc_zero(ctx, struct db);

	db->config = *config;
	db->constraints = map_new(db);
	/* a transaction that somebody forgot must not stop vacuum or the sealer */
	snprintf(db->options, sizeof(db->options),
		 "-c statement_timeout=%d -c lock_timeout=%d "
		 "-c idle_in_transaction_session_timeout=%d -c jit=off -c timezone=UTC "
		 "-c datestyle=ISO -c bytea_output=hex -c extra_float_digits=1",
		 config->statement_timeout_ms, LOCK_TIMEOUT_MS,
		 config->statement_timeout_ms > 0 ? config->statement_timeout_ms * 2 : 60000);
	for (int i = 0; i < DB_ROLES; i++) {
		if (config->conninfo[i])
			db->config.conninfo[i] = talloc_strdup(db, config->conninfo[i]);
		TRY(pool_open(db, (enum db_role)i));
	}
	*ret_db = db;
	return NULL;
}

void db_close(struct db *db)
{
	for (int i = 0; i < DB_ROLES; i++)
		pool_close(&db->pools[i]);
	talloc_free(db);
}

bool db_is_up(struct db *db)
{
	static const struct db_query ping = {
		.name = "db_is_up", .sql = "select 1", .column_count = 1, .returns_rows = true
	};
	void *mem = talloc_new(NULL);
	struct tx *tx = tx_new(mem, db, DB_APP, TX_READ, NULL);

	tx_hurry(tx, UP_WITHIN_MS);
	bool is_up = tx_run(tx, &ping, NULL, NULL) == NULL;
	tx_end(tx);
	talloc_free(mem);
	return is_up;
}

void db_add_constraints(struct db *db, const struct db_constraint *table)
{
	for (; table && table->constraint; table++) {
		/* the map hands out mutable pointers; these are only read */
		union {
			const struct db_constraint *in;
			void *out;
		} entry = { .in = table };
		map_put(db->constraints, str_of(table->constraint), entry.out);
	}
}
