/* ingest_event.c - see ingest_event.h. Each item is walked once: every member
 * is matched against a table of known names (both the SDKs' camelCase and our
 * own snake_case); what is unknown goes under context. The last of equal keys
 * wins, as in jsonb. */
#include "modules/analytics/ingest_event.h"

#include "base/clock.h"
#include "base/parse.h"
#include "base/vec.h"
#include "services/crypto/crypto.h"

#include <talloc.h>

#define MINUTE_US (60 * (int64_t)1000000)
#define DAY_US (24 * 60 * MINUTE_US)
#define LATE_US (35 * DAY_US)
#define AHEAD_US (5 * MINUTE_US)
/* What is merged was counted by too_large(). */
#define CONTEXT_MAX_BYTES (2 * EVENT_MAX_BYTES)

const char *const event_kind_names[EVENT_KINDS] = { "track",  "identify", "page",
						    "screen", "group",	  "alias" };

const char *const reject_code_names[REJECT_CODES] = {
	[REJECT_NONE] = "",
	[REJECT_TOO_LARGE] = "event_too_large",
	[REJECT_NO_IDENTITY] = "no_identity",
	[REJECT_MISSING_EVENT] = "missing_event",
	[REJECT_MISSING_GROUP] = "missing_group",
	[REJECT_MISSING_PREVIOUS] = "missing_previous",
	[REJECT_INVALID_TIMESTAMP] = "invalid_timestamp",
	[REJECT_INVALID_TYPE] = "invalid_type",
	[REJECT_NOT_AN_OBJECT] = "not_an_object",
	[REJECT_OVER_QUOTA] = "over_quota",
};

const char *const reject_messages[REJECT_CODES] = {
	[REJECT_NONE] = "",
	[REJECT_TOO_LARGE] =
		"An event may have 32 KB, 10 000 properties and 200 levels of nesting.",
	[REJECT_NO_IDENTITY] = "An event needs a userId or an anonymousId.",
	[REJECT_MISSING_EVENT] = "A track call needs the name of the event.",
	[REJECT_MISSING_GROUP] = "A group call needs a groupId.",
	[REJECT_MISSING_PREVIOUS] = "An alias call needs a previousId.",
	[REJECT_INVALID_TIMESTAMP] = "The timestamp is not an RFC 3339 time.",
	[REJECT_INVALID_TYPE] = ("The type must be track, identify, page, screen, group or alias; "
				 "properties, traits and context must be objects."),
	[REJECT_NOT_AN_OBJECT] = "The event is not a JSON object.",
	[REJECT_OVER_QUOTA] = "The plan's events for this month are used up.",
};

enum member {
	M_TYPE,
	M_EVENT,
	M_NAME,
	M_USER,
	M_ANONYMOUS,
	M_GROUP,
	M_PREVIOUS,
	M_MESSAGE,
	M_TIMESTAMP,
	M_ORIGINAL,
	M_SENT,
	M_PROPERTIES,
	M_TRAITS,
	M_CONTEXT,
	M_INTEGRATIONS,
	M_DROPPED, /* known, but ours to say */
	M_COUNT,
	M_UNKNOWN = M_COUNT
};

static const struct {
	struct str name;
	enum member member;
} member_names[] = {
	{ { "type", 4 }, M_TYPE },
	{ { "event", 5 }, M_EVENT },
	{ { "name", 4 }, M_NAME },
	{ { "userId", 6 }, M_USER },
	{ { "user_id", 7 }, M_USER },
	{ { "anonymousId", 11 }, M_ANONYMOUS },
	{ { "anonymous_id", 12 }, M_ANONYMOUS },
	{ { "groupId", 7 }, M_GROUP },
	{ { "group_id", 8 }, M_GROUP },
	{ { "previousId", 10 }, M_PREVIOUS },
	{ { "previous_id", 11 }, M_PREVIOUS },
	{ { "messageId", 9 }, M_MESSAGE },
	{ { "message_id", 10 }, M_MESSAGE },
	{ { "timestamp", 9 }, M_TIMESTAMP },
	{ { "originalTimestamp", 17 }, M_ORIGINAL },
	{ { "sentAt", 6 }, M_SENT },
	{ { "sent_at", 7 }, M_SENT },
	{ { "properties", 10 }, M_PROPERTIES },
	{ { "traits", 6 }, M_TRAITS },
	{ { "context", 7 }, M_CONTEXT },
	{ { "integrations", 12 }, M_INTEGRATIONS },
	{ { "writeKey", 8 }, M_DROPPED },
	{ { "receivedAt", 10 }, M_DROPPED },
};

