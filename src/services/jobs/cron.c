/* cron.c - see cron.h. Days are walked one by one (nine years hold the rarest day,
 * 29 February around 2100), minutes of a day by their bits. */
#include "services/jobs/cron.h"

#include "base/parse.h"

#define MINUTE_US 60000000LL
#define DAY_MINUTES 1440
#define DAYS_MOST (9 * 366)

struct range {
	int least, most;
	const char *names; /* three letters each, from least; NULL: none */
};

static const struct range ranges[] = {
	{ 0, 59, NULL },
	{ 0, 23, NULL },
	{ 1, 31, NULL },
	{ 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec" },
	{ 0, 7, "sunmontuewedthufrisat" },
};

static const struct {
	const char *name, *line;
} words[] = {
	{ "@hourly", "0 * * * *" },  { "@daily", "0 0 * * *" },	 { "@weekly", "0 0 * * 0" },
	{ "@monthly", "0 0 1 * *" }, { "@yearly", "0 0 1 1 *" },
};

static bool parse_value(struct str text, const struct range *r, int64_t *ret_value)
{
	for (int i = 0; r->names && r->names[i * 3]; i++) {
		if (str_eq_nocase(text, (struct str){ r->names + (ptrdiff_t)i * 3, 3 })) {
			*ret_value = r->least + i;
			return true;
		}
	}
	return parse_int(text, r->least, r->most, ret_value);
}

/* One element of a list: *, n, a-b, each with /step. */
static bool parse_element(struct str text, const struct range *r, uint64_t *bits)
{
	struct str rest = text;
	const struct str body = str_cut(&rest, '/');
	int64_t from = r->least, to = r->most, step = 1;

	if (!str_is_null(rest) && !parse_int(rest, 1, r->most, &step))
		return false;
	if (!str_eq(body, STR("*"))) {
		struct str last = body;
		const struct str first = str_cut(&last, '-');

		if (!parse_value(first, r, &from))
			return false;
		to = str_is_null(rest) ? from : r->most;
		if (!str_is_null(last) && !parse_value(last, r, &to))
			return false;
	}
	for (int64_t i = from; i <= to; i += step)
		*bits |= 1ULL << i;
	return from <= to;
}

static bool parse_field(struct str text, const struct range *r, uint64_t *ret_bits)
{
	*ret_bits = 0;
	do {
		if (!parse_element(str_cut(&text, ','), r, ret_bits))
			return false;
	} while (!str_is_null(text));
	return true;
}

/* Cuts the next word off the line; absent at its end. */
static struct str next_word(struct str *line)
{
	struct str word;

	while (line->n > 0 && (*line->p == ' ' || *line->p == '\t'))
		*line = str_slice(*line, 1, line->n);
	for (word = *line, word.n = 0; word.n < line->n; word.n++)
		if (line->p[word.n] == ' ' || line->p[word.n] == '\t')
			break;
	*line = str_slice(*line, word.n, line->n);
	return word;
}

bool cron_parse(struct str text, struct cron *ret_cron)
{
	uint64_t bits[5];
	struct str star[5];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(text, str_of(words[i].name)))
			text = str_of(words[i].line);
	if (str_is_null(text))
		return false;
	for (size_t i = 0; i < 5; i++) {
		star[i] = next_word(&text);
		if (star[i].n == 0 || !parse_field(star[i], &ranges[i], &bits[i]))
			return false;
	}
	if (next_word(&text).n > 0)
		return false;
	*ret_cron = (struct cron){
		.minutes = bits[0],
		.hours = (uint32_t)bits[1],
		.days = (uint32_t)bits[2],
		.months = (uint32_t)bits[3],
		.weekdays = (uint32_t)(bits[4] | bits[4] >> 7) & 0x7f,
		.any_day = star[2].p[0] == '*',
		.any_weekday = star[4].p[0] == '*',
	};
	return cron_next(ret_cron, 0) >= 0;
}

/* Month and day of a day since 1970 (Howard Hinnant, "chrono-compatible
 * low-level date algorithms", civil_from_days; days are not negative here). */
static void civil(int64_t day, unsigned *ret_month, unsigned *ret_day)
{
	const int64_t z = day + 719468;
	const unsigned doe = (unsigned)(z % 146097);
	const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const unsigned mp = (5 * doy + 2) / 153;

	*ret_day = doy - (153 * mp + 2) / 5 + 1;
	*ret_month = mp < 10 ? mp + 3 : mp - 9;
}

static bool day_fires(const struct cron *c, int64_t day)
{
	const bool weekday = c->weekdays >> (day + 4) % 7 & 1; /* 1970 began on a Thursday */
	unsigned month, date;

	civil(day, &month, &date);
	if (!(c->months >> month & 1))
		return false;
	if (c->any_day || c->any_weekday)
		return (c->days >> date & 1) && weekday;
	return (c->days >> date & 1) || weekday;
}

static bool minute_fires(const struct cron *c, int64_t minute)
{
	return (c->hours >> minute / 60 & 1) && (c->minutes >> minute % 60 & 1);
}

int64_t cron_next(const struct cron *c, int64_t after_us)
{
	int64_t minute = after_us / MINUTE_US + 1;
	const int64_t last_day = minute / DAY_MINUTES + DAYS_MOST;

	while (minute / DAY_MINUTES <= last_day) {
		if (!day_fires(c, minute / DAY_MINUTES))
			minute = (minute / DAY_MINUTES + 1) * DAY_MINUTES;
		else if (!minute_fires(c, minute % DAY_MINUTES))
			minute++;
		else
			return minute * MINUTE_US;
	}
	return -1;
}

int64_t cron_last(const struct cron *c, int64_t not_after_us)
{
	int64_t minute = not_after_us / MINUTE_US;
	const int64_t first_day = minute / DAY_MINUTES - DAYS_MOST;

	while (minute >= 0 && minute / DAY_MINUTES >= first_day) {
		if (!day_fires(c, minute / DAY_MINUTES))
			minute = minute / DAY_MINUTES * DAY_MINUTES - 1;
		else if (!minute_fires(c, minute % DAY_MINUTES))
			minute--;
		else
			return minute * MINUTE_US;
	}
	return -1;
}
