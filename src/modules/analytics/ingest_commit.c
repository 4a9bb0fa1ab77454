/* ingest_commit.c - one batch becomes one transaction.
 *
 * Order: what is already decided (refused events) is only counted; doubles
 * inside the batch are found here, all others by the database; the plan's rest
 * is reserved before. A batch that the database refuses for its data is halved
 * until the one event it dislikes stands alone; that one is rejected and logged.
 * Access that became stale is looked up again and the rest tried anew. */
#include "modules/analytics/ingest.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"
#include "services/limits/limits.h"

#include <talloc.h>

#define REJECTIONS_PER_BATCH 50
#define REJECTIONS_PER_MINUTE 600 /* a project; the ledger counts all of them */
#define PAYLOAD_SHOWN 2000
#define TRIES_MAX 3

/* What travels in one transaction. */
struct load {
	struct ingest_batch *batch;
	const void *mem;
	struct ingest_event **events; /* to be stored */
	const struct ingest_request **owners;
	size_t count;
	/* counted along with them */
	struct ingest_event **refused;
	size_t refused_count;
	int64_t duplicates, over_quota;
	/* the answer */
	int64_t stored;
	int64_t at_us;
};

/* ---- doubles inside the batch ---- */

/* Marks the second and later events of a key; the table holds at most half. */
static int64_t mark_doubles(const void *mem, struct ingest_event **events, size_t n)
{
	size_t room = 16;
	int64_t doubles = 0;

	while (room < n * 2)
		room *= 2;
	struct ingest_event **table = talloc_zero_array(mem, struct ingest_event *, (unsigned)room);
	for (size_t i = 0; i < n; i++) {
		size_t at;
		memcpy(&at, events[i]->key.b, sizeof(at));
		for (at &= room - 1; table[at]; at = (at + 1) & (room - 1))
			if (uuid_eq(table[at]->key, events[i]->key))
				break;
		if (table[at]) {
			events[i]->fate = FATE_DUPLICATE;
			doubles++;
		} else {
			table[at] = events[i];
		}
	}
	talloc_free(table);
	return doubles;
}

/* ---- parameters ---- */

struct columns {
	struct uuid *keys, *ids;
	struct str *types, *message_ids, *names, *user_ids, *anonymous_ids, *group_ids,
		*previous_ids, *originals, *ips, *properties, *traits, *contexts, *integrations;
	int64_t *occurred, *flags;
};

static struct str *texts(const void *mem, size_t n)
{
	return talloc_array(mem, struct str, (unsigned)n);
}

static struct columns columns_new(const void *mem, size_t n)
{
	return (struct columns){
		.keys = talloc_array(mem, struct uuid, (unsigned)n),
		.ids = talloc_array(mem, struct uuid, (unsigned)n),
		.types = texts(mem, n),
		.message_ids = texts(mem, n),
		.names = texts(mem, n),
		.user_ids = texts(mem, n),
		.anonymous_ids = texts(mem, n),
		.group_ids = texts(mem, n),
		.previous_ids = texts(mem, n),
		.originals = texts(mem, n),
		.ips = texts(mem, n),
		.properties = texts(mem, n),
		.traits = texts(mem, n),
		.contexts = texts(mem, n),
		.integrations = texts(mem, n),
		.occurred = talloc_array(mem, int64_t, (unsigned)n),
		.flags = talloc_array(mem, int64_t, (unsigned)n),
	};
}

static struct columns columns_of(const struct load *load)
{
	struct columns c = columns_new(load->mem, load->count);

	for (size_t i = 0; i < load->count; i++) {
		const struct ingest_event *e = load->events[i];
		c.keys[i] = e->key;
		c.ids[i] = e->id;
		c.types[i] = str_of(event_kind_names[e->kind]);
		c.message_ids[i] = e->message_id;
		c.names[i] = e->name;
		c.user_ids[i] = e->user_id;
		c.anonymous_ids[i] = e->anonymous_id;
		c.group_ids[i] = e->group_id;
		c.previous_ids[i] = e->previous_id;
		c.originals[i] = e->original_timestamp;
		c.ips[i] = load->owners[i]->ip;
		c.properties[i] = e->properties;
		c.traits[i] = e->traits;
		c.contexts[i] = e->context;
		c.integrations[i] = e->integrations;
		c.occurred[i] = e->timestamp_us;
		c.flags[i] = e->flags;
	}
	return c;
}

