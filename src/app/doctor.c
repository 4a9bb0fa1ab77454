/* doctor.c - each check appends findings; "fault" fails the run, "advice" does not. */
#include "app/doctor.h"

#include "base/json.h"
#include "db/check.h"
#include "db/db.h"
#include "spine/module.h"

#include <talloc.h>

struct examination {
	const void *ctx;
	struct json_out *w;
	bool as_json;
	int faults;
};

static void report(struct examination *e, const char *level, const char *what)
{
	if (str_eq(str_of(level), STR("fault")))
		e->faults++;
	if (!e->as_json) {
		buf_printf(e->w->b, "%-6s %s\n", level, what);
		return;
	}
	json_open(e->w, '{');
	json_key(e->w, "level");
	json_put_str(e->w, str_of(level));
	json_key(e->w, "finding");
	json_put_str(e->w, str_of(what));
	json_close(e->w, '}');
}

static struct fault *check_queries(struct examination *e, struct app *app, const char *conninfo)
{
	struct buf lines;
	int findings = 0, count = 0;

	buf_init(&lines, e->ctx, 1 << 20);
	for (const struct module *const *m = registry_modules(app->registry); *m; m++) {
		for (const struct db_query *const *q = (*m)->queries; q && *q; q++)
			count++;
		if ((*m)->queries)
			TRY(db_check_queries(e->ctx, conninfo, (*m)->queries, &lines, &findings));
	}
	struct str rest = buf_view(&lines);
	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');
		report(e, "fault", str_dup(e->ctx, line));
	}
	if (findings == 0)
		report(e, "ok", talloc_asprintf(e->ctx, "%d queries prepare", count));
	return NULL;
}

static void check_configuration(struct examination *e, const struct config *c)
{
	if (str_is_null(c->smtp_url))
		report(e, "advice", "no SMTP server: mails stay in the development mailbox");
	if (!c->public_is_https && !c->public_is_loopback)
		report(e, "fault", "the public address is not https");
	if (c->registration_open && !c->public_is_loopback)
		report(e, "advice", "registration is open to strangers");
	if (c->admin_port == 0)
		report(e, "advice", "no admin port: /metrics cannot be read");
}

struct fault *doctor_run(const void *ctx, struct app *app, const char *owner_conninfo, bool as_json,
			 struct buf *out, bool *ret_healthy)
{
	struct json_out w;
	struct examination e = { .ctx = ctx, .w = &w, .as_json = as_json };

	json_out_init(&w, out);
	if (as_json)
		json_open(&w, '[');
	report(&e, "ok", "routes, permissions, shapes, events and jobs agree");
	if (owner_conninfo)
		TRY(check_queries(&e, app, owner_conninfo));
	check_configuration(&e, app->config);
	if (as_json)
		json_close(&w, ']');
	*ret_healthy = e.faults == 0;
	return NULL;
}
