/* access.c - who is asking: authenticators behind a bounded cache.
 *
 * The cache maps SHA-256(credential, tenant of the path) to a principal for at
 * most 60 s. It is safe because nothing relies on it alone: the principal's
 * stamps travel with every transaction, and a changed stamp fails it before the
 * handler's first row. Eight ways a set, one lock for a group of sets; an entry
 * is a talloc root of its own with a count of users, freed by the last one. */
#include "spine/pipeline_internal.h"

#include "base/clock.h"
#include "spine/spine_gen.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SETS 512
#define WAYS 8
#define LOCKS 16
#define KEEP_US (60 * 1000000LL)

struct access_entry {
	_Atomic int users;
	uint8_t key[PORT_HASH_BYTES];
	int64_t until_us; /* wall */
	struct principal who;
};

struct access_set {
	struct access_entry *ways[WAYS];
	unsigned next; /* the way that goes first when all are taken */
};

struct access_cache {
	pthread_mutex_t locks[LOCKS];
	struct access_set sets[SETS];
};

struct access_hold {
	struct access_entry *entry;
};

static void entry_drop(struct access_entry *entry)
{
	if (entry && atomic_fetch_sub(&entry->users, 1) == 1)
		talloc_free(entry);
}

static int cache_free(struct access_cache *cache)
{
	for (size_t s = 0; s < SETS; s++)
		for (size_t w = 0; w < WAYS; w++)
			entry_drop(cache->sets[s].ways[w]);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&cache->locks[i]);
	return 0;
}

struct access_cache *access_cache_new(const void *ctx)
{
	struct access_cache *cache = talloc_zero(ctx, struct access_cache);

	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&cache->locks[i], NULL);
	talloc_set_destructor(cache, cache_free);
	return cache;
}

static void key_of(struct app *app, const void *mem, const struct credential *cred,
		   uint8_t ret_key[PORT_HASH_BYTES])
{
	const struct str parts[] = { cred->bearer, cred->basic, cred->cookie, cred->tenant };
	char stack[1024];
	size_t total = 8, n = 0;

	for (size_t i = 0; i < 4; i++)
		total += parts[i].n + 1;
	char *text = total <= sizeof(stack) ? stack : talloc_size(mem, total);
	for (size_t i = 0; i < 4; i++) {
		text[n++] = parts[i].p ? (char)('1' + i) : '0';
		if (parts[i].n > 0)
			memcpy(text + n, parts[i].p, parts[i].n);
		n += parts[i].n;
		text[n++] = '\n'; /* stands in no field value and no credential */
	}
	app->ports->sha256((struct str){ text, n }, ret_key);
	if (text != stack)
		talloc_free(text);
}

static size_t set_of(const uint8_t key[PORT_HASH_BYTES])
{
	return (size_t)(key[0] | key[1] << 8) % SETS;
}

static struct access_entry *cache_take(struct access_cache *cache,
				       const uint8_t key[PORT_HASH_BYTES])
{
	size_t s = set_of(key);
	struct access_entry *found = NULL;
	int64_t now = clock_wall_us();

	pthread_mutex_lock(&cache->locks[s % LOCKS]);
	for (size_t w = 0; w < WAYS; w++) {
		struct access_entry *entry = cache->sets[s].ways[w];
		if (!entry || memcmp(entry->key, key, PORT_HASH_BYTES) != 0)
			continue;
		if (entry->until_us > now) {
			found = entry;
			atomic_fetch_add(&entry->users, 1);
		} else {
			cache->sets[s].ways[w] = NULL;
			entry_drop(entry);
		}
		break;
	}
	pthread_mutex_unlock(&cache->locks[s % LOCKS]);
	return found;
}

