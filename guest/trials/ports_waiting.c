/* Waiting at ports: full queues, timeouts, destruction, death of the owner and of those who wait. */

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports.h"

static uint32_t shared_port;

static void fill(uint32_t port)
{
    uint64_t i = 0;
    while (ipc_send(port, 1, &i, sizeof i) == 0)
        i++;
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(i, IPC_QUEUE_DEPTH);
}

static void *send_waiting(void *value)
{
    CHECK_OK(send_number(shared_port, 2, (uintptr_t)value));
    return NULL;
}

static void full_queue(void)
{
    pthread_t threads[4];
    uint64_t seen = 0;
    shared_port = new_port();
    fill(shared_port);
    CHECK_ERRNO(ipc_send(shared_port, 1, "x", 1), EAGAIN);
    for (uintptr_t i = 0; i < 4; i++) {
        CHECK_ZERO(pthread_create(&threads[i], NULL, send_waiting, (void *)(100 + i)));
        await_senders(shared_port, (uint32_t)i + 1);
    }
    for (uint64_t i = 0; i < IPC_QUEUE_DEPTH; i++)
        CHECK_EQ(receive_number(shared_port, NULL), i);
    for (uint64_t i = 0; i < 4; i++)
        seen |= 1 << (receive_number(shared_port, NULL) - 100);
    CHECK_EQ(seen, 15);
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    CHECK_OK(ipc_destroy_port(shared_port));
    printf("full queue: ok\n");
}

static void *send_late(void *unused)
{
    sleep_ms(10);
    CHECK_OK(send_number(shared_port, 3, 33));
    return unused;
}

static void timeouts(void)
{
    struct ipc_message msg;
    struct timespec short_time = { 0, 20000000 }, long_time = { 20, 0 };
    pthread_t thread;
    shared_port = new_port();
    uint64_t before = now_ns();
    CHECK_ERRNO(ipc_recv_timeout(shared_port, &msg, &short_time), ETIMEDOUT);
    CHECK(now_ns() - before >= 20000000);
    await_receivers(shared_port, 0);
    CHECK_OK(send_number(shared_port, 3, 1));
    CHECK_OK(ipc_recv_timeout(shared_port, &msg, &short_time));
    CHECK_ZERO(pthread_create(&thread, NULL, send_late, NULL));
    CHECK_OK(ipc_recv_timeout(shared_port, &msg, &long_time));
    CHECK_ZERO(pthread_join(thread, NULL));
    /* Deadlines and messages at the same moment: one or the other, never a lost message. */
    for (int i = 0; i < 50; i++) {
        struct timespec race = { 0, 10000 + i * 400000 };
        CHECK_ZERO(pthread_create(&thread, NULL, send_late, NULL));
        if (ipc_recv_timeout(shared_port, &msg, &race) == -1) {
            CHECK_EQ(errno, ETIMEDOUT);
            CHECK_EQ(receive_number(shared_port, NULL), 33);
        }
        CHECK_ERRNO(ipc_try_recv(shared_port, &msg), EAGAIN);
        CHECK_ZERO(pthread_join(thread, NULL));
    }
    CHECK_OK(ipc_destroy_port(shared_port));
    printf("timeouts: ok\n");
}

static void *receive_until_destroyed(void *unused)
{
    struct ipc_message msg;
    CHECK_ERRNO(ipc_recv(shared_port, &msg), EIDRM);
    return unused;
}

static void *send_until_destroyed(void *unused)
{
    CHECK_ERRNO(send_number(shared_port, 1, 1), EIDRM);
    return unused;
}

static void destruction(void)
{
    pthread_t threads[6];
    shared_port = new_port();
    for (uint32_t i = 0; i < 6; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, receive_until_destroyed, NULL));
    await_receivers(shared_port, 6);
    CHECK_OK(ipc_destroy_port(shared_port));
    for (int i = 0; i < 6; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));

    shared_port = new_port();
    fill(shared_port);
    for (uint32_t i = 0; i < 6; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, send_until_destroyed, NULL));
    await_senders(shared_port, 6);
    CHECK_OK(ipc_destroy_port(shared_port));
    for (int i = 0; i < 6; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    printf("destruction: ok\n");
}

