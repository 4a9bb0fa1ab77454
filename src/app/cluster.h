/* cluster.h - the private PostgreSQL cluster of a server without DATABASE_URL.
 *
 * It lives in <data>/postgres, listens on a Unix socket only (peer
 * authentication) and starts and stops with the server; it also dies with a
 * server that is killed. A second server on the same data folder uses the
 * cluster of the first. */
#pragma once

#include "db/db.h"

struct cluster;

/* Finds the binaries, makes the cluster when there is none, starts it, makes
 * roles and database when they are missing. Called on the main thread, before
 * there are others. */
struct fault *cluster_start(const void *ctx, const char *data_folder, struct cluster **ret_cluster);
/* Connection string of a role; owned by the cluster. */
const char *cluster_conninfo(const struct cluster *c, enum db_role role);
/* Stops it if this process started it (fast shutdown) and waits for the end. */
void cluster_stop(struct cluster *c);
