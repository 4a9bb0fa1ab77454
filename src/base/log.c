/* log.c - see log.h. A line is built in one buffer and written with one call,
 * so lines of different threads never mix. */
#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"

#include <talloc.h>
#include <unistd.h>

/* The only writable statics besides thread-local id blocks: set once before
 * threads start. */
static enum log_level least_level = LOG_LEVEL_INFO;
static enum log_style line_style = LOG_STYLE_TEXT;

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_setup(enum log_level least, enum log_style style)
{
	least_level = least;
	line_style = style;
}

bool log_level_of(struct str name, enum log_level *ret_level)
{
	for (int i = 0; i <= LOG_LEVEL_ERROR; i++) {
		if (str_eq_nocase(name, str_of(level_names[i]))) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool log_key_is_secret(struct str key)
{
	static const char *const words[] = { "password",      "secret", "token",   "cookie",
					     "authorization", "card",	"api_key", "write_key" };
	char lower[64];
	size_t n = key.n < sizeof(lower) - 1 ? key.n : sizeof(lower) - 1;

	for (size_t i = 0; i < n; i++)
		lower[i] = key.p[i] >= 'A' && key.p[i] <= 'Z' ? (char)(key.p[i] | 0x20) : key.p[i];
	lower[n] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(lower, words[i]))
			return true;
	return false;
}

static void write_json(struct buf *b, const char *level, const char *message,
		       const struct log_field *fields)
{
	struct json_out w;
	char at[CLOCK_TEXT_SIZE];

	json_out_init(&w, b);
	json_open(&w, '{');
	json_key(&w, "at");
	json_put_str(&w, str_of(clock_format(clock_wall_us(), at)));
	json_key(&w, "level");
	json_put_str(&w, str_of(level));
	json_key(&w, "message");
	json_put_str(&w, str_of(message));
	for (; fields->key; fields++) {
		json_key(&w, fields->key);
		if (log_key_is_secret(str_of(fields->key)))
			json_put_str(&w, STR("[masked]"));
		else if (fields->text.p)
			json_put_str(&w, fields->text);
		else
			json_put_int(&w, fields->number);
	}
	json_close(&w, '}');
}

static void write_text(struct buf *b, const char *level, const char *message,
		       const struct log_field *fields)
{
	char at[CLOCK_TEXT_SIZE];

	buf_printf(b, "%.12s %-5s %s", clock_format(clock_wall_us(), at) + 11, level, message);
	for (; fields->key; fields++) {
		buf_printf(b, " %s=", fields->key);
		if (log_key_is_secret(str_of(fields->key)))
			buf_text(b, "[masked]");
		else if (fields->text.p)
			json_quote(b, fields->text);
		else
			buf_int(b, fields->number);
	}
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
	struct buf b;

	if (level < least_level)
		return;
	buf_init(&b, NULL, 64 * 1024);
	if (line_style == LOG_STYLE_JSON)
		write_json(&b, level_names[level], message, fields);
	else
		write_text(&b, level_names[level], message, fields);
	b.overflowed = false;
	buf_char(&b, '\n');
	if (write(STDERR_FILENO, b.p, b.n) < 0)
		b.n = 0; /* nobody listens: nothing sensible is left to do */
	buf_clear(&b);
}
