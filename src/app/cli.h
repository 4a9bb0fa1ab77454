/* cli.h - the command line: data on stdout, messages on stderr, exit 0 (done),
 * 1 (failed) or 2 (called wrongly). */
#pragma once

int cli_main(int argc, char **argv);
