/* seed.c - demo data: a shop's visitors of the last two days.
 *
 * The events are written as an SDK would send them and go through the same
 * checks and the same batcher, so the demo shows nothing that the product does
 * not do. Numbers come from a fixed generator: two runs look alike. */
#include "modules/analytics/analytics_internal.h"

#include "base/clock.h"
#include "modules/analytics/ingest.h"
#include "modules/analytics/ingest_body.h"
#include "services/events/events.h"

#include <talloc.h>

#define VISITS 520
#define VISITORS 140
#define HOUR_US ((int64_t)3600 * 1000000)
#define BODY_MAX_BYTES (4U << 20)
#define BATCH_VISITS 40

static const char *const agents[] = {
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
	"Chrome/141.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	"Version/18.5 Safari/605.1.15",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
	"Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
	"Chrome/141.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
};

static const struct {
	const char *referrer, *query;
} sources[] = {
	{ "", "" },
	{ "https://www.google.com/", "" },
	{ "https://www.google.com/",
	  "?utm_source=google&utm_medium=cpc&utm_campaign=autumn&gclid=Cj0" },
	{ "https://www.instagram.com/", "?utm_source=instagram&utm_medium=social" },
	{ "https://mail.google.com/",
	  "?utm_source=newsletter&utm_medium=email&utm_campaign=week-47" },
	{ "https://blog.example.org/rain-jackets", "" },
};

static const struct {
	const char *name;
	int price;
} products[] = { { "Rain jacket", 129 }, { "Trail shoes", 99 },	  { "Headlamp", 39 },
		 { "Rope 60 m", 149 },	 { "Tent for two", 289 }, { "Thermos", 24 } };

static const char *const plans[] = { "free", "plus", "pro" };
static const char *const first_names[] = { "Ada",   "Ben",   "Chloe", "Dario", "Emma",
					   "Farid", "Greta", "Hugo",  "Ines",  "Jonas" };

struct seeder {
	const void *mem;
	struct buf body;
	uint64_t random;
	int64_t now_us;
	int message;
	bool has_event;
};

static uint32_t pick(struct seeder *s, uint32_t n)
{
	s->random = s->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(s->random >> 33) % n;
}

struct visit {
	uint32_t visitor;
	const char *agent;
	size_t source;
	int64_t at;
	bool is_known; /* signed in */
};

/* Opens an event with what all of a visit share; the caller adds the rest and '}'. */
static void open_event(struct seeder *s, struct visit *v, const char *type)
{
	char text[CLOCK_TEXT_SIZE];

	if (s->has_event)
		buf_char(&s->body, ',');
	s->has_event = true;
	v->at += (int64_t)(3 + pick(s, 60)) * 1000000;
	if (v->at > s->now_us)
		v->at = s->now_us;
	buf_printf(&s->body,
		   "{\"type\":\"%s\",\"messageId\":\"demo-%d\",\"timestamp\":\"%s\","
		   "\"anonymousId\":\"visitor-%u\"",
		   type, s->message++, clock_format(v->at, text), v->visitor);
	if (v->is_known)
		buf_printf(&s->body, ",\"userId\":\"customer-%u\"", v->visitor);
}

static void put_context(struct seeder *s, const struct visit *v, const char *path)
{
	bool is_landing = strcmp(path, "/") == 0;

	buf_printf(
		&s->body,
		",\"context\":{\"userAgent\":\"%s\",\"locale\":\"en-GB\",\"library\":"
		"{\"name\":\"analytics.js\",\"version\":\"next-1.84.3\"},\"page\":{\"path\":\"%s\","
		"\"url\":\"https://shop.example%s%s\",\"referrer\":\"%s\"}}",
		v->agent, path, path, is_landing ? sources[v->source].query : "",
		is_landing ? sources[v->source].referrer : "https://shop.example/");
}

static void put_page(struct seeder *s, struct visit *v, const char *name, const char *path)
{
	open_event(s, v, "page");
	buf_printf(&s->body, ",\"name\":\"%s\",\"properties\":{\"path\":\"%s\"}", name, path);
	put_context(s, v, path);
	buf_char(&s->body, '}');
}

static void put_product(struct seeder *s, struct visit *v, const char *event, uint32_t product)
{
	open_event(s, v, "track");
	buf_printf(&s->body,
		   ",\"event\":\"%s\",\"properties\":{\"product\":\"%s\",\"price\":%d,\"currency\":"
		   "\"EUR\"}",
		   event, products[product].name, products[product].price);
	put_context(s, v, "/product");
	buf_char(&s->body, '}');
}

static void put_identify(struct seeder *s, struct visit *v)
{
	const char *name = first_names[v->visitor % 10];

	v->is_known = true;
	open_event(s, v, "identify");
	buf_printf(
		&s->body,
		",\"traits\":{\"name\":\"%s %u\",\"email\":\"customer-%u@shop.example\",\"plan\":"
		"\"%s\"}",
		name, v->visitor, v->visitor, plans[v->visitor % 3]);
	put_context(s, v, "/account");
	buf_char(&s->body, '}');
}

static void put_order(struct seeder *s, struct visit *v, uint32_t product)
{
	open_event(s, v, "track");
	buf_printf(&s->body,
		   ",\"event\":\"Order Completed\",\"properties\":{\"order_id\":\"A-%d\","
		   "\"revenue\":%d.90,\"currency\":\"EUR\",\"items\":%u}",
		   10000 + s->message, products[product].price, 1 + pick(s, 3));
	put_context(s, v, "/thanks");
	buf_char(&s->body, '}');
}

