/*
 * Ports created and destroyed while others send to them and wait at them, by name and by number.
 *
 * Whoever sends to a tagged name must reach just that port: each message carries the name it was meant for, and a receiver that
 * finds another one has been given somebody else's message.
 */

#include <pthread.h>
#include <sched.h>

#include "ports.h"

#define OWNERS 4
#define SENDERS 4
#define TYPE_BY_NAME 1
#define TYPE_BY_NUMBER 2

static _Atomic uint32_t current[OWNERS]; /* tagged name of each owner's port, 0 for none */
static _Atomic int stop;
static _Atomic long delivered, refused;
static long rounds;

static void *own(void *argument)
{
    uintptr_t me = (uintptr_t)argument;
    pin_to((int)me);
    for (long round = 0; round < rounds; round++) {
        uint32_t port = new_port(), name = name_of(port), meant;
        struct ipc_message msg;
        struct timespec brief = { 0, 200000 };
        current[me] = name;
        for (int i = 0; i < 8; i++) {
            if (ipc_recv_timeout(port, &msg, &brief) == -1) {
                CHECK_EQ(errno, ETIMEDOUT);
                continue;
            }
            memcpy(&meant, msg.data, sizeof meant);
            CHECK_EQ(msg.size, sizeof meant);
            if (msg.type == TYPE_BY_NAME)
                CHECK_EQ(meant, name);
            else
                CHECK_EQ(meant, port);
            delivered++;
        }
        if (round % 2)
            current[me] = 0;
        CHECK_OK(ipc_destroy_port(round % 3 ? port : name));
        CHECK_ERRNO(ipc_send(name, 1, "x", 1), ENOENT);
    }
    current[me] = 0;
    return NULL;
}

static void *send(void *argument)
{
    uint64_t seed = 77 + (uintptr_t)argument;
    pin_to((int)(uintptr_t)argument + OWNERS);
    while (!stop) {
        uint64_t r = next_random(&seed);
        uint32_t target = current[r % OWNERS], type = TYPE_BY_NAME;
        if (target == 0) {
            sched_yield();
            continue;
        }
        if (r >> 32 & 1) {
            type = TYPE_BY_NUMBER;
            target %= IPC_MAX_PORTS;
        }
        int result = r >> 33 & 1 ? ipc_send_wait(target, type, &target, sizeof target) : ipc_send(target, type, &target, sizeof target);
        if (result == -1) {
            CHECK(errno == ENOENT || errno == EAGAIN || errno == EIDRM);
            refused++;
        }
    }
    return NULL;
}

int portrace_trial(int argc, char **argv)
{
    pthread_t owners[OWNERS], senders[SENDERS];
    rounds = number_argument(argc, argv, 1, 200);
    struct hb_stats before = stats_now();

    for (uintptr_t i = 0; i < OWNERS; i++)
        CHECK_ZERO(pthread_create(&owners[i], NULL, own, (void *)i));
    for (uintptr_t i = 0; i < SENDERS; i++)
        CHECK_ZERO(pthread_create(&senders[i], NULL, send, (void *)i));
    for (int i = 0; i < OWNERS; i++)
        CHECK_ZERO(pthread_join(owners[i], NULL));
    stop = 1;
    for (int i = 0; i < SENDERS; i++)
        CHECK_ZERO(pthread_join(senders[i], NULL));
    CHECK(delivered > 0);
    struct hb_stats after = stats_now();
    CHECK_EQ(after.ports, before.ports);
    CHECK_EQ(after.messages_queued, before.messages_queued);
    printf("portrace: ok\n");
    return 0;
}
