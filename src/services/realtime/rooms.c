/* rooms.c - rooms as dense vectors with back indices (see rooms.h). */
#include "services/realtime/rooms.h"

#include "base/map.h"

#include <assert.h>
#include <pthread.h>
#include <talloc.h>

struct rooms {
	struct map *by_name;
	pthread_mutex_t lock; /* around changes of by_name, and lookups of other threads */
};

struct rooms *rooms_new(const void *ctx)
{
	struct rooms *r = talloc_zero(ctx, struct rooms);

	r->by_name = map_new(r);
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void rooms_free(struct rooms *r)
{
	pthread_mutex_destroy(&r->lock);
	talloc_free(r);
}

const struct room *rooms_find(const struct rooms *r, struct str name)
{
	return map_get(r->by_name, name);
}

bool rooms_has(struct rooms *r, struct str name)
{
	pthread_mutex_lock(&r->lock);
	bool found = map_get(r->by_name, name) != NULL;
	pthread_mutex_unlock(&r->lock);
	return found;
}

size_t rooms_count(struct rooms *r)
{
	pthread_mutex_lock(&r->lock);
	size_t n = map_count(r->by_name);
	pthread_mutex_unlock(&r->lock);
	return n;
}

static uint32_t find_seat(const struct guest *g, struct str name)
{
	uint32_t i = 0;

	while (i < g->seat_count && !str_eq(g->seats[i].room->name, name))
		i++;
	return i;
}

bool rooms_is_in(const struct guest *g, struct str name)
{
	return find_seat(g, name) < g->seat_count;
}

static struct room *open_room(struct rooms *r, struct str name)
{
	struct room *room = map_get(r->by_name, name);

	if (room)
		return room;
	room = talloc_size(r, sizeof(*room) + name.n);
	*room = (struct room){ .name = { (const char *)(room + 1), name.n } };
	memcpy(room + 1, name.p, name.n);
	pthread_mutex_lock(&r->lock);
	map_put(r->by_name, name, room);
	pthread_mutex_unlock(&r->lock);
	return room;
}

static void close_room(struct rooms *r, struct room *room)
{
	pthread_mutex_lock(&r->lock);
	map_remove(r->by_name, room->name);
	pthread_mutex_unlock(&r->lock);
	talloc_free(room);
}

bool rooms_join(struct rooms *r, struct guest *g, struct str name)
{
	if (rooms_is_in(g, name))
		return false;
	struct room *room = open_room(r, name);
	if (room->count == room->room) {
		room->room = room->room ? room->room * 2 : 1;
		room->places = talloc_realloc(room, room->places, struct place, room->room);
	}
	g->seats = talloc_realloc(r, g->seats, struct seat, g->seat_count + 1);
	g->seats[g->seat_count] = (struct seat){ room, room->count };
	room->places[room->count++] = (struct place){ g, g->seat_count++ };
	return true;
}

static void give_up_seat(struct rooms *r, struct guest *g, uint32_t seat)
{
	struct room *room = g->seats[seat].room;
	uint32_t gap = g->seats[seat].index;

	assert(room->places[gap].guest == g);
	struct place last = room->places[--room->count];
	if (gap < room->count) {
		room->places[gap] = last;
		last.guest->seats[last.seat].index = gap;
	}
	struct seat moved = g->seats[--g->seat_count];
	if (seat < g->seat_count) {
		g->seats[seat] = moved;
		moved.room->places[moved.index].seat = seat;
	}
	if (room->count == 0)
		close_room(r, room);
	if (g->seat_count == 0)
		TALLOC_FREE(g->seats);
}

bool rooms_leave(struct rooms *r, struct guest *g, struct str name)
{
	uint32_t seat = find_seat(g, name);

	if (seat == g->seat_count)
		return false;
	give_up_seat(r, g, seat);
	return true;
}

void rooms_leave_all(struct rooms *r, struct guest *g)
{
	while (g->seat_count > 0)
		give_up_seat(r, g, g->seat_count - 1);
}
