/* parse.c - whole-text parsing of numbers and escapes; the contract is parse.h. */
#include "base/parse.h"

#include <math.h>
#include <stdlib.h>
#include <talloc.h>

bool parse_int(struct str text, int64_t min, int64_t max, int64_t *ret_value)
{
	size_t i = text.n > 0 && text.p[0] == '-';
	bool negative = i == 1;
	int64_t value = 0; /* kept negative: the range is larger there */

	if (i == text.n)
		return false;
	for (; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, text.p[i] - '0', &value))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return false;
	if (value < min || value > max)
		return false;
	*ret_value = value;
	return true;
}

bool parse_double(struct str text, double *ret_value)
{
	char copy[64];
	char *end;

	if (text.n == 0 || text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	double value = strtod(copy, &end);
	if (end != copy + text.n || !isfinite(value))
		return false;
	*ret_value = value;
	return true;
}

int parse_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool parse_percent(const void *ctx, struct str text, bool plus_is_space, struct str *ret_text)
{
	char *out = talloc_size(ctx, text.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < text.n ? parse_hex_digit(text.p[i + 1]) : -1;
			int low = i + 2 < text.n ? parse_hex_digit(text.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0')
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	*ret_text = (struct str){ out, n };
	return true;
}
