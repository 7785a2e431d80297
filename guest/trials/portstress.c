/*
 * Many senders, one receiver per port: nothing lost, doubled or out of order per sender.
 *
 * portstress SENDERS PER_SENDER RECEIVERS: SENDERS processes, pinned to the harts in turn, sender s sends its PER_SENDER numbered
 * messages to port s % RECEIVERS; RECEIVERS threads, each with a port of its own, check them.
 */

#include <pthread.h>
#include <unistd.h>

#include "ports.h"

#define MAX_SENDERS 64
#define MAX_RECEIVERS 16
/* Seconds that a receiver may still need when all is sent: the queues hold little. */
#define PATIENCE 20

struct receiver {
    uint32_t port;
    long senders, messages;
    pthread_t thread;
};

static long per_sender;
static uint64_t next_number[MAX_SENDERS]; /* each touched by its one receiver */
static uint32_t pid_of[MAX_SENDERS];

static void *receive(void *argument)
{
    struct receiver *me = argument;
    struct ipc_message msg;
    for (long left = me->senders * per_sender; left > 0; left--) {
        uint64_t number;
        CHECK_OK(ipc_recv(me->port, &msg));
        CHECK_EQ(msg.size, sizeof number);
        CHECK(msg.type < MAX_SENDERS);
        memcpy(&number, msg.data, sizeof number);
        if (number != next_number[msg.type])
            FAIL("sender %u: message %lu came, %lu was next", msg.type, number, next_number[msg.type]);
        if (number == 0)
            pid_of[msg.type] = msg.sender_pid;
        CHECK_EQ(msg.sender_pid, pid_of[msg.type]);
        next_number[msg.type]++;
        me->messages++;
    }
    CHECK_ERRNO(ipc_try_recv(me->port, &msg), EAGAIN);
    return NULL;
}

int portstress_trial(int argc, char **argv)
{
    long senders = number_argument(argc, argv, 1, 8);
    per_sender = number_argument(argc, argv, 2, 500);
    long receivers = number_argument(argc, argv, 3, 2);
    struct receiver all[MAX_RECEIVERS] = { 0 };
    pid_t pids[MAX_SENDERS];
    long messages = 0;

    if (senders < 1 || senders > MAX_SENDERS || receivers < 1 || receivers > MAX_RECEIVERS) {
        fprintf(stderr, "portstress: 1 to %d senders, 1 to %d receivers\n", MAX_SENDERS, MAX_RECEIVERS);
        return 2;
    }
    for (long r = 0; r < receivers; r++) {
        all[r].port = new_port();
        all[r].senders = senders / receivers + (r < senders % receivers);
        CHECK_ZERO(pthread_create(&all[r].thread, NULL, receive, &all[r]));
    }
    for (long s = 0; s < senders; s++)
        pids[s] = spawn_self("child", "send-sequence", text_of(name_of(all[s % receivers].port)), text_of((uint64_t)s),
                             text_of((uint64_t)per_sender), text_of((uint64_t)(s % hart_count())), NULL);
    for (long s = 0; s < senders; s++)
        CHECK_EQ(wait_status_of(pids[s]), 0);
    for (long r = 0; r < receivers; r++) {
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += PATIENCE;
        if (pthread_timedjoin_np(all[r].thread, NULL, &end) != 0)
            FAIL("all is sent, but receiver %ld has got %ld of %ld messages", r, all[r].messages, all[r].senders * per_sender);
        messages += all[r].messages;
        CHECK_OK(ipc_destroy_port(all[r].port));
    }
    for (long s = 0; s < senders; s++)
        CHECK_EQ(next_number[s], per_sender);
    CHECK_EQ(messages, senders * per_sender);
    printf("portstress: %ld messages ok\n", messages);
    return 0;
}
