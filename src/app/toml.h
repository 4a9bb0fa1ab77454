/* toml.h - the part of TOML that a configuration file needs: [tables], keys with
 * strings, integers, booleans and arrays of strings, and comments. No TOML
 * library is packaged for C. Keys come out as table_key, values as text;
 * arrays are joined by commas. */
#pragma once

#include "base/fault.h"
#include "base/map.h"

/* Fills values (struct str * owned by the map's owner); FAULT_MALFORMED names the line. */
struct fault *toml_read(const void *ctx, struct str text, struct map *values);
