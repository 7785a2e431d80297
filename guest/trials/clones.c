/* clone by itself: which flags go together, what becomes of the thread numbers that it stores, whose child a process is. */

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul

static volatile int *shared; /* a page that all processes share */
static volatile int own;     /* a word of each process */

/* A process that goes on where its parent is, as fork's does. */
static long forked(unsigned long flags, volatile int *parent_tid, volatile int *child_tid)
{
    fflush(stdout);
    return syscall(SYS_clone, flags, 0, parent_tid, 0, child_tid);
}

static void errors(void)
{
    CHECK_ERRNO(forked(CLONE_THREAD | CLONE_VM, NULL, NULL), EINVAL);
    CHECK_ERRNO(forked(CLONE_THREAD, NULL, NULL), EINVAL);
    CHECK_ERRNO(forked(CLONE_SIGHAND | SIGCHLD, NULL, NULL), EINVAL);
    CHECK_ERRNO(wait(NULL), ECHILD);
}

/* Each number is stored in the memory of the process that asks for it, and nowhere else. */
static void thread_numbers(void)
{
    volatile int parent_tid = -1, child_tid = -1;
    long pid = forked(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &parent_tid, &child_tid);
    if (pid == 0) {
        CHECK_EQ(parent_tid, -1);
        CHECK_EQ(child_tid, getpid());
        CHECK_EQ(child_tid, syscall(SYS_gettid));
        _exit(0);
    }
    CHECK_EQ(wait_status_of((pid_t)pid), 0);
    CHECK_EQ(parent_tid, pid);
    CHECK_EQ(child_tid, -1);

    /* In memory that both share both see both. */
    shared[0] = shared[1] = -1;
    pid = forked(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &shared[0], &shared[1]);
    if (pid == 0)
        _exit(shared[1] == getpid() ? 0 : 1);
    CHECK_EQ(wait_status_of((pid_t)pid), 0);
    CHECK_EQ(shared[0], pid);
    CHECK_EQ(shared[1], pid);

    /* The number is taken back at the end only if somebody else uses the memory: nobody does. */
    shared[2] = -1;
    pid = forked(CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, NULL, &shared[2]);
    if (pid == 0)
        _exit(0);
    CHECK_EQ(wait_status_of((pid_t)pid), 0);
    CHECK_EQ(shared[2], pid);

    /* Bad addresses do not matter. */
    pid = forked(CLONE_PARENT_SETTID | SIGCHLD, (int *)8, NULL);
    if (pid == 0)
        _exit(0);
    CHECK_EQ(wait_status_of((pid_t)pid), 0);
}

static int write_and_end(void *word)
{
    *(volatile int *)word = 5;
    return 3;
}

/* A child that uses its parent's memory, both running. */
static void same_memory(void)
{
    static char stack[16384] __attribute__((aligned(16)));
    static volatile int tid;
    own = 0;
    tid = -1;
    pid_t pid = clone(write_and_end, stack + sizeof stack, CLONE_VM | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID | SIGCHLD, (void *)&own,
                      &tid, NULL, &tid);
    CHECK_OK(pid);
    /* Here its number is taken back, and who waits for that is woken. */
    for (int seen = tid; seen != 0; seen = tid)
        syscall(SYS_futex, &tid, FUTEX_WAIT, seen, NULL, NULL, 0);
    CHECK_EQ(wait_status_of(pid), 3 << 8);
    CHECK_EQ(own, 5);
}

/* The caller waits until the child has ended, although the child has memory of its own. */
static void vfork_with_a_copy(void)
{
    shared[3] = own = 0;
    long pid = forked(CLONE_VFORK | SIGCHLD, NULL, NULL);
    if (pid == 0) {
        own = 7;
        sleep_ms(20);
        shared[3] = 1;
        _exit(0);
    }
    CHECK_EQ(shared[3], 1);
    CHECK_EQ(own, 0);
    CHECK_EQ(wait_status_of((pid_t)pid), 0);
}

/* A child may have a child that is its sibling. */
static void siblings(void)
{
    pid_t me = getpid();
    long pid = forked(SIGCHLD, NULL, NULL);
    if (pid == 0) {
        long sibling = forked(CLONE_PARENT | SIGCHLD, NULL, NULL);
        if (sibling == 0)
            _exit(getppid() == me ? 4 : 1);
        CHECK_OK(sibling);
        CHECK_ERRNO(wait(NULL), ECHILD);
        shared[4] = (int)sibling;
        _exit(0);
    }
    CHECK_EQ(wait_status_of((pid_t)pid), 0);
    CHECK_EQ(wait_status_of(shared[4]), 4 << 8);
    CHECK_ERRNO(wait(NULL), ECHILD);
}

int clones_trial(int argc, char **argv)
{
    (void)argc, (void)argv;
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    errors();
    if (on_hartbeat()) { /* qemu 7.2 knows clone as fork and as pthread_create use it */
        thread_numbers();
        same_memory();
        vfork_with_a_copy();
        siblings();
    }
    printf("clones: ok\n");
    return 0;
}
