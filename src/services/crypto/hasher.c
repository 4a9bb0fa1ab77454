/* hasher.c - argon2id in threads of its own, bounded.
 *
 * A password hash takes 64 MiB and a tenth of a second by intent. Letting every
 * worker do it would let a login storm eat memory and all workers' time, so
 * callers queue here: a fixed number hash at once, at most 64 wait, the rest
 * are told to come back. Callers block until their turn; they must not hold a
 * transaction meanwhile. */
#include "services/crypto/crypto.h"

#include <pthread.h>
#include <sodium.h>
#include <talloc.h>
#include <unistd.h>

#define HASH_OPSLIMIT 3ULL
#define HASH_MEMLIMIT (64U << 20)
#define HASH_WAITING_MAX 64
#define HASH_THREADS_MAX 16
#define HASH_PASSWORD_MAX 1024 /* bytes; 256 code points */

/* A hash of a password nobody has, with the parameters above: verifying against
 * it takes as long as against a real one. */
static const char dummy_hash[] =
	"$argon2id$v=19$m=65536,t=3,p=1$"
	"ZFg51JsJOxp2hpEbOeE4MA$phK5rJrbma4B6FierOr5qAKCUYFRNcE9WbkvplNyL84";

enum hash_work { WORK_HASH, WORK_VERIFY };

/* One piece of work; lives on the stack of the caller, who waits for it. */
struct hash_job {
	enum hash_work work;
	const char *password;
	size_t password_bytes;
	char text[crypto_pwhash_STRBYTES];
	bool ok;
	bool done;
	struct hash_job *next;
};

struct hasher {
	pthread_mutex_t lock;
	pthread_cond_t work_came;
	pthread_cond_t work_done;
	struct hash_job *first, **last;
	int waiting;
	bool stopping;
	int threads;
	pthread_t thread[HASH_THREADS_MAX];
};

static void hash_run(struct hash_job *job)
{
	if (job->work == WORK_VERIFY)
		job->ok = crypto_pwhash_argon2id_str_verify(job->text, job->password,
							    job->password_bytes) == 0;
	else
		job->ok = crypto_pwhash_argon2id_str(job->text, job->password, job->password_bytes,
						     HASH_OPSLIMIT, HASH_MEMLIMIT) == 0;
}

static void *hasher_loop(void *arg)
{
	struct hasher *h = arg;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		struct hash_job *job;

		while (!h->first && !h->stopping)
			pthread_cond_wait(&h->work_came, &h->lock);
		job = h->first;
		if (!job)
			break;
		h->first = job->next;
		if (!h->first)
			h->last = &h->first;
		h->waiting--;
		pthread_mutex_unlock(&h->lock);
		hash_run(job);
		pthread_mutex_lock(&h->lock);
		job->done = true;
		pthread_cond_broadcast(&h->work_done);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* Runs when the owner's context is freed: finishes what waits, joins. */
static int hasher_stop(struct hasher *h)
{
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_broadcast(&h->work_came);
	pthread_mutex_unlock(&h->lock);
	for (int i = 0; i < h->threads; i++)
		pthread_join(h->thread[i], NULL);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->work_came);
	pthread_cond_destroy(&h->work_done);
	return 0;
}

struct fault *hasher_new(const void *ctx, int threads, struct hasher **ret_hasher)
{
	struct hasher *h;

	if (sodium_init() < 0)
		return FAULT_BUG(ctx, "libsodium cannot start");
	h = talloc_zero(ctx, struct hasher);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->work_came, NULL);
	pthread_cond_init(&h->work_done, NULL);
	h->last = &h->first;
	talloc_set_destructor(h, hasher_stop);
	if (threads == 0)
		threads = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	if (threads < 1)
		threads = 1;
	if (threads > HASH_THREADS_MAX)
		threads = HASH_THREADS_MAX;
	for (; h->threads < threads; h->threads++)
		if (pthread_create(&h->thread[h->threads], NULL, hasher_loop, h) != 0) {
			talloc_free(h);
			return FAULT_BUG(ctx, "a hashing thread cannot start");
		}
	*ret_hasher = h;
	return NULL;
}

static struct fault *hasher_do(const void *ctx, struct hasher *h, struct hash_job *job)
{
	pthread_mutex_lock(&h->lock);
	if (h->waiting >= HASH_WAITING_MAX || h->stopping) {
		struct fault *f;

		pthread_mutex_unlock(&h->lock);
		f = FAULT(ctx, FAULT_UNAVAILABLE, "sign_in_busy",
			  "Too many people are signing in right now. Please try again shortly.");
		f->retry_after_s = 2;
		return f;
	}
	*h->last = job;
	h->last = &job->next;
	h->waiting++;
	pthread_cond_signal(&h->work_came);
	while (!job->done)
		pthread_cond_wait(&h->work_done, &h->lock);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

struct fault *hasher_hash(const void *ctx, struct hasher *h, struct str password,
			  struct str *ret_hash)
{
	struct hash_job job = { .work = WORK_HASH,
				.password = password.p ? password.p : "",
				.password_bytes = password.n };

	if (password.n > HASH_PASSWORD_MAX)
		return FAULT_BUG(ctx, "a password of %zu bytes reached the hasher", password.n);
	TRY(hasher_do(ctx, h, &job));
	if (!job.ok)
		return FAULT_BUG(ctx, "argon2id has no memory");
	*ret_hash = str_of(talloc_strdup(ctx, job.text));
	return NULL;
}

struct fault *hasher_verify(const void *ctx, struct hasher *h, struct str password,
			    struct str stored, bool *ret_matches, bool *ret_needs_rehash)
{
	struct hash_job job = { .work = WORK_VERIFY, .password = password.p ? password.p : "" };
	bool usable = stored.p && stored.n < sizeof(job.text) && password.n <= HASH_PASSWORD_MAX;
	struct str hash = usable ? stored : (struct str){ dummy_hash, sizeof(dummy_hash) - 1 };

	job.password_bytes = usable ? password.n : 0;
	memcpy(job.text, hash.p, hash.n);
	TRY(hasher_do(ctx, h, &job));
	*ret_matches = usable && job.ok;
	*ret_needs_rehash = *ret_matches && crypto_pwhash_argon2id_str_needs_rehash(
						    job.text, HASH_OPSLIMIT, HASH_MEMLIMIT) != 0;
	return NULL;
}
