/* test_crypto_passwords.c - which passwords are refused, and the pool that hashes them. */
#include "services/crypto/crypto.h"
#include "services/crypto/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <pthread.h>
#include <talloc.h>

static const struct str context[] = {
	{ "Ada Lovelace", 12 },
	{ "ada.lovelace", 12 },
	{ NULL, 0 },
	{ "Harbour Analytics", 17 },
};

/* The codes of all broken rules, joined by a blank; "" when it will do. */
static const char *broken(const void *ctx, const char *password)
{
	struct fault *f = password_check(ctx, "/password", str_of(password), context, 4);
	char *codes = talloc_strdup(ctx, "");

	for (const struct fault_field *e = f ? f->fields : NULL; e; e = e->next)
		codes = talloc_asprintf_append(codes, "%s%s", *codes ? " " : "", e->code);
	return codes;
}

static void test_rules(void **state)
{
	void *ctx = talloc_new(NULL);
	const char *const good[] = {
		"correct Horse 7 battery!", "Xq7-mTzr.Lw2p",	       "Grün-Öl 77 Kartoffel",
		"Żółw!mknie7raz",	    "ada Wrote 1 note, not 2",
	};
	const char *const common[] = {
		"Password123!!", "P@ssw0rd2024!",  "Welcome2026!!!",	 "qwertyUIOP1!",
		"1!aA1!aA1!aA",	 "Summer-2026-!!", "Dragon!Dragon1",	 "!!Letmein2026",
		"Abcdefghijk1!", "Adalovelace1!",  "Harbour-Analytics1", "Zyxwvutsrqp1!",
		"M0nkey!!!!22",	 "Bulkhead2026!",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_string_equal(broken(ctx, good[i]), "");
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		assert_string_equal(broken(ctx, common[i]), "too_common");
	assert_string_equal(broken(ctx, "Xq7-mTzr.Lw"), "too_short");
	assert_string_equal(broken(ctx, ""),
			    "too_short needs_upper_case needs_lower_case needs_digit needs_sign");
	assert_string_equal(broken(ctx, "xq7-mtzr.lw2p"), "needs_upper_case");
	assert_string_equal(broken(ctx, "XQ7-MTZR.LW2P"), "needs_lower_case");
	assert_string_equal(broken(ctx, "Xqz-mTzr.Lwtp"), "needs_digit");
	assert_string_equal(broken(ctx, "Xq7zmTzrqLw2p"), "needs_sign");
	talloc_free(ctx);
}

static void test_length_in_code_points(void **state)
{
	void *ctx = talloc_new(NULL);
	char *longest = talloc_strdup(ctx, "Xq7-");

	(void)state;
	for (int i = 0; i < 126; i++)
		longest = talloc_asprintf_append(longest, "%s", i % 2 ? "ä¡" : "ßz");
	assert_string_equal(broken(ctx, longest), "");
	assert_string_equal(broken(ctx, talloc_asprintf(ctx, "%sx", longest)), "too_long");
	/* eleven code points in far more bytes */
	assert_string_equal(broken(ctx, "Xq7-🌊🌊🐟🐠🐡🐙🐚"), "too_short");
	talloc_free(ctx);
}

static void test_hash_and_verify(void **state)
{
	void *ctx = talloc_new(NULL);
	bool matches = false, rehash = true;
	struct hasher *h;
	struct str hash, again;

	(void)state;
	assert_null(hasher_new(ctx, 1, &h));
	assert_null(hasher_hash(ctx, h, STR("correct Horse 7 battery!"), &hash));
	assert_true(str_starts(hash, STR("$argon2id$v=19$m=65536,t=3,p=1$")));
	assert_null(hasher_hash(ctx, h, STR("correct Horse 7 battery!"), &again));
	assert_false(str_eq(hash, again));
	assert_null(
		hasher_verify(ctx, h, STR("correct Horse 7 battery!"), hash, &matches, &rehash));
	assert_true(matches);
	assert_false(rehash);
	assert_null(
		hasher_verify(ctx, h, STR("correct Horse 7 battery?"), hash, &matches, &rehash));
	assert_false(matches);
	assert_null(hasher_verify(ctx, h, STR(""), (struct str){ NULL, 0 }, &matches, &rehash));
	assert_false(matches);
	talloc_free(ctx);
}

struct caller {
	pthread_t thread;
	struct hasher *h;
	bool busy;
	bool hashed;
};

static void *call(void *arg)
{
	struct caller *c = arg;
	void *ctx = talloc_new(NULL);
	struct str hash;
	struct fault *f = hasher_hash(ctx, c->h, STR("anything"), &hash);

	c->busy = f && f->kind == FAULT_UNAVAILABLE && f->retry_after_s > 0;
	c->hashed = !f;
	talloc_free(ctx);
	return NULL;
}

/* One thread, 64 places: of 80 who come at once some are sent away, none hangs,
 * and everybody gets one of the two answers. */
static void test_pool_is_bounded(void **state)
{
	void *ctx = talloc_new(NULL);
	struct caller callers[80];
	int busy = 0, hashed = 0;
	struct hasher *h;

	(void)state;
	assert_null(hasher_new(ctx, 1, &h));
	for (size_t i = 0; i < 80; i++) {
		callers[i] = (struct caller){ .h = h };
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	for (size_t i = 0; i < 80; i++) {
		pthread_join(callers[i].thread, NULL);
		busy += callers[i].busy;
		hashed += callers[i].hashed;
	}
	assert_int_equal(busy + hashed, 80);
	assert_true(hashed >= 64);
	assert_true(busy > 0);
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_length_in_code_points),
		cmocka_unit_test(test_hash_and_verify),
		cmocka_unit_test(test_pool_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
