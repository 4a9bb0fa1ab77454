/* openapi_schema.c - shapes as JSON Schema 2020-12, and values that fit them. */
#include "spine/openapi.h"

#include <stdio.h>

static void key_text(struct json_out *w, const char *key, const char *text)
{
	json_key(w, key);
	json_put_str(w, str_of(text));
}

static void key_int(struct json_out *w, const char *key, int64_t value)
{
	json_key(w, key);
	json_put_int(w, value);
}

static const struct {
	const char *type, *format, *example;
} forms[] = {
	[FIELD_TEXT] = { "string", NULL, "\"text\"" },
	[FIELD_EMAIL] = { "string", "email", "\"ada@example.org\"" },
	[FIELD_SECRET] = { "string", "password", "\"correct Horse 42!\"" },
	[FIELD_SLUG] = { "string", NULL, "\"acme\"" },
	[FIELD_INT] = { "integer", "int64", "1" },
	[FIELD_MONEY] = { "integer", "int64", "1999" },
	[FIELD_NUMBER] = { "number", NULL, "1.5" },
	[FIELD_BOOL] = { "boolean", NULL, "true" },
	[FIELD_UUID] = { "string", "uuid", "\"01936b2e-7f2a-7c4e-9a51-3f2b8c1d0e4f\"" },
	[FIELD_TIME] = { "string", "date-time", "\"2026-11-21T04:00:00.000Z\"" },
	[FIELD_DATE] = { "string", "date", "\"2026-11-21\"" },
	[FIELD_ENUM] = { "string", NULL, NULL },
	[FIELD_JSON] = { NULL, NULL, "{}" },
	[FIELD_MAP] = { "object", NULL, "{}" },
	[FIELD_SHAPE] = { NULL, NULL, NULL },
	[FIELD_LIST] = { "array", NULL, "[]" },
};

static void put_type(struct json_out *w, const char *type, bool nullable)
{
	if (!type)
		return;
	json_key(w, "type");
	if (!nullable) {
		json_put_str(w, str_of(type));
		return;
	}
	json_open(w, '[');
	json_put_str(w, str_of(type));
	json_put_str(w, STR("null"));
	json_close(w, ']');
}

static void put_enum(struct json_out *w, const struct field *f, bool nullable)
{
	json_key(w, "enum");
	json_open(w, '[');
	for (const char *const *v = f->values; v && *v; v++)
		json_put_str(w, str_of(*v));
	if (nullable)
		json_put_null(w);
	json_close(w, ']');
}

static void put_reference(struct json_out *w, const struct shape *shape, bool nullable)
{
	char name[160];

	snprintf(name, sizeof(name), "#/components/schemas/%s", shape->name);
	if (nullable) {
		json_key(w, "anyOf");
		json_open(w, '[');
		json_open(w, '{');
		key_text(w, "$ref", name);
		json_close(w, '}');
		json_open(w, '{');
		key_text(w, "type", "null");
		json_close(w, '}');
		json_close(w, ']');
	} else {
		key_text(w, "$ref", name);
	}
}

/* What the type alone says, without limits of the field. */
static void put_form(struct json_out *w, const struct field *f, enum field_type type, bool nullable)
{
	if (type == FIELD_SHAPE) {
		put_reference(w, f->shape, nullable);
		return;
	}
	put_type(w, forms[type].type, nullable);
	if (forms[type].format)
		key_text(w, "format", forms[type].format);
	if (type == FIELD_ENUM)
		put_enum(w, f, nullable);
	if (type == FIELD_SLUG)
		key_text(w, "pattern", "^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$");
	if (type == FIELD_EMAIL)
		key_int(w, "maxLength", 254);
	if (type == FIELD_MAP) {
		json_key(w, "additionalProperties");
		json_put_bool(w, true);
	}
}

