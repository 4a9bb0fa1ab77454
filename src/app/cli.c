/* cli.c - the commands of the program as a table (spec/platform.md section 9).
 *
 * A command opens as much of the server as it needs, does one thing and closes
 * it again. Secrets never come as arguments. */
#include "app/cli.h"

#include "app/config.h"
#include "app/doctor.h"
#include "app/seed.h"
#include "app/server.h"
#include "base/log.h"
#include "spine/openapi.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

struct call {
	const void *ctx;
	const struct config *config;
	bool json;
	bool demo;
	bool contract;
};

struct command {
	const char *name;
	const char *summary;
	bool needs_config;
	struct fault *(*run)(const struct call *call);
};

static void print(const struct buf *out)
{
	fwrite(out->p ? out->p : "", 1, out->n, stdout);
	if (out->n > 0 && out->p[out->n - 1] != '\n')
		fputc('\n', stdout);
}

static struct fault *with_server(const struct call *call, enum server_depth depth,
				 struct fault *(*work)(const struct call *, struct server *))
{
	struct server *s;

	TRY(server_open(call->ctx, call->config, depth, &s));
	struct fault *f = work(call, s);
	server_close(s);
	return f;
}

static struct fault *serve(const struct call *call)
{
	struct server *s;

	TRY(server_open(call->ctx, call->config, SERVER_FULL, &s));
	if (call->demo) {
		struct fault *f = seed_demo(call->ctx, server_app(s));
		if (f) {
			server_close(s);
			return f;
		}
	}
	server_run(s);
	server_close(s);
	return NULL;
}

static struct fault *nothing_more(const struct call *call, struct server *s)
{
	(void)call;
	(void)s;
	return NULL;
}

static struct fault *migrate(const struct call *call)
{
	return with_server(call, SERVER_DATABASE, nothing_more);
}

static struct fault *seed_work(const struct call *call, struct server *s)
{
	return seed_demo(call->ctx, server_app(s));
}

static struct fault *seed(const struct call *call)
{
	if (!call->demo)
		return FAULT(call->ctx, FAULT_INVALID, "usage", "Say which data: seed --demo");
	return with_server(call, SERVER_FULL, seed_work);
}

static struct fault *doctor_work(const struct call *call, struct server *s)
{
	struct buf out;
	bool healthy = false;

	buf_init(&out, call->ctx, 4 << 20);
	TRY(doctor_run(call->ctx, server_app(s), server_conninfo(s, DB_OWNER), call->json, &out,
		       &healthy));
	print(&out);
	if (!healthy)
		return FAULT(call->ctx, FAULT_CONFLICT, "unhealthy", "Something needs attention.");
	return NULL;
}

static struct fault *doctor(const struct call *call)
{
	return with_server(call, call->contract ? SERVER_CONTRACT : SERVER_DATABASE, doctor_work);
}

static struct fault *openapi_work(const struct call *call, struct server *s)
{
	struct buf out;

	buf_init(&out, call->ctx, 32 << 20);
	openapi_write(server_app(s)->registry, &out);
	print(&out);
	return NULL;
}

static struct fault *openapi(const struct call *call)
{
	return with_server(call, SERVER_CONTRACT, openapi_work);
}

static struct fault *routes_work(const struct call *call, struct server *s)
{
	struct buf out;

	buf_init(&out, call->ctx, 32 << 20);
	registry_routes_json(server_app(s)->registry, &out);
	print(&out);
	return NULL;
}

static struct fault *routes(const struct call *call)
{
	return with_server(call, SERVER_CONTRACT, routes_work);
}

static struct fault *show_config(const struct call *call)
{
	struct buf out;

	buf_init(&out, call->ctx, 1 << 20);
	config_print(&out, call->config, call->json);
	print(&out);
	return NULL;
}

static struct fault *show_reference(const struct call *call)
{
	struct buf out;

	buf_init(&out, call->ctx, 1 << 20);
	config_reference(&out);
	print(&out);
	return NULL;
}