/* The members of one item. */
struct item {
	const struct ingest_source *source;
	const struct json_node *node;
	const struct json_node *known[M_COUNT];
	VEC(const struct json_node *) unknown; /* their keys */
};

bool event_kind_of(struct str name, enum event_kind *ret_kind)
{
	for (int i = 0; i < EVENT_KINDS; i++) {
		if (str_eq(name, str_of(event_kind_names[i]))) {
			*ret_kind = (enum event_kind)i;
			return true;
		}
	}
	return false;
}

static enum member member_of(struct str key)
{
	for (size_t i = 0; i < sizeof(member_names) / sizeof(*member_names); i++)
		if (str_eq(member_names[i].name, key))
			return member_names[i].member;
	return M_UNKNOWN;
}

static void read_members(struct item *item)
{
	const struct json *j = item->source->json;

	for (const struct json_node *k = json_first(j, item->node); k;
	     k = json_next(j, item->node, k + 1)) {
		enum member member = member_of(json_string(item->source->mem, j, k));
		if (member == M_UNKNOWN)
			*VEC_ADD(&item->unknown, item->source->mem) = k;
		else
			item->known[member] = k + 1;
	}
}

/* Depth of the deepest value in a node, counted without recursion. */
static bool nested_too_deeply(const struct json_node *root)
{
	const struct json_node *ends[EVENT_MAX_DEPTH];
	const struct json_node *last = root + root->skip;
	size_t depth = 0;

	for (const struct json_node *n = root; n < last; n++) {
		while (depth > 0 && n >= ends[depth - 1])
			depth--;
		if (n->type < JSON_ARRAY)
			continue;
		if (depth == EVENT_MAX_DEPTH)
			return true;
		ends[depth++] = n + n->skip;
	}
	return false;
}

static size_t node_bytes(const struct json_node *n)
{
	return n ? n->end - n->start : 0;
}

/* What the batch shares counts for each of its events: else one large context
 * times ten thousand events would be a bomb. */
static bool too_large(const struct item *item)
{
	size_t n = node_bytes(item->node) + node_bytes(item->source->context) +
		   node_bytes(item->source->integrations);
	const struct json_node *properties = item->known[M_PROPERTIES];
	const struct json_node *traits = item->known[M_TRAITS];

	if (n > EVENT_MAX_BYTES || (properties && properties->count > EVENT_MAX_PROPERTIES) ||
	    (traits && traits->count > EVENT_MAX_PROPERTIES))
		return true;
	/* fewer bytes than two brackets a level cannot be too deep */
	return n > 2 * EVENT_MAX_DEPTH && nested_too_deeply(item->node);
}

/* Text, or a number as text; anything else, and empty text, is absent. */
static struct str read_id(const struct item *item, enum member member)
{
	const struct ingest_source *s = item->source;
	const struct json_node *n = item->known[member];
	struct str text = { NULL, 0 };

	if (json_is(n, JSON_NUMBER))
		text = json_text(s->json, n);
	else if (json_is(n, JSON_STRING))
		text = json_string(s->mem, s->json, n);
	return text.n > 0 ? text : (struct str){ NULL, 0 };
}

/* An object's slice, absent for null and nothing; false for any other type. */
static bool read_object(const struct item *item, enum member member, struct str *ret_text)
{
	const struct json_node *n = item->known[member];

	*ret_text = (struct str){ NULL, 0 };
	if (!n || n->type == JSON_NULL)
		return true;
	if (n->type != JSON_OBJECT)
		return false;
	if (n->count > 0)
		*ret_text = json_text(item->source->json, n);
	return true;
}

static bool read_time(const struct ingest_source *s, const struct json_node *n, int64_t *ret_us)
{
	int64_t ms;

	if (json_is(n, JSON_STRING))
		return clock_parse(str_trim(json_string(s->mem, s->json, n)), ret_us);
	/* milliseconds since 1970, as Date.now() gives */
	if (!json_int(s->json, n, &ms) || ms < 0 || ms > 253402300799999)
		return false;
	*ret_us = ms * 1000;
	return true;
}

