/* Figures, each as key=value on a line: a null system call, a round trip through ports, instructions and work per second. */

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ports.h"

int nullsyscall_trial(int argc, char **argv)
{
    long n = number_argument(argc, argv, 1, 100000);
    uint64_t begin = now_ns();
    for (long i = 0; i < n; i++)
        syscall(SYS_getppid);
    uint64_t time = now_ns() - begin;
    printf("calls=%ld\nns_per_call=%.1f\n", n, (double)time / (double)(n ? n : 1));
    return 0;
}

static void nothing(int signal)
{
    (void)signal;
}

int sigself_trial(int argc, char **argv)
{
    long n = number_argument(argc, argv, 1, 100000), pid = getpid(), tid = syscall(SYS_gettid);
    signal(SIGUSR1, nothing);
    uint64_t begin = now_ns();
    for (long i = 0; i < n; i++)
        syscall(SYS_tgkill, pid, tid, SIGUSR1);
    uint64_t time = now_ns() - begin;
    printf("signals=%ld\nns_per_signal=%.1f\n", n, (double)time / (double)(n ? n : 1));
    return 0;
}

static volatile uint64_t entered;
static volatile long computing;

static void enters(int signal)
{
    (void)signal;
    entered = now_ns();
}

static void *computes(void *unused)
{
    pin_to(1);
    computing = syscall(SYS_gettid);
    for (volatile uint64_t i = 0;; i++) {
    }
    return unused;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int sigcross_trial(int argc, char **argv)
{
    long n = number_argument(argc, argv, 1, 2000);
    uint64_t *times = calloc((size_t)n + 1, sizeof *times);
    pthread_t thread;
    signal(SIGUSR1, enters);
    pin_to(0);
    CHECK_ZERO(pthread_create(&thread, NULL, computes, NULL));
    while (computing == 0)
        sleep_ms(1);
    sleep_ms(20);
    for (long i = 0; i < n; i++) {
        entered = 0;
        uint64_t begin = now_ns();
        syscall(SYS_tgkill, getpid(), computing, SIGUSR1);
        while (entered == 0) {
        }
        times[i] = entered - begin;
    }
    qsort(times, (size_t)n, sizeof *times, by_size);
    printf("signals=%ld\nns_median=%lu\nns_p99=%lu\n", n, times[n / 2], times[n * 99 / 100]);
    return 0;
}

int portpp_trial(int argc, char **argv)
{
    long rounds = number_argument(argc, argv, 1, 10000), a = -1, b = -1;
    struct ipc_message msg;
    if (argc > 3 && strcmp(argv[2], "pin") == 0 && sscanf(argv[3], "%ld,%ld", &a, &b) != 2) {
        fprintf(stderr, "portpp: pin A,B: two harts\n");
        return 2;
    }
    uint32_t port = new_port();
    if (a >= 0)
        pin_to((int)a);
    pid_t pid = spawn_self("child", "ping-pong", text_of(name_of(port)), text_of((uint64_t)rounds), b >= 0 ? text_of((uint64_t)b) : NULL,
                           NULL);
    uint32_t other = (uint32_t)receive_number(port, NULL);
    uint64_t begin = now_ns();
    for (long i = 0; i < rounds; i++) {
        CHECK_OK(ipc_send(other, 1, &i, sizeof i));
        CHECK_OK(ipc_recv(port, &msg));
    }
    uint64_t time = now_ns() - begin;
    CHECK_EQ(wait_status_of(pid), 0);
    printf("round_trips=%ld\nns_per_round_trip=%.1f\n", rounds, (double)time / (double)(rounds ? rounds : 1));
    return 0;
}

/* Eleven instructions a turn: arithmetic, a shift, a multiplication, a load, a store, two branches. Returns the turns' sum. */
__attribute__((noinline)) static uint64_t mix(uint64_t turns, uint64_t *memory)
{
    uint64_t sum = 0, x = 88172645463325252ull, t;
    __asm__ volatile("1:\n"
                     "  slli  %[t], %[x], 13\n"
                     "  xor   %[x], %[x], %[t]\n"
                     "  srli  %[t], %[x], 7\n"
                     "  xor   %[x], %[x], %[t]\n"
                     "  ld    %[t], 0(%[memory])\n"
                     "  mul   %[t], %[t], %[x]\n"
                     "  add   %[sum], %[sum], %[t]\n"
                     "  sd    %[sum], 8(%[memory])\n"
                     "  beq   %[sum], zero, 2f\n"
                     "  addi  %[turns], %[turns], -1\n"
                     "2:\n"
                     "  bne   %[turns], zero, 1b\n"
                     : [sum] "+r"(sum), [x] "+r"(x), [t] "=&r"(t), [turns] "+r"(turns)
                     : [memory] "r"(memory)
                     : "memory");
    return sum;
}

#define MIX_INSTRUCTIONS 11

/* Loops of eight instructions of one kind, two more a turn. */
#define KIND_INSTRUCTIONS 10
#define LOOP(body) "1:\n" body "  addi %[turns], %[turns], -1\n  bne %[turns], zero, 1b\n"
#define TWICE(body) body body

__attribute__((noinline)) static uint64_t alu(uint64_t turns, uint64_t *memory)
{
    uint64_t a = memory[0], b = 3;
    __asm__ volatile(LOOP(TWICE("  add %[a], %[a], %[b]\n  xor %[b], %[b], %[a]\n  srli %[b], %[b], 3\n  addw %[a], %[a], %[b]\n"))
                     : [a] "+r"(a), [b] "+r"(b), [turns] "+r"(turns));
    return a + b;
}

__attribute__((noinline)) static uint64_t memory_accesses(uint64_t turns, uint64_t *memory)
{
    uint64_t a = 1;
    __asm__ volatile(LOOP(TWICE("  ld %[a], 0(%[m])\n  sd %[a], 8(%[m])\n  lw %[a], 12(%[m])\n  sb %[a], 3(%[m])\n"))
                     : [a] "+r"(a), [turns] "+r"(turns)
                     : [m] "r"(memory)
                     : "memory");
    return a;
}

/* Half of them are taken. */
__attribute__((noinline)) static uint64_t branches(uint64_t turns, uint64_t *memory)
{
    (void)memory;
    __asm__ volatile(LOOP(TWICE("  beq %[turns], zero, 2f\n  bne %[turns], zero, 2f\n2:\n"
                                "  bltu %[turns], zero, 3f\n  bgeu %[turns], zero, 3f\n3:\n"))
                     : [turns] "+r"(turns));
    return turns;
}

__attribute__((noinline)) static uint64_t doubles(uint64_t turns, uint64_t *memory)
{
    double a = 1.5, b = 1.000001, c = 1e-9;
    (void)memory;
    __asm__ volatile(LOOP(TWICE("  fmul.d %[a], %[a], %[b]\n  fadd.d %[a], %[a], %[c]\n  fsub.d %[b], %[b], %[c]\n"
                                "  fdiv.d %[a], %[a], %[b]\n"))
                     : [a] "+f"(a), [b] "+f"(b), [turns] "+r"(turns)
                     : [c] "f"(c));
    return (uint64_t)(a * 1e6);
}

static const struct kind {
    const char *name;
    uint64_t (*loop)(uint64_t turns, uint64_t *memory);
    uint64_t instructions;
} kinds[] = {
    { "mixed", mix, MIX_INSTRUCTIONS },
    { "alu", alu, KIND_INSTRUCTIONS },
    { "memory", memory_accesses, KIND_INSTRUCTIONS },
    { "branch", branches, KIND_INSTRUCTIONS },
    { "double", doubles, KIND_INSTRUCTIONS },
};

int mips_trial(int argc, char **argv)
{
    uint64_t millions = (uint64_t)number_argument(argc, argv, 1, 50);
    const char *name = argc > 2 ? argv[2] : "mixed";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        uint64_t turns = millions * 1000000 / kinds[i].instructions + 1, all = turns * kinds[i].instructions;
        uint64_t memory[2] = { 12345, 0 };
        uint64_t begin = now_ns();
        uint64_t sum = kinds[i].loop(turns, memory);
        uint64_t time = now_ns() - begin;
        printf("instructions=%lu\nmips=%.1f\nsum=%016lx\n", all, (double)all * 1e3 / (double)time, sum);
        return 0;
    }
    fprintf(stderr, "mips: no loop %s: mixed, alu, memory, branch, double\n", name);
    return 2;
}