static size_t count_codes(const struct load *load, struct str *codes, int64_t *counts)
{
	int64_t by_code[REJECT_CODES] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < load->refused_count; i++)
		by_code[load->refused[i]->reject]++;
	for (int code = 0; code < REJECT_CODES; code++) {
		if (by_code[code] == 0)
			continue;
		codes[n] = str_of(reject_code_names[code]);
		counts[n++] = by_code[code];
	}
	return n;
}

/* ---- the debugger ---- */

static struct str shown(struct str raw)
{
	if (raw.n <= PAYLOAD_SHOWN)
		return raw;
	size_t n = PAYLOAD_SHOWN;
	while (n > 0 && ((unsigned char)raw.p[n] & 0xC0) == 0x80)
		n--; /* never half a character */
	return str_slice(raw, 0, n);
}

static struct fault *keep_rejections(const struct load *load, struct tx *tx)
{
	struct uuid ids[REJECTIONS_PER_BATCH];
	struct str codes[REJECTIONS_PER_BATCH], messages[REJECTIONS_PER_BATCH];
	struct str message_ids[REJECTIONS_PER_BATCH], payloads[REJECTIONS_PER_BATCH];
	char text[UUID_TEXT_SIZE];
	size_t n = load->refused_count < REJECTIONS_PER_BATCH ? load->refused_count
							      : REJECTIONS_PER_BATCH;

	if (n == 0)
		return NULL;
	const char *bucket = talloc_asprintf(load->mem, "rejections:%s",
					     uuid_format(load->batch->project, text));
	struct limit_state room = limits_take(load->batch->app->limits, str_of(bucket),
					      REJECTIONS_PER_MINUTE, 60, (int64_t)n);
	if (!room.allowed)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct ingest_event *e = load->refused[i];
		ids[i] = e->id;
		codes[i] = str_of(reject_code_names[e->reject]);
		messages[i] = str_of(reject_messages[e->reject]);
		message_ids[i] = shown(e->message_id);
		payloads[i] = shown(e->raw);
	}
	return rejection_add(tx, load->batch->project, ids, n, codes, n, messages, n, message_ids,
			     n, payloads, n);
}

/* ---- one transaction ---- */

static bool has_stamp(const struct access_stamp *stamps, size_t n, struct uuid id)
{
	for (size_t i = 0; i < n; i++)
		if (uuid_eq(stamps[i].id, id))
			return true;
	return false;
}

/* The stamps of everybody whose events travel. */
static void collect_stamps(const struct load *load, struct scope *scope)
{
	VEC(struct access_stamp) stamps = { 0 };

	for (const struct ingest_request *r = load->batch->first; r; r = r->next)
		for (size_t i = 0; i < r->access.stamp_count; i++)
			if (!has_stamp(stamps.v, stamps.n, r->access.stamps[i].id))
				*VEC_ADD(&stamps, load->mem) = r->access.stamps[i];
	scope->stamps = stamps.v;
	scope->stamp_count = stamps.n;
}

static struct fault *note_keys(const struct load *load, struct tx *tx)
{
	struct uuid ids[16];
	size_t n = 0;

	for (const struct ingest_request *r = load->batch->first; r && n < 16; r = r->next) {
		char text[UUID_TEXT_SIZE];
		if (r->access.is_api_key)
			continue;
		const char *bucket =
			talloc_asprintf(load->mem, "key used:%s", uuid_format(r->access.key, text));
		if (limits_take(load->batch->app->limits, str_of(bucket), 1, 60, 1).allowed)
			ids[n++] = r->access.key;
	}
	return n > 0 ? key_used(tx, ids, n) : NULL;
}

static struct fault *store(struct load *load, struct tx *tx)
{
	struct str codes[REJECT_CODES];
	int64_t counts[REJECT_CODES];
	struct ingest_store_row row;
	size_t n = load->count, code_count = count_codes(load, codes, counts);
	struct columns c = columns_of(load);

