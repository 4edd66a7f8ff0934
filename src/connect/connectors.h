/* The connectors that the program knows: the tables that resolve 'connector' = '…'. */
#ifndef PS_CONNECT_CONNECTORS_H
#define PS_CONNECT_CONNECTORS_H

#include "flow/connector.h"

extern const ps_connector_set ps_connectors;
/* Of jobs inside `serve`: journal tables follow the running journal (context->journal) and so have
 * no end. */
extern const ps_connector_set ps_connectors_serving;

extern const ps_connector ps_connector_filesystem, ps_connector_print, ps_connector_blackhole,
    ps_connector_nexmark, ps_connector_datagen, ps_connector_journal,
    ps_connector_journal_following;

/* Declares the journal's tables under their own names: the prelude of a session over a data
 * directory. */
extern const char ps_journal_tables_ddl[];

#endif