#define UNIT 100000
#define MAX_WORKERS 256

static long units;

static void *work(void *unused)
{
    uint64_t memory[2] = { 777, 0 }, sum = 0;
    (void)unused;
    while (__atomic_fetch_sub(&units, 1, __ATOMIC_RELAXED) > 0)
        sum += mix(UNIT, memory);
    return (void *)sum;
}

int compute_trial(int argc, char **argv)
{
    long workers = number_argument(argc, argv, 1, 2), all = number_argument(argc, argv, 2, 40);
    pthread_t threads[MAX_WORKERS];
    uint64_t sum = 0;
    if (workers < 1 || workers > MAX_WORKERS) {
        fprintf(stderr, "compute: 1 to %d threads\n", MAX_WORKERS);
        return 2;
    }
    units = all;
    uint64_t begin = now_ns();
    for (long i = 0; i < workers; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, work, NULL));
    for (long i = 0; i < workers; i++) {
        void *result;
        CHECK_ZERO(pthread_join(threads[i], &result));
        sum += (uintptr_t)result;
    }
    uint64_t time = now_ns() - begin;
    printf("threads=%ld\nunits=%ld\nunits_per_second=%.1f\nsum=%016lx\n", workers, all, (double)all * 1e9 / (double)time, sum);
    return 0;
}
