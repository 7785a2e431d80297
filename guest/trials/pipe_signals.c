/* Signals while a thread waits at a pipe or polls: EINTR, SA_RESTART, partial counts, masks for the time of a call, SIGPIPE. */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>
#include <unistd.h>

#include "check.h"

static char block[200000];
static int fd[2];
static pthread_t first;
static volatile sig_atomic_t handled;

static void handle(int signal)
{
    (void)signal;
    handled++;
}

static void handle_with(int flags)
{
    struct sigaction action = { .sa_handler = handle, .sa_flags = flags };
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    handled = 0;
}

static void *disturb(void *unused)
{
    sleep_ms(20);
    CHECK_ZERO(pthread_kill(first, SIGUSR1));
    return unused;
}

static void *disturb_and_write(void *unused)
{
    disturb(unused);
    sleep_ms(20);
    CHECK_EQ(write(fd[1], block, 3), 3);
    return unused;
}

static void *disturb_and_read(void *unused)
{
    disturb(unused);
    sleep_ms(20);
    CHECK_EQ(read(fd[0], block, sizeof block), 65536);
    return unused;
}

static pthread_t begin(void *(*what)(void *))
{
    pthread_t thread;
    CHECK_ZERO(pthread_create(&thread, NULL, what, NULL));
    return thread;
}

static void end(pthread_t thread)
{
    CHECK_ZERO(pthread_join(thread, NULL));
}

static void transfers(void)
{
    handle_with(0);
    pthread_t other = begin(disturb);
    CHECK_ERRNO(read(fd[0], block, 10), EINTR);
    CHECK_EQ(handled, 1);
    end(other);

    handle_with(SA_RESTART);
    other = begin(disturb_and_write);
    CHECK_EQ(read(fd[0], block, 10), 3);
    CHECK_EQ(handled, 1);
    end(other);

    /* What is written already counts, with SA_RESTART or without. */
    other = begin(disturb);
    CHECK_EQ(write(fd[1], block, 100000), 65536);
    CHECK_EQ(handled, 2);
    end(other);
    other = begin(disturb_and_read);
    CHECK_EQ(write(fd[1], block, 10), 10);
    CHECK_EQ(handled, 3);
    end(other);
    CHECK_EQ(read(fd[0], block, sizeof block), 10);
    handle_with(0);
    CHECK_EQ(write(fd[1], block, 65536), 65536);
    other = begin(disturb);
    CHECK_ERRNO(write(fd[1], block, 1), EINTR);
    CHECK_EQ(handled, 1);
    end(other);
    CHECK_EQ(read(fd[0], block, sizeof block), 65536);
}

static void polling(void)
{
    struct pollfd p = { fd[0], POLLIN, 0 };
    struct timespec long_time = { 100, 0 };
    sigset_t usr1, none, before;
    fd_set set;
    pthread_t other;

    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        handle_with(flags);
        other = begin(disturb);
        CHECK_ERRNO(poll(&p, 1, -1), EINTR);
        CHECK_EQ(handled, 1);
        end(other);
        other = begin(disturb);
        CHECK_ERRNO(poll(&p, 1, 100000), EINTR);
        CHECK_EQ(handled, 2);
        end(other);
        FD_ZERO(&set);
        FD_SET(fd[0], &set);
        other = begin(disturb);
        CHECK_ERRNO(select(fd[0] + 1, &set, NULL, NULL, NULL), EINTR);
        CHECK(FD_ISSET(fd[0], &set));
        CHECK_EQ(handled, 3);
        end(other);
    }

    /* Blocked, but for the time of the call. */
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    handle_with(0);
    CHECK_ZERO(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    raise(SIGUSR1);
    CHECK_EQ(handled, 0);
    CHECK_EQ(poll(&p, 1, 10), 0);
    CHECK_ERRNO(ppoll(&p, 1, NULL, &none), EINTR);
    CHECK_EQ(handled, 1);
    CHECK_ZERO(pthread_sigmask(SIG_BLOCK, NULL, &before));
    CHECK(sigismember(&before, SIGUSR1));
    other = begin(disturb);
    CHECK_ERRNO(ppoll(&p, 1, &long_time, &none), EINTR);
    CHECK_EQ(handled, 2);
    end(other);
    FD_ZERO(&set);
    FD_SET(fd[0], &set);
    other = begin(disturb);
    CHECK_ERRNO(pselect(fd[0] + 1, &set, NULL, NULL, &long_time, &none), EINTR);
    CHECK_EQ(handled, 3);
    end(other);
    CHECK_ZERO(pthread_sigmask(SIG_BLOCK, NULL, &before));
    CHECK(sigismember(&before, SIGUSR1));
    /* What is ready goes first, and the mask is the former one again. */
    CHECK_EQ(write(fd[1], block, 1), 1);
    CHECK_EQ(ppoll(&p, 1, NULL, &none), 1);
    CHECK_ZERO(pthread_sigmask(SIG_BLOCK, NULL, &before));
    CHECK(sigismember(&before, SIGUSR1));
    CHECK_EQ(read(fd[0], block, 1), 1);
    CHECK_ZERO(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL));

    /* The other way round: it waits until the call is over. Under qemu 7.2 it gets lost. */
    if (!on_hartbeat())
        return;
    handle_with(0);
    other = begin(disturb);
    struct timespec short_time = { 0, 60000000 };
    CHECK_EQ(ppoll(&p, 1, &short_time, &usr1), 0);
    end(other);
    CHECK_EQ(handled, 1);
}

static void *close_later(void *unused)
{
    sleep_ms(20);
    CHECK_OK(close(fd[0]));
    return unused;
}

static void broken(void)
{
    struct sigaction action = { .sa_handler = handle };
    CHECK_OK(sigaction(SIGPIPE, &action, NULL));
    handled = 0;
    /* Some bytes were written before the last reader went: they count, and the signal comes all the same. */
    pthread_t other = begin(close_later);
    CHECK_EQ(write(fd[1], block, 100000), 65536);
    end(other);
    CHECK_EQ(handled, 1);
    CHECK_ERRNO(write(fd[1], block, 1), EPIPE);
    CHECK_EQ(handled, 2);
    CHECK_EQ(write(fd[1], block, 0), 0);
    CHECK_EQ(handled, 2);
    CHECK_OK(close(fd[1]));
}

int pipe_signals_trial(int argc, char **argv)
{
    (void)argc, (void)argv;
    first = pthread_self();
    CHECK_OK(pipe(fd));
    transfers();
    polling();
    broken();
    printf("pipe_signals: ok\n");
    return 0;
}
