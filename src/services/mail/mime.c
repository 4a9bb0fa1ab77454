/* mime.c - a letter as it travels: RFC 5322 headers, multipart/alternative
 * (RFC 2046), bodies in quoted-printable (RFC 2045), words beyond ASCII in
 * headers by RFC 2047.
 *
 * Nothing that came from outside reaches a header unchecked: addresses are
 * plain (mail_address_is_plain), subjects and names are stripped of controls
 * and folded here, so a CR or LF cannot start a header of its own. */
#include "services/mail/mail_internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define LETTER_MAX_BYTES (4 * 1024 * 1024)
#define LINE_MOST 76  /* RFC 2045 section 6.7 (5) */
#define WORD_BYTES 42 /* of UTF-8 in an encoded word: 56 in base64, 68 with its frame (of 75) */
#define ADDRESS_MOST 254

bool mail_address_is_plain(struct str address)
{
	const size_t at = str_find(address, '@', 0);

	if (address.n < 3 || address.n > ADDRESS_MOST || at == SIZE_MAX || at == 0 ||
	    at + 1 == address.n || str_find(address, '@', at + 1) != SIZE_MAX)
		return false;
	for (size_t i = 0; i < address.n; i++) {
		const char c = address.p[i];
		if (c <= ' ' || c >= 127 || strchr("<>()[]\\,;:\"", c))
			return false;
	}
	return true;
}

struct str mail_address_of(struct str from)
{
	const size_t open = str_find(from, '<', 0);
	const size_t close = open == SIZE_MAX ? open : str_find(from, '>', open);

	return close == SIZE_MAX ? str_trim(from) : str_slice(from, open + 1, close);
}

/* ---- headers ---- */

static void put_base64(struct buf *out, struct str s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < s.n; i += 3) {
		const unsigned a = (unsigned char)s.p[i];
		const unsigned b = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
		const unsigned c = i + 2 < s.n ? (unsigned char)s.p[i + 2] : 0;

		buf_char(out, digits[a >> 2]);
		buf_char(out, digits[(a & 3) << 4 | b >> 4]);
		buf_char(out, i + 1 < s.n ? digits[(b & 15) << 2 | c >> 6] : '=');
		buf_char(out, i + 2 < s.n ? digits[c & 63] : '=');
	}
}

static struct str one_line(const void *ctx, struct str s)
{
	char *copy = str_dup(ctx, s);

	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)copy[i] < ' ' || copy[i] == 127)
			copy[i] = ' ';
	return str_trim((struct str){ copy, s.n });
}

static bool is_simple(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 127)
			return false;
	/* short enough not to be folded, and no mistaken encoded word */
	return s.n <= 60 && str_find(s, '?', 0) == SIZE_MAX;
}

