/* main.c - the program's entry: the command line (cli.c) does the rest. */
#include <stdio.h>

int main(void)
{
	puts("bulkhead " BULKHEAD_VERSION);
	return 0;
}