static void cache_put(struct access_cache *cache, struct access_entry *entry)
{
	size_t s = set_of(entry->key), place = WAYS;
	struct access_set *set = &cache->sets[s];

	atomic_fetch_add(&entry->users, 1);
	pthread_mutex_lock(&cache->locks[s % LOCKS]);
	for (size_t w = 0; w < WAYS && place == WAYS; w++)
		if (!set->ways[w] || memcmp(set->ways[w]->key, entry->key, PORT_HASH_BYTES) == 0)
			place = w;
	if (place == WAYS)
		place = set->next++ % WAYS;
	struct access_entry *old = set->ways[place];
	set->ways[place] = entry;
	pthread_mutex_unlock(&cache->locks[s % LOCKS]);
	entry_drop(old);
}

static void cache_remove(struct access_cache *cache, const uint8_t key[PORT_HASH_BYTES])
{
	size_t s = set_of(key);
	struct access_entry *old = NULL;

	pthread_mutex_lock(&cache->locks[s % LOCKS]);
	for (size_t w = 0; w < WAYS; w++) {
		struct access_entry *entry = cache->sets[s].ways[w];
		if (entry && memcmp(entry->key, key, PORT_HASH_BYTES) == 0) {
			old = entry;
			cache->sets[s].ways[w] = NULL;
		}
	}
	pthread_mutex_unlock(&cache->locks[s % LOCKS]);
	entry_drop(old);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void copy_principal(const void *ctx, struct principal *to, const struct principal *from)
{
	const char **names = talloc_zero_size(ctx, (from->permission_count + 1) * sizeof(*names));

	*to = *from;
	to->name = str_copy(ctx, from->name);
	to->email = str_copy(ctx, from->email);
	to->csrf_token = str_copy(ctx, from->csrf_token);
	to->tenant_slug = str_copy(ctx, from->tenant_slug);
	to->role = str_copy(ctx, from->role);
	for (size_t i = 0; i < from->permission_count; i++)
		names[i] = talloc_strdup(ctx, from->permissions[i]);
	if (from->permission_count > 0)
		qsort(names, from->permission_count, sizeof(*names), compare_names);
	to->permissions = names;
}

/* Asks every authenticator until one knows the form of the credential. */
static struct fault *ask(struct tx *tx, struct app *app, const struct credential *cred,
			 struct principal *ret_who)
{
	*ret_who = (struct principal){ .kind = WHO_ANONYMOUS };
	for (const struct module *const *m = registry_modules(app->registry); *m; m++) {
		for (authenticate_fn *const *fn = (*m)->authenticators; fn && *fn; fn++) {
			TRY((*fn)(tx, app, cred, ret_who));
			if (ret_who->kind != WHO_ANONYMOUS)
				return NULL;
		}
	}
	return FAULT(tx_mem(tx), FAULT_UNAUTHENTICATED, "not_signed_in",
		     "You are not signed in, or your session has ended.");
}

static struct fault *authenticate(const void *mem, struct app *app, const struct credential *cred,
				  struct str request_id, struct principal *ret_who)
{
	const struct scope scope = { .actor_kind = "anonymous",
				     .request_id = request_id,
				     .ip = cred->ip,
				     .user_agent = cred->user_agent };
	struct tx *tx = tx_new(mem, app->db, DB_PLATFORM, TX_WRITE, &scope);
	struct fault *f = ask(tx, app, cred, ret_who);

	if (!f)
		f = tx_commit(tx);
	tx_end(tx);
	return f;
}

static struct fault *find_entry(const void *mem, struct app *app, const struct credential *cred,
				struct str request_id, struct access_entry **ret_entry)
{
	uint8_t key[PORT_HASH_BYTES];
	struct principal who;

	key_of(app, mem, cred, key);
	*ret_entry = cache_take(app->access, key);
	if (*ret_entry)
		return NULL;
	TRY(authenticate(mem, app, cred, request_id, &who));
	struct access_entry *entry = talloc_zero(NULL, struct access_entry);
	int64_t until = clock_wall_us() + KEEP_US;
	copy_principal(entry, &entry->who, &who);
	memcpy(entry->key, key, sizeof(key));
	entry->until_us =
		who.valid_until_us > 0 && who.valid_until_us < until ? who.valid_until_us : until;
	atomic_init(&entry->users, 1); /* ours */
	cache_put(app->access, entry);
	*ret_entry = entry;
	return NULL;
}

static int hold_free(struct access_hold *hold)
{
	entry_drop(hold->entry);
	return 0;
}

static struct access_hold *hold_new(const void *mem, struct access_entry *entry)
{
	struct access_hold *hold = talloc_zero(mem, struct access_hold);

	hold->entry = entry;
	talloc_set_destructor(hold, hold_free);
	return hold;
}

struct fault *access_find(struct flow *fl)
{
	struct access_entry *entry;

	TRY(find_entry(fl->rq.mem, fl->rq.app, &fl->cred, fl->rq.request_id, &entry));
	fl->hold = hold_new(fl->rq.mem, entry);
	fl->rq.who = &entry->who;
	return NULL;
}

void access_forget(struct flow *fl)
{
	uint8_t key[PORT_HASH_BYTES];

	key_of(fl->rq.app, fl->rq.mem, &fl->cred, key);
	cache_remove(fl->rq.app->access, key);
	fl->hold = NULL; /* goes with the request; the first try may still be read by the audit */
}

/* The caller has no transaction whose stamps would catch a cached principal that
 * is no longer true, so it is caught here. */
struct fault *access_authenticate(const void *mem, struct app *app, const struct credential *cred,
				  const struct principal **ret_who)
{
	uint8_t key[PORT_HASH_BYTES];

	if (!cred->bearer.p && !cred->basic.p && !cred->cookie.p)
		return FAULT(mem, FAULT_UNAUTHENTICATED, "not_signed_in", "You are not signed in.");
	key_of(app, mem, cred, key);
	for (int i = 0; i < 2; i++) {
		struct access_entry *entry;
		bool is_valid = false;
		TRY(find_entry(mem, app, cred, STR(""), &entry));
		hold_new(mem, entry);
		TRY(access_recheck(mem, app, &entry->who, &is_valid));
		*ret_who = &entry->who;
		if (is_valid)
			return NULL;
		cache_remove(app->access, key);
	}
	return FAULT(mem, FAULT_UNAUTHENTICATED, "not_signed_in", "Your session has ended.");
}

struct scope access_scope(const struct principal *who, struct str request_id, struct str ip,
			  struct str user_agent)
{
	static const char *const kinds[] = {
		[WHO_ANONYMOUS] = "anonymous", [WHO_USER] = "user", [WHO_API_KEY] = "api_key"
	};
	bool is_user = who->kind == WHO_USER;

	return (struct scope){
		.tenant = who->tenant,
		.user = who->user,
		.actor_kind = kinds[who->kind],
		.actor_id = is_user ? who->user : who->credential,
		.actor_name = who->name,
		.request_id = request_id,
		.ip = ip,
		.user_agent = user_agent,
		.stamps = who->stamps,
		.stamp_count = who->stamp_count,
	};
}

struct fault *access_recheck(const void *mem, struct app *app, const struct principal *who,
			     bool *ret_is_valid)
{
	struct scope scope = access_scope(who, STR(""), STR(""), STR(""));
	struct access_probe_row row;

	*ret_is_valid = false;
	if (who->valid_until_us > 0 && who->valid_until_us <= clock_wall_us())
		return NULL;
	struct tx *tx = tx_new(mem, app->db, DB_PLATFORM, TX_READ, &scope);
	struct fault *f = access_probe(tx, &row);
	if (!f)
		f = tx_commit(tx);
	tx_end(tx);
	if (f && strcmp(f->code, "stale_access") == 0)
		return NULL;
	TRY(f);
	*ret_is_valid = true;
	return NULL;
}
