/* log.h - one line for each thing worth knowing, on stderr.
 *
 * In production a line is one JSON object; in development it is readable text.
 * The message is a constant; what varies goes into fields. Fields whose key
 * names a secret (password, token, secret, key, cookie, authorization, card)
 * are masked, whatever the caller passes. No personal data at info.
 *
 *   LOG_INFO("server ready", LOG_INT("port", port), LOG_TEXT("address", url));
 */
#pragma once

#include "base/str.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_style { LOG_STYLE_TEXT, LOG_STYLE_JSON };

struct log_field {
	const char *key; /* NULL ends the list */
	struct str text; /* p == NULL: the number counts */
	int64_t number;
};

#define LOG_TEXT(k, v) ((struct log_field){ .key = (k), .text = str_of(v) })
#define LOG_STR(k, v) ((struct log_field){ .key = (k), .text = (v) })
#define LOG_INT(k, v) ((struct log_field){ .key = (k), .number = (int64_t)(v) })

#define LOG_AT(level, message, ...)                                                                \
	log_write(level, message, (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define LOG_DEBUG(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define LOG_INFO(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_WARN(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define LOG_ERROR(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)

/* Called once, before threads start. Without it: info, text. */
void log_setup(enum log_level least, enum log_style style);
bool log_level_of(struct str name, enum log_level *ret_level);
void log_write(enum log_level level, const char *message, const struct log_field *fields);
/* Is the value under this key to be masked wherever it is shown? */
bool log_key_is_secret(struct str key);
