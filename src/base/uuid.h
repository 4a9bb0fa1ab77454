/* uuid.h - UUIDs; new ones are version 7 (RFC 9562 section 5.7): they sort by
 * the time they were made. UUIDs are names, never secrets. */
#pragma once

#include "base/str.h"

#include <stdint.h>

#define UUID_TEXT_SIZE 37 /* with NUL */

struct uuid {
	uint8_t b[16];
};

struct uuid uuid_new(void);
/* Lower-case text with dashes. */
const char *uuid_format(struct uuid id, char text[UUID_TEXT_SIZE]);
/* The same, owned by ctx. */
struct str uuid_str(const void *ctx, struct uuid id);
/* Reads the 36-character form, any case; false if it is none. */
bool uuid_parse(struct str text, struct uuid *ret_id);
bool uuid_eq(struct uuid a, struct uuid b);
bool uuid_is_nil(struct uuid id);
