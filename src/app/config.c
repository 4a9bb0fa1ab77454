/* config.c - the option table and its checks (see config.h). */
#include "app/config.h"

#include "app/toml.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/parse.h"
#include "base/vec.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

enum option_type { OPTION_TEXT, OPTION_INT, OPTION_BOOL, OPTION_LIST };

struct option {
	const char *name; /* in the file; [smtp] url is smtp_url */
	const char *variable;
	enum option_type type;
	size_t offset;
	const char *fallback; /* NULL: absent */
	int64_t min, max;
	bool is_secret;
	const char *doc;
};

#define AT(member) offsetof(struct config, member)

static const struct option options[] = {
	{ "public_url", "PUBLIC_URL", OPTION_TEXT, AT(public_url), NULL, 0, 0, false,
	  "Address people use, for links in mails and cookies; default http://127.0.0.1:PORT" },
	{ "address", "BULKHEAD_ADDRESS", OPTION_TEXT, AT(address), "127.0.0.1", 0, 0, false,
	  "Network address to listen on" },
	{ "port", "PORT", OPTION_INT, AT(port), "8080", 0, 65535, false, "Port to listen on" },
	{ "admin_port", "BULKHEAD_ADMIN_PORT", OPTION_INT, AT(admin_port), "0", 0, 65535, false,
	  "Port for /metrics, on 127.0.0.1 only; 0: none" },
	{ "data_folder", "BULKHEAD_DATA", OPTION_TEXT, AT(data_folder), "data", 0, 0, false,
	  "Folder for the embedded database, secrets, spool and mails" },
	{ "database_url", "DATABASE_URL", OPTION_TEXT, AT(database_url), NULL, 0, 0, true,
	  "PostgreSQL to use; absent: a private cluster in the data folder" },
	{ "redis_url", "REDIS_URL", OPTION_TEXT, AT(redis_url), NULL, 0, 0, true,
	  "Redis for shared limits; absent: none is needed" },
	{ "secret", "BULKHEAD_SECRET", OPTION_TEXT, AT(secret), NULL, 0, 0, true,
	  "Root of all keys, 32 characters or more, the same on every node; absent: made once in "
	  "the data folder" },
	{ "log_level", "LOG_LEVEL", OPTION_TEXT, AT(log_level), "info", 0, 0, false,
	  "debug, info, warn or error" },
	{ "development", "BULKHEAD_DEVELOPMENT", OPTION_BOOL, AT(development), "false", 0, 0, false,
	  "Readable logs; only with a loopback address" },
	{ "registration_open", "BULKHEAD_REGISTRATION_OPEN", OPTION_BOOL, AT(registration_open),
	  "true", 0, 0, false, "May strangers register an organisation?" },
	{ "smtp_url", "SMTP_URL", OPTION_TEXT, AT(smtp_url), NULL, 0, 0, true,
	  "smtp[s]://user:password@host:port; absent: mails stay in the development mailbox" },
	{ "smtp_starttls", "SMTP_STARTTLS", OPTION_BOOL, AT(smtp_starttls), "true", 0, 0, false,
	  "Require STARTTLS on smtp://" },
	{ "mail_from", "SMTP_FROM", OPTION_TEXT, AT(mail_from), "Bulkhead <no-reply@localhost>", 0,
	  0, false, "Sender of mails" },
	{ "geoip_file", "BULKHEAD_GEOIP_FILE", OPTION_TEXT, AT(geoip_file), NULL, 0, 0, false,
	  "MaxMind-format database for places; absent: none" },
	{ "cors_origins", "BULKHEAD_CORS_ORIGINS", OPTION_LIST, AT(cors_origins), "", 0, 0, false,
	  "Further origins that may call the API with a cookie, separated by commas" },
	{ "trusted_proxies", "BULKHEAD_TRUSTED_PROXIES", OPTION_LIST, AT(trusted_proxies), "", 0, 0,
	  false, "Addresses or networks whose X-Forwarded-For is believed" },
	{ "network_threads", "BULKHEAD_NETWORK_THREADS", OPTION_INT, AT(network_threads), "1", 1,
	  64, false, "Threads that read and write sockets" },
	{ "workers", "BULKHEAD_WORKERS", OPTION_INT, AT(workers), "16", 1, 256, false,
	  "Threads that run handlers" },
	{ "max_connections", "BULKHEAD_MAX_CONNECTIONS", OPTION_INT, AT(max_connections), "20000",
	  10, 1000000, false, "Open connections at most" },
	{ "sockets_per_user", "BULKHEAD_SOCKETS_PER_USER", OPTION_INT, AT(sockets_per_user), "10",
	  1, 1000000, false, "Live connections of one person or key at most" },
	{ "plan_events_per_month", "BULKHEAD_PLAN_EVENTS", OPTION_INT, AT(plan_events_per_month),
	  "100000", 0, 1000000000000, false, "Events a month of the Free plan" },
	{ "ingest_rate_per_s", "BULKHEAD_INGEST_RATE", OPTION_INT, AT(ingest_rate_per_s), "1000", 1,
	  10000000, false, "Ingestion requests a second and write key" },
	{ "rate_api_per_minute", "BULKHEAD_RATE_API", OPTION_INT, AT(rate_api_per_minute), "120", 1,
	  100000000, false, "API requests a minute" },
	{ "rate_upload_per_minute", "BULKHEAD_RATE_UPLOAD", OPTION_INT, AT(rate_upload_per_minute),
	  "10", 1, 100000000, false, "Uploads a minute" },
	{ "rate_bulk_per_minute", "BULKHEAD_RATE_BULK", OPTION_INT, AT(rate_bulk_per_minute), "5",
	  1, 100000000, false, "Bulk requests a minute" },
	{ "node_name", "BULKHEAD_NODE", OPTION_TEXT, AT(node_name), NULL, 0, 0, false,
	  "Name of this process in logs; default host name and process id" },
};
#define OPTION_COUNT (sizeof(options) / sizeof(*options))

