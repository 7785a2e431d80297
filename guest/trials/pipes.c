/* Pipes within one process: counts, capacity, ends, packets, errors, times (pipe(7)). The other trials of pipes have several. */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096

static char block[1 << 20], back[1 << 20];

/* The bytes of a stream from position `from` on. */
static void make(char *to, size_t from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (char)((from + i) * 31 + ((from + i) >> 8));
}

static void expect(const char *what, size_t from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (what[i] != (char)((from + i) * 31 + ((from + i) >> 8)))
            FAIL("byte %zu of the stream is wrong", from + i);
}

static int in_pipe(int fd)
{
    int bytes = -1;
    CHECK_OK(ioctl(fd, FIONREAD, &bytes));
    return bytes;
}

static void make_pipe(int fd[2], int flags)
{
    CHECK_OK(pipe2(fd, flags));
}

static void close_pipe(int fd[2])
{
    CHECK_OK(close(fd[0]));
    CHECK_OK(close(fd[1]));
}

static void bytes_pass(void)
{
    int fd[2];
    make_pipe(fd, 0);
    make(block, 0, 3000);
    CHECK_EQ(write(fd[1], block, 1000), 1000);
    CHECK_EQ(write(fd[1], block + 1000, 2000), 2000);
    CHECK_EQ(in_pipe(fd[0]), 3000);
    CHECK_EQ(in_pipe(fd[1]), 3000);
    CHECK_EQ(read(fd[0], back, 700), 700);
    CHECK_EQ(read(fd[0], back + 700, 100000), 2300);
    expect(back, 0, 3000);
    CHECK_EQ(in_pipe(fd[0]), 0);

    struct iovec vector[3] = { { block, 10 }, { NULL, 0 }, { block + 10, 5000 } };
    CHECK_EQ(writev(fd[1], vector, 3), 5010);
    struct iovec into[2] = { { back, 4000 }, { back + 4000, 8000 } };
    CHECK_EQ(readv(fd[0], into, 2), 5010);

    CHECK_EQ(write(fd[1], block, 0), 0);
    CHECK_EQ(read(fd[0], back, 0), 0);
    close_pipe(fd);
}

/* Writes pieces of one size until none fits; prints how many did and what there is then. */
static void fill_with(int size, int pages, int flags)
{
    int fd[2], pieces = 0;
    long sum = 0;
    ssize_t n;
    make_pipe(fd, O_NONBLOCK | flags);
    if (pages)
        CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, pages * PAGE), pages * PAGE);
    while ((n = write(fd[1], block, (size_t)size)) > 0) {
        pieces++;
        sum += n;
    }
    CHECK_EQ(n, -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(in_pipe(fd[0]), sum);
    printf("%d pages, pieces of %d: %d, %ld bytes", pages ? pages : 16, size, pieces, sum);
    /* What is left of a page that has been begun to be read is no room. */
    CHECK_EQ(read(fd[0], back, 1), 1);
    printf("; then %zd", write(fd[1], block, 1));
    printf(" %zd", read(fd[0], back, PAGE - 1));
    printf(" %zd\n", write(fd[1], block, (size_t)size));
    close_pipe(fd);
}

static void capacity(void)
{
    static const int sizes[] = { 1, 100, 1000, 2100, 4000, 4095, 4096, 4097, 5000, 8192, 10000, 65535, 65536, 65537, 100000 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] > 10)
            fill_with(sizes[i], 0, 0);
    for (int pages = 1; pages <= 64; pages *= 4)
        fill_with(3000, pages, 0);
    fill_with(100, 4, O_DIRECT);
    fill_with(5000, 4, O_DIRECT);
}

/* A pipe that wraps around many times, with reads and writes of all sizes. */
static void stream(void)
{
    int fd[2];
    uint64_t seed = 7;
    size_t in = 0, out = 0;
    make_pipe(fd, O_NONBLOCK);
    for (int i = 0; i < 20000; i++) {
        size_t size = next_random(&seed) % (i % 3 ? 3000 : 20000) + 1;
        if (next_random(&seed) % 2) {
            make(block, in, size);
            ssize_t n = write(fd[1], block, size);
            if (n > 0)
                in += (size_t)n;
            else
                CHECK_EQ(errno, EAGAIN);
        } else {
            ssize_t n = read(fd[0], back, size);
            if (n > 0) {
                expect(back, out, (size_t)n);
                out += (size_t)n;
            } else {
                CHECK_EQ(n, -1);
                CHECK_EQ(errno, EAGAIN);
                CHECK_EQ(in, out);
            }
        }
        CHECK_EQ(in_pipe(fd[0]), in - out);
    }
    printf("stream: %zu in, %zu out\n", in, out);
    close_pipe(fd);
}

