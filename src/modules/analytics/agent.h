/* agent.h - what a User-Agent header says: browser, system, device, bot.
 *
 * The rules are uap-core's, tried in order, the first that matches counts
 * (uap-core docs/specification.md). They are compiled when first needed and
 * answers are kept, because a site sees few different agents. One thread only. */
#pragma once

#include "base/str.h"

struct agents;

struct agent {
	struct str browser, browser_version; /* "Chrome", "130.0.0"; absent: not known */
	struct str os, os_version;
	struct str device, brand, model; /* "iPhone", "Apple", "iPhone" */
	bool is_bot;
};

struct agents *agents_new(const void *ctx);
/* The answer lives as long as agents, or until agents_trim. Absent text: all absent. */
const struct agent *agents_read(struct agents *a, struct str user_agent);
/* Forgets answers when many have gathered; earlier ones become invalid. */
void agents_trim(struct agents *a);
