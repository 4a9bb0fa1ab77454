/* seed.h - demo data: two organisations with people, roles and events. */
#pragma once

#include "spine/app.h"

/* Makes what is missing, changes nothing that is there, prints the logins and
 * leaves them in <data folder>/demo-seeded. Refused on a public https address,
 * because the passwords are known to everybody. */
struct fault *seed_demo(const void *ctx, struct app *app);
