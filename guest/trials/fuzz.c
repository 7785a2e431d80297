/*
 * Random system calls from many processes and threads at once, with processes killed at random. Whatever becomes of them, the machine
 * goes on, and in the end as much is in use as before.
 *
 * `fuzz` starts rounds of `fuzz_child`, which makes the calls. A seed fixes what each of its threads asks for, not how they interleave.
 * Spared are the process that runs the trial and all older ones, which are never a target of kill, and the machine's power.
 */

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports.h"

#define ARENA (64 * 4096)
#define THREADS 3
#define CALLS 1500
#define MOST_PROCESSES 1024
#define ROUND_LIMIT_NS 20000000000u

static char *arena;
/* How long calls wait: 1 ms at most. */
static struct timespec brief;
static long root_pid;

/* One system call, without errno, and without the C library's notion of what is sane. */
static long raw(long number, const uint64_t *a)
{
    register long a7 __asm__("a7") = number;
    register uint64_t a0 __asm__("a0") = a[0];
    register uint64_t a1 __asm__("a1") = a[1];
    register uint64_t a2 __asm__("a2") = a[2];
    register uint64_t a3 __asm__("a3") = a[3];
    register uint64_t a4 __asm__("a4") = a[4];
    register uint64_t a5 __asm__("a5") = a[5];
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
    return (long)a0;
}

static const uint64_t edges[] = {
    0, 1, 2, 7, 8, 24, 4095, 4096, 4097, 0x7fffffff, 0x80000000, 0xffffffff, 1ul << 32, (1ul << 38) - 4096, (1ul << 38) - 1,
    1ul << 38, (1ul << 38) + 4096, (1ul << 53) - 1, (1ul << 53) + 1, 1ul << 62, 0x7fffffffffffffff, 1ul << 63, -4096ul, -8ul, -1ul,
};

static uint64_t arena_address(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    uint64_t page = (uint64_t)arena + r % 64 * 4096;
    switch (r >> 60) {
    case 0: return page + 4092;
    case 1: return page + 4095;
    case 2: return page + (r >> 8) % 4096;
    case 3: case 4: case 5: return page + (r >> 8) % 512 * 8;
    default: return page;
    }
}

/* An argument of any kind. */
static uint64_t any(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    switch (r >> 60) {
    case 0: case 1: case 2: return r % 8;
    case 3: case 4: case 5: case 6: return arena_address(seed);
    case 7: case 8: return edges[r % (sizeof edges / sizeof edges[0])];
    case 9: return next_random(seed);
    case 10: return r & 0xffff;
    case 11: return (uint64_t)root_pid + r % 40;
    case 12: return 1ul << (r % 64);
    case 13: return (uint64_t)(uintptr_t)&r;
    case 14: return (uint64_t)(uintptr_t)any & ~4095ul;
    default: return r % 40 * 32 + r % 31;
    }
}

static const short numbers[] = {
    29, 48, 57, 62, 63, 64, 65, 66, 78, 79, 80, 93, 94, 95, 95, 96, 98, 98, 98, 98, 98, 98, 99, 100, 101, 101, 102, 103, 107, 107,
    108, 109, 110, 110, 111, 113, 114, 115, 122, 122, 123, 124, 124, 124, 128, 129, 129, 130, 131, 132, 133, 134, 134, 135, 135, 136,
    137, 138, 138, 139, 140, 141, 143, 144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 165, 166,
    167, 168, 169, 172, 173, 178, 179, 214, 214, 215, 215, 215, 216, 216, 220, 220, 221, 222, 222, 222, 222, 226, 226, 226, 227, 228, 229, 230, 231, 232, 232, 284, 233, 233, 240, 259,
    260, 260, 261, 278, 283, 283, 0x1008, 0x1008, 0x1009, 0x100a, 0x100a,
    0x100b, 0x1020, 0x1020, 0x1020, 0x1021, 0x1021, 0x1022, 0x1023, 0x5001, 0x5002, 0x5003, 0x5004,
};

/* Whether a signal may go there: to processes and groups younger than the trial, to the own group, which is one of those, to nobody. */
static bool may_kill(uint64_t pid)
{
    int target = (int)pid;
    return target > root_pid || target == 0 || (target < -1 && target != INT32_MIN && -target > root_pid);
}

