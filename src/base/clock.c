/* clock.c - see clock.h; calendar arithmetic after Howard Hinnant's
 * days_from_civil, so that no libc time zone state is involved. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_read_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_steady_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_steady_ms(void)
{
	return clock_steady_us() / 1000;
}

int64_t clock_wall_us(void)
{
	return clock_read_us(CLOCK_REALTIME);
}

static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

static void civil_from_days(int64_t z, int64_t *y, int64_t *m, int64_t *d)
{
	z += 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp + (mp < 10 ? 3 : -9);
	*y = yoe + era * 400 + (*m <= 2);
}

const char *clock_format(int64_t wall_us, char text[CLOCK_TEXT_SIZE])
{
	int64_t seconds = wall_us / 1000000, fraction = wall_us % 1000000;
	if (fraction < 0) {
		fraction += 1000000;
		seconds--;
	}
	int64_t days = seconds / 86400, rest = seconds % 86400;
	if (rest < 0) {
		rest += 86400;
		days--;
	}
	int64_t y, m, d;
	civil_from_days(days, &y, &m, &d);
	char digits[8];
	if (fraction % 1000)
		snprintf(digits, sizeof(digits), "%06u", (unsigned)fraction % 1000000U);
	else
		snprintf(digits, sizeof(digits), "%03u", (unsigned)(fraction / 1000) % 1000U);
	snprintf(text, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%sZ", (unsigned)y % 10000U,
		 (unsigned)m % 100U, (unsigned)d % 100U, (unsigned)(rest / 3600) % 100U,
		 (unsigned)(rest / 60 % 60), (unsigned)(rest % 60), digits);
	return text;
}

struct reader {
	struct str s;
	size_t at;
	bool failed;
};

static int64_t read_digits(struct reader *r, size_t count)
{
	int64_t value = 0;

	if (r->s.n - r->at < count) {
		r->failed = true;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		char c = r->s.p[r->at++];
		if (c < '0' || c > '9')
			r->failed = true;
		value = value * 10 + (c - '0');
	}
	return value;
}

static bool read_char(struct reader *r, const char *any_of)
{
	if (r->at < r->s.n && r->s.p[r->at] && strchr(any_of, r->s.p[r->at])) {
		r->at++;
		return true;
	}
	return false;
}

static int64_t read_fraction_us(struct reader *r)
{
	int64_t value = 0, scale = 100000;
	size_t start = r->at;

	while (r->at < r->s.n && r->s.p[r->at] >= '0' && r->s.p[r->at] <= '9') {
		value += (r->s.p[r->at++] - '0') * scale;
		scale /= 10;
	}
	if (r->at == start)
		r->failed = true;
	return value;
}

static int64_t read_zone_us(struct reader *r)
{
	if (read_char(r, "Zz"))
		return 0;
	int64_t sign = read_char(r, "+") ? 1 : read_char(r, "-") ? -1 : 0;
	if (sign == 0) {
		r->failed = true;
		return 0;
	}
	int64_t hours = read_digits(r, 2);
	read_char(r, ":");
	int64_t minutes = read_digits(r, 2);
	if (hours > 23 || minutes > 59)
		r->failed = true;
	return sign * (hours * 60 + minutes) * 60000000;
}

static const int month_days[12] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

static bool date_exists(int64_t y, int64_t m, int64_t d)
{
	if (y < 1 || m < 1 || m > 12 || d < 1 || d > month_days[m - 1])
		return false;
	return m != 2 || d < 29 || (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
}

/* yyyy-mm-dd as days since 1970; false if there is no such day. */
static bool read_date(struct reader *r, int64_t *ret_us)
{
	int64_t y = read_digits(r, 4);
	bool dashes = read_char(r, "-");
	int64_t m = read_digits(r, 2);
	dashes = read_char(r, "-") && dashes;
	int64_t d = read_digits(r, 2);

	if (r->failed || !dashes || !date_exists(y, m, d))
		return false;
	*ret_us = days_from_civil(y, m, d) * 86400000000;
	return true;
}

/* hh:mm[:ss] as microseconds; a leap second counts as the next one. */
static bool read_time(struct reader *r, int64_t *ret_us)
{
	int64_t hour = read_digits(r, 2);
	bool colon = read_char(r, ":");
	int64_t minute = read_digits(r, 2);
	int64_t second = read_char(r, ":") ? read_digits(r, 2) : 0;

	if (r->failed || !colon || hour > 23 || minute > 59 || second > 60)
		return false;
	*ret_us = ((hour * 60 + minute) * 60 + second) * 1000000;
	return true;
}

bool clock_parse(struct str text, int64_t *ret_wall_us)
{
	struct reader r = { text, 0, false };
	int64_t date_us, time_us = 0;

	if (!read_date(&r, &date_us))
		return false;
	if (r.at < text.n) {
		if (!read_char(&r, "Tt ") || !read_time(&r, &time_us))
			return false;
		if (read_char(&r, ".,"))
			time_us += read_fraction_us(&r);
		time_us -= read_zone_us(&r);
	}
	if (r.failed || r.at != text.n)
		return false;
	*ret_wall_us = date_us + time_us;
	return true;
}
