/* ipc_client: the client of ipctest; sends three messages to the port it is given, then waits at a port of its own. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "vros.h"

int ipc_client_main(int argc, char **argv)
{
    static const char *const texts[] = { "Hello from client!", "Second message", "Goodbye!" };
    if (argc != 2)
        return usage("ipc_client");
    uint32_t server = (uint32_t)strtoul(argv[1], NULL, 10);

    for (uint32_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (ipc_send(server, i + 1, texts[i], (uint32_t)strlen(texts[i]) + 1) == -1)
            return fail("ipc_send");

    int port = ipc_create_port();
    if (port == -1)
        return fail("ipc_create_port");
    struct ipc_message msg;
    while (ipc_recv((uint32_t)port, &msg) == 0) {
    }
    return fail("ipc_recv");
}
