/* reader.c - request line and fields (see reader.h); chunks are in chunks.c.
 *
 * One pass: a line is judged as soon as its LF is there, so that a peer that
 * speaks something else (TLS, HTTP/0.9) hears so at once and not at the
 * deadline. Sources: RFC 9112 sections 2 to 6, RFC 9110 sections 5 and 7.2,
 * and the list of real desync bugs in reference/security-and-reliability.md
 * 1.5; where a MUST allows repair we refuse. */
#include "http/reader.h"

#include "base/parse.h"

#include <stddef.h>

#define HOST_BYTES_MAX 255 /* RFC 1035 2.3.4 */

#define BAD(text)                                                                                  \
	{                                                                                          \
		400, FAULT_MALFORMED, "malformed_request", text                                    \
	}

static const struct refusal bad_line_end = BAD("Lines of the request must end with CR LF.");
static const struct refusal bad_start = BAD("This is not an HTTP request.");
static const struct refusal bad_request_line = BAD("The request line is malformed.");
static const struct refusal bad_target = BAD("The request target is malformed.");
static const struct refusal bad_name = BAD("The name of a field is malformed.");
static const struct refusal bad_value = BAD("The value of a field has forbidden characters.");
static const struct refusal bad_fold = BAD("Folded field lines are not accepted.");
static const struct refusal bad_host = BAD("Exactly one valid Host field is needed.");
static const struct refusal bad_length = BAD("Content-Length is not valid.");
static const struct refusal bad_coding = BAD("Transfer-Encoding is not valid.");
static const struct refusal bad_both =
	BAD("Content-Length and Transfer-Encoding exclude each other.");
static const struct refusal bad_version = { 505, FAULT_MALFORMED, "version_not_supported",
					    "Only HTTP/1.1 and HTTP/1.0 are spoken here." };
static const struct refusal long_line = { 414, FAULT_HEADERS_TOO_LARGE, "request_line_too_long",
					  "The request line is longer than 8 kB." };
static const struct refusal long_head = { 431, FAULT_HEADERS_TOO_LARGE, "head_too_large",
					  "The fields of the request exceed 32 kB." };
static const struct refusal many_fields = { 431, FAULT_HEADERS_TOO_LARGE, "too_many_fields",
					    "The request has more than 100 fields." };

enum { T = 1, V = 2, G = 4, H = 8 }; /* token, value, target, host name */

static const uint8_t class_of[256] = {
	['\t'] = V,
	[' '] = V,
	['!'] = T | V | G,
	['"'] = V | G,
	['#'] = T | V,
	['$' ... '\''] = T | V | G,
	['(' ... ')'] = V | G,
	['*' ... '+'] = T | V | G,
	[','] = V | G,
	['-' ... '.'] = T | V | G | H,
	['/'] = V | G,
	['0' ... '9'] = T | V | G | H,
	[':' ... '@'] = V | G,
	['A' ... 'Z'] = T | V | G | H,
	['[' ... ']'] = V | G,
	['^'] = T | V | G,
	['_'] = T | V | G | H,
	['`'] = T | V | G,
	['a' ... 'z'] = T | V | G | H,
	['{'] = V | G,
	['|'] = T | V | G,
	['}'] = V | G,
	['~'] = T | V | G,
	[0x80 ... 0xff] = V,
};

static bool all_of(struct str s, unsigned class)
{
	unsigned all = class;

	for (size_t i = 0; i < s.n; i++)
		all &= class_of[(uint8_t)s.p[i]];
	return all == class;
}

bool http_is_token(struct str s)
{
	return s.n > 0 && all_of(s, T);
}

bool http_is_value(struct str s)
{
	return all_of(s, V);
}

void head_reset(struct head_reader *r)
{
	memset(r, 0, offsetof(struct head_reader, fields));
}

bool head_keeps_alive(const struct head_reader *r)
{
	return !r->wants_close && (r->minor == 1 || r->wants_keep);
}

static struct span span_of(struct str bytes, struct str part)
{
	return (struct span){ (uint32_t)(part.p - bytes.p), (uint32_t)part.n };
}

static struct str span_in(struct str bytes, struct span part)
{
	return (struct str){ bytes.p + part.at, part.n };
}

static enum http_method method_of(struct str s)
{
	for (enum http_method m = HTTP_GET; m < HTTP_OTHER; m++) {
		if (str_eq(s, str_of(http_method_name(m))))
			return m;
	}
	return HTTP_OTHER;
}

/* Bytes of the name or address in a Host value, 0 if there is none. */
static size_t host_name_bytes(struct str s)
{
	size_t end;

	if (s.n == 0 || s.p[0] != '[') {
		end = str_find(s, ':', 0);
		end = end == SIZE_MAX ? s.n : end;
		return end <= HOST_BYTES_MAX && all_of(str_slice(s, 0, end), H) ? end : 0;
	}
	end = str_find(s, ']', 0);
	if (end == SIZE_MAX || end < 3)
		return 0;
	for (size_t i = 1; i < end; i++) {
		if (parse_hex_digit(s.p[i]) < 0 && s.p[i] != ':' && s.p[i] != '.')
			return 0;
	}
	return end + 1;
}

