/* database.h - where the data lives: the private cluster, or the server that
 * DATABASE_URL names. Either way the three roles exist afterwards and each has a
 * connection string. docs/adr/0007-database-url.md */
#pragma once

#include "db/db.h"
#include "services/crypto/crypto.h"

struct database;

struct fault *database_open(const void *ctx, const struct config *config, const struct keys *keys,
			    struct database **ret_database);
const char *database_conninfo(const struct database *d, enum db_role role);
void database_close(struct database *d);
