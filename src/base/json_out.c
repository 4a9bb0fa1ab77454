/* json_out.c - the JSON writer of json.h. */
#include "base/json.h"

void json_out_init(struct json_out *w, struct buf *b)
{
	*w = (struct json_out){ b, false };
}

static void before_value(struct json_out *w)
{
	if (w->comma)
		buf_char(w->b, ',');
	w->comma = true;
}

void json_open(struct json_out *w, char bracket)
{
	before_value(w);
	buf_char(w->b, bracket);
	w->comma = false;
}

void json_close(struct json_out *w, char bracket)
{
	buf_char(w->b, bracket);
	w->comma = true;
}

void json_key(struct json_out *w, const char *key)
{
	before_value(w);
	json_quote(w->b, str_of(key));
	buf_char(w->b, ':');
	w->comma = false;
}

void json_put_str(struct json_out *w, struct str s)
{
	before_value(w);
	if (s.p)
		json_quote(w->b, s);
	else
		buf_str(w->b, STR("null"));
}

void json_put_int(struct json_out *w, int64_t value)
{
	before_value(w);
	buf_int(w->b, value);
}

void json_put_bool(struct json_out *w, bool value)
{
	before_value(w);
	buf_text(w->b, value ? "true" : "false");
}

void json_put_null(struct json_out *w)
{
	before_value(w);
	buf_str(w->b, STR("null"));
}

void json_put_raw(struct json_out *w, struct str json)
{
	before_value(w);
	buf_str(w->b, json.p ? json : STR("null"));
}

static void quote_control(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		buf_str(b, STR("\\\""));
		break;
	case '\\':
		buf_str(b, STR("\\\\"));
		break;
	case '\n':
		buf_str(b, STR("\\n"));
		break;
	case '\r':
		buf_str(b, STR("\\r"));
		break;
	case '\t':
		buf_str(b, STR("\\t"));
		break;
	default:
		buf_printf(b, "\\u%04x", c);
	}
}

void json_quote(struct buf *b, struct str s)
{
	bool utf8 = str_is_utf8(s);
	size_t plain = 0;

	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool special = c < 0x20 || c == '"' || c == '\\' || (c >= 0x80 && !utf8);
		if (!special)
			continue;
		buf_append(b, s.p + plain, i - plain);
		plain = i + 1;
		if (c >= 0x80)
			buf_str(b, STR("\xEF\xBF\xBD"));
		else
			quote_control(b, c);
	}
	buf_append(b, s.p + plain, s.n - plain);
	buf_char(b, '"');
}
