/* shape_query.c - decodes query strings by their shape.
 *
 * The same rules as for bodies: every parameter once, none unknown, all faults
 * listed. A list is written with commas; nested shapes have no place here
 * (registry_build refuses such a route). */
#include "spine/shape_internal.h"

#include "base/parse.h"
#include "base/vec.h"

#define QUERY_FIELDS_MAX 64

static void read_query_list(struct decoder *d, const struct field *f, struct str text,
			    const struct place *at, char *base)
{
	struct {
		void *v;
		size_t n;
	} *list = (void *)(base + f->offset);
	size_t bytes = value_bytes(f->element), n = 1;
	struct complaint why;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == ',';
	if (f->has_range && (int64_t)n > f->max) {
		decoder_complain(d, at, "too_many", "At most %lld are allowed.", (long long)f->max);
		return;
	}
	list->v = talloc_zero_size(d->ctx, n * bytes);
	while (text.p) {
		struct str part = str_cut(&text, ',');
		char *to = (char *)list->v + list->n++ * bytes;
		if (!value_read(f, f->element, part, to, &why))
			decoder_complain(d, at, why.code, "%s", why.message);
	}
}

static void read_parameter(struct decoder *d, const struct field *f, struct str text,
			   const struct place *at, char *base)
{
	struct complaint why;

	if (!str_is_utf8(text)) {
		decoder_complain(d, at, "invalid_text", "This is not UTF-8.");
		return;
	}
	if (f->type == FIELD_LIST)
		read_query_list(d, f, text, at, base);
	else if (!value_read(f, f->type, text, base + f->offset, &why))
		decoder_complain(d, at, why.code, "%s", why.message);
	field_mark(f, base, false);
}

static size_t parameter_index(const struct shape *shape, struct str name)
{
	size_t i = 0;

	while (i < shape->field_count && !str_eq(str_of(shape->fields[i].name), name))
		i++;
	return i;
}

static void read_pair(struct decoder *d, const struct shape *shape, struct str pair, char *base,
		      bool *seen)
{
	struct str name = str_cut(&pair, '='), text = { "", 0 };
	struct place at = { .key = STR("query") };

	if (!parse_percent(d->ctx, name, true, &name) || !str_is_utf8(name) ||
	    (pair.p && !parse_percent(d->ctx, pair, true, &text))) {
		decoder_complain(d, &at, "malformed", "A parameter is not properly encoded.");
		return;
	}
	at.key = name;
	size_t i = parameter_index(shape, name);
	if (i == shape->field_count) {
		decoder_complain(d, &at, "unknown_parameter", "There is no such parameter.");
	} else if (seen[i]) {
		decoder_complain(d, &at, "duplicate_parameter", "This stands there twice.");
	} else {
		seen[i] = true;
		read_parameter(d, &shape->fields[i], text, &at, base);
	}
}

struct fault *shape_decode_query(const void *ctx, const struct shape *shape, struct str query,
				 void **ret_struct)
{
	struct decoder d = { .ctx = ctx, .is_query = true };
	bool seen[QUERY_FIELDS_MAX] = { false };
	char *base = talloc_zero_size(ctx, shape->struct_bytes ? shape->struct_bytes : 1);

	while (query.p) {
		struct str pair = str_cut(&query, '&');
		if (pair.n)
			read_pair(&d, shape, pair, base, seen);
	}
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct field *f = &shape->fields[i];
		struct place at = { .key = str_of(f->name) };
		if (seen[i])
			continue;
		if (f->required)
			decoder_complain(&d, &at, "required", "This is missing.");
		else
			field_default(f, base);
	}
	*ret_struct = base;
	return d.fault;
}