static struct fault *version(const struct call *call)
{
	printf(call->json ? "{\"version\":\"%s\"}\n" : "bulkhead %s\n", BULKHEAD_VERSION);
	return NULL;
}

static const struct command commands[] = {
	{ "serve", "Run the server until Ctrl-C (--demo: with demo data)", true, serve },
	{ "migrate", "Bring the database schema up to date", true, migrate },
	{ "seed", "--demo: two organisations with people and events, once", true, seed },
	{ "doctor", "Look for faults (--contract: of the program itself, no database)", true,
	  doctor },
	{ "openapi", "Print the OpenAPI 3.1 document", true, openapi },
	{ "routes", "Print every route as JSON", true, routes },
	{ "config", "Print the effective configuration, secrets masked", true, show_config },
	{ "options", "Print the reference of all options as Markdown", false, show_reference },
	{ "version", "Print the version", false, version },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static void usage(FILE *to)
{
	fputs("bulkhead - a multi-tenant platform in one program\n\n"
	      "Usage: bulkhead COMMAND [--json] [--config FILE]\n\n",
	      to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\nOptions come from the environment or a TOML file: bulkhead options\n"
	      "Exit: 0 done, 1 failed, 2 called wrongly. Data on stdout, messages on stderr.\n",
	      to);
}

static void print_fault(const void *ctx, const struct fault *f)
{
	fprintf(stderr, "bulkhead: %s\n", f->text);
	for (const struct fault_field *field = f->fields; field; field = field->next)
		fprintf(stderr, "  %s: %s (%s)\n", field->field, field->message, field->code);
	if (f->kind == FAULT_INTERNAL || f->detail)
		fprintf(stderr, "  %s\n", fault_describe(ctx, f));
}

/* Signals are taken by sigwait in the main thread; every thread inherits this. */
static void block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Answers the first argument that is not understood, or NULL. */
static const char *read_options(int argc, char **argv, struct call *call, const char **ret_file)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			call->json = true;
		else if (strcmp(argv[i], "--demo") == 0)
			call->demo = true;
		else if (strcmp(argv[i], "--contract") == 0)
			call->contract = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			*ret_file = argv[++i];
		else
			return argv[i];
	}
	return NULL;
}

static bool asks(int argc, char **argv, const char *what, const char *letter)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], what) == 0 || strcmp(argv[i], letter) == 0)
			return true;
	return false;
}

/* Short on purpose: the fault must not drown in the usage text. */
static int called_wrongly(const char *what, const char *name)
{
	fprintf(stderr, "bulkhead: %s %s; see bulkhead --help\n", what, name);
	return 2;
}

static struct fault *run(const struct command *command, struct call *call, const char *file)
{
	struct config *config = NULL;
	enum log_level level = LOG_LEVEL_INFO;

	if (command->needs_config) {
		TRY(config_load(call->ctx, file, &config));
		log_level_of(config->log_level, &level);
		log_setup(level, config->development ? LOG_STYLE_TEXT : LOG_STYLE_JSON);
		call->config = config;
	}
	return command->run(call);
}

int cli_main(int argc, char **argv)
{
	struct call call = { .ctx = talloc_new(NULL) };
	const char *file = NULL;

	if (asks(argc, argv, "--help", "-h") || (argc > 1 && strcmp(argv[1], "help") == 0)) {
		usage(stdout);
		return 0;
	}
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	bool asks_version = strcmp(argv[1], "--version") == 0;
	const struct command *command = find_command(asks_version ? "version" : argv[1]);
	if (!command)
		return called_wrongly("there is no command", argv[1]);
	const char *odd = read_options(argc, argv, &call, &file);
	if (odd)
		return called_wrongly("cannot use", odd);
	block_signals();
	struct fault *f = run(command, &call, file);
	if (f)
		print_fault(call.ctx, f);
	int status = f ? 1 : 0;
	talloc_free((void *)(uintptr_t)call.ctx);
	return status;
}
