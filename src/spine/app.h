/* app.h - what is shared by everything in one server process.
 *
 * Made once by src/app, passed along, never global. Services are opaque here;
 * a folder that needs one includes its header. */
#pragma once

#include "base/fault.h"
#include "spine/config.h"
#include "spine/ports.h"

struct db;
struct events;	 /* services/events: log follower */
struct jobs;	 /* services/jobs */
struct realtime; /* services/realtime */
struct limits;	 /* services/limits */
struct hasher;	 /* services/crypto: bounded argon2id pool */
struct keys;	 /* services/crypto: server secrets */
struct ingest;	 /* modules/analytics */
struct http_server;
struct registry;     /* spine/module.h */
struct access_cache; /* spine/access.c */

struct app {
	const struct config *config;
	struct registry *registry;
	const struct ports *ports; /* filled by src/app */
	struct db *db;
	struct http_server *http;
	struct access_cache *access;
	struct keys *keys;
	struct hasher *hasher;
	struct limits *limits;
	struct events *events;
	struct jobs *jobs;
	struct realtime *realtime;
	struct ingest *ingest;
	const struct assets *assets; /* the embedded interface */
	int64_t started_wall_us;
	_Atomic bool ready; /* /readyz; false again on shutdown */
};
