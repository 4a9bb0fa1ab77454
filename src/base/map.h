/* map.h - a hash map from text to pointers.
 *
 * Keys are copied and owned by the map, values are not. SipHash is not
 * needed: maps keyed by outside text are bounded by their owners; the seed is
 * random per process all the same, so that collisions cannot be prepared. */
#pragma once

#include "base/str.h"

struct map;

struct map *map_new(const void *ctx);
void *map_get(const struct map *m, struct str key); /* NULL when absent */
/* Puts value under key; returns what was there before, or NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_remove(struct map *m, struct str key); /* returns what was there, or NULL */
size_t map_count(const struct map *m);
/* Walks the entries: *cursor starts at 0; false at the end. Removing the
 * entry just returned is allowed, any other change is not. */
bool map_next(const struct map *m, size_t *cursor, struct str *ret_key, void **ret_value);
