/* ingest_access.c - see ingest_access.h. Write keys are found by their hash as
 * bulkhead_platform (their tenant is what we want to know); API keys go the
 * way of every other route and must carry event.write. */
#include "modules/analytics/ingest_access.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/parse.h"
#include "services/crypto/crypto.h"
#include "spine/pipeline.h"

#include <pthread.h>
#include <talloc.h>

#define YES_US ((int64_t)60 * 1000000)
#define NO_US ((int64_t)1000000)
#define ENTRIES_MAX 20000

struct access_table {
	struct app *app;
	pthread_mutex_t mutex;
	struct map *entries; /* SHA-256 of the key -> struct ingest_access */
};

struct access_table *access_table_new(const void *ctx, struct app *app)
{
	struct access_table *t = talloc_zero(ctx, struct access_table);

	t->app = app;
	pthread_mutex_init(&t->mutex, NULL);
	t->entries = map_new(t);
	return t;
}

static bool find_cached(struct access_table *t, struct str hash, struct ingest_access *ret_access)
{
	pthread_mutex_lock(&t->mutex);
	const struct ingest_access *entry = map_get(t->entries, hash);
	bool found = entry && entry->valid_until_us > clock_steady_us();
	if (found)
		*ret_access = *entry;
	pthread_mutex_unlock(&t->mutex);
	return found;
}

static void keep(struct access_table *t, struct str hash, const struct ingest_access *access)
{
	pthread_mutex_lock(&t->mutex);
	if (map_count(t->entries) >= ENTRIES_MAX) {
		/* strangers with invented keys: start again rather than grow */
		talloc_free(t->entries);
		t->entries = map_new(t);
	}
	struct ingest_access *entry = map_get(t->entries, hash);
	if (!entry) {
		entry = talloc(t->entries, struct ingest_access);
		map_put(t->entries, hash, entry);
	}
	*entry = *access;
	pthread_mutex_unlock(&t->mutex);
}

static void hash_of(struct str key, struct str project_hint, uint8_t ret_hash[SHA256_BYTES])
{
	struct buf b;
	void *mem = talloc_new(NULL);

	if (!project_hint.p) {
		crypto_sha256(key, ret_hash);
	} else {
		buf_init(&b, mem, key.n + project_hint.n + 1);
		buf_str(&b, key);
		buf_char(&b, '\n');
		buf_str(&b, project_hint);
		crypto_sha256(buf_view(&b), ret_hash);
	}
	talloc_free(mem);
}

static bool is_write_key(struct str key)
{
	return str_starts(key, STR(WRITE_KEY_PREFIX));
}

void ingest_access_forget(struct access_table *t, struct str key, struct str project_hint)
{
	uint8_t hash[SHA256_BYTES];

	hash_of(key, is_write_key(key) ? (struct str){ NULL, 0 } : project_hint, hash);
	pthread_mutex_lock(&t->mutex);
	struct ingest_access *entry =
		map_get(t->entries, (struct str){ (const char *)hash, sizeof(hash) });
	if (entry)
		entry->valid_until_us = 0;
	pthread_mutex_unlock(&t->mutex);
}

static enum access_state state_of(const struct key_find_row *row)
{
	if (row->revoked)
		return ACCESS_REVOKED_KEY;
	if (row->frozen)
		return ACCESS_FROZEN;
	return row->archived ? ACCESS_ARCHIVED : ACCESS_OK;
}

static struct fault *find_write_key(const void *mem, struct access_table *t, struct str hash,
				    struct ingest_access *access)
{
	struct tx *tx = tx_new(mem, t->app->db, DB_PLATFORM, TX_READ, &(struct scope){ 0 });
	struct key_find_row row;
	bool found;
	struct fault *f = key_find(tx, hash, &row, &found);

	tx_end(tx);
	TRY(f);
	if (!found) {
		access->state = ACCESS_UNKNOWN_KEY;
		return NULL;
	}
	access->state = state_of(&row);
	access->key = row.id;
	access->tenant = row.tenant;
	access->project = row.project;
	access->stamps[0] = (struct access_stamp){ row.id, row.key_stamp };
	access->stamps[1] = (struct access_stamp){ row.tenant, row.tenant_stamp };
	access->stamps[2] = (struct access_stamp){ row.project, row.project_stamp };
	access->stamp_count = 3;
	return NULL;
}

/* Which project an API key means: its own, the one asked for, or the only one. */
static struct fault *find_project(const void *mem, struct access_table *t,
				  const struct principal *who, struct str hint,
				  struct ingest_access *access)
{
	struct scope scope = access_scope(who, (struct str){ NULL, 0 }, (struct str){ NULL, 0 },
					  (struct str){ NULL, 0 });
	struct tx *tx = tx_new(mem, t->app->db, DB_APP, TX_READ, &scope);
	struct project_only_rows only;
	struct project_find_row row;
	struct fault *f = NULL;
	bool found;

	access->project = who->project;
	if (uuid_is_nil(access->project) && !uuid_parse(hint, &access->project)) {
		f = project_only(tx, &only);
		if (!f && only.n == 1)
			access->project = only.v[0].id;
	}
	access->state = ACCESS_PROJECT_UNKNOWN;
	if (!f && !uuid_is_nil(access->project)) {
		f = project_find(tx, access->project, &row, &found);
		if (!f && found)
			access->state = row.archived ? ACCESS_ARCHIVED : ACCESS_OK;
	}
	tx_end(tx);
	return f;
}

static struct fault *find_api_key(const void *mem, struct access_table *t, struct str key,
				  struct str hint, struct ingest_access *access)
{
	const struct credential cred = { .bearer = key };
	const struct principal *who;
	struct fault *f = access_authenticate(mem, t->app, &cred, &who);

	access->state = ACCESS_UNKNOWN_KEY;
	if (f && f->kind != FAULT_UNAUTHENTICATED)
		return f;
	if (f || who->kind != WHO_API_KEY || uuid_is_nil(who->tenant))
		return NULL;
	access->is_api_key = true;
	access->key = who->credential;
	access->tenant = who->tenant;
	memcpy(access->stamps, who->stamps, who->stamp_count * sizeof(who->stamps[0]));
	access->stamp_count = who->stamp_count;
	if (!principal_may(who, "event.write")) {
		access->state = ACCESS_NOT_PERMITTED;
		return NULL;
	}
	return find_project(mem, t, who, hint, access);
}

struct fault *ingest_access_find(const void *mem, struct access_table *t, struct str key,
				 struct str project_hint, struct ingest_access *ret_access)
{
	uint8_t bytes[SHA256_BYTES];
	struct str hash = { (const char *)bytes, sizeof(bytes) };

	*ret_access = (struct ingest_access){ .state = ACCESS_UNKNOWN_KEY };
	if (key.n < 8 || key.n > 500)
		return NULL;
	hash_of(key, is_write_key(key) ? (struct str){ NULL, 0 } : project_hint, bytes);
	if (find_cached(t, hash, ret_access))
		return NULL;
	*ret_access = (struct ingest_access){ .state = ACCESS_UNKNOWN_KEY };
	if (is_write_key(key))
		TRY(find_write_key(mem, t, hash, ret_access));
	else
		TRY(find_api_key(mem, t, key, project_hint, ret_access));
	ret_access->valid_until_us =
		clock_steady_us() + (ret_access->state == ACCESS_OK ? YES_US : NO_US);
	keep(t, hash, ret_access);
	return NULL;
}
