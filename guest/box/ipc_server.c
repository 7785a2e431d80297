/* ipc_server: the server of ipctest; prints every message it receives, for ever. */

#include <stdio.h>

#include "box.h"
#include "vros.h"

int ipc_server_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    int port = ipc_create_port();
    if (port == -1)
        return fail("ipc_create_port");

    struct ipc_message msg;
    while (ipc_recv((uint32_t)port, &msg) == 0) {
        printf("Received from PID %u: %.*s\n", msg.sender_pid, (int)msg.size, msg.data);
        fflush(stdout); /* ipctest takes our waiting for the next message as a sign that this one is printed */
    }
    return fail("ipc_recv");
}
