/* components/schemas of the OpenAPI document: the objects of CONTRACT §2 and §2.1. Inside of
 * openapi*.c. */
#ifndef PS_SERVE_OPENAPI_SCHEMA_H
#define PS_SERVE_OPENAPI_SCHEMA_H

#include "data/json_writer.h"

/* All of them, as members of the open object. */
void ps_openapi_schemas(ps_json_writer *writer);

#endif
