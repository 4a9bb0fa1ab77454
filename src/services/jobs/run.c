/* run.c - the threads that run jobs: born when there is work, gone when there is none.
 *
 * A runner serves any queue that has a task waiting and room; it begins nothing
 * when the worker's lease is nearly over, because somebody else may begin it
 * then. A C function cannot be stopped from outside: at its deadline a job's
 * transactions fail, and it is counted as overdue until it returns. */
#include "services/jobs/jobs_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>
#include <talloc.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MOST_MS 3600000
#define TIMEOUT_S 60

void task_push(struct task_list *list, struct task *t)
{
	t->next = NULL;
	*(list->last ? &list->last->next : &list->first) = t;
	list->last = t;
	list->n++;
}

struct task *task_pop(struct task_list *list)
{
	struct task *t = list->first;

	if (!t)
		return NULL;
	list->first = t->next;
	if (!list->first)
		list->last = NULL;
	list->n--;
	return t;
}

void task_append(struct task_list *to, struct task_list *from)
{
	if (!from->first)
		return;
	*(to->last ? &to->last->next : &to->first) = from->first;
	to->last = from->last;
	to->n += from->n;
	*from = (struct task_list){ 0 };
}

/* Doubles with each attempt, plus up to half of it by chance, so that what failed
 * together does not come back together. */
static int64_t backoff_ms(int attempt)
{
	int64_t ms = BACKOFF_FIRST_MS;
	uint32_t dice = 0;

	for (int i = 1; i < attempt && ms < BACKOFF_MOST_MS; i++)
		ms *= 2;
	ms = ms < BACKOFF_MOST_MS ? ms : BACKOFF_MOST_MS;
	if (getrandom(&dice, sizeof(dice), 0) != sizeof(dice))
		dice = 0;
	return ms + dice % (ms / 2);
}

/* Lock held. */
static struct task *take(struct jobs *j)
{
	if (j->stopping || clock_steady_ms() > j->lease_until_ms)
		return NULL;
	for (size_t i = 0; i < j->queue_count; i++) {
		struct queue *q = &j->queues[j->turn++ % j->queue_count];

		if (q->waiting.first && q->running < q->kind->concurrency) {
			q->running++;
			j->running++;
			return task_pop(&q->waiting);
		}
	}
	return NULL;
}

static void judge(struct task *t, const void *mem, const struct fault *f)
{
	const bool is_last = t->job.attempt >= t->job.attempts;

	t->outcome = !f ? OUTCOME_DONE : is_last ? OUTCOME_DEAD : OUTCOME_AGAIN;
	if (f && *t->job.stopping)
		t->outcome = OUTCOME_BACK; /* cut short by us, not its own failure */
	if (t->outcome == OUTCOME_DONE || t->outcome == OUTCOME_BACK)
		return;
	t->error = str_of(fault_describe(mem, f));
	if (t->error.n > ERROR_MOST_BYTES)
		t->error.n = ERROR_MOST_BYTES;
	while (t->error.n > 0 && !str_is_utf8(t->error))
		t->error.n--; /* cut inside a character */
	t->error = str_copy(t, t->error);
	t->delay_ms = backoff_ms(t->job.attempt);
	LOG_WARN(is_last ? "job dead" : "job failed", LOG_TEXT("type", t->job.type->name),
		 LOG_INT("job", t->job.id), LOG_INT("attempt", t->job.attempt),
		 LOG_STR("fault", t->error));
}

static void run_task(struct jobs *j, struct task *t)
{
	const int64_t began_ms = clock_steady_ms();
	const int timeout_s = t->job.type->timeout_s ? t->job.type->timeout_s : TIMEOUT_S;
	void *mem = talloc_new(NULL);

	t->job.deadline_ms = began_ms + timeout_s * 1000LL;
	judge(t, mem, t->job.type->run(mem, j->app, &t->job));
	talloc_free(mem);
	if (clock_steady_ms() > t->job.deadline_ms) {
		LOG_WARN("job overdue", LOG_TEXT("type", t->job.type->name),
			 LOG_INT("job", t->job.id), LOG_INT("ms", clock_steady_ms() - began_ms));
		__atomic_add_fetch(&j->overdue, 1, __ATOMIC_RELAXED);
	}
}

/* Lock held. */
static void end(struct jobs *j, struct task *t)
{
	struct queue *q = t->queue;

	q->running--;
	j->running--;
	q->ended++;
	if (j->ended.n == 0)
		j->first_ended_ms = clock_steady_ms();
	task_push(&j->ended, t);
	/* the dispatcher is told once at the first and once at the last moment */
	if (j->ended.n == 1 || j->ended.n == SETTLE_AT || !q->waiting.first)
		pthread_cond_signal(&j->bell);
}

static void *run(void *arg)
{
	struct jobs *j = arg;
	bool called = true;
	struct task *t;

	pthread_mutex_lock(&j->lock);
	for (;;) {
		t = take(j);
		if (t) {
			pthread_mutex_unlock(&j->lock);
			run_task(j, t);
			pthread_mutex_lock(&j->lock);
			end(j, t);
			continue;
		}
		if (j->stopping || !called)
			break;
		j->idle_runners++;
		called = jobs_wait(j, &j->work, clock_steady_ms() + RUNNER_IDLE_MS);
		j->idle_runners--;
	}
	j->runners--;
	pthread_cond_signal(&j->bell);
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

void runners_call(struct jobs *j)
{
	int wanted = 0;

	for (size_t i = 0; i < j->queue_count; i++) {
		const struct queue *q = &j->queues[i];
		const int room = q->kind->concurrency - q->running;

		wanted += q->waiting.n < room ? q->waiting.n : room;
	}
	for (int i = 0; i < j->idle_runners && i < wanted; i++)
		pthread_cond_signal(&j->work);
	for (wanted -= j->idle_runners; wanted > 0; wanted--) {
		pthread_attr_t attr;
		pthread_t thread;

		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, 1024 * 1024);
		j->runners++;
		if (pthread_create(&thread, &attr, run, j)) {
			j->runners--; /* those that run will come to it */
			wanted = 0;
		}
		pthread_attr_destroy(&attr);
	}
}
