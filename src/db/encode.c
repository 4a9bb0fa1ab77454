/* encode.c - parameters in PostgreSQL's binary formats.
 *
 * Scalars and whole arrays are written once, big-endian, into one block a
 * statement; texts travel as they are, without a copy or a terminator. Types
 * are told to the server (db_type_oids), so a cast in the SQL converts on the
 * server's side. Formats: src/backend/utils/adt/{arrayfuncs,timestamp,jsonb}.c
 * of PostgreSQL, stable since 7.4. */
#include "db/db_internal.h"

#include <endian.h>

#define POSTGRES_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 in wall µs */
#define PARAM_BYTES_MAX ((size_t)512 << 20)
#define ARRAY_HEADER_BYTES 20
#define JSONB_VERSION 1

const unsigned db_type_oids[] = {
	[DB_TEXT] = 25,	   [DB_INT] = 20,     [DB_BOOL] = 16,	  [DB_UUID] = 2950,
	[DB_TIME] = 1184,  [DB_JSON] = 3802,  [DB_BYTES] = 17,	  [DB_DOUBLE] = 701,
	[DB_TEXTS] = 1009, [DB_INTS] = 1016,  [DB_UUIDS] = 2951,  [DB_TIMES] = 1185,
	[DB_BOOLS] = 1000, [DB_JSONS] = 3807, [DB_BYTESS] = 1001,
};

static enum db_type element_type(enum db_type array)
{
	static const enum db_type elements[] = {
		[DB_TEXTS] = DB_TEXT,	[DB_INTS] = DB_INT,   [DB_UUIDS] = DB_UUID,
		[DB_TIMES] = DB_TIME,	[DB_BOOLS] = DB_BOOL, [DB_JSONS] = DB_JSON,
		[DB_BYTESS] = DB_BYTES,
	};

	return elements[array];
}

static bool is_counted(enum db_type type)
{
	return type == DB_TEXT || type == DB_JSON || type == DB_BYTES;
}

/* Bytes of one element of a fixed-size type. */
static size_t fixed_bytes(enum db_type type)
{
	return type == DB_UUID ? 16 : type == DB_BOOL ? 1 : 8;
}

static size_t counted_array_bytes(enum db_type element, const struct str *v, size_t n)
{
	size_t bytes = n * (element == DB_JSON ? 5 : 4);

	for (size_t i = 0; i < n; i++)
		bytes += v[i].n;
	return bytes;
}

static bool param_is_null(enum db_type type, const struct db_param *p)
{
	if (p->is_null)
		return true;
	return is_counted(type) && str_is_null(p->text);
}

/* How much of the block a parameter needs. */
static size_t param_bytes(enum db_type type, const struct db_param *p, bool copy)
{
	if (param_is_null(type, p))
		return 0;
	if (type >= DB_TEXTS) {
		enum db_type element = element_type(type);
		if (is_counted(element))
			return ARRAY_HEADER_BYTES +
			       counted_array_bytes(element, p->array, p->array_count);
		return ARRAY_HEADER_BYTES + p->array_count * (4 + fixed_bytes(element));
	}
	if (type == DB_JSON)
		return p->text.n + 1;
	if (is_counted(type))
		return copy ? p->text.n : 0;
	return fixed_bytes(type);
}

static char *put32(char *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, 4);
	return to + 4;
}

static char *put64(char *to, int64_t value)
{
	uint64_t bits = htobe64((uint64_t)value);

	memcpy(to, &bits, 8);
	return to + 8;
}

static char *put_bytes(char *to, const void *bytes, size_t n)
{
	if (n > 0)
		memcpy(to, bytes, n);
	return to + n;
}

static char *put_counted_element(char *to, enum db_type type, struct str s)
{
	if (str_is_null(s))
		return put32(to, UINT32_MAX);
	to = put32(to, (uint32_t)(s.n + (type == DB_JSON)));
	if (type == DB_JSON)
		*to++ = JSONB_VERSION;
	return put_bytes(to, s.p, s.n);
}

