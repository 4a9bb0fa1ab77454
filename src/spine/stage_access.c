/* stage_access.c - may this caller do this: authentication, tenant, origin and
 * token of a browser, permission.
 *
 * The answers are chosen so that they tell nothing: a tenant that is not there
 * and one the caller does not belong to are the same 404; a key of another
 * tenant is the same 403 whatever the path names; to a key of one project another
 * one is not there. */
#include "spine/pipeline_internal.h"

#define PROJECTS_SEGMENT 4 /* of /api/v1/t/{tenant}/projects/{id} */

static bool is_word(const struct route *route, const char *word)
{
	return strcmp(route->permission, word) == 0;
}

struct fault *stage_authenticate(struct request *rq)
{
	struct flow *fl = flow_of(rq);

	if (!fl->has_credential) {
		if (is_word(rq->route, PUBLIC))
			return NULL;
		return FAULT(rq->mem, FAULT_UNAUTHENTICATED, "not_signed_in",
			     "You are not signed in, or your session has ended.");
	}
	struct fault *f = access_find(fl);
	if (f && f->kind == FAULT_UNAUTHENTICATED && is_word(rq->route, PUBLIC))
		return NULL; /* an old cookie must not stand in the way of signing in */
	return f;
}

/* {label}.{public host} names a tenant; anything else names none. */
static struct str host_label(const struct request *rq)
{
	struct str host = rq->http->host, base = rq->app->config->public_host;

	if (host.n <= base.n + 1 ||
	    !str_eq_nocase(str_slice(host, host.n - base.n, host.n), base) ||
	    host.p[host.n - base.n - 1] != '.')
		return (struct str){ NULL, 0 };
	struct str label = str_slice(host, 0, host.n - base.n - 1);
	return str_eq(label, STR("www")) ? (struct str){ NULL, 0 } : label;
}

/* A key bound to one project has the paths below that project and no others, unless
 * the route looks at the binding itself. */
static struct fault *check_project(const struct request *rq)
{
	struct str path = rq->http->path, noun, text;
	struct uuid id;

	if (uuid_is_nil(rq->who->project) || rq->route->knows_project)
		return NULL;
	if (!path_segment(path, PROJECTS_SEGMENT, &noun) || !str_eq(noun, STR("projects")) ||
	    !path_segment(path, PROJECTS_SEGMENT + 1, &text))
		return FAULT(rq->mem, FAULT_FORBIDDEN, "other_project",
			     "This key works for one project only.");
	if (!uuid_parse(text, &id) || !uuid_eq(id, rq->who->project))
		return fault_not_found(rq);
	return NULL;
}

struct fault *stage_tenant(struct request *rq)
{
	const struct flow *fl = flow_of(rq);

	if (!fl->entry->in_tenant)
		return NULL;
	if (uuid_is_nil(rq->who->tenant)) {
		if (rq->who->kind == WHO_API_KEY)
			return FAULT(rq->mem, FAULT_FORBIDDEN, "other_tenant",
				     "This key belongs to another organisation.");
		return fault_not_found(rq);
	}
	struct str label = host_label(rq);
	if (label.p && !str_eq_nocase(label, rq->who->tenant_slug))
		return FAULT(rq->mem, FAULT_FORBIDDEN, "other_tenant",
			     "The host name and the path name different organisations.");
	rq->tenant = rq->who->tenant;
	rq->tenant_slug = rq->who->tenant_slug;
	return check_project(rq);
}

static bool is_unsafe(enum http_method method)
{
	return method != HTTP_GET && method != HTTP_HEAD && method != HTTP_OPTIONS;
}

static bool origin_is_ours(const struct request *rq, struct str origin)
{
	const struct config *config = rq->app->config;
	struct str rest = origin;

	if (str_eq(origin, config->public_url))
		return true;
	for (const char *const *o = config->cors_origins; o && *o; o++)
		if (str_eq(str_of(*o), origin))
			return true;
	/* the same host by another of its names, e.g. localhost */
	str_cut(&rest, ':');
	return rest.n > 2 && str_starts(rest, STR("//")) &&
	       str_eq_nocase(str_slice(rest, 2, rest.n), rq->http->host);
}

static struct fault *refuse_origin(const struct request *rq)
{
	return FAULT(rq->mem, FAULT_FORBIDDEN, "cross_site",
		     "A page of another site asked for this.");
}

/* Every browser says where a request comes from; programs say nothing. */
static struct fault *check_origin(const struct request *rq)
{
	struct str site = http_field(rq->http, STR("Sec-Fetch-Site"));
	struct str origin = http_field(rq->http, STR("Origin"));

	if (origin.p)
		return origin_is_ours(rq, origin) ? NULL : refuse_origin(rq);
	if (site.p && !str_eq(site, STR("same-origin")) && !str_eq(site, STR("none")))
		return refuse_origin(rq);
	return NULL;
}

struct fault *stage_origin(struct request *rq)
{
	struct str token = http_field(rq->http, STR("X-CSRF-Token"));

	if (!is_unsafe(rq->http->method) || rq->route->open_cors)
		return NULL;
	if (!flow_of(rq)->cred.bearer.p && !flow_of(rq)->cred.basic.p)
		TRY(check_origin(rq));
	if (!rq->who->by_cookie || rq->route->no_csrf)
		return NULL;
	if (rq->who->csrf_token.n == 0 || token.n != rq->who->csrf_token.n ||
	    !rq->app->ports->equal(token, rq->who->csrf_token))
		return FAULT(rq->mem, FAULT_FORBIDDEN, "csrf_token",
			     "The header X-CSRF-Token is missing or wrong.");
	return NULL;
}

struct fault *stage_permission(struct request *rq)
{
	const struct route *route = rq->route;

	if (is_word(route, PUBLIC) || is_word(route, MEMBER))
		return NULL; /* MEMBER: stage_tenant has seen to it */
	if (is_word(route, SIGNED_IN)) {
		if (rq->who->kind == WHO_USER)
			return NULL;
		return FAULT(rq->mem, FAULT_FORBIDDEN, "person_needed",
			     "A key cannot do this; a person has to sign in.");
	}
	if (principal_may(rq->who, route->permission))
		return NULL;
	return FAULT(rq->mem, FAULT_FORBIDDEN, "no_permission", "This needs the permission %s.",
		     route->permission);
}
