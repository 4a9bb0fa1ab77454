/* fuzz_websocket.c - frames from a client, whole and cut: the first byte says how
 * long the reads are. Both ways must end the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <talloc.h>

#include "services/realtime/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
	size_t messages, bytes;
	uint16_t code;
	bool is_broken;
};

static struct tally read_all(const void *ctx, const uint8_t *data, size_t size, size_t step)
{
	struct ws_reader r;
	struct tally t = { 0 };
	char *copy = talloc_memdup(ctx, data, size + !size);

	ws_reader_init(&r, ctx, 65536);
	for (size_t at = 0; at < size;) { /* on past the break, as a socket does */
		size_t part = size - at < step ? size - at : step, used = 0;
		struct ws_message m = { 0 };
		enum ws_outcome what = ws_read(&r, copy + at, part, &used, &m);
		assert(used <= part && (used > 0 || what != WS_MORE));
		at += used;
		assert(!t.is_broken || (what == WS_MORE && used == part));
		t.is_broken = t.is_broken || what == WS_BROKEN;
		t.code = what == WS_MORE ? t.code : m.close_code;
		t.messages += what == WS_MESSAGE;
		t.bytes += what == WS_MESSAGE ? m.data.n : 0;
	}
	ws_reader_clear(&r);
	talloc_free(copy);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *ctx = talloc_new(NULL);

	if (size > 1) {
		struct tally whole = read_all(ctx, data + 1, size - 1, size);
		struct tally cut = read_all(ctx, data + 1, size - 1, (size_t)data[0] % 16 + 1);
		assert(memcmp(&whole.messages, &cut.messages, sizeof(size_t) * 2) == 0);
		assert(whole.is_broken == cut.is_broken && whole.code == cut.code);
	}
	talloc_free(ctx);
	return 0;
}
