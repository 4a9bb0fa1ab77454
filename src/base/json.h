/* json.h - the one JSON reader and writer of the program (RFC 8259).
 *
 * Reading is strict and copies nothing: json_parse checks the whole text once
 * and leaves an array of nodes that point into it, in document order. A part
 * that only passes through (event properties, for instance) is handed on as
 * the slice json_text, never re-encoded. Numbers stay text until somebody asks.
 * Duplicate keys are found by the one who knows the keys (shapes) or by
 * json_has_duplicates. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_node {
	uint32_t type : 3;
	uint32_t escaped : 1; /* a string with backslashes in it */
	uint32_t skip : 28;   /* nodes from this one to the next sibling */
	uint32_t start; /* first byte of the value in the text (the opening quote of a string) */
	uint32_t end;	/* one past the last byte */
	uint32_t count; /* children; an object counts its keys */
};

struct json {
	struct str text;
	const struct json_node *nodes; /* nodes[0] is the document */
	uint32_t node_count;
};

struct json_limits {
	uint32_t depth;
	uint32_t nodes;
};

extern const struct json_limits json_default_limits; /* depth 64, 200 000 nodes */

/* Parses text (at most 256 MiB); nodes are owned by ctx and text must outlive
 * them. On failure ret_json is untouched and the fault is FAULT_MALFORMED with
 * code "malformed_json" and the byte position in its text. */
struct fault *json_parse(const void *ctx, struct str text, const struct json_limits *limits,
			 struct json *ret_json);

/* Children. In an object every key node is followed by its value node:
 *   for (n = json_first(j, obj); n; n = json_next(j, obj, value))
 * For arrays: json_next(j, array, n). Children of a scalar or NULL are none. */
static inline const struct json_node *json_root(const struct json *j)
{
	return j->nodes;
}
const struct json_node *json_first(const struct json *j, const struct json_node *parent);
/* The sibling after n inside parent, NULL at the end (over keys and values alike). */
const struct json_node *json_next(const struct json *j, const struct json_node *parent,
				  const struct json_node *n);
/* The value of a key, NULL when absent; parent may be any node or NULL. */
const struct json_node *json_get(const struct json *j, const struct json_node *parent,
				 struct str key);
/* Name of a key repeated in any object of the document (decoded), or absent. */
struct str json_duplicate_key(const void *ctx, const struct json *j);

/* The raw bytes of a value, quotes included. */
struct str json_text(const struct json *j, const struct json_node *n);
/* Decoded text of a string; borrowed from the document when nothing is
 * escaped, else owned by ctx. Absent for anything but a string. An unpaired
 * surrogate escape becomes U+FFFD. */
struct str json_string(const void *ctx, const struct json *j, const struct json_node *n);
bool json_int(const struct json *j, const struct json_node *n, int64_t *ret_value);
bool json_is(const struct json_node *n, enum json_type type); /* NULL-safe */

/* Writing: plain appends; commas are the writer's business.
 *   struct json_out w; json_out_init(&w, &buf);
 *   json_open(&w, '{'); json_key(&w, "id"); json_put_str(&w, id); json_close(&w, '}'); */
struct json_out {
	struct buf *b;
	bool comma; /* a comma is due before the next key or element */
};

void json_out_init(struct json_out *w, struct buf *b);
void json_open(struct json_out *w, char bracket);  /* '{' or '[' */
void json_close(struct json_out *w, char bracket); /* '}' or ']' */
void json_key(struct json_out *w, const char *key);
void json_put_str(struct json_out *w, struct str s); /* absent is written as null */
void json_put_int(struct json_out *w, int64_t value);
void json_put_bool(struct json_out *w, bool value);
void json_put_null(struct json_out *w);
void json_put_raw(struct json_out *w, struct str json); /* already JSON; absent is null */
/* Appends s as a JSON string literal. Bytes that are not UTF-8 become U+FFFD. */
void json_quote(struct buf *b, struct str s);