int64_t ingest_repair_clock(int64_t original_us, int64_t sent_us, int64_t received_us)
{
	int64_t limit = 253402300799999999, repaired;

	if (sent_us == INT64_MIN)
		return original_us;
	repaired = received_us - (sent_us - original_us);
	/* two absurd clocks can point outside the calendar */
	return repaired > limit || repaired < -limit / 4 ? original_us : repaired;
}

static bool read_timestamp(const struct item *item, struct ingest_event *e)
{
	const struct ingest_source *s = item->source;
	const struct json_node *n = item->known[M_ORIGINAL];
	int64_t original, sent = s->sent_us;

	if (!n || n->type == JSON_NULL)
		n = item->known[M_TIMESTAMP];
	e->timestamp_us = s->received_us;
	if (!n || n->type == JSON_NULL)
		return true;
	if (!read_time(s, n, &original))
		return false;
	e->original_timestamp =
		n->type == JSON_STRING ? json_string(s->mem, s->json, n) : json_text(s->json, n);
	if (item->known[M_SENT] && !read_time(s, item->known[M_SENT], &sent))
		sent = s->sent_us;
	e->timestamp_us = ingest_repair_clock(original, sent, s->received_us);
	int64_t moved = e->timestamp_us - original;
	if (moved > MINUTE_US || moved < -MINUTE_US)
		e->flags |= EVENT_FLAG_CLOCK_REPAIRED;
	if (e->timestamp_us < s->received_us - LATE_US)
		e->flags |= EVENT_FLAG_LATE;
	if (e->timestamp_us > s->received_us + AHEAD_US)
		e->flags |= EVENT_FLAG_AHEAD;
	return true;
}

static void put_members(struct buf *b, struct str object)
{
	struct str inside = str_trim(str_slice(object, 1, object.n - 1));

	if (inside.n == 0)
		return;
	if (b->n > 1)
		buf_char(b, ',');
	buf_str(b, inside);
}

static void put_pair(struct buf *b, const struct json *j, const struct json_node *key)
{
	if (b->n > 1)
		buf_char(b, ',');
	buf_str(b, json_text(j, key));
	buf_char(b, ':');
	buf_str(b, json_text(j, key + 1));
}

/* Does the context already have a member of this name? */
static bool clashes(const struct item *item, const struct json_node *key)
{
	const struct ingest_source *s = item->source;
	struct str name = json_string(s->mem, s->json, key);

	return json_get(s->json, item->known[M_CONTEXT], name) ||
	       json_get(s->json, s->context, name);
}

/* Unknown fields whose names are free (or those whose names are not). */
static size_t put_unknown(const struct item *item, struct buf *b, bool clashing)
{
	size_t count = 0;

	for (size_t i = 0; i < item->unknown.n; i++) {
		if (clashes(item, item->unknown.v[i]) != clashing)
			continue;
		put_pair(b, item->source->json, item->unknown.v[i]);
		count++;
	}
	return count;
}

/* {members of the batch's, unknown fields, the event's own}: in jsonb the last of
 * equal keys wins. An unknown field whose name the context already uses is kept
 * under context.extra. */
static struct str merge_context(const struct item *item, struct str own)
{
	const struct ingest_source *s = item->source;
	struct buf b, extra;

	if (!s->context && item->unknown.n == 0)
		return own;
	buf_init(&b, s->mem, CONTEXT_MAX_BYTES);
	buf_init(&extra, s->mem, CONTEXT_MAX_BYTES);
	buf_char(&b, '{');
	buf_char(&extra, '{');
	if (s->context)
		put_members(&b, json_text(s->json, s->context));
	put_unknown(item, &b, false);
	if (own.p)
		put_members(&b, own);
	if (put_unknown(item, &extra, true) > 0) {
		buf_char(&extra, '}');
		buf_text(&b, b.n > 1 ? ",\"extra\":" : "\"extra\":");
		buf_str(&b, buf_view(&extra));
	}
	buf_char(&b, '}');
	return b.n > 2 ? buf_view(&b) : (struct str){ NULL, 0 };
}

