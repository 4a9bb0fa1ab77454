/* server.h - one server process: opened in order, closed in the reverse order.
 *
 * The command line opens as much as a command needs: configuration only,
 * the database with its migrations, or everything. */
#pragma once

#include "base/fault.h"
#include "db/db.h"
#include "spine/app.h"

struct server;

enum server_depth {
	SERVER_CONTRACT, /* registry built, nothing outside touched */
	SERVER_DATABASE, /* plus cluster, migrations, pools, keys, limits */
	SERVER_FULL,	 /* plus event log, jobs, sockets, HTTP */
};

struct fault *server_open(const void *ctx, const struct config *config, enum server_depth depth,
			  struct server **ret_server);
struct app *server_app(struct server *s);
/* NULL when the database was not opened. */
const char *server_conninfo(const struct server *s, enum db_role role);
/* Ready until SIGTERM or SIGINT; then a graceful stop. A second signal ends the
 * process at once. */
void server_run(struct server *s);
void server_close(struct server *s);
