/* test_realtime_rooms.c - rooms, outboxes and the timer wheel, against simple models. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>

#include "services/realtime/packet.h"
#include "services/realtime/rooms.h"
#include "services/realtime/wheel.h"

#define GUESTS 40
#define ROOMS 12

static struct str room_name(char text[16], int i)
{
	return (struct str){ text, (size_t)snprintf(text, 16, "project:%d", i) };
}

/* Every seat points to a place that points back. */
static void check_seats(struct guest *guests, const struct rooms *r, bool in[GUESTS][ROOMS])
{
	for (int room = 0; room < ROOMS; room++) {
		char text[16];
		uint32_t expected = 0;
		const struct room *found = rooms_find(r, room_name(text, room));
		for (int g = 0; g < GUESTS; g++) {
			expected += in[g][room];
			assert_int_equal(rooms_is_in(&guests[g], room_name(text, room)),
					 in[g][room]);
		}
		assert_int_equal(found ? found->count : 0, expected);
		for (uint32_t i = 0; found && i < found->count; i++) {
			struct place p = found->places[i];
			assert_ptr_equal(p.guest->seats[p.seat].room, found);
			assert_int_equal(p.guest->seats[p.seat].index, i);
		}
	}
}

static void rooms_agree_with_a_matrix(void **state)
{
	struct rooms *r = rooms_new(*state);
	struct guest guests[GUESTS] = { 0 };
	bool in[GUESTS][ROOMS] = { 0 };
	char text[16];

	srand(1);
	for (int round = 0; round < 20000; round++) {
		int g = rand() % GUESTS, room = rand() % ROOMS;
		struct str name = room_name(text, room);
		if (rand() % 200 == 0) {
			rooms_leave_all(r, &guests[g]);
			memset(in[g], 0, sizeof(in[g]));
		} else if (rand() % 2) {
			assert_int_equal(rooms_join(r, &guests[g], name), !in[g][room]);
			in[g][room] = true;
		} else {
			assert_int_equal(rooms_leave(r, &guests[g], name), in[g][room]);
			in[g][room] = false;
		}
		if (round % 100 == 0)
			check_seats(guests, r, in);
	}
	for (int g = 0; g < GUESTS; g++)
		rooms_leave_all(r, &guests[g]);
	assert_int_equal(rooms_count(r), 0);
	assert_false(rooms_has(r, STR("project:1")));
	rooms_free(r);
}

static void outbox_keeps_order_and_references(void **state)
{
	struct outbox o = { 0 };
	unsigned next_in = 0, next_out = 0;
	size_t before = talloc_total_blocks(*state);

	srand(2);
	for (int i = 0; i < 20000; i++) {
		if (rand() % 100 < (i / 500 % 2 ? 60 : 40)) {
			struct packet *p =
				packet_frame(*state, WS_TEXT, (struct str){ (char *)&next_in, 4 });
			next_in++;
			outbox_push(&o, *state, p);
			packet_drop(p);
		} else if (o.count > 0) {
			assert_memory_equal(packet_payload(outbox_at(&o, 0)).p, &next_out, 4);
			next_out++;
			outbox_pop(&o);
		}
		assert_int_equal(o.count, next_in - next_out);
		assert_int_equal(o.bytes, (next_in - next_out) * 6);
	}
	outbox_clear(&o);
	assert_int_equal(talloc_total_blocks(*state), before);
}

struct alarm {
	struct timer timer;
	int64_t fired_at;
};

static int64_t model_now;

static void note(struct timer *t)
{
	((struct alarm *)t)->fired_at = model_now;
}

static void timers_fire_in_their_slot(void **state)
{
	static struct wheel w;
	static struct alarm alarms[500];

	(void)state;
	model_now = 1000003;
	wheel_init(&w, model_now);
	srand(3);
	for (int i = 0; i < 500; i++) {
		alarms[i] = (struct alarm){ .timer.fire = note, .fired_at = -1 };
		wheel_set(&w, &alarms[i].timer, model_now + rand() % 120000);
	}
	for (int i = 0; i < 500; i += 10)
		wheel_cancel(&w, &alarms[i].timer);
	while (w.count > 0) {
		int wait = wheel_wait_ms(&w, model_now);
		assert_true(wait >= 0);
		model_now += wait ? wait : 1;
		wheel_advance(&w, model_now);
	}
	for (int i = 0; i < 500; i++) {
		int64_t late = alarms[i].fired_at - alarms[i].timer.due_ms;
		if (i % 10 == 0)
			assert_int_equal(alarms[i].fired_at, -1);
		else
			assert_true(late <= WHEEL_TICK_MS && late >= -WHEEL_TICK_MS);
	}
	assert_int_equal(wheel_wait_ms(&w, model_now), -1);
}

static struct wheel *ring;
static int rings;

static void again(struct timer *t)
{
	if (++rings < 5)
		wheel_set(ring, t, t->due_ms); /* at once: must not loop in one turn */
}

static void a_timer_may_set_itself_again(void **state)
{
	static struct wheel w;
	struct timer t = { .fire = again };

	(void)state;
	ring = &w;
	wheel_init(&w, 0);
	wheel_set(&w, &t, 10);
	for (int64_t now = 0; now < 500; now += 10)
		wheel_advance(&w, now);
	assert_int_equal(rings, 5);
	wheel_set(&w, &t, 100000000); /* a jump of the clock over many rounds */
	rings = 4;
	wheel_advance(&w, 200000000);
	assert_int_equal(rings, 5);
}

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	return talloc_free(*state);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(rooms_agree_with_a_matrix),
		CASE(outbox_keeps_order_and_references),
		CASE(timers_fire_in_their_slot),
		CASE(a_timer_may_set_itself_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
