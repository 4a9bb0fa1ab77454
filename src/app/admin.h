/* admin.h - /metrics in Prometheus text, on a listener of its own that only this
 * machine reaches (config.admin_port; 0: none). */
#pragma once

#include "base/buf.h"
#include "spine/app.h"

struct admin;

/* *ret_admin stays NULL when no admin port is configured. */
struct fault *admin_start(const void *ctx, struct app *app, struct admin **ret_admin);
void admin_stop(struct admin *m);
/* The whole text. */
void admin_metrics(struct app *app, struct buf *out);
