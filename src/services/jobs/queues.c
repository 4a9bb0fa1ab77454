/* queues.c - the ten queues (spec/platform.md section 4), as data. */
#include "services/jobs/jobs.h"

static const struct job_queue queues[] = {
	{ "email", 5, 5 },    { "documents", 3, 5 },   { "notifications", 10, 3 },
	{ "import", 1, 1 },   { "export", 2, 3 },      { "reports", 1, 3 },
	{ "webhooks", 5, 3 }, { "maintenance", 1, 3 }, { "ai", 2, 3 },
	{ "bulk", 2, 3 },
};

const struct job_queue *job_queue_at(size_t i)
{
	return i < sizeof(queues) / sizeof(queues[0]) ? &queues[i] : NULL;
}

const struct job_queue *job_queue_find(const char *name)
{
	for (size_t i = 0; job_queue_at(i); i++)
		if (!strcmp(queues[i].name, name))
			return &queues[i];
	return NULL;
}
