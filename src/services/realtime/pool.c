/* pool.c - a few threads that ask the authority, so that the loop never waits for
 * the database. Tasks are taken in order; when too many wait, asking is refused
 * and the client is told to come back. */
#include "services/realtime/hub_internal.h"

#define WAITING_MAX 20000

struct pool {
	struct hub *hub;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct task *first, **end;
	int waiting;
	bool is_stopping;
	int thread_count;
	pthread_t *threads;
};

static struct task *take(struct pool *p)
{
	struct task *t = NULL;

	pthread_mutex_lock(&p->lock);
	while (!p->first && !p->is_stopping)
		pthread_cond_wait(&p->wake, &p->lock);
	if (!p->is_stopping) {
		t = p->first;
		p->first = t->next;
		if (!p->first)
			p->end = &p->first;
		p->waiting--;
	}
	pthread_mutex_unlock(&p->lock);
	return t;
}

static void *work(void *arg)
{
	struct pool *p = arg;
	struct task *t;

	pthread_setname_np(pthread_self(), "realtime-ask");
	while ((t = take(p))) {
		t->run(t, &p->hub->config.authority);
		hub_post(p->hub, &t->mail);
	}
	return NULL;
}

struct pool *pool_start(const void *ctx, struct hub *hub, int threads)
{
	struct pool *p = talloc_zero(ctx, struct pool);

	p->hub = hub;
	p->end = &p->first;
	p->threads = talloc_zero_array(p, pthread_t, (unsigned)threads);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&p->threads[p->thread_count], NULL, work, p) == 0)
			p->thread_count++;
	return p;
}

bool pool_submit(struct pool *p, struct task *t)
{
	pthread_mutex_lock(&p->lock);
	bool fits = p->waiting < WAITING_MAX && !p->is_stopping;
	if (fits) {
		t->next = NULL;
		*p->end = t;
		p->end = &t->next;
		p->waiting++;
		pthread_cond_signal(&p->wake);
	}
	pthread_mutex_unlock(&p->lock);
	return fits;
}

void pool_stop(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->is_stopping = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	p->thread_count = 0;
	while (p->first) {
		struct task *t = p->first;
		p->first = t->next;
		talloc_free(t);
	}
	p->end = &p->first;
}
