/* agent_rules.h - the tables of agent_rules.inc (uap-core, Apache-2.0). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct agent_rule {
	const char *pattern; /* PCRE2 reads them as they are */
	bool any_case;
	const char *to[4]; /* replacements with $1…$9, NULL: the group of that number */
};

extern const struct agent_rule user_agent_parsers[], os_parsers[], device_parsers[];
extern const size_t user_agent_parsers_count, os_parsers_count, device_parsers_count;
