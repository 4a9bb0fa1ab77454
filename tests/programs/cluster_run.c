/* cluster_run.c - starts the private cluster of a data folder, says so, waits
 * for the end of its input, stops it. For tests/sql/test_cluster.py:
 *   cluster_run FOLDER   ->   "ready <ms> <conninfo of bulkhead_app>" */
#include "app/cluster.h"
#include "base/clock.h"

#include <stdio.h>
#include <talloc.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	void *mem = talloc_new(NULL);
	int64_t started_ms = clock_steady_ms();
	struct cluster *cluster;
	char byte;

	if (argc != 2)
		return 2;
	struct fault *f = cluster_start(mem, argv[1], &cluster);
	if (f) {
		fprintf(stderr, "%s\n", fault_describe(mem, f));
		return 1;
	}
	printf("ready %lld %s\n", (long long)(clock_steady_ms() - started_ms),
	       cluster_conninfo(cluster, DB_APP));
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	cluster_stop(cluster);
	talloc_free(mem);
	return 0;
}
