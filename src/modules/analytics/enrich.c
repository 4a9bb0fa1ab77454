/* enrich.c - user agent, campaign, referrer, geography of one event (enrich.h). */
#include "modules/analytics/enrich.h"

#include "base/parse.h"

#include <maxminddb.h>
#include <talloc.h>

#define DATA_MAX_BYTES (64 * 1024)
#define VALUE_MAX_BYTES 500

struct enricher {
	struct agents *agents;
	MMDB_s places;
	bool has_places;
};

static int enricher_free(struct enricher *e)
{
	if (e->has_places)
		MMDB_close(&e->places);
	return 0;
}

struct fault *enricher_new(const void *ctx, struct str geoip_file, struct enricher **ret_enricher)
{
	struct enricher *e = talloc_zero(ctx, struct enricher);

	e->agents = agents_new(e);
	talloc_set_destructor(e, enricher_free);
	if (geoip_file.n > 0) {
		int state = MMDB_open(str_dup(e, geoip_file), MMDB_MODE_MMAP, &e->places);
		if (state != MMDB_SUCCESS)
			return fault_detail(FAULT(ctx, FAULT_INVALID, "geoip_file",
						  "The database of places cannot be read."),
					    "%s", MMDB_strerror(state));
		e->has_places = true;
	}
	*ret_enricher = e;
	return NULL;
}

void enricher_trim(struct enricher *e)
{
	agents_trim(e->agents);
}

/* ---- URLs ---- */

struct str url_host(const void *mem, struct str url)
{
	struct str rest = url;

	for (size_t i = 0; i + 2 < url.n && i < 32; i++) {
		if (url.p[i] != ':' || url.p[i + 1] != '/' || url.p[i + 2] != '/')
			continue;
		rest = str_slice(url, i + 3, url.n);
		size_t end = 0;
		while (end < rest.n && !strchr("/?#", rest.p[end]))
			end++;
		rest = str_slice(rest, 0, end);
		size_t at = str_find(rest, '@', 0);
		if (at != SIZE_MAX)
			rest = str_slice(rest, at + 1, rest.n);
		struct str host = str_lower(mem, str_cut(&rest, ':'));
		if (str_starts(host, STR("www.")))
			host = str_slice(host, 4, host.n);
		return host.n > 0 && host.n <= 253 ? host : (struct str){ NULL, 0 };
	}
	return (struct str){ NULL, 0 };
}

struct str url_param(const void *mem, struct str url, struct str name)
{
	size_t question = str_find(url, '?', 0), hash = str_find(url, '#', 0);
	struct str rest = { NULL, 0 }, value;

	if (question != SIZE_MAX && question < hash)
		rest = str_slice(url, question + 1, hash == SIZE_MAX ? url.n : hash);
	while (rest.p) {
		struct str pair = str_cut(&rest, '&');
		if (str_eq(str_cut(&pair, '='), name) && pair.n > 0 && pair.n <= VALUE_MAX_BYTES &&
		    parse_percent(mem, pair, true, &value) && str_is_utf8(value))
			return value;
	}
	return (struct str){ NULL, 0 };
}

/* ---- referrer ---- */

static const struct {
	const char *host; /* itself and its subdomains; a trailing dot: any top level domain */
	const char *kind;
} known_hosts[] = {
	{ "google.", "search" },
	{ "bing.com", "search" },
	{ "duckduckgo.com", "search" },
	{ "yahoo.", "search" },
	{ "ecosia.org", "search" },
	{ "qwant.com", "search" },
	{ "startpage.com", "search" },
	{ "yandex.", "search" },
	{ "baidu.com", "search" },
	{ "search.brave.com", "search" },
	{ "kagi.com", "search" },
	{ "naver.com", "search" },
	{ "seznam.cz", "search" },
	{ "perplexity.ai", "search" },
	{ "chatgpt.com", "search" },
	{ "facebook.com", "social" },
	{ "instagram.com", "social" },
	{ "t.co", "social" },
	{ "twitter.com", "social" },
	{ "x.com", "social" },
	{ "linkedin.com", "social" },
	{ "lnkd.in", "social" },
	{ "reddit.com", "social" },
	{ "youtube.com", "social" },
	{ "pinterest.", "social" },
	{ "tiktok.com", "social" },
	{ "xing.com", "social" },
	{ "threads.net", "social" },
	{ "bsky.app", "social" },
	{ "mastodon.social", "social" },
	{ "news.ycombinator.com", "social" },
	{ "mail.google.com", "email" },
	{ "outlook.live.com", "email" },
	{ "mail.yahoo.com", "email" },
	{ "outlook.office.com", "email" },
	{ "mail.proton.me", "email" },
};

