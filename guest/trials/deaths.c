/* Deaths at awkward moments: of a parent whose vfork child still uses its memory, and of threads that execute programs at once. */

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ports.h"

#define THREADS 4
#define ROUNDS 20

extern char **environ;

static pthread_barrier_t together;

/* Once process `first` is gone, waits in vfork for a child that sleeps in its memory. */
static int wait_in_vfork(pid_t first)
{
    while (kill(first, 0) == 0)
        sleep_ms(1);
    if (vfork() == 0)
        for (;;)
            sleep_ms(1000);
    return 0;
}

/* The child of `parent`, as soon as there is one. */
static pid_t child_of(pid_t parent)
{
    struct hb_process list[64];
    for (;; sleep_ms(1)) {
        int count = hb_processes(list, 64);
        CHECK(count > 0 && count <= 64);
        for (int i = 0; i < count; i++)
            if (list[i].ppid == (uint32_t)parent)
                return (pid_t)list[i].pid;
    }
}

/* The parent goes at once, the child, which nobody will wait for, on its own. */
static void death_in_vfork(void)
{
    /* Its slot is free when the vfork child is born, which so comes to lie below its parent. */
    pid_t first = spawn_self("child", "sleep", NULL);
    pid_t parent = spawn_self("deaths", "wait-in-vfork", text_of((uint64_t)first), NULL);
    CHECK_OK(kill(first, SIGKILL));
    wait_status_of(first);
    pid_t child = child_of(parent);
    CHECK_OK(kill(parent, SIGKILL));
    CHECK_EQ(wait_status_of(parent), SIGKILL);
    CHECK_OK(kill(child, 0));
    CHECK_OK(kill(child, SIGKILL));
}

static void *execute(void *self)
{
    char *const argv[] = { self, "child", "exit", "7", NULL };
    pthread_barrier_wait(&together);
    syscall(SYS_execve, "/bin/trials", argv, environ);
    /* Another thread has been first. */
    for (;;)
        sleep_ms(1000);
    return NULL;
}

static int execute_together(void)
{
    pthread_t thread;
    CHECK_ZERO(pthread_barrier_init(&together, NULL, THREADS));
    for (int i = 1; i < THREADS; i++)
        CHECK_ZERO(pthread_create(&thread, NULL, execute, "trials"));
    execute("trials");
    return 1;
}

int deaths_trial(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "wait-in-vfork") == 0)
        return wait_in_vfork((pid_t)number_argument(argc, argv, 2, 0));
    if (argc > 1 && strcmp(argv[1], "execute-together") == 0)
        return execute_together();
    death_in_vfork();
    printf("in vfork: ok\n");
    /* What this process itself needs once it has now. */
    struct hb_stats before = settled_stats();
    for (int i = 0; i < ROUNDS; i++) {
        death_in_vfork();
        CHECK_EQ(wait_status_of(spawn_self("deaths", "execute-together", NULL)), 7 << 8);
    }
    printf("executing together: ok\n");
    check_no_leak(&before);
    printf("deaths: ok\n");
    return 0;
}
