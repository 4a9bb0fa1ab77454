/* key.c - write keys: made, listed, revoked. The key itself is answered once and
 * kept as a hash; revoking bumps its stamp, which every batch that used it
 * checks in its transaction (docs/adr/0061-one-batch-one-project.md). */
#include "modules/analytics/analytics_internal.h"

#include "modules/analytics/ingest_access.h"
#include "services/crypto/crypto.h"
#include "services/events/events.h"

#include <talloc.h>

static struct fault *key_list(struct request *rq)
{
	const struct key_list_query *q = QUERY(rq, key_list_query);
	struct key_page_rows rows;
	struct uuid project, before;
	bool has_before;
	struct page page;
	size_t i;

	TRY(path_project(rq, &project));
	TRY(page_cursor_id(rq, q->has_cursor, q->cursor, &before, &has_before));
	TRY(key_page(rq->tx, project, has_before ? &before : NULL, q->limit + 1, &rows));
	page_init(&page, rq, q->limit);
	for (i = 0; i < rows.n && page_add(&page, rows.v[i].item); i++)
		;
	return page_reply(&page, i > 0 ? page_values_id(rq, rows.v[i - 1].id) : STR("[]"));
}

/* {"id":…,"project_id":…} */
static struct str key_payload(struct request *rq, struct uuid id, struct uuid project)
{
	char a[UUID_TEXT_SIZE], b[UUID_TEXT_SIZE];

	return str_of(talloc_asprintf(rq->mem, "{\"id\":\"%s\",\"project_id\":\"%s\"}",
				      uuid_format(id, a), uuid_format(project, b)));
}

/* The row's object with the key put in front of its closing bracket. */
static struct str with_key(struct request *rq, struct str object, struct str key)
{
	struct buf b;

	buf_init(&b, rq->mem, object.n + key.n + 32);
	buf_append(&b, object.p, object.n - 1);
	buf_text(&b, ",\"key\":");
	json_quote(&b, key);
	buf_char(&b, '}');
	return buf_view(&b);
}

struct fault *write_key_make(struct tx *tx, struct uuid project, struct str name,
			     struct uuid *ret_id, struct str *ret_key, struct str *ret_json)
{
	struct key_insert_row row;
	struct str key = str_of(talloc_asprintf(tx_mem(tx), "%s%.24s", WRITE_KEY_PREFIX,
						crypto_token(tx_mem(tx)).p));
	uint8_t hash[SHA256_BYTES];

	*ret_id = uuid_new();
	crypto_sha256(key, hash);
	TRY(key_insert(tx, *ret_id, project, name, str_slice(key, 0, WRITE_KEY_SHOWN),
		       (struct str){ (const char *)hash, sizeof(hash) }, &row));
	*ret_key = key;
	*ret_json = row.item;
	return NULL;
}

static struct fault *key_create(struct request *rq)
{
	const struct write_key_create *in = INPUT(rq, write_key_create);
	struct uuid project, id;
	struct str key, json;

	TRY(path_project(rq, &project));
	TRY(write_key_make(rq->tx, project, in->name, &id, &key, &json));
	TRY(event_emit(rq->tx, &key_created, id, key_payload(rq, id, project)));
	return reply_created(rq, id, with_key(rq, json, key));
}

static struct fault *key_delete(struct request *rq)
{
	struct key_exists_row there;
	struct key_revoke_row row;
	struct stamp_bump_row stamp;
	struct uuid project, id;
	bool found;

	TRY(request_path_uuid(rq, "id", &project));
	TRY(request_path_uuid(rq, "key", &id));
	TRY(key_exists(rq->tx, project, id, &there));
	TRY(key_revoke(rq->tx, project, id, &row, &found));
	if (found) {
		TRY(stamp_bump(rq->tx, id, &stamp));
		TRY(event_emit(rq->tx, &key_revoked, id, key_payload(rq, id, project)));
	}
	return reply_empty(rq, 204);
}

const struct route key_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/t/{tenant}/projects/{id}/keys",
	  .handler = key_list,
	  .permission = "write_key.read",
	  .query = &key_list_query_shape,
	  .output = &write_key_shape,
	  .output_is_list = true,
	  .summary = "Write keys of a project, newest first" },
	{ .method = HTTP_POST,
	  .path = "/api/v1/t/{tenant}/projects/{id}/keys",
	  .handler = key_create,
	  .permission = "write_key.create",
	  .input = &write_key_create_shape,
	  .output = &write_key_new_shape,
	  .status = 201,
	  .audit = "write_key.create",
	  .summary = "Make a write key; the answer alone carries the key" },
	{ .method = HTTP_DELETE,
	  .path = "/api/v1/t/{tenant}/projects/{id}/keys/{key}",
	  .handler = key_delete,
	  .permission = "write_key.revoke",
	  .status = 204,
	  .audit = "write_key.revoke",
	  .summary = "Revoke a write key; events sent with it are refused from now on" },
	{ 0 },
};
