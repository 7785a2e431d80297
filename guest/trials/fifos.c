/* FIFOs: opening waits for the other end, or does not; names, several ends, what closing them all does (fifo(7)). */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char directory[] = "/tmp/fifos-XXXXXX";
static char name[64];
static char block[100000];

static int events_of(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
    poll(&p, 1, 0);
    return p.revents;
}

static int opened(int flags)
{
    int fd = open(name, flags);
    CHECK_OK(fd);
    return fd;
}

struct opener {
    int flags;
    long delay;
    int fd;
    pthread_t thread;
};

static void *open_later(void *argument)
{
    struct opener *o = argument;
    sleep_ms(o->delay);
    o->fd = open(name, o->flags);
    return NULL;
}

static void start(struct opener *o, int flags, long delay)
{
    *o = (struct opener){ flags, delay, -2, 0 };
    CHECK_ZERO(pthread_create(&o->thread, NULL, open_later, o));
}

static int end(struct opener *o)
{
    CHECK_ZERO(pthread_join(o->thread, NULL));
    CHECK(o->fd >= 0);
    return o->fd;
}

static void opening(void)
{
    struct opener other;
    int in, out;
    /* Without waiting: a writer needs a reader, a reader needs nobody, and who is both has itself. */
    CHECK_ERRNO(open(name, O_WRONLY | O_NONBLOCK), ENXIO);
    in = opened(O_RDONLY | O_NONBLOCK);
    printf("no writer yet: %x, %zd\n", events_of(in), read(in, block, 10));
    out = opened(O_WRONLY | O_NONBLOCK);
    printf("a writer: %x %x\n", events_of(in), events_of(out));
    CHECK_ERRNO(read(in, block, 10), EAGAIN);
    CHECK_EQ(write(out, "hello", 5), 5);
    CHECK_OK(close(out));
    printf("it has gone: %x, %zd, %zd\n", events_of(in), read(in, block, 10), read(in, block, 10));
    out = opened(O_WRONLY);
    printf("another: %x\n", events_of(in));
    CHECK_OK(close(in));
    printf("no reader: %x\n", events_of(out));
    CHECK_ERRNO(open(name, O_WRONLY | O_NONBLOCK), ENXIO);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERRNO(write(out, "x", 1), EPIPE);
    in = opened(O_RDONLY);
    CHECK_EQ(write(out, "x", 1), 1);
    CHECK_OK(close(out));
    CHECK_OK(close(in));

    in = opened(O_RDWR);
    CHECK_EQ(write(in, "self", 4), 4);
    CHECK_EQ(read(in, block, 10), 4);
    CHECK_EQ(events_of(in), POLLOUT);
    CHECK_OK(close(in));
    if (on_hartbeat()) /* qemu takes 3 for O_RDONLY */
        CHECK_ERRNO(open(name, 3), EINVAL);

    /* Each waits for the other. */
    start(&other, O_WRONLY, 20);
    in = opened(O_RDONLY);
    out = end(&other);
    CHECK_EQ(write(out, "abc", 3), 3);
    CHECK_EQ(read(in, block, 10), 3);
    CHECK_OK(close(out));
    CHECK_EQ(read(in, block, 10), 0);
    CHECK_OK(close(in));
    start(&other, O_RDONLY, 20);
    out = opened(O_WRONLY);
    in = end(&other);
    CHECK_OK(close(in));
    CHECK_OK(close(out));
    start(&other, O_RDWR, 20);
    in = opened(O_RDONLY);
    out = end(&other);
    CHECK_OK(close(in));
    CHECK_OK(close(out));
}

static void *come_and_go(void *unused)
{
    sleep_ms(20);
    int fd = opened(O_RDONLY | O_NONBLOCK);
    CHECK_OK(close(fd));
    return unused;
}

/* A partner that comes and goes at once ends the wait all the same. */
static void passing(void)
{
    pthread_t thread;
    for (int i = 0; i < 3; i++) {
        CHECK_ZERO(pthread_create(&thread, NULL, come_and_go, NULL));
        int out = opened(O_WRONLY);
        CHECK_ZERO(pthread_join(thread, NULL));
        CHECK_ERRNO(write(out, "x", 1), EPIPE);
        CHECK_OK(close(out));
    }
}

static void several(void)
{
    struct opener readers[3], writers[3];
    long sum = 0;
    for (int i = 0; i < 3; i++)
        start(&readers[i], O_RDONLY, 0);
    sleep_ms(20);
    for (int i = 0; i < 3; i++)
        start(&writers[i], O_WRONLY, 0);
    for (int i = 0; i < 3; i++) {
        int fd = end(&writers[i]);
        CHECK_EQ(write(fd, block, 1000), 1000);
        end(&readers[i]);
    }
    int bytes;
    CHECK_OK(ioctl(readers[1].fd, FIONREAD, &bytes));
    CHECK_EQ(bytes, 3000);
    for (int i = 0; i < 3; i++)
        CHECK_OK(close(writers[i].fd));
    for (int i = 0; i < 3; i++)
        sum += read(readers[i].fd, block, 1000);
    CHECK_EQ(sum, 3000);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(read(readers[i].fd, block, 1000), 0);
        CHECK_OK(close(readers[i].fd));
    }
}

