/* analytics.h - projects, event ingestion and what is derived from events.
 *
 * The hot path (ingest_*.c) takes events from applications and answers after the
 * commit; the enricher (follow*.c, enrich_*.c) reads what was committed, batch
 * by batch, exactly once; the rest reads. docs/ingestion.md tells the whole. */
#pragma once

#include "spine/module.h"

extern const struct module analytics_module;

/* Connections of the role DB_APP that its own threads hold while they work. */
#define ANALYTICS_CONNECTIONS 5

/* Some node has committed events; any thread, never blocks. */
void analytics_wake(struct app *app);

/* Demo data for a tenant: a project and some thousand realistic events of the last two
 * days, sent through the ingestion code. Does nothing when the tenant has a project.
 * ret_write_key is the key of the demo project, absent when nothing was made. */
struct fault *analytics_seed_demo(const void *mem, struct app *app, struct uuid tenant,
				  struct str *ret_write_key);