	TRY(note_keys(load, tx));
	TRY(keep_rejections(load, tx));
	TRY(ingest_store(tx, load->batch->project, load->batch->lane,
			 ingest_node(load->batch->ingest), load->duplicates, load->over_quota,
			 codes, code_count, counts, code_count, c.keys, n, c.ids, n, c.types, n,
			 c.message_ids, n, c.names, n, c.user_ids, n, c.anonymous_ids, n,
			 c.group_ids, n, c.previous_ids, n, c.occurred, n, c.originals, n, c.flags,
			 n, c.ips, n, c.properties, n, c.traits, n, c.contexts, n, c.integrations,
			 n, &row));
	if (row.fresh.n != n)
		return FAULT_BUG(load->mem, "analytics.ingest answered %zu of %zu", row.fresh.n, n);
	for (size_t i = 0; i < n; i++) {
		load->events[i]->fate = row.fresh.p[i] == '1' ? FATE_ACCEPTED : FATE_DUPLICATE;
		load->stored += row.fresh.p[i] == '1';
	}
	load->at_us = row.at;
	tx_wake(tx, WAKE_INGEST);
	return tx_commit(tx);
}

static struct tx *load_tx(const struct load *load)
{
	struct scope scope = { .tenant = load->batch->tenant,
			       .actor_kind = "system",
			       .actor_name = STR("ingestion") };

	collect_stamps(load, &scope);
	return tx_new(load->mem, load->batch->app->db, DB_APP, TX_WRITE, &scope);
}

/* Events the plan has no room for, from the end. */
static void drop_over_quota(struct load *load, int64_t granted)
{
	while ((int64_t)load->count > granted) {
		struct ingest_event *e = load->events[--load->count];
		e->fate = FATE_OVER_QUOTA;
		e->reject = REJECT_OVER_QUOTA;
		load->over_quota++;
	}
}

static struct fault *try_load(struct load *load)
{
	struct quota_table *quotas = ingest_quotas(load->batch->ingest);
	struct tx *tx = load_tx(load);
	struct quota_grant grant = { 0, 0 };
	int64_t used, limit;
	struct fault *f = quota_reserve(quotas, tx, (int64_t)load->count, &grant);

	if (!f) {
		drop_over_quota(load, grant.events);
		f = store(load, tx);
	}
	tx_end(tx);
	quota_settle(quotas, load->batch->tenant, grant, f ? 0 : load->stored, &used, &limit);
	for (struct ingest_request *r = load->batch->first; r; r = r->next) {
		r->quota_used = used;
		r->quota_limit = limit;
	}
	return f;
}

static bool is_code(const struct fault *f, const char *code)
{
	for (; f; f = f->cause)
		if (strcmp(f->code, code) == 0)
			return true;
	return false;
}

/* Is it about the data, so that fewer events may pass? */
static bool is_about_data(const struct fault *f)
{
	return f->kind != FAULT_UNAVAILABLE && !is_code(f, "stale_access");
}

static void reset_fates(struct load *load, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		load->events[i]->fate = FATE_PENDING;
		load->events[i]->reject = REJECT_NONE;
	}
}

/* Stores a load; halves it when the data is refused. What the earlier parts stored
 * stays, so a fault means: the events that are still pending were not stored. */
static struct fault *store_load(struct load *load)
{
	size_t count = load->count;
	int64_t over_quota = load->over_quota;
	struct fault *f = try_load(load);

	if (!f || !is_about_data(f))
		return f;
	reset_fates(load, count);
	load->count = count;
	if (count == 0)
		return f;
	load->stored = 0;
	load->over_quota = over_quota;
	if (count == 1) {
		LOG_ERROR("an event could not be stored",
			  LOG_TEXT("why", fault_describe(load->mem, f)));
		struct load none = *load;
		none.count = 0;
		none.refused_count = 0;
		load->events[0]->fate = FATE_REJECTED;
		load->events[0]->reject = REJECT_INVALID_TYPE;
		VEC(struct ingest_event *) refused = { 0 };
		for (size_t i = 0; i < load->refused_count; i++)
			*VEC_ADD(&refused, load->mem) = load->refused[i];
		*VEC_ADD(&refused, load->mem) = load->events[0];
		none.refused = refused.v;
		none.refused_count = refused.n;
		return try_load(&none);
	}
	struct load first = *load, second = *load;
	first.count = count / 2;
	second.events += first.count;
	second.owners += first.count;
	second.count = count - first.count;
	second.refused_count = 0;
	second.duplicates = second.over_quota = 0;
	TRY(store_load(&first));
	TRY(store_load(&second));
	load->stored = first.stored + second.stored;
	load->at_us = second.at_us;
	return NULL;
}

