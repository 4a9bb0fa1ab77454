/* json.c - the strict reader: one pass, no recursion on the C stack deeper
 * than the limit, a flat array of nodes (see json.h). */
#include "base/json.h"

#include "base/parse.h"
#include "base/vec.h"

#include <stdlib.h>
#include <talloc.h>

const struct json_limits json_default_limits = { .depth = 64, .nodes = 200000 };

struct reader {
	const unsigned char *p;
	size_t n;
	size_t at;
	VEC(struct json_node) nodes;
	const void *ctx;
	const struct json_limits *limits;
	const char *what; /* why it is malformed; NULL while all is well */
};

static bool fail(struct reader *r, const char *what)
{
	if (!r->what)
		r->what = what;
	return false;
}

static void skip_blank(struct reader *r)
{
	while (r->at < r->n && (r->p[r->at] == ' ' || r->p[r->at] == '\n' || r->p[r->at] == '\r' ||
				r->p[r->at] == '\t'))
		r->at++;
}

static bool at_digit(const struct reader *r)
{
	return r->at < r->n && r->p[r->at] >= '0' && r->p[r->at] <= '9';
}

static bool read_digits(struct reader *r)
{
	if (!at_digit(r))
		return fail(r, "a digit is missing in a number");
	while (at_digit(r))
		r->at++;
	return true;
}

static bool read_number(struct reader *r)
{
	if (r->p[r->at] == '-')
		r->at++;
	if (r->at < r->n && r->p[r->at] == '0')
		r->at++;
	else if (!read_digits(r))
		return false;
	if (r->at < r->n && r->p[r->at] == '.') {
		r->at++;
		if (!read_digits(r))
			return false;
	}
	if (r->at < r->n && (r->p[r->at] | 0x20) == 'e') {
		r->at++;
		if (r->at < r->n && (r->p[r->at] == '+' || r->p[r->at] == '-'))
			r->at++;
		if (!read_digits(r))
			return false;
	}
	return true;
}

static bool read_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (r->n - r->at < n || memcmp(r->p + r->at, word, n) != 0)
		return fail(r, "a value is expected");
	r->at += n;
	return true;
}

static bool read_escape(struct reader *r)
{
	if (r->at + 1 >= r->n)
		return fail(r, "a string has no end");
	unsigned char c = r->p[r->at + 1];
	r->at += 2;
	if (c != 'u')
		return (c && strchr("\"\\/bfnrt", c)) || fail(r, "an unknown escape in a string");
	for (int i = 0; i < 4; i++, r->at++)
		if (r->at >= r->n || parse_hex_digit((char)r->p[r->at]) < 0)
			return fail(r, "\\u needs four hex digits");
	return true;
}

static bool read_string(struct reader *r, struct json_node *node)
{
	size_t start = ++r->at;
	bool ascii = true;

	for (;;) {
		if (r->at >= r->n)
			return fail(r, "a string has no end");
		unsigned char c = r->p[r->at];
		if (c == '"')
			break;
		if (c < 0x20)
			return fail(r, "a control character in a string");
		if (c == '\\') {
			node->escaped = 1;
			if (!read_escape(r))
				return false;
			continue;
		}
		ascii = ascii && c < 0x80;
		r->at++;
	}
	if (!ascii && !str_is_utf8((struct str){ (const char *)r->p + start, r->at - start }))
		return fail(r, "a string is not UTF-8");
	r->at++;
	return true;
}

static uint32_t add_node(struct reader *r, enum json_type type)
{
	struct json_node *node = VEC_ADD(&r->nodes, r->ctx);

	*node = (struct json_node){ .type = type & 7U, .start = (uint32_t)r->at, .skip = 1 };
	return (uint32_t)r->nodes.n - 1;
}

static bool read_value(struct reader *r, uint32_t depth);

