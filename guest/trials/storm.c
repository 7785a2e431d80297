/*
 * Storms of signals: processes are stopped, continued, told and killed while their threads signal each other. No real-time signal is lost or
 * doubled, nobody stays stopped, nobody lives on.
 */

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define MOST 16
#define THREADS 2

static volatile int told, disturbed, ended, ready;
static volatile long sum;
static pid_t main_tid;

static void on_told(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    told++;
    sum += info->si_value.sival_int;
}

static void on_disturbed(int signal)
{
    (void)signal;
    disturbed++;
}

static void on_end(int signal)
{
    (void)signal;
    ended = 1;
}

static void on_ready(int signal)
{
    (void)signal;
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
}

static void handle(int signal, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    CHECK_OK(sigaction(signal, &action, NULL));
}

/* Disturbs the first thread, which takes all signals, until the process ends. */
static void *disturbs(void *seed)
{
    uint64_t r = (uint64_t)(uintptr_t)seed + 1;
    for (;;) {
        CHECK_OK(syscall(SYS_tgkill, getpid(), main_tid, SIGUSR2));
        if (next_random(&r) % 4 == 0)
            sleep_ms(1);
    }
    return NULL;
}

/* The child: counts what it is told, until the end is. */
static int child(long expected, long expected_sum)
{
    pthread_t thread;
    sigset_t all;
    struct sigaction action = { .sa_sigaction = on_told, .sa_flags = SA_SIGINFO | SA_RESTART };
    CHECK_OK(sigaction(SIGRTMIN + 2, &action, NULL));
    handle(SIGUSR2, on_disturbed);
    handle(SIGRTMIN + 3, on_end);
    main_tid = (pid_t)syscall(SYS_gettid);
    sigfillset(&all);
    CHECK_ZERO(pthread_sigmask(SIG_BLOCK, &all, NULL));
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK_ZERO(pthread_create(&thread, NULL, disturbs, (void *)i));
    sigemptyset(&all);
    CHECK_ZERO(pthread_sigmask(SIG_SETMASK, &all, NULL));
    CHECK_OK(kill(getppid(), SIGUSR1));
    while (!ended) {
        struct timespec time = { 0, 200000 };
        nanosleep(&time, NULL);
    }
    CHECK_EQ(told, expected);
    CHECK_EQ(sum, expected_sum);
    return 0;
}

static void tell(pid_t pid, int signal, int value)
{
    while (sigqueue(pid, signal, (union sigval){ .sival_int = value }) != 0) {
        CHECK_EQ(errno, EAGAIN);
        sleep_ms(1);
    }
}

int storm_trial(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "child") == 0)
        return child(number_argument(argc, argv, 2, 0), number_argument(argc, argv, 3, 0));
    long children = number_argument(argc, argv, 1, 3), rounds = number_argument(argc, argv, 2, 40);
    pid_t pids[MOST];
    bool killed[MOST] = { false };
    uint64_t seed = 12345;
    char count[24], total[24];
    CHECK(children <= MOST);
    snprintf(count, sizeof count, "%ld", rounds);
    snprintf(total, sizeof total, "%ld", rounds * (rounds - 1) / 2);
    handle(SIGUSR1, on_ready);
    for (long i = 0; i < children; i++) {
        pids[i] = spawn_self("storm", "child", count, total, NULL);
        while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) <= i)
            sleep_ms(1);
        /* Standard signals merge: one at a time. */
    }
    for (long round = 0; round < rounds; round++) {
        for (long i = 0; i < children; i++) {
            uint64_t r = next_random(&seed);
            if (killed[i])
                continue;
            if (r % 4 == 0)
                CHECK_OK(kill(pids[i], SIGSTOP));
            tell(pids[i], SIGRTMIN + 2, (int)round);
            if (r % 4 == 0)
                CHECK_OK(kill(pids[i], SIGCONT));
            if (i > 0 && r % 256 == 1) {
                CHECK_OK(kill(pids[i], SIGKILL));
                killed[i] = true;
            }
        }
    }
    for (long i = 0; i < children; i++)
        if (!killed[i])
            tell(pids[i], SIGRTMIN + 3, 0);
    for (long i = 0; i < children; i++)
        CHECK_EQ(wait_status_of(pids[i]), killed[i] ? SIGKILL : 0);
    printf("storm: ok\n");
    return 0;
}