static char *put_fixed_element(char *to, enum db_type type, const void *array, size_t i)
{
	to = put32(to, (uint32_t)fixed_bytes(type));
	switch (type) {
	case DB_UUID:
		return put_bytes(to, ((const struct uuid *)array)[i].b, 16);
	case DB_BOOL:
		*to = (char)((const bool *)array)[i];
		return to + 1;
	case DB_TIME:
		return put64(to, ((const int64_t *)array)[i] - POSTGRES_EPOCH_US);
	default:
		return put64(to, ((const int64_t *)array)[i]);
	}
}

static bool has_null_element(enum db_type element, const struct db_param *p)
{
	const struct str *v = p->array;

	for (size_t i = 0; is_counted(element) && i < p->array_count; i++) {
		if (str_is_null(v[i]))
			return true;
	}
	return false;
}

static char *put_array(char *to, enum db_type array, const struct db_param *p)
{
	enum db_type type = element_type(array);

	to = put32(to, p->array_count > 0); /* dimensions */
	to = put32(to, has_null_element(type, p));
	to = put32(to, db_type_oids[type]);
	if (p->array_count == 0)
		return to;
	to = put32(to, (uint32_t)p->array_count);
	to = put32(to, 1); /* lower bound */
	for (size_t i = 0; i < p->array_count; i++)
		to = is_counted(type)
			     ? put_counted_element(to, type, ((const struct str *)p->array)[i])
			     : put_fixed_element(to, type, p->array, i);
	return to;
}

static char *put_scalar(char *to, enum db_type type, const struct db_param *p)
{
	int64_t bits;

	switch (type) {
	case DB_BOOL:
		*to = p->number != 0;
		return to + 1;
	case DB_UUID:
		return put_bytes(to, p->uuid.b, 16);
	case DB_TIME:
		return put64(to, p->number - POSTGRES_EPOCH_US);
	case DB_DOUBLE:
		memcpy(&bits, &p->real, 8);
		return put64(to, bits);
	case DB_JSON:
		*to = JSONB_VERSION;
		return put_bytes(to + 1, p->text.p, p->text.n);
	case DB_INT:
		return put64(to, p->number);
	default: /* copied text or bytes */
		return put_bytes(to, p->text.p, p->text.n);
	}
}

static char *put_param(struct pending *s, int i, const struct db_param *p, char *to, bool copy)
{
	enum db_type type = s->query->param_types[i];
	char *end = to;

	s->formats[i] = 1;
	if (param_is_null(type, p)) {
		s->values[i] = NULL;
		s->lengths[i] = 0;
		return to;
	}
	if ((type == DB_TEXT || type == DB_BYTES) && !copy) {
		s->values[i] = p->text.p;
		s->lengths[i] = (int)p->text.n;
		return to;
	}
	end = type >= DB_TEXTS ? put_array(to, type, p) : put_scalar(to, type, p);
	s->values[i] = to;
	s->lengths[i] = (int)(end - to);
	return end;
}

struct fault *pending_new(const void *ctx, const struct db_query *q, const struct db_param *params,
			  bool copy, struct pending **ret_pending)
{
	size_t n = (size_t)q->param_count;
	size_t head = sizeof(struct pending) + n * (sizeof(char *) + 2 * sizeof(int));
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		size_t one = param_bytes(q->param_types[i], &params[i], copy);
		if (one > PARAM_BYTES_MAX || params[i].text.n > PARAM_BYTES_MAX ||
		    (bytes += one) > PARAM_BYTES_MAX)
			return FAULT(ctx, FAULT_TOO_LARGE, "too_large",
				     "That is too much at once.");
	}
	/* one more byte, so that an empty value has an address of its own */
	struct pending *s = talloc_size(ctx, head + bytes + 1);
	*s = (struct pending){ .query = q, .count = q->param_count };
	s->values = (const char **)(s + 1);
	s->lengths = (int *)(s->values + n);
	s->formats = s->lengths + n;
	char *to = (char *)(s->formats + n);
	for (int i = 0; i < q->param_count; i++)
		to = put_param(s, i, &params[i], to, copy);
	*ret_pending = s;
	return NULL;
}
