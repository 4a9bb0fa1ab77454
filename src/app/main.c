/* main.c - the program's entry. Out of memory ends it here: nothing sensible can be
 * done without, and a half-done change is rolled back by PostgreSQL. */
#include "app/cli.h"

#include <stdlib.h>
#include <talloc.h>

static void abort_with_reason(const char *reason)
{
	(void)reason;
	abort();
}

int main(int argc, char **argv)
{
	talloc_set_abort_fn(abort_with_reason);
	return cli_main(argc, argv);
}
