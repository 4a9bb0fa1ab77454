/* fuzz_shape.c - shapes on arbitrary bytes, as a body and as a query string: never
 * crashes, and what is accepted keeps the limits that the shape promises. */
#include "spine/shape.h"

#include <assert.h>
#include <stddef.h>
#include <talloc.h>

struct leaf {
	struct str label;
};

struct tree {
	struct str name;
	bool has_limit;
	int64_t limit;
	bool has_ids;
	struct uuid_list ids;
	bool has_leaves;
	struct {
		struct leaf *v;
		size_t n;
	} leaves;
	bool has_traits;
	struct str traits;
	bool has_at;
	int64_t at;
};

#define PLACE(type, name) .offset = offsetof(struct type, name), .null_offset = FIELD_NONE
#define MAYBE(name) PLACE(tree, name), .has_offset = offsetof(struct tree, has_##name)
#define RANGE(low, high) .has_range = true, .min = (low), .max = (high)

static const struct field leaf_fields[] = {
	{ .name = "label",
	  .type = FIELD_TEXT,
	  .required = true,
	  PLACE(leaf, label),
	  .has_offset = FIELD_NONE,
	  RANGE(1, 4) },
};
static const struct shape leaf_shape = { "leaf", "", leaf_fields, 1, sizeof(struct leaf) };

static const struct field tree_fields[] = {
	{ .name = "name",
	  .type = FIELD_TEXT,
	  .required = true,
	  PLACE(tree, name),
	  .has_offset = FIELD_NONE,
	  RANGE(1, 8) },
	{ .name = "limit", .type = FIELD_INT, MAYBE(limit), RANGE(-5, 5) },
	{ .name = "ids", .type = FIELD_LIST, .element = FIELD_UUID, MAYBE(ids), RANGE(0, 3) },
	{ .name = "at", .type = FIELD_TIME, MAYBE(at) },
	{ .name = "leaves",
	  .type = FIELD_LIST,
	  .element = FIELD_SHAPE,
	  MAYBE(leaves),
	  .shape = &leaf_shape },
	{ .name = "traits", .type = FIELD_MAP, MAYBE(traits) },
};
static const struct shape tree_shape = { "tree", "", tree_fields, 6, sizeof(struct tree) };
static const struct shape query_shape = { "query", "", tree_fields, 4, sizeof(struct tree) };

static void check(const struct tree *t)
{
	assert(t->name.n > 0 && str_code_points(t->name) <= 8 && str_is_utf8(t->name));
	assert(t->limit >= -5 && t->limit <= 5);
	assert(t->ids.n <= 3);
	for (size_t i = 0; i < t->leaves.n; i++)
		assert(t->leaves.v[i].label.n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	void *ctx = talloc_new(NULL), *out = NULL;

	if (!shape_decode(ctx, &tree_shape, text, &out))
		check(out);
	if (!shape_decode_query(ctx, &query_shape, text, &out))
		check(out);
	shape_check(ctx, &tree_shape, text);
	talloc_free(ctx);
	return 0;
}
