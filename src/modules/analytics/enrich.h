/* enrich.h - what can be found out about one event without looking at others.
 *
 * Pure apart from the open MaxMind file; one thread. Sessions and profiles, which
 * need other events, are in follow_sessions.c and follow_profiles.c. */
#pragma once

#include "base/json.h"
#include "modules/analytics/agent.h"

struct enricher;

struct enrich_in {
	struct str user_agent;	  /* context.userAgent */
	struct str ip;		  /* context.ip, or the client's address */
	struct str url, referrer; /* of the page */
	struct str campaign;	  /* context.campaign, JSON object or absent */
};

/* For roll-ups; absent when not known. */
struct enrich_out {
	struct str json; /* analytics.enrichments.data */
	struct str browser, os, device_kind, country, referrer_class, campaign_name;
};

/* geoip_file absent: no geography. A file that cannot be read is a fault. */
struct fault *enricher_new(const void *ctx, struct str geoip_file, struct enricher **ret_enricher);
/* Results live on mem (device names: until enricher_trim). */
void enrich(struct enricher *e, const void *mem, const struct enrich_in *in,
	    struct enrich_out *ret_out);
void enricher_trim(struct enricher *e);

/* ---- parts, for tests ---- */

/* Host of an absolute URL without "www." and port, lower case; absent if none. */
struct str url_host(const void *mem, struct str url);
/* Decoded value of a query parameter of a URL; absent if none. */
struct str url_param(const void *mem, struct str url, struct str name);
/* "search", "social", "email", "internal", "referral", or absent without a referrer. */
struct str referrer_class(struct str host, struct str own_host);
