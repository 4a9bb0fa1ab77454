/* str.h - a counted, read-only piece of text.
 *
 * The one string type that crosses function borders when the text may come
 * from outside: it never relies on a terminator and never owns its bytes.
 * Whoever hands out a str says how long the bytes live. p == NULL means
 * "absent" (SQL null, a missing field), which differs from empty. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A str over a string literal. */
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* For printf("%.*s", STR_ARG(s)); callers keep n below INT_MAX. */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *text)
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_is_null(struct str s)
{
	return s.p == NULL;
}

static inline struct str str_slice(struct str s, size_t from, size_t to)
{
	return (struct str){ s.p + from, to - from };
}

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first c at or after from, or SIZE_MAX. */
size_t str_find(struct str s, char c, size_t from);
/* Without leading and trailing spaces, tabs, CR and LF. */
struct str str_trim(struct str s);
/* Cuts s at the first c: returns what stands before it, *s becomes the rest
 * (absent when there was no c). */
struct str str_cut(struct str *s, char c);
/* NUL-terminated copy owned by ctx; an absent str becomes NULL. */
char *str_dup(const void *ctx, struct str s);
/* A copy owned by ctx, as a str; absent stays absent. */
struct str str_copy(const void *ctx, struct str s);
/* ASCII lower-case copy owned by ctx. */
struct str str_lower(const void *ctx, struct str s);
/* Is s well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms)? */
bool str_is_utf8(struct str s);
/* Unicode code points in well-formed UTF-8 text. */
size_t str_code_points(struct str s);
