/* agent.c - see agent.h. Matching is bounded: an agent is cut at 1 KB and a rule
 * that backtracks too long counts as not matching. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "modules/analytics/agent.h"

#include "base/buf.h"
#include "base/map.h"
#include "modules/analytics/agent_rules.h"

#include <pcre2.h>
#include <talloc.h>

#define AGENT_MAX_BYTES 1024
#define KEPT_MAX 4096
#define MATCH_LIMIT 50000
#define GROUPS 10

struct rule_list {
	const struct agent_rule *rules;
	size_t count;
	pcre2_code **codes; /* NULL: not compiled yet */
};

struct agents {
	struct rule_list browsers, systems, devices;
	pcre2_match_context *limits;
	pcre2_match_data *match;
	struct map *kept; /* agent -> struct agent */
};

static int agents_free(struct agents *a)
{
	struct rule_list *lists[] = { &a->browsers, &a->systems, &a->devices };

	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < lists[k]->count; i++)
			pcre2_code_free(lists[k]->codes[i]);
	pcre2_match_data_free(a->match);
	pcre2_match_context_free(a->limits);
	return 0;
}

static struct rule_list list_new(struct agents *a, const struct agent_rule *rules, size_t count)
{
	return (struct rule_list){ rules, count,
				   talloc_zero_array(a, pcre2_code *, (unsigned)count) };
}

struct agents *agents_new(const void *ctx)
{
	struct agents *a = talloc_zero(ctx, struct agents);

	a->browsers = list_new(a, user_agent_parsers, user_agent_parsers_count);
	a->systems = list_new(a, os_parsers, os_parsers_count);
	a->devices = list_new(a, device_parsers, device_parsers_count);
	a->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(a->limits, MATCH_LIMIT);
	a->match = pcre2_match_data_create(GROUPS, NULL);
	a->kept = map_new(a);
	talloc_set_destructor(a, agents_free);
	return a;
}

static pcre2_code *code_of(struct rule_list *list, size_t i)
{
	const struct agent_rule *rule = &list->rules[i];
	PCRE2_SIZE where;
	int error;

	if (!list->codes[i])
		list->codes[i] =
			pcre2_compile((PCRE2_SPTR)rule->pattern, PCRE2_ZERO_TERMINATED,
				      rule->any_case ? PCRE2_CASELESS : 0, &error, &where, NULL);
	return list->codes[i];
}

/* The first rule that matches, or NULL; groups are in a->match. */
static const struct agent_rule *find_rule(struct agents *a, struct rule_list *list, struct str text,
					  int *ret_groups)
{
	for (size_t i = 0; i < list->count; i++) {
		pcre2_code *code = code_of(list, i);
		int n = code ? pcre2_match(code, (PCRE2_SPTR)text.p, text.n, 0, 0, a->match,
					   a->limits)
			     : -1;
		if (n >= 0) {
			*ret_groups = n == 0 ? GROUPS : n;
			return &list->rules[i];
		}
	}
	return NULL;
}

static struct str group(struct agents *a, struct str text, int groups, int number)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(a->match);

	if (number >= groups || at[2 * number] == PCRE2_UNSET ||
	    at[2 * number] == at[2 * number + 1])
		return (struct str){ NULL, 0 };
	return str_slice(text, at[2 * number], at[2 * number + 1]);
}

/* A replacement with its $n filled in, or the group of that number. */
static struct str filled(struct agents *a, const void *mem, struct str text, int groups,
			 const char *to, int number)
{
	struct buf b;

	if (!to)
		return str_copy(mem, group(a, text, groups, number));
	buf_init(&b, mem, 2 * AGENT_MAX_BYTES);
	for (const char *p = to; *p; p++) {
		if (p[0] == '$' && p[1] >= '1' && p[1] <= '9')
			buf_str(&b, group(a, text, groups, *++p - '0'));
		else
			buf_char(&b, *p);
	}
	struct str whole = str_trim(buf_view(&b));
	return whole.n > 0 ? whole : (struct str){ NULL, 0 };
}

/* "130.0.6723": the parts that are there. */
static struct str version(struct agents *a, const void *mem, struct str text, int groups,
			  const struct agent_rule *rule)
{
	struct buf b;

	buf_init(&b, mem, 2 * AGENT_MAX_BYTES);
	for (int i = 1; i <= 3; i++) {
		struct str part = filled(a, mem, text, groups, rule->to[i], i + 1);
		if (!part.p)
			break;
		if (i > 1)
			buf_char(&b, '.');
		buf_str(&b, part);
	}
	return b.n > 0 ? buf_view(&b) : (struct str){ NULL, 0 };
}

static void read_device(struct agents *a, struct agent *out, struct str text)
{
	int groups;
	const struct agent_rule *rule = find_rule(a, &a->devices, text, &groups);

	if (!rule)
		return;
	out->device = filled(a, out, text, groups, rule->to[0], 1);
	if (rule->to[1])
		out->brand = filled(a, out, text, groups, rule->to[1], 0);
	out->model = filled(a, out, text, groups, rule->to[2], 1);
	out->is_bot = str_eq(out->device, STR("Spider"));
}

static struct agent *read_agent(struct agents *a, struct str text)
{
	struct agent *out = talloc_zero(a->kept, struct agent);
	int groups;
	const struct agent_rule *rule = find_rule(a, &a->browsers, text, &groups);

	if (rule) {
		out->browser = filled(a, out, text, groups, rule->to[0], 1);
		out->browser_version = version(a, out, text, groups, rule);
	}
	rule = find_rule(a, &a->systems, text, &groups);
	if (rule) {
		out->os = filled(a, out, text, groups, rule->to[0], 1);
		out->os_version = version(a, out, text, groups, rule);
	}
	read_device(a, out, text);
	return out;
}

const struct agent *agents_read(struct agents *a, struct str user_agent)
{
	static const struct agent nothing;
	struct str text = user_agent;

	if (text.n == 0)
		return &nothing;
	if (text.n > AGENT_MAX_BYTES)
		text.n = AGENT_MAX_BYTES;
	struct agent *known = map_get(a->kept, text);
	if (!known) {
		known = read_agent(a, text);
		map_put(a->kept, text, known);
	}
	return known;
}

void agents_trim(struct agents *a)
{
	if (map_count(a->kept) < KEPT_MAX)
		return;
	talloc_free(a->kept);
	a->kept = map_new(a);
}