/* Bends arguments so that calls get beyond their first check often enough; false: not to be made. */
static bool tame(long number, uint64_t *a, uint64_t *seed)
{
    uint64_t r = next_random(seed);
    static char *const paths[] = { "/bin/true", "/bin/trials", "/bin/false", "" };
    static char *const list[] = { "trials", "child", "exit", "3", NULL };
    switch (number) {
    case SYS_exit: case SYS_exit_group:
        return r % 64 == 0;
    case SYS_kill: case SYS_tkill:
        return may_kill(a[0]);
    case SYS_tgkill: case SYS_rt_tgsigqueueinfo:
        return may_kill(a[0]) && may_kill(a[1]);
    case SYS_rt_sigqueueinfo:
        return may_kill(a[0]);
    case SYS_rt_sigreturn:
        /* Into the arena, mostly: what is there is no frame, or one that an earlier call has made. */
        return r % 16 == 0;
    case SYS_rt_sigsuspend:
        return r % 64 == 0;
    case SYS_rt_sigtimedwait:
        if (r % 8)
            a[2] = (uint64_t)(uintptr_t)&brief;
        a[3] = r % 16 ? 8 : a[3];
        return true;
    case SYS_rt_sigaction: case SYS_rt_sigprocmask:
        if (r % 8)
            a[3] = 8;
        return true;
    case SYS_reboot: case SYS_HB_POWER_OFF:
        return false;
    case SYS_write: case SYS_writev:
        if (r % 16)
            a[0] = 3 + r % 100;
        else if (number == SYS_write && a[2] < (1ul << 40))
            a[2] %= 64;
        return true;
    case SYS_mremap:
        if (r % 16) {
            a[0] = arena_address(seed) & ~4095ul;
            a[1] = (r >> 8) % 8 * 4096;
            a[2] = (r >> 12) % 12 * 4096;
            a[3] = (r >> 16) % 8;
            a[4] = arena_address(seed) & ~4095ul;
        }
        return true;
    case SYS_mincore: case SYS_mlock: case SYS_munlock: case SYS_msync: case SYS_mlock2:
        if (r % 8) {
            a[0] = arena_address(seed) & ~4095ul;
            a[1] = (r >> 8) % 70000;
            a[2] = number == SYS_mincore ? arena_address(seed) : (r >> 32) % 6;
        }
        return true;
    case SYS_munmap: case SYS_mprotect: case SYS_madvise: case SYS_mmap:
        if (r % 32) {
            a[0] = arena_address(seed) & ~4095ul;
            a[1] = (r >> 8) % 16 * 4096;
        }
        if (number == SYS_mmap && r % 4) {
            a[2] &= 7;
            a[3] = MAP_ANONYMOUS | (r & 1 ? MAP_PRIVATE : MAP_SHARED) | (r & 0x700 ? MAP_FIXED : r & 0x800 ? MAP_POPULATE : 0);
            a[4] = -1ul;
            a[5] = 0;
        }
        if (number == SYS_mprotect && r % 4)
            a[2] &= 7;
        if (number == SYS_madvise && r % 2)
            a[2] = r % 4 == 1 ? MADV_DONTNEED : MADV_DONTFORK + (r >> 24) % 10;
        return true;
    case SYS_futex:
        if (r % 8) {
            a[0] = (uint64_t)arena + r % 4 * 4096;
            a[1] = (r >> 16) % 11;
            a[2] = (r >> 24) % 3;
            if (a[1] == FUTEX_WAIT || a[1] == FUTEX_WAIT_BITSET)
                a[3] = (uint64_t)(uintptr_t)&brief;
            else
                a[4] = (uint64_t)arena + (r >> 32) % 4 * 4096;
        }
        return true;
    case SYS_nanosleep:
        if (r % 8)
            a[0] = (uint64_t)(uintptr_t)&brief;
        return true;
    case SYS_clone:
        /* Mostly children that share the stack as vfork's do; anything else soon crashes, which is welcome, too. */
        if (r % 8 < 5)
            a[0] = CLONE_VM | CLONE_VFORK | SIGCHLD;
        else if (r % 8 == 5)
            a[0] = SIGCHLD;
        if (r % 2)
            a[1] = 0;
        return r % 4 == 0;
    case SYS_execve:
        if (r % 4) {
            a[0] = (uint64_t)(uintptr_t)paths[r % 4];
            a[1] = (uint64_t)(uintptr_t)list;
            a[2] = 0;
        }
        return (r >> 8) % 16 == 0;
    case SYS_membarrier:
        if (r % 8) {
            a[0] = 1ul << (r >> 8) % 7;
            a[1] = 0;
        }
        return true;
    case SYS_wait4:
        if (r % 2)
            a[2] = WNOHANG;
        return true;
    case SYS_waitid:
        if (r % 2)
            a[3] = WNOHANG | WEXITED | WSTOPPED | WCONTINUED;
        return true;
    default:
        if (number >= 0x1008 && number <= 0x1023 && r % 4)
            a[0] = r % 33;
        if (number == 0x1020 && r % 4) {
            a[3] %= 257;
            a[4] &= 1;
        }
        return true;
    }
}

