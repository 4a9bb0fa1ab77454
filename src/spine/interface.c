/* interface.c - the embedded interface: whatever is no route and no API path.
 *
 * A file when there is one of that name; else index.html for anybody who asks
 * for a page, because addresses like /acme/projects live in the browser. */
#include "spine/pipeline_internal.h"

#include "http/assets.h"

static bool is_api_path(struct str path)
{
	static const char *const roots[] = { "/api/",	      "/v1/",	"/socket.io/", "/assets/",
					     "/.well-known/", "/docs/", NULL };

	for (const char *const *root = roots; *root; root++)
		if (str_starts(path, str_of(*root)))
			return true;
	return false;
}

/* A browser that opens an address says so in Accept. */
static bool wants_page(struct str accept)
{
	while (accept.p) {
		struct str part = str_cut(&accept, ','), media = str_trim(str_cut(&part, ';'));
		if (str_eq_nocase(media, STR("text/html")))
			return true;
	}
	return false;
}

bool interface_answer(struct flow *fl)
{
	const struct http_request *http = fl->rq.http;
	const struct assets *all = fl->rq.app->assets;
	struct str path = str_eq(http->path, STR("/")) ? STR("/index.html") : http->path;

	if (!all)
		return false;
	const struct asset *file = assets_find(all, path);
	if (!file && !is_api_path(path) && wants_page(http_field(http, STR("Accept"))))
		file = assets_find(all, STR("/index.html"));
	if (!file)
		return false;
	struct asset_reply found = asset_reply(fl->rq.mem, file, http);
	fl->is_page = true;
	fl->reply.status = found.status;
	fl->reply.body = found.body;
	for (size_t i = 0; i < found.field_count; i++)
		fl->reply.fields[fl->reply.field_count++] = found.fields[i];
	return true;
}
