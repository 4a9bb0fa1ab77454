/* identity_internal.h - what the files of this module share. */
#pragma once

#include "modules/identity/identity.h"
#include "modules/identity/identity_gen.h"

#define DAY_S 86400
#define HOUR_S 3600
#define ACCESS_TOKEN_S 900
#define REFRESH_TOKEN_S (30 * DAY_S)
#define VERIFY_LINK_S DAY_S
#define RESET_LINK_S 1800
#define MAILS_PER_HOUR 5
#define SESSIONS_MAX 50

extern const struct route registration_routes[];
extern const struct route sign_in_routes[];
extern const struct route token_routes[];
extern const struct route recovery_routes[];
extern const struct route me_routes[];
extern const struct route session_routes[];

extern const struct job_type forgot_job;
extern const struct job_type sweep_job;

authenticate_fn session_authenticate;

/* A writing transaction of its own as bulkhead_platform, acting as this person
 * (nil: nobody yet). Handlers that hash passwords use it, because a hash takes
 * too long to hold a connection. The caller ends it. */
struct tx *person_tx(struct request *rq, struct uuid user, struct str name);

/* ---- sessions (signin_open.c) ---- */

struct sign_in_as {
	struct uuid user;
	bool by_token;
	bool remembered;
};

struct opened {
	struct uuid session;
	struct str cookie_token;  /* cookie mode */
	struct str refresh_token; /* token mode */
	bool remembered;
};

/* Opens a session in tx: new secrets, never those of an older one. */
struct fault *signin_open(struct tx *tx, struct request *rq, const struct sign_in_as *as,
			  struct opened *ret_opened);
/* Answers with `session_opened`: person, organisations, CSRF token or tokens. */
struct fault *signin_reply(struct request *rq, int status, const struct sign_in_as *as,
			   const struct opened *o, struct str user, struct str tenants);
/* The session cookie with this value; absent removes it. */
void signin_cookie(struct request *rq, struct str value, bool remembered);
/* What X-CSRF-Token must be in this session. */
struct str csrf_token(const void *ctx, const struct keys *k, struct uuid session);
/* A signed access token of 15 minutes. */
struct str access_token(const void *ctx, const struct app *app, struct uuid user,
			struct uuid session);

/* password_check with what is known of the person; organization may be absent. */
struct fault *password_suits(const void *ctx, struct str password, struct str name,
			     struct str email, struct str organization);

/* ---- guessing (attempts.c) ---- */

struct attempt {
	uint8_t account[32];
	uint8_t address[32];
	bool is_allowed;
	bool found;
	struct user_by_email_row user;
};

/* Counts the attempt and reads the account, in a transaction of its own. */
struct fault *attempt_open(struct request *rq, struct str email, struct attempt *ret_attempt);
/* Is the password right? Takes the same time whatever the answer. */
struct fault *attempt_check(struct request *rq, const struct attempt *a, struct str password,
			    bool *ret_is_right, bool *ret_needs_rehash);
/* Whose counters, without counting: for who proved themselves in another way. */
struct fault *attempt_name(struct tx *tx, const struct request *rq, struct str email,
			   struct attempt *ret_attempt);
/* In tx: it was right, the counters start anew. */
struct fault *attempt_forgive(struct tx *tx, const struct attempt *a);
/* Notes the failure and gives the one answer to all of them. */
struct fault *attempt_refuse(struct request *rq, const struct attempt *a);

/* ---- mails (mails.c) ---- */

struct fault *mail_verification(struct tx *tx, struct app *app, struct uuid user, struct str name,
				struct str email);
struct fault *mail_reset(struct tx *tx, struct app *app, struct uuid user, struct str name,
			 struct str email);
struct fault *mail_welcome(struct tx *tx, struct app *app, struct str name, struct str email);
/* Has this person been sent enough such mails for an hour? */
struct fault *mail_is_enough(struct tx *tx, struct uuid user, const char *purpose,
			     bool *ret_is_enough);

/* "Firefox", "macOS" from a User-Agent; never NULL (device.c). */
const char *device_browser(struct str user_agent);
const char *device_os(struct str user_agent);