/* Is host the domain or below it? */
static bool is_within(struct str host, struct str domain)
{
	bool any_end = str_ends(domain, STR("."));

	for (size_t i = 0; i < host.n; i++) {
		if (i > 0 && host.p[i - 1] != '.')
			continue;
		struct str rest = str_slice(host, i, host.n);
		if (any_end ? str_starts(rest, domain) : str_eq(rest, domain))
			return true;
	}
	return false;
}

struct str referrer_class(struct str host, struct str own_host)
{
	struct str found = STR("referral");
	size_t length = 0;

	if (!host.p)
		return (struct str){ NULL, 0 };
	if (own_host.p && str_eq(host, own_host))
		return STR("internal");
	/* the longest name wins: mail.google.com before google. */
	for (size_t i = 0; i < sizeof(known_hosts) / sizeof(*known_hosts); i++) {
		struct str domain = str_of(known_hosts[i].host);
		if (domain.n > length && is_within(host, domain)) {
			found = str_of(known_hosts[i].kind);
			length = domain.n;
		}
	}
	return found;
}

/* ---- writing ---- */

static void put(struct json_out *w, const char *key, struct str text)
{
	if (!text.p)
		return;
	if (text.n > VALUE_MAX_BYTES) {
		text.n = VALUE_MAX_BYTES;
		while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
			text.n--;
	}
	json_key(w, key);
	json_put_str(w, text);
}

static void put_agent(struct enricher *e, struct json_out *w, const struct enrich_in *in,
		      struct enrich_out *out)
{
	const struct agent *a = agents_read(e->agents, in->user_agent);

	if (!in->user_agent.p)
		return;
	if (a->browser.p) {
		json_key(w, "browser");
		json_open(w, '{');
		put(w, "name", a->browser);
		put(w, "version", a->browser_version);
		json_close(w, '}');
	}
	if (a->os.p) {
		json_key(w, "os");
		json_open(w, '{');
		put(w, "name", a->os);
		put(w, "version", a->os_version);
		json_close(w, '}');
	}
	bool mobile = str_eq(a->os, STR("iOS")) || str_eq(a->os, STR("Android"));
	bool tablet = str_starts(a->device, STR("iPad"));
	out->device_kind = a->is_bot ? STR("bot")
			   : tablet  ? STR("tablet")
			   : mobile  ? STR("mobile")
			   : a->os.p ? STR("desktop")
				     : (struct str){ NULL, 0 };
	json_key(w, "device");
	json_open(w, '{');
	put(w, "kind", out->device_kind);
	put(w, "name", a->device);
	put(w, "brand", a->brand);
	put(w, "model", a->model);
	json_close(w, '}');
	json_key(w, "bot");
	json_put_bool(w, a->is_bot);
	out->browser = a->browser;
	out->os = a->os;
}

/* ---- campaign ---- */

static const struct {
	const char *field, *utm;
} campaign_fields[] = { { "source", "utm_source" },   { "medium", "utm_medium" },
			{ "name", "utm_campaign" },   { "term", "utm_term" },
			{ "content", "utm_content" }, { "id", "utm_id" } };

static const char *const click_ids[] = { "gclid",     "gbraid",	 "wbraid", "dclid",
					 "fbclid",    "msclkid", "ttclid", "twclid",
					 "li_fat_id", "yclid",	 "epik",   "ScCid" };

