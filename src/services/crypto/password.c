/* password.c - the rules for new passwords (see password.h).
 *
 * The list of common passwords is kept as base words; a candidate is undressed
 * the way people dress them up: case, digits and signs around it, letter-like
 * digits inside, the same word twice. Existing passwords are never checked. */
#include "services/crypto/password.h"

#include "services/crypto/password_internal.h"

#include <locale.h>
#include <stdlib.h>
#include <talloc.h>
#include <wctype.h>

#define PASSWORD_MIN 12
#define PASSWORD_MAX 256
#define PASSWORD_DISTINCT_MIN 6

struct makeup {
	bool upper, lower, digit, sign;
	size_t points;
	size_t distinct;
};

/* One code point of well-formed UTF-8. */
static wint_t next_point(struct str *s)
{
	unsigned char c = (unsigned char)s->p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	wint_t point = n == 1 ? c : c & (0xffU >> (n + 1));

	for (size_t i = 1; i < n && i < s->n; i++)
		point = point << 6 | ((unsigned char)s->p[i] & 0x3fU);
	*s = str_slice(*s, n > s->n ? s->n : n, s->n);
	return point;
}

static struct makeup password_makeup(struct str password)
{
	locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t l = unicode ? unicode : newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
	wint_t seen[PASSWORD_DISTINCT_MIN];
	struct makeup m = { 0 };

	while (password.n && m.points <= PASSWORD_MAX) {
		wint_t c = next_point(&password);
		size_t i = 0;

		m.points++;
		m.upper |= iswupper_l(c, l) != 0;
		m.lower |= iswlower_l(c, l) != 0;
		m.digit |= c >= '0' && c <= '9';
		m.sign |= !iswalnum_l(c, l);
		while (i < m.distinct && seen[i] != c)
			i++;
		if (i == m.distinct && m.distinct < PASSWORD_DISTINCT_MIN)
			seen[m.distinct++] = c;
	}
	freelocale(l);
	return m;
}

static char letter_of(char c)
{
	static const char dressed[] = "@4831!0$57", plain[] = "aabeiiosst";
	const char *at = c ? strchr(dressed, c) : NULL;

	return at ? plain[at - dressed] : c;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

/* Letters only, in lower case; with undress, letter-like signs inside count as
 * the letters they stand for. */
static struct str base_form(const void *ctx, struct str text, bool undress)
{
	struct str low = str_lower(ctx, text);
	char *out = talloc_size(ctx, low.n + 1);
	size_t from = 0, to = low.n, n = 0;

	while (from < to && !is_letter(low.p[from]))
		from++;
	while (to > from && !is_letter(low.p[to - 1]))
		to--;
	for (size_t i = from; i < to; i++) {
		char c = undress ? letter_of(low.p[i]) : low.p[i];

		if (is_letter(c))
			out[n++] = c;
	}
	out[n] = 0;
	return (struct str){ out, n };
}

/* "catcatcat" is "cat". */
static struct str unrepeated(struct str s)
{
	for (size_t n = 1; n <= s.n / 2; n++)
		if (s.n % n == 0 && memcmp(s.p, s.p + n, s.n - n) == 0)
			return str_slice(s, 0, n);
	return s;
}

/* Neighbours in the alphabet or on the number row, either way. */
static bool is_run(struct str s)
{
	size_t steps = 0;

	for (size_t i = 1; i < s.n; i++)
		steps += s.p[i] - s.p[i - 1] == 1 || s.p[i - 1] - s.p[i] == 1;
	return s.n >= 4 && steps == s.n - 1;
}

static int compare_word(const void *key, const void *element)
{
	const struct str *word = key;
	const char *listed = *(const char *const *)element;
	int order = strncmp(word->p, listed, word->n);

	return order ? order : listed[word->n] ? -1 : 0;
}

static bool is_listed(struct str word)
{
	return word.n > 0 && bsearch(&word, frequent_words, frequent_word_count,
				     sizeof(frequent_words[0]), compare_word) != NULL;
}

static bool is_of_context(const void *ctx, struct str word, const struct str *context, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str known = context[i];

		if (str_is_null(known))
			continue;
		known = base_form(ctx, known, false);
		if (known.n >= 3 && str_eq(word, known))
			return true;
	}
	return false;
}

static bool is_common(const void *ctx, struct str password, const struct str *context, size_t n)
{
	for (int undress = 0; undress <= 1; undress++) {
		struct str word = unrepeated(base_form(ctx, password, undress));

		if (word.n < 3 || is_listed(word) || is_run(word) ||
		    is_of_context(ctx, word, context, n))
			return true;
	}
	return false;
}

struct fault *password_check(const void *ctx, const char *field, struct str password,
			     const struct str *context, size_t context_n)
{
	struct makeup m = password_makeup(password);
	struct fault *f =
		FAULT(ctx, FAULT_INVALID, "weak_password", "The password does not meet the rules.");
	void *tmp = talloc_new(ctx);

	if (m.points < PASSWORD_MIN)
		fault_field(f, field, "too_short", "Use at least %d characters.", PASSWORD_MIN);
	if (m.points > PASSWORD_MAX)
		fault_field(f, field, "too_long", "Use at most %d characters.", PASSWORD_MAX);
	if (!m.upper)
		fault_field(f, field, "needs_upper_case", "Add an upper-case letter.");
	if (!m.lower)
		fault_field(f, field, "needs_lower_case", "Add a lower-case letter.");
	if (!m.digit)
		fault_field(f, field, "needs_digit", "Add a digit.");
	if (!m.sign)
		fault_field(f, field, "needs_sign", "Add a sign, for example - or !.");
	if (!f->fields &&
	    (m.distinct < PASSWORD_DISTINCT_MIN || is_common(tmp, password, context, context_n)))
		fault_field(f, field, "too_common",
			    "This is among the passwords that are tried first. Choose another.");
	talloc_free(tmp);
	return f->fields ? f : NULL;
}