static void *calls(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument * 0x9e3779b97f4a7c15u + 1;
    for (int i = 0; i < CALLS; i++) {
        uint64_t a[6];
        uint64_t r = next_random(&seed);
        long number = r % 32 ? numbers[(r >> 8) % (sizeof numbers / sizeof numbers[0])] : (long)any(&seed);
        for (int n = 0; n < 6; n++)
            a[n] = any(&seed);
        if (tame(number, a, &seed))
            raw(number, a);
        /* Calls write here, too. */
        if (r % 8 == 0)
            brief = (struct timespec){ 0, (long)(r >> 44) };
    }
    return NULL;
}

int fuzz_child_trial(int argc, char **argv)
{
    uint64_t seed = (uint64_t)number_argument(argc, argv, 1, 1);
    pthread_t thread;
    root_pid = number_argument(argc, argv, 2, 1);
    CHECK_OK(setpgid(0, 0));
    arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(arena != MAP_FAILED);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, calls, (void *)(uintptr_t)(seed * 16 + (uint64_t)i + 1));
    calls((void *)(uintptr_t)(seed * 16));
    return 0;
}

/* Ends and awaits everything that is younger than this process: children, and the children that they have left behind. */
static void clear_up(void)
{
    static struct hb_process list[MOST_PROCESSES];
    uint64_t start = now_ns();
    for (int others = 1; others > 0;) {
        int count = hb_processes(list, MOST_PROCESSES);
        CHECK_OK(count);
        others = 0;
        for (int i = 0; i < count; i++) {
            if (list[i].pid <= (uint32_t)getpid())
                continue;
            others++;
            if (list[i].state != HB_ZOMBIE)
                kill((pid_t)list[i].pid, SIGKILL);
        }
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        CHECK(now_ns() - start < ROUND_LIMIT_NS);
        sleep_ms(1);
    }
}

static void round_of(uint64_t seed)
{
    uint64_t r = next_random(&seed);
    int children = 1 + (int)(r % 4);
    pid_t pids[4];
    for (int i = 0; i < children; i++)
        pids[i] = spawn_self("fuzz_child", text_of(next_random(&seed) >> 40), text_of((uint64_t)getpid()), NULL);
    sleep_ms((long)((r >> 8) % 40));
    for (int i = 0; i < children; i++)
        if (next_random(&seed) % 2)
            kill(pids[i], SIGKILL);
    if ((r >> 16) % 4)
        sleep_ms((long)((r >> 20) % 60));
    clear_up();
}

int fuzz_trial(int argc, char **argv)
{
    uint64_t seed = (uint64_t)number_argument(argc, argv, 1, 1) * 1000003 + 17;
    long rounds = number_argument(argc, argv, 2, 3);
    for (int i = 0; i < 2; i++)
        round_of(seed);
    struct hb_stats before = settled_stats();
    for (long i = 0; i < rounds; i++)
        round_of(next_random(&seed));
    check_no_leak(&before);
    printf("fuzz: ok\n");
    return 0;
}
