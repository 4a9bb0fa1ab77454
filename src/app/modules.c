/* modules.c - what this program is made of, in order of dependence. */
#include "app/modules.h"

#include "modules/analytics/analytics.h"
#include "modules/identity/identity.h"
#include "modules/tenants/tenants.h"
#include "services/audit/audit.h"
#include "services/events/events.h"
#include "services/jobs/jobs.h"
#include "services/mail/mail.h"
#include "services/realtime/realtime.h"
#include "spine/pipeline.h"

const struct module *const app_modules[] = {
	&spine_module,	&audit_module,	  &events_module,  &jobs_module,      &mail_module,
	&health_module, &identity_module, &tenants_module, &analytics_module, &realtime_module,
	NULL,
};
