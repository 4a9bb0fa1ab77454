/* match.c - from method and path to the route, without allocating.
 *
 * A tree by path segments, built once. A literal segment is tried before a
 * {parameter}; when the method is missing there, the parameter gets its chance,
 * and only then the answer is 405. Segments are compared as sent: a literal
 * that somebody percent-encodes is a different path (RFC 3986 would allow
 * either; one spelling is one cache key and one log line). */
#include "spine/registry_internal.h"

static struct str next_segment(struct str *path)
{
	*path = str_slice(*path, 1, path->n); /* the slash */
	size_t end = str_find(*path, '/', 0);
	if (end == SIZE_MAX)
		end = path->n;
	struct str segment = str_slice(*path, 0, end);
	*path = str_slice(*path, end, path->n);
	return segment;
}

bool path_segment(struct str path, size_t n, struct str *ret_segment)
{
	for (size_t i = 0; path.n > 0; i++) {
		struct str segment = next_segment(&path);
		if (i == n) {
			*ret_segment = segment;
			return true;
		}
	}
	return false;
}

static int order_of(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static struct match_node *find_child(const struct match_node *node, struct str literal)
{
	size_t low = 0, high = node->children.n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = order_of(literal, node->children.v[middle]->literal);
		if (order == 0)
			return node->children.v[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static struct match_node *add_child(const void *ctx, struct match_node *node, struct str literal)
{
	struct match_node *child = find_child(node, literal);

	if (child)
		return child;
	child = talloc_zero(ctx, struct match_node);
	child->literal = literal;
	*VEC_ADD(&node->children, ctx) = child;
	for (size_t i = node->children.n - 1;
	     i > 0 && order_of(node->children.v[i - 1]->literal, literal) > 0; i--) {
		node->children.v[i] = node->children.v[i - 1];
		node->children.v[i - 1] = child;
	}
	return child;
}

struct str path_shown(const struct route *route)
{
	struct str path = str_of(route->path);

	return path.n > 1 && str_ends(path, STR("/")) ? str_slice(path, 0, path.n - 1) : path;
}

struct route_entry *match_add(const void *ctx, struct match_node *root, struct route_entry *entry,
			      struct str path)
{
	struct match_node *node = root;

	while (path.n > 0) {
		struct str segment = next_segment(&path);
		if (!str_starts(segment, STR("{"))) {
			node = add_child(ctx, node, segment);
			continue;
		}
		if (!node->param)
			node->param = talloc_zero(ctx, struct match_node);
		node = node->param;
	}
	struct route_entry **slot = &node->by_method[entry->route->method];
	if (*slot)
		return *slot;
	*slot = entry;
	return NULL;
}

void match_finish(const void *ctx, struct match_node *root)
{
	char *allow = NULL;

	for (size_t m = 0; m < HTTP_OTHER; m++) {
		if (!root->by_method[m])
			continue;
		allow = !allow ? talloc_strdup(ctx, "") : talloc_strdup_append(allow, ", ");
		allow = talloc_strdup_append(allow, http_method_name((enum http_method)m));
		if (m == HTTP_GET)
			allow = talloc_strdup_append(allow, ", HEAD");
	}
	if (allow && !root->by_method[HTTP_OPTIONS])
		allow = talloc_strdup_append(allow, ", OPTIONS");
	root->allow = allow;
	for (size_t i = 0; i < root->children.n; i++)
		match_finish(ctx, root->children.v[i]);
	if (root->param)
		match_finish(ctx, root->param);
}

/* method HTTP_OTHER: any node where something ends will do. */
static const struct match_node *walk(const struct match_node *node, enum http_method method,
				     struct str path, int depth)
{
	if (path.n == 0)
		return (method == HTTP_OTHER ? node->allow != NULL
					     : node->by_method[method] != NULL)
			       ? node
			       : NULL;
	if (depth == 0)
		return NULL;
	struct str rest = path, segment = next_segment(&rest);
	const struct match_node *child = find_child(node, segment);
	const struct match_node *found = child ? walk(child, method, rest, depth - 1) : NULL;
	if (!found && node->param && segment.n > 0)
		found = walk(node->param, method, rest, depth - 1);
	return found;
}

struct route_entry *match_find(const struct registry *r, enum http_method method, struct str path,
			       const char **ret_allow)
{
	const struct match_node *node = NULL;

	*ret_allow = NULL;
	if (path.n == 0 || path.p[0] != '/')
		return NULL;
	if (method == HTTP_HEAD)
		method = HTTP_GET;
	if (method != HTTP_OTHER)
		node = walk(r->root, method, path, PATH_SEGMENTS_MAX);
	if (node)
		return node->by_method[method];
	node = walk(r->root, HTTP_OTHER, path, PATH_SEGMENTS_MAX);
	if (node)
		*ret_allow = node->allow;
	return NULL;
}

const struct route *registry_match(const struct registry *r, enum http_method method,
				   struct str path, const char **ret_allow)
{
	const struct route_entry *entry = match_find(r, method, path, ret_allow);

	return entry ? entry->route : NULL;
}
