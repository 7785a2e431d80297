/* poll and select: what each end of a pipe reports, timeouts, waiting, sets, errors (poll(2), select(2)). */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static char block[65536];

static int events_of(int fd, int events)
{
    struct pollfd p = { fd, (short)events, -1 };
    int n = poll(&p, 1, 0);
    CHECK_EQ(n, p.revents != 0);
    return p.revents;
}

#define EVERYTHING (POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND)

static void ends(void)
{
    int fd[2];
    CHECK_OK(pipe(fd));
    printf("empty: %x %x\n", events_of(fd[0], EVERYTHING), events_of(fd[1], EVERYTHING));
    CHECK_EQ(write(fd[1], block, 1), 1);
    printf("a byte: %x %x, %x %x\n", events_of(fd[0], EVERYTHING), events_of(fd[1], EVERYTHING), events_of(fd[0], POLLRDNORM),
           events_of(fd[0], 0));
    CHECK_OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
    CHECK_EQ(write(fd[1], block, 65536), 61440);
    printf("full: %x %x\n", events_of(fd[0], EVERYTHING), events_of(fd[1], EVERYTHING));
    CHECK_EQ(read(fd[0], block, 1), 1);
    printf("a byte less: %x %x\n", events_of(fd[0], EVERYTHING), events_of(fd[1], EVERYTHING));
    CHECK_EQ(read(fd[0], block, 4096), 4096);
    printf("a page less: %x %x\n", events_of(fd[0], EVERYTHING), events_of(fd[1], EVERYTHING));
    int other = dup(fd[1]);
    CHECK_OK(close(fd[1]));
    CHECK_EQ(events_of(fd[1], EVERYTHING), POLLNVAL);
    printf("a writer less: %x\n", events_of(fd[0], EVERYTHING));
    CHECK_OK(close(other));
    printf("no writer: %x %x\n", events_of(fd[0], EVERYTHING), events_of(fd[0], 0));
    while (read(fd[0], block, sizeof block) > 0) {
    }
    printf("drained: %x %x\n", events_of(fd[0], EVERYTHING), events_of(fd[0], 0));
    CHECK_OK(close(fd[0]));

    CHECK_OK(pipe(fd));
    CHECK_OK(close(fd[0]));
    printf("no reader: %x %x\n", events_of(fd[1], EVERYTHING), events_of(fd[1], 0));
    CHECK_OK(close(fd[1]));
}

static void many(void)
{
    struct pollfd p[64];
    int fd[64][2], n = 0;
    for (int i = 0; i < 64; i++) {
        CHECK_OK(pipe(fd[i]));
        if (i % 3 == 0)
            CHECK_EQ(write(fd[i][1], block, 1), 1);
        p[i] = (struct pollfd){ i % 5 == 4 ? -fd[i][0] : fd[i][0], POLLIN, -1 };
    }
    CHECK_OK(close(fd[7][0]));
    n = poll(p, 64, 1000);
    printf("many: %d:", n);
    for (int i = 0; i < 64; i++)
        printf(" %x", p[i].revents);
    printf("\n");
    CHECK_EQ(poll(NULL, 0, 0), 0);
    CHECK_EQ(poll(p + 8, 1, 0), 0);
    for (int i = 0; i < 64; i++) {
        if (i != 7)
            CHECK_OK(close(fd[i][0]));
        CHECK_OK(close(fd[i][1]));
    }
}

static void timeouts(void)
{
    int fd[2];
    CHECK_OK(pipe(fd));
    struct pollfd p[2] = { { fd[0], POLLIN, 0 }, { fd[1], 0, 0 } };
    uint64_t begin = now_ns();
    CHECK_EQ(poll(p, 2, 30), 0);
    uint64_t time = now_ns() - begin;
    CHECK(time >= 30000000 && time < 3000000000u);
    begin = now_ns();
    CHECK_EQ(poll(NULL, 0, 20), 0);
    CHECK(now_ns() - begin >= 20000000);

    struct timespec t = { 0, 20000000 };
    CHECK_EQ(syscall(SYS_ppoll, p, 2, &t, NULL, 8), 0);
    CHECK_EQ(t.tv_sec, 0);
    CHECK_EQ(t.tv_nsec, 0);
    CHECK_EQ(write(fd[1], block, 1), 1);
    t = (struct timespec){ 100, 0 };
    CHECK_EQ(syscall(SYS_ppoll, p, 2, &t, NULL, 8), 1);
    CHECK(t.tv_sec == 99 && t.tv_nsec > 0);

    t = (struct timespec){ 0, 1000000000 };
    CHECK_ERRNO(syscall(SYS_ppoll, p, 2, &t, NULL, 8), EINVAL);
    t = (struct timespec){ -1, 0 };
    CHECK_ERRNO(syscall(SYS_ppoll, p, 2, &t, NULL, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_ppoll, p, 2, 8, NULL, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_ppoll, 8, 2, NULL, NULL, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_ppoll, p, 0x7fffffff, NULL, NULL, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_ppoll, p, 2, NULL, p, 4), EINVAL);
    CHECK_ERRNO(syscall(SYS_ppoll, p, 2, NULL, 8, 8), EFAULT);
    CHECK_OK(close(fd[0]));
    CHECK_OK(close(fd[1]));
}