/* What the client says counts before what the address says. */
static struct str campaign_value(const void *mem, const struct enrich_in *in, const struct json *j,
				 size_t field)
{
	struct str said = { NULL, 0 };

	if (j)
		said = json_string(mem, j,
				   json_get(j, json_root(j), str_of(campaign_fields[field].field)));
	if (said.n > 0)
		return said;
	return url_param(mem, in->url, str_of(campaign_fields[field].utm));
}

static void put_campaign(struct json_out *w, const void *mem, const struct enrich_in *in,
			 struct enrich_out *out)
{
	struct str values[6], click = { NULL, 0 };
	const char *click_kind = NULL;
	struct json j;
	bool has_json = in->campaign.p && !json_parse(mem, in->campaign, &json_default_limits, &j),
	     any = false;

	for (size_t i = 0; i < 6; i++) {
		values[i] = campaign_value(mem, in, has_json ? &j : NULL, i);
		any = any || values[i].p;
	}
	for (size_t i = 0; i < sizeof(click_ids) / sizeof(*click_ids) && !click.p; i++) {
		click = url_param(mem, in->url, str_of(click_ids[i]));
		click_kind = click_ids[i];
	}
	if (!any && !click.p)
		return;
	json_key(w, "campaign");
	json_open(w, '{');
	for (size_t i = 0; i < 6; i++)
		put(w, campaign_fields[i].field, values[i]);
	if (click.p) {
		put(w, "click_id", click);
		put(w, "click_id_kind", str_of(click_kind));
	}
	json_close(w, '}');
	out->campaign_name = values[2];
}

static void put_referrer(struct json_out *w, const void *mem, const struct enrich_in *in,
			 struct enrich_out *out)
{
	struct str own = url_host(mem, in->url), host = url_host(mem, in->referrer);

	if (!own.p && !host.p)
		return;
	out->referrer_class = host.p ? referrer_class(host, own) : STR("direct");
	json_key(w, "referrer");
	json_open(w, '{');
	put(w, "class", out->referrer_class);
	put(w, "host", host);
	json_close(w, '}');
}

/* ---- geography ---- */

static struct str place_text(MMDB_entry_s *entry, const char *const *path)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
	    data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return (struct str){ NULL, 0 };
	return (struct str){ data.utf8_string, data.data_size };
}

static void put_place(struct enricher *e, struct json_out *w, const void *mem,
		      const struct enrich_in *in, struct enrich_out *out)
{
	static const char *const country[] = { "country", "iso_code", NULL };
	static const char *const name[] = { "country", "names", "en", NULL };
	static const char *const region[] = { "subdivisions", "0", "names", "en", NULL };
	static const char *const city[] = { "city", "names", "en", NULL };
	static const char *const zone[] = { "location", "time_zone", NULL };
	int no_address, state;

	if (!e->has_places || in->ip.n == 0 || in->ip.n > 45)
		return;
	MMDB_lookup_result_s found =
		MMDB_lookup_string(&e->places, str_dup(mem, in->ip), &no_address, &state);
	if (no_address || state != MMDB_SUCCESS || !found.found_entry)
		return;
	out->country = place_text(&found.entry, country);
	json_key(w, "geo");
	json_open(w, '{');
	put(w, "country", out->country);
	put(w, "country_name", place_text(&found.entry, name));
	put(w, "region", place_text(&found.entry, region));
	put(w, "city", place_text(&found.entry, city));
	put(w, "time_zone", place_text(&found.entry, zone));
	json_close(w, '}');
}

void enrich(struct enricher *e, const void *mem, const struct enrich_in *in,
	    struct enrich_out *ret_out)
{
	struct json_out w;
	struct buf b;

	*ret_out = (struct enrich_out){ .json = { NULL, 0 } };
	buf_init(&b, mem, DATA_MAX_BYTES);
	json_out_init(&w, &b);
	json_open(&w, '{');
	put_agent(e, &w, in, ret_out);
	put_campaign(&w, mem, in, ret_out);
	put_referrer(&w, mem, in, ret_out);
	put_place(e, &w, mem, in, ret_out);
	json_close(&w, '}');
	ret_out->json = buf_view(&b);
}
