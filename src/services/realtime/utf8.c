/* utf8.c - a state machine over the byte classes of RFC 3629 section 4: besides
 * start and broken there is one state for each set of bytes that may follow. */
#include "services/realtime/utf8.h"

#include <string.h>

enum {
	TAIL1 = 2, /* one more 80..BF */
	TAIL2,	   /* two more */
	TAIL3,	   /* three more */
	AFTER_E0,  /* A0..BF, then one: no overlong form */
	AFTER_ED,  /* 80..9F, then one: no surrogate */
	AFTER_F0,  /* 90..BF, then two: no overlong form */
	AFTER_F4,  /* 80..8F, then two: nothing above U+10FFFF */
	STATES
};

struct follow {
	uint8_t least, most, next;
};

static const struct follow follows[STATES] = {
	[TAIL1] = { 0x80, 0xbf, UTF8_START }, [TAIL2] = { 0x80, 0xbf, TAIL1 },
	[TAIL3] = { 0x80, 0xbf, TAIL2 },      [AFTER_E0] = { 0xa0, 0xbf, TAIL1 },
	[AFTER_ED] = { 0x80, 0x9f, TAIL1 },   [AFTER_F0] = { 0x90, 0xbf, TAIL2 },
	[AFTER_F4] = { 0x80, 0x8f, TAIL2 },
};

static uint32_t first_byte(uint8_t c)
{
	if (c < 0x80)
		return UTF8_START;
	if (c < 0xc2)
		return UTF8_BROKEN;
	if (c < 0xe0)
		return TAIL1;
	if (c == 0xe0)
		return AFTER_E0;
	if (c == 0xed)
		return AFTER_ED;
	if (c < 0xf0)
		return TAIL2;
	if (c == 0xf0)
		return AFTER_F0;
	if (c < 0xf4)
		return TAIL3;
	return c == 0xf4 ? AFTER_F4 : UTF8_BROKEN;
}

uint32_t utf8_walk(uint32_t state, const char *p, size_t n)
{
	for (size_t i = 0; i < n && state != UTF8_BROKEN; i++) {
		uint8_t c = (uint8_t)p[i];
		if (state == UTF8_START) {
			uint64_t word; /* eight plain characters at once */
			while (i + 8 <= n &&
			       (memcpy(&word, p + i, 8), !(word & UINT64_C(0x8080808080808080))))
				i += 8;
			if (i == n)
				break;
			state = first_byte((uint8_t)p[i]);
		} else if (c < follows[state].least || c > follows[state].most) {
			state = UTF8_BROKEN;
		} else {
			state = follows[state].next;
		}
	}
	return state;
}
