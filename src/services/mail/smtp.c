/* smtp.c - one letter to the configured server through libcurl (RFC 5321).
 *
 * Credentials never travel in the clear: with a user name in the URL STARTTLS
 * is required, unless the server is on this machine. Certificates are checked
 * against the system's list, or SSL_CERT_FILE as OpenSSL's own programs do.
 * What the server said last is kept as the reason, for the list of mails. */
#include "services/mail/mail_internal.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <talloc.h>

#define CONNECT_TIMEOUT_S 10
#define TIMEOUT_S 30
#define REPLY_MOST 300

struct transfer {
	const struct job *job;
	struct str rest;	/* of the letter */
	char reply[REPLY_MOST]; /* the server's last line, or its first refusal */
	size_t reply_n;
};

static size_t give_bytes(char *to, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	const size_t n = size * count < t->rest.n ? size * count : t->rest.n;

	memcpy(to, t->rest.p, n);
	t->rest = str_slice(t->rest, n, t->rest.n);
	return n;
}

static int hear(CURL *curl, curl_infotype type, char *data, size_t n, void *arg)
{
	struct transfer *t = arg;
	const struct str line = str_trim((struct str){ data, n });

	(void)curl;
	if (type == CURLINFO_HEADER_IN && line.n > 0 && t->reply[0] != '4' && t->reply[0] != '5') {
		t->reply_n = line.n < REPLY_MOST ? line.n : REPLY_MOST;
		memcpy(t->reply, line.p, t->reply_n);
		for (size_t i = 0; i < t->reply_n; i++)
			if (t->reply[i] < ' ' || t->reply[i] > '~')
				t->reply[i] = '?';
	}
	return 0;
}

/* Not 0: libcurl gives up. A server that does not answer must not hold up ours. */
static int go_on(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct transfer *t = arg;

	(void)a, (void)b, (void)c, (void)d;
	return job_should_end(t->job);
}

static bool is_this_machine(const char *host)
{
	return !strcmp(host, "localhost") || !strcmp(host, "127.0.0.1") || !strcmp(host, "[::1]");
}

/* Must the session be encrypted by STARTTLS? */
static bool needs_starttls(const struct config *config)
{
	CURLU *url = curl_url();
	char *host = NULL, *user = NULL;
	bool needs = config->smtp_starttls;

	if (!curl_url_set(url, CURLUPART_URL, config->smtp_url.p, CURLU_NON_SUPPORT_SCHEME) &&
	    !curl_url_get(url, CURLUPART_HOST, &host, 0) &&
	    !curl_url_get(url, CURLUPART_USER, &user, 0) && !is_this_machine(host))
		needs = true;
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(url);
	return needs;
}

static struct curl_slist *set_up(CURL *curl, const void *ctx, const struct config *config,
				 const struct mail_letter *letter)
{
	const struct str from = mail_address_of(letter->from);
	struct curl_slist *to =
		curl_slist_append(NULL, talloc_asprintf(ctx, "<%.*s>", STR_ARG(letter->to)));

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_URL, str_dup(ctx, config->smtp_url));
	curl_easy_setopt(curl, CURLOPT_USE_SSL,
			 needs_starttls(config) ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, talloc_asprintf(ctx, "<%.*s>", STR_ARG(from)));
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
	if (getenv("SSL_CERT_FILE"))
		curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	return to;
}

static enum mail_outcome judge(CURL *curl, CURLcode code)
{
	curl_off_t sent = 0;
	long reply = 0;

	if (code == CURLE_OK)
		return MAIL_SENT;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
	curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &sent);
	/* MAIL, RCPT and DATA fail as SEND_ERROR; a 5xx to the greeting, to STARTTLS
	 * or to AUTH is about us, not about the letter */
	if (reply >= 500 && reply < 600 && (code == CURLE_SEND_ERROR || sent > 0))
		return MAIL_REFUSED;
	return MAIL_LATER;
}

enum mail_outcome smtp_send(const void *ctx, const struct config *config,
			    const struct mail_letter *letter, struct str bytes,
			    const struct job *job, struct str *ret_detail)
{
	struct transfer t = { .job = job, .rest = bytes };
	CURL *curl = curl_easy_init();
	enum mail_outcome outcome;
	struct curl_slist *to;
	CURLcode code;

	if (!curl) {
		*ret_detail = STR("libcurl has no memory");
		return MAIL_LATER;
	}
	to = set_up(curl, ctx, config, letter);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_bytes);
	curl_easy_setopt(curl, CURLOPT_READDATA, &t);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)bytes.n);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, go_on);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &t);
	curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L); /* for the replies; nothing is printed */
	curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, hear);
	curl_easy_setopt(curl, CURLOPT_DEBUGDATA, &t);
	code = curl_easy_perform(curl);
	outcome = judge(curl, code);
	*ret_detail = str_of(talloc_asprintf(ctx, "%s; server: %.*s", curl_easy_strerror(code),
					     (int)t.reply_n, t.reply));
	curl_slist_free_all(to);
	curl_easy_cleanup(curl);
	return outcome;
}
