/* agent_rules.c - the rules for user agents, from a generated file of data
 * (make_agent_rules.py; uap-core, Apache-2.0), which is long because it is a list. */
#include "modules/analytics/agent_rules.h"

#include "modules/analytics/agent_rules.inc"
