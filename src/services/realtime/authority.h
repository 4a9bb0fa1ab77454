/* authority.h - the hub's questions answered by the real thing: spine for who and
 * what they may, the resources of the registry for objects, the event log for
 * what was missed. */
#pragma once

#include "services/realtime/hub.h"
#include "spine/app.h"

struct truth; /* what the answers need; owned by ctx */

struct truth *truth_new(const void *ctx, struct app *app);
struct authority truth_authority(struct truth *t);
