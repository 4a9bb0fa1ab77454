/* parse.h - numbers and encodings out of text; each takes the whole str or
 * fails. */
#pragma once

#include "base/buf.h"

/* Decimal, optional minus, no plus, no spaces; false outside [min, max]. */
bool parse_int(struct str text, int64_t min, int64_t max, int64_t *ret_value);
/* A JSON number as a double; false if it is not finite. */
bool parse_double(struct str text, double *ret_value);
/* Undoes %XX (and + as space if plus_is_space) onto ctx; false on a bad escape
 * or a NUL. */
bool parse_percent(const void *ctx, struct str text, bool plus_is_space, struct str *ret_text);
/* Value of a hex digit or -1. */
int parse_hex_digit(char c);
