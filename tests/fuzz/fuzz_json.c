/* fuzz_json.c - the JSON reader on arbitrary bytes: never crashes, and what it
 * accepts can be walked, decoded and searched for duplicates. */
#include "base/json.h"

#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *ctx = talloc_new(NULL);
	struct json j;

	if (!json_parse(ctx, (struct str){ (const char *)data, size }, &json_default_limits, &j)) {
		for (uint32_t i = 0; i < j.node_count; i++)
			json_string(ctx, &j, &j.nodes[i]);
		json_duplicate_key(ctx, &j);
		json_get(&j, json_root(&j), STR("a"));
	}
	talloc_free(ctx);
	return 0;
}
