/* Memory that processes share: mappings, atomics, futexes, mutexes and semaphores across fork. */

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul
#define CHILDREN 4
#define ROUNDS 2000

struct board {
    long counter;
    long guarded;
    pthread_mutex_t mutex;
    pthread_mutex_t robust;
    pthread_barrier_t barrier;
    sem_t full, empty;
    uint32_t word;
    long ring[4];
};

static void *shared(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static void wait_for(const pid_t *pids, int count)
{
    for (int i = 0; i < count; i++)
        CHECK_EQ(wait_status_of(pids[i]), 0);
}

static void pages(void)
{
    char *p = shared(40 * PAGE);
    p[0] = 1;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK_EQ(p[0], 1);
        for (int i = 0; i < 40; i++)
            p[i * PAGE] = (char)(i + 2);
        CHECK_OK(munmap(p, 20 * PAGE)); /* does not concern the parent */
        pid_t grandchild = fork();
        if (grandchild == 0) {
            p[39 * PAGE] = 77;
            _exit(0);
        }
        CHECK_EQ(wait_status_of(grandchild), 0);
        CHECK_EQ(p[39 * PAGE], 77);
        _exit(0);
    }
    CHECK_EQ(wait_status_of(pid), 0);
    for (int i = 0; i < 39; i++)
        CHECK_EQ(p[i * PAGE], i + 2);
    CHECK_EQ(p[39 * PAGE], 77);
    /* Dropping pages loses nothing of shared memory. */
    CHECK_OK(madvise(p, 40 * PAGE, MADV_DONTNEED));
    CHECK_EQ(p[5 * PAGE], 7);
    CHECK_OK(mprotect(p, PAGE, PROT_READ));
    pid = fork();
    if (pid == 0) {
        p[PAGE] = 9;
        p[0] = 9;
        _exit(0);
    }
    CHECK_EQ(wait_status_of(pid), SIGSEGV);
    CHECK_EQ(p[PAGE], 9);
    CHECK_EQ(p[0], 2);
    CHECK_OK(munmap(p, 40 * PAGE));
    /* A private mapping is none of the shared ones. */
    char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(own != MAP_FAILED);
    pid = fork();
    if (pid == 0)
        _exit(own[0] = 1);
    CHECK_EQ(wait_status_of(pid), 1 << 8);
    CHECK_EQ(own[0], 0);
    CHECK_OK(munmap(own, PAGE));
}

static void counters(struct board *board)
{
    pid_t pids[CHILDREN];
    for (int k = 0; k < CHILDREN; k++) {
        pids[k] = fork();
        CHECK_OK(pids[k]);
        if (pids[k] != 0)
            continue;
        for (int i = 0; i < ROUNDS; i++) {
            __atomic_fetch_add(&board->counter, 1, __ATOMIC_RELAXED);
            CHECK_ZERO(pthread_mutex_lock(&board->mutex));
            board->guarded++;
            CHECK_ZERO(pthread_mutex_unlock(&board->mutex));
        }
        _exit(0);
    }
    wait_for(pids, CHILDREN);
    CHECK_EQ(board->counter, CHILDREN * ROUNDS);
    CHECK_EQ(board->guarded, CHILDREN * ROUNDS);
}

static void barriers(struct board *board)
{
    pid_t pids[CHILDREN];
    board->counter = 0;
    for (int k = 0; k < CHILDREN; k++) {
        pids[k] = fork();
        if (pids[k] != 0)
            continue;
        for (int i = 1; i <= 100; i++) {
            __atomic_fetch_add(&board->counter, 1, __ATOMIC_SEQ_CST);
            pthread_barrier_wait(&board->barrier);
            CHECK_EQ(__atomic_load_n(&board->counter, __ATOMIC_SEQ_CST), i * CHILDREN);
            pthread_barrier_wait(&board->barrier);
        }
        _exit(0);
    }
    wait_for(pids, CHILDREN);
}

static void semaphores(struct board *board)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (long i = 0; i < ROUNDS; i++) {
            CHECK_OK(sem_wait(&board->empty));
            board->ring[i % 4] = i;
            CHECK_OK(sem_post(&board->full));
        }
        _exit(0);
    }
    for (long i = 0; i < ROUNDS; i++) {
        CHECK_OK(sem_wait(&board->full));
        CHECK_EQ(board->ring[i % 4], i);
        CHECK_OK(sem_post(&board->empty));
    }
    CHECK_EQ(wait_status_of(pid), 0);
}

static long futex(uint32_t *word, int op, uint32_t value, void *more, uint32_t *second)
{
    return syscall(SYS_futex, word, op, value, more, second, 0);
}

