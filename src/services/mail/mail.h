/* mail.h - mails from templates, sent as jobs through SMTP (libcurl), or kept in the
 * development mailbox when no SMTP server is configured.
 *
 * A template is a folder file modules/<m>/mail/<name>.txt and .html, embedded
 * at build time, with {{name}} holes: escaped in HTML, plain in text. Holes
 * come from a JSON object of texts; a hole without a value is a fault. Secrets
 * (links with tokens) live in core.mails until sent, encrypted with the
 * server's key, not in the job. */
#pragma once

#include "db/db.h"
#include "spine/module.h"

struct mail_template {
	const char *name;    /* "tenants/invitation" */
	const char *subject; /* with holes */
	const char *text;
	const char *html;
};

/* Writes the mail in tx (of either serving role) and enqueues its sending.
 * values: JSON object of texts. FAULT_INVALID for an address that cannot be
 * one. */
struct fault *mail_send(struct tx *tx, struct app *app, const struct mail_template *template,
			struct str to_address, struct str values);
extern const struct module mail_module; /* its tables, job and /dev/mail routes */
