/* fork: what a child has of its parent, and what either changes that the other must not see. */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul

static bool is_mapped(char *p)
{
    unsigned char vector;
    return mincore(p, PAGE, &vector) == 0;
}

#define BIG (300 * PAGE)

static int data = 17;
static int zeroes[3 * PAGE / sizeof(int)];
static const char constant[] = "never written";
static char big[BIG];
static __thread int local = 3;

static void *anonymous(size_t bytes, int protection, int flags)
{
    void *p = mmap(NULL, bytes, protection, flags | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

/* Runs `body` in a child; it must return 0, which is the child's status. */
static pid_t start(int (*body)(void *), void *argument)
{
    fflush(stdout);
    pid_t pid = fork();
    CHECK_OK(pid);
    if (pid == 0)
        _exit(body(argument));
    return pid;
}

static void run(int (*body)(void *), void *argument)
{
    CHECK_EQ(wait_status_of(start(body, argument)), 0);
}

/* --- isolation ------------------------------------------------------------------------------------------------------------------ */

struct seen {
    int *stack;
    int *heap;
    char *page;
};

static int change_all(void *argument)
{
    struct seen *seen = argument;
    CHECK_EQ(data, 17);
    CHECK_EQ(*seen->stack, 42);
    CHECK_EQ(*seen->heap, 43);
    CHECK_EQ(seen->page[0], 'p');
    CHECK_EQ(local, 3);
    CHECK_EQ(zeroes[1500], 0);
    data = zeroes[1500] = *seen->stack = *seen->heap = local = 99;
    seen->page[0] = 'c';
    CHECK_EQ(data + zeroes[1500] + *seen->stack + *seen->heap + local, 5 * 99);
    CHECK_EQ(strcmp(constant, "never written"), 0);
    char *brk = sbrk(10 * PAGE);
    CHECK(brk != (void *)-1);
    memset(brk, 1, 10 * PAGE);
    return 0;
}

static void isolation(void)
{
    int stack = 42;
    int *heap = malloc(sizeof *heap);
    char *page = anonymous(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    struct seen seen = { &stack, heap, page };
    void *brk = sbrk(0);
    *heap = 43;
    page[0] = 'p';
    for (int i = 0; i < 3; i++) {
        run(change_all, &seen);
        CHECK_EQ(data, 17);
        CHECK_EQ(zeroes[1500], 0);
        CHECK_EQ(stack, 42);
        CHECK_EQ(*heap, 43);
        CHECK_EQ(page[0], 'p');
        CHECK_EQ(local, 3);
        CHECK(sbrk(0) == brk);
    }
    free(heap);
    CHECK_OK(munmap(page, PAGE));
}

/* --- both sides write ----------------------------------------------------------------------------------------------------------- */

static int check_pattern(void *turn)
{
    /* The parent writes at the same time. */
    for (size_t i = 0; i < BIG; i += PAGE / 2)
        CHECK_EQ(big[i], (char)(i / PAGE));
    for (size_t i = (size_t)turn; i < BIG; i += 2 * PAGE)
        big[i] = 100;
    for (size_t i = (size_t)turn; i < BIG; i += 2 * PAGE)
        CHECK_EQ(big[i], 100);
    return 0;
}

static void both_write(void)
{
    for (size_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < BIG; i++)
            big[i] = (char)(i / PAGE);
        pid_t pids[3];
        for (size_t k = 0; k < 3; k++)
            pids[k] = start(check_pattern, (void *)(k * (PAGE / 2)));
        for (size_t i = 0; i < BIG; i += PAGE)
            big[i] = 1;
        for (int k = 0; k < 3; k++)
            CHECK_EQ(wait_status_of(pids[k]), 0);
        for (size_t i = 0; i < BIG; i += PAGE) {
            CHECK_EQ(big[i], 1);
            CHECK_EQ(big[i + PAGE / 2], (char)(i / PAGE));
        }
    }
}

/* --- the kernel writes on a process's behalf ------------------------------------------------------------------------------------ */

static int written_by_kernel(void *argument)
{
    struct timespec *time = argument;
    CHECK_EQ(time->tv_nsec, -1);
    CHECK_OK(clock_gettime(CLOCK_MONOTONIC, time));
    CHECK(time->tv_nsec >= 0);
    return 0;
}

static void kernel_writes(void)
{
    struct timespec *time = anonymous(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    time = (struct timespec *)((char *)time + PAGE - 8); /* on two pages */
    time->tv_nsec = -1;
    run(written_by_kernel, time);
    CHECK_EQ(time->tv_nsec, -1);
    pid_t child = start(written_by_kernel, time);
    time->tv_nsec = -2;
    CHECK_EQ(wait_status_of(child), 0);
    CHECK_EQ(time->tv_nsec, -2);
}

/* --- protections, advice, areas ------------------------------------------------------------------------------------------------- */

static int reads_only(void *argument)
{
    char **pages = argument;
    CHECK_EQ(pages[0][0], 'r');
    CHECK_OK(mprotect(pages[0], PAGE, PROT_READ | PROT_WRITE));
    pages[0][0] = 'w';
    CHECK_OK(mprotect(pages[1], PAGE, PROT_READ | PROT_WRITE));
    CHECK_EQ(pages[1][0], 'n');
    pages[1][0] = 'm';
    CHECK_OK(munmap(pages[2], PAGE));
    CHECK(!is_mapped(pages[2]));
    CHECK_OK(madvise(pages[3], PAGE, MADV_DONTNEED));
    CHECK_EQ(pages[3][0], 0);
    return 0;
}

static int writes_to(void *page)
{
    *(volatile char *)page = 1;
    return 0;
}

static int reads_from(void *page)
{
    return *(volatile char *)page;
}

static void protections(void)
{
    char *pages[4];
    for (int i = 0; i < 4; i++) {
        pages[i] = anonymous(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
        pages[i][0] = "rnud"[i];
    }
    CHECK_OK(mprotect(pages[0], PAGE, PROT_READ));
    CHECK_OK(mprotect(pages[1], PAGE, PROT_NONE));
    run(reads_only, pages);
    CHECK_EQ(pages[0][0], 'r');
    CHECK_EQ(wait_status_of(start(writes_to, pages[0])), SIGSEGV);
    CHECK_EQ(wait_status_of(start(reads_from, pages[1])), SIGSEGV);
    CHECK_OK(mprotect(pages[1], PAGE, PROT_READ));
    CHECK_EQ(pages[1][0], 'n');
    CHECK_EQ(pages[2][0], 'u');
    CHECK_EQ(pages[3][0], 'd');
    for (int i = 0; i < 4; i++)
        CHECK_OK(munmap(pages[i], PAGE));
}

static int wiped_and_missing(void *argument)
{
    char *p = argument;
    CHECK_EQ(p[0], 1);
    CHECK_EQ(p[PAGE], 0); /* wiped */
    p[PAGE] = 5;
    CHECK(!is_mapped(p + 2 * PAGE));
    CHECK_EQ(p[3 * PAGE], 4);
    return 0;
}

static void advice(void)
{
    char *p = anonymous(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    char *shared = anonymous(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
    for (int i = 0; i < 4; i++)
        p[i * PAGE] = (char)(i + 1);
    CHECK_OK(madvise(p + PAGE, PAGE, MADV_WIPEONFORK));
    CHECK_OK(madvise(p + 2 * PAGE, PAGE, MADV_DONTFORK));
    CHECK_ERRNO(madvise(shared, PAGE, MADV_WIPEONFORK), EINVAL);
    CHECK_OK(madvise(shared, PAGE, MADV_DONTFORK));
    run(wiped_and_missing, p);
    CHECK_EQ(wait_status_of(start(writes_to, shared)), SIGSEGV);
    CHECK_EQ(p[PAGE], 2);
    CHECK_OK(madvise(p, 4 * PAGE, MADV_KEEPONFORK));
    CHECK_OK(madvise(p, 4 * PAGE, MADV_DOFORK));
    CHECK_OK(madvise(shared, PAGE, MADV_DOFORK));
    CHECK_EQ(wait_status_of(start(reads_from, p + PAGE)), 2 << 8);
    CHECK_EQ(wait_status_of(start(reads_from, p + 2 * PAGE)), 3 << 8);
    CHECK_EQ(wait_status_of(start(writes_to, shared)), 0);
    CHECK_EQ(shared[0], 1);
    CHECK_OK(munmap(p, 4 * PAGE));
    CHECK_OK(munmap(shared, PAGE));
}

/* --- many generations, many children -------------------------------------------------------------------------------------------- */

static int descend(void *depth)
{
    long left = (long)depth;
    data++;
    if (left == 0)
        return data;
    int status = wait_status_of(start(descend, (void *)(left - 1)));
    CHECK(WIFEXITED(status));
    CHECK_EQ(data, 17 + 10 - left + 1);
    return WEXITSTATUS(status);
}

static void generations(void)
{
    CHECK_EQ(wait_status_of(start(descend, (void *)10)), (17 + 11) << 8);
    CHECK_EQ(data, 17);
    /* A tree of 2^5 processes: each pid is waited for by its own parent. */
    pid_t top = getpid();
    int depth = 0, below = 0;
    fflush(stdout);
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        CHECK_OK(pid);
        if (pid == 0) {
            depth++;
            below = 0;
        } else {
            below++;
        }
    }
    int sum = 1;
    for (int i = 0; i < below; i++) {
        int status;
        CHECK_OK(wait(&status));
        CHECK(WIFEXITED(status));
        sum += WEXITSTATUS(status);
    }
    CHECK_ERRNO(wait(NULL), ECHILD);
    if (getpid() != top)
        _exit(sum);
    CHECK_EQ(depth, 0);
    CHECK_EQ(sum, 32);
}

static void statuses(void)
{
    static const int codes[] = { 0, 1, 77, 255, 256, -1 };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(codes[i]);
        int status = wait_status_of(pid);
        printf("_exit(%d): status %d\n", codes[i], WEXITSTATUS(status));
    }
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
    CHECK_OK(kill(pid, SIGTERM));
    CHECK_EQ(wait_status_of(pid), SIGTERM);
    CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
}

/* --- threads -------------------------------------------------------------------------------------------------------------------- */

static volatile long counters[4][PAGE / sizeof(long)] __attribute__((aligned(PAGE)));
static volatile bool stop;

static void *count(void *counter)
{
    volatile long *mine = counter;
    for (long n = 1; !stop; n++)
        mine[0] = mine[1] = n;
    return NULL;
}

/* In the child there is one thread: nothing changes any more, and what it writes stays. */
static int stands_still(void *unused)
{
    (void)unused;
    for (int round = 0; round < 3; round++) {
        long sum = 0;
        for (int k = 0; k < 4; k++) {
            long before = counters[k][0];
            for (int i = 0; i < 1000; i++)
                CHECK_EQ(counters[k][0], before);
            counters[k][0] = -1;
            sum += counters[k][0];
        }
        CHECK_EQ(sum, -4);
        for (int k = 0; k < 4; k++)
            counters[k][0] = 5;
    }
    CHECK_EQ(syscall(SYS_gettid), getpid());
    return 0;
}

static void of_a_process_with_threads(void)
{
    pthread_t threads[4];
    for (int k = 0; k < 4; k++)
        CHECK_ZERO(pthread_create(&threads[k], NULL, count, (void *)counters[k]));
    for (int i = 0; i < 20; i++) {
        pid_t child = start(stands_still, NULL);
        CHECK_EQ(wait_status_of(child), 0);
        for (int k = 0; k < 4; k++)
            CHECK(counters[k][0] >= 0);
    }
    stop = true;
    for (int k = 0; k < 4; k++)
        CHECK_ZERO(pthread_join(threads[k], NULL));
}

static void *forks(void *number)
{
    int mine = (int)(intptr_t)number;
    for (int i = 0; i < 10; i++) {
        volatile int on_stack = mine;
        pid_t pid = fork();
        CHECK_OK(pid);
        if (pid == 0) {
            on_stack++;
            _exit(on_stack);
        }
        int status = wait_status_of(pid);
        CHECK_EQ(WEXITSTATUS(status), mine + 1);
        CHECK_EQ(on_stack, mine);
    }
    return NULL;
}

static void by_several_threads(void)
{
    pthread_t threads[4];
    for (int k = 0; k < 4; k++)
        CHECK_ZERO(pthread_create(&threads[k], NULL, forks, (void *)(intptr_t)(k * 10)));
    for (int k = 0; k < 4; k++)
        CHECK_ZERO(pthread_join(threads[k], NULL));
}

/* --- code ----------------------------------------------------------------------------------------------------------------------- */

typedef int function(void);

static void put_code(uint32_t *code, int value)
{
    code[0] = 0x00000513u | (uint32_t)value << 20; /* li a0, value */
    code[1] = 0x00008067u;                         /* ret */
    __builtin___clear_cache((char *)code, (char *)(code + 2));
}

static int other_code(void *code)
{
    CHECK_EQ(((function *)code)(), 5);
    put_code(code, 6);
    CHECK_EQ(((function *)code)(), 6);
    return 0;
}

static void own_code(void)
{
    uint32_t *code = anonymous(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
    put_code(code, 5);
    for (int i = 0; i < 3; i++) {
        run(other_code, code);
        CHECK_EQ(((function *)(void *)code)(), 5);
    }
    pid_t child = start(other_code, code);
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(((function *)(void *)code)(), 5);
    CHECK_EQ(wait_status_of(child), 0);
    put_code(code, 7);
    CHECK_EQ(((function *)(void *)code)(), 7);
    CHECK_OK(munmap(code, PAGE));
}

int forks_trial(int argc, char **argv)
{
    (void)argc, (void)argv;
    isolation();
    both_write();
    kernel_writes();
    protections();
    if (on_hartbeat()) /* qemu 7.2 does not pass this advice on */
        advice();
    generations();
    statuses();
    of_a_process_with_threads();
    by_several_threads();
    own_code();
    printf("forks: ok\n");
    return 0;
}
