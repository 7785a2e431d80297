/*
 * ipctest: the test of the VROS specification. Two processes: ipc_server creates a port and prints three messages that ipc_client
 * sends. Both then wait at their ports until ipcstop.
 *
 * The server is to get the first free port (0 on a fresh machine), so ipctest itself creates none. It looks at the port table
 * instead: it starts the client once the server owns a port, and returns to the prompt once both wait to receive, which the server
 * does after the third message is printed.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "box.h"
#include "ipctest.h"
#include "vros.h"

#define POLL_SECONDS 0.001
#define POLLS 20000
/* Slots looked at: more than any machine is booted with. */
#define MAX_SLOTS 4096

/* The port whose owner is `pid`; false when it has none yet. */
static bool port_of(pid_t pid, struct ipc_port_stat *stat)
{
    for (uint32_t id = 0; id < MAX_SLOTS; id++) {
        if (ipc_port_stat(id, stat) == 0 && stat->owner_pid == (uint32_t)pid)
            return true;
    }
    return false;
}

/* Waits until `pid` owns a port and, if `receiving`, waits there to receive; false when it dies or takes too long. */
static bool wait_for_port(pid_t pid, bool receiving, struct ipc_port_stat *stat)
{
    for (int i = 0; i < POLLS; i++) {
        if (port_of(pid, stat) && (!receiving || (stat->receivers > 0 && stat->queued == 0)))
            return true;
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return false;
        sleep_seconds(POLL_SECONDS);
    }
    return false;
}

static int give_up(const char *what, pid_t server, pid_t client)
{
    fprintf(stderr, "ipctest: %s\n", what);
    if (server > 0)
        kill(server, SIGKILL);
    if (client > 0)
        kill(client, SIGKILL);
    return 1;
}

int ipctest_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct ipc_port_stat stat;

    /* Asked first, so that a machine without ports says so before anything is started. */
    if (ipc_port_stat(0, &stat) == -1 && errno == ENOSYS)
        return fail("no VROS ports here");
    if (find_ipctest(NULL) > 0) {
        fprintf(stderr, "ipctest: already running; ipcstop stops it\n");
        return 1;
    }

    pid_t server = start((char *[]){ (char *)IPC_SERVER, NULL });
    if (server == -1)
        return fail(IPC_SERVER);
    if (!wait_for_port(server, false, &stat))
        return give_up("ipc_server created no port", server, 0);
    printf("ipctest: ipc_server is PID %d, port %u\n", (int)server, stat.port_id);

    char port[16];
    snprintf(port, sizeof port, "%u", stat.name);
    pid_t client = start((char *[]){ (char *)IPC_CLIENT, port, NULL });
    if (client == -1) {
        fail(IPC_CLIENT);
        return give_up("stopped", server, 0);
    }
    if (!wait_for_port(client, true, &stat))
        return give_up("ipc_client did not finish", server, client);
    if (!wait_for_port(server, true, &stat))
        return give_up("ipc_server did not finish", server, client);
    printf("ipctest: ipc_client is PID %d; both wait until ipcstop\n", (int)client);
    return 0;
}
