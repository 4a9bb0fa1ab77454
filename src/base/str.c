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

/* Lead bytes with the length of their sequence and the range of the second byte:
 * the table of RFC 3629 section 4. */
static const struct utf8_lead {
	unsigned char first, last, length, second_min, second_max;
} utf8_leads[] = {
	{ 0x00, 0x7F, 1, 0x00, 0x00 }, { 0xC2, 0xDF, 2, 0x80, 0xBF }, { 0xE0, 0xE0, 3, 0xA0, 0xBF },
	{ 0xE1, 0xEC, 3, 0x80, 0xBF }, { 0xED, 0xED, 3, 0x80, 0x9F }, { 0xEE, 0xEF, 3, 0x80, 0xBF },
	{ 0xF0, 0xF0, 4, 0x90, 0xBF }, { 0xF1, 0xF3, 4, 0x80, 0xBF }, { 0xF4, 0xF4, 4, 0x80, 0x8F },
};

/* Length of the well-formed sequence at p (at most n bytes), 0 if none. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	const struct utf8_lead *lead = utf8_leads;
	const struct utf8_lead *end = lead + sizeof(utf8_leads) / sizeof(*utf8_leads);

	while (lead < end && (p[0] < lead->first || p[0] > lead->last))
		lead++;
	if (lead == end || lead->length > n)
		return 0;
	if (lead->length > 1 && (p[1] < lead->second_min || p[1] > lead->second_max))
		return 0;
	for (size_t i = 2; i < lead->length; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return lead->length;
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
