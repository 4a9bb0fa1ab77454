/* reader.h - the strict reader of HTTP/1.1 requests (RFC 9112), bytes in,
 * judgement out.
 *
 * Pure functions over bytes: no socket, no allocation, no clock, so that the
 * fuzzer and the tests see exactly what the network sees. The head reader
 * takes line by line and keeps offsets into the caller's buffer; the chunk
 * reader is a byte machine. Whatever two programs could read differently
 * (framing, line ends, white space, lengths) is refused, never repaired. */
#pragma once

#include "base/fault.h"
#include "http/http.h"

#include <stdint.h>

#define HTTP_LINE_MAX 8192  /* request line, without CR LF */
#define HTTP_FIELDS_MAX 100 /* field lines */
#define HTTP_HEAD_MAX 32768 /* the whole head */
#define HTTP_METHOD_MAX 32
#define HTTP_EXTENSION_MAX 16 /* chunk extension, with its semicolon */
#define HTTP_TRAILER_MAX 4096 /* trailer section, read and dropped */

/* Why the engine refuses; constants, compared by address. */
struct refusal {
	int status;
	enum fault_kind kind;
	const char *code; /* stable */
	const char *text; /* public */
};

enum reader_progress { READER_MORE, READER_DONE, READER_REFUSED };

/* A piece of the buffer the head is read from. */
struct span {
	uint32_t at;
	uint32_t n;
};

struct field_span {
	struct span name;
	struct span value;
};

struct head_reader {
	const struct refusal *why; /* set when READER_REFUSED */
	size_t line_at;		   /* first byte of the first line not yet read */
	size_t scanned;		   /* no LF before this byte */
	size_t start;		   /* 2 after a leading empty line, else 0 */
	enum http_method method;
	int minor; /* HTTP/1.x */
	struct span method_text, target, path, query, host;
	bool has_line; /* the request line is read */
	bool has_query;
	bool has_host;
	bool has_length;
	bool is_chunked;
	bool wants_close;
	bool wants_keep;
	bool expects_continue;
	uint64_t length;   /* Content-Length */
	size_t head_bytes; /* when READER_DONE: the body starts here */
	uint32_t field_count;
	struct field_span fields[HTTP_FIELDS_MAX]; /* last: not cleared by reset */
};

void head_reset(struct head_reader *r);
/* bytes: everything since the first byte of the request, the same and more on
 * every call; may move between calls. */
enum reader_progress head_read(struct head_reader *r, struct str bytes);
/* Does the connection stay open after this request, as far as the peer says? */
bool head_keeps_alive(const struct head_reader *r);

struct chunk_reader {
	const struct refusal *why;
	uint64_t left; /* bytes of the current chunk still to come */
	uint32_t seen; /* digits, extension bytes or trailer bytes so far */
	uint8_t state;
};

void chunk_reset(struct chunk_reader *r);
/* Takes the next bytes. *ret_used is how many were taken, *ret_data the piece
 * of body among them (may be empty). READER_MORE: call again with the rest;
 * READER_DONE: the body is complete, bytes after *ret_used are the next
 * request. */
enum reader_progress chunk_read(struct chunk_reader *r, struct str bytes, size_t *ret_used,
				struct str *ret_data);

/* A field name (RFC 9110 token) / a field value without CR, LF, NUL and other
 * controls: the rule for what we write, too. */
bool http_is_token(struct str s);
bool http_is_value(struct str s);
