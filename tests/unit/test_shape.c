/* test_shape.c - bodies, query strings and answers against hand-written shapes: what
 * fits comes out typed, what does not is listed whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <talloc.h>

#include "spine/shape.h"

struct part {
	struct str label;
	int64_t count;
};

struct thing {
	struct str name;
	bool has_note;
	bool note_is_null;
	struct str note;
	int64_t limit;
	bool has_role;
	struct str role;
	bool has_owner;
	struct uuid owner;
	bool has_tags;
	struct str_list tags;
	bool has_parts;
	struct {
		struct part *v;
		size_t n;
	} parts;
	bool has_traits;
	struct str traits;
	bool has_at;
	int64_t at;
	bool has_mail;
	struct str mail;
	bool has_ratio;
	double ratio;
	bool has_yes;
	bool yes;
};

#define AT(type, name) .offset = offsetof(struct type, name), .null_offset = FIELD_NONE
#define NEEDED(type, name) AT(type, name), .has_offset = FIELD_NONE, .required = true
#define MAYBE(name) AT(thing, name), .has_offset = offsetof(struct thing, has_##name)
#define RANGE(low, high) .has_range = true, .min = (low), .max = (high)

static const struct field part_fields[] = {
	{ .name = "label", .type = FIELD_TEXT, NEEDED(part, label), RANGE(1, 3) },
	{ .name = "count", .type = FIELD_INT, NEEDED(part, count), RANGE(0, 9) },
};
static const struct shape part_shape = { "part", "", part_fields, 2, sizeof(struct part) };
static const char *const roles[] = { "owner", "viewer", NULL };

static const struct field thing_fields[] = {
	{ .name = "name", .type = FIELD_TEXT, NEEDED(thing, name), RANGE(1, 5) },
	{ .name = "note",
	  .type = FIELD_TEXT,
	  .nullable = true,
	  .offset = offsetof(struct thing, note),
	  .has_offset = offsetof(struct thing, has_note),
	  .null_offset = offsetof(struct thing, note_is_null) },
	{ .name = "limit",
	  .type = FIELD_INT,
	  AT(thing, limit),
	  .has_offset = FIELD_NONE,
	  RANGE(1, 200),
	  .default_text = "50" },
	{ .name = "role", .type = FIELD_ENUM, MAYBE(role), .values = roles },
	{ .name = "owner", .type = FIELD_UUID, MAYBE(owner) },
	{ .name = "tags", .type = FIELD_LIST, .element = FIELD_TEXT, MAYBE(tags), RANGE(1, 3) },
	{ .name = "parts",
	  .type = FIELD_LIST,
	  .element = FIELD_SHAPE,
	  MAYBE(parts),
	  .shape = &part_shape },
	{ .name = "traits", .type = FIELD_MAP, MAYBE(traits) },
	{ .name = "at", .type = FIELD_TIME, MAYBE(at) },
	{ .name = "mail", .type = FIELD_EMAIL, MAYBE(mail) },
	{ .name = "ratio", .type = FIELD_NUMBER, MAYBE(ratio) },
	{ .name = "yes", .type = FIELD_BOOL, MAYBE(yes) },
};
static const struct shape thing_shape = { "thing", "", thing_fields, 12, sizeof(struct thing) };

static const struct field page_fields[] = {
	{ .name = "limit",
	  .type = FIELD_INT,
	  AT(thing, limit),
	  .has_offset = FIELD_NONE,
	  RANGE(1, 200),
	  .default_text = "50" },
	{ .name = "role", .type = FIELD_ENUM, MAYBE(role), .values = roles },
	{ .name = "tags", .type = FIELD_LIST, .element = FIELD_TEXT, MAYBE(tags), RANGE(1, 3) },
};
static const struct shape page_shape = { "page", "", page_fields, 3, sizeof(struct thing) };

/* "/field code" of every listed fault, blank between them. */
static const char *faults_of(const void *ctx, const struct fault *f)
{
	char *text = talloc_strdup(ctx, "");

	for (const struct fault_field *e = f ? f->fields : NULL; e; e = e->next)
		text = talloc_asprintf_append(text, "%s%s %s", *text ? "; " : "", e->field,
					      e->code);
	return text;
}

