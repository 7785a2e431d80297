/*
 * Processes that fork at once, write to what they share with parents and children, and end in all ways: each checks what it has in memory.
 * Its own pages bear its own mark; nobody else's ever shows there.
 */

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul
#define PAGES 24
#define PARENTS 6
#define DEPTH 2

static long *counter; /* shared by all */

static uint64_t word_of(uint64_t mark, size_t page)
{
    return mark * 0x9e3779b97f4a7c15ull + page;
}

static void write_all(uint64_t *memory, uint64_t mark)
{
    for (size_t page = 0; page < PAGES; page++)
        memory[page * PAGE / 8] = memory[page * PAGE / 8 + 511] = word_of(mark, page);
}

static void check_page(const uint64_t *memory, uint64_t mark, size_t page)
{
    CHECK(memory[page * PAGE / 8] == word_of(mark, page));
    CHECK(memory[page * PAGE / 8 + 511] == word_of(mark, page));
}

static void check_all(const uint64_t *memory, uint64_t mark)
{
    for (size_t page = 0; page < PAGES; page++)
        check_page(memory, mark, page);
}

static void *touch_in_thread(void *memory)
{
    /* The word in the middle of each page is the thread's. */
    for (int turn = 0; turn < 50; turn++)
        for (size_t page = 0; page < PAGES; page++)
            ((volatile uint64_t *)memory)[page * PAGE / 8 + 100] = (uint64_t)turn;
    return NULL;
}

/* A child: finds the parent's marks, writes its own into some pages, perhaps has a child itself, and says whether it was that one. */
static bool live(uint64_t *memory, uint64_t mark, uint64_t mine, uint64_t random, bool has_child)
{
    check_all(memory, mark);
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
    size_t from = random % PAGES, to = from + (random >> 8) % (PAGES - from) + 1;
    for (size_t page = from; page < to; page++)
        memory[page * PAGE / 8] = memory[page * PAGE / 8 + 511] = word_of(mine, page);
    pid_t pid = -1;
    if (has_child) {
        write_all(memory, mine);
        pid = fork();
        CHECK_OK(pid);
        if (pid == 0)
            return true;
        write_all(memory, mark);
    }
    for (size_t page = 0; page < PAGES; page++)
        check_page(memory, has_child || page < from || page >= to ? mark : mine, page);
    if (has_child)
        CHECK_EQ(wait_status_of(pid), 0);
    return false;
}

_Noreturn static void be_child(uint64_t *memory, uint64_t mark, uint64_t random)
{
    bool is_first = true;
    for (int depth = DEPTH; live(memory, mark, mark + 1, random, depth > 0 && (random >> 16) % 2 == 0); depth--) {
        is_first = false;
        mark++;
        random >>= 3;
    }
    if (is_first && (random >> 24) % 4 == 0)
        for (;;)
            pause();
    _exit(0);
}

static int be_parent(uint64_t number, long rounds)
{
    uint64_t state = number * 77 + 1, mark = number << 32;
    uint64_t *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    for (long round = 0; round < rounds; round++) {
        uint64_t random = next_random(&state);
        bool threads = random % 8 == 0;
        pthread_t thread;
        mark += 16;
        write_all(memory, mark);
        if (threads)
            CHECK_ZERO(pthread_create(&thread, NULL, touch_in_thread, memory));
        pid_t pid = fork();
        CHECK_OK(pid);
        if (pid == 0)
            be_child(memory, mark, random >> 4);
        write_all(memory, mark + 8);
        if ((random >> 28) % 4 == 0)
            CHECK_OK(kill(pid, SIGKILL));
        check_all(memory, mark + 8);
        if (((random >> 4) >> 24) % 4 == 0)
            CHECK_OK(kill(pid, SIGTERM)); /* it might wait for ever */
        int status = wait_status_of(pid);
        CHECK(status == 0 || status == SIGKILL || status == SIGTERM);
        if (threads)
            CHECK_ZERO(pthread_join(thread, NULL));
    }
    return 0;
}

int forkstorm_trial(int argc, char **argv)
{
    long rounds = number_argument(argc, argv, 1, 60);
    pid_t pids[PARENTS];
    counter = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(counter != MAP_FAILED);
    fflush(stdout);
    for (uint64_t k = 0; k < PARENTS; k++) {
        pids[k] = fork();
        CHECK_OK(pids[k]);
        if (pids[k] == 0)
            _exit(be_parent(k + 1, rounds));
    }
    for (int k = 0; k < PARENTS; k++)
        CHECK_EQ(wait_status_of(pids[k]), 0);
    CHECK(*counter > 0);
    printf("forkstorm: ok\n");
    return 0;
}
