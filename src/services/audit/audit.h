/* audit.h - the audit list of a tenant: who did what, when and from where.
 *
 * Entries are written by the database (migrations/): a trigger on every audited
 * table, core.audit_note for what changes no row. This folder adds the route
 * that reads them, and the word an action of its own gives to its changes. */
#pragma once

#include "spine/module.h"

extern const struct module audit_module;

/* What the changes of this transaction are called in the list from here on, instead of
 * create, update, delete: "occupy", "revoke". An empty one ends it. Costs no round trip. */
struct fault *audit_as(struct tx *tx, struct str action);