/* More visits by day than by night. */
static int64_t visit_start(struct seeder *s)
{
	static const uint8_t weight[24] = { 2, 1, 1, 1, 1, 2, 4,  6,  8, 9, 10, 10,
					    9, 9, 9, 9, 9, 9, 10, 10, 9, 7, 5,	3 };

	for (;;) {
		int64_t at = s->now_us - (int64_t)pick(s, 48 * 3600) * 1000000;
		if (pick(s, 10) < weight[(at / HOUR_US) % 24])
			return at;
	}
}

static void put_visit(struct seeder *s)
{
	struct visit v = { .visitor = pick(s, VISITORS), .source = pick(s, 6) };
	uint32_t agent = pick(s, 40);

	v.agent = agents[agent >= 38 ? 5 : agent % 5];
	v.at = visit_start(s);
	put_page(s, &v, "Home", "/");
	if (agent >= 38)
		return; /* a crawler */
	for (uint32_t views = 1 + pick(s, 4); views > 0; views--) {
		uint32_t product = pick(s, 6);
		put_page(s, &v, "Product", "/product");
		put_product(s, &v, "Product Viewed", product);
		if (pick(s, 3) > 0)
			continue;
		put_product(s, &v, "Product Added", product);
		if (pick(s, 2) == 0)
			continue;
		put_identify(s, &v);
		put_page(s, &v, "Checkout", "/checkout");
		open_event(s, &v, "track");
		buf_text(&s->body, ",\"event\":\"Checkout Started\",\"properties\":{\"step\":1}");
		put_context(s, &v, "/checkout");
		buf_char(&s->body, '}');
		if (pick(s, 3) > 0)
			put_order(s, &v, product);
	}
}

/* What the debugger shows: mistakes that real applications make. */
static const char mistakes[] =
	",{\"type\":\"track\",\"messageId\":\"demo-bad-1\",\"userId\":\"customer-1\","
	"\"properties\":{\"note\":\"the name of the event is missing\"}}"
	",{\"type\":\"track\",\"messageId\":\"demo-bad-2\",\"event\":\"Signed Up\"}"
	",{\"type\":\"page\",\"messageId\":\"demo-bad-3\",\"userId\":\"customer-2\",\"timestamp\":"
	"\"yesterday\"}"
	",{\"type\":\"purchase\",\"messageId\":\"demo-bad-4\",\"userId\":\"customer-3\"}";

static struct fault *send(struct seeder *s, struct app *app, const struct ingest_access *access,
			  struct str key)
{
	void *mem = talloc_new(s->mem);
	struct ingest_request *r = talloc_zero(mem, struct ingest_request);
	struct ingest_request_body body;
	struct json j;

	buf_text(&s->body, "]}");
	TRY(ingest_body_read(mem, buf_view(&s->body), &j));
	TRY(ingest_read_request(mem, &j, EVENT_BATCH, false, &body));
	r->mem = mem;
	r->access = *access;
	r->key = key;
	r->received_us = body.source.received_us = clock_wall_us();
	body.source.project = access->project;
	ingest_check_all(&body, &r->events, &r->event_count);
	TRY(ingest_and_wait(app->ingest, r));
	talloc_free(mem);
	buf_reset(&s->body);
	buf_text(&s->body, "{\"batch\":[");
	s->has_event = false;
	return NULL;
}

static struct fault *send_visits(const void *mem, struct app *app, struct str key)
{
	struct seeder s = { .mem = mem, .random = 20261121, .now_us = clock_wall_us() };
	struct ingest_access access;

	TRY(ingest_access_find(mem, ingest_access_table(app->ingest), key, (struct str){ NULL, 0 },
			       &access));
	if (access.state != ACCESS_OK)
		return FAULT_BUG(mem, "the demo key is not accepted (%d)", (int)access.state);
	buf_init(&s.body, mem, BODY_MAX_BYTES);
	buf_text(&s.body, "{\"batch\":[");
	for (int i = 1; i <= VISITS; i++) {
		put_visit(&s);
		if (i == VISITS)
			buf_text(&s.body, mistakes);
		if (i % BATCH_VISITS == 0 || i == VISITS)
			TRY(send(&s, app, &access, key));
	}
	return NULL;
}

static struct fault *make_project(struct tx *tx, struct str *ret_key)
{
	struct project_any_row any;
	struct project_insert_row project;
	struct uuid key_id;
	struct str json;
	bool found;

	*ret_key = (struct str){ NULL, 0 };
	TRY(project_any(tx, &any, &found));
	if (found)
		return NULL;
	TRY(project_insert(tx, STR("Web shop"), STR("Visitors of shop.example (demo data)"),
			   &project));
	TRY(event_emit(tx, &project_created, project.id, (struct str){ NULL, 0 }));
	TRY(write_key_make(tx, project.id, STR("Shop front end"), &key_id, ret_key, &json));
	return tx_commit(tx);
}

struct fault *analytics_seed_demo(const void *mem, struct app *app, struct uuid tenant,
				  struct str *ret_write_key)
{
	const struct scope scope = { .tenant = tenant,
				     .actor_kind = "system",
				     .actor_name = STR("demo data") };
	struct tx *tx = tx_new(mem, app->db, DB_APP, TX_WRITE, &scope);
	struct fault *f = make_project(tx, ret_write_key);
	bool is_serving = app->ingest != NULL;

	tx_end(tx);
	TRY(f);
	if (!ret_write_key->p)
		return NULL;
	if (!is_serving)
		TRY(ingest_start(app, app, &app->ingest));
	f = send_visits(mem, app, *ret_write_key);
	if (!is_serving) {
		ingest_stop(app->ingest);
		app->ingest = NULL;
	}
	return f;
}
