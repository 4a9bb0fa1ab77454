/* identity.h - people, how they prove who they are, and their sessions.
 *
 * Other modules know a person as rq->who; nothing of this one is called. */
#pragma once

#include "spine/module.h"

extern const struct module identity_module;

/* For `bulkhead seed`: a person with a proven address, made if missing (then
 * with this password). tx is DB_PLATFORM. */
struct fault *person_seed(struct tx *tx, struct app *app, struct str name, struct str email,
			  struct str password, struct uuid *ret_id);
