/*
 * Random calls on pipes, FIFOs and whatever else has a descriptor, from many processes and threads that share them, killed at random:
 * afterwards as much is in use as before.
 */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports.h"

#define THREADS 3
#define PROCESSES 4
#define CALLS 400
#define ARENA (8 * 4096)
#define FIRST 3
#define DESCRIPTORS 40

static char *arena;
static const char fifo[] = "/tmp/fuzz-fifo";

/* An address: mostly of the arena, sometimes at its end, sometimes nowhere. */
static long address(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    switch (r >> 61) {
    case 0: return (long)arena + ARENA - (long)(r % 64);
    case 1: return r & 1 ? 8 : (long)(-1ul << (r % 64));
    default: return (long)arena + (long)(r % (ARENA / 2));
    }
}

static long length(uint64_t *seed)
{
    static const long lengths[] = { 0, 1, 8, 100, 4095, 4096, 4097, 10000, 65536, 100000, 1l << 31, -1, 1l << 40 };
    uint64_t r = next_random(seed);
    return r & 1 ? (long)(r >> 32) % 5000 : lengths[r % (sizeof lengths / sizeof *lengths)];
}

static long descriptor(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    return r % 32 == 0 ? (long)(int32_t)(r >> 32) : FIRST + (long)((r >> 8) % DESCRIPTORS);
}

/* Descriptors, a vector and sets in the arena that make sense. */
static void prepare(uint64_t *seed)
{
    struct pollfd *p = (struct pollfd *)arena;
    for (int i = 0; i < 64; i++)
        p[i] = (struct pollfd){ (int)descriptor(seed), (short)next_random(seed), 0 };
}

static void call(uint64_t *seed)
{
    static const struct timespec brief = { 0, 300000 };
    uint64_t r = next_random(seed);
    long fd = descriptor(seed), a = address(seed), n = length(seed);
    switch (r % 16) {
    case 0: syscall(SYS_pipe2, a, (r >> 8) % 4 ? (long)(r >> 10) & (O_NONBLOCK | O_DIRECT) : (long)(r >> 20)); break;
    case 1: case 2: syscall(SYS_read, fd, a, n); break;
    case 3: case 4: syscall(SYS_write, fd, a, n); break;
    case 5: syscall(r & 256 ? SYS_readv : SYS_writev, fd, a, (r >> 9) % 1100); break;
    case 6: syscall(SYS_close, fd); break;
    case 7: syscall(SYS_dup3, fd, descriptor(seed), 0); break;
    case 8: syscall(SYS_fcntl, fd, r & 256 ? F_SETPIPE_SZ : F_GETPIPE_SZ, n); break;
    case 9: syscall(SYS_fcntl, fd, F_SETFL, (r >> 8) % 2 ? O_NONBLOCK : (long)(r >> 20)); break;
    case 10: syscall(SYS_ioctl, fd, 0x541b, a); break;
    case 11: case 12:
        prepare(seed);
        syscall(SYS_ppoll, r & 256 ? (long)arena : a, (r >> 9) % 80, r & (1 << 20) ? (long)&brief : 0, r & (1 << 21) ? a : 0, 8);
        break;
    case 13: syscall(SYS_pselect6, (r >> 9) % 200, a, address(seed), address(seed), &brief, r & (1 << 20) ? a : 0); break;
    case 14: syscall(SYS_openat, AT_FDCWD, fifo, r & 256 ? (long)(r >> 20) & ~(long)O_CREAT : (long)((r >> 9) % 3) | O_NONBLOCK * ((r >> 12) % 4 > 0), 0); break;
    case 15: syscall(SYS_fstat, fd, a); break;
    }
}

static void *calls(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument * 0x9e3779b97f4a7c15u + 1;
    for (int i = 0; i < CALLS; i++)
        call(&seed);
    return NULL;
}

static void round_of(uint64_t seed)
{
    pid_t pids[PROCESSES];
    /* Descriptors that all of them have in common. */
    int fd[2 * PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        CHECK_OK(pipe2(fd + 2 * i, i % 2 ? O_NONBLOCK : 0));
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        CHECK_OK(pids[i]);
        if (pids[i] != 0)
            continue;
        pthread_t thread;
        signal(SIGPIPE, SIG_IGN);
        for (int j = 0; j < THREADS; j++)
            pthread_create(&thread, NULL, calls, (void *)(uintptr_t)(seed * 64 + (uint64_t)(i * 8 + j + 1)));
        calls((void *)(uintptr_t)(seed * 64 + (uint64_t)i * 8));
        _exit(0);
    }
    for (int i = 0; i < 2 * PROCESSES; i++)
        CHECK_OK(close(fd[i]));
    sleep_ms((long)(next_random(&seed) % 40));
    for (int i = 0; i < PROCESSES; i++) {
        if (next_random(&seed) % 4 == 0)
            sleep_ms((long)(next_random(&seed) % 20));
        CHECK_OK(kill(pids[i], SIGKILL));
    }
    for (int i = 0; i < PROCESSES; i++)
        wait_status_of(pids[i]);
}

int fuzz_pipes_trial(int argc, char **argv)
{
    uint64_t seed = (uint64_t)number_argument(argc, argv, 1, 1) * 1000003 + 29;
    long rounds = number_argument(argc, argv, 2, 5);
    arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(arena != MAP_FAILED);
    unlink(fifo);
    CHECK_OK(mkfifo(fifo, 0600));
    round_of(seed);
    struct hb_stats before = settled_stats();
    for (long i = 0; i < rounds; i++)
        round_of(next_random(&seed));
    check_no_leak(&before);
    CHECK_OK(unlink(fifo));
    printf("fuzz_pipes: ok\n");
    return 0;
}