/* The same word at two addresses of one process, and at others of another process. */
static void names_of_words(struct board *board)
{
    board->word = 0;
    pid_t pid = fork();
    if (pid == 0) {
        char *elsewhere = mremap(board, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0); /* a second mapping of the same memory */
        CHECK(elsewhere != MAP_FAILED);
        struct board *same = (struct board *)elsewhere;
        CHECK(same != board);
        CHECK_EQ(same->word, 0);
        while (__atomic_load_n(&same->word, __ATOMIC_SEQ_CST) == 0)
            futex(&same->word, FUTEX_WAIT, 0, NULL, NULL);
        CHECK_EQ(board->word, 1);
        _exit(0);
    }
    sleep_ms(5);
    __atomic_store_n(&board->word, 1, __ATOMIC_SEQ_CST);
    CHECK(futex(&board->word, FUTEX_WAKE, 10, NULL, NULL) <= 1);
    CHECK_EQ(wait_status_of(pid), 0);

    /* Private memory at the same address is another word. */
    uint32_t *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(own != MAP_FAILED);
    pid = fork();
    if (pid == 0) {
        struct timespec patience = { 0, 30000000 };
        board->word = 2;
        CHECK_ERRNO(futex(own, FUTEX_WAIT, 0, &patience, NULL), ETIMEDOUT);
        _exit(0);
    }
    while (__atomic_load_n(&board->word, __ATOMIC_SEQ_CST) != 2)
        sleep_ms(1);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(futex(own, FUTEX_WAKE, 10, NULL, NULL), 0);
        sleep_ms(1);
    }
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_OK(munmap(own, PAGE));
    CHECK_ERRNO(futex(own, FUTEX_WAKE, 1, NULL, NULL), EFAULT);
}

/* Waiters of another process are moved to another word, and woken there. */
static void requeue(struct board *board)
{
    pid_t pids[3];
    uint32_t *other = (uint32_t *)&board->ring[0];
    board->word = 0;
    board->counter = 0;
    *other = 0;
    for (int k = 0; k < 3; k++) {
        pids[k] = fork();
        if (pids[k] == 0) {
            __atomic_fetch_add(&board->counter, 1, __ATOMIC_SEQ_CST);
            CHECK_OK(futex(&board->word, FUTEX_WAIT, 0, NULL, NULL));
            __atomic_fetch_add(&board->counter, 1, __ATOMIC_SEQ_CST);
            _exit(0);
        }
    }
    long moved = 0;
    while (moved < 3) {
        long n = syscall(SYS_futex, &board->word, FUTEX_REQUEUE, 0, 3, other);
        CHECK_OK(n);
        moved = 0;
        /* How many wait there cannot be asked but by waking: all or none. */
        while (__atomic_load_n(&board->counter, __ATOMIC_SEQ_CST) < 3)
            sleep_ms(1);
        sleep_ms(10);
        CHECK_OK(syscall(SYS_futex, &board->word, FUTEX_REQUEUE, 0, 3, other));
        moved = futex(other, FUTEX_WAKE, 3, NULL, NULL);
    }
    wait_for(pids, 3);
    CHECK_EQ(board->counter, 6);
}

static void dead_owner(struct board *board)
{
    pid_t pid = fork();
    if (pid == 0) {
        CHECK_ZERO(pthread_mutex_lock(&board->robust));
        _exit(0);
    }
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_EQ(pthread_mutex_lock(&board->robust), EOWNERDEAD);
    CHECK_ZERO(pthread_mutex_consistent(&board->robust));
    CHECK_ZERO(pthread_mutex_unlock(&board->robust));
}

static struct board *new_board(void)
{
    struct board *board = shared(sizeof *board);
    pthread_mutexattr_t mutex;
    pthread_barrierattr_t barrier;
    CHECK_ZERO(pthread_mutexattr_init(&mutex));
    CHECK_ZERO(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED));
    CHECK_ZERO(pthread_mutex_init(&board->mutex, &mutex));
    if (on_hartbeat()) { /* qemu knows no robust lists */
        CHECK_ZERO(pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST));
        CHECK_ZERO(pthread_mutex_init(&board->robust, &mutex));
    }
    CHECK_ZERO(pthread_barrierattr_init(&barrier));
    CHECK_ZERO(pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED));
    CHECK_ZERO(pthread_barrier_init(&board->barrier, &barrier, CHILDREN));
    CHECK_OK(sem_init(&board->full, 1, 0));
    CHECK_OK(sem_init(&board->empty, 1, 4));
    return board;
}

int shared_trial(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct board *board = new_board();
    pages();
    counters(board);
    barriers(board);
    semaphores(board);
    names_of_words(board);
    requeue(board);
    if (on_hartbeat())
        dead_owner(board);
    printf("shared: ok\n");
    return 0;
}
