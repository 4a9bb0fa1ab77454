/* map.c - open addressing with tombstones, at most half full (see map.h). */
#include "base/map.h"

#include <assert.h>
#include <stdint.h>
#include <sys/random.h>
#include <talloc.h>

struct entry {
	struct str key; /* p == NULL: free */
	void *value;	/* NULL with a key: removed (a tombstone) */
};

struct map {
	struct entry *entries;
	size_t room; /* a power of two */
	size_t used; /* entries and tombstones */
	size_t count;
	uint64_t seed;
};

static uint64_t hash(const struct map *m, struct str key)
{
	uint64_t h = m->seed ^ 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < key.n; i++) {
		h ^= (unsigned char)key.p[i];
		h *= 0x100000001b3ULL;
	}
	return h ^ (h >> 32);
}

struct map *map_new(const void *ctx)
{
	struct map *m = talloc_zero(ctx, struct map);

	m->room = 16;
	m->entries = talloc_zero_array(m, struct entry, (unsigned)m->room);
	if (getrandom(&m->seed, sizeof(m->seed), 0) != (ssize_t)sizeof(m->seed))
		m->seed = (uint64_t)(uintptr_t)m;
	return m;
}

static struct entry *find(const struct map *m, struct str key)
{
	for (size_t i = hash(m, key) & (m->room - 1);; i = (i + 1) & (m->room - 1)) {
		struct entry *e = &m->entries[i];
		if (!e->key.p || (e->value && str_eq(e->key, key)))
			return e;
	}
}

void *map_get(const struct map *m, struct str key)
{
	struct entry *e = find(m, key);

	return e->key.p ? e->value : NULL;
}

static void grow(struct map *m)
{
	struct entry *old = m->entries;
	size_t old_room = m->room;

	m->room = m->count * 4 > m->room ? m->room * 2 : m->room;
	m->entries = talloc_zero_array(m, struct entry, (unsigned)m->room);
	m->used = m->count;
	for (size_t i = 0; i < old_room; i++) {
		if (!old[i].key.p)
			continue;
		if (old[i].value)
			*find(m, old[i].key) = old[i];
		else
			talloc_free((void *)(uintptr_t)old[i].key.p);
	}
	talloc_free(old);
}

void *map_put(struct map *m, struct str key, void *value)
{
	assert(value);
	struct entry *e = find(m, key);
	if (e->key.p) {
		void *before = e->value;
		e->value = value;
		return before;
	}
	if ((m->used + 1) * 2 > m->room) {
		grow(m);
		e = find(m, key);
	}
	*e = (struct entry){ str_copy(m, key), value };
	m->used++;
	m->count++;
	return NULL;
}

void *map_remove(struct map *m, struct str key)
{
	struct entry *e = find(m, key);

	if (!e->key.p)
		return NULL;
	void *before = e->value;
	e->value = NULL;
	m->count--;
	return before;
}

size_t map_count(const struct map *m)
{
	return m->count;
}

bool map_next(const struct map *m, size_t *cursor, struct str *ret_key, void **ret_value)
{
	for (; *cursor < m->room; ++*cursor) {
		struct entry *e = &m->entries[*cursor];
		if (e->key.p && e->value) {
			*ret_key = e->key;
			*ret_value = e->value;
			++*cursor;
			return true;
		}
	}
	return false;
}