static bool read_key(struct reader *r)
{
	skip_blank(r);
	if (r->at >= r->n || r->p[r->at] != '"')
		return fail(r, "a key in quotes is expected");
	uint32_t index = add_node(r, JSON_STRING);
	struct json_node node = r->nodes.v[index];
	if (!read_string(r, &node))
		return false;
	node.end = (uint32_t)r->at;
	r->nodes.v[index] = node;
	skip_blank(r);
	if (r->at >= r->n || r->p[r->at] != ':')
		return fail(r, "a colon is expected after a key");
	r->at++;
	return true;
}

static bool read_members(struct reader *r, uint32_t index, uint32_t depth)
{
	bool object = r->nodes.v[index].type == JSON_OBJECT;
	unsigned char closing = object ? '}' : ']';

	if (depth == 0)
		return fail(r, "it is nested too deeply");
	r->at++;
	skip_blank(r);
	if (r->at < r->n && r->p[r->at] == closing) {
		r->at++;
		return true;
	}
	for (;;) {
		if ((object && !read_key(r)) || !read_value(r, depth - 1))
			return false;
		r->nodes.v[index].count++;
		skip_blank(r);
		unsigned char c = r->at < r->n ? r->p[r->at] : 0;
		r->at++;
		if (c == closing)
			return true;
		if (c != ',')
			return fail(r, "a comma or a closing bracket is expected");
	}
}

static enum json_type type_of(unsigned char c)
{
	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

static bool read_scalar(struct reader *r, uint32_t index)
{
	struct json_node node = r->nodes.v[index];
	bool fine = false;

	switch ((enum json_type)node.type) {
	case JSON_STRING:
		fine = read_string(r, &node);
		r->nodes.v[index] = node;
		break;
	case JSON_TRUE:
		fine = read_word(r, "true");
		break;
	case JSON_FALSE:
		fine = read_word(r, "false");
		break;
	case JSON_NULL:
		fine = read_word(r, "null");
		break;
	default:
		fine = r->p[r->at] == '-' || at_digit(r) ? read_number(r)
							 : fail(r, "a value is expected");
	}
	return fine;
}

static bool read_value(struct reader *r, uint32_t depth)
{
	skip_blank(r);
	if (r->at >= r->n)
		return fail(r, "it ends too early");
	if (r->nodes.n >= r->limits->nodes)
		return fail(r, "it has too many values");
	uint32_t index = add_node(r, type_of(r->p[r->at]));
	enum json_type type = (enum json_type)r->nodes.v[index].type;
	bool fine = type >= JSON_ARRAY ? read_members(r, index, depth) : read_scalar(r, index);
	if (!fine)
		return false;
	struct json_node *node = &r->nodes.v[index];
	node->end = (uint32_t)r->at;
	node->skip = ((uint32_t)r->nodes.n - index) & 0xfffffffU;
	return true;
}

struct fault *json_parse(const void *ctx, struct str text, const struct json_limits *limits,
			 struct json *ret_json)
{
	struct reader r = {
		.p = (const unsigned char *)text.p, .n = text.n, .ctx = ctx, .limits = limits
	};

