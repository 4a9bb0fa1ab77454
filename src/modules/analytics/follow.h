/* follow.h - the enricher: reads committed batches and writes what follows from them.
 *
 * For each project it takes the next batches of every lane (numbers of a lane
 * are visible in order and without gaps, so a cursor cannot pass one), works on
 * their events in the order in which the batches took their lanes, and moves
 * the cursors in the transaction of the effects: exactly once. An advisory lock
 * on the project, held by that transaction, lets any number of nodes share the
 * work; there is no leader to lose. */
#pragma once

#include "modules/analytics/enrich.h"
#include "modules/analytics/ingest.h"

struct follower;

struct fault *follower_start(const void *ctx, struct app *app, struct follower **ret_follower);
void follower_stop(struct follower *f);
/* Something was committed; any thread, never blocks. */
void follower_wake(struct follower *f);

/* ---- between the files of the follower ---- */

/* One event on its way. */
struct followed {
	const struct follow_events_row *row;
	struct enrich_out found;
	struct uuid session; /* nil: none */
};

/* What is written in one go: a whole chunk, or a single event of a poisoned one. */
struct chunk {
	const void *mem;
	struct tx *tx;
	struct uuid project;
	struct followed *events;
	size_t n;
};

struct fault *follow_sessions(struct chunk *c);
struct fault *follow_profiles(struct chunk *c);
struct fault *follow_rollups(struct chunk *c);

/* Batches of other nodes for browsers on this one (follow_live.c). */
struct live_follower;
struct live_follower *live_follower_new(const void *ctx, struct app *app);
void live_follow(struct live_follower *l);
