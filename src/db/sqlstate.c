/* sqlstate.c - what an error of the database means to the caller.
 *
 * The rules come from Appendix A of the PostgreSQL manual (error codes). A
 * violated constraint takes its words from the constraint tables of the
 * modules. Values of the row (the server's DETAIL) never enter a fault: they
 * may be personal. */
#include "db/db_internal.h"

#include <stdio.h>

struct rule {
	const char *state; /* a whole SQLSTATE or its class */
	enum fault_kind kind;
	const char *code;
	const char *text;
	int retry_after_s;
};

/* The first match counts. What is not here is a bug of ours. */
static const struct rule rules[] = {
	{ "23505", FAULT_CONFLICT, "already_exists", "Such an entry exists already.", 0 },
	{ "23503", FAULT_CONFLICT, "reference_broken",
	  "Something this refers to is not there, or something still refers to it.", 0 },
	{ "23514", FAULT_INVALID, "invalid_value", "A value breaks a rule.", 0 },
	{ "23502", FAULT_INVALID, "required", "A required value is missing.", 0 },
	{ "23P01", FAULT_CONFLICT, "overlap", "This overlaps with another entry.", 0 },
	{ "22001", FAULT_INVALID, "too_long", "A value is too long.", 0 },
	{ "22003", FAULT_INVALID, "out_of_range", "A number is out of range.", 0 },
	{ "22007", FAULT_INVALID, "invalid_time", "A date or time cannot be read.", 0 },
	{ "22008", FAULT_INVALID, "invalid_time", "A date or time is out of range.", 0 },
	{ "22021", FAULT_INVALID, "invalid_text", "A text has bytes that are not UTF-8.", 0 },
	{ "22P02", FAULT_INVALID, "invalid_value", "A value cannot be read.", 0 },
	{ "22P05", FAULT_INVALID, "invalid_text", "A text has a character we cannot keep.", 0 },
	{ "40", FAULT_CONFLICT, "serialization",
	  "Somebody changed the same thing at the same moment. Try again.", 0 },
	{ "55P03", FAULT_UNAVAILABLE, "locked", "Somebody else is working on this. Try again.", 1 },
	{ "57014", FAULT_UNAVAILABLE, "timeout", "This took too long and was stopped.", 5 },
	{ "53", FAULT_UNAVAILABLE, "database_unavailable", "The service is busy. Try again.", 2 },
	{ "08", FAULT_UNAVAILABLE, "database_unavailable", "The service is restarting.", 2 },
	{ "57P", FAULT_UNAVAILABLE, "database_unavailable", "The service is restarting.", 2 },
	{ "25P03", FAULT_UNAVAILABLE, "timeout", "This took too long and was stopped.", 2 },
	{ "BH001", FAULT_UNAUTHENTICATED, "stale_access", "Your access has changed.", 0 },
	{ "BH002", FAULT_CONFLICT, "conflict", "This does not fit the present state.", 0 },
	{ "BH003", FAULT_INVALID, "invalid", "A value breaks a rule.", 0 },
	{ "P0002", FAULT_NOT_FOUND, "not_found", "There is nothing here.", 0 },
};

static const struct rule *find_rule(const char *state)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strncmp(state, rules[i].state, strlen(rules[i].state)) == 0)
			return &rules[i];
	}
	return NULL;
}

static const char *error_field(const PGresult *pg, int code)
{
	const char *text = PQresultErrorField(pg, code);

	return text ? text : "";
}

static struct fault *named_fault(const void *ctx, const struct rule *rule,
				 const struct db_constraint *named)
{
	/* a broken reference that has a field is the caller's input */
	enum fault_kind kind = rule->kind;
	if (named->field && strcmp(rule->code, "reference_broken") == 0)
		kind = FAULT_INVALID;
	struct fault *f = FAULT(ctx, kind, named->code, "%s", named->message);
	if (named->field)
		fault_field(f, named->field, named->code, "%s", named->message);
	return f;
}

struct fault *db_fault(const void *ctx, struct db *db, const PGresult *pg, const char *what)
{
	const char *state = error_field(pg, PG_DIAG_SQLSTATE);
	const char *message = error_field(pg, PG_DIAG_MESSAGE_PRIMARY);
	const char *constraint = error_field(pg, PG_DIAG_CONSTRAINT_NAME);
	const struct rule *rule = find_rule(state);

	if (!rule)
		return FAULT_BUG(ctx, "%s: %s %s (%s)", what, state, message,
				 error_field(pg, PG_DIAG_CONTEXT));
	const struct db_constraint *named =
		db && *constraint ? map_get(db->constraints, str_of(constraint)) : NULL;
	struct fault *f = named ? named_fault(ctx, rule, named)
				: FAULT(ctx, rule->kind, rule->code, "%s", rule->text);
	if (!named && strcmp(state, "23502") == 0)
		fault_field(f, error_field(pg, PG_DIAG_COLUMN_NAME), "required", "is required");
	f->retry_after_s = rule->retry_after_s;
	return fault_detail(f, "%s: %s %s", what, state, message);
}

struct fault *db_fault_unavailable(const void *ctx, const char *file, int line, const char *code,
				   const char *detail)
{
	struct fault *f = fault_new(ctx, FAULT_UNAVAILABLE, code, file, line,
				    "The service is busy or restarting. Try again in a moment.");
	size_t n = strlen(detail);

	while (n > 0 && detail[n - 1] == '\n')
		n--;
	f->retry_after_s = 1;
	return fault_detail(f, "%.*s", (int)n, detail);
}
