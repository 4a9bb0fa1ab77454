/* seed.c - demo data through the same functions that serve requests.
 *
 * Two organisations, so that one can see that neither sees the other; a person
 * in every role, one of them in both. Idempotent: what exists stays. */
#include "app/seed.h"

#include "base/buf.h"
#include "db/db.h"
#include "modules/analytics/analytics.h"
#include "modules/identity/identity.h"
#include "modules/tenants/tenants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <talloc.h>
#include <unistd.h>

#define DEMO_PASSWORD "Tide-Lantern-42!"
#define PEOPLE_MAX 5

struct demo_person {
	const char *name;
	const char *email;
	const char *role;
};

struct demo_tenant {
	const char *name;
	const char *slug;
	struct demo_person people[PEOPLE_MAX]; /* the owner first; name NULL ends */
};

static const struct demo_tenant demo[] = {
	{ "Harbour Analytics",
	  "harbour",
	  {
		  { "Olivia Harbour", "owner@harbour.example", "owner" },
		  { "Anton Reed", "admin@harbour.example", "admin" },
		  { "Mira Solberg", "member@harbour.example", "member" },
		  { "Viktor Lindqvist", "viewer@harbour.example", "viewer" },
		  { "Petra Advisor", "advisor@harbour.example", "member" },
	  } },
	{ "Summit Outdoor",
	  "summit",
	  {
		  { "Sam Summit", "owner@summit.example", "owner" },
		  { "Nadia Ferrer", "member@summit.example", "member" },
		  { "Petra Advisor", "advisor@harbour.example", "viewer" },
	  } },
};

#define DEMO_COUNT (sizeof(demo) / sizeof(demo[0]))

static struct fault *seed_people(struct tx *tx, struct app *app, const struct demo_tenant *d,
				 struct uuid *ret_tenant)
{
	for (size_t i = 0; i < PEOPLE_MAX && d->people[i].name; i++) {
		const struct demo_person *p = &d->people[i];
		struct uuid user;

		TRY(person_seed(tx, app, str_of(p->name), str_of(p->email), STR(DEMO_PASSWORD),
				&user));
		if (i == 0)
			TRY(tenant_seed(tx, str_of(d->name), str_of(d->slug), user, ret_tenant));
		else
			TRY(membership_seed(tx, *ret_tenant, user, str_of(p->role)));
	}
	return tx_commit(tx);
}

static struct fault *seed_tenant(const void *ctx, struct app *app, const struct demo_tenant *d)
{
	struct scope scope = { .actor_kind = "system", .actor_name = STR("demo data") };
	struct tx *tx = tx_new(ctx, app->db, DB_PLATFORM, TX_WRITE, &scope);
	struct uuid tenant;
	struct str write_key;
	struct fault *f = seed_people(tx, app, d, &tenant);

	tx_end(tx);
	TRY(f);
	return analytics_seed_demo(ctx, app, tenant, &write_key);
}

static void put_logins(struct buf *b)
{
	buf_printf(b, "\nDemo logins (password of all: %s)\n", DEMO_PASSWORD);
	for (size_t t = 0; t < DEMO_COUNT; t++)
		for (size_t i = 0; i < PEOPLE_MAX && demo[t].people[i].name; i++)
			buf_printf(b, "  %-26s %-8s %s\n", demo[t].people[i].email,
				   demo[t].people[i].role, demo[t].name);
}

/* The mark by which ./run knows that the first start is behind it. */
static struct fault *leave_mark(const void *ctx, const struct app *app, struct str text)
{
	char *path = talloc_asprintf(ctx, "%.*s/demo-seeded", STR_ARG(app->config->data_folder));
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t written = fd < 0 ? -1 : write(fd, text.p, text.n);

	if (fd >= 0)
		close(fd);
	if (written != (ssize_t)text.n)
		return FAULT_BUG(ctx, "%s cannot be written: errno %d", path, errno);
	return NULL;
}

struct fault *seed_demo(const void *ctx, struct app *app)
{
	struct buf logins;

	if (app->config->public_is_https)
		return FAULT(ctx, FAULT_FORBIDDEN, "demo_in_public",
			     "Demo data has well-known passwords and is not for a public address.");
	for (size_t i = 0; i < DEMO_COUNT; i++)
		TRY(seed_tenant(ctx, app, &demo[i]));
	buf_init(&logins, ctx, 4096);
	put_logins(&logins);
	fprintf(stderr, "%.*s\n", STR_ARG(buf_view(&logins)));
	return leave_mark(ctx, app, buf_view(&logins));
}
