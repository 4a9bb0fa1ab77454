/* request.c - reading what came in: fields, cookies, query parameters. */
#include "http/http.h"

#include "base/parse.h"

const char *http_method_name(enum http_method m)
{
	static const char *const names[] = { "GET",   "HEAD",	"POST",	   "PUT",
					     "PATCH", "DELETE", "OPTIONS", "OTHER" };

	return names[m];
}

struct str http_field(const struct http_request *rq, struct str name)
{
	for (size_t i = 0; i < rq->field_count; i++) {
		if (str_eq_nocase(rq->fields[i].name, name))
			return rq->fields[i].value;
	}
	return (struct str){ NULL, 0 };
}

/* RFC 6265 5.4 sends pairs as name=value; name=value. */
static struct str cookie_in(struct str pairs, struct str name)
{
	while (!str_is_null(pairs)) {
		struct str value = str_trim(str_cut(&pairs, ';'));
		struct str key = str_cut(&value, '=');
		if (str_is_null(value) || !str_eq(key, name))
			continue;
		if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
			return str_slice(value, 1, value.n - 1);
		return value;
	}
	return (struct str){ NULL, 0 };
}

struct str http_cookie(const struct http_request *rq, struct str name)
{
	for (size_t i = 0; i < rq->field_count; i++) {
		if (!str_eq_nocase(rq->fields[i].name, STR("cookie")))
			continue;
		struct str value = cookie_in(rq->fields[i].value, name);
		if (!str_is_null(value))
			return value;
	}
	return (struct str){ NULL, 0 };
}

struct str http_query_param(const void *ctx, const struct http_request *rq, struct str name)
{
	struct str rest = rq->query;

	while (!str_is_null(rest)) {
		struct str value = str_cut(&rest, '&');
		struct str key = str_cut(&value, '=');
		struct str decoded;
		if (!parse_percent(ctx, key, true, &decoded) || !str_eq(decoded, name))
			continue;
		if (str_is_null(value))
			return STR("");
		if (parse_percent(ctx, value, true, &decoded))
			return decoded;
	}
	return (struct str){ NULL, 0 };
}
