/*
 * Pipes under stress, all of it with processes:
 *
 *   records   many writers of records of any size up to 4096 bytes, one reader who finds none torn, lost, doubled or out of order;
 *             then several readers who share records of one size
 *   pipeline  a chain of 50 processes through which a stream passes unchanged
 *   polled    a reader who polls the pipes of many writers until all have ended
 *   killed    writers and readers of one pipe that are killed at random: those who are left get on, and come to an end
 */

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define MAX 64
#define PIPE_BUF_BYTES 4096
#define FIXED 512
#define STAGES 50

struct record {
    uint16_t writer, bytes;
    uint32_t number;
    uint8_t body[];
};

static char buffer[1 << 16];

static pid_t begin(void)
{
    fflush(NULL);
    pid_t pid = fork();
    CHECK_OK(pid);
    return pid;
}

static void make_pipe(int fd[2])
{
    CHECK_OK(pipe(fd));
}

static void expect_all(const pid_t *pids, long count)
{
    for (long i = 0; i < count; i++)
        CHECK_EQ(wait_status_of(pids[i]), 0);
}

static uint8_t body_byte(long writer, uint32_t number, size_t i)
{
    return (uint8_t)((size_t)writer * 7 + number * 13 + i);
}

_Noreturn static void write_records(int fd, long writer, long count, bool fixed)
{
    static char space[PIPE_BUF_BYTES] __attribute__((aligned(8)));
    struct record *r = (struct record *)space;
    uint64_t seed = (uint64_t)writer + 1;
    pin_to((int)writer);
    for (long i = 0; i < count; i++) {
        size_t bytes = fixed ? FIXED : sizeof *r + next_random(&seed) % (PIPE_BUF_BYTES - sizeof *r + 1);
        *r = (struct record){ .writer = (uint16_t)writer, .bytes = (uint16_t)bytes, .number = (uint32_t)i };
        for (size_t j = 0; j < bytes - sizeof *r; j++)
            r->body[j] = body_byte(writer, r->number, j);
        CHECK_EQ(write(fd, r, bytes), bytes);
    }
    _exit(0);
}

static void check_record(const struct record *r, uint32_t *next, bool in_order)
{
    if (r->writer >= MAX || r->bytes < sizeof *r || r->bytes > PIPE_BUF_BYTES)
        FAIL("torn: writer %u, %u bytes", r->writer, r->bytes);
    if (in_order ? r->number != next[r->writer] : r->number < next[r->writer])
        FAIL("writer %u: record %u came, %u was next", r->writer, r->number, next[r->writer]);
    next[r->writer] = r->number + 1;
    for (size_t i = 0; i < r->bytes - sizeof *r; i++)
        if (r->body[i] != body_byte(r->writer, r->number, i))
            FAIL("torn: byte %zu of record %u of writer %u", i, r->number, r->writer);
}

static void records(long writers, long count)
{
    static uint32_t next[MAX];
    pid_t pids[MAX];
    int fd[2];
    long found = 0;
    size_t have = 0;
    ssize_t n;
    make_pipe(fd);
    for (long w = 0; w < writers; w++) {
        pids[w] = begin();
        if (pids[w] == 0)
            write_records(fd[1], w, count, false);
    }
    CHECK_OK(close(fd[1]));
    while ((n = read(fd[0], buffer + have, sizeof buffer - have)) > 0) {
        size_t at = 0;
        have += (size_t)n;
        for (;;) {
            struct record head;
            if (have - at < sizeof head)
                break;
            memcpy(&head, buffer + at, sizeof head);
            if (head.bytes >= sizeof head && have - at < head.bytes)
                break;
            static char space[PIPE_BUF_BYTES + 8] __attribute__((aligned(8)));
            memcpy(space, buffer + at, head.bytes <= PIPE_BUF_BYTES ? head.bytes : sizeof head);
            check_record((struct record *)space, next, true);
            at += head.bytes;
            found++;
        }
        memmove(buffer, buffer + at, have - at);
        have -= at;
    }
    CHECK_EQ(n, 0);
    CHECK_EQ(have, 0);
    CHECK_EQ(found, writers * count);
    expect_all(pids, writers);
    CHECK_OK(close(fd[0]));
}

/* What each reader has found comes back through another pipe. */
static void shared_records(long writers, long count, long readers)
{
    pid_t pids[2 * MAX];
    int fd[2], back[2];
    long sum = 0, found;
    make_pipe(fd);
    make_pipe(back);
    for (long i = 0; i < writers + readers; i++) {
        pids[i] = begin();
        if (pids[i] != 0)
            continue;
        if (i < writers)
            write_records(fd[1], i, count, true);
        static uint32_t next[MAX];
        static char space[FIXED] __attribute__((aligned(8)));
        CHECK_OK(close(fd[1]));
        found = 0;
        for (ssize_t n; (n = read(fd[0], space, FIXED)) > 0; found++) {
            CHECK_EQ(n, FIXED);
            check_record((struct record *)space, next, false);
        }
        CHECK_EQ(write(back[1], &found, sizeof found), sizeof found);
        _exit(0);
    }
    CHECK_OK(close(fd[1]));
    CHECK_OK(close(fd[0]));
    CHECK_OK(close(back[1]));
    while (read(back[0], &found, sizeof found) == sizeof found)
        sum += found;
    CHECK_EQ(sum, writers * count);
    expect_all(pids, writers + readers);
    CHECK_OK(close(back[0]));
}