/* host [":" port]; a name, an IPv4 address or a bracketed IPv6 address. */
static bool host_is_valid(struct str s)
{
	size_t n = host_name_bytes(s);
	int64_t port;

	if (n == 0 || n == s.n || n + 1 == s.n)
		return n > 0 && (n == s.n || s.p[n] == ':');
	struct str digits = str_slice(s, n + 1, s.n);
	return s.p[n] == ':' && digits.n <= 5 && digits.p[0] != '-' &&
	       parse_int(digits, 0, 65535, &port);
}

/* Splits origin-form: path [ "?" query ]. */
static void take_path(struct head_reader *r, struct str bytes, struct str rest)
{
	size_t mark = str_find(rest, '?', 0);

	r->has_query = mark != SIZE_MAX;
	r->path = span_of(bytes, str_slice(rest, 0, r->has_query ? mark : rest.n));
	if (r->has_query)
		r->query = span_of(bytes, str_slice(rest, mark + 1, rest.n));
}

/* absolute-form: scheme "://" authority path; the authority becomes the host. */
static bool take_absolute(struct head_reader *r, struct str bytes, struct str target)
{
	size_t skip =
		str_eq_nocase(str_slice(target, 0, target.n < 7 ? target.n : 7), STR("http://")) ? 7
		: str_eq_nocase(str_slice(target, 0, target.n < 8 ? target.n : 8), STR("https://"))
			? 8
			: 0;
	size_t end = skip;

	if (skip == 0)
		return false;
	while (end < target.n && target.p[end] != '/' && target.p[end] != '?')
		end++;
	struct str host = str_slice(target, skip, end);
	if (!host_is_valid(host))
		return false;
	r->host = span_of(bytes, host);
	take_path(r, bytes, str_slice(target, end, target.n));
	return true;
}

static const struct refusal *take_target(struct head_reader *r, struct str bytes, struct str target)
{
	if (target.n == 0 || !all_of(target, G))
		return &bad_target;
	r->target = span_of(bytes, target);
	if (target.p[0] == '/') {
		take_path(r, bytes, target);
		return NULL;
	}
	if (str_eq(target, STR("*")) && r->method == HTTP_OPTIONS) {
		r->path = r->target;
		return NULL;
	}
	return take_absolute(r, bytes, target) ? NULL : &bad_target;
}

static const struct refusal *take_version(struct head_reader *r, struct str version)
{
	if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.' ||
	    version.p[5] < '0' || version.p[5] > '9' || version.p[7] < '0' || version.p[7] > '9')
		return &bad_request_line;
	if (version.p[5] != '1' || version.p[7] > '1')
		return &bad_version;
	r->minor = version.p[7] - '0';
	return NULL;
}

static const struct refusal *take_request_line(struct head_reader *r, struct str bytes,
					       struct str line)
{
	size_t first = str_find(line, ' ', 0);
	size_t second = first == SIZE_MAX ? SIZE_MAX : str_find(line, ' ', first + 1);

	if (second == SIZE_MAX)
		return &bad_request_line;
	struct str method = str_slice(line, 0, first);
	if (!http_is_token(method) || method.n > HTTP_METHOD_MAX)
		return &bad_request_line;
	const struct refusal *why = take_version(r, str_slice(line, second + 1, line.n));
	if (why)
		return why;
	r->method = method_of(method);
	r->method_text = span_of(bytes, method);
	r->has_line = true;
	return take_target(r, bytes, str_slice(line, first + 1, second));
}

static const struct refusal *take_host(struct head_reader *r, struct str bytes, struct str value)
{
	if (r->has_host || !host_is_valid(value))
		return &bad_host;
	r->has_host = true;
	/* absolute-form rules (RFC 9112 3.2.2); two different names mean a trick */
	if (r->host.n > 0)
		return str_eq_nocase(value, span_in(bytes, r->host)) ? NULL : &bad_host;
	r->host = span_of(bytes, value);
	return NULL;
}

static const struct refusal *take_length(struct head_reader *r, struct str value)
{
	int64_t length;

	if (r->has_length || value.n > 19 || !parse_int(value, 0, INT64_MAX, &length) ||
	    value.p[0] == '-')
		return &bad_length;
	r->has_length = true;
	r->length = (uint64_t)length;
	return NULL;
}

static const struct refusal *take_coding(struct head_reader *r, struct str value)
{
	if (r->is_chunked || r->minor == 0 || !str_eq_nocase(value, STR("chunked")))
		return &bad_coding;
	r->is_chunked = true;
	return NULL;
}

