/* GET /openapi.json: the API as an OpenAPI 3.1 document, made from the route table (route_table.c)
 * and the shapes of objects in openapi_schema.c. It needs nothing but these tables: the same text
 * for the life of the process, to be made once. */
#ifndef PS_SERVE_OPENAPI_H
#define PS_SERVE_OPENAPI_H

#include "base/bytes.h"

enum { PS_OPENAPI_SIZE_MAX = 1024 * 1024 };

/* Appends the document. Whether it fitted says out->failed. */
void ps_openapi_append(ps_buf *out);

#endif
