/* wheel.h - many timers, cheap to set and to cancel.
 *
 * One ring of slots, 32 ms each; a timer further away than the ring is long
 * stays in its slot until its round comes. A timer fires in the slot its time
 * falls into, so up to 32 ms early and never late by design: a client that
 * polls exactly at its deadline must find it passed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_SLOTS 1024
#define WHEEL_TICK_MS 32

struct timer {
	struct timer *next;
	struct timer **link; /* what points to us; NULL when not set */
	int64_t due_ms;
	void (*fire)(struct timer *t);
};

struct wheel {
	struct timer *slots[WHEEL_SLOTS];
	int64_t tick; /* all earlier ones have fired */
	int64_t count;
};

void wheel_init(struct wheel *w, int64_t now_ms);
/* Sets or moves t; fire is called once, from wheel_advance. */
void wheel_set(struct wheel *w, struct timer *t, int64_t due_ms);
void wheel_cancel(struct wheel *w, struct timer *t);
void wheel_advance(struct wheel *w, int64_t now_ms);
/* How long to sleep: -1 for ever, else milliseconds until something may be due. */
int wheel_wait_ms(const struct wheel *w, int64_t now_ms);