static void put_range(struct json_out *w, const struct field *f)
{
	static const char *const names[][2] = { { "minLength", "maxLength" },
						{ "minimum", "maximum" },
						{ "minItems", "maxItems" } };
	size_t kind = f->type == FIELD_LIST ? 2
		      : f->type == FIELD_INT || f->type == FIELD_MONEY || f->type == FIELD_NUMBER
			      ? 1
			      : 0;

	if (!f->has_range)
		return;
	if (f->min > INT64_MIN && !(kind != 1 && f->min <= 0))
		key_int(w, names[kind][0], f->min);
	if (f->max < INT64_MAX && f->type != FIELD_EMAIL)
		key_int(w, names[kind][1], f->max);
}

static void put_default(struct json_out *w, const struct field *f)
{
	bool is_plain = f->type == FIELD_INT || f->type == FIELD_MONEY || f->type == FIELD_NUMBER ||
			f->type == FIELD_BOOL;

	if (!f->default_text)
		return;
	json_key(w, "default");
	if (is_plain)
		json_put_raw(w, str_of(f->default_text));
	else
		json_put_str(w, str_of(f->default_text));
}

void openapi_field(struct json_out *w, const struct field *f)
{
	json_open(w, '{');
	put_form(w, f, f->type, f->nullable);
	if (f->type == FIELD_LIST) {
		json_key(w, "items");
		json_open(w, '{');
		put_form(w, f, f->element, false);
		json_close(w, '}');
	}
	put_range(w, f);
	put_default(w, f);
	if (f->read_only) {
		json_key(w, "readOnly");
		json_put_bool(w, true);
	}
	if (f->type == FIELD_SECRET) {
		json_key(w, "writeOnly");
		json_put_bool(w, true);
	}
	if (f->doc)
		key_text(w, "description", f->doc);
	json_close(w, '}');
}

/* An example that keeps the least length or value of the field. */
static bool put_least(struct json_out *w, const struct field *f, enum field_type type)
{
	static const char filler[] = "a-text-as-long-as-is-needed-here-and-longer-than-that";

	if (f->type != type || !f->has_range)
		return false;
	if (type == FIELD_INT && f->min > 1) {
		json_put_int(w, f->min);
		return true;
	}
	if (type == FIELD_TEXT && f->min > 4 && f->min < 50) {
		json_put_str(w, (struct str){ filler, (size_t)f->min });
		return true;
	}
	return false;
}

static void put_value(struct json_out *w, const struct field *f, enum field_type type)
{
	if (f->example && type == f->type)
		json_put_raw(w, str_of(f->example));
	else if (type == FIELD_SHAPE)
		openapi_example(w, f->shape);
	else if (type == FIELD_ENUM)
		json_put_str(w, str_of(f->values ? f->values[0] : NULL));
	else if (!put_least(w, f, type))
		json_put_raw(w, str_of(forms[type].example));
}

void openapi_example(struct json_out *w, const struct shape *shape)
{
	json_open(w, '{');
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct field *f = &shape->fields[i];
		json_key(w, f->name);
		if (f->type == FIELD_LIST && !f->example) {
			json_open(w, '[');
			put_value(w, f, f->element);
			json_close(w, ']');
		} else {
			put_value(w, f, f->type);
		}
	}
	json_close(w, '}');
}

void openapi_shape(struct json_out *w, const struct shape *shape)
{
	size_t required = 0;

	json_open(w, '{');
	key_text(w, "type", "object");
	if (shape->doc && *shape->doc)
		key_text(w, "description", shape->doc);
	json_key(w, "properties");
	json_open(w, '{');
	for (size_t i = 0; i < shape->field_count; i++) {
		json_key(w, shape->fields[i].name);
		openapi_field(w, &shape->fields[i]);
		required += shape->fields[i].required;
	}
	json_close(w, '}');
	if (required > 0) {
		json_key(w, "required");
		json_open(w, '[');
		for (size_t i = 0; i < shape->field_count; i++)
			if (shape->fields[i].required)
				json_put_str(w, str_of(shape->fields[i].name));
		json_close(w, ']');
	}
	json_key(w, "additionalProperties");
	json_put_bool(w, false);
	json_key(w, "examples");
	json_open(w, '[');
	openapi_example(w, shape);
	json_close(w, ']');
	json_close(w, '}');
}