static void *option_place(struct config *config, const struct option *o)
{
	return (char *)config + o->offset;
}

static struct str read_file(const void *ctx, const char *path, size_t max_bytes)
{
	struct buf b;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return (struct str){ NULL, 0 };
	buf_init(&b, ctx, max_bytes);
	for (;;) {
		char *to = buf_reserve(&b, 4096);
		ssize_t n = to ? read(fd, to, 4096) : 0;
		if (n <= 0)
			break;
		buf_added(&b, (size_t)n);
	}
	close(fd);
	return buf_view(&b);
}

/* Environment, then *_FILE, then the configuration file, then the default. */
static struct str option_text(const void *ctx, const struct option *o, const struct map *file,
			      struct fault *faults)
{
	const char *value = getenv(o->variable);
	if (value && *value)
		return str_of(value);
	const char *path = getenv(talloc_asprintf(ctx, "%s_FILE", o->variable));
	if (path && *path) {
		struct str text = read_file(ctx, path, 64 * 1024);
		if (str_is_null(text))
			fault_field(faults, o->variable, "unreadable", "cannot read %s", path);
		return str_trim(text);
	}
	const struct str *written = map_get(file, str_of(o->name));
	if (written)
		return *written;
	return str_of(o->fallback);
}

static const char *const *split_list(const void *ctx, struct str text)
{
	VEC(const char *) list = { 0 };

	while (!str_is_null(text)) {
		struct str part = str_trim(str_cut(&text, ','));
		if (part.n > 0)
			*VEC_ADD(&list, ctx) = str_dup(ctx, part);
	}
	*VEC_ADD(&list, ctx) = NULL;
	return list.v;
}

static void option_set(struct config *config, const struct option *o, struct str text,
		       struct fault *faults)
{
	void *place = option_place(config, o);

	switch (o->type) {
	case OPTION_TEXT:
		*(struct str *)place = str_copy(config, text);
		break;
	case OPTION_INT:
		if (!parse_int(text, o->min, o->max, place))
			fault_field(faults, o->variable, "out_of_range",
				    "a number from %lld to %lld is expected", (long long)o->min,
				    (long long)o->max);
		break;
	case OPTION_BOOL:
		*(bool *)place = str_eq(text, STR("true")) || str_eq(text, STR("1"));
		if (!*(bool *)place && !str_eq(text, STR("false")) && !str_eq(text, STR("0")))
			fault_field(faults, o->variable, "not_a_boolean",
				    "true or false is expected");
		break;
	case OPTION_LIST:
		*(const char *const **)place = split_list(config, text);
		break;
	}
}

