/* toml.c - see toml.h; line by line, nothing spans lines. */
#include "app/toml.h"

#include "base/buf.h"

#include <talloc.h>

struct line {
	const void *ctx;
	struct str rest;
	int number;
};

static struct fault *bad_line(const struct line *l, const char *what)
{
	return FAULT(l->ctx, FAULT_MALFORMED, "bad_configuration_file", "Line %d: %s.", l->number,
		     what);
}

/* A "basic" or 'literal' string at the start of the rest. */
static struct fault *read_string(struct line *l, struct buf *out)
{
	char quote = l->rest.p[0];
	size_t i = 1;

	for (; i < l->rest.n && l->rest.p[i] != quote; i++) {
		char c = l->rest.p[i];
		if (c == '\\' && quote == '"' && i + 1 < l->rest.n) {
			c = l->rest.p[++i];
			if (c == 'n')
				c = '\n';
			else if (c != '"' && c != '\\')
				return bad_line(l, "unknown escape in a string");
		}
		buf_char(out, c);
	}
	if (i >= l->rest.n)
		return bad_line(l, "a string has no end");
	l->rest = str_trim(str_slice(l->rest, i + 1, l->rest.n));
	return NULL;
}

static struct fault *read_array(struct line *l, struct buf *out)
{
	l->rest = str_trim(str_slice(l->rest, 1, l->rest.n));
	while (l->rest.n > 0 && l->rest.p[0] != ']') {
		if (l->rest.p[0] != '"' && l->rest.p[0] != '\'')
			return bad_line(l, "an array holds strings in quotes");
		if (out->n > 0)
			buf_char(out, ',');
		TRY(read_string(l, out));
		if (l->rest.n > 0 && l->rest.p[0] == ',')
			l->rest = str_trim(str_slice(l->rest, 1, l->rest.n));
	}
	if (l->rest.n == 0)
		return bad_line(l, "an array has no end");
	l->rest = str_trim(str_slice(l->rest, 1, l->rest.n));
	return NULL;
}

static struct fault *read_value(struct line *l, struct buf *out)
{
	if (l->rest.n == 0)
		return bad_line(l, "a value is missing");
	if (l->rest.p[0] == '"' || l->rest.p[0] == '\'') {
		TRY(read_string(l, out));
	} else if (l->rest.p[0] == '[') {
		TRY(read_array(l, out));
	} else {
		struct str bare = str_trim(str_cut(&l->rest, '#'));
		buf_str(out, bare);
		l->rest = (struct str){ NULL, 0 };
	}
	if (l->rest.n > 0 && l->rest.p[0] != '#')
		return bad_line(l, "something follows the value");
	return NULL;
}

static struct fault *read_pair(struct line *l, struct str table, struct map *values)
{
	struct str key = str_trim(str_cut(&l->rest, '='));
	struct buf value;

	if (str_is_null(l->rest) || key.n == 0)
		return bad_line(l, "`key = value` is expected");
	l->rest = str_trim(l->rest);
	buf_init(&value, values, 64 * 1024);
	TRY(read_value(l, &value));
	struct str *stored = talloc(values, struct str);
	*stored = buf_view(&value);
	const char *name =
		table.n > 0 ? talloc_asprintf(l->ctx, "%.*s_%.*s", STR_ARG(table), STR_ARG(key))
			    : str_dup(l->ctx, key);
	if (map_put(values, str_of(name), stored))
		return bad_line(l, "the key stands twice");
	return NULL;
}

struct fault *toml_read(const void *ctx, struct str text, struct map *values)
{
	struct str table = STR("");
	int number = 0;

	while (!str_is_null(text)) {
		struct line l = { ctx, str_trim(str_cut(&text, '\n')), ++number };
		if (l.rest.n == 0 || l.rest.p[0] == '#')
			continue;
		if (l.rest.p[0] != '[') {
			TRY(read_pair(&l, table, values));
			continue;
		}
		size_t end = str_find(l.rest, ']', 0);
		if (end == SIZE_MAX)
			return bad_line(&l, "a table name has no end");
		table = str_trim(str_slice(l.rest, 1, end));
	}
	return NULL;
}