static void sizes(void)
{
    int fd[2];
    make_pipe(fd, 0);
    CHECK_EQ(fcntl(fd[0], F_GETPIPE_SZ), 16 * PAGE);
    static const unsigned wanted[] = { 0, 1, 4095, 4096, 4097, 10000, 65536, 65537, 500000, 1 << 20 };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        int size = fcntl(fd[1], F_SETPIPE_SZ, wanted[i]);
        printf("F_SETPIPE_SZ %u: %d\n", wanted[i], size);
        CHECK_EQ(fcntl(fd[0], F_GETPIPE_SZ), size);
    }
    make(block, 0, 100000);
    CHECK_EQ(write(fd[1], block, 100000), 100000);
    CHECK_ERRNO(fcntl(fd[1], F_SETPIPE_SZ, 65536), EBUSY);
    CHECK_ERRNO(fcntl(fd[1], F_SETPIPE_SZ, 0x80000001u), EINVAL);
    CHECK_EQ(read(fd[0], back, 50000), 50000);
    expect(back, 0, 50000);
    CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, 65536), 65536);
    CHECK_EQ(read(fd[0], back, 30000), 30000);
    expect(back, 50000, 30000);
    CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, 128 * 1024), 128 * 1024);
    make(block, 100000, 90000);
    CHECK_EQ(write(fd[1], block, 90000), 90000);
    CHECK_EQ(read(fd[0], back, sizeof back), 110000);
    expect(back, 80000, 110000);
    CHECK_ERRNO(fcntl(0x7ffffff, F_GETPIPE_SZ), EBADF);
    close_pipe(fd);
}

static void packets(void)
{
    int fd[2];
    make_pipe(fd, O_DIRECT | O_NONBLOCK);
    CHECK_EQ(fcntl(fd[0], F_GETFL) & (O_DIRECT | O_ACCMODE), O_RDONLY);
    CHECK_EQ(fcntl(fd[1], F_GETFL) & (O_DIRECT | O_ACCMODE), O_WRONLY | O_DIRECT);
    make(block, 0, 10000);
    CHECK_EQ(write(fd[1], block, 10), 10);
    CHECK_EQ(write(fd[1], block + 10, 20), 20);
    CHECK_EQ(write(fd[1], block + 30, 5000), 5000);
    CHECK_EQ(in_pipe(fd[0]), 5030);
    CHECK_EQ(read(fd[0], back, 100), 10);
    CHECK_EQ(read(fd[0], back, 5), 5);
    expect(back, 10, 5);
    CHECK_EQ(in_pipe(fd[0]), 5000);
    CHECK_EQ(read(fd[0], back, 5000), 4096);
    expect(back, 30, 4096);
    CHECK_EQ(read(fd[0], back, 5000), 904);
    CHECK_ERRNO(read(fd[0], back, 1), EAGAIN);
    /* The mode is the writer's, and changes with its flags. */
    CHECK_EQ(write(fd[1], block, 10), 10);
    CHECK_OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
    CHECK_EQ(write(fd[1], block, 10), 10);
    CHECK_EQ(write(fd[1], block, 10), 10);
    CHECK_EQ(read(fd[0], back, 100), 10);
    CHECK_EQ(read(fd[0], back, 100), 20);
    close_pipe(fd);
}

static volatile sig_atomic_t signals;

static void count(int signal)
{
    (void)signal;
    signals++;
}

