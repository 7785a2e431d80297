/* The other half of the port trials: modes of `child` whose arguments are ports (tagged names) and counts. */

#include <pthread.h>
#include <unistd.h>

#include "ports.h"

static uint32_t number(int argc, char **argv, int index)
{
    return (uint32_t)number_argument(argc, argv, index, 0);
}

/* Receives and sends back to the port named in the message's first word, until a message of type 0. */
static int echo(uint32_t starter)
{
    uint32_t port = new_port();
    send_number(starter, 1, name_of(port));
    for (;;) {
        struct ipc_message msg;
        uint32_t reply_to;
        CHECK_OK(ipc_recv(port, &msg));
        if (msg.type == 0)
            return 0;
        CHECK(msg.size >= sizeof reply_to);
        memcpy(&reply_to, msg.data, sizeof reply_to);
        ipc_send_wait(reply_to, msg.type, msg.data, msg.size);
    }
}

static void *send_for_ever(void *port)
{
    while (send_number((uint32_t)(uintptr_t)port, 5, 5) == 0) {
    }
    return NULL;
}

/* A process that owns a port with queued messages, and whose threads wait to receive, to send, and compute. */
static int busy_owner(uint32_t starter, uint32_t full)
{
    pthread_t thread;
    uint32_t port = new_port(), quiet = new_port();
    struct ipc_message msg;
    for (int i = 0; i < 10; i++)
        CHECK_OK(send_number(port, 1, (uint64_t)i));
    CHECK_ZERO(pthread_create(&thread, NULL, send_for_ever, (void *)(uintptr_t)full));
    send_number(starter, 1, name_of(port));
    send_number(starter, 2, name_of(quiet));
    ipc_recv(quiet, &msg);
    FAIL("the wait ended: %s", strerrorname_np(errno));
}

int port_child(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    uint32_t port = number(argc, argv, 2);
    struct ipc_message msg;

    if (strcmp(mode, "echo") == 0)
        return echo(port);
    if (strcmp(mode, "busy-owner") == 0)
        return busy_owner(port, number(argc, argv, 3));
    if (strcmp(mode, "not-owner") == 0) {
        CHECK_ERRNO(ipc_recv(port, &msg), EPERM);
        CHECK_ERRNO(ipc_try_recv(port, &msg), EPERM);
        CHECK_ERRNO(ipc_destroy_port(port), EPERM);
        CHECK_OK(ipc_send(port, (uint32_t)getpid(), "mine", 5));
        return 0;
    }
    if (strcmp(mode, "own-ports") == 0) { /* creates as many as it is told and leaves them to its death */
        for (uint32_t i = 0; i < number(argc, argv, 3); i++)
            send_number(port, 1, name_of(new_port()));
        return 0;
    }
    if (strcmp(mode, "send-full") == 0) { /* waits at a full queue; reports how that ended */
        errno = 0;
        return send_number(port, 9, 9) == -1 ? errno : 0;
    }
    if (strcmp(mode, "send-sequence") == 0) { /* port, first type, count, hart */
        pin_to((int)number(argc, argv, 5));
        for (uint32_t i = 0; i < number(argc, argv, 4); i++)
            CHECK_OK(send_number(port, number(argc, argv, 3), i));
        return 0;
    }
    if (strcmp(mode, "ping-pong") == 0) { /* starter, rounds, hart (or none) */
        if (argc > 4)
            pin_to((int)number(argc, argv, 4));
        uint32_t mine = new_port();
        send_number(port, 1, name_of(mine));
        uint32_t rounds = number(argc, argv, 3);
        for (uint32_t i = 0; i < rounds; i++) {
            CHECK_OK(ipc_recv(mine, &msg));
            CHECK_OK(ipc_send(port, 2, msg.data, msg.size));
        }
        return 0;
    }
    fprintf(stderr, "child: %s: no such mode\n", mode);
    return 2;
}
