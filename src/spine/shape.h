/* shape.h - what comes in and goes out, as tables generated from *.toml.
 *
 * tools/gen_shapes.py turns a [shape.x] into struct x, a table of fields and a
 * const struct shape x_shape. One runtime decodes every body and query string:
 * unknown fields, duplicate keys, wrong types and broken limits are all listed
 * in one fault. OpenAPI and TypeScript come from the same tables.
 *
 * In the generated struct: text -> struct str; int, money -> int64_t;
 * number -> double; bool -> bool; uuid -> struct uuid; time -> int64_t (wall
 * µs); date -> struct str; enum -> struct str; json, map -> struct str (raw
 * JSON); list of text/uuid/int -> struct str_list / uuid_list / int_list; list of
 * a shape -> struct { struct y *v; size_t n; }; another shape -> struct y. A
 * field that may be missing or null has `bool has_<name>` before it: true when
 * the client sent it; a sent null is has_ true with `bool <name>_is_null`. */
#pragma once

#include "base/fault.h"
#include "base/json.h"
#include "base/uuid.h"

#include <stdint.h>

struct str_list {
	struct str *v;
	size_t n;
};
struct uuid_list {
	struct uuid *v;
	size_t n;
};
struct int_list {
	int64_t *v;
	size_t n;
};

enum field_type {
	FIELD_TEXT,   /* min, max in code points; NUL refused; not trimmed */
	FIELD_EMAIL,  /* text, at most 254 bytes, one @, no blanks */
	FIELD_SECRET, /* text never echoed, never logged */
	FIELD_SLUG,   /* [a-z0-9-], 2 to 63, no dash at either end */
	FIELD_INT,
	FIELD_MONEY, /* minor units; JSON integer */
	FIELD_NUMBER,
	FIELD_BOOL,
	FIELD_UUID,
	FIELD_TIME,
	FIELD_DATE,
	FIELD_ENUM,
	FIELD_JSON, /* anything */
	FIELD_MAP,  /* an object with free keys */
	FIELD_SHAPE,
	FIELD_LIST,
};

#define FIELD_NONE UINT16_MAX /* "no such offset" */

struct field {
	const char *name;
	enum field_type type;
	enum field_type element; /* of a list */
	bool required;
	bool nullable;
	bool read_only;	      /* only in what goes out */
	uint16_t offset;      /* of the value in the struct */
	uint16_t has_offset;  /* FIELD_NONE for required fields */
	uint16_t null_offset; /* FIELD_NONE unless nullable */
	bool has_range;
	int64_t min, max;	   /* value, code points or elements */
	const char *const *values; /* enum, NULL-ended */
	const struct shape *shape; /* nested, or element of a list */
	const char *default_text;  /* as in a query string; NULL: none */
	const char *doc;
	const char *example; /* JSON */
};

struct shape {
	const char *name;
	const char *doc;
	const struct field *fields;
	size_t field_count;
	size_t struct_bytes;
};

/* Decodes a body into a zeroed struct of shape->struct_bytes owned by ctx.
 * Fields at fault are JSON pointers. Texts borrow from the document. */
struct fault *shape_decode(const void *ctx, const struct shape *shape, struct str body,
			   void **ret_struct);
/* Decodes a query string; unknown parameters are refused too. */
struct fault *shape_decode_query(const void *ctx, const struct shape *shape, struct str query,
				 void **ret_struct);
/* Does a JSON text fit the shape (answers, in test builds)? */
struct fault *shape_check(const void *ctx, const struct shape *shape, struct str json);
