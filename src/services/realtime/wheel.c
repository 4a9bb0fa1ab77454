/* wheel.c - the timer wheel (see wheel.h). */
#include "services/realtime/wheel.h"

#include <stddef.h>

void wheel_init(struct wheel *w, int64_t now_ms)
{
	*w = (struct wheel){ .tick = now_ms / WHEEL_TICK_MS };
}

static void unlink_timer(struct wheel *w, struct timer *t)
{
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	t->link = NULL;
	t->next = NULL;
	w->count--;
}

void wheel_cancel(struct wheel *w, struct timer *t)
{
	if (t->link)
		unlink_timer(w, t);
}

void wheel_set(struct wheel *w, struct timer *t, int64_t due_ms)
{
	int64_t tick = due_ms / WHEEL_TICK_MS;

	wheel_cancel(w, t);
	if (tick < w->tick)
		tick = w->tick; /* at the next turn, never in the past */
	struct timer **slot = &w->slots[tick % WHEEL_SLOTS];
	t->due_ms = due_ms;
	t->next = *slot;
	t->link = slot;
	if (t->next)
		t->next->link = &t->next;
	*slot = t;
	w->count++;
}

/* Moves what is due in a slot to a list of its own, so that a timer set by a fire
 * function is not met in the same walk. */
static struct timer *take_due(struct wheel *w, struct timer **slot, int64_t tick)
{
	struct timer *due = NULL;

	for (struct timer *t = *slot, *next; t; t = next) {
		next = t->next;
		if (t->due_ms / WHEEL_TICK_MS > tick)
			continue;
		unlink_timer(w, t);
		t->next = due;
		t->link = &due;
		if (due)
			due->link = &t->next;
		due = t;
		w->count++;
	}
	return due;
}

static void fire_slot(struct wheel *w, struct timer **slot, int64_t tick)
{
	struct timer *due = take_due(w, slot, tick);

	if (due)
		due->link = &due; /* the list lives in this frame now */
	while (due) {
		struct timer *t = due;
		unlink_timer(w, t);
		t->fire(t);
	}
}

void wheel_advance(struct wheel *w, int64_t now_ms)
{
	int64_t last = now_ms / WHEEL_TICK_MS;

	if (last - w->tick >= WHEEL_SLOTS)
		w->tick = last - WHEEL_SLOTS + 1; /* one whole round meets every slot */
	while (w->tick <= last) {
		int64_t tick = w->tick++;
		if (w->slots[tick % WHEEL_SLOTS])
			fire_slot(w, &w->slots[tick % WHEEL_SLOTS], last);
	}
}

int wheel_wait_ms(const struct wheel *w, int64_t now_ms)
{
	if (w->count == 0)
		return -1;
	int64_t i = 0;
	while (i < WHEEL_SLOTS && !w->slots[(w->tick + i) % WHEEL_SLOTS])
		i++;
	int64_t wait = (w->tick + i) * WHEEL_TICK_MS - now_ms;
	return wait > 0 ? (int)wait : 0;
}
