/* assets.h - files that are part of the program: the embedded interface.
 *
 * tools/embed_assets.py turns web/dist into one generated table with up to
 * three encodings a file. What to send for a request is decided here, as a
 * pure function over the request's fields (RFC 9110: Accept-Encoding 12.5.3,
 * If-None-Match 13.1.2, Range 14): tested without a socket. Security headers
 * and the fallback to index.html are the caller's. */
#pragma once

#include "http/http.h"

struct asset {
	const char *path; /* "/assets/index-3fa9.js" */
	const char *content_type;
	const char *etag; /* of the identity form, with quotes */
	const unsigned char *identity;
	const unsigned char *gzip;   /* NULL: not worth it */
	const unsigned char *brotli; /* NULL: not worth it */
	size_t identity_bytes, gzip_bytes, brotli_bytes;
	bool immutable; /* the name changes with the content: may be cached for a year */
};

/* Sorted by path (strcmp order). */
struct assets {
	const struct asset *v;
	size_t n;
};

#define ASSET_FIELDS_MAX 8

struct asset_reply {
	int status; /* 200, 206, 304, 416 */
	struct str body;
	struct http_field fields[ASSET_FIELDS_MAX];
	size_t field_count;
};

/* NULL when there is none of that path (compared as sent, no decoding). */
const struct asset *assets_find(const struct assets *all, struct str path);
/* Fields and body for a GET or HEAD. Values are static or lie on ctx; the body
 * is part of the program. */
struct asset_reply asset_reply(const void *ctx, const struct asset *a,
			       const struct http_request *rq);