static void take_connection(struct head_reader *r, struct str value)
{
	while (!str_is_null(value)) {
		struct str option = str_trim(str_cut(&value, ','));
		if (str_eq_nocase(option, STR("close")))
			r->wants_close = true;
		else if (str_eq_nocase(option, STR("keep-alive")))
			r->wants_keep = true;
	}
}

/* The few fields that frame the message or belong to the connection. */
static const struct refusal *take_special(struct head_reader *r, struct str bytes, struct str name,
					  struct str value)
{
	switch (name.n) {
	case 4:
		if (str_eq_nocase(name, STR("host")))
			return take_host(r, bytes, value);
		break;
	case 6:
		if (str_eq_nocase(name, STR("expect")))
			r->expects_continue |= str_eq_nocase(value, STR("100-continue"));
		break;
	case 10:
		if (str_eq_nocase(name, STR("connection")))
			take_connection(r, value);
		break;
	case 14:
		if (str_eq_nocase(name, STR("content-length")))
			return take_length(r, value);
		break;
	case 17:
		if (str_eq_nocase(name, STR("transfer-encoding")))
			return take_coding(r, value);
		break;
	default:
		break;
	}
	return NULL;
}

static const struct refusal *take_field(struct head_reader *r, struct str bytes, struct str line)
{
	size_t colon = str_find(line, ':', 0);

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return &bad_fold;
	if (colon == SIZE_MAX || !http_is_token(str_slice(line, 0, colon)))
		return &bad_name;
	if (r->field_count == HTTP_FIELDS_MAX)
		return &many_fields;
	struct str name = str_slice(line, 0, colon);
	struct str value = str_slice(line, colon + 1, line.n);
	if (!all_of(value, V))
		return &bad_value;
	while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
		value = str_slice(value, 1, value.n);
	while (value.n > 0 && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
		value.n--;
	r->fields[r->field_count++] =
		(struct field_span){ span_of(bytes, name), span_of(bytes, value) };
	return take_special(r, bytes, name, value);
}

/* After the empty line: what only the whole head shows. */
static const struct refusal *check_whole(const struct head_reader *r)
{
	if (r->minor == 1 && !r->has_host)
		return &bad_host;
	if (r->has_length && r->is_chunked)
		return &bad_both;
	return NULL;
}

static enum reader_progress head_refuse(struct head_reader *r, const struct refusal *why)
{
	r->why = why;
	return READER_REFUSED;
}

/* What can already be said about a line whose LF has not come. */
static const struct refusal *check_tail(const struct head_reader *r, struct str bytes)
{
	struct str tail = str_slice(bytes, r->line_at, bytes.n);
	size_t cr = str_find(tail, '\r', 0);

	if (cr != SIZE_MAX && cr + 1 < tail.n)
		return &bad_line_end;
	if (!r->has_line && tail.n > HTTP_LINE_MAX + 1)
		return &long_line;
	if (!r->has_line && tail.n > 0 && cr != 0 && !all_of(str_slice(tail, 0, 1), T))
		return &bad_start;
	if (bytes.n - r->start > HTTP_HEAD_MAX)
		return &long_head;
	return NULL;
}

/* One whole line without its CR LF; *ret_end at the empty line after fields. */
static const struct refusal *take_line(struct head_reader *r, struct str bytes, struct str line,
				       bool *ret_end)
{
	if (!r->has_line) {
		if (line.n == 0 && r->start == 0 && r->line_at == 0) {
			r->start = 2; /* RFC 9112 2.2: one empty line before a request */
			return NULL;
		}
		if (line.n == 0)
			return &bad_start;
		return line.n > HTTP_LINE_MAX ? &long_line : take_request_line(r, bytes, line);
	}
	if (line.n == 0) {
		*ret_end = true;
		return check_whole(r);
	}
	return take_field(r, bytes, line);
}

enum reader_progress head_read(struct head_reader *r, struct str bytes)
{
	const struct refusal *why;
	bool end = false;

	while (!end) {
		size_t lf = str_find(bytes, '\n', r->scanned);
		if (lf == SIZE_MAX) {
			why = check_tail(r, bytes);
			r->scanned = bytes.n;
			return why ? head_refuse(r, why) : READER_MORE;
		}
		if (lf == r->line_at || bytes.p[lf - 1] != '\r')
			return head_refuse(r, &bad_line_end);
		if (lf + 1 - r->start > HTTP_HEAD_MAX)
			return head_refuse(r, r->has_line ? &long_head : &long_line);
		why = take_line(r, bytes, str_slice(bytes, r->line_at, lf - 1), &end);
		if (why)
			return head_refuse(r, why);
		r->scanned = r->line_at = lf + 1;
	}
	r->head_bytes = r->line_at;
	return READER_DONE;
}
