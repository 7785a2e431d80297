/*
 * Random calls on files from several processes and threads at once, in one directory, with processes killed at random. The parent
 * removes what they have left; whoever started the trial looks whether everything is given back.
 *
 * Names are relative and none leads upwards, so nothing is touched outside of the directory.
 */

/* The size of guest/bin is limited, and nothing here is about speed. */
#pragma GCC optimize("Os")

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"
#include "files.h"

enum { THREADS = 3, CALLS = 400, BUFFER = 16 * 4096, FIRST_FD = 3, FDS = 24 };

static char *buffer;

static const char *const names[] = {
    "a", "b", "c", "dir", "dir/a", "dir/b", "dir/dir", "dir/dir/a", "link", "link/a", "a/", "dir/", ".", "./a", "a name of thirty bytes or more..",
    "fifo", "script", "dir/.", "", "/dev/null/x", "a//b",
};
static char long_name[4200];

static const uint64_t edges[] = {
    0, 1, 8, 4095, 4096, 0x7fffffff, 0x80000000, 0xffffffff, 1ul << 32, (1ul << 38) - 8, 1ul << 38, 1ul << 53, 1ul << 62, 0x7fffffffffffffff,
    1ul << 63, -4096ul, -100ul, -1ul,
};

static uint64_t edge(uint64_t *seed)
{
    return edges[next_random(seed) % (sizeof edges / sizeof edges[0])];
}

static uint64_t path(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    if (r >> 59 == 0)
        return edge(seed);
    if (r >> 58 == 2)
        return (uint64_t)(uintptr_t)(long_name + r % 4200);
    return (uint64_t)(uintptr_t)names[r % (sizeof names / sizeof names[0])];
}

static uint64_t descriptor(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    if (r >> 60 == 0)
        return r & 0xffffff8ful ? r | 0x80000000 : 99;
    return FIRST_FD + r % FDS;
}

static uint64_t directory(uint64_t *seed)
{
    return next_random(seed) >> 62 ? (uint64_t)AT_FDCWD : descriptor(seed);
}

static uint64_t memory(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    return r >> 60 == 0 ? edge(seed) : (uint64_t)(uintptr_t)buffer + r % BUFFER;
}

static uint64_t size(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    return r >> 60 == 0 ? edge(seed) : r % (r >> 63 ? 100 : 30000);
}

/* How the arguments of a call are made: p path, f descriptor, d directory, m memory, s size, o small flags, O flags of open, x any. */
static const struct {
    short number;
    const char *arguments;
} calls[] = {
    { SYS_openat, "dpOo" }, { SYS_openat, "dpOo" }, { SYS_openat, "dpOo" }, { SYS_openat, "dpOo" }, { SYS_close, "f" }, { SYS_mkdirat, "dpo" },
    { SYS_mknodat, "dpox" }, { SYS_unlinkat, "dpr" }, { SYS_unlinkat, "dpr" }, { SYS_symlinkat, "pdp" }, { SYS_linkat, "dpdpl" },
    { 276, "dpdpt" }, { 276, "dpdpt" }, { SYS_readlinkat, "dpms" }, { SYS_read, "fms" }, { SYS_write, "fms" }, { SYS_write, "fms" },
    { SYS_pread64, "fmss" }, { SYS_pwrite64, "fmss" }, { SYS_lseek, "fst" }, { SYS_ftruncate, "fs" }, { SYS_truncate, "ps" },
    { SYS_fallocate, "ftss" }, { SYS_getdents64, "fms" }, { SYS_newfstatat, "dpml" }, { SYS_fstat, "fm" }, { SYS_statx, "dplxm" },
    { SYS_faccessat, "dpt" }, { SYS_fchmod, "fo" }, { SYS_fchmodat, "dpo" }, { SYS_fchownat, "dpttl" }, { SYS_utimensat, "dpml" },
    { SYS_chdir, "p" }, { SYS_fchdir, "f" }, { SYS_getcwd, "ms" }, { SYS_dup3, "ffO" }, { SYS_sendfile, "ffms" }, { SYS_copy_file_range, "fmfmst" },
    { SYS_statfs, "pm" }, { SYS_fsync, "f" }, { SYS_mmap, "0s76fz" }, { SYS_munmap, "ms" }, { SYS_memfd_create, "pt" }, { SYS_execve, "pmm" },
    { SYS_fcntl, "fxm" }, { SYS_flock, "ft" }, { SYS_writev, "fmt" }, { SYS_readv, "fmt" }, { SYS_ioctl, "fxm" },
};

