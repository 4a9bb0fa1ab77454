/* cron.h - when a schedule fires: the five fields of crontab(5), in UTC.
 *
 * minute 0-59, hour 0-23, day of month 1-31, month 1-12 or jan-dec, day of week
 * 0-7 or sun-sat (0 and 7 are Sunday). Each field: *, n, a-b, with /step, lists
 * by comma. When day of month and day of week are both given either will do.
 * Also @hourly @daily @weekly @monthly @yearly. */
#pragma once

#include "base/str.h"

#include <stdint.h>

struct cron {
	uint64_t minutes; /* bit n: fires at n */
	uint32_t hours, days, months, weekdays;
	bool any_day, any_weekday; /* the field began with a star */
};

/* False when text is no such line or can never fire (30 February). */
bool cron_parse(struct str text, struct cron *ret_cron);
/* The first firing after, the last one not later than; wall µs. -1: none
 * within nine years. */
int64_t cron_next(const struct cron *c, int64_t after_us);
int64_t cron_last(const struct cron *c, int64_t not_after_us);
