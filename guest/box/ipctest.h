/*
 * What ipctest and ipcstop agree on.
 */

#ifndef IPCTEST_H
#define IPCTEST_H

#include "box.h"

#define IPC_SERVER "ipc_server"
#define IPC_CLIENT "ipc_client"

/*
 * The living processes of ipctest, in a list the caller frees (found may be NULL: only count).
 * Returns how many, 0 when the machine does not tell.
 */
size_t find_ipctest(struct hb_process **found);

#endif
