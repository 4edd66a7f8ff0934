/* What the file system says about a data directory, before it is served (FAULTS D4): its files are
 * its own, and nobody else can change them or read its secret. The contents are checked by those
 * who read them. */
#ifndef PS_CLI_DATA_CHECK_H
#define PS_CLI_DATA_CHECK_H

#include "base/error.h"

/* PS_E_DAMAGED: something in dir is a symbolic link (two directories could share a journal under
 * two locks), dir may be written by others, or the secret of API keys may be read by them. dir
 * itself may be a link. PS_E_MISSING, PS_E_IO. */
PS_CHECKED ps_code ps_data_check(const char *dir, ps_error *err);

#endif
