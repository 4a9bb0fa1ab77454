/* modules.h - the list of everything this program is made of. */
#pragma once

#include "spine/module.h"

/* In order of dependence, NULL-ended. */
extern const struct module *const app_modules[];

/* The interface's and the probes' routes (health.c). */
extern const struct module health_module;
