/* shape_internal.h - what the three readers of shapes share: bodies (shape.c),
 * query strings (shape_query.c) and single values (shape_value.c).
 *
 * A place is a link of the path to the value being read; it becomes a JSON
 * pointer only when there is something to complain about. */
#pragma once

#include "spine/shape.h"

#define SHAPE_FAULTS_LISTED 100 /* a hostile body must not make a larger answer */

struct place {
	const struct place *up; /* NULL: the document */
	struct str key;		/* absent: index counts */
	size_t index;
};

struct decoder {
	const void *ctx;
	const struct json *doc;
	bool is_answer;	     /* shape_check: nothing is written, read-only fields may stand */
	bool is_query;	     /* fields are named plainly, not as pointers */
	struct fault *fault; /* NULL while all is well */
	size_t listed;
};

/* Why a single value does not fit. */
struct complaint {
	const char *code;
	char message[160];
};

void decoder_complain(struct decoder *d, const struct place *at, const char *code,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Bytes a value of this type takes in a struct or array (not SHAPE, not LIST). */
size_t value_bytes(enum field_type type);
/* Reads text as the type of the field (or of its elements), checks all of its limits
 * and writes it to `to` unless that is NULL. Borrows text. */
bool value_read(const struct field *f, enum field_type type, struct str text, void *to,
		struct complaint *ret_why);
/* Fills what was not sent: defaults. `base` is the struct. */
void field_default(const struct field *f, char *base);
void field_mark(const struct field *f, char *base, bool is_null);
