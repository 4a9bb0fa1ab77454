/* attempts.c - guessing passwords, made slow and uninformative.
 *
 * An attempt is counted before its password is looked at and taken back when it
 * was right, so a burst in parallel wins nothing. Unknown address, wrong
 * password, waiting after failures, disabled account: the same status, the
 * same words, and the same work (a hash against a dummy where there is nothing
 * to compare). */
#include "modules/identity/identity_internal.h"

#include "services/crypto/crypto.h"

#include <arpa/inet.h>

struct tx *person_tx(struct request *rq, struct uuid user, struct str name)
{
	bool is_person = !uuid_is_nil(user);
	struct scope scope = {
		.user = user,
		.actor_kind = is_person ? "user" : "anonymous",
		.actor_id = user,
		.actor_name = name,
		.request_id = rq->request_id,
		.ip = rq->http->peer,
		.user_agent = http_field(rq->http, STR("User-Agent")),
	};

	return tx_new(rq->mem, rq->app->db, DB_PLATFORM, TX_WRITE, &scope);
}

static struct str mac_view(const uint8_t mac[32])
{
	return (struct str){ (const char *)mac, 32 };
}

static struct fault *count_and_find(struct tx *tx, struct str email, struct attempt *a)
{
	struct attempt_begin_row may;

	TRY(attempt_begin(tx, mac_view(a->account), mac_view(a->address), &may));
	TRY(user_by_email(tx, email, &a->user, &a->found));
	TRY(tx_commit(tx));
	a->is_allowed = may.account_may && may.address_may;
	return NULL;
}

/* An IPv6 customer has a whole /64 to come from. */
static struct str address_block(const struct request *rq)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, str_dup(rq->mem, rq->http->peer), &a) != 1)
		return rq->http->peer;
	return crypto_hex(rq->mem, (struct str){ (const char *)a.s6_addr, 8 });
}

struct fault *attempt_name(struct tx *tx, const struct request *rq, struct str email,
			   struct attempt *ret_attempt)
{
	const struct keys *k = rq->app->keys;
	struct account_key_row account;

	*ret_attempt = (struct attempt){ 0 };
	TRY(account_key(tx, email, &account));
	keys_mac(k, "attempt account", account.key, ret_attempt->account);
	keys_mac(k, "attempt address", address_block(rq), ret_attempt->address);
	return NULL;
}

struct fault *attempt_open(struct request *rq, struct str email, struct attempt *ret_attempt)
{
	struct tx *tx = person_tx(rq, (struct uuid){ 0 }, (struct str){ NULL, 0 });
	struct fault *f = attempt_name(tx, rq, email, ret_attempt);

	if (!f)
		f = count_and_find(tx, email, ret_attempt);
	tx_end(tx);
	return f;
}

struct fault *attempt_check(struct request *rq, const struct attempt *a, struct str password,
			    bool *ret_is_right, bool *ret_needs_rehash)
{
	struct str stored = { NULL, 0 };

	if (a->is_allowed && a->found && a->user.is_active)
		stored = a->user.password_hash;
	return hasher_verify(rq->mem, rq->app->hasher, password, stored, ret_is_right,
			     ret_needs_rehash);
}

struct fault *attempt_forgive(struct tx *tx, const struct attempt *a)
{
	int64_t n;

	return attempt_succeeded(tx, mac_view(a->account), mac_view(a->address), &n);
}

static struct fault *note_failure(struct tx *tx, const struct attempt *a)
{
	struct str detail =
		a->is_allowed ? STR("{\"reason\":\"wrong\"}") : STR("{\"reason\":\"waiting\"}");

	if (a->found)
		TRY(audit_login(tx, a->user.id, STR("login"), STR("failed"), detail));
	else
		TRY(audit_login_unknown(tx, STR("login"), detail));
	return tx_commit(tx);
}

struct fault *attempt_refuse(struct request *rq, const struct attempt *a)
{
	struct tx *tx = person_tx(rq, (struct uuid){ 0 }, (struct str){ NULL, 0 });
	struct fault *f = note_failure(tx, a);

	tx_end(tx);
	if (f)
		return f;
	return FAULT(rq->mem, FAULT_UNAUTHENTICATED, "invalid_credentials",
		     "The address or the password is not right. After several failures there is "
		     "a wait before the next try counts.");
}
