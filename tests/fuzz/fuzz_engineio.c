/* fuzz_engineio.c - a polling payload and the Socket.IO packets in it, as an
 * unauthenticated client could post them. */
#include <stdint.h>
#include <talloc.h>

#include "services/realtime/engineio.h"
#include "services/realtime/socketio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *ctx = talloc_new(NULL);
	struct str payload = { (const char *)data, size };
	struct eio_packet packet;

	while (!str_is_null(payload) && eio_payload_next(&payload, &packet)) {
		struct sio_packet p;
		if (packet.type == EIO_MESSAGE && !packet.is_binary &&
		    sio_decode(ctx, packet.data, &p) && p.has_data)
			sio_placeholders_are_valid(&p);
	}
	talloc_free(ctx);
	return 0;
}
