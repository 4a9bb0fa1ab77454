/* peer.c - numeric addresses, and whom we believe about other addresses.
 *
 * X-Forwarded-For counts only when the connection itself comes from a trusted
 * proxy. It is read from the right: trusted hops are skipped, the first one
 * that is not trusted is the client; whatever stands left of it was written
 * by strangers. IPv4 is compared in its IPv6-mapped form. */
#include "http/engine.h"

#include "base/parse.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <talloc.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* False if text is no numeric address; *ret_is_v4 tells how to count bits. */
static bool address_parse(struct str text, uint8_t bytes[16], bool *ret_is_v4)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.n == 0 || text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	*ret_is_v4 = inet_pton(AF_INET, copy, bytes + 12) == 1;
	if (*ret_is_v4) {
		memcpy(bytes, mapped_prefix, sizeof(mapped_prefix));
		return true;
	}
	return inet_pton(AF_INET6, copy, bytes) == 1;
}

static bool range_has(const struct address_range *range, const uint8_t bytes[16])
{
	int whole = range->bits / 8, rest = range->bits % 8;

	if (memcmp(range->bytes, bytes, (size_t)whole) != 0)
		return false;
	if (rest == 0)
		return true;
	unsigned mask = 0xffU << (8 - rest) & 0xffU;
	return ((unsigned)(range->bytes[whole] ^ bytes[whole]) & mask) == 0;
}

static struct fault *range_parse(const void *ctx, const char *text, struct address_range *ret_range)
{
	struct str bits = str_of(text);
	struct str address = str_cut(&bits, '/');
	bool is_v4;
	int64_t count;

	if (!address_parse(address, ret_range->bytes, &is_v4))
		return FAULT(ctx, FAULT_INVALID, "bad_proxy_address",
			     "'%s' is not an address or CIDR range.", text);
	count = is_v4 ? 32 : 128;
	if (!str_is_null(bits) && !parse_int(bits, 0, count, &count))
		return FAULT(ctx, FAULT_INVALID, "bad_proxy_address",
			     "'%s' has no valid prefix length.", text);
	ret_range->bits = (int)count + (is_v4 ? 96 : 0);
	return NULL;
}

struct fault *peer_ranges(const void *ctx, struct http_server *s)
{
	const char *const *list = s->config.trusted_proxies;

	while (list && list[s->trusted_count])
		s->trusted_count++;
	s->trusted = talloc_array(s, struct address_range, (unsigned)s->trusted_count);
	for (size_t i = 0; i < s->trusted_count; i++)
		TRY(range_parse(ctx, list[i], &s->trusted[i]));
	return NULL;
}

void peer_format(const struct sockaddr_storage *address, char text[INET6_ADDRSTRLEN])
{
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
		inet_ntop(AF_INET, &in->sin_addr, text, INET6_ADDRSTRLEN);
		return;
	}
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
	if (memcmp(&in6->sin6_addr, mapped_prefix, sizeof(mapped_prefix)) == 0)
		inet_ntop(AF_INET, (const uint8_t *)&in6->sin6_addr + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &in6->sin6_addr, text, INET6_ADDRSTRLEN);
}

bool peer_is_trusted(const struct http_server *s, struct str text)
{
	uint8_t bytes[16];
	bool is_v4;

	if (s->trusted_count == 0 || !address_parse(text, bytes, &is_v4))
		return false;
	for (size_t i = 0; i < s->trusted_count; i++) {
		if (range_has(&s->trusted[i], bytes))
			return true;
	}
	return false;
}

/* Walks one field value from the right; true when the client is found. */
static bool walk_hops(const struct http_server *s, struct str hops, struct str *client)
{
	uint8_t bytes[16];
	bool is_v4;

	for (size_t end = hops.n;;) {
		size_t start = end;
		while (start > 0 && hops.p[start - 1] != ',')
			start--;
		struct str hop = str_trim(str_slice(hops, start, end));
		if (!address_parse(hop, bytes, &is_v4))
			return true; /* nonsense: the last hop we could read counts */
		*client = hop;
		if (!peer_is_trusted(s, hop))
			return true;
		if (start == 0)
			return false;
		end = start - 1;
	}
}

struct str peer_of(const struct http_exchange *x)
{
	const struct http_request *rq = &x->request;
	struct str client = str_of(x->conn->peer);

	if (!x->conn->via_proxy)
		return client;
	for (size_t i = rq->field_count; i > 0; i--) {
		const struct http_field *f = &rq->fields[i - 1];
		if (str_eq_nocase(f->name, STR("x-forwarded-for")) &&
		    walk_hops(x->server, f->value, &client))
			break;
	}
	return client;
}
