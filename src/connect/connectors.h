/* The connectors that the program knows: the table that resolves 'connector' = '…'. */
#ifndef PS_CONNECT_CONNECTORS_H
#define PS_CONNECT_CONNECTORS_H

#include "flow/connector.h"

extern const ps_connector_set ps_connectors;

extern const ps_connector ps_connector_filesystem, ps_connector_print, ps_connector_blackhole,
    ps_connector_nexmark, ps_connector_datagen;

#endif