static void ends(void)
{
    int fd[2];
    make_pipe(fd, 0);
    CHECK_EQ(write(fd[1], "last words", 10), 10);
    int other = dup(fd[1]);
    CHECK_OK(close(fd[1]));
    CHECK_OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
    CHECK_EQ(read(fd[0], back, 4), 4);
    CHECK_EQ(read(fd[0], back, 100), 6);
    CHECK_ERRNO(read(fd[0], back, 100), EAGAIN);
    CHECK_OK(close(other));
    CHECK_EQ(read(fd[0], back, 100), 0);
    CHECK_EQ(read(fd[0], back, 100), 0);
    CHECK_OK(close(fd[0]));

    signal(SIGPIPE, SIG_IGN);
    make_pipe(fd, 0);
    CHECK_EQ(write(fd[1], block, 100), 100);
    CHECK_OK(close(fd[0]));
    CHECK_ERRNO(write(fd[1], block, 1), EPIPE);
    CHECK_ERRNO(write(fd[1], block, 100000), EPIPE);
    CHECK_EQ(write(fd[1], block, 0), 0);
    struct iovec vector[2] = { { block, 1 }, { block, 2 } };
    CHECK_ERRNO(writev(fd[1], vector, 2), EPIPE);
    CHECK_OK(close(fd[1]));
    signal(SIGPIPE, SIG_DFL);
}

static void refusals(void)
{
    int fd[2];
    char *volatile nowhere = (char *)8;
    char *bad = nowhere;
    make_pipe(fd, 0);
    CHECK_ERRNO(read(fd[1], back, 1), EBADF);
    CHECK_ERRNO(write(fd[0], block, 1), EBADF);
    CHECK_ERRNO(lseek(fd[0], 0, SEEK_CUR), ESPIPE);
    CHECK_ERRNO(pread(fd[0], back, 1, 0), ESPIPE);
    CHECK_ERRNO(pwrite(fd[1], back, 1, 0), ESPIPE);
    CHECK_ERRNO(ftruncate(fd[1], 0), EINVAL);
    CHECK_ERRNO(ioctl(fd[0], TIOCGWINSZ, back), ENOTTY);
    CHECK(!isatty(fd[0]));
    CHECK_ERRNO(pipe2(fd, 0x12345678), EINVAL);
    CHECK_ERRNO(pipe2((int *)bad, 0), EFAULT);
    CHECK_ERRNO(write(fd[1], bad, 5), EFAULT);
    CHECK_EQ(in_pipe(fd[0]), 0);
    CHECK_EQ(write(fd[1], block, 5), 5);
    CHECK_ERRNO(read(fd[0], bad, 5), EFAULT);
    CHECK_EQ(in_pipe(fd[0]), 5);
    CHECK_ERRNO(ioctl(fd[0], FIONREAD, bad), EFAULT);
    close_pipe(fd);

    /* qemu looks at the whole buffer first: what follows is said by Linux's source. */
    if (!on_hartbeat())
        return;
    char *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    CHECK_OK(munmap(pages + 2 * PAGE, PAGE));
    make_pipe(fd, O_NONBLOCK);
    make(pages, 0, 2 * PAGE);
    CHECK_EQ(write(fd[1], pages, 3 * PAGE), 2 * PAGE);
    CHECK_EQ(in_pipe(fd[0]), 2 * PAGE);
    CHECK_ERRNO(write(fd[1], pages + 2 * PAGE - 10, 20), EFAULT);
    CHECK_EQ(in_pipe(fd[0]), 2 * PAGE);
    CHECK_EQ(read(fd[0], pages + PAGE - 10, 2 * PAGE), PAGE);
    expect(pages + PAGE - 10, 0, PAGE);
    CHECK_ERRNO(read(fd[0], pages + PAGE + 10, PAGE), EFAULT);
    CHECK_EQ(read(fd[0], pages + PAGE, PAGE), PAGE);
    expect(pages + PAGE, PAGE, PAGE);
    close_pipe(fd);
    CHECK_OK(munmap(pages, 2 * PAGE));
}

