/* mails.c - the mails of this module: links with a secret of one use.
 *
 * Links begin with the configured public address and with nothing that a
 * request brought along. */
#include "modules/identity/identity_internal.h"

#include "services/crypto/crypto.h"
#include "services/mail/mail.h"

#include <talloc.h>

static struct str mail_values(const void *ctx, struct str name, struct str link)
{
	struct json_out w;
	struct buf b;

	buf_init(&b, ctx, 8192);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "name");
	json_put_str(&w, name);
	json_key(&w, "link");
	json_put_str(&w, link);
	json_close(&w, '}');
	return buf_view(&b);
}

static struct str link_to(const void *ctx, const struct app *app, const char *page,
			  struct str token)
{
	return str_of(talloc_asprintf(ctx, "%.*s/%s%s%.*s", STR_ARG(app->config->public_url), page,
				      str_is_null(token) ? "" : "/", STR_ARG(token)));
}

struct fault *mail_verification(struct tx *tx, struct app *app, struct uuid user, struct str name,
				struct str email)
{
	const void *mem = tx_mem(tx);
	struct str token = crypto_token(mem);
	int64_t n;

	TRY(mail_token_insert(tx, crypto_token_hash(mem, token), user, STR("verify"), email,
			      VERIFY_LINK_S, &n));
	return mail_send(tx, app, &identity_mail_verify, email,
			 mail_values(mem, name, link_to(mem, app, "verify", token)));
}

struct fault *mail_reset(struct tx *tx, struct app *app, struct uuid user, struct str name,
			 struct str email)
{
	const void *mem = tx_mem(tx);
	struct str token = crypto_token(mem);
	int64_t n;

	TRY(mail_token_insert(tx, crypto_token_hash(mem, token), user, STR("reset"), email,
			      RESET_LINK_S, &n));
	return mail_send(tx, app, &identity_mail_reset, email,
			 mail_values(mem, name, link_to(mem, app, "reset", token)));
}

struct fault *mail_welcome(struct tx *tx, struct app *app, struct str name, struct str email)
{
	const void *mem = tx_mem(tx);

	return mail_send(tx, app, &identity_mail_welcome, email,
			 mail_values(mem, name, link_to(mem, app, "", (struct str){ NULL, 0 })));
}

struct fault *mail_is_enough(struct tx *tx, struct uuid user, const char *purpose,
			     bool *ret_is_enough)
{
	struct mail_token_count_row sent;

	TRY(mail_token_count(tx, user, str_of(purpose), &sent));
	*ret_is_enough = sent.recent >= MAILS_PER_HOUR;
	return NULL;
}