static void names(void)
{
    struct stat a, b;
    int in = opened(O_RDONLY | O_NONBLOCK), out = opened(O_WRONLY);
    CHECK_OK(fstat(in, &a));
    CHECK_OK(stat(name, &b));
    CHECK(S_ISFIFO(a.st_mode));
    CHECK_EQ(a.st_mode & 0777, 0640);
    CHECK_EQ(a.st_ino, b.st_ino);
    CHECK_EQ(a.st_size, 0);
    CHECK_EQ(a.st_nlink, 1);
    CHECK_EQ(write(out, block, 1000), 1000);
    CHECK_OK(fstat(in, &a));
    CHECK_EQ(a.st_size, 0);
    /* Without its name it lives on; the same name is another one then. */
    CHECK_OK(unlink(name));
    CHECK_OK(fstat(in, &a));
    CHECK_EQ(a.st_nlink, 0);
    CHECK_OK(mkfifo(name, 0640));
    int other = opened(O_RDONLY | O_NONBLOCK);
    CHECK_EQ(read(other, block, 1000), 0);
    CHECK_EQ(read(in, block, 2000), 1000);
    CHECK_OK(close(other));
    CHECK_OK(close(in));
    CHECK_OK(close(out));
    CHECK_ERRNO(mkfifo(name, 0640), EEXIST);
    CHECK_ERRNO(lseek(opened(O_RDWR), 0, SEEK_SET), ESPIPE);

    /* What nobody has read when the last end is closed is lost. */
    in = opened(O_RDWR);
    CHECK_EQ(write(in, block, 1000), 1000);
    CHECK_OK(close(in));
    in = opened(O_RDONLY | O_NONBLOCK);
    CHECK_EQ(fcntl(in, F_GETPIPE_SZ), 65536);
    CHECK_OK(close(in));
}

static volatile sig_atomic_t handled;

static void handle(int signal)
{
    (void)signal;
    handled++;
}

static pthread_t first;

static void *disturb(void *unused)
{
    sleep_ms(20);
    CHECK_ZERO(pthread_kill(first, SIGUSR1));
    return unused;
}

static void interrupted(void)
{
    struct sigaction action = { .sa_handler = handle };
    pthread_t thread;
    struct opener other;
    first = pthread_self();
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    CHECK_ZERO(pthread_create(&thread, NULL, disturb, NULL));
    CHECK_ERRNO(open(name, O_RDONLY), EINTR);
    CHECK_EQ(handled, 1);
    CHECK_ZERO(pthread_join(thread, NULL));
    /* It is no reader any more. */
    CHECK_ERRNO(open(name, O_WRONLY | O_NONBLOCK), ENXIO);

    action.sa_flags = SA_RESTART;
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    CHECK_ZERO(pthread_create(&thread, NULL, disturb, NULL));
    start(&other, O_RDONLY, 60);
    int out = opened(O_WRONLY);
    CHECK_EQ(handled, 2);
    CHECK_ZERO(pthread_join(thread, NULL));
    CHECK_OK(close(end(&other)));
    CHECK_OK(close(out));
}

/* Readers and writers that are other processes, and one that is killed while it opens. */
static void processes(void)
{
    pid_t pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        int fd = opened(O_WRONLY);
        for (int i = 0; i < 100; i++)
            CHECK_EQ(write(fd, block, 1000), 1000);
        _exit(0);
    }
    int in = opened(O_RDONLY);
    long sum = 0;
    ssize_t n;
    while ((n = read(in, block, 999)) > 0)
        sum += n;
    CHECK_EQ(n, 0);
    CHECK_EQ(sum, 100000);
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_OK(close(in));

    pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        close(opened(O_RDONLY));
        _exit(1);
    }
    sleep_ms(20);
    CHECK_OK(kill(pid, SIGKILL));
    CHECK_EQ(wait_status_of(pid), SIGKILL);
    CHECK_ERRNO(open(name, O_WRONLY | O_NONBLOCK), ENXIO);
}

int fifos_trial(int argc, char **argv)
{
    (void)argc, (void)argv;
    umask(0);
    CHECK(mkdtemp(directory));
    snprintf(name, sizeof name, "%s/fifo", directory);
    CHECK_OK(mkfifo(name, 0640));
    opening();
    passing();
    several();
    interrupted();
    processes();
    names();
    CHECK_OK(unlink(name));
    CHECK_OK(rmdir(directory));
    printf("fifos: ok\n");
    return 0;
}
