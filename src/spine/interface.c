/* interface.c - the embedded interface: whatever is no route and no API path.
 *
 * A file when there is one of that name; else index.html for anybody who asks
 * for a page, because addresses like /acme/projects live in the browser. */
#include "spine/pipeline_internal.h"

bool interface_answer(struct flow *fl)
{
	(void)fl;
	return false;
}
