/* services_node.c - a process to be killed: event log and jobs of one node.
 *
 *   services_node FILE     (BULKHEAD_TEST_DSN_* as from tools/with_postgres.py)
 *
 * Appends "<seq> <subject>" to FILE for each event it hears, and runs jobs of
 * type crash.note: they note their beginning and, in the job's transaction,
 * their end in public.runs (made by tests/crash). Ends at SIGTERM. */
#include "unit/services_fixture.h"

#include "base/json.h"

#include <signal.h>
#include <unistd.h>

static const enum db_type note_types[] = { DB_INT, DB_INT, DB_INT, DB_TEXT };
static const struct db_query note_query = {
	.name = "note",
	.sql = "insert into public.runs (n, attempt, process, what) values ($1, $2, $3, $4)",
	.param_count = 4,
	.param_types = note_types,
};

static struct fault *note(struct tx *tx, const struct job *job, int64_t n, const char *what)
{
	const struct db_param params[] = { { .number = n },
					   { .number = job->attempt },
					   { .number = getpid() },
					   { .text = str_of(what) } };

	return tx_defer(tx, &note_query, params);
}

static struct fault *note_run(const void *mem, struct app *app, const struct job *job)
{
	struct json payload;
	struct tx *tx;
	int64_t n = 0;

	TRY(json_parse(mem, job->payload, &json_default_limits, &payload));
	json_int(&payload, json_get(&payload, json_root(&payload), STR("n")), &n);
	tx = job_tx(mem, app, job, TX_WRITE);
	TRY(note(tx, job, n, "begin"));
	TRY(tx_commit(tx));
	sleep_ms(n % 10);
	tx = job_tx(mem, app, job, TX_WRITE);
	TRY(note(tx, job, n, "end"));
	return tx_commit(tx);
}

static const struct job_type note_job = { .name = "crash.note",
					  .queue = "notifications",
					  .run = note_run };
static const struct module crash_module = {
	.name = "crash",
	.needs = LIST(char *, "jobs"),
	.jobs = LIST(struct job_type *, &note_job),
};

static void hear(void *arg, const struct event *list, size_t n)
{
	FILE *out = arg;

	for (size_t i = 0; i < n; i++)
		fprintf(out, "%lld %.*s\n", (long long)list[i].seq, STR_ARG(list[i].subject));
	fflush(out);
}

int main(int argc, char **argv)
{
	sigset_t signals;
	int signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	FILE *out = argc > 1 ? fopen(argv[1], "a") : NULL;
	if (!out)
		return 2;
	struct node *n = node_open(LIST(struct module *, &crash_module), true);
	fprintf(out, "head %lld\n", (long long)events_head(n->app.events));
	events_subscribe(n->app.events, hear, out);
	fprintf(out, "ready\n");
	fflush(out);
	sigwait(&signals, &signal);
	node_close(n);
	fclose(out);
	return 0;
}
