/* What becomes of a system call that a signal breaks off, call by call (signal(7)): EINTR, or made again. */

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define MS 1000000

static pthread_t main_thread;
static volatile int handled;
static uint32_t word;
/* What the disturber does: after how long, with what, how often; and what it does at last, so that a call that goes on ends. */
static struct disturbance {
    int signal;
    long after_ms;
    uint32_t *wake;
    pid_t kill;
} plan;

static void handler(int signal)
{
    (void)signal;
    handled++;
}

static volatile int finished;

static void *disturb(void *unused)
{
    (void)unused;
    sleep_ms(plan.after_ms);
    pthread_kill(main_thread, plan.signal);
    /* Should it have come before the call had begun, then again. */
    while (!plan.wake && !plan.kill && !finished) {
        sleep_ms(plan.after_ms);
        if (!finished)
            pthread_kill(main_thread, plan.signal);
    }
    if (plan.wake) {
        sleep_ms(plan.after_ms);
        *plan.wake = 1;
        syscall(SYS_futex, plan.wake, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    if (plan.kill) {
        sleep_ms(plan.after_ms);
        kill(plan.kill, SIGKILL);
    }
    return NULL;
}

static pthread_t disturber;

static void expect_signal(int signal, uint32_t *wake, pid_t kill)
{
    plan = (struct disturbance){ signal, 50, wake, kill };
    finished = 0;
    handled = 0;
    word = 0;
    CHECK_ZERO(pthread_create(&disturber, NULL, disturb, NULL));
}

static void done(void)
{
    finished = 1;
    CHECK_ZERO(pthread_join(disturber, NULL));
}

static void use_flags(int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
}

static void result(const char *what, int flags, long value)
{
    int error = errno;
    printf("%s%s: %s, handled %d\n", what, flags ? " with SA_RESTART" : "", value == -1 ? strerrorname_np(error) : "done", handled > 0);
}

static void with(int flags)
{
    struct timespec time, left = { 0, 0 };
    use_flags(flags);

    expect_signal(SIGUSR1, NULL, 0);
    time = (struct timespec){ 1000, 0 };
    long value = nanosleep(&time, &left);
    result("nanosleep", flags, value);
    CHECK(left.tv_sec >= 900 && left.tv_sec < 1000 && left.tv_nsec > 0);
    done();

    expect_signal(SIGUSR1, NULL, 0);
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += 1000;
    value = syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    result("clock_nanosleep until", flags, value);
    done();

    expect_signal(SIGUSR1, &word, 0);
    value = syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
    result("futex", flags, value);
    done();

    expect_signal(SIGUSR1, &word, 0);
    time = (struct timespec){ 1000, 0 };
    value = syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0);
    result("futex with a timeout", flags, value);
    done();

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    expect_signal(SIGUSR1, NULL, 0);
    value = sigwaitinfo(&set, NULL);
    result("sigwaitinfo", flags, value);
    done();

    sigemptyset(&set);
    expect_signal(SIGUSR1, NULL, 0);
    value = sigsuspend(&set);
    result("sigsuspend", flags, value);
    done();

    pid_t child = spawn_self("child", "sleep", NULL);
    expect_signal(SIGUSR1, NULL, child);
    int status = 0;
    value = waitpid(child, &status, 0);
    result("waitpid", flags, value);
    done();
    if (value == -1)
        CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, SIGKILL);

    child = spawn_self("child", "sleep", NULL);
    expect_signal(SIGUSR1, NULL, child);
    siginfo_t info;
    value = waitid(P_PID, (id_t)child, &info, WEXITED);
    result("waitid", flags, value);
    done();
    if (value == -1)
        CHECK_OK(waitid(P_PID, (id_t)child, &info, WEXITED));
}

/* A signal that is ignored, or that nobody is told of, breaks nothing off. */
static void ignored(void)
{
    struct timespec time = { 0, 100 * MS }, left = { 9, 9 };
    signal(SIGUSR1, SIG_IGN);
    expect_signal(SIGUSR1, NULL, 0);
    CHECK_OK(nanosleep(&time, &left));
    done();
    signal(SIGUSR1, SIG_DFL);
    expect_signal(SIGURG, NULL, 0);
    CHECK_OK(nanosleep(&time, &left));
    CHECK_EQ(left.tv_sec, 9);
    done();
    printf("ignored: ok\n");
}

/* The child's half of `stopped`: in which calls does it sleep, while it is stopped and continued? */
int stopped_calls(int which)
{
    struct timespec time = { 1, 0 }, left = { 0, 0 }, longer = { 100, 0 };
    sigset_t set;
    long value = 0;
    CHECK_OK(kill(getppid(), SIGUSR2));
    uint64_t begin = now_ns();
    switch (which) {
    case 0:
        value = nanosleep(&time, &left);
        break;
    case 1:
        value = syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0);
        break;
    case 2:
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        value = sigtimedwait(&set, NULL, &longer);
        break;
    default:
        return 1;
    }
    int error = errno;
    printf("call %d after stop and continue: %s, in time %d\n", which, value == -1 ? strerrorname_np(error) : "done",
           which == 2 || now_ns() - begin >= 1000000000);
    return 0;
}

static void stopped(void)
{
    char which[2] = "0";
    signal(SIGUSR2, handler);
    for (int i = 0; i < 3; i++, which[0]++) {
        handled = 0;
        pid_t child = spawn_self("restarts", "stopped", which, NULL);
        int status;
        /* It is about to make its call: some time to do so, much less than that takes. */
        while (!handled)
            sleep_ms(1);
        sleep_ms(200);
        CHECK_OK(kill(child, SIGSTOP));
        CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
        CHECK(WIFSTOPPED(status));
        CHECK_OK(kill(child, SIGCONT));
        CHECK_EQ(wait_status_of(child), 0);
    }
}

int restarts_trial(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "stopped") == 0)
        return stopped_calls(atoi(argv[2]));
    main_thread = pthread_self();
    with(0);
    with(SA_RESTART);
    ignored();
    stopped();
    printf("restarts: ok\n");
    return 0;
}
