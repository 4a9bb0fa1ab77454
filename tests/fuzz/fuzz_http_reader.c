/* fuzz_http_reader.c - the HTTP reader on arbitrary bytes, read once in one
 * piece and once in small pieces: both must come to the same judgement, and
 * what is accepted must keep the promises that the engine builds on. The
 * first byte of the input chooses the size of the pieces. */
#include "http/reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool promise)
{
	if (!promise)
		abort();
}

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((uint8_t)s.p[i] < ' ' && s.p[i] != '\t')
			return true;
	}
	return false;
}

static enum reader_progress read_head(struct head_reader *r, struct str bytes, size_t piece)
{
	enum reader_progress progress = READER_MORE;

	head_reset(r);
	for (size_t n = piece < bytes.n ? piece : bytes.n; progress == READER_MORE;
	     n = n + piece < bytes.n ? n + piece : bytes.n) {
		/* an exact copy: a read past the end is seen */
		char *copy = talloc_memdup(NULL, bytes.p, n);
		progress = head_read(r, (struct str){ copy, n });
		talloc_free(copy);
		if (n == bytes.n)
			break;
	}
	return progress;
}

static void check_head(const struct head_reader *r, struct str bytes)
{
	size_t n = r->head_bytes;

	must(n >= 4 && n <= bytes.n && n <= HTTP_HEAD_MAX + 2);
	must(memcmp(bytes.p + n - 4, "\r\n\r\n", 4) == 0);
	must(r->field_count <= HTTP_FIELDS_MAX);
	must(!(r->has_length && r->is_chunked));
	must(r->length <= INT64_MAX);
	must(r->minor == 1 ? r->has_host : !r->is_chunked);
	must(!r->has_host || r->host.n > 0);
	for (uint32_t i = 0; i < r->field_count; i++) {
		struct span name = r->fields[i].name, value = r->fields[i].value;
		must(name.at + name.n < n && value.at + value.n < n);
		must(http_is_token((struct str){ bytes.p + name.at, name.n }));
		must(!has_control((struct str){ bytes.p + value.at, value.n }));
	}
	must(r->target.n > 0 && r->target.n <= HTTP_LINE_MAX);
	for (uint32_t i = 0; i < r->target.n; i++)
		must(bytes.p[r->target.at + i] > ' ' && bytes.p[r->target.at + i] < 0x7f);
}

static enum reader_progress read_chunks(struct str bytes, size_t piece, struct buf *body,
					size_t *ret_used)
{
	struct chunk_reader r;
	enum reader_progress progress = READER_MORE;
	size_t at = 0;

	chunk_reset(&r);
	while (progress == READER_MORE && at < bytes.n) {
		size_t end = at + piece < bytes.n ? at + piece : bytes.n, used;
		struct str data;
		progress = chunk_read(&r, str_slice(bytes, at, end), &used, &data);
		must(used > 0 && used <= end - at && data.n <= used);
		buf_str(body, data);
		at += used;
	}
	*ret_used = at;
	return progress;
}

static void fuzz_chunks(struct str bytes, size_t piece)
{
	void *ctx = talloc_new(NULL);
	struct buf whole, pieces;
	size_t whole_used, pieces_used;

	buf_init(&whole, ctx, bytes.n);
	buf_init(&pieces, ctx, bytes.n);
	enum reader_progress at_once =
		read_chunks(bytes, bytes.n ? bytes.n : 1, &whole, &whole_used);
	must(read_chunks(bytes, piece, &pieces, &pieces_used) == at_once);
	must(str_eq(buf_view(&whole), buf_view(&pieces)) && !whole.overflowed);
	must(at_once != READER_DONE || whole_used == pieces_used);
	talloc_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct head_reader whole, pieces;

	if (size < 2)
		return 0;
	size_t piece = data[0] % 32U + 1;
	struct str bytes = { (const char *)data + 1, size - 1 };
	enum reader_progress at_once = read_head(&whole, bytes, bytes.n);

	must(read_head(&pieces, bytes, piece) == at_once);
	if (at_once == READER_DONE) {
		check_head(&whole, bytes);
		must(whole.head_bytes == pieces.head_bytes);
		must(whole.field_count == pieces.field_count);
		fuzz_chunks(str_slice(bytes, whole.head_bytes, bytes.n), piece);
	}
	fuzz_chunks(bytes, piece);
	return 0;
}