static struct str merge_integrations(const struct item *item, struct str own)
{
	const struct ingest_source *s = item->source;
	struct buf b;

	if (!s->integrations)
		return own;
	buf_init(&b, s->mem, CONTEXT_MAX_BYTES);
	buf_char(&b, '{');
	put_members(&b, json_text(s->json, s->integrations));
	if (own.p)
		put_members(&b, own);
	buf_char(&b, '}');
	return buf_view(&b);
}

static bool read_kind(const struct item *item, struct ingest_event *e)
{
	const struct ingest_source *s = item->source;
	const struct json_node *n = item->known[M_TYPE];
	enum event_kind kind = s->form;

	if (s->form == EVENT_BATCH) {
		if (!n && s->type_defaults_to_track)
			kind = EVENT_TRACK;
		else if (!event_kind_of(json_string(s->mem, s->json, n), &kind))
			return false;
	}
	e->kind = (uint8_t)kind;
	return true;
}

static void read_name(const struct item *item, struct ingest_event *e)
{
	if (e->kind == EVENT_TRACK) {
		e->name = read_id(item, M_EVENT);
		if (!e->name.p)
			e->name = read_id(item, M_NAME);
	} else if (e->kind == EVENT_PAGE || e->kind == EVENT_SCREEN) {
		e->name = read_id(item, M_NAME);
	}
}

static enum reject_code check_identity(const struct ingest_event *e)
{
	if (e->kind == EVENT_TRACK && !e->name.p)
		return REJECT_MISSING_EVENT;
	if (e->kind == EVENT_GROUP && !e->group_id.p)
		return REJECT_MISSING_GROUP;
	if (e->kind == EVENT_ALIAS && !e->previous_id.p)
		return REJECT_MISSING_PREVIOUS;
	return !e->user_id.p && !e->anonymous_id.p ? REJECT_NO_IDENTITY : REJECT_NONE;
}

static bool read_objects(const struct item *item, struct ingest_event *e)
{
	struct str context, integrations;

	if (!read_object(item, M_PROPERTIES, &e->properties) ||
	    !read_object(item, M_TRAITS, &e->traits) || !read_object(item, M_CONTEXT, &context))
		return false;
	/* clients send odd things here; they never cost an event */
	if (!read_object(item, M_INTEGRATIONS, &integrations))
		integrations = (struct str){ NULL, 0 };
	e->context = merge_context(item, context);
	e->integrations = merge_integrations(item, integrations);
	return true;
}

static void read_message_id(const struct item *item, struct ingest_event *e)
{
	if (e->message_id.p)
		return;
	e->message_id = uuid_str(item->source->mem, e->id);
	e->flags |= EVENT_FLAG_MESSAGE_ID_MADE;
}

static enum reject_code check_item(struct item *item, struct ingest_event *e)
{
	if (!json_is(item->node, JSON_OBJECT))
		return REJECT_NOT_AN_OBJECT;
	read_members(item);
	e->message_id = read_id(item, M_MESSAGE);
	if (too_large(item))
		return REJECT_TOO_LARGE;
	if (!read_kind(item, e))
		return REJECT_INVALID_TYPE;
	read_name(item, e);
	e->user_id = read_id(item, M_USER);
	e->anonymous_id = read_id(item, M_ANONYMOUS);
	e->group_id = e->kind == EVENT_GROUP ? read_id(item, M_GROUP) : (struct str){ NULL, 0 };
	e->previous_id =
		e->kind == EVENT_ALIAS ? read_id(item, M_PREVIOUS) : (struct str){ NULL, 0 };
	enum reject_code code = check_identity(e);
	if (code != REJECT_NONE)
		return code;
	if (!read_timestamp(item, e))
		return REJECT_INVALID_TIMESTAMP;
	if (!read_objects(item, e))
		return REJECT_INVALID_TYPE;
	read_message_id(item, e);
	return REJECT_NONE;
}

/* The key of de-duplication: the whole messageId, never a part of it (SDK ids
 * overlap, reference/events-and-billing.md 1.2). */
static struct uuid dedupe_key(const struct ingest_source *s, struct str message_id)
{
	uint8_t hash[SHA256_BYTES];
	struct uuid key;
	char *text = talloc_size(s->mem, sizeof(s->project.b) + message_id.n);

