/* clock.h - time: a steady clock for durations, the wall clock for records.
 *
 * Wall time is microseconds since 1970 UTC (PostgreSQL's resolution); text is
 * RFC 3339 with Z. */
#pragma once

#include "base/str.h"

#include <stdint.h>

#define CLOCK_TEXT_SIZE 32 /* "2026-11-21T03:34:11.319000Z" and NUL, with room */

int64_t clock_steady_ms(void); /* never goes back; no relation to the calendar */
int64_t clock_steady_us(void);
int64_t clock_wall_us(void);
/* "2026-11-21T03:34:11.319Z": milliseconds unless microseconds are needed. */
const char *clock_format(int64_t wall_us, char text[CLOCK_TEXT_SIZE]);
/* Reads RFC 3339 / ISO 8601 date-times: T or space, optional fraction, Z or
 * +hh:mm or +hhmm, a bare date means midnight UTC. False if it is none, or
 * outside the years 1 to 9999. */
bool clock_parse(struct str text, int64_t *ret_wall_us);
