/* limits.c - token buckets in one process (see limits.h).
 *
 * A fixed table of sets with eight ways, so that memory is bounded whatever
 * names come in; its pages are touched only when used. A bucket is known by
 * 128 bits of keyed hash (SipHash-2-4 with a random key), so nobody can aim
 * at another's bucket. In a full set the bucket that is nearest to full goes:
 * forgetting a full bucket changes nothing. */
#include "services/limits/limits.h"

#include "base/clock.h"
#include "services/crypto/crypto.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <talloc.h>

#define WAYS 8
#define LOCKS 64
#define MICRO 1000000 /* tokens are counted in millionths */

struct bucket {
	uint64_t name[2]; /* 0, 0: free */
	int64_t level;	  /* millionths of a token at `at_us` */
	int64_t at_us;	  /* steady */
	int64_t limit;
	int64_t window_us;
};

struct limits {
	uint64_t key[2][2];
	size_t sets; /* a power of two */
	struct bucket *buckets;
	pthread_mutex_t locks[LOCKS];
};

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t sip_hash(const uint64_t key[2], struct str text)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			  key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
	uint64_t word;
	size_t i = 0;

	for (; i + 8 <= text.n; i += 8) {
		memcpy(&word, text.p + i, 8);
		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)text.n << 56;
	for (size_t k = 0; i + k < text.n; k++)
		word |= (uint64_t)(unsigned char)text.p[i + k] << (8 * k);
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int k = 0; k < 4; k++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static int limits_free(struct limits *l)
{
	munmap(l->buckets, l->sets * WAYS * sizeof(struct bucket));
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&l->locks[i]);
	return 0;
}

struct limits *limits_new(const void *ctx, size_t max_buckets)
{
	struct limits *l = talloc_zero(ctx, struct limits);

	for (l->sets = 1; l->sets * 2 * WAYS <= max_buckets;)
		l->sets *= 2;
	crypto_random(l->key, sizeof(l->key));
	l->buckets = mmap(NULL, l->sets * WAYS * sizeof(struct bucket), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l->buckets == MAP_FAILED)
		abort(); /* out of memory, at start */
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&l->locks[i], NULL);
	talloc_set_destructor(l, limits_free);
	return l;
}

static int64_t level_at(const struct bucket *b, int64_t now_us)
{
	int64_t full = b->limit * MICRO, passed = now_us - b->at_us;

	if (passed >= b->window_us)
		return full;
	double refill = (double)passed * (double)full / (double)b->window_us;
	int64_t level = b->level + (int64_t)refill;
	return level < full ? level : full;
}

/* How much is missing, in thousandths of the whole: the smallest may go. */
static int64_t worth(const struct bucket *b, int64_t now_us)
{
	int64_t full = b->limit * MICRO;

	return full > 0 ? (int64_t)((double)(full - level_at(b, now_us)) * 1000 / (double)full) : 0;
}

static struct bucket *bucket_of(struct limits *l, const uint64_t name[2], int64_t now_us)
{
	struct bucket *set = &l->buckets[(name[0] & (l->sets - 1)) * WAYS];
	struct bucket *place = &set[0];
	int64_t least = INT64_MAX;

	for (size_t w = 0; w < WAYS; w++) {
		struct bucket *b = &set[w];
		if (b->name[0] == name[0] && b->name[1] == name[1])
			return b;
		int64_t here = b->name[0] == 0 && b->name[1] == 0 ? -1 : worth(b, now_us);
		if (here < least) {
			least = here;
			place = b;
		}
	}
	*place = (struct bucket){ .name = { name[0], name[1] } };
	return place;
}

static int seconds_until(const struct bucket *b, int64_t level)
{
	int64_t missing = level - b->level;

	if (missing <= 0 || b->limit <= 0)
		return 0;
	double us = (double)missing * (double)b->window_us / (double)(b->limit * MICRO);
	int64_t whole = (int64_t)((us + 999999) / 1000000);
	return whole > 1 ? (int)whole : 1;
}

struct limit_state limits_take(struct limits *l, struct str key, int64_t limit, int window_s,
			       int64_t cost)
{
	const uint64_t name[2] = { sip_hash(l->key[0], key), sip_hash(l->key[1], key) };
	pthread_mutex_t *lock = &l->locks[(name[0] & (l->sets - 1)) % LOCKS];
	int64_t now_us = clock_steady_us();
	struct limit_state out = { .limit = limit };

	pthread_mutex_lock(lock);
	struct bucket *b = bucket_of(l, name, now_us);
	bool is_new = b->window_us == 0;
	b->level = is_new ? limit * MICRO : level_at(b, now_us);
	if (!is_new && b->limit != limit) /* another plan: the same share of it */
		b->level = b->limit > 0
				   ? (int64_t)((double)b->level * (double)limit / (double)b->limit)
				   : limit * MICRO;
	b->limit = limit;
	b->window_us = (int64_t)window_s * 1000000;
	b->at_us = now_us;
	out.allowed = b->level >= cost * MICRO;
	if (out.allowed)
		b->level -= cost * MICRO;
	else
		out.retry_after_s = seconds_until(b, cost * MICRO);
	out.remaining = b->level / MICRO;
	out.reset_s = seconds_until(b, limit * MICRO);
	pthread_mutex_unlock(lock);
	return out;
}