static void selects(void)
{
    int fd[2], other[2];
    fd_set in, out, except;
    struct timeval none = { 0, 0 };
    CHECK_OK(pipe(fd));
    CHECK_OK(pipe(other));
    CHECK_EQ(write(other[1], block, 1), 1);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    for (int i = 0; i < 2; i++) {
        FD_SET(fd[i], &in);
        FD_SET(fd[i], &out);
        FD_SET(fd[i], &except);
        FD_SET(other[i], &in);
    }
    CHECK_EQ(select(other[1] + 1, &in, &out, &except, &none), 2);
    CHECK(!FD_ISSET(fd[0], &in) && !FD_ISSET(fd[1], &in) && FD_ISSET(other[0], &in) && !FD_ISSET(other[1], &in));
    CHECK(!FD_ISSET(fd[0], &out) && FD_ISSET(fd[1], &out));
    CHECK(!FD_ISSET(fd[0], &except) && !FD_ISSET(fd[1], &except));

    /* A hang-up is readable, an error both. */
    CHECK_OK(close(fd[1]));
    CHECK_OK(close(other[0]));
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fd[0], &in);
    FD_SET(fd[0], &out);
    FD_SET(other[1], &in);
    FD_SET(other[1], &out);
    CHECK_EQ(select(1024, &in, &out, NULL, NULL), 3);
    CHECK(FD_ISSET(fd[0], &in) && !FD_ISSET(fd[0], &out) && FD_ISSET(other[1], &in) && FD_ISSET(other[1], &out));

    FD_ZERO(&in);
    FD_SET(fd[1], &in);
    CHECK_ERRNO(select(fd[1] + 1, &in, NULL, NULL, &none), EBADF);
    CHECK_EQ(select(fd[1], &in, NULL, NULL, &none), 0);
    CHECK_ERRNO(syscall(SYS_pselect6, -1, NULL, NULL, NULL, NULL, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_pselect6, 3, 8, NULL, NULL, NULL, NULL), EFAULT);
    struct timespec t = { 0, 20000000 };
    uint64_t begin = now_ns();
    CHECK_EQ(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, NULL), 0);
    CHECK(now_ns() - begin >= 20000000);
    CHECK_EQ(t.tv_nsec, 0);
    CHECK_OK(close(fd[0]));
    CHECK_OK(close(other[1]));
}

static int shared[2];

static void *write_later(void *unused)
{
    sleep_ms(15);
    CHECK_EQ(write(shared[1], block, 1), 1);
    return unused;
}

static void *read_later(void *unused)
{
    sleep_ms(15);
    CHECK_EQ(read(shared[0], block, 4096), 4096);
    return unused;
}

static void *close_later(void *fd)
{
    sleep_ms(15);
    CHECK_OK(close((int)(long)fd));
    return NULL;
}

static void *poll_for(void *events)
{
    struct pollfd p[3] = { { shared[0], (short)((long)events & POLLIN), 0 }, { -1, 0, 0 }, { shared[1], (short)((long)events & POLLOUT), 0 } };
    int n = poll(p, 3, -1);
    return (void *)(long)(n << 16 | p[0].revents << 8 | p[2].revents);
}

static void waiting(void)
{
    pthread_t threads[4], other;
    void *result;
    CHECK_OK(pipe(shared));
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, poll_for, (void *)POLLIN));
    CHECK_ZERO(pthread_create(&other, NULL, write_later, NULL));
    for (int i = 0; i < 4; i++) {
        CHECK_ZERO(pthread_join(threads[i], &result));
        CHECK_EQ((long)result, 1 << 16 | POLLIN << 8);
    }
    CHECK_ZERO(pthread_join(other, NULL));

    for (int i = 0; i < 14; i++)
        CHECK_EQ(write(shared[1], block, 4096), 4096);
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, poll_for, (void *)POLLOUT));
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_join(threads[i], &result));
    CHECK_EQ(write(shared[1], block, 4096), 4096);
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, poll_for, (void *)POLLOUT));
    CHECK_ZERO(pthread_create(&other, NULL, read_later, NULL));
    for (int i = 0; i < 4; i++) {
        CHECK_ZERO(pthread_join(threads[i], &result));
        CHECK_EQ((long)result, 1 << 16 | POLLOUT);
    }
    CHECK_ZERO(pthread_join(other, NULL));

    /* What is closed while it is polled stays open until the call ends; the other end's going is told. */
    CHECK_EQ(read(shared[0], block, sizeof block), 1 + 14 * 4096);
    CHECK_ZERO(pthread_create(&other, NULL, close_later, (void *)(long)shared[1]));
    struct pollfd p = { shared[0], POLLIN, 0 };
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK_EQ(p.revents, POLLHUP);
    CHECK_ZERO(pthread_join(other, NULL));
    CHECK_OK(close(shared[0]));

    CHECK_OK(pipe(shared));
    while (fcntl(shared[1], F_SETFL, O_NONBLOCK) == 0 && write(shared[1], block, 4096) > 0) {
    }
    CHECK_ZERO(pthread_create(&other, NULL, close_later, (void *)(long)shared[0]));
    p = (struct pollfd){ shared[1], POLLOUT, 0 };
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK_EQ(p.revents, POLLERR);
    CHECK_ZERO(pthread_join(other, NULL));
    CHECK_OK(close(shared[1]));
}

int polls_trial(int argc, char **argv)
{
    (void)argc, (void)argv;
    ends();
    many();
    timeouts();
    selects();
    waiting();
    printf("polls: ok\n");
    return 0;
}
