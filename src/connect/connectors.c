#include "connect/connectors.h"

#define EVERYWHERE                                                                                 \
    &ps_connector_filesystem, &ps_connector_print, &ps_connector_blackhole, &ps_connector_nexmark, \
        &ps_connector_datagen

static const ps_connector *const known[] = {EVERYWHERE, &ps_connector_journal, NULL};
static const ps_connector *const known_serving[] = {EVERYWHERE, &ps_connector_journal_following,
                                                    NULL};

const ps_connector_set ps_connectors = {known};
const ps_connector_set ps_connectors_serving = {known_serving};
