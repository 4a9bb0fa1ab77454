/* ingest_body.h - from the bytes a client sent to JSON text that PostgreSQL can keep.
 *
 * The content type is never trusted (spec/ingestion.md): gzip is recognised by
 * its magic, everything else is taken for JSON. What jsonb cannot hold is
 * replaced in place, so that no event is lost for one odd character and no
 * statement fails on it later. */
#pragma once

#include "base/json.h"

#define INGEST_PACKED_MAX (4U << 20)   /* bytes of a body as sent */
#define INGEST_UNPACKED_MAX (8U << 20) /* bytes after gzip */
#define INGEST_DEPTH_MAX 1000U	       /* of the whole text; one event may have 200 */
#define INGEST_NODES_MAX 1000000U

/* Unpacks (when gzip), repairs and parses a body. The text behind ret_json is a
 * copy owned by ctx. Faults: malformed_body / malformed_json (400),
 * body_too_large (413). */
struct fault *ingest_body_read(const void *ctx, struct str body, struct json *ret_json);

/* The three repairs, for tests: each works in place and never changes a length.
 * Bytes that are not UTF-8 and raw NULs become '?', UTF-8 encoded surrogates
 * U+FFFD; \u0000 and unpaired surrogate escapes become \ufffd. */
void ingest_repair_bytes(char *text, size_t n);
void ingest_repair_escapes(char *text, size_t n);
/* Numbers beyond what numeric holds become null padded with blanks. */
void ingest_repair_numbers(char *text, const struct json *j);
