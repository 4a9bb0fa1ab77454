/* rooms.h - who is in which room.
 *
 * A room is a dense vector of its guests, found by name; a guest knows its seat
 * in each of its rooms, so leaving is O(1): the last one moves into the gap. A
 * room exists while somebody is in it. One thread changes rooms; any thread
 * may ask whether one exists. */
#pragma once

#include "base/str.h"

#include <stdint.h>

struct rooms;
struct room;

struct seat {
	struct room *room;
	uint32_t index; /* in the room's vector */
};

/* Embedded in whoever can be in rooms; zeroed is nobody's guest. */
struct guest {
	struct seat *seats;
	uint32_t seat_count;
};

struct place {
	struct guest *guest;
	uint32_t seat; /* index into the guest's seats */
};

struct room {
	struct str name;
	struct place *places;
	uint32_t count, room;
};

struct rooms *rooms_new(const void *ctx);
void rooms_free(struct rooms *r);
/* False if it is in already. */
bool rooms_join(struct rooms *r, struct guest *g, struct str name);
/* False if it was not in. */
bool rooms_leave(struct rooms *r, struct guest *g, struct str name);
void rooms_leave_all(struct rooms *r, struct guest *g);
bool rooms_is_in(const struct guest *g, struct str name);
/* The room or NULL; loop thread. */
const struct room *rooms_find(const struct rooms *r, struct str name);
bool rooms_has(struct rooms *r, struct str name); /* any thread */
size_t rooms_count(struct rooms *r);