static void check_unknown_keys(const struct map *file, struct fault *faults)
{
	size_t cursor = 0;
	struct str key;
	void *value;

	while (map_next(file, &cursor, &key, &value)) {
		bool known = false;
		for (size_t i = 0; i < OPTION_COUNT; i++)
			known |= str_eq(key, str_of(options[i].name));
		if (!known)
			fault_field(faults, str_dup(faults, key), "unknown_option",
				    "there is no such option");
	}
}

static bool host_is_loopback(struct str host)
{
	struct str name = host;

	if (str_starts(host, STR("[")))
		return str_starts(host, STR("[::1]"));
	name = str_cut(&name, ':');
	return str_eq(name, STR("localhost")) || str_starts(name, STR("127."));
}

static void derive_public(struct config *c, struct fault *faults)
{
	if (str_is_null(c->public_url))
		c->public_url =
			str_of(talloc_asprintf(c, "http://127.0.0.1:%lld", (long long)c->port));
	while (str_ends(c->public_url, STR("/")))
		c->public_url.n--;
	c->public_is_https = str_starts(c->public_url, STR("https://"));
	if (!c->public_is_https && !str_starts(c->public_url, STR("http://"))) {
		fault_field(faults, "PUBLIC_URL", "not_a_url", "http:// or https:// is expected");
		return;
	}
	c->public_host = str_slice(c->public_url, c->public_is_https ? 8 : 7, c->public_url.n);
	if (c->public_host.n == 0 || str_find(c->public_host, '/', 0) != SIZE_MAX)
		fault_field(faults, "PUBLIC_URL", "not_a_url",
			    "scheme, host and port are expected, without a path");
	c->public_is_loopback = host_is_loopback(c->public_host);
	if (c->development && !c->public_is_loopback)
		fault_field(faults, "BULKHEAD_DEVELOPMENT", "public_address",
			    "development mode needs a loopback PUBLIC_URL");
	if (!c->public_is_https && !c->public_is_loopback)
		fault_field(faults, "PUBLIC_URL", "not_https",
			    "an address that others reach must be https");
}

/* Made once, readable by the owner only. */
static struct str own_secret(struct config *c, struct fault *faults)
{
	char *path = talloc_asprintf(c, "%.*s/secret", STR_ARG(c->data_folder));
	struct str text = read_file(c, path, 4096);
	uint8_t random[32];
	char hex[65];

	if (!str_is_null(text))
		return str_trim(text);
	if (mkdir(str_dup(c, c->data_folder), 0755) != 0 &&
	    access(str_dup(c, c->data_folder), W_OK))
		fault_field(faults, "BULKHEAD_DATA", "unwritable", "cannot make the data folder");
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort();
	for (size_t i = 0; i < sizeof(random); i++) {
		hex[2 * i] = "0123456789abcdef"[random[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
	}
	hex[64] = '\n';
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, hex, sizeof(hex)) != (ssize_t)sizeof(hex))
		fault_field(faults, "BULKHEAD_SECRET", "unwritable", "cannot write %s", path);
	if (fd >= 0)
		close(fd);
	return str_copy(c, (struct str){ hex, 64 });
}

static void check_secret(struct config *c, struct fault *faults)
{
	if (str_is_null(c->secret))
		c->secret = own_secret(c, faults);
	bool varied = false;
	for (size_t i = 1; i < c->secret.n; i++)
		varied |= c->secret.p[i] != c->secret.p[0];
	if (c->secret.n < 32 || !varied || str_starts(c->secret, STR("change")))
		fault_field(faults, "BULKHEAD_SECRET", "weak_secret",
			    "at least 32 random characters are needed (openssl rand -hex 32)");
}

