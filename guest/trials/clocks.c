/* Clocks never go back, sleeps are never short, CPU time grows with work and not with sleep. */

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    CHECK_OK(clock_gettime(clock, &t));
    CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *watch(void *shared)
{
    /* A time that another thread has published lies in the past, on whatever hart either runs. */
    uint64_t *latest = shared;
    for (int i = 0; i < 3000; i++) {
        uint64_t published = __atomic_load_n(latest, __ATOMIC_ACQUIRE);
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        CHECK(now >= published);
        while (published < now && !__atomic_compare_exchange_n(latest, &published, now, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        }
    }
    return NULL;
}

static void sleeps(void)
{
    static const long nanoseconds[] = { 0, 1, 1000, 1000000, 15000000 };
    for (size_t i = 0; i < sizeof nanoseconds / sizeof nanoseconds[0]; i++) {
        struct timespec time = { 0, nanoseconds[i] };
        uint64_t before = clock_ns(CLOCK_MONOTONIC);
        CHECK_OK(nanosleep(&time, NULL));
        CHECK(clock_ns(CLOCK_MONOTONIC) - before >= (uint64_t)nanoseconds[i]);
    }
    struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };
    CHECK_ERRNO(nanosleep(&bad, NULL), EINVAL);
    CHECK_ERRNO(nanosleep(&negative, NULL), EINVAL);

    uint64_t then = clock_ns(CLOCK_MONOTONIC) + 10000000;
    struct timespec absolute = { (time_t)(then / 1000000000), (long)(then % 1000000000) };
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &absolute, NULL), 0);
    CHECK(clock_ns(CLOCK_MONOTONIC) >= then);
    absolute.tv_sec = 0;
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &absolute, NULL), 0); /* long past */
}

static uint64_t used_ns(int who)
{
    struct rusage usage;
    CHECK_OK(getrusage(who, &usage));
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

static void *burn(void *unused)
{
    for (uint64_t end = now_ns() + 60000000; now_ns() < end;) {
    }
    return unused;
}

int clocks_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    uint64_t last = 0, latest = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        CHECK(now >= last);
        last = now;
    }
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, watch, &latest));
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    printf("monotonic: ok\n");

    struct timeval day;
    CHECK_OK(gettimeofday(&day, NULL));
    uint64_t real = clock_ns(CLOCK_REALTIME);
    CHECK(real / 1000000000 > 1600000000); /* later than 2020 */
    CHECK(real / 1000 - ((uint64_t)day.tv_sec * 1000000 + (uint64_t)day.tv_usec) < 5000000);
    CHECK((uint64_t)time(NULL) - (uint64_t)day.tv_sec < 5);
    clock_ns(CLOCK_MONOTONIC_RAW);
    clock_ns(CLOCK_MONOTONIC_COARSE);
    clock_ns(CLOCK_REALTIME_COARSE);
    clock_ns(CLOCK_BOOTTIME);
    struct timespec resolution;
    CHECK_OK(clock_getres(CLOCK_MONOTONIC, &resolution));
    CHECK(resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    CHECK_ERRNO(clock_gettime(999, &resolution), EINVAL);
    CHECK_ERRNO(clock_getres(999, &resolution), EINVAL);
    printf("clocks agree: ok\n");

    sleeps();
    printf("sleeps: ok\n");

    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), own = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    sleep_ms(200);
    CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 100000000);
    cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t end = now_ns() + 30000000; now_ns() < end;) {
    }
    CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) > cpu);
    CHECK(clock_ns(CLOCK_THREAD_CPUTIME_ID) > own);

    /* What another thread burns is the process's, not this thread's. */
    pthread_t thread;
    uint64_t all = used_ns(RUSAGE_SELF), mine = used_ns(RUSAGE_THREAD);
    CHECK_ZERO(pthread_create(&thread, NULL, burn, NULL));
    CHECK_ZERO(pthread_join(thread, NULL));
    CHECK(used_ns(RUSAGE_SELF) - all > used_ns(RUSAGE_THREAD) - mine + 10000000);
    CHECK_ERRNO(getrusage(7, &(struct rusage){0}), EINVAL);
    printf("clocks: ok\n");
    return 0;
}
