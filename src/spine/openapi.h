/* openapi.h - the reference of the API, made from the same tables that serve it:
 * OpenAPI 3.1 (openapi.json, /openapi.json, `bulkhead openapi`) and a plain
 * HTML page (/docs). */
#pragma once

#include "spine/module.h"

#define OPENAPI_MAX_BYTES (8U << 20)

void openapi_write(const struct registry *r, struct buf *out);
/* The JSON Schema of a shape: `{"type":"object",…}`. */
void openapi_shape(struct json_out *w, const struct shape *shape);
/* One field as a schema, for parameters. */
void openapi_field(struct json_out *w, const struct field *f);
/* A value that fits, as JSON. */
void openapi_example(struct json_out *w, const struct shape *shape);
/* operationId: "get_t_projects_id". */
void openapi_operation_id(struct buf *out, const struct route *route);
/* The page of /docs. */
void docs_write(const struct registry *r, struct buf *out);
