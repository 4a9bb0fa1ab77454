/* shape.c - decodes JSON bodies by their shape, and checks answers against
 * theirs (see shape.h).
 *
 * One walk over the parsed document. It goes on after a fault, so that the
 * client learns everything at once. Duplicates are found by remembering which
 * fields were seen; inside free parts (json, map) by looking for them. */
#include "spine/shape_internal.h"

#include "base/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <talloc.h>

#define SHAPE_FIELDS_MAX 256

static const struct json_limits body_limits = { .depth = 64, .nodes = 60000 };

struct raw_list {
	void *v;
	size_t n;
};

static void put_pointer(struct buf *b, const struct place *at)
{
	if (!at)
		return;
	put_pointer(b, at->up);
	buf_char(b, '/');
	if (!at->key.p) {
		buf_int(b, (int64_t)at->index);
		return;
	}
	for (size_t i = 0; i < at->key.n && i < 100; i++) {
		if (at->key.p[i] == '~')
			buf_str(b, STR("~0"));
		else if (at->key.p[i] == '/')
			buf_str(b, STR("~1"));
		else
			buf_char(b, at->key.p[i]);
	}
}

void decoder_complain(struct decoder *d, const struct place *at, const char *code,
		      const char *format, ...)
{
	char message[200];
	struct buf name;
	va_list ap;

	if (!d->fault)
		d->fault = FAULT(d->ctx, FAULT_INVALID, "invalid", "Some fields are not valid.");
	if (d->listed++ >= SHAPE_FAULTS_LISTED)
		return;
	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	buf_init(&name, d->fault, 4096);
	if (d->is_query)
		buf_str(&name, at->key);
	else
		put_pointer(&name, at);
	buf_char(&name, '\0');
	fault_field(d->fault, name.p ? name.p : "", code, "%s", message);
	buf_clear(&name);
}

static void read_value(struct decoder *d, const struct field *f, enum field_type type,
		       const struct json_node *n, const struct place *at, char *to);

static const struct field *field_of(const struct shape *shape, struct str name, size_t *ret_index)
{
	for (size_t i = 0; i < shape->field_count; i++) {
		if (str_eq(str_of(shape->fields[i].name), name)) {
			*ret_index = i;
			return &shape->fields[i];
		}
	}
	return NULL;
}

/* PostgreSQL's jsonb takes neither \u0000 nor half a surrogate pair. */
static bool escapes_are_storable(struct str raw)
{
	bool high = false;

	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] != '\\') {
			if (high)
				return false;
			continue;
		}
		i++;
		if (raw.p[i] != 'u') {
			if (high)
				return false;
			continue;
		}
		unsigned c = 0;
		for (int k = 1; k <= 4; k++)
			c = c << 4 | (unsigned)parse_hex_digit(raw.p[i + (size_t)k]);
		bool low = c >= 0xDC00 && c < 0xE000;
		if (c == 0 || low != high)
			return false;
		high = c >= 0xD800 && c < 0xDC00;
		i += 4;
	}
	return !high;
}

/* Nor a number beyond its numeric type. */
static bool number_is_storable(struct str raw)
{
	double value;
	int64_t exponent = 0;

	for (size_t i = 0; i < raw.n; i++) {
		if ((raw.p[i] | 0x20) != 'e')
			continue;
		struct str digits = str_slice(raw, i + 1, raw.n);
		if (digits.n && digits.p[0] == '+')
			digits = str_slice(digits, 1, digits.n);
		if (!parse_int(digits, -400, 400, &exponent))
			return false;
		break;
	}
	return raw.n <= 1000 && parse_double(raw, &value);
}

/* A part with free keys is handed on as text; it must still be storable. */
static void read_raw(struct decoder *d, const struct json_node *n, const struct place *at, char *to)
{
	struct json part = { d->doc->text, n, n->skip };

	for (uint32_t i = 0; i < n->skip; i++) {
		struct str raw = json_text(d->doc, &n[i]);
		if (n[i].type == JSON_STRING && n[i].escaped &&
		    !escapes_are_storable(str_slice(raw, 1, raw.n - 1))) {
			decoder_complain(d, at, "invalid_text",
					 "NUL and unpaired surrogates are not allowed.");
			return;
		}
		if (n[i].type == JSON_NUMBER && !number_is_storable(raw)) {
			decoder_complain(d, at, "too_large", "A number in it is out of range.");
			return;
		}
	}
	struct str twice = json_duplicate_key(d->ctx, &part);
	if (twice.p) {
		decoder_complain(d, at, "duplicate_field", "A key in it stands there twice.");
		return;
	}
	if (to)
		*(struct str *)to = json_text(d->doc, n);
}

static void read_field(struct decoder *d, const struct field *f, const struct json_node *n,
		       const struct place *at, char *base)
{
	if (f->read_only && !d->is_answer) {
		decoder_complain(d, at, "read_only", "This cannot be set.");
		return;
	}
	bool free_form = f->type == FIELD_JSON;
	if (json_is(n, JSON_NULL) && !free_form) {
		if (!f->nullable && !(d->is_answer && !f->required))
			decoder_complain(d, at, "wrong_type", "This must not be null.");
		else if (base)
			field_mark(f, base, true);
		return;
	}
	read_value(d, f, f->type, n, at, base ? base + f->offset : NULL);
	if (base)
		field_mark(f, base, false);
}

