/* database.c - see database.h. With DATABASE_URL the user named there makes the
 * roles (it needs CREATEROLE and its own database); their passwords are derived
 * from the server's secret, so that every node knows them and none is stored. */
#include "app/database.h"

#include "app/cluster.h"

#include <talloc.h>

struct database {
	struct cluster *cluster; /* NULL: DATABASE_URL */
	const char *conninfo[DB_ROLES];
};

static struct str role_password(const void *ctx, const struct keys *keys, enum db_role role)
{
	uint8_t mac[SHA256_BYTES];

	keys_mac(keys, "database role", str_of(db_role_name(role)), mac);
	return crypto_hex(ctx, (struct str){ (const char *)mac, sizeof(mac) });
}

static struct fault *open_url(struct database *d, struct str url, const struct keys *keys)
{
	const char *admin = str_dup(d, url);
	const char *passwords[DB_ROLES];

	for (int role = 0; role < DB_ROLES; role++) {
		passwords[role] = role_password(d, keys, (enum db_role)role).p;
		TRY(db_conninfo_as(d, admin, (enum db_role)role, passwords[role],
				   &d->conninfo[role]));
	}
	return db_bootstrap(d, admin, NULL, passwords);
}

static struct fault *open_private(struct database *d, struct str folder)
{
	TRY(cluster_start(d, str_dup(d, folder), &d->cluster));
	for (int role = 0; role < DB_ROLES; role++)
		d->conninfo[role] = cluster_conninfo(d->cluster, (enum db_role)role);
	return NULL;
}

struct fault *database_open(const void *ctx, const struct config *config, const struct keys *keys,
			    struct database **ret_database)
{
	struct database *d = talloc_zero(ctx, struct database);

	*ret_database = d;
	return config->database_url.p ? open_url(d, config->database_url, keys)
				      : open_private(d, config->data_folder);
}

const char *database_conninfo(const struct database *d, enum db_role role)
{
	return d->conninfo[role];
}

void database_close(struct database *d)
{
	if (d->cluster)
		cluster_stop(d->cluster);
	d->cluster = NULL;
}
