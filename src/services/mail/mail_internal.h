/* mail_internal.h - what the files of services/mail share: a rendered mail, its
 * words as MIME, and the two ways it can go. */
#pragma once

#include "services/mail/mail.h"

#include "services/jobs/jobs.h"
#include "services/mail/mail_gen.h"

struct mail_words { /* rendered; UTF-8 */
	struct str subject;
	struct str text;
	struct str html;
};

struct mail_letter {
	struct uuid id; /* its Message-ID is made of it */
	struct str to;
	struct str from; /* "Name <address>" or the address alone */
	int64_t at_us;
	struct mail_words words;
};

/* Could this be an address we may put after RCPT TO? Stricter than RFC 5321: no
 * blanks, controls, quotes, brackets or bytes above ASCII. */
bool mail_address_is_plain(struct str address);
/* Fills the holes of a template from a JSON object of texts. */
struct fault *mail_render(const void *ctx, const struct mail_template *template, struct str values,
			  struct mail_words *ret_words);
/* {"subject","text","html"} and back: what core.mails keeps, sealed. */
struct str mail_words_json(const void *ctx, const struct mail_words *words);
struct fault *mail_words_parse(const void *ctx, struct str json, struct mail_words *ret_words);

/* The address inside "Name <address>", or the whole text. */
struct str mail_address_of(struct str from);
/* The letter as it travels (RFC 5322, multipart/alternative, CRLF). */
struct fault *mail_mime(const void *ctx, const struct mail_letter *letter, struct str *ret_bytes);

/* What an SMTP server said in the end. */
enum mail_outcome {
	MAIL_SENT,
	MAIL_LATER,   /* 4xx, or the connection failed: try again */
	MAIL_REFUSED, /* 5xx: it will never take this one */
};
enum mail_outcome smtp_send(const void *ctx, const struct config *config,
			    const struct mail_letter *letter, struct str bytes,
			    const struct job *job, struct str *ret_detail);

/* The development mailbox is open when no SMTP server is configured and the
 * public address is this machine's own: everybody's links lie there. */
bool dev_mail_is_open(const struct config *config);
struct fault *dev_mail_store(struct tx *tx, const struct config *config,
			     const struct mail_letter *letter, struct str bytes);
extern const struct route dev_mail_routes[];
