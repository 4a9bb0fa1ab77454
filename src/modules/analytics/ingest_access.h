/* ingest_access.h - whose key is this, and may it send events now?
 *
 * Answers are cached per process. A cached yes is never trusted by itself: its
 * stamps travel with the transaction that stores the events, so a revoked key,
 * an archived project and a frozen organisation bite with their commit, on
 * every node. A cached no lives for a second. */
#pragma once

#include "db/db.h"
#include "modules/analytics/analytics_internal.h"

#define WRITE_KEY_PREFIX "bh_wk_"
#define WRITE_KEY_SHOWN 14 /* characters shown in lists */
#define ACCESS_STAMPS_MAX 4

enum access_state {
	ACCESS_OK,
	ACCESS_UNKNOWN_KEY,	/* 401 */
	ACCESS_REVOKED_KEY,	/* 401 */
	ACCESS_FROZEN,		/* 403: the organisation */
	ACCESS_ARCHIVED,	/* 403: the project */
	ACCESS_NOT_PERMITTED,	/* 403: an API key without event.write */
	ACCESS_PROJECT_UNKNOWN, /* 400: an API key that could mean several projects */
};

struct ingest_access {
	enum access_state state;
	bool is_api_key;
	struct uuid key, tenant, project;
	struct access_stamp stamps[ACCESS_STAMPS_MAX];
	size_t stamp_count;
	int64_t valid_until_us; /* steady clock */
};

struct access_table;

struct access_table *access_table_new(const void *ctx, struct app *app);
/* Who sends with this key. project_hint: for API keys that are not bound to a project
 * (text of an id, may be absent). A fault means that the database could not be asked. */
struct fault *ingest_access_find(const void *mem, struct access_table *t, struct str key,
				 struct str project_hint, struct ingest_access *ret_access);
/* The next look-up of this key asks the database. */
void ingest_access_forget(struct access_table *t, struct str key, struct str project_hint);

/* Makes a key in tx: key.c. */
struct fault *write_key_make(struct tx *tx, struct uuid project, struct str name,
			     struct uuid *ret_id, struct str *ret_key, struct str *ret_json);
