/* result.c - rows as they came, read where libpq left them.
 *
 * Results travel in text format: it is right for every type without knowing
 * it (JSON, which is most of what is handed on, is text in either format), and
 * parsing the few uuids, numbers and times of a row costs less than a
 * microsecond (docs/adr/0011-binary-parameters-text-results.md). Texts borrow from the result. */
#include "db/db_internal.h"

#include "base/clock.h"
#include "base/parse.h"

#include <assert.h>

static int result_free(struct db_result *r)
{
	PQclear(r->pg);
	return 0;
}

struct db_result *result_new(const void *ctx, PGresult *pg)
{
	struct db_result *r = talloc(ctx, struct db_result);

	r->pg = pg;
	talloc_set_destructor(r, result_free);
	return r;
}

size_t db_rows(const struct db_result *r)
{
	return (size_t)PQntuples(r->pg);
}

bool db_is_null(const struct db_result *r, size_t row, int column)
{
	return PQgetisnull(r->pg, (int)row, column);
}

struct str db_text(const struct db_result *r, size_t row, int column)
{
	if (PQgetisnull(r->pg, (int)row, column))
		return (struct str){ 0 };
	return (struct str){ PQgetvalue(r->pg, (int)row, column),
			     (size_t)PQgetlength(r->pg, (int)row, column) };
}

/* A column that is not of the declared type is a bug in the query's signature
 * (every query is run by the contract test). Null reads as zero. */
int64_t db_int(const struct db_result *r, size_t row, int column)
{
	struct str s = db_text(r, row, column);
	int64_t value = 0;

	if (!str_is_null(s) && !parse_int(s, INT64_MIN, INT64_MAX, &value))
		assert(!"db_int: the column is no integer");
	return value;
}

double db_double(const struct db_result *r, size_t row, int column)
{
	struct str s = db_text(r, row, column);
	double value = 0;

	if (!str_is_null(s) && !parse_double(s, &value))
		assert(!"db_double: the column is no finite number");
	return value;
}

bool db_bool(const struct db_result *r, size_t row, int column)
{
	struct str s = db_text(r, row, column);

	return s.n > 0 && s.p[0] == 't';
}

struct uuid db_uuid(const struct db_result *r, size_t row, int column)
{
	struct str s = db_text(r, row, column);
	struct uuid id = { { 0 } };

	if (!str_is_null(s) && !uuid_parse(s, &id))
		assert(!"db_uuid: the column is no uuid");
	return id;
}

int64_t db_time(const struct db_result *r, size_t row, int column)
{
	struct str s = db_text(r, row, column);
	int64_t wall_us = 0;

	/* "2026-11-21 03:34:11.319+00"; the session's zone is UTC */
	if (s.n > 3 && memcmp(s.p + s.n - 3, "+00", 3) == 0) {
		char text[40];
		if (s.n + 3 < sizeof(text)) {
			memcpy(text, s.p, s.n);
			memcpy(text + s.n, ":00", 3);
			if (clock_parse((struct str){ text, s.n + 3 }, &wall_us))
				return wall_us;
		}
	}
	if (str_eq(s, STR("infinity")))
		return INT64_MAX;
	if (str_eq(s, STR("-infinity")))
		return INT64_MIN;
	assert(str_is_null(s));
	return 0;
}

struct str db_bytes(const struct db_result *r, size_t row, int column)
{
	struct str s = db_text(r, row, column);

	if (str_is_null(s))
		return s;
	assert(s.n >= 2 && s.p[0] == '\\' && s.p[1] == 'x');
	size_t n = (s.n - 2) / 2;
	char *bytes = talloc_size(r, n + 1);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(parse_hex_digit(s.p[2 + 2 * i]) << 4 |
				  parse_hex_digit(s.p[3 + 2 * i]));
	bytes[n] = '\0';
	return (struct str){ bytes, n };
}
