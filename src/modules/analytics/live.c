/* live.c - what browsers in a project's room see of events, right after the commit.
 *
 * It is a view, not a record: at most so many events a message, the rest only
 * counted. Work is done only when somebody on this node looks; other nodes learn
 * of a batch through the list of batches (follow_live.c). */
#include "modules/analytics/live.h"

#include "base/clock.h"
#include "services/realtime/realtime.h"

#include <talloc.h>

#define SHOWN_MAX 100
#define MESSAGE_MAX_BYTES (1U << 20)
#define PROPERTIES_SHOWN_BYTES 8192

struct str live_room(const void *mem, struct uuid project)
{
	char text[UUID_TEXT_SIZE];

	return str_of(talloc_asprintf(mem, "project:%s", uuid_format(project, text)));
}

bool live_is_watched(struct app *app, struct uuid project)
{
	char text[UUID_TEXT_SIZE], room[UUID_TEXT_SIZE + 8] = "project:";

	memcpy(room + 8, uuid_format(project, text), UUID_TEXT_SIZE);
	return app->realtime && realtime_has_room(app->realtime, str_of(room));
}

static void put_time(struct json_out *w, const char *key, int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	json_key(w, key);
	json_put_str(w, str_of(clock_format(us, text)));
}

static void put_text(struct json_out *w, const char *key, struct str text)
{
	json_key(w, key);
	json_put_str(w, text);
}

static void put_event(struct json_out *w, const struct live_event *e)
{
	char text[UUID_TEXT_SIZE];

	json_open(w, '{');
	put_text(w, "id", str_of(uuid_format(e->id, text)));
	put_text(w, "type", e->type);
	put_text(w, "name", e->name);
	put_text(w, "user_id", e->user_id);
	put_text(w, "anonymous_id", e->anonymous_id);
	put_time(w, "timestamp", e->occurred_us);
	put_time(w, "received_at", e->received_us);
	json_key(w, "properties");
	if (e->properties.p && e->properties.n <= PROPERTIES_SHOWN_BYTES)
		json_put_raw(w, e->properties);
	else
		json_put_raw(w, STR("{}"));
	json_close(w, '}');
}

void live_send(struct app *app, struct uuid project, const struct live_event *events, size_t n)
{
	void *mem = talloc_new(NULL);
	char text[UUID_TEXT_SIZE];
	struct json_out w;
	size_t shown = 0;
	struct buf b;

	buf_init(&b, mem, MESSAGE_MAX_BYTES);
	json_out_init(&w, &b);
	json_open(&w, '{');
	put_text(&w, "project_id", str_of(uuid_format(project, text)));
	json_key(&w, "events");
	json_open(&w, '[');
	for (; shown < n && shown < SHOWN_MAX && b.n < MESSAGE_MAX_BYTES / 2; shown++)
		put_event(&w, &events[shown]);
	json_close(&w, ']');
	json_key(&w, "omitted");
	json_put_int(&w, (int64_t)(n - shown));
	json_close(&w, '}');
	if (!b.overflowed)
		realtime_broadcast(app->realtime, live_room(mem, project),
				   str_of(event_received.name), buf_view(&b));
	talloc_free(mem);
}

void live_broadcast(struct app *app, struct uuid project, const struct ingest_event *const *events,
		    size_t n, int64_t received_us)
{
	struct live_event shown[SHOWN_MAX + 1] = { 0 };

	if (!live_is_watched(app, project))
		return;
	for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
		const struct ingest_event *e = events[i];
		shown[i] = (struct live_event){ .id = e->id,
						.type = str_of(event_kind_names[e->kind]),
						.name = e->name,
						.user_id = e->user_id,
						.anonymous_id = e->anonymous_id,
						.occurred_us = e->timestamp_us,
						.received_us = received_us,
						.properties = e->properties };
	}
	live_send(app, project, shown, n);
}
