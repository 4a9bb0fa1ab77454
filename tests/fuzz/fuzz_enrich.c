/* fuzz_enrich.c - user agents, addresses and referrers that strangers send: never a
 * crash, never a pattern that backtracks for ever, always readable JSON. */
#include "modules/analytics/enrich.h"

#include <assert.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct enricher *e; /* rules are compiled once a process */
	struct str text = { (const char *)data, size };
	void *mem = talloc_new(NULL);
	struct enrich_out out;
	struct json j;

	if (!e && enricher_new(NULL, (struct str){ NULL, 0 }, &e))
		return 0;
	enrich(e, mem,
	       &(struct enrich_in){ .user_agent = text,
				    .ip = text,
				    .url = text,
				    .referrer = text,
				    .campaign = text },
	       &out);
	assert(!json_parse(mem, out.json, &json_default_limits, &j));
	enricher_trim(e);
	talloc_free(mem);
	return 0;
}
