/* events_internal.h - what the files of services/events share. */
#pragma once

#include "services/events/events.h"

#include "services/events/events_gen.h"

#define EVENTS_BATCH 1000  /* rows a follower reads, and delivers, at once */
#define EVENTS_SEALED 5000 /* rows a sealing moves at most (and as many late ones) */