static void check_missing(struct decoder *d, const struct shape *shape, const bool *seen,
			  const struct place *up, char *base)
{
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct field *f = &shape->fields[i];
		struct place at = { .up = up, .key = str_of(f->name) };
		if (seen[i])
			continue;
		if (f->required && !(f->read_only && !d->is_answer))
			decoder_complain(d, &at, "required", "This is missing.");
		else if (base)
			field_default(f, base);
	}
}

static void read_object(struct decoder *d, const struct shape *shape, const struct json_node *n,
			const struct place *up, char *base)
{
	bool seen[SHAPE_FIELDS_MAX] = { false };
	size_t index;

	if (!json_is(n, JSON_OBJECT)) {
		decoder_complain(d, up, "wrong_type", "An object is expected.");
		return;
	}
	for (const struct json_node *k = json_first(d->doc, n); k;
	     k = json_next(d->doc, n, k + 1)) {
		struct place at = { .up = up, .key = json_string(d->ctx, d->doc, k) };
		const struct field *f = field_of(shape, at.key, &index);
		if (!f) {
			decoder_complain(d, &at, "unknown_field", "There is no such field.");
		} else if (seen[index]) {
			decoder_complain(d, &at, "duplicate_field", "This stands there twice.");
		} else {
			seen[index] = true;
			read_field(d, f, k + 1, &at, base);
		}
	}
	check_missing(d, shape, seen, up, base);
}

static void read_list(struct decoder *d, const struct field *f, const struct json_node *n,
		      const struct place *up, struct raw_list *to)
{
	size_t bytes = f->element == FIELD_SHAPE ? f->shape->struct_bytes : value_bytes(f->element);
	size_t i = 0;

	if (!json_is(n, JSON_ARRAY)) {
		decoder_complain(d, up, "wrong_type", "A list is expected.");
		return;
	}
	if (f->has_range && (int64_t)n->count < f->min)
		decoder_complain(d, up, "too_few", "At least %lld are needed.", (long long)f->min);
	if (f->has_range && (int64_t)n->count > f->max) {
		decoder_complain(d, up, "too_many", "At most %lld are allowed.", (long long)f->max);
		return;
	}
	if (to)
		*to = (struct raw_list){ talloc_zero_size(d->ctx, bytes * n->count), n->count };
	for (const struct json_node *e = json_first(d->doc, n); e; e = json_next(d->doc, n, e)) {
		struct place at = { .up = up, .index = i };
		read_value(d, f, f->element, e, &at, to ? (char *)to->v + i * bytes : NULL);
		i++;
	}
}

/* Is this kind of JSON value right for the scalar type, and what text has it? */
static bool scalar_text(struct decoder *d, enum field_type type, const struct json_node *n,
			struct str *ret_text, const char **ret_expected)
{
	switch (type) {
	case FIELD_INT:
	case FIELD_MONEY:
	case FIELD_NUMBER:
		*ret_expected = "A number is expected.";
		*ret_text = json_text(d->doc, n);
		return json_is(n, JSON_NUMBER);
	case FIELD_BOOL:
		*ret_expected = "true or false is expected.";
		*ret_text = json_text(d->doc, n);
		return json_is(n, JSON_TRUE) || json_is(n, JSON_FALSE);
	default:
		*ret_expected = "A text is expected.";
		*ret_text = json_string(d->ctx, d->doc, n);
		return json_is(n, JSON_STRING);
	}
}

static void read_value(struct decoder *d, const struct field *f, enum field_type type,
		       const struct json_node *n, const struct place *at, char *to)
{
	struct complaint why;
	struct str text;
	const char *expected;

	switch (type) {
	case FIELD_SHAPE:
		read_object(d, f->shape, n, at, to);
		return;
	case FIELD_LIST:
		read_list(d, f, n, at, (struct raw_list *)(void *)to);
		return;
	case FIELD_MAP:
		if (!json_is(n, JSON_OBJECT)) {
			decoder_complain(d, at, "wrong_type", "An object is expected.");
			return;
		}
		read_raw(d, n, at, to);
		return;
	case FIELD_JSON:
		read_raw(d, n, at, to);
		return;
	default:
		break;
	}
	if (!scalar_text(d, type, n, &text, &expected))
		decoder_complain(d, at, "wrong_type", "%s", expected);
	else if (!value_read(f, type, text, to, &why))
		decoder_complain(d, at, why.code, "%s", why.message);
}

struct fault *shape_decode(const void *ctx, const struct shape *shape, struct str body,
			   void **ret_struct)
{
	struct json doc;

	TRY(json_parse(ctx, body, &body_limits, &doc));
	struct decoder d = { .ctx = ctx, .doc = &doc };
	void *out = talloc_zero_size(ctx, shape->struct_bytes ? shape->struct_bytes : 1);
	read_object(&d, shape, json_root(&doc), NULL, out);
	*ret_struct = out;
	return d.fault;
}

struct fault *shape_check(const void *ctx, const struct shape *shape, struct str json)
{
	struct json doc;

	TRY(json_parse(ctx, json, &json_default_limits, &doc));
	struct decoder d = { .ctx = ctx, .doc = &doc, .is_answer = true };
	read_object(&d, shape, json_root(&doc), NULL, NULL);
	return d.fault;
}
