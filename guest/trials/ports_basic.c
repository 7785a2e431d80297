/* Ports as the specification describes them: create, send, receive in order, sender stamped, destroy; queue, names and figures. */

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports.h"

static void order_and_content(void)
{
    uint32_t port = new_port();
    struct ipc_message msg;
    char data[IPC_MAX_DATA];

    CHECK(port < IPC_MAX_PORTS);
    for (uint32_t i = 0; i < IPC_QUEUE_DEPTH; i++) {
        memset(data, (int)i, sizeof data);
        CHECK_EQ(ipc_send(port, 100 + i, data, i * 17), 0);
    }
    for (uint32_t i = 0; i < IPC_QUEUE_DEPTH; i++) {
        memset(&msg, 0xee, sizeof msg);
        CHECK_EQ(ipc_recv(port, &msg), 0);
        CHECK_EQ(msg.sender_pid, getpid());
        CHECK_EQ(msg.type, 100 + i);
        CHECK_EQ(msg.size, i * 17);
        for (uint32_t k = 0; k < msg.size; k++)
            CHECK_EQ(msg.data[k], (char)i);
    }
    memset(data, 'z', sizeof data);
    CHECK_OK(ipc_send(port, 0xffffffff, data, IPC_MAX_DATA));
    CHECK_OK(ipc_send(port, 0, NULL, 0)); /* nothing to read: the pointer does not matter */
    CHECK_OK(ipc_recv(port, &msg));
    CHECK(msg.size == IPC_MAX_DATA && msg.type == 0xffffffff && memcmp(msg.data, data, sizeof data) == 0);
    CHECK_OK(ipc_recv(port, &msg));
    CHECK(msg.size == 0 && msg.type == 0);
    CHECK_OK(ipc_destroy_port(port));
    printf("order and content: ok\n");
}

static void figures(void)
{
    uint32_t port = new_port();
    struct ipc_port_stat stat;
    struct ipc_message msg;
    for (int i = 0; i < 5; i++)
        CHECK_OK(ipc_send(port, 1, "x", 1));
    CHECK_OK(ipc_recv(port, &msg));
    CHECK_OK(ipc_port_stat(port, &stat));
    CHECK_EQ(stat.port_id, port);
    CHECK_EQ(stat.name, name_of(port));
    CHECK_EQ(stat.owner_pid, getpid());
    CHECK_EQ(stat.queued, 4);
    CHECK_EQ(stat.capacity, IPC_QUEUE_DEPTH);
    CHECK_EQ(stat.receivers, 0);
    CHECK_EQ(stat.senders, 0);
    CHECK_EQ(stat.sent, 5);
    CHECK_EQ(stat.received, 1);
    CHECK_OK(ipc_destroy_port(port)); /* with messages in it */
    CHECK_ERRNO(ipc_port_stat(port, &stat), ENOENT);
    printf("figures: ok\n");
}

static void *receive(void *port)
{
    return (void *)receive_number((uint32_t)(uintptr_t)port, NULL);
}

static void blocking(void)
{
    uint32_t port = new_port();
    pthread_t thread;
    void *result;
    CHECK_ZERO(pthread_create(&thread, NULL, receive, (void *)(uintptr_t)port));
    await_receivers(port, 1);
    CHECK_OK(send_number(port, 1, 4711));
    CHECK_ZERO(pthread_join(thread, &result));
    CHECK_EQ((uintptr_t)result, 4711);
    CHECK_OK(ipc_destroy_port(port));
    printf("blocking: ok\n");
}

static void ownership(void)
{
    uint32_t port = new_port();
    struct ipc_message msg;
    pid_t pid = spawn_self("child", "not-owner", text_of(name_of(port)), NULL);
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_OK(ipc_recv(port, &msg));
    CHECK_EQ(msg.sender_pid, pid); /* the kernel's stamp... */
    CHECK_EQ(msg.type, pid);       /* ...is the sender's own idea of its number */
    CHECK_OK(ipc_destroy_port(port));
    printf("ownership: ok\n");
}

/* The echo pattern that works: the client's own port in the request. */
static void echo(void)
{
    uint32_t port = new_port();
    pid_t pid = spawn_self("child", "echo", text_of(name_of(port)), NULL);
    uint32_t server = (uint32_t)receive_number(port, NULL);
    for (uint32_t i = 1; i <= 50; i++) {
        struct { uint32_t reply_to; char text[40]; } request = { .reply_to = name_of(port) };
        struct ipc_message msg;
        snprintf(request.text, sizeof request.text, "Echo this! %u", i);
        CHECK_OK(ipc_send(server, i, &request, sizeof request));
        CHECK_OK(ipc_recv(port, &msg));
        CHECK(msg.type == i && msg.size == sizeof request && msg.sender_pid == (uint32_t)pid);
        CHECK(memcmp(msg.data, &request, sizeof request) == 0);
    }
    CHECK_OK(ipc_send(server, 0, NULL, 0));
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_OK(ipc_destroy_port(port));
    printf("echo: ok\n");
}

int ports_basic_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    order_and_content();
    figures();
    blocking();
    ownership();
    echo();
    printf("ports_basic: ok\n");
    return 0;
}
