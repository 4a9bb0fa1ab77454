/* check.h - does every query prepare against this schema? Run by `bulkhead doctor`
 * and by the first test of the suite, so that a query that cannot work is found
 * before a person meets it. */
#pragma once

#include "base/buf.h"
#include "db/db.h"

/* Prepares each (NULL-ended list) on a connection of its own and compares the column
 * count; appends one line a finding to out. The fault is for a database that
 * cannot be reached. */
struct fault *db_check_queries(const void *ctx, const char *conninfo,
			       const struct db_query *const *list, struct buf *out,
			       int *ret_findings);
