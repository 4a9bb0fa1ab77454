/* render.c - a template's holes filled: {{name}}, escaped in HTML, plain in text.
 *
 * A hole without a value is a fault, not an empty place: a link that is missing
 * must be noticed by a test, not by a person. */
#include "services/mail/mail_internal.h"

#include "base/json.h"

#define WORDS_MAX_BYTES (512 * 1024)

enum fill { FILL_SUBJECT, FILL_TEXT, FILL_HTML };

static void put_html(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '&':
			buf_text(out, "&amp;");
			break;
		case '<':
			buf_text(out, "&lt;");
			break;
		case '>':
			buf_text(out, "&gt;");
			break;
		case '"':
			buf_text(out, "&quot;");
			break;
		case '\'':
			buf_text(out, "&#39;");
			break;
		default:
			buf_char(out, s.p[i]);
		}
	}
}

/* A subject is one line, whatever a value holds. */
static void put_line(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_char(out, (unsigned char)s.p[i] < ' ' || s.p[i] == 127 ? ' ' : s.p[i]);
}

static void put(struct buf *out, struct str value, enum fill fill)
{
	if (fill == FILL_HTML)
		put_html(out, value);
	else if (fill == FILL_SUBJECT)
		put_line(out, value);
	else
		buf_str(out, value);
}

static size_t find_pair(struct str s, char c, size_t from)
{
	for (size_t i = str_find(s, c, from); i != SIZE_MAX; i = str_find(s, c, i + 1))
		if (i + 1 < s.n && s.p[i + 1] == c)
			return i;
	return SIZE_MAX;
}

static struct fault *fill_in(const void *ctx, const char *pattern, const struct json *values,
			     enum fill fill, struct str *ret_text)
{
	struct str s = str_of(pattern);
	size_t at = 0;
	struct buf out;

	buf_init(&out, ctx, WORDS_MAX_BYTES);
	for (;;) {
		const size_t open = find_pair(s, '{', at);
		const size_t close = open == SIZE_MAX ? open : find_pair(s, '}', open);

		if (close == SIZE_MAX)
			break;
		const struct str name = str_trim(str_slice(s, open + 2, close));
		const struct str value =
			json_string(ctx, values, json_get(values, json_root(values), name));
		if (str_is_null(value))
			return FAULT_BUG(ctx, "mail hole {{%.*s}} has no value", STR_ARG(name));
		buf_str(&out, str_slice(s, at, open));
		put(&out, value, fill);
		at = close + 2;
	}
	buf_str(&out, str_slice(s, at, s.n));
	if (out.overflowed)
		return FAULT_BUG(ctx, "a mail of more than %d bytes", WORDS_MAX_BYTES);
	*ret_text = buf_view(&out);
	return NULL;
}

struct fault *mail_render(const void *ctx, const struct mail_template *template, struct str values,
			  struct mail_words *ret_words)
{
	struct json holes;

	TRY(json_parse(ctx, values, &json_default_limits, &holes));
	TRY(fill_in(ctx, template->subject, &holes, FILL_SUBJECT, &ret_words->subject));
	TRY(fill_in(ctx, template->text, &holes, FILL_TEXT, &ret_words->text));
	TRY(fill_in(ctx, template->html, &holes, FILL_HTML, &ret_words->html));
	return NULL;
}

struct str mail_words_json(const void *ctx, const struct mail_words *words)
{
	struct json_out w;
	struct buf b;

	buf_init(&b, ctx, (size_t)8 * WORDS_MAX_BYTES);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "subject");
	json_put_str(&w, words->subject);
	json_key(&w, "text");
	json_put_str(&w, words->text);
	json_key(&w, "html");
	json_put_str(&w, words->html);
	json_close(&w, '}');
	return buf_view(&b);
}

struct fault *mail_words_parse(const void *ctx, struct str json, struct mail_words *ret_words)
{
	const struct json_node *root;
	struct json j;

	TRY(json_parse(ctx, json, &json_default_limits, &j));
	root = json_root(&j);
	ret_words->subject = json_string(ctx, &j, json_get(&j, root, STR("subject")));
	ret_words->text = json_string(ctx, &j, json_get(&j, root, STR("text")));
	ret_words->html = json_string(ctx, &j, json_get(&j, root, STR("html")));
	if (str_is_null(ret_words->subject) || str_is_null(ret_words->text) ||
	    str_is_null(ret_words->html))
		return FAULT_BUG(ctx, "a kept mail without its words");
	return NULL;
}
