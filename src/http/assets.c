/* assets.c - encoding, condition, range: in that order (RFC 9110 13.2.2).
 *
 * Each encoding has an entity tag of its own ("x", "x-gzip", "x-br"), since
 * they are different bytes. A range is served from the identity form only, and
 * only one range at a time; several are answered with the whole. */
#include "http/assets.h"

#include "base/parse.h"

#include <assert.h>
#include <talloc.h>

enum { ENCODING_IDENTITY, ENCODING_GZIP, ENCODING_BROTLI, ENCODINGS };

static const struct str encoding_names[ENCODINGS] = {
	{ "identity", 8 },
	{ "gzip", 4 },
	{ "br", 2 },
};

#define WEIGHT_UNSET (-1)

const struct asset *assets_find(const struct assets *all, struct str path)
{
	size_t low = 0, high = all ? all->n : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct str here = str_of(all->v[middle].path);
		size_t n = here.n < path.n ? here.n : path.n;
		int order = memcmp(here.p, path.p, n);
		if (order == 0)
			order = (here.n > path.n) - (here.n < path.n);
		if (order == 0)
			return &all->v[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ";q=0.5" in thousandths; 0 when it cannot be read. */
static int weight_of(struct str parameters)
{
	while (!str_is_null(parameters)) {
		struct str value = str_trim(str_cut(&parameters, ';'));
		struct str name = str_trim(str_cut(&value, '='));
		double weight;
		if (!str_eq_nocase(name, STR("q")))
			continue;
		value = str_trim(value);
		if (!parse_double(value, &weight) || weight < 0 || weight > 1)
			return 0;
		return (int)(weight * 1000 + 0.5);
	}
	return 1000;
}

static void read_weights(struct str list, int weights[ENCODINGS], int *any)
{
	while (!str_is_null(list)) {
		struct str parameters = str_cut(&list, ',');
		struct str name = str_trim(str_cut(&parameters, ';'));
		int weight = weight_of(parameters);
		if (str_eq(name, STR("*")))
			*any = weight;
		if (str_eq_nocase(name, STR("x-gzip")))
			name = encoding_names[ENCODING_GZIP];
		for (int e = 0; e < ENCODINGS; e++) {
			if (str_eq_nocase(name, encoding_names[e]))
				weights[e] = weight;
		}
	}
}

static struct str form_of(const struct asset *a, int encoding)
{
	switch (encoding) {
	case ENCODING_GZIP:
		return (struct str){ (const char *)a->gzip, a->gzip_bytes };
	case ENCODING_BROTLI:
		return (struct str){ (const char *)a->brotli, a->brotli_bytes };
	default:
		return (struct str){ a->identity_bytes ? (const char *)a->identity : "",
				     a->identity_bytes };
	}
}

/* The best of what the peer takes and we have; identity when nothing else is
 * named, even if the peer says it is not acceptable (RFC 9110 12.5.3 allows). */
static int choose_encoding(const struct asset *a, struct str accepted)
{
	int weights[ENCODINGS] = { WEIGHT_UNSET, WEIGHT_UNSET, WEIGHT_UNSET };
	int any = WEIGHT_UNSET, best = ENCODING_IDENTITY, best_weight = 0;

	if (str_is_null(accepted))
		return ENCODING_IDENTITY;
	read_weights(accepted, weights, &any);
	for (int e = ENCODING_GZIP; e < ENCODINGS; e++) {
		int weight = weights[e] != WEIGHT_UNSET ? weights[e] : any;
		if (weight > 0 && weight >= best_weight && !str_is_null(form_of(a, e))) {
			best = e;
			best_weight = weight;
		}
	}
	/* identity only wins when it is named and preferred */
	return weights[ENCODING_IDENTITY] > best_weight ? ENCODING_IDENTITY : best;
}

static void add(struct asset_reply *r, struct str name, struct str value)
{
	assert(r->field_count < ASSET_FIELDS_MAX);
	r->fields[r->field_count++] = (struct http_field){ name, value };
}

static struct str tag_of(const void *ctx, const struct asset *a, int encoding)
{
	struct str tag = str_of(a->etag);

	if (encoding == ENCODING_IDENTITY)
		return tag;
	return str_of(talloc_asprintf(ctx, "%.*s-%s\"", (int)tag.n - 1, tag.p,
				      encoding_names[encoding].p));
}

/* Is one of the listed tags ours? Weak comparison, as If-None-Match wants. */
static bool is_listed(struct str list, struct str tag)
{
	while (!str_is_null(list)) {
		struct str one = str_trim(str_cut(&list, ','));
		if (str_starts(one, STR("W/")))
			one = str_slice(one, 2, one.n);
		if (str_eq(one, tag) || str_eq(one, STR("*")))
			return true;
	}
	return false;
}

enum range { RANGE_NONE, RANGE_FINE, RANGE_OUTSIDE };

/* "-n": the last n bytes. */
static enum range suffix_range(int64_t count, size_t bytes, size_t *ret_from, size_t *ret_to)
{
	if (count == 0 || bytes == 0)
		return RANGE_OUTSIDE;
	*ret_from = (uint64_t)count < bytes ? bytes - (size_t)count : 0;
	*ret_to = bytes;
	return RANGE_FINE;
}

/* "bytes=a-b", "bytes=a-", "bytes=-n"; anything else is no range for us. */
static enum range range_of(struct str value, size_t bytes, size_t *ret_from, size_t *ret_to)
{
	int64_t first = 0, last = INT64_MAX;

	if (value.n < 6 || !str_eq_nocase(str_slice(value, 0, 6), STR("bytes=")))
		return RANGE_NONE;
	struct str end = str_slice(value, 6, value.n);
	struct str start = str_cut(&end, '-');
	if (str_is_null(end) || (end.n > 0 && !parse_int(end, 0, INT64_MAX, &last)))
		return RANGE_NONE;
	if (start.n == 0)
		return end.n > 0 ? suffix_range(last, bytes, ret_from, ret_to) : RANGE_NONE;
	if (!parse_int(start, 0, INT64_MAX, &first) || last < first)
		return RANGE_NONE;
	if ((uint64_t)first >= bytes)
		return RANGE_OUTSIDE;
	*ret_from = (size_t)first;
	*ret_to = (uint64_t)last < bytes ? (size_t)last + 1 : bytes;
	return RANGE_FINE;
}

/* A range wins over compression: it is over the bytes the peer already has,
 * and with If-Range only if those are ours. */
static bool apply_range(const void *ctx, const struct asset *a, const struct http_request *rq,
			struct asset_reply *r)
{
	struct str value = http_field(rq, STR("range"));
	struct str condition = http_field(rq, STR("if-range"));
	struct str whole = form_of(a, ENCODING_IDENTITY);
	size_t from = 0, to = 0;

	if (str_is_null(value) || rq->method != HTTP_GET ||
	    (!str_is_null(condition) && !str_eq(condition, str_of(a->etag))))
		return false;
	enum range range = range_of(value, whole.n, &from, &to);
	if (range == RANGE_NONE)
		return false;
	if (range == RANGE_OUTSIDE) {
		r->status = 416;
		r->body = STR("");
		add(r, STR("Content-Range"), str_of(talloc_asprintf(ctx, "bytes */%zu", whole.n)));
		return true;
	}
	r->status = 206;
	r->body = str_slice(whole, from, to);
	add(r, STR("Content-Range"),
	    str_of(talloc_asprintf(ctx, "bytes %zu-%zu/%zu", from, to - 1, whole.n)));
	return true;
}

struct asset_reply asset_reply(const void *ctx, const struct asset *a,
			       const struct http_request *rq)
{
	struct asset_reply r = { .status = 200 };
	int encoding = choose_encoding(a, http_field(rq, STR("accept-encoding")));
	struct str known = http_field(rq, STR("if-none-match"));
	bool is_known = !str_is_null(known) && is_listed(known, tag_of(ctx, a, encoding));

	add(&r, STR("Cache-Control"),
	    a->immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
	if (a->gzip || a->brotli)
		add(&r, STR("Vary"), STR("Accept-Encoding"));
	add(&r, STR("Accept-Ranges"), STR("bytes"));
	if (!is_known && apply_range(ctx, a, rq, &r))
		encoding = ENCODING_IDENTITY;
	add(&r, STR("ETag"), tag_of(ctx, a, encoding));
	if (is_known) {
		r.status = 304;
		r.body = STR("");
		return r;
	}
	add(&r, STR("Content-Type"), str_of(a->content_type));
	if (r.status != 200)
		return r;
	r.body = form_of(a, encoding);
	if (encoding != ENCODING_IDENTITY)
		add(&r, STR("Content-Encoding"), encoding_names[encoding]);
	return r;
}
