/* shape_value.c - one scalar value: its form and its limits.
 *
 * Bodies, query strings and defaults all end here with text (a decoded string
 * or the token as it stood), so a rule about a type stands in one place. */
#include "spine/shape_internal.h"

#include "base/clock.h"
#include "base/parse.h"

#include <stdio.h>

#define SAFE_INT 9007199254740991 /* 2^53 - 1: what JavaScript can hold */

static bool refuse(struct complaint *why, const char *code, const char *message)
{
	why->code = code;
	snprintf(why->message, sizeof(why->message), "%s", message);
	return false;
}

static bool refuse_range(struct complaint *why, const char *code, const char *format, int64_t bound)
{
	why->code = code;
	/* format is one of the literals below, each with exactly one %lld */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(why->message, sizeof(why->message), format, (long long)bound);
#pragma GCC diagnostic pop
	return false;
}

static bool check_text(const struct field *f, bool is_element, struct str text,
		       struct complaint *why)
{
	if (memchr(text.p ? text.p : "", '\0', text.n))
		return refuse(why, "invalid_text", "A NUL character is not allowed.");
	if (!f->has_range || is_element)
		return true;
	int64_t length = (int64_t)str_code_points(text);
	if (length < f->min && f->min == 1)
		return refuse(why, "too_short", "This must not be empty.");
	if (length < f->min)
		return refuse_range(why, "too_short", "This needs at least %lld characters.",
				    f->min);
	if (length > f->max)
		return refuse_range(why, "too_long", "This may have at most %lld characters.",
				    f->max);
	return true;
}

/* The atoms people really have; quoted local parts are refused on purpose. */
static bool is_email(struct str text)
{
	size_t at = str_find(text, '@', 0);

	if (text.n > 254 || at == SIZE_MAX || at == 0 || at > 64 || at + 1 >= text.n ||
	    str_find(text, '@', at + 1) != SIZE_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c <= ' ' || c == 0x7f || strchr("<>(),;:\\\"[]", c))
			return false;
	}
	char first = text.p[at + 1], last = text.p[text.n - 1];
	return first != '.' && first != '-' && last != '.' && last != '-';
}

static bool is_slug(struct str text)
{
	if (text.n < 2 || text.n > 63 || text.p[0] == '-' || text.p[text.n - 1] == '-')
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

static bool is_one_of(const char *const *values, struct str text)
{
	for (; values && *values; values++)
		if (str_eq(str_of(*values), text))
			return true;
	return false;
}

static bool read_text(const struct field *f, enum field_type type, struct str text, void *to,
		      struct complaint *why)
{
	int64_t ignored;

	if (!check_text(f, f->type == FIELD_LIST, text, why))
		return false;
	if (type == FIELD_EMAIL && !is_email(text))
		return refuse(why, "invalid_email", "This is not an e-mail address.");
	if (type == FIELD_SLUG && !is_slug(text))
		return refuse(why, "invalid_slug",
			      "Use 2 to 63 lower-case letters, digits and inner dashes.");
	if (type == FIELD_ENUM && !is_one_of(f->values, text))
		return refuse(why, "not_allowed", "This is not one of the allowed values.");
	if (type == FIELD_DATE && (text.n != 10 || !clock_parse(text, &ignored)))
		return refuse(why, "invalid_date", "Use a date as YYYY-MM-DD.");
	if (to)
		*(struct str *)to = text;
	return true;
}

static bool read_int(const struct field *f, struct str text, void *to, struct complaint *why)
{
	bool ranged = f->has_range && f->type != FIELD_LIST;
	int64_t value;

	if (!parse_int(text, -SAFE_INT, SAFE_INT, &value))
		return refuse(why, "wrong_type", "A whole number is expected.");
	if (ranged && value < f->min)
		return refuse_range(why, "too_small", "This must be at least %lld.", f->min);
	if (ranged && value > f->max)
		return refuse_range(why, "too_large", "This must be at most %lld.", f->max);
	if (to)
		*(int64_t *)to = value;
	return true;
}

static bool read_number(const struct field *f, struct str text, void *to, struct complaint *why)
{
	bool ranged = f->has_range && f->type != FIELD_LIST;
	double value;

	if (!parse_double(text, &value))
		return refuse(why, "wrong_type", "A number is expected.");
	if (ranged && value < (double)f->min)
		return refuse_range(why, "too_small", "This must be at least %lld.", f->min);
	if (ranged && value > (double)f->max)
		return refuse_range(why, "too_large", "This must be at most %lld.", f->max);
	if (to)
		*(double *)to = value;
	return true;
}

static bool read_bool(struct str text, void *to, struct complaint *why)
{
	bool is_true = str_eq(text, STR("true")) || str_eq(text, STR("1"));

	if (!is_true && !str_eq(text, STR("false")) && !str_eq(text, STR("0")))
		return refuse(why, "wrong_type", "true or false is expected.");
	if (to)
		*(bool *)to = is_true;
	return true;
}

static bool read_uuid(struct str text, void *to, struct complaint *why)
{
	struct uuid id;

	if (!uuid_parse(text, &id))
		return refuse(why, "invalid_uuid", "A UUID is expected.");
	if (to)
		*(struct uuid *)to = id;
	return true;
}

static bool read_time(struct str text, void *to, struct complaint *why)
{
	int64_t at;

	if (!clock_parse(text, &at))
		return refuse(why, "invalid_time", "An RFC 3339 date and time is expected.");
	if (to)
		*(int64_t *)to = at;
	return true;
}

bool value_read(const struct field *f, enum field_type type, struct str text, void *to,
		struct complaint *ret_why)
{
	switch (type) {
	case FIELD_INT:
	case FIELD_MONEY:
		return read_int(f, text, to, ret_why);
	case FIELD_NUMBER:
		return read_number(f, text, to, ret_why);
	case FIELD_BOOL:
		return read_bool(text, to, ret_why);
	case FIELD_UUID:
		return read_uuid(text, to, ret_why);
	case FIELD_TIME:
		return read_time(text, to, ret_why);
	default:
		return read_text(f, type, text, to, ret_why);
	}
}

size_t value_bytes(enum field_type type)
{
	switch (type) {
	case FIELD_INT:
	case FIELD_MONEY:
	case FIELD_TIME:
		return sizeof(int64_t);
	case FIELD_NUMBER:
		return sizeof(double);
	case FIELD_BOOL:
		return sizeof(bool);
	case FIELD_UUID:
		return sizeof(struct uuid);
	default:
		return sizeof(struct str);
	}
}

void field_default(const struct field *f, char *base)
{
	struct complaint ignored;

	if (f->default_text)
		value_read(f, f->type, str_of(f->default_text), base + f->offset, &ignored);
}

void field_mark(const struct field *f, char *base, bool is_null)
{
	if (f->has_offset != FIELD_NONE)
		*(bool *)(base + f->has_offset) = true;
	if (f->null_offset != FIELD_NONE)
		*(bool *)(base + f->null_offset) = is_null;
}
