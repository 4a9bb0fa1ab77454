/* dev_mail.c - the development mailbox: every mail of a server without SMTP settings.
 *
 * Whoever reads it owns every account, for the reset links of everybody lie
 * in it. So it is open only to this machine: no SMTP server is configured, the
 * public address is a loopback one (or the configuration says development),
 * the request came from here, by that name (no page of another site can have
 * rebound its name to us) and not through a proxy we do not know of. Anything
 * else gets the 404 of a route that does not exist. The .eml files are the
 * operator's way in on a machine without a mail server. */
#include "services/mail/mail_internal.h"

#include "base/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

static struct str without_port(struct str host)
{
	const size_t bracket = str_find(host, ']', 0);
	const size_t colon = str_find(host, ':', bracket == SIZE_MAX ? 0 : bracket);

	return colon == SIZE_MAX ? host : str_slice(host, 0, colon);
}

/* 127.0.0.0/8 in digits; 127.example.org is a name that anybody may own. */
static bool is_loopback_number(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '.' && (name.p[i] < '0' || name.p[i] > '9'))
			return false;
	return str_starts(name, STR("127."));
}

static bool is_loopback_name(struct str host)
{
	const struct str name = without_port(host);

	return str_eq_nocase(name, STR("localhost")) || str_eq(name, STR("[::1]")) ||
	       is_loopback_number(name) || str_ends(name, STR(".localhost"));
}

static bool is_loopback_address(struct str peer)
{
	return str_starts(peer, STR("127.")) || str_eq(peer, STR("::1")) ||
	       str_starts(peer, STR("::ffff:127."));
}

bool dev_mail_is_open(const struct config *config)
{
	return str_is_null(config->smtp_url) &&
	       (config->development || is_loopback_name(config->public_host));
}

static struct fault *check_open(const struct request *rq)
{
	const struct config *config = rq->app->config;

	if (!dev_mail_is_open(config) || !is_loopback_address(rq->http->peer) ||
	    !(is_loopback_name(rq->http->host) ||
	      str_eq_nocase(rq->http->host, config->public_host)) ||
	    !str_is_null(http_field(rq->http, STR("x-forwarded-for"))) ||
	    !str_is_null(http_field(rq->http, STR("forwarded"))))
		return fault_not_found(rq);
	return NULL;
}

/* <data>/mail/<id>.eml, readable by the server's user only. */
static struct fault *write_file(const void *ctx, const struct config *config, struct uuid id,
				struct str bytes)
{
	char name[UUID_TEXT_SIZE];
	const char *folder = talloc_asprintf(ctx, "%.*s/mail", STR_ARG(config->data_folder));
	const char *path = talloc_asprintf(ctx, "%s/%s.eml", folder, uuid_format(id, name));
	ssize_t written = 0;
	int fd;

	mkdir(str_dup(ctx, config->data_folder), 0755);
	mkdir(folder, 0700);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return FAULT_BUG(ctx, "cannot write %s", path);
	for (size_t at = 0; at < bytes.n && written >= 0; at += (size_t)written)
		written = write(fd, bytes.p + at, bytes.n - at);
	close(fd);
	if (written < 0)
		return FAULT_BUG(ctx, "cannot write all of %s", path);
	return NULL;
}

struct fault *dev_mail_store(struct tx *tx, const struct config *config,
			     const struct mail_letter *letter, struct str bytes)
{
	const struct mail_words *w = &letter->words;
	struct fault *f = write_file(tx_mem(tx), config, letter->id, bytes);

	if (!dev_mail_is_open(config))
		return f; /* the file is all there is of it */
	if (f)
		LOG_WARN("mail not kept as a file",
			 LOG_TEXT("fault", fault_describe(tx_mem(tx), f)));
	return dev_mail_put(tx, letter->id, letter->to, letter->from, w->subject, w->text, w->html);
}

static struct tx *box_tx(struct request *rq)
{
	return tx_new(rq->mem, rq->app->db, DB_PLATFORM, TX_READ, &(struct scope){ 0 });
}

static struct fault *list(struct request *rq)
{
	struct str items;
	struct tx *tx;

	TRY(check_open(rq));
	tx = box_tx(rq);
	TRY(dev_mail_list(tx, &items));
	tx_end(tx);
	return reply_list(rq, items, (struct str){ 0 });
}

static struct fault *get(struct request *rq)
{
	struct str mail;
	struct tx *tx;

	TRY(check_open(rq));
	tx = box_tx(rq);
	TRY(dev_mail_get(tx, rq->id, &mail));
	tx_end(tx);
	if (str_is_null(mail))
		return fault_not_found(rq);
	return reply_json(rq, 200, mail);
}

const struct route dev_mail_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/dev/mail/messages",
		.handler = list,
		.permission = PUBLIC,
		.output = &dev_mail_short_shape,
		.output_is_list = true,
		.tx = ROUTE_TX_NONE,
		.no_session_token = true,
		.summary = "Mails caught while no mail server is configured (this machine only)",
	},
	{
		.method = HTTP_GET,
		.path = "/dev/mail/messages/{id}",
		.handler = get,
		.permission = PUBLIC,
		.output = &dev_mail_shape,
		.tx = ROUTE_TX_NONE,
		.no_session_token = true,
		.summary = "One caught mail (this machine only)",
	},
	{ 0 },
};
