/* A process ends at once and whole, whatever its threads are doing. */

#include <pthread.h>
#include <unistd.h>

#include "check.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static volatile long sink;
static int started;

static void *compute(void *unused)
{
    __atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
    for (;;)
        sink++;
    return unused;
}

static void *wait(void *unused)
{
    __atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&held);
    FAIL("a lock that nobody released was taken");
    return unused;
}

static void *sleep_long(void *unused)
{
    __atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
    sleep_ms(100000);
    return unused;
}

int exit_group_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t thread;
    pthread_mutex_lock(&held);
    for (int i = 0; i < 3; i++) {
        CHECK_ZERO(pthread_create(&thread, NULL, compute, NULL));
        CHECK_ZERO(pthread_create(&thread, NULL, wait, NULL));
        CHECK_ZERO(pthread_create(&thread, NULL, sleep_long, NULL));
    }
    while (__atomic_load_n(&started, __ATOMIC_SEQ_CST) < 9)
        sleep_ms(1);
    printf("exit_group: ok\n");
    return 0;
}
