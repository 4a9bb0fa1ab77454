/* audit.h - the audit list of a tenant: who did what, when and from where.
 *
 * Entries are written by the database (migrations/): a trigger on every audited
 * table, core.audit_note for what changes no row. This folder adds the route
 * that reads them. */
#pragma once

#include "spine/module.h"

extern const struct module audit_module;
