/* uuid.c - see uuid.h. Within one millisecond a thread's ids also ascend: the
 * 12 bits of rand_a count up (method 1 of RFC 9562 section 6.2). */
#include "base/uuid.h"

#include "base/clock.h"

#include <stdlib.h>
#include <sys/random.h>
#include <talloc.h>

/* Random bytes for ids come in blocks: a system call an id would dominate bulk
 * inserts. */
struct id_source {
	uint8_t random[256];
	size_t left;
	int64_t last_ms;
	uint16_t counter;
};

static _Thread_local struct id_source source;

static void take_random(uint8_t *to, size_t n)
{
	if (source.left < n) {
		if (getrandom(source.random, sizeof(source.random), 0) !=
		    (ssize_t)sizeof(source.random))
			abort();
		source.left = sizeof(source.random);
	}
	source.left -= n;
	memcpy(to, source.random + source.left, n);
}

struct uuid uuid_new(void)
{
	struct uuid id;
	int64_t ms = clock_wall_us() / 1000;

	take_random(id.b + 6, 10);
	if (ms <= source.last_ms && source.counter < 0x0fff) {
		ms = source.last_ms;
		source.counter++;
	} else {
		ms = ms > source.last_ms ? ms : source.last_ms + 1;
		source.last_ms = ms;
		/* the top bit starts clear, so a burst has room to count */
		source.counter = (uint16_t)((id.b[6] & 0x07) << 8 | id.b[7]);
	}
	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	id.b[6] = (uint8_t)(0x70 | source.counter >> 8);
	id.b[7] = (uint8_t)source.counter;
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
	return id;
}

const char *uuid_format(struct uuid id, char text[UUID_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	char *p = text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[id.b[i] >> 4];
		*p++ = hex[id.b[i] & 15];
	}
	*p = '\0';
	return text;
}

struct str uuid_str(const void *ctx, struct uuid id)
{
	char *text = talloc_size(ctx, UUID_TEXT_SIZE);

	uuid_format(id, text);
	return (struct str){ text, UUID_TEXT_SIZE - 1 };
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(struct str text, struct uuid *ret_id)
{
	struct uuid id;
	size_t at = 0;

	if (text.n != UUID_TEXT_SIZE - 1)
		return false;
	for (int i = 0; i < 16; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && text.p[at++] != '-')
			return false;
		int high = hex_value(text.p[at]), low = hex_value(text.p[at + 1]);
		if (high < 0 || low < 0)
			return false;
		id.b[i] = (uint8_t)(high << 4 | low);
		at += 2;
	}
	*ret_id = id;
	return true;
}

bool uuid_eq(struct uuid a, struct uuid b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

bool uuid_is_nil(struct uuid id)
{
	return uuid_eq(id, (struct uuid){ { 0 } });
}
