/*
 * ipc_echo: request and reply through ports.
 *
 * The VROS specification's echo server answers with ipc_send(msg.sender_pid, ...). That cannot work: the first argument is a port,
 * and a process number is not one. Process 5 need not own port 5, nor any port at all, or it may own three. What the server can know
 * is only what the request tells it. So the client puts the name of its own port into the request, and the server answers there:
 *
 *     client                                  server
 *     port = ipc_create_port()
 *     request.reply_to = ipc_port_name(port)
 *     ipc_send(server, ECHO, &request)   -->  ipc_recv(port, &msg)
 *     ipc_recv(port, &msg)               <--  ipc_send(request->reply_to, ECHO, text)
 *
 * The tagged name (ipc_port_name) is better than the port's number: should the client die, its number goes to another process, and
 * a late answer with it; an answer to the tagged name fails with ENOENT instead.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../box/box.h"
#include "vros.h"

enum { ECHO = 1, STOP = 2, READY = 3 };

struct request {
    uint32_t reply_to;
    char text[IPC_MAX_DATA - sizeof(uint32_t)];
};

/* Answers requests until it is told to stop; first sends its own port's name to `starter`. */
static int echo_server(uint32_t starter)
{
    int port = ipc_create_port();
    if (port == -1)
        return fail("ipc_create_port");
    uint32_t name = (uint32_t)ipc_port_name((uint32_t)port);
    if (ipc_send(starter, READY, &name, sizeof name) == -1)
        return fail("ipc_send");

    for (;;) {
        struct ipc_message msg;
        struct request request;
        if (ipc_recv((uint32_t)port, &msg) == -1)
            return fail("ipc_recv");
        if (msg.type == STOP)
            return 0;
        if (msg.type != ECHO || msg.size < sizeof request.reply_to)
            continue;
        memcpy(&request, msg.data, msg.size);
        /* An answer that cannot be delivered is the client's loss, not ours. */
        ipc_send(request.reply_to, ECHO, request.text, msg.size - (uint32_t)sizeof request.reply_to);
    }
}

/* Sends `text` to the server and prints the answer. */
static int echo_request(uint32_t server, uint32_t port, const char *text)
{
    struct request request = { .reply_to = (uint32_t)ipc_port_name(port) };
    struct ipc_message response;
    size_t length = strnlen(text, sizeof request.text);

    memcpy(request.text, text, length);
    if (ipc_send(server, ECHO, &request, (uint32_t)(sizeof request.reply_to + length)) == -1)
        return fail("ipc_send");
    if (ipc_recv(port, &response) == -1)
        return fail("ipc_recv");
    printf("%.*s\n", (int)response.size, response.data);
    return 0;
}

int ipc_echo_main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--server") == 0)
        return echo_server((uint32_t)strtoul(argv[2], NULL, 10));

    int port = ipc_create_port();
    if (port == -1)
        return fail("ipc_create_port");
    char name[16];
    snprintf(name, sizeof name, "%u", (uint32_t)ipc_port_name((uint32_t)port));
    pid_t child = start((char *[]){ "ipc_echo", "--server", name, NULL });
    if (child == -1)
        return fail("ipc_echo --server");

    struct ipc_message ready;
    uint32_t server;
    const struct timespec patience = { .tv_sec = 10 };
    if (ipc_recv_timeout((uint32_t)port, &ready, &patience) == -1) {
        int status = fail("the server does not answer");
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        return status;
    }
    memcpy(&server, ready.data, sizeof server);

    int status = 0;
    if (argc < 2)
        status = echo_request(server, (uint32_t)port, "Echo this!");
    for (int i = 1; i < argc && status == 0; i++)
        status = echo_request(server, (uint32_t)port, argv[i]);

    ipc_send(server, STOP, NULL, 0);
    waitpid(child, NULL, 0);
    ipc_destroy_port((uint32_t)port);
    return status;
}
