/* buf.c - see buf.h; growth doubles, capped at the maximum. */
#include "base/buf.h"

#include <stdio.h>
#include <talloc.h>

void buf_init(struct buf *b, const void *ctx, size_t max_bytes)
{
	*b = (struct buf){ .ctx = ctx, .max_bytes = max_bytes };
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->overflowed = false;
}

void buf_clear(struct buf *b)
{
	talloc_free(b->p);
	buf_init(b, b->ctx, b->max_bytes);
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->overflowed || n > b->max_bytes - b->n) {
		b->overflowed = true;
		return NULL;
	}
	size_t need = b->n + n + 1;
	if (need > b->room) {
		size_t room = b->room ? b->room : 256;
		while (room < need)
			room *= 2;
		if (room > b->max_bytes + 1)
			room = b->max_bytes + 1;
		b->p = talloc_realloc_size(b->ctx, b->p, room);
		b->room = room;
	}
	return b->p + b->n;
}

void buf_added(struct buf *b, size_t n)
{
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_append(struct buf *b, const void *bytes, size_t n)
{
	char *to = buf_reserve(b, n);

	if (!to)
		return;
	if (n > 0)
		memcpy(to, bytes, n);
	buf_added(b, n);
}

void buf_str(struct buf *b, struct str s)
{
	buf_append(b, s.p, s.n);
}

void buf_text(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_int(struct buf *b, int64_t value)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%lld", (long long)value);

	buf_append(b, digits, (size_t)n);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	char *to = n < 0 ? NULL : buf_reserve(b, (size_t)n);

	if (!to)
		return;
	va_start(ap, format);
	vsnprintf(to, (size_t)n + 1, format, ap);
	va_end(ap);
	buf_added(b, (size_t)n);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n < b->n)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	if (b->p)
		b->p[b->n] = '\0';
}
