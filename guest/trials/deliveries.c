/* Signals among threads: who gets one, how soon, and what masks of many threads mean for one of the process. */

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define THREADS 6

static volatile int handled[THREADS + 1], total;
static __thread int self;
static volatile int stop_now;
static pthread_barrier_t together;

static void handler(int signal)
{
    (void)signal;
    handled[self]++;
    __atomic_fetch_add(&total, 1, __ATOMIC_SEQ_CST);
}

static void await(int count)
{
    while (__atomic_load_n(&total, __ATOMIC_SEQ_CST) < count)
        sleep_ms(1);
}

static void clear(void)
{
    total = 0;
    for (int i = 0; i <= THREADS; i++)
        handled[i] = 0;
}

static void block(int how, int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    CHECK_ZERO(pthread_sigmask(how, &set, NULL));
}

/* Odd ones compute, even ones sleep; all block USR2. */
static void *live(void *number)
{
    self = (int)(intptr_t)number;
    block(SIG_BLOCK, SIGUSR2);
    pthread_barrier_wait(&together);
    while (!stop_now) {
        if (self % 2 == 0)
            sleep_ms(1);
    }
    return NULL;
}

static void *unblocks(void *unused)
{
    (void)unused;
    self = 1;
    sleep_ms(30);
    block(SIG_UNBLOCK, SIGUSR2);
    while (!stop_now)
        sleep_ms(1);
    return NULL;
}

static void *accepts(void *set)
{
    int got;
    CHECK_ZERO(sigwait(set, &got));
    return (void *)(intptr_t)got;
}

static void directed(void)
{
    pthread_t threads[THREADS];
    CHECK_ZERO(pthread_barrier_init(&together, NULL, THREADS + 1));
    stop_now = 0;
    for (int i = 0; i < THREADS; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, live, (void *)(intptr_t)(i + 1)));
    pthread_barrier_wait(&together);
    for (int round = 1; round <= 20; round++) {
        clear();
        for (int i = 0; i < THREADS; i++)
            CHECK_ZERO(pthread_kill(threads[i], SIGUSR1));
        await(THREADS);
        for (int i = 1; i <= THREADS; i++)
            CHECK_EQ(handled[i], 1);
    }
    printf("each its own: ok\n");
    /* One for the process goes to the only thread that does not block it. */
    clear();
    for (int i = 1; i <= 20; i++) {
        CHECK_OK(kill(getpid(), SIGUSR2));
        await(i);
    }
    CHECK_EQ(handled[0], 20);
    /* All block it: it waits for whoever lets it through first. */
    block(SIG_BLOCK, SIGUSR2);
    clear();
    CHECK_OK(kill(getpid(), SIGUSR2));
    sigset_t pending;
    CHECK_OK(sigpending(&pending));
    CHECK_EQ(sigismember(&pending, SIGUSR2), 1);
    block(SIG_UNBLOCK, SIGUSR2);
    CHECK_EQ(handled[0], 1);
    stop_now = 1;
    for (int i = 0; i < THREADS; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    printf("for the process: ok\n");
}

static void let_through(void)
{
    pthread_t thread;
    clear();
    stop_now = 0;
    block(SIG_BLOCK, SIGUSR2);
    CHECK_ZERO(pthread_create(&thread, NULL, unblocks, NULL));
    CHECK_OK(kill(getpid(), SIGUSR2));
    await(1);
    CHECK_EQ(handled[1], 1);
    stop_now = 1;
    CHECK_ZERO(pthread_join(thread, NULL));
    /* Or for whoever accepts it. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK_ZERO(pthread_create(&thread, NULL, accepts, &set));
    sleep_ms(20);
    CHECK_OK(kill(getpid(), SIGUSR2));
    void *got;
    CHECK_ZERO(pthread_join(thread, &got));
    CHECK_EQ((intptr_t)got, SIGUSR2);
    block(SIG_UNBLOCK, SIGUSR2);
    CHECK_EQ(total, 1);
    printf("let through: ok\n");
}

static void *cancelled(void *unused)
{
    for (;;)
        sleep_ms(1000);
    return unused;
}

/* pthread_cancel and set*id of a C library use signals of their own. */
static void library(void)
{
    pthread_t thread;
    void *result;
    for (int i = 0; i < 5; i++) {
        CHECK_ZERO(pthread_create(&thread, NULL, cancelled, NULL));
        sleep_ms(2);
        CHECK_ZERO(pthread_cancel(thread));
        CHECK_ZERO(pthread_join(thread, &result));
        CHECK(result == PTHREAD_CANCELED);
    }
    CHECK_ZERO(pthread_create(&thread, NULL, cancelled, NULL));
    CHECK_OK(setuid(getuid()));
    CHECK_ZERO(pthread_cancel(thread));
    CHECK_ZERO(pthread_join(thread, &result));
    printf("the library's own: ok\n");
}

int deliveries_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    CHECK_OK(sigaction(SIGUSR2, &action, NULL));
    directed();
    let_through();
    library();
    printf("deliveries: ok\n");
    return 0;
}