static void status(void)
{
    int fd[2], other[2];
    struct stat a, b, c;
    make_pipe(fd, 0);
    make_pipe(other, O_CLOEXEC);
    CHECK_OK(fstat(fd[0], &a));
    CHECK_OK(fstat(fd[1], &b));
    CHECK_OK(fstat(other[0], &c));
    CHECK(S_ISFIFO(a.st_mode));
    CHECK_EQ(a.st_mode & 07777, 0600);
    CHECK_EQ(a.st_ino, b.st_ino);
    CHECK_EQ(a.st_dev, b.st_dev);
    CHECK(a.st_ino != c.st_ino);
    CHECK_EQ(a.st_dev, c.st_dev);
    CHECK_EQ(a.st_nlink, 1);
    CHECK_EQ(a.st_size, 0);
    CHECK_EQ(a.st_blksize, PAGE);
    CHECK_EQ(a.st_blocks, 0);
    CHECK_EQ(write(fd[1], block, 1000), 1000);
    CHECK_OK(fstat(fd[0], &a));
    CHECK_EQ(a.st_size, 0);
    CHECK(llabs(a.st_mtime - time(NULL)) < 10);
    CHECK_EQ(fcntl(fd[0], F_GETFD), 0);
    CHECK_EQ(fcntl(other[0], F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(other[1], F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(fd[0], F_GETFL) & ~0100000, O_RDONLY);
    CHECK_EQ(fcntl(fd[1], F_GETFL) & ~0100000, O_WRONLY);
    close_pipe(fd);
    close_pipe(other);
}

static int shared[2];

static void *write_later(void *size)
{
    sleep_ms(10);
    ssize_t n = write(shared[1], block, (size_t)size);
    return (void *)n;
}

static void *read_to_end(void *unused)
{
    (void)unused;
    long sum = 0;
    ssize_t n;
    while ((n = read(shared[0], back, 7001)) > 0)
        sum += n;
    CHECK_EQ(n, 0);
    return (void *)sum;
}

static void *close_later(void *fd)
{
    sleep_ms(10);
    CHECK_OK(close((int)(long)fd));
    return NULL;
}

static void waiting(void)
{
    pthread_t thread, second;
    void *result;
    make_pipe(shared, 0);
    CHECK_ZERO(pthread_create(&thread, NULL, write_later, (void *)5));
    CHECK_EQ(read(shared[0], back, 100), 5);
    CHECK_ZERO(pthread_join(thread, &result));
    CHECK_EQ((long)result, 5);

    /* A long write goes on as room is made, and returns when all of it is in. */
    CHECK_ZERO(pthread_create(&thread, NULL, read_to_end, NULL));
    CHECK_EQ(write(shared[1], block, 1000000), 1000000);
    CHECK_EQ(write(shared[1], block, 234567), 234567);
    CHECK_ZERO(pthread_create(&second, NULL, close_later, (void *)(long)shared[1]));
    CHECK_ZERO(pthread_join(thread, &result));
    CHECK_EQ((long)result, 1234567);
    CHECK_ZERO(pthread_join(second, NULL));

    /* A read that waits keeps its end open, though its number is closed. */
    close(shared[0]);
    make_pipe(shared, 0);
    CHECK_ZERO(pthread_create(&thread, NULL, close_later, (void *)(long)shared[0]));
    CHECK_ZERO(pthread_create(&second, NULL, write_later, (void *)30));
    CHECK(read(shared[0], back, 100) == 30);
    CHECK_ZERO(pthread_join(thread, NULL));
    CHECK_ZERO(pthread_join(second, NULL));

    close(shared[1]);
    signal(SIGPIPE, SIG_IGN);

    /* A write that waits when the last reader goes: what is in counts; nothing is in: EPIPE. */
    make_pipe(shared, 0);
    CHECK_ZERO(pthread_create(&thread, NULL, close_later, (void *)(long)shared[0]));
    CHECK_EQ(write(shared[1], block, 100000), 65536);
    CHECK_ZERO(pthread_join(thread, NULL));
    close(shared[1]);
    make_pipe(shared, 0);
    CHECK_EQ(write(shared[1], block, 65536), 65536);
    CHECK_ZERO(pthread_create(&thread, NULL, close_later, (void *)(long)shared[0]));
    CHECK_ERRNO(write(shared[1], block, 10), EPIPE);
    CHECK_ZERO(pthread_join(thread, NULL));
    close(shared[1]);
    signal(SIGPIPE, SIG_DFL);
}

static void exhaustion(void)
{
    int fd[2], made = 0, first = -1;
    while (pipe(fd) == 0) {
        if (first < 0)
            first = fd[0];
        made++;
    }
    CHECK(errno == EMFILE || errno == ENFILE);
    CHECK(made > 20);
    for (int i = first; i < first + 2 * made; i++)
        CHECK_OK(close(i));
    make_pipe(fd, 0);
    CHECK_EQ(fd[0], first);
    close_pipe(fd);
}

int pipes_trial(int argc, char **argv)
{
    (void)argc, (void)argv;
    signal(SIGUSR1, count);
    bytes_pass();
    capacity();
    stream();
    sizes();
    packets();
    ends();
    refusals();
    status();
    waiting();
    exhaustion();
    printf("pipes: ok\n");
    return 0;
}