	memcpy(text, s->project.b, sizeof(s->project.b));
	memcpy(text + sizeof(s->project.b), message_id.p, message_id.n);
	crypto_sha256((struct str){ text, sizeof(s->project.b) + message_id.n }, hash);
	talloc_free(text);
	memcpy(key.b, hash, sizeof(key.b));
	return key;
}

void ingest_check(const struct ingest_source *source, const struct json_node *node,
		  struct ingest_event *e)
{
	struct item item = { .source = source, .node = node };

	e->id = uuid_new();
	e->raw = json_text(source->json, node);
	e->reject = (uint8_t)check_item(&item, e);
	if (e->reject != REJECT_NONE) {
		e->fate = FATE_REJECTED;
		return;
	}
	e->fate = FATE_PENDING;
	e->key = dedupe_key(source, e->message_id);
}

static struct fault *shape_fault(const void *mem, const char *text)
{
	return FAULT(mem, FAULT_MALFORMED, "malformed_body", "%s", text);
}

static struct fault *find_items(const void *mem, const struct json *j, bool own_form,
				struct ingest_request_body *body)
{
	const struct json_node *root = json_root(j);

	if (own_form && root->type == JSON_ARRAY) {
		body->items = root;
		return NULL;
	}
	if (root->type != JSON_OBJECT)
		return shape_fault(mem, "The body is not a JSON object.");
	if (own_form) {
		body->items = json_get(j, root, STR("events"));
		if (!body->items)
			body->items = json_get(j, root, STR("batch"));
	} else if (body->source.form == EVENT_BATCH) {
		body->items = json_get(j, root, STR("batch"));
		if (!body->items)
			return shape_fault(mem, "The body has no \"batch\".");
	}
	if (body->items && body->items->type != JSON_ARRAY)
		return shape_fault(mem, "The list of events is not an array.");
	return NULL;
}

struct fault *ingest_read_request(const void *mem, const struct json *j, enum event_kind form,
				  bool own_form, struct ingest_request_body *ret_body)
{
	const struct json_node *root = json_root(j);
	struct ingest_request_body body = { .write_key = { NULL, 0 } };
	struct ingest_source *s = &body.source;

	*s = (struct ingest_source){ .mem = mem,
				     .json = j,
				     .form = form,
				     .type_defaults_to_track = own_form,
				     .sent_us = INT64_MIN };
	TRY(find_items(mem, j, own_form, &body));
	if (body.items && body.items->count > EVENTS_PER_REQUEST_MAX)
		return FAULT(mem, FAULT_TOO_LARGE, "batch_too_large",
			     "A request may carry %u events.", EVENTS_PER_REQUEST_MAX);
	body.write_key = json_string(mem, j, json_get(j, root, STR("writeKey")));
	if (body.items && root->type == JSON_OBJECT) {
		const struct json_node *context = json_get(j, root, STR("context"));
		const struct json_node *integrations = json_get(j, root, STR("integrations"));
		const struct json_node *sent = json_get(j, root, STR("sentAt"));
		s->context = json_is(context, JSON_OBJECT) ? context : NULL;
		s->integrations = json_is(integrations, JSON_OBJECT) ? integrations : NULL;
		if (!sent)
			sent = json_get(j, root, STR("sent_at"));
		if (!sent || !read_time(s, sent, &s->sent_us))
			s->sent_us = INT64_MIN;
	}
	*ret_body = body;
	return NULL;
}

void ingest_check_all(const struct ingest_request_body *body, struct ingest_event **ret_events,
		      size_t *ret_count)
{
	const struct json *j = body->source.json;
	size_t count = body->items ? body->items->count : 1, i = 0;
	struct ingest_event *events =
		talloc_zero_array(body->source.mem, struct ingest_event, (unsigned)count);

	if (!body->items) {
		ingest_check(&body->source, json_root(j), events);
	} else {
		for (const struct json_node *n = json_first(j, body->items); n;
		     n = json_next(j, body->items, n), i++) {
			events[i].index = (uint32_t)i;
			ingest_check(&body->source, n, &events[i]);
		}
	}
	*ret_events = events;
	*ret_count = count;
}