static void *receive_one(void *unused)
{
    (void)unused;
    return (void *)receive_number(shared_port, NULL);
}

static void several_receivers(void)
{
    /* Each message wakes one receiver; together they get each message once. */
    pthread_t threads[8];
    uint64_t seen = 0;
    shared_port = new_port();
    for (int i = 0; i < 8; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, receive_one, NULL));
    await_receivers(shared_port, 8);
    for (uint64_t i = 0; i < 8; i++)
        CHECK_OK(send_number(shared_port, 1, i));
    for (int i = 0; i < 8; i++) {
        void *value;
        CHECK_ZERO(pthread_join(threads[i], &value));
        seen |= 1ull << (uintptr_t)value;
    }
    CHECK_EQ(seen, 255);
    CHECK_OK(ipc_destroy_port(shared_port));
    printf("several receivers: ok\n");
}

static void death(void)
{
    struct hb_stats before = stats_now();
    uint32_t port = new_port(), full = new_port(), type;
    fill(full);

    /* Killed with messages queued at its port and threads waiting to receive and to send. */
    pid_t owner = spawn_self("child", "busy-owner", text_of(name_of(port)), text_of(name_of(full)), NULL);
    uint32_t busy = (uint32_t)receive_number(port, &type);
    uint32_t quiet = (uint32_t)receive_number(port, &type);
    await_receivers(quiet, 1);
    await_senders(full, 1);
    CHECK_OK(ipc_send(busy, 1, "still there", 12));
    CHECK_OK(kill(owner, SIGKILL));
    CHECK(WIFSIGNALED(wait_status_of(owner)));
    CHECK_ERRNO(ipc_send(busy, 1, "gone", 5), ENOENT);
    CHECK_ERRNO(ipc_send(quiet, 1, "gone", 5), ENOENT);
    await_senders(full, 0);
    for (uint64_t i = 0; i < IPC_QUEUE_DEPTH; i++)
        CHECK_EQ(receive_number(full, NULL), i); /* the dead one's message is not among them */
    struct ipc_message msg;
    CHECK_ERRNO(ipc_try_recv(full, &msg), EAGAIN);

    /* A sender that waits at a port whose owner dies is woken. */
    owner = spawn_self("child", "busy-owner", text_of(name_of(port)), text_of(name_of(full)), NULL);
    busy = (uint32_t)receive_number(port, &type);
    receive_number(port, &type);
    while (ipc_send(busy, 1, "x", 1) == 0) {
    }
    pid_t sender = spawn_self("child", "send-full", text_of(busy), NULL);
    await_senders(busy, 1);
    CHECK_OK(kill(owner, SIGKILL));
    wait_status_of(owner);
    CHECK_EQ(WEXITSTATUS(wait_status_of(sender)), EIDRM);

    /* Ports go with a process that simply ends. */
    pid_t pid = spawn_self("child", "own-ports", text_of(name_of(port)), "5", NULL);
    CHECK_EQ(wait_status_of(pid), 0);
    for (int i = 0; i < 5; i++)
        CHECK_ERRNO(ipc_port_name((uint32_t)receive_number(port, NULL)), ENOENT);
    CHECK_OK(ipc_destroy_port(full));
    CHECK_OK(ipc_destroy_port(port));
    struct hb_stats after = stats_now();
    CHECK_EQ(after.ports, before.ports);
    CHECK_EQ(after.messages_queued, before.messages_queued);
    printf("death: ok\n");
}

int ports_waiting_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    full_queue();
    timeouts();
    destruction();
    several_receivers();
    death();
    printf("ports_waiting: ok\n");
    return 0;
}