static uint64_t argument(char kind, uint64_t *seed)
{
    static const uint64_t flags[] = { O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_CLOEXEC, O_TMPFILE };
    uint64_t r = next_random(seed);
    switch (kind) {
    case 'p': return path(seed);
    case 'f': return descriptor(seed);
    case 'd': return directory(seed);
    case 'm': return memory(seed);
    case 's': return size(seed);
    case 'o': return r % 16 ? (r & 0777) | S_IFREG : r & 0177777;
    case 'O': return (r % 3) | O_NONBLOCK | (r & 0x100 ? O_CREAT : 0) | (r & 0x7000 ? 0 : flags[r >> 32 & 7]) | (r >> 60 ? 0 : r & 0xffffff);
    case 'r': return r & 1 ? AT_REMOVEDIR : r % 16 ? 0 : r;
    case 'l': return r & 1 ? AT_SYMLINK_NOFOLLOW : r & 2 ? AT_EMPTY_PATH : r & 4 ? AT_SYMLINK_FOLLOW : 0;
    case 't': return r % 5;
    case '0': return 0;
    case '7': return r & 7;
    case '6': return 1 + (r & 1);
    case 'z': return r % 4 * 4096;
    default: return r >> 60 ? r % 64 : edge(seed);
    }
}

static void *make_calls(void *start)
{
    uint64_t seed = (uint64_t)(uintptr_t)start * 0x9e3779b97f4a7c15u + 1;
    for (int i = 0; i < CALLS; i++) {
        int which = (int)(next_random(&seed) % (sizeof calls / sizeof calls[0]));
        uint64_t a[6] = { 0 };
        for (int n = 0; calls[which].arguments[n]; n++)
            a[n] = argument(calls[which].arguments[n], &seed);
        /* What waits: a lock that another holds. */
        if (calls[which].number == SYS_flock)
            a[1] |= 4;
        if (calls[which].number == SYS_fcntl && (a[1] == 7 || a[1] == 38))
            a[1]--;
        syscall(calls[which].number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    return NULL;
}

static void child(uint64_t seed)
{
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < THREADS; i++)
        if (pthread_create(&thread, NULL, make_calls, (void *)(uintptr_t)(seed * 16 + (uint64_t)i)) != 0)
            break;
    make_calls((void *)(uintptr_t)(seed * 16));
    _exit(0);
}

int files_fuzz_trial(int argc, char **argv)
{
    uint64_t seed = (uint64_t)number_argument(argc, argv, 1, 1) * 7919 + 3;
    long rounds = number_argument(argc, argv, 2, 3);
    memset(long_name, 'l', sizeof long_name - 1);
    buffer = malloc(BUFFER);
    CHECK(buffer != NULL);
    memset(buffer, 0, BUFFER);
    for (long round = 0; round < rounds; round++) {
        pid_t pids[4];
        enter_scratch();
        put_text("script", "#!/bin/true\n");
        chmod("script", 0755);
        int count = 1 + (int)(next_random(&seed) % 4);
        for (int i = 0; i < count; i++) {
            uint64_t its = next_random(&seed) >> 32;
            pids[i] = fork();
            CHECK_OK(pids[i]);
            if (pids[i] == 0)
                child(its);
        }
        sleep_ms((long)(next_random(&seed) % 30));
        for (int i = 0; i < count; i++)
            if (next_random(&seed) % 2)
                kill(pids[i], SIGKILL);
        for (int i = 0; i < count; i++)
            wait_status_of(pids[i]);
        leave_scratch();
    }
    printf("files_fuzz: ok\n");
    return 0;
}
