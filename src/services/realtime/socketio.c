/* socketio.c - the packets of socketio.h: a header read by hand, the rest by
 * base/json. */
#include "services/realtime/socketio.h"

#include "base/parse.h"

static const struct json_limits packet_limits = { .depth = 32, .nodes = 20000 };

struct cursor {
	struct str text;
	size_t at;
};

static char peek(const struct cursor *c)
{
	return c->at < c->text.n ? c->text.p[c->at] : '\0';
}

/* Takes up to `most` digits; false if there is none or one more. */
static bool take_digits(struct cursor *c, size_t most, int64_t *ret_value)
{
	size_t from = c->at;

	while (peek(c) >= '0' && peek(c) <= '9' && c->at - from <= most)
		c->at++;
	return c->at > from && c->at - from <= most &&
	       parse_int(str_slice(c->text, from, c->at), 0, INT64_C(1) << 53, ret_value);
}

static bool read_attachments(struct cursor *c, struct sio_packet *p)
{
	int64_t n = 0;

	if (p->type != SIO_BINARY_EVENT && p->type != SIO_BINARY_ACK)
		return true;
	if (!take_digits(c, 2, &n) || n > SIO_ATTACHMENTS_MAX || peek(c) != '-')
		return false;
	c->at++;
	p->attachments = (int)n;
	return true;
}

static void read_namespace(struct cursor *c, struct sio_packet *p)
{
	p->name_space = STR("/");
	if (peek(c) != '/')
		return;
	size_t from = c->at;
	size_t comma = str_find(c->text, ',', from);
	size_t end = comma == SIZE_MAX ? c->text.n : comma;
	p->name_space = str_slice(c->text, from, end);
	c->at = comma == SIZE_MAX ? end : end + 1;
}

static bool read_ack_id(struct cursor *c, struct sio_packet *p)
{
	if (peek(c) < '0' || peek(c) > '9')
		return true;
	p->has_ack = true;
	return take_digits(c, 16, &p->ack_id);
}

static bool is_reserved(struct str name)
{
	static const char *const reserved[] = {
		"connect",	 "connect_error", "disconnect",
		"disconnecting", "newListener",	  "removeListener"
	};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (str_eq(name, str_of(reserved[i])))
			return true;
	return false;
}

static bool read_event_name(const void *ctx, struct sio_packet *p)
{
	const struct json *j = &p->data;
	const struct json_node *first = json_first(j, json_root(j));

	if (json_is(first, JSON_STRING))
		p->event = json_string(ctx, j, first);
	else if (json_is(first, JSON_NUMBER))
		p->event = json_text(j, first);
	else
		return false;
	p->arg = json_next(j, json_root(j), first);
	return !is_reserved(p->event);
}

/* Has the JSON the form its type asks for? */
static bool check_data(const void *ctx, struct sio_packet *p)
{
	const struct json_node *root = p->has_data ? json_root(&p->data) : NULL;

	switch (p->type) {
	case SIO_CONNECT:
		return !p->has_ack && (!root || json_is(root, JSON_OBJECT));
	case SIO_DISCONNECT:
		return !p->has_ack && !root;
	case SIO_EVENT:
	case SIO_BINARY_EVENT:
		return json_is(root, JSON_ARRAY) && read_event_name(ctx, p);
	case SIO_ACK:
	case SIO_BINARY_ACK:
		return p->has_ack && json_is(root, JSON_ARRAY);
	case SIO_CONNECT_ERROR:
		return !p->has_ack && (json_is(root, JSON_OBJECT) || json_is(root, JSON_STRING));
	}
	return false;
}

bool sio_decode(const void *ctx, struct str text, struct sio_packet *ret_packet)
{
	struct cursor c = { .text = text, .at = 1 };
	struct sio_packet p = { 0 };

	if (text.n == 0 || text.p[0] < '0' || text.p[0] > '6')
		return false;
	p.type = (enum sio_type)(text.p[0] - '0');
	if (!read_attachments(&c, &p))
		return false;
	read_namespace(&c, &p);
	if (!read_ack_id(&c, &p))
		return false;
	struct str rest = str_slice(text, c.at, text.n);
	p.has_data = rest.n > 0;
	if (p.has_data && json_parse(ctx, rest, &packet_limits, &p.data))
		return false;
	if (!check_data(ctx, &p))
		return false;
	*ret_packet = p;
	return true;
}

static bool placeholder_is_valid(const struct json *j, const struct json_node *object, int count)
{
	const struct json_node *num = json_get(j, object, STR("num"));
	int64_t value;

	if (!json_is(json_get(j, object, STR("_placeholder")), JSON_TRUE))
		return true;
	return json_int(j, num, &value) && value >= 0 && value < count;
}

bool sio_placeholders_are_valid(const struct sio_packet *packet)
{
	const struct json *j = &packet->data;

	for (uint32_t i = 0; i < j->node_count; i++)
		if (json_is(&j->nodes[i], JSON_OBJECT) &&
		    !placeholder_is_valid(j, &j->nodes[i], packet->attachments))
			return false;
	return true;
}

void sio_write_event(struct buf *out, struct str name, struct str payload_json, int64_t offset)
{
	buf_text(out, "42[");
	json_quote(out, name);
	buf_char(out, ',');
	buf_str(out, payload_json);
	if (offset > 0) {
		buf_text(out, ",\"");
		buf_int(out, offset);
		buf_char(out, '"');
	}
	buf_char(out, ']');
}

void sio_write_ack(struct buf *out, int64_t ack_id, struct str json)
{
	buf_text(out, "43");
	buf_int(out, ack_id);
	buf_char(out, '[');
	buf_str(out, json);
	buf_char(out, ']');
}

void sio_write_connect(struct buf *out, struct str sid, struct str pid)
{
	buf_printf(out, "40{\"sid\":\"%.*s\",\"pid\":\"%.*s\"}", STR_ARG(sid), STR_ARG(pid));
}

void sio_write_connect_error(struct buf *out, struct str name_space, struct str message,
			     struct str data_json)
{
	struct json_out w;

	buf_text(out, "44");
	if (!str_eq(name_space, STR("/"))) {
		buf_str(out, name_space);
		buf_char(out, ',');
	}
	json_out_init(&w, out);
	json_open(&w, '{');
	json_key(&w, "message");
	json_put_str(&w, message);
	if (!str_is_null(data_json)) {
		json_key(&w, "data");
		json_put_raw(&w, data_json);
	}
	json_close(&w, '}');
}
