/* str.c - comparing, cutting and copying counted text (see str.h). */
#include "base/str.h"

#include <stdint.h>
#include <talloc.h>

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_slice(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_slice(s, s.n - suffix.n, s.n), suffix);
}

size_t str_find(struct str s, char c, size_t from)
{
	if (from >= s.n)
		return SIZE_MAX;
	const char *hit = memchr(s.p + from, c, s.n - from);
	return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_cut(struct str *s, char c)
{
	size_t at = str_find(*s, c, 0);
	struct str head = *s;

	if (at == SIZE_MAX) {
		*s = (struct str){ NULL, 0 };
		return head;
	}
	head.n = at;
	*s = str_slice(*s, at + 1, s->n);
	return head;
}

char *str_dup(const void *ctx, struct str s)
{
	return s.p ? talloc_strndup(ctx, s.p, s.n) : NULL;
}

struct str str_copy(const void *ctx, struct str s)
{
	if (!s.p)
		return s;
	char *copy = talloc_size(ctx, s.n + 1);
	memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return (struct str){ copy, s.n };
}

struct str str_lower(const void *ctx, struct str s)
{
	struct str out = str_copy(ctx, s);
	char *p = (char *)(uintptr_t)out.p;

	for (size_t i = 0; i < out.n; i++)
		p[i] = ascii_lower(p[i]);
	return out;
}

/* Length of the well-formed sequence at p (at most n bytes), 0 if none:
 * the table of RFC 3629 section 4. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	unsigned char c = p[0];
	size_t length = c < 0x80   ? 1
			: c < 0xC2 ? 0
			: c < 0xE0 ? 2
			: c < 0xF0 ? 3
			: c < 0xF5 ? 4
				   : 0;

	if (length == 0 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F) ||
	    (c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] > 0x8F))
		return 0;
	return length;
}

bool str_is_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.n;) {
		if (p[i] < 0x80) {
			i++;
			continue;
		}
		size_t length = utf8_sequence(p + i, s.n - i);
		if (length == 0)
			return false;
		i += length;
	}
	return true;
}

size_t str_code_points(struct str s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.n; i++)
		count += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return count;
}
