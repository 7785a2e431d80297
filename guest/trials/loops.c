/*
 * Endless loops that touch no memory, make no calls and so give the kernel no occasion of their own: others run, timers expire, and they
 * can be killed all the same. As processes, and as threads of one that sleeps beside them and then ends.
 */

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define SLEEPS 5

static const char *const kinds[] = { "jump", "branch", "arithmetic", "doubles", "calls", "indirect" };
#define KINDS (int)(sizeof kinds / sizeof *kinds)

static void *spin(void *kind)
{
    if (strcmp(kind, "jump") == 0)
        __asm__ volatile("1: j 1b");
    if (strcmp(kind, "branch") == 0)
        __asm__ volatile("1: beq zero, zero, 1b");
    if (strcmp(kind, "arithmetic") == 0)
        __asm__ volatile("1: addi t0, t0, 1; mul t1, t1, t0; xor t2, t2, t1; bnez t0, 1b; j 1b" ::: "t0", "t1", "t2");
    if (strcmp(kind, "doubles") == 0)
        __asm__ volatile("1: fadd.d ft0, ft0, ft1; fmul.d ft2, ft0, ft1; j 1b" ::: "ft0", "ft2");
    if (strcmp(kind, "calls") == 0)
        __asm__ volatile("1: jal 2f; j 1b; 2: addi t0, t0, 1; ret" ::: "ra", "t0");
    if (strcmp(kind, "indirect") == 0)
        __asm__ volatile("la t0, 1f; 1: addi t1, t1, 1; jr t0" ::: "t0", "t1");
    FAIL("an endless loop of %s has ended", (const char *)kind);
}

static void as_process(const char *kind)
{
    pid_t pid = spawn_self("loops", kind, NULL);
    sleep_ms(15);
    CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
    CHECK_OK(kill(pid, SIGKILL));
    CHECK_EQ(wait_status_of(pid), SIGKILL);
    printf("%s: preempted and killed\n", kind);
}

int loops_trial(int argc, char **argv)
{
    pthread_t thread;
    if (argc > 1) {
        if (argc > 2)
            CHECK_OK(write(1, "looping\n", 8));
        spin(argv[1]);
    }
    for (int i = 0; i < KINDS; i++)
        as_process(kinds[i]);
    for (int i = 0; i < KINDS; i++)
        CHECK_ZERO(pthread_create(&thread, NULL, spin, (void *)(uintptr_t)kinds[i]));
    for (int i = 0; i < SLEEPS; i++) {
        uint64_t begin = now_ns();
        sleep_ms(2);
        CHECK(now_ns() - begin >= 2000000);
    }
    printf("loops: ok\n");
    return 0;
}
