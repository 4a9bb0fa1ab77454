/* buf.h - a growable byte buffer with a mandatory maximum.
 *
 * "How large may this get" is answered where the buffer is born (the idea of
 * curl's dynbuf). Appending past the maximum changes nothing but sets
 * overflowed, which stays set; builders check it once at the end. The bytes
 * are owned by the context given at buf_init and are always followed by a
 * NUL that does not count. */
#pragma once

#include "base/str.h"

#include <stdarg.h>
#include <stdint.h>

struct buf {
	char *p;
	size_t n;
	size_t room;
	size_t max_bytes;
	const void *ctx;
	bool overflowed;
};

void buf_init(struct buf *b, const void *ctx, size_t max_bytes);
void buf_reset(struct buf *b); /* empties it, keeps the memory */
void buf_clear(struct buf *b); /* gives the memory back early */
void buf_append(struct buf *b, const void *bytes, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for n more bytes and returns where they go (NULL on overflow);
 * the caller fills them and then calls buf_added. */
char *buf_reserve(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);

static inline struct str buf_view(const struct buf *b)
{
	return (struct str){ b->p ? b->p : "", b->n };
}
