/* doctor.h - looks for what is wrong or weak: in the program's own tables, in the
 * database, in the configuration. The same findings stand on stdout and in the
 * exit code. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "spine/app.h"

/* One line (or JSON object) a finding. With app->db NULL only the program itself is
 * looked at; that it is whole was already proved by registry_build. */
struct fault *doctor_run(const void *ctx, struct app *app, const char *owner_conninfo, bool as_json,
			 struct buf *out, bool *ret_healthy);