/* Text of a header: as it is, or as encoded words, one a line. */
static void put_words(struct buf *out, struct str s)
{
	if (is_simple(s)) {
		buf_str(out, s);
		return;
	}
	for (size_t at = 0; at < s.n;) {
		size_t end = s.n - at > WORD_BYTES ? at + WORD_BYTES : s.n;

		while (end < s.n && end > at + 1 && ((unsigned char)s.p[end] & 0xc0) == 0x80)
			end--; /* never inside a character */
		buf_text(out, at ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
		put_base64(out, str_slice(s, at, end));
		buf_text(out, "?=");
		at = end;
	}
}

static void put_from(struct buf *out, const void *ctx, struct str from)
{
	const struct str address = mail_address_of(from);
	const size_t open = str_find(from, '<', 0);
	struct str name = { 0 };

	if (open != SIZE_MAX)
		name = one_line(ctx, str_slice(from, 0, open));
	if (name.n > 1 && name.p[0] == '"' && name.p[name.n - 1] == '"')
		name = str_slice(name, 1, name.n - 1);
	if (name.n > 0) {
		/* specials of RFC 5322 need quotes; an encoded word must not have them */
		const bool quote = is_simple(name);
		buf_text(out, quote ? "\"" : "");
		for (size_t i = 0; quote && i < name.n; i++) {
			if (name.p[i] == '"' || name.p[i] == '\\')
				buf_char(out, '\\');
			buf_char(out, name.p[i]);
		}
		if (!quote)
			put_words(out, name);
		buf_text(out, quote ? "\" " : "\r\n ");
	}
	buf_printf(out, "<%.*s>", STR_ARG(address));
}

/* "Sat, 21 Nov 2026 05:05:43 +0000" */
static void put_date(struct buf *out, int64_t at_us)
{
	static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began on a Thursday */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[CLOCK_TEXT_SIZE];
	const int64_t day = at_us / 86400000000;

	clock_format(at_us, text);
	buf_printf(out, "%.3s, %.2s %.3s %.4s %.8s +0000", days + day % 7 * 3, text + 8,
		   months + ((text[5] - '0') * 10 + text[6] - '1') * 3, text, text + 11);
}

/* ---- bodies ---- */

static size_t put_qp_char(struct buf *out, char c, bool is_last_of_line)
{
	const unsigned char u = (unsigned char)c;
	const bool is_blank = c == ' ' || c == '\t';

	if ((u > ' ' && u < 127 && c != '=') || (is_blank && !is_last_of_line)) {
		buf_char(out, c);
		return 1;
	}
	buf_printf(out, "=%02X", u);
	return 3;
}

static void put_quoted_printable(struct buf *out, struct str s)
{
	size_t column = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
			continue;
		if (s.p[i] == '\n') {
			buf_text(out, "\r\n");
			column = 0;
			continue;
		}
		if (column >= LINE_MOST - 3) {
			buf_text(out, "=\r\n");
			column = 0;
		}
		const bool is_last = i + 1 == s.n || s.p[i + 1] == '\n' || s.p[i + 1] == '\r';
		/* a line that begins with a dot or "From " is mangled on some ways */
		if (column == 0 && (s.p[i] == '.' || s.p[i] == 'F')) {
			buf_printf(out, "=%02X", (unsigned char)s.p[i]);
			column = 3;
		} else {
			column += put_qp_char(out, s.p[i], is_last);
		}
	}
	buf_text(out, "\r\n");
}

static void put_part(struct buf *out, const char *type, const char *boundary, struct str body)
{
	buf_printf(out,
		   "--=_%s\r\nContent-Type: text/%s; charset=utf-8\r\n"
		   "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		   boundary, type);
	put_quoted_printable(out, body);
}

struct fault *mail_mime(const void *ctx, const struct mail_letter *letter, struct str *ret_bytes)
{
	const struct str address = mail_address_of(letter->from);
	char id[UUID_TEXT_SIZE];
	struct buf out;

	if (!mail_address_is_plain(letter->to) || !mail_address_is_plain(address))
		return FAULT_BUG(ctx, "a mail from or to something that is no address");
	const struct str host = str_slice(address, str_find(address, '@', 0) + 1, address.n);
	uuid_format(letter->id, id);
	buf_init(&out, ctx, LETTER_MAX_BYTES);
	buf_text(&out, "From: ");
	put_from(&out, ctx, letter->from);
	buf_printf(&out, "\r\nTo: <%.*s>\r\nSubject: ", STR_ARG(letter->to));
	put_words(&out, one_line(ctx, letter->words.subject));
	buf_text(&out, "\r\nDate: ");
	put_date(&out, letter->at_us);
	buf_printf(&out,
		   "\r\nMessage-ID: <%s@%.*s>\r\nMIME-Version: 1.0\r\n"
		   "Auto-Submitted: auto-generated\r\n"
		   "Content-Type: multipart/alternative;\r\n boundary=\"=_%s\"\r\n\r\n",
		   id, STR_ARG(host), id);
	put_part(&out, "plain", id, letter->words.text);
	put_part(&out, "html", id, letter->words.html);
	buf_printf(&out, "--=_%s--\r\n", id);
	if (out.overflowed)
		return FAULT_BUG(ctx, "a mail of more than %d bytes", LETTER_MAX_BYTES);
	*ret_bytes = buf_view(&out);
	return NULL;
}
