#include "connect/connectors.h"

static const ps_connector *const known[] = {
    &ps_connector_filesystem,
    &ps_connector_print,
    &ps_connector_blackhole,
    &ps_connector_nexmark,
    &ps_connector_datagen,
    NULL,
};

const ps_connector_set ps_connectors = {known};
