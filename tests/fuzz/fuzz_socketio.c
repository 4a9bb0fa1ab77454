/* fuzz_socketio.c - one Socket.IO packet; what decodes must hold what its type
 * promises. */
#include <assert.h>
#include <stdint.h>
#include <talloc.h>

#include "services/realtime/socketio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *ctx = talloc_new(NULL);
	struct sio_packet p;

	if (sio_decode(ctx, (struct str){ (const char *)data, size }, &p)) {
		bool is_event = p.type == SIO_EVENT || p.type == SIO_BINARY_EVENT;
		assert(!is_event || (p.has_data && p.event.p));
		assert(p.attachments >= 0 && p.attachments <= SIO_ATTACHMENTS_MAX);
		assert(p.name_space.n > 0 && p.name_space.p[0] == '/');
		if (p.has_data)
			sio_placeholders_are_valid(&p);
	}
	talloc_free(ctx);
	return 0;
}