/* ---- a batch ---- */

static void gather(struct ingest_batch *batch, struct load *load)
{
	const void *mem = load->mem;
	size_t n = 0;

	load->events = talloc_array(mem, struct ingest_event *, (unsigned)batch->events);
	load->refused = talloc_array(mem, struct ingest_event *, (unsigned)batch->events);
	load->owners = talloc_array(mem, const struct ingest_request *, (unsigned)batch->events);
	for (struct ingest_request *r = batch->first; r; r = r->next) {
		for (size_t i = 0; i < r->event_count; i++) {
			struct ingest_event *e = &r->events[i];
			if (e->fate == FATE_REJECTED) {
				load->refused[load->refused_count++] = e;
			} else {
				e->fate = FATE_PENDING;
				e->reject = REJECT_NONE;
				load->owners[n] = r;
				load->events[n++] = e;
			}
		}
	}
	load->duplicates = mark_doubles(mem, load->events, n);
	for (size_t i = 0; i < n; i++) {
		if (load->events[i]->fate == FATE_DUPLICATE)
			continue;
		load->owners[load->count] = load->owners[i];
		load->events[load->count++] = load->events[i];
	}
}

/* Requests whose key is still good stay in the batch; the others are answered. */
static void decide_again(struct ingest_batch *batch, const void *mem)
{
	struct access_table *table = ingest_access_table(batch->ingest);
	struct ingest_request **place = &batch->first;

	for (struct ingest_request *r = batch->first, *next; r; r = next) {
		struct ingest_access access;
		next = r->next;
		ingest_access_forget(table, r->key, r->project_hint);
		struct fault *f = ingest_access_find(mem, table, r->key, r->project_hint, &access);
		if (f || access.state != ACCESS_OK || !uuid_eq(access.project, batch->project)) {
			bool is_closed =
				access.state == ACCESS_FROZEN || access.state == ACCESS_ARCHIVED;
			if (!f)
				f = FAULT(mem, is_closed ? FAULT_FORBIDDEN : FAULT_UNAUTHENTICATED,
					  "access_changed",
					  "The key may no longer send events here.");
			batch->events -= r->event_count;
			r->done(r, f);
			continue;
		}
		r->access = access;
		*place = r;
		place = &r->next;
	}
	*place = NULL;
}

static void answer(struct ingest_batch *batch, const struct fault *why)
{
	for (struct ingest_request *r = batch->first, *next; r; r = next) {
		bool pending = false;
		next = r->next;
		for (size_t i = 0; i < r->event_count; i++)
			pending = pending || r->events[i].fate == FATE_PENDING;
		/* halves that were stored before the fault keep their good answer */
		r->done(r, pending || (why && r->event_count == 0) ? why : NULL);
	}
}

static void show_live(struct ingest_batch *batch, const struct load *load)
{
	VEC(const struct ingest_event *) accepted = { 0 };

	for (size_t i = 0; i < load->count; i++)
		if (load->events[i]->fate == FATE_ACCEPTED)
			*VEC_ADD(&accepted, load->mem) = load->events[i];
	if (accepted.n > 0)
		live_broadcast(batch->app, batch->project, accepted.v, accepted.n, load->at_us);
}

void ingest_commit(struct ingest_batch *batch)
{
	struct fault *f = NULL;

	for (int tries = 0; batch->first; tries++) {
		void *mem = talloc_new(NULL);
		struct load load = { .batch = batch, .mem = mem };
		gather(batch, &load);
		f = store_load(&load);
		if (f && is_code(f, "stale_access") && tries < TRIES_MAX) {
			decide_again(batch, mem);
			talloc_free(mem);
			continue;
		}
		if (f)
			LOG_WARN("events could not be stored",
				 LOG_TEXT("why", fault_describe(mem, f)));
		show_live(batch, &load);
		answer(batch, f);
		talloc_free(mem);
		return;
	}
}