static void pipeline(long kilobytes)
{
    pid_t pids[STAGES];
    int in = -1, fd[2];
    long bytes = 0;
    uint32_t sum = 0;
    ssize_t n;
    for (long stage = 0; stage < STAGES; stage++) {
        make_pipe(fd);
        pids[stage] = begin();
        if (pids[stage] == 0) {
            CHECK_OK(close(fd[0]));
            if (stage == 0) {
                for (long k = 0; k < kilobytes; k++) {
                    for (int i = 0; i < 1024; i++)
                        buffer[i] = (char)(k * 5 + i);
                    CHECK_EQ(write(fd[1], buffer, 1024), 1024);
                }
                _exit(0);
            }
            while ((n = read(in, buffer, (size_t)(stage * 97 % 5000 + 500))) > 0)
                CHECK_EQ(write(fd[1], buffer, (size_t)n), n);
            _exit(n == 0 ? 0 : 1);
        }
        if (in >= 0)
            CHECK_OK(close(in));
        CHECK_OK(close(fd[1]));
        in = fd[0];
    }
    while ((n = read(in, buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < n; i++, bytes++)
            sum = sum * 31 + (uint8_t)buffer[i];
    }
    CHECK_OK(close(in));
    expect_all(pids, STAGES);
    uint32_t expected = 0;
    for (long i = 0; i < kilobytes * 1024; i++)
        expected = expected * 31 + (uint8_t)(i / 1024 * 5 + i % 1024);
    CHECK_EQ(bytes, kilobytes * 1024);
    CHECK_EQ(sum, expected);
}

static void polled(long writers, long count)
{
    pid_t pids[MAX];
    struct pollfd p[MAX];
    long open = writers, bytes = 0;
    for (long w = 0; w < writers; w++) {
        int fd[2];
        make_pipe(fd);
        pids[w] = begin();
        if (pids[w] == 0) {
            uint64_t seed = (uint64_t)w + 99;
            CHECK_OK(close(fd[0]));
            for (long i = 0; i < count; i++) {
                CHECK_EQ(write(fd[1], buffer, 100), 100);
                if (next_random(&seed) % 8 == 0)
                    sched_yield();
            }
            _exit(0);
        }
        CHECK_OK(close(fd[1]));
        p[w] = (struct pollfd){ fd[0], POLLIN, 0 };
    }
    while (open > 0) {
        int ready = poll(p, (nfds_t)writers, -1);
        CHECK(ready > 0);
        for (long w = 0; w < writers; w++) {
            if (p[w].fd < 0 || p[w].revents == 0)
                continue;
            ssize_t n = read(p[w].fd, buffer, 1000);
            CHECK(n >= 0);
            bytes += n;
            if (n == 0) {
                CHECK_OK(close(p[w].fd));
                p[w].fd = -1;
                open--;
            }
        }
    }
    CHECK_EQ(bytes, writers * count * 100);
    expect_all(pids, writers);
}

static void killed(long rounds)
{
    uint64_t seed = 5;
    for (long round = 0; round < rounds; round++) {
        pid_t pids[8];
        int fd[2], alive[2];
        make_pipe(fd);
        make_pipe(alive);
        for (int i = 0; i < 8; i++) {
            pids[i] = begin();
            if (pids[i] != 0)
                continue;
            CHECK_OK(close(alive[0]));
            CHECK_OK(close(fd[i % 2 == 0 ? 1 : 0]));
            if (i % 2 == 0)
                while (read(fd[0], buffer, 3000) > 0) {
                }
            else
                for (int j = 0; j < 200; j++)
                    if (write(fd[1], buffer, j % 7 == 0 ? 30000 : 500) <= 0)
                        break;
            _exit(0);
        }
        CHECK_OK(close(fd[0]));
        CHECK_OK(close(fd[1]));
        CHECK_OK(close(alive[1]));
        /* Half of them, never all readers: the writers that are left come to their end. */
        for (int i = 0; i < 4; i++) {
            int victim = (int)(next_random(&seed) % 6);
            if (next_random(&seed) % 2)
                sched_yield();
            CHECK_OK(kill(pids[victim], SIGKILL));
        }
        CHECK_EQ(read(alive[0], buffer, 1), 0);
        CHECK_OK(close(alive[0]));
        for (int i = 0; i < 8; i++) {
            int status = wait_status_of(pids[i]);
            CHECK(status == 0 || (i < 6 && status == SIGKILL));
        }
    }
}

int pipestress_trial(int argc, char **argv)
{
    long scale = number_argument(argc, argv, 1, 1);
    records(16, 200 * scale);
    shared_records(12, 300 * scale, 5);
    pipeline(100 * scale);
    polled(24, 300 * scale);
    killed(10 * scale);
    printf("pipestress: ok\n");
    return 0;
}
