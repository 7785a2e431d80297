/* Yield, affinity and priorities: what can be set is what can be read. */

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static volatile int go;
static long shares[2];

static void *pinned(void *argument)
{
    intptr_t me = (intptr_t)argument;
    pin_to(0);
    while (!go)
        sched_yield();
    /* Two threads on one hart: neither may starve, though neither ever yields. */
    for (uint64_t end = now_ns() + 100000000; now_ns() < end;)
        shares[me]++;
    return NULL;
}

int scheduling_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    cpu_set_t all, one, now;

    for (int i = 0; i < 100; i++)
        CHECK_OK(sched_yield());
    CPU_ZERO(&all);
    CHECK_OK(sched_getaffinity(0, sizeof all, &all));
    CHECK(CPU_COUNT(&all) >= 1);
    for (int hart = 0; hart < CPU_SETSIZE; hart++) {
        if (!CPU_ISSET(hart, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(hart, &one);
        CHECK_OK(sched_setaffinity(0, sizeof one, &one));
        CHECK_OK(sched_getaffinity(0, sizeof now, &now));
        CHECK(CPU_EQUAL(&one, &now));
        unsigned int cpu = 999;
        CHECK_OK(syscall(SYS_getcpu, &cpu, NULL, NULL));
        CHECK_EQ(cpu, hart);
    }
    CHECK_OK(sched_setaffinity(0, sizeof all, &all));
    CPU_ZERO(&one);
    CHECK_ERRNO(sched_setaffinity(0, sizeof one, &one), EINVAL);
    CHECK_ERRNO(sched_setaffinity(0x3fffffff, sizeof all, &all), ESRCH);
    CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 1, &now), EINVAL);
    printf("affinity: ok\n");

    errno = 0;
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
    CHECK_OK(setpriority(PRIO_PROCESS, 0, 5));
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
    CHECK_OK(setpriority(PRIO_PROCESS, 0, 100)); /* clamped */
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
    CHECK_ERRNO(setpriority(77, 0, 1), EINVAL);
    CHECK_ERRNO(setpriority(PRIO_PROCESS, 0x3fffffff, 1), ESRCH);
    printf("priority: ok\n");

    pthread_t threads[2];
    for (intptr_t i = 0; i < 2; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, pinned, (void *)i));
    go = 1;
    for (int i = 0; i < 2; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    CHECK(shares[0] > 0 && shares[1] > 0);
    printf("scheduling: ok\n");
    return 0;
}
