/* Timers that send signals: setitimer, timer_create and its relatives. */

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define MS 1000000

static volatile int rung, last_code, last_value, last_overrun, last_tid;

static void ring(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    rung++;
    last_code = info->si_code;
    last_value = info->si_value.sival_int;
    last_overrun = info->si_overrun;
    last_tid = (int)syscall(SYS_gettid);
}

static void catch(int signal)
{
    struct sigaction action = { .sa_sigaction = ring, .sa_flags = SA_SIGINFO };
    CHECK_OK(sigaction(signal, &action, NULL));
    rung = 0;
}

static void until(int count)
{
    while (rung < count)
        sleep_ms(1);
}

static struct itimerspec spec(long value_ms, long interval_ms)
{
    return (struct itimerspec){ { interval_ms / 1000, interval_ms % 1000 * MS }, { value_ms / 1000, value_ms % 1000 * MS } };
}

static void itimers(void)
{
    struct itimerval timer = { { 0, 0 }, { 0, 20000 } }, old;
    catch (SIGALRM);
    uint64_t begin = now_ns();
    CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
    until(1);
    CHECK(now_ns() - begin >= 20 * MS);
    printf("real: code %d\n", last_code);
    CHECK_OK(getitimer(ITIMER_REAL, &old));
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
    timer.it_interval.tv_usec = 5000;
    CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
    until(4);
    timer = (struct itimerval){ { 0, 0 }, { 100, 0 } };
    CHECK_OK(setitimer(ITIMER_REAL, &timer, &old));
    CHECK_EQ(old.it_interval.tv_usec, 5000);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 5000);
    CHECK_OK(getitimer(ITIMER_REAL, &old));
    CHECK(old.it_value.tv_sec >= 90 && old.it_value.tv_sec <= 100 && old.it_interval.tv_sec == 0);
    unsigned left = alarm(0);
    CHECK(left >= 90 && left <= 100);
    CHECK_EQ(alarm(50), 0);
    left = alarm(0);
    CHECK(left >= 40 && left <= 50);
    timer.it_value.tv_usec = 1000000;
    CHECK_ERRNO(setitimer(ITIMER_REAL, &timer, NULL), EINVAL);
    CHECK_ERRNO(setitimer(3, &old, NULL), EINVAL);
    CHECK_ERRNO(getitimer(3, &old), EINVAL);
    CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, (void *)8, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_getitimer, ITIMER_REAL, (void *)8), EFAULT);
    printf("itimers: ok\n");
}

static void burn_until(int count)
{
    for (volatile int i = 0; rung < count; i++) {
    }
}

static void cpu_timers(void)
{
    struct itimerval timer = { { 0, 100000 }, { 0, 100000 } }, off = { { 0, 0 }, { 0, 0 } };
    catch (SIGPROF);
    catch (SIGVTALRM);
    CHECK_OK(setitimer(ITIMER_PROF, &timer, NULL));
    burn_until(2);
    CHECK_OK(setitimer(ITIMER_PROF, &off, NULL));
    rung = 0;
    CHECK_OK(setitimer(ITIMER_VIRTUAL, &timer, NULL));
    /* Sleeping does not count. */
    sleep_ms(50);
    CHECK_EQ(rung, 0);
    burn_until(2);
    CHECK_OK(setitimer(ITIMER_VIRTUAL, &off, NULL));
    printf("CPU time: ok\n");
}