	if (text.n >= 256U << 20)
		return FAULT(ctx, FAULT_TOO_LARGE, "body_too_large", "The JSON text is too large.");
	if (read_value(&r, limits->depth)) {
		skip_blank(&r);
		if (r.at < r.n)
			fail(&r, "something follows the document");
	}
	if (r.what) {
		talloc_free(r.nodes.v);
		return FAULT(ctx, FAULT_MALFORMED, "malformed_json",
			     "The JSON cannot be read: %s (byte %zu).", r.what, r.at);
	}
	*ret_json = (struct json){ text, r.nodes.v, (uint32_t)r.nodes.n };
	return NULL;
}

const struct json_node *json_first(const struct json *j, const struct json_node *parent)
{
	(void)j;
	return parent && parent->count > 0 ? parent + 1 : NULL;
}

const struct json_node *json_next(const struct json *j, const struct json_node *parent,
				  const struct json_node *n)
{
	(void)j;
	const struct json_node *next = n + n->skip;

	return next < parent + parent->skip ? next : NULL;
}

const struct json_node *json_get(const struct json *j, const struct json_node *parent,
				 struct str key)
{
	if (!json_is(parent, JSON_OBJECT))
		return NULL;
	for (const struct json_node *k = json_first(j, parent); k;
	     k = json_next(j, parent, k + 1)) {
		struct str raw = json_text(j, k);
		bool same = false;
		if (!k->escaped) {
			same = str_eq(str_slice(raw, 1, raw.n - 1), key);
		} else {
			struct str name = json_string(NULL, j, k);
			same = str_eq(name, key);
			talloc_free((void *)(uintptr_t)name.p);
		}
		if (same)
			return k + 1;
	}
	return NULL;
}

static int compare_str(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int order = n ? memcmp(x->p, y->p, n) : 0;

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

static struct str duplicate_in(const void *ctx, const struct json *j, const struct json_node *obj)
{
	struct str *keys = talloc_array(ctx, struct str, obj->count);
	struct str found = { NULL, 0 };
	size_t n = 0;

	for (const struct json_node *k = json_first(j, obj); k; k = json_next(j, obj, k + 1))
		keys[n++] = json_string(keys, j, k);
	qsort(keys, n, sizeof(*keys), compare_str);
	for (size_t i = 1; i < n && str_is_null(found); i++)
		if (str_eq(keys[i - 1], keys[i]))
			found = str_copy(ctx, keys[i]);
	talloc_free(keys);
	return found;
}

struct str json_duplicate_key(const void *ctx, const struct json *j)
{
	for (uint32_t i = 0; i < j->node_count; i++) {
		if (j->nodes[i].type != JSON_OBJECT || j->nodes[i].count < 2)
			continue;
		struct str found = duplicate_in(ctx, j, &j->nodes[i]);
		if (!str_is_null(found))
			return found;
	}
	return (struct str){ NULL, 0 };
}

bool json_is(const struct json_node *n, enum json_type type)
{
	return n && n->type == (unsigned)type;
}

struct str json_text(const struct json *j, const struct json_node *n)
{
	return str_slice(j->text, n->start, n->end);
}

static uint32_t read_hex4(const char *p)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 | (uint32_t)parse_hex_digit(p[i]);
	return value;
}

static char *put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xC0 | c >> 6);
		*out++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*out++ = (char)(0xE0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	} else {
		*out++ = (char)(0xF0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 63));
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	}
	return out;
}

/* One \uXXXX (p stands on the u), with its second half when it is a pair. */
static const char *decode_unicode(const char *p, const char *end, char **out)
{
	uint32_t c = read_hex4(p + 1);

	p += 5;
	if (c >= 0xD800 && c < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		uint32_t low = read_hex4(p + 2);
		if (low >= 0xDC00 && low < 0xE000) {
			*out = put_utf8(*out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
			return p + 6;
		}
	}
	if (c >= 0xD800 && c < 0xE000)
		c = 0xFFFD;
	*out = put_utf8(*out, c);
	return p;
}

struct str json_string(const void *ctx, const struct json *j, const struct json_node *n)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

	if (!json_is(n, JSON_STRING))
		return (struct str){ NULL, 0 };
	struct str raw = str_slice(j->text, n->start + 1, n->end - 1);
	if (!n->escaped)
		return raw;
	char *copy = talloc_size(ctx, raw.n + 1), *out = copy;
	const char *p = raw.p, *end = raw.p + raw.n;
	while (p < end) {
		if (*p != '\\') {
			*out++ = *p++;
			continue;
		}
		p++;
		if (*p == 'u') {
			p = decode_unicode(p, end, &out);
			continue;
		}
		const char *hit = strchr(from, *p);
		*out++ = hit ? to[hit - from] : *p;
		p++;
	}
	*out = '\0';
	return (struct str){ copy, (size_t)(out - copy) };
}

bool json_int(const struct json *j, const struct json_node *n, int64_t *ret_value)
{
	return json_is(n, JSON_NUMBER) &&
	       parse_int(json_text(j, n), INT64_MIN, INT64_MAX, ret_value);
}
