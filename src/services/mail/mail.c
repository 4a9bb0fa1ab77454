/* mail.c - a mail's way: written in the change's transaction, sent by a job.
 *
 * The words are rendered at once and kept sealed, so the job knows only an id
 * and no template has to be found again. Sending twice is possible only when
 * the process dies between the server's 250 and our commit; the Message-ID
 * stays the same then. */
#include "services/mail/mail_internal.h"

#include "base/clock.h"
#include "base/json.h"
#include "services/crypto/crypto.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <talloc.h>

static struct fault *send_run(const void *mem, struct app *app, const struct job *job);
static struct fault *forget_run(const void *mem, struct app *app, const struct job *job);

static const struct job_type send_job = {
	.name = "mail.send", .queue = "email", .run = send_run, .timeout_s = 60
};
static const struct job_type forget_job = { .name = "mail.forget",
					    .queue = "maintenance",
					    .run = forget_run };

struct fault *mail_send(struct tx *tx, struct app *app, const struct mail_template *template,
			struct str to_address, struct str values)
{
	const void *ctx = tx_mem(tx);
	const struct uuid id = uuid_new();
	const struct str id_text = uuid_str(ctx, id);
	struct mail_words words;
	struct str sealed;
	struct buf payload;

	if (!mail_address_is_plain(to_address))
		return fault_invalid(ctx, "/email", "invalid_email",
				     "is no address that mail can be sent to");
	TRY(mail_render(ctx, template, values, &words));
	sealed = keys_encrypt(ctx, app->keys, id_text, mail_words_json(ctx, &words));
	TRY(mail_put(tx, id, str_of(template->name), to_address, sealed));
	buf_init(&payload, ctx, 64);
	buf_printf(&payload, "{\"mail\":\"%.*s\"}", STR_ARG(id_text));
	return job_enqueue(tx, &send_job, buf_view(&payload), NULL);
}

/* Every mail is the platform's to send, whoever's it is. */
static struct tx *mail_tx(const void *mem, struct app *app, const struct job *job)
{
	const struct scope scope = {
		.tenant = job->tenant,
		.actor_kind = "system",
		.actor_name = str_of(job->type->name),
		.request_id = job->request_id,
	};

	return tx_new(mem, app->db, DB_PLATFORM, TX_WRITE, &scope);
}

static struct fault *load(const void *mem, struct app *app, const struct job *job,
			  struct mail_letter *ret_letter, bool *ret_found)
{
	struct tx *tx = mail_tx(mem, app, job);
	struct mail_take_row row;
	struct str plain, id_text;
	struct json payload;

	TRY(json_parse(mem, job->payload, &json_default_limits, &payload));
	id_text = json_string(mem, &payload, json_get(&payload, json_root(&payload), STR("mail")));
	if (str_is_null(id_text) || !uuid_parse(id_text, &ret_letter->id))
		return FAULT_BUG(mem, "a mail job without a mail");
	TRY(job_fence(tx, job));
	TRY(mail_take(tx, ret_letter->id, &row, ret_found));
	TRY(tx_commit(tx));
	if (!*ret_found)
		return NULL; /* sent already, by an attempt whose end got lost */
	TRY(keys_decrypt(mem, app->keys, id_text, row.sealed, &plain));
	TRY(mail_words_parse(mem, plain, &ret_letter->words));
	ret_letter->to = row.to_address;
	ret_letter->from = app->config->mail_from;
	ret_letter->at_us = clock_wall_us();
	return NULL;
}

static struct fault *settle(const void *mem, struct app *app, const struct job *job, struct uuid id,
			    const char *status, struct str error)
{
	struct tx *tx = mail_tx(mem, app, job);

	TRY(job_fence(tx, job));
	TRY(mail_settle(tx, id, str_of(status), error));
	return tx_commit(tx);
}

static struct fault *keep_here(const void *mem, struct app *app, const struct job *job,
			       const struct mail_letter *letter, struct str bytes)
{
	struct tx *tx = mail_tx(mem, app, job);

	TRY(job_fence(tx, job));
	TRY(dev_mail_store(tx, app->config, letter, bytes));
	TRY(mail_settle(tx, letter->id, STR("sent"), (struct str){ 0 }));
	return tx_commit(tx);
}

static struct fault *send_run(const void *mem, struct app *app, const struct job *job)
{
	struct mail_letter letter = { 0 };
	enum mail_outcome outcome;
	struct str bytes, detail;
	bool is_last, found;

	TRY(load(mem, app, job, &letter, &found));
	if (!found)
		return NULL;
	TRY(mail_mime(mem, &letter, &bytes));
	if (str_is_null(app->config->smtp_url))
		return keep_here(mem, app, job, &letter, bytes);
	outcome = smtp_send(mem, app->config, &letter, bytes, job, &detail);
	if (outcome == MAIL_SENT)
		return settle(mem, app, job, letter.id, "sent", (struct str){ 0 });
	if (outcome == MAIL_REFUSED)
		return settle(mem, app, job, letter.id, "refused", detail);
	is_last = job->attempt >= job->attempts;
	TRY(settle(mem, app, job, letter.id, is_last ? "failed" : "queued", detail));
	return fault_detail(FAULT(mem, FAULT_UNAVAILABLE, "mail_not_sent",
				  "The mail server did not take the mail."),
			    "%.*s", STR_ARG(detail));
}

static struct fault *forget_run(const void *mem, struct app *app, const struct job *job)
{
	struct tx *tx = job_tx(mem, app, job, TX_WRITE);

	TRY(mail_forget_old(tx));
	return tx_commit(tx);
}

static struct fault *start(struct app *app)
{
	/* once, before any thread uses libcurl (curl_global_init(3)) */
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return FAULT_BUG(app, "libcurl does not start");
	return NULL;
}

static void stop(struct app *app)
{
	(void)app;
	curl_global_cleanup();
}

const struct module mail_module = {
	.name = "mail",
	.needs = LIST(char *, "jobs"),
	.migrations = mail_migrations,
	.queries = mail_queries,
	.shapes = mail_shapes,
	.routes = LIST(struct route *, dev_mail_routes),
	.jobs = LIST(struct job_type *, &send_job, &forget_job),
	.schedules = (const struct job_schedule[]){ { "mail.forget", "23 3 * * *", &forget_job },
						    { 0 } },
	.start = start,
	.stop = stop,
};
