/* config.h - the checked configuration (src/app/config.c reads and checks it:
 * environment over TOML file over defaults). */
#pragma once

#include "base/str.h"

#include <stdint.h>

struct config {
	struct str public_url;	/* "http://127.0.0.1:8080", no slash at the end */
	struct str public_host; /* host[:port] of it */
	bool public_is_https;
	bool public_is_loopback; /* only this machine can reach it */
	struct str address;	 /* to listen on */
	int64_t port;
	int64_t admin_port; /* metrics, loopback only; 0: none */
	struct str data_folder;
	struct str database_url; /* absent: embedded cluster */
	struct str redis_url;	 /* absent: none */
	struct str secret;	 /* 32 bytes or more; root of derived keys */
	struct str log_level;
	bool development; /* readable logs, /dev/mail */
	bool registration_open;
	struct str smtp_url; /* smtp[s]://user:pass@host:port; absent: development mailbox */
	bool smtp_starttls;
	struct str mail_from;
	struct str geoip_file;		    /* MaxMind format; absent: none */
	const char *const *cors_origins;    /* NULL-ended exact list */
	const char *const *trusted_proxies; /* NULL-ended */
	int64_t network_threads;
	int64_t workers;
	int64_t max_connections;
	int64_t sockets_per_user; /* live connections */
	int64_t plan_events_per_month; /* Free: 100 000 */
	int64_t ingest_rate_per_s;     /* token bucket of a write key, requests */
	int64_t rate_api_per_minute;
	int64_t rate_upload_per_minute;
	int64_t rate_bulk_per_minute;
	struct str node_name;
};