static void check_texts(struct config *c, struct fault *faults)
{
	enum log_level level;

	if (!log_level_of(c->log_level, &level))
		fault_field(faults, "LOG_LEVEL", "unknown_level",
			    "debug, info, warn or error is expected");
	if (c->smtp_url.p && !str_starts(c->smtp_url, STR("smtp://")) &&
	    !str_starts(c->smtp_url, STR("smtps://")))
		fault_field(faults, "SMTP_URL", "not_a_url", "smtp:// or smtps:// is expected");
	if (c->geoip_file.p && access(str_dup(c, c->geoip_file), R_OK) != 0)
		fault_field(faults, "BULKHEAD_GEOIP_FILE", "unreadable", "cannot read the file");
	if (str_is_null(c->node_name)) {
		char host[64] = "node";
		gethostname(host, sizeof(host) - 1);
		c->node_name = str_of(talloc_asprintf(c, "%s-%d", host, (int)getpid()));
	}
}

/* SMTP_HOST, SMTP_PORT, SMTP_USER and SMTP_PASSWORD, as other software names
 * them, are put together into smtp_url when that is absent. */
static void derive_smtp(struct config *c)
{
	const char *host = getenv("SMTP_HOST"), *port = getenv("SMTP_PORT");
	const char *user = getenv("SMTP_USER"), *password = getenv("SMTP_PASSWORD");

	if (c->smtp_url.p || !host || !*host)
		return;
	char *login = talloc_strdup(c, "");
	if (user && *user)
		login = talloc_asprintf(c, "%s:%s@", user, password ? password : "");
	c->smtp_url = str_of(
		talloc_asprintf(c, "smtp://%s%s:%s", login, host, port && *port ? port : "587"));
}

struct fault *config_load(const void *ctx, const char *file, struct config **ret_config)
{
	struct config *c = talloc_zero(ctx, struct config);
	struct map *written = map_new(c);
	struct fault *faults =
		FAULT(ctx, FAULT_INVALID, "bad_configuration", "The configuration has faults.");

	if (!file)
		file = getenv("BULKHEAD_CONFIG");
	if (file && *file) {
		struct str text = read_file(c, file, 1 << 20);
		if (str_is_null(text))
			fault_field(faults, "BULKHEAD_CONFIG", "unreadable", "cannot read %s",
				    file);
		else
			TRY(toml_read(c, text, written));
	}
	check_unknown_keys(written, faults);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		option_set(c, &options[i], option_text(c, &options[i], written, faults), faults);
	derive_smtp(c);
	derive_public(c, faults);
	check_secret(c, faults);
	check_texts(c, faults);
	if (faults->fields)
		return faults;
	talloc_free(faults);
	*ret_config = c;
	return NULL;
}

static struct str option_shown(const void *ctx, const struct config *config, const struct option *o)
{
	const char *place = (const char *)config + o->offset;
	char *list = talloc_strdup(ctx, "");

	switch (o->type) {
	case OPTION_TEXT:
		if (o->is_secret && ((const struct str *)place)->p)
			return STR("[masked]");
		return *(const struct str *)place;
	case OPTION_INT:
		return str_of(talloc_asprintf(ctx, "%lld", (long long)*(const int64_t *)place));
	case OPTION_BOOL:
		return str_of(*(const bool *)place ? "true" : "false");
	default:
		for (const char *const *p = *(const char *const *const *)place; *p; p++)
			list = talloc_asprintf_append(list, "%s%s", *list ? "," : "", *p);
		return str_of(list);
	}
}

void config_print(struct buf *out, const struct config *config, bool as_json)
{
	void *scratch = talloc_new(NULL);
	struct json_out w;

	json_out_init(&w, out);
	if (as_json)
		json_open(&w, '{');
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		struct str shown = option_shown(scratch, config, &options[i]);
		if (as_json) {
			json_key(&w, options[i].name);
			json_put_str(&w, shown);
		} else {
			buf_printf(out, "%-24s %.*s\n", options[i].name, STR_ARG(shown));
		}
	}
	if (as_json)
		json_close(&w, '}');
	talloc_free(scratch);
}

void config_reference(struct buf *out)
{
	buf_text(out, "| option in the file | variable | default | what |\n"
		      "| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < OPTION_COUNT; i++)
		buf_printf(out, "| `%s` | `%s` | %s | %s |\n", options[i].name, options[i].variable,
			   options[i].fallback ? options[i].fallback : "", options[i].doc);
}
