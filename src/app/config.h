/* config.h - reading and checking the configuration (the data is spine/config.h).
 *
 * Environment over TOML file over defaults. Each option is one row of a table:
 * name, variable, type, default, what it is for. Every variable also exists as
 * <VARIABLE>_FILE, whose file holds the value. Everything is checked at once
 * and every fault is listed. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "spine/config.h"

/* file NULL: BULKHEAD_CONFIG, else <data folder>/bulkhead.toml when it is there.
 * The fault is FAULT_INVALID with one field for each option at fault. */
struct fault *config_load(const void *ctx, const char *file, struct config **ret_config);
/* The effective configuration as text lines or JSON, secrets masked. */
void config_print(struct buf *out, const struct config *config, bool as_json);
/* The table as a Markdown reference (docs/configuration.md). */
void config_reference(struct buf *out);
