/* Figures of pipes: a byte to another process and back, and how much passes in writes of 64 KiB. */

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define CHUNK 65536

/* `pin A,B` among the arguments from `index` on. */
static void harts_argument(int argc, char **argv, int index, long *a, long *b)
{
    *a = *b = -1;
    if (argc > index + 1 && strcmp(argv[index], "pin") == 0 && sscanf(argv[index + 1], "%ld,%ld", a, b) != 2) {
        fprintf(stderr, "%s: pin A,B: two harts\n", argv[0]);
        exit(2);
    }
}

static void pin(long hart)
{
    if (hart >= 0)
        pin_to((int)hart);
}

int pipepp_trial(int argc, char **argv)
{
    long rounds = number_argument(argc, argv, 1, 10000), a, b;
    int there[2], back[2];
    char byte = 1;
    harts_argument(argc, argv, 2, &a, &b);
    CHECK_OK(pipe(there));
    CHECK_OK(pipe(back));
    pid_t pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        close(there[1]);
        close(back[0]);
        pin(b);
        while (read(there[0], &byte, 1) == 1)
            CHECK_EQ(write(back[1], &byte, 1), 1);
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    pin(a);
    uint64_t begin = now_ns();
    for (long i = 0; i < rounds; i++) {
        CHECK_EQ(write(there[1], &byte, 1), 1);
        CHECK_EQ(read(back[0], &byte, 1), 1);
    }
    uint64_t time = now_ns() - begin;
    close(there[1]);
    CHECK_EQ(wait_status_of(pid), 0);
    printf("round_trips=%ld\nns_per_round_trip=%.1f\n", rounds, (double)time / (double)(rounds ? rounds : 1));
    return 0;
}

int pipebulk_trial(int argc, char **argv)
{
    static char buffer[CHUNK];
    long megabytes = number_argument(argc, argv, 1, 256), a, b;
    int fd[2];
    harts_argument(argc, argv, 2, &a, &b);
    CHECK_OK(pipe(fd));
    pid_t pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        close(fd[0]);
        pin(b);
        for (long i = 0; i < megabytes << 20; i += CHUNK)
            CHECK_EQ(write(fd[1], buffer, CHUNK), CHUNK);
        _exit(0);
    }
    close(fd[1]);
    pin(a);
    long bytes = 0;
    ssize_t n;
    uint64_t begin = now_ns();
    while ((n = read(fd[0], buffer, CHUNK)) > 0)
        bytes += n;
    uint64_t time = now_ns() - begin;
    CHECK_EQ(bytes, megabytes << 20);
    CHECK_EQ(wait_status_of(pid), 0);
    printf("bytes=%ld\nmegabytes_per_second=%.1f\n", bytes, (double)bytes * 1e3 / (double)time);
    return 0;
}