static const char *decode(void *ctx, const char *body)
{
	void *out;
	struct fault *f = shape_decode(ctx, &thing_shape, str_of(body), &out);

	return f && !f->fields ? f->code : faults_of(ctx, f);
}

static void a_body_becomes_a_struct(void **state)
{
	void *ctx = talloc_new(NULL), *out = NULL;
	struct str body = STR(
		"{\"name\":\"h\\u00e9\",\"note\":null,\"role\":\"owner\",\"tags\":[\"a\",\"b\"],"
		"\"parts\":[{\"label\":\"x\",\"count\":3}],\"traits\":{\"a\":[1, 2]},"
		"\"at\":\"2026-11-21T00:00:00Z\",\"ratio\":-1.5e2,\"yes\":true}");

	(void)state;
	assert_null(shape_decode(ctx, &thing_shape, body, &out));
	const struct thing *t = out;
	assert_true(str_eq(t->name, STR("h\xc3\xa9")));
	assert_true(t->has_note && t->note_is_null);
	assert_int_equal(t->limit, 50);
	assert_true(t->has_role && str_eq(t->role, STR("owner")));
	assert_false(t->has_owner);
	assert_int_equal(t->tags.n, 2);
	assert_true(str_eq(t->tags.v[1], STR("b")));
	assert_int_equal(t->parts.n, 1);
	assert_int_equal(t->parts.v[0].count, 3);
	assert_true(str_eq(t->traits, STR("{\"a\":[1, 2]}")));
	assert_int_equal(t->at, 1795219200000000);
	assert_true(t->has_ratio && t->ratio < -149.9 && t->has_yes && t->yes);
	talloc_free(ctx);
}

static void every_fault_is_listed(void **state)
{
	void *ctx = talloc_new(NULL);

	(void)state;
	assert_string_equal(decode(ctx, "{}"), "/name required");
	assert_string_equal(decode(ctx,
				   "{\"name\":7,\"role\":\"king\",\"owner\":\"x\",\"a/b~\":1,"
				   "\"tags\":[1,\"ok\"],\"parts\":[{\"label\":\"long\"}],\"yes\":1,"
				   "\"limit\":1.5,\"mail\":\"a@b@c\",\"at\":\"soon\"}"),
			    "/name wrong_type; /role not_allowed; /owner invalid_uuid; "
			    "/a~1b~0 unknown_field; /tags/0 wrong_type; /parts/0/label too_long; "
			    "/parts/0/count required; /yes wrong_type; /limit wrong_type; "
			    "/mail invalid_email; /at invalid_time");
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"name\":\"b\"}"),
			    "/name duplicate_field");
	assert_string_equal(decode(ctx, "{\"n\\u0061me\":\"a\",\"name\":\"b\"}"),
			    "/name duplicate_field");
	assert_string_equal(decode(ctx, "{\"name\":null}"), "/name wrong_type");
	assert_string_equal(decode(ctx, "[]"), " wrong_type");
	assert_string_equal(decode(ctx, "{\"name\":\"a\""), "malformed_json");
	assert_string_equal(decode(ctx, "{\"name\":\"\xff\"}"), "malformed_json");
	talloc_free(ctx);
}

static void lengths_are_code_points_and_nul_is_refused(void **state)
{
	void *ctx = talloc_new(NULL);

	(void)state;
	assert_string_equal(decode(ctx,
				   "{\"name\":\"\xf0\x9f\x9a\xa2\xf0\x9f\x9a\xa2\xf0\x9f\x9a\xa2"
				   "\xf0\x9f\x9a\xa2\xf0\x9f\x9a\xa2\"}"),
			    "");
	assert_string_equal(decode(ctx, "{\"name\":\"abcdef\"}"), "/name too_long");
	assert_string_equal(decode(ctx, "{\"name\":\"\"}"), "/name too_short");
	assert_string_equal(decode(ctx, "{\"name\":\"a\\u0000b\"}"), "/name invalid_text");
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"limit\":0}"), "/limit too_small");
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"limit\":99999999999999999999}"),
			    "/limit wrong_type");
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"tags\":[]}"), "/tags too_few");
	talloc_free(ctx);
}