static void posix_timers(void)
{
    timer_t id, second;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 4, .sigev_value.sival_int = 1234 };
    struct itimerspec set = spec(10, 0), got;
    catch (SIGRTMIN + 4);
    CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &id));
    CHECK_OK(timer_settime(id, 0, &set, NULL));
    until(1);
    printf("timer: code %d, value %d, overrun %d\n", last_code, last_value, last_overrun);
    CHECK_OK(timer_gettime(id, &got));
    CHECK(got.it_value.tv_sec == 0 && got.it_value.tv_nsec == 0);
    rung = 0;
    set = spec(2, 2);
    CHECK_OK(timer_settime(id, 0, &set, NULL));
    until(5);
    set = spec(0, 0);
    CHECK_OK(timer_settime(id, 0, &set, &got));
    CHECK_EQ(got.it_interval.tv_nsec, 2 * MS);
    CHECK(got.it_value.tv_nsec > 0 && got.it_value.tv_nsec <= 2 * MS);
    /* Blocked, it expires again and again and is delivered once, with the number of times. */
    sigset_t block, old;
    sigemptyset(&block);
    sigaddset(&block, SIGRTMIN + 4);
    CHECK_OK(sigprocmask(SIG_BLOCK, &block, &old));
    rung = 0;
    set = spec(2, 2);
    CHECK_OK(timer_settime(id, 0, &set, NULL));
    sleep_ms(50);
    siginfo_t info;
    CHECK_EQ(sigwaitinfo(&block, &info), SIGRTMIN + 4);
    CHECK(info.si_overrun >= 10);
    CHECK_EQ(timer_getoverrun(id), info.si_overrun);
    set = spec(0, 0);
    CHECK_OK(timer_settime(id, 0, &set, NULL));
    CHECK_OK(timer_delete(id));
    signal(SIGRTMIN + 4, SIG_IGN);
    CHECK_OK(sigprocmask(SIG_SETMASK, &old, NULL));
    catch (SIGRTMIN + 4);
    /* Absolute times, those that have passed too. */
    CHECK_OK(timer_create(CLOCK_REALTIME, &event, &id));
    CHECK_OK(clock_gettime(CLOCK_REALTIME, &set.it_value));
    set.it_value.tv_sec--;
    set.it_interval = (struct timespec){ 0, 0 };
    CHECK_OK(timer_settime(id, TIMER_ABSTIME, &set, NULL));
    until(1);
    CHECK_OK(timer_delete(id));
    /* To nobody, and to one thread. */
    event.sigev_notify = SIGEV_NONE;
    CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &id));
    set = spec(1000000, 0);
    CHECK_OK(timer_settime(id, 0, &set, NULL));
    CHECK_OK(timer_gettime(id, &got));
    CHECK(got.it_value.tv_sec >= 990 && got.it_value.tv_sec <= 1000);
    CHECK_OK(timer_create(CLOCK_MONOTONIC, NULL, &second));
    CHECK_OK(timer_delete(second));
    CHECK_OK(timer_delete(id));
    event.sigev_notify = SIGEV_THREAD_ID;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &id));
    rung = 0;
    set = spec(2, 0);
    CHECK_OK(timer_settime(id, 0, &set, NULL));
    until(1);
    CHECK_EQ(last_tid, syscall(SYS_gettid));
    CHECK_OK(timer_delete(id));
    printf("timers: ok so far\n");
}

static void errors(void)
{
    int number;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
    struct itimerspec set = spec(1, 0);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &number), EINVAL);
    event.sigev_signo = SIGUSR1;
    event.sigev_notify = 77;
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &number), EINVAL);
    event.sigev_notify = SIGEV_THREAD_ID;
    event._sigev_un._tid = 1;
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &number), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_create, 55, NULL, &number), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, (void *)8), EFAULT);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, (void *)8, &number), EFAULT);
    CHECK_ERRNO(syscall(SYS_timer_settime, 12345, 0, &set, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_gettime, 12345, &set), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_getoverrun, 12345), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_delete, 12345), EINVAL);
    CHECK_OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &number));
    set.it_value.tv_nsec = 1000000000;
    CHECK_ERRNO(syscall(SYS_timer_settime, number, 0, &set, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_settime, number, 0, NULL, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_settime, number, 0, (void *)8, NULL), EFAULT);
    CHECK_OK(syscall(SYS_timer_delete, number));
    printf("errors: ok\n");
}

/* An alarm outlives execve; its default action ends the process. */
static void inherited(void)
{
    int status = wait_status_of(spawn_self("timers", "alarm", NULL));
    CHECK(WIFSIGNALED(status));
    printf("over execve: killed by %s\n", sigabbrev_np(WTERMSIG(status)));
}

extern char **environ;

int timers_trial(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        char *const again[] = { "trials", "child", "sleep", NULL };
        struct itimerval timer = { { 0, 0 }, { 0, 100000 } };
        CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
        if (on_hartbeat())
            execve("/bin/trials", again, environ);
        for (;;)
            sleep_ms(1000);
    }
    itimers();
    cpu_timers();
    posix_timers();
    errors();
    inherited();
    printf("timers: ok\n");
    return 0;
}
