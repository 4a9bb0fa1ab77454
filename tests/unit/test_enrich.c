/* test_enrich.c - user agents, addresses, referrers: what one event tells by itself. */
#include "modules/analytics/enrich.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <talloc.h>

#include <cmocka.h>

static void assert_str(struct str s, const char *expected)
{
	if (!expected) {
		assert_null(s.p);
		return;
	}
	assert_non_null(s.p);
	if (!str_eq(s, str_of(expected)))
		fail_msg("%.*s is not %s", STR_ARG(s), expected);
}

static void test_agents(void **state)
{
	static const struct {
		const char *agent, *browser, *version, *os, *os_version, *device;
		bool is_bot;
	} cases[] = {
		{ "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
		  "Chrome/130.0.6723.58 Safari/537.36",
		  "Chrome", "130.0.6723", "Linux", NULL, NULL, false },
		{ "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
		  "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		  "Mobile Safari", "17.5", "iOS", "17.5", "iPhone", false },
		{ "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like "
		  "Gecko) "
		  "Chrome/126.0.0.0 Mobile Safari/537.36",
		  "Chrome Mobile", "126.0.0", "Android", "14", "Samsung SM-S918B", false },
		{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 "
		  "Firefox/127.0",
		  "Firefox", "127.0", "Windows", "10", NULL, false },
		{ "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		  "Googlebot", "2.1", NULL, NULL, "Spider", true },
		{ "nothing that anybody knows", NULL, NULL, NULL, NULL, NULL, false },
		{ "", NULL, NULL, NULL, NULL, NULL, false },
	};
	(void)state;
	void *mem = talloc_new(NULL);
	struct agents *agents = agents_new(mem);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct agent *a = agents_read(agents, str_of(cases[i].agent));
		assert_str(a->browser, cases[i].browser);
		assert_str(a->browser_version, cases[i].version);
		assert_str(a->os, cases[i].os);
		assert_str(a->os_version, cases[i].os_version);
		assert_str(a->device, cases[i].device);
		assert_int_equal(a->is_bot, cases[i].is_bot);
		assert_ptr_equal(a, agents_read(agents, str_of(cases[i].agent)));
	}
	talloc_free(mem);
}

static void test_answers_are_forgotten(void **state)
{
	(void)state;
	void *mem = talloc_new(NULL);
	struct agents *agents = agents_new(mem);
	char text[64];

	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "curl/8.%d", i);
		assert_str(agents_read(agents, str_of(text))->browser, "curl");
		agents_trim(agents);
	}
	assert_true(talloc_total_size(agents) < (4U << 20));
	talloc_free(mem);
}

static void test_urls(void **state)
{
	(void)state;
	void *mem = talloc_new(NULL);

	assert_str(url_host(mem, STR("https://www.Shop.example:8443/a?b#c")), "shop.example");
	assert_str(url_host(mem, STR("http://me:secret@shop.example?x")), "shop.example");
	assert_str(url_host(mem, STR("shop.example")), NULL);
	assert_str(url_host(mem, STR("https:///x")), NULL);
	assert_str(url_host(mem, (struct str){ NULL, 0 }), NULL);
	assert_str(url_param(mem, STR("https://x/?a=1&utm_source=a+b%21#utm_source=no"),
			     STR("utm_source")),
		   "a b!");
	assert_str(url_param(mem, STR("https://x/#?a=1"), STR("a")), NULL);
	assert_str(url_param(mem, STR("https://x/?a=%zz&a=2"), STR("a")), "2");
	assert_str(url_param(mem, STR("https://x/?a=%ff"), STR("a")), NULL);
	talloc_free(mem);
}

static void test_referrers(void **state)
{
	struct str own = STR("shop.example");
	(void)state;

	assert_str(referrer_class((struct str){ NULL, 0 }, own), NULL);
	assert_str(referrer_class(own, own), "internal");
	assert_str(referrer_class(STR("google.co.uk"), own), "search");
	assert_str(referrer_class(STR("mail.google.com"), own), "email");
	assert_str(referrer_class(STR("l.facebook.com"), own), "social");
	assert_str(referrer_class(STR("t.co"), own), "social");
	assert_str(referrer_class(STR("not.co"), own), "referral");
	assert_str(referrer_class(STR("notgoogle.com"), own), "referral");
}

static void test_whole(void **state)
{
	(void)state;
	void *mem = talloc_new(NULL);
	struct enricher *e;
	struct enrich_out out;
	const struct enrich_in in = {
		.url = STR("https://shop.example/?utm_source=news&utm_campaign=w47&gclid=x"),
		.referrer = STR("https://duckduckgo.com/"),
		.campaign = STR("{\"source\":\"said\",\"name\":7}"),
		.ip = STR("203.0.113.1"),
	};

	assert_null(enricher_new(mem, (struct str){ NULL, 0 }, &e));
	enrich(e, mem, &in, &out);
	assert_str(out.json,
		   "{\"campaign\":{\"source\":\"said\",\"name\":\"w47\",\"click_id\":\"x\","
		   "\"click_id_kind\":\"gclid\"},\"referrer\":{\"class\":\"search\","
		   "\"host\":\"duckduckgo.com\"}}");
	assert_str(out.campaign_name, "w47");
	assert_str(out.referrer_class, "search");
	enrich(e, mem, &(struct enrich_in){ .ip = STR("x") }, &out);
	assert_str(out.json, "{}");
	assert_non_null(enricher_new(mem, STR("/no/such/file"), &e));
	talloc_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agents), cmocka_unit_test(test_answers_are_forgotten),
		cmocka_unit_test(test_urls),   cmocka_unit_test(test_referrers),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