static void free_parts_must_be_storable(void **state)
{
	void *ctx = talloc_new(NULL);

	(void)state;
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"traits\":{\"x\":\"\\u0000\"}}"),
			    "/traits invalid_text");
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"traits\":{\"x\":\"\\ud800\"}}"),
			    "/traits invalid_text");
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"traits\":{\"x\":\"\\ud83d\\ude00\"}}"),
			    "");
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"traits\":{\"x\":1e999999}}"),
			    "/traits too_large");
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"traits\":{\"x\":{\"k\":1,\"k\":2}}}"),
			    "/traits duplicate_field");
	assert_string_equal(decode(ctx, "{\"name\":\"a\",\"traits\":[]}"), "/traits wrong_type");
	talloc_free(ctx);
}

static void a_hostile_body_makes_no_endless_answer(void **state)
{
	void *ctx = talloc_new(NULL), *out;
	char *body = talloc_strdup(ctx, "{\"name\":\"a\"");
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		body = talloc_asprintf_append_buffer(body, ",\"x%d\":1", i);
	body = talloc_asprintf_append_buffer(body, "}");
	struct fault *f = shape_decode(ctx, &thing_shape, str_of(body), &out);
	for (const struct fault_field *e = f->fields; e; e = e->next)
		n++;
	assert_int_equal(n, 100);
	talloc_free(ctx);
}

static const char *query(void *ctx, const char *text, struct thing **ret)
{
	void *out;
	struct fault *f = shape_decode_query(ctx, &page_shape, str_of(text), &out);

	*ret = out;
	return faults_of(ctx, f);
}

static void a_query_string_is_as_strict(void **state)
{
	void *ctx = talloc_new(NULL);
	struct thing *t;

	(void)state;
	assert_string_equal(query(ctx, NULL, &t), "");
	assert_int_equal(t->limit, 50);
	assert_string_equal(query(ctx, "limit=7&role=viewer&tags=a,b%2Cc", &t), "");
	assert_int_equal(t->limit, 7);
	assert_int_equal(t->tags.n, 3);
	assert_string_equal(query(ctx, "limit=201&x=1&role=a&role=b", &t),
			    "limit too_large; x unknown_parameter; role not_allowed; "
			    "role duplicate_parameter");
	assert_string_equal(query(ctx, "limit=%zz", &t), "query malformed");
	assert_string_equal(query(ctx, "role=%ff", &t), "role invalid_text");
	assert_string_equal(query(ctx, "tags=a,b,c,d", &t), "tags too_many");
	talloc_free(ctx);
}

static void an_answer_is_checked_alike(void **state)
{
	void *ctx = talloc_new(NULL);

	(void)state;
	assert_null(
		shape_check(ctx, &thing_shape, STR("{\"name\":\"a\",\"role\":null,\"limit\":5}")));
	assert_non_null(shape_check(ctx, &thing_shape, STR("{\"name\":\"a\",\"secret\":1}")));
	assert_non_null(shape_check(ctx, &thing_shape, STR("{\"role\":\"owner\"}")));
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_becomes_a_struct),
		cmocka_unit_test(every_fault_is_listed),
		cmocka_unit_test(lengths_are_code_points_and_nul_is_refused),
		cmocka_unit_test(free_parts_must_be_storable),
		cmocka_unit_test(a_hostile_body_makes_no_endless_answer),
		cmocka_unit_test(a_query_string_is_as_strict),
		cmocka_unit_test(an_answer_is_checked_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
