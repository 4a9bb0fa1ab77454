/* jobs_internal.h - what the files of services/jobs share. */
#pragma once

#include "services/jobs/jobs.h"

#include "services/jobs/jobs_gen.h"
