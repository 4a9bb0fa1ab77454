/* ingest_event.h - one event: checked, its clock repaired, ready to be stored.
 *
 * Pure functions over parsed JSON: no database, no clock, no network, so every
 * rule of spec/ingestion.md "Rules for an event" has a unit test. Values are
 * slices of the body wherever nothing has to be merged; they live as long as
 * the body's context. */
#pragma once

#include "base/json.h"
#include "base/uuid.h"

#include <stdint.h>

#define EVENT_MAX_BYTES (32U * 1024)
#define EVENT_MAX_PROPERTIES 10000U
#define EVENT_MAX_DEPTH 200U
#define EVENTS_PER_REQUEST_MAX 10000U

enum event_kind {
	EVENT_TRACK,
	EVENT_IDENTIFY,
	EVENT_PAGE,
	EVENT_SCREEN,
	EVENT_GROUP,
	EVENT_ALIAS,
	EVENT_KINDS,
	EVENT_BATCH = EVENT_KINDS, /* as a form of request: kinds are in the items */
};

extern const char *const event_kind_names[EVENT_KINDS];
bool event_kind_of(struct str name, enum event_kind *ret_kind);

/* Accepted for analytics, but worth knowing; bits of analytics.events.flags
 * (names: analytics.flag_names). */
enum event_flag {
	EVENT_FLAG_LATE = 1,		/* more than 35 days before it was received */
	EVENT_FLAG_AHEAD = 2,		/* more than 5 minutes after it was received */
	EVENT_FLAG_CLOCK_REPAIRED = 4,	/* the client's clock was off by more than a minute */
	EVENT_FLAG_MESSAGE_ID_MADE = 8, /* so a resend cannot be recognised */
};

enum reject_code {
	REJECT_NONE,
	REJECT_TOO_LARGE,
	REJECT_NO_IDENTITY,
	REJECT_MISSING_EVENT,
	REJECT_MISSING_GROUP,
	REJECT_MISSING_PREVIOUS,
	REJECT_INVALID_TIMESTAMP,
	REJECT_INVALID_TYPE,
	REJECT_NOT_AN_OBJECT,
	REJECT_OVER_QUOTA,
	REJECT_CODES
};

extern const char *const reject_code_names[REJECT_CODES];
extern const char *const reject_messages[REJECT_CODES];

/* What became of an event; set while checking and by the batcher. */
enum event_fate { FATE_PENDING, FATE_ACCEPTED, FATE_DUPLICATE, FATE_REJECTED, FATE_OVER_QUOTA };

struct ingest_event {
	uint32_t index; /* place in the request */
	uint8_t kind;	/* enum event_kind */
	uint8_t fate;	/* enum event_fate */
	uint8_t reject; /* enum reject_code */
	uint8_t flags;
	struct uuid id;	 /* ours; in order of arrival */
	struct uuid key; /* SHA-256(project, messageId), first 128 bits */
	struct str message_id;
	struct str name; /* of a track, page or screen call; absent if none */
	struct str user_id, anonymous_id, group_id, previous_id;
	int64_t timestamp_us;
	struct str original_timestamp; /* what the client said, absent if nothing */
	struct str properties, traits, context, integrations; /* JSON objects or absent */
	struct str raw;					      /* the slice of the body */
};

/* What the events of one request share. */
struct ingest_source {
	const void *mem;
	const struct json *json;
	enum event_kind form;		 /* EVENT_BATCH: each item says its type */
	bool type_defaults_to_track;	 /* our own form */
	const struct json_node *context; /* of the batch, or NULL */
	const struct json_node *integrations;
	int64_t received_us;
	int64_t sent_us; /* INT64_MIN: not said */
	struct uuid project;
};

/* Reads what stands at the top of a body: the list of items (or the one), the
 * write key, context, sentAt. form EVENT_BATCH expects {"batch":[…]}; own_form
 * also takes an array, {"events":[…]} and a single event. */
struct ingest_request_body {
	struct ingest_source source;
	const struct json_node *items; /* an array; NULL: root is the one event */
	struct str write_key;	       /* absent if the body has none */
};
struct fault *ingest_read_request(const void *mem, const struct json *j, enum event_kind form,
				  bool own_form, struct ingest_request_body *ret_body);
/* Checks all items; ret_events is owned by mem. source must be complete. */
void ingest_check_all(const struct ingest_request_body *body, struct ingest_event **ret_events,
		      size_t *ret_count);
/* Checks one item into *e (zeroed before). */
void ingest_check(const struct ingest_source *source, const struct json_node *item,
		  struct ingest_event *e);

/* receivedAt - (sentAt - original); original unchanged when sent is unknown. */
int64_t ingest_repair_clock(int64_t original_us, int64_t sent_us, int64_t received_us);
