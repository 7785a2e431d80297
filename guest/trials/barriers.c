/* membarrier(2): an asymmetric Dekker protocol, whose fast side has a compiler barrier only, and the registration that it asks for. */

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static volatile uint32_t fast_flag, slow_flag, fast_saw, slow_saw;
static atomic_uint fast_round, slow_round, fast_done;
static uint32_t rounds;

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

static void *fast_side(void *unused)
{
    for (uint32_t round = 1; round <= rounds; round++) {
        while (atomic_load(&slow_round) != round) {
            sched_yield();
        }
        atomic_store(&fast_round, round);
        fast_flag = 1;
        __asm__ volatile("" ::: "memory");
        fast_saw = slow_flag;
        atomic_store(&fast_done, round);
    }
    return unused;
}

int barriers_trial(int argc, char **argv)
{
    rounds = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000;
    long commands = membarrier(MEMBARRIER_CMD_QUERY);
    CHECK((commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0);
    CHECK((commands & MEMBARRIER_CMD_GLOBAL) != 0);
    CHECK(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == -1 && errno == EPERM);
    CHECK(membarrier(1 << 30) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1 << 5, 0) == -1 && errno == EINVAL);
    CHECK(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0);

    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, fast_side, NULL) == 0);
    for (uint32_t round = 1; round <= rounds; round++) {
        fast_flag = slow_flag = 0;
        atomic_store(&slow_round, round);
        while (atomic_load(&fast_round) != round) {
            sched_yield();
        }
        slow_flag = 1;
        CHECK(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0);
        slow_saw = fast_flag;
        while (atomic_load(&fast_done) != round) {
            sched_yield();
        }
        CHECK(fast_saw == 1 || slow_saw == 1);
    }
    pthread_join(thread, NULL);
    CHECK(membarrier(MEMBARRIER_CMD_GLOBAL) == 0);
    printf("barriers: ok\n");
    return 0;
}
