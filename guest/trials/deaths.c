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

/* Waits in vfork, for a child that sleeps in its memory. */
static int wait_in_vfork(void)
{
    sleep_ms(20);
    if (vfork() == 0) {
        sleep_ms(60);
        _exit(0);
    }
    return 0;
}

/* The parent goes at once, the child, which nobody will wait for, on its own. */
static void death_in_vfork(void)
{
    /* Its slot is free when the vfork child is born, which so comes to lie below its parent. */
    pid_t first = spawn_self("child", "sleep", NULL);
    pid_t parents[2];
    for (int i = 0; i < 2; i++)
        parents[i] = spawn_self("deaths", "wait-in-vfork", NULL);
    kill(first, SIGKILL);
    wait_status_of(first);
    sleep_ms(40);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(kill(parents[i], SIGKILL));
        CHECK_EQ(WTERMSIG(wait_status_of(parents[i])), SIGKILL);
    }
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
        return wait_in_vfork();
    if (argc > 1 && strcmp(argv[1], "execute-together") == 0)
        return execute_together();
    struct hb_stats before = settled_stats();
    for (int i = 0; i < 3; i++)
        death_in_vfork();
    printf("in vfork: ok\n");
    for (int i = 0; i < ROUNDS; i++) {
        int status = wait_status_of(spawn_self("deaths", "execute-together", NULL));
        CHECK_EQ(status, 7 << 8);
    }
    printf("executing together: ok\n");
    /* Orphans end by themselves. */
    sleep_ms(80);
    CHECK_EQ(settled_stats().processes, before.processes);
    printf("deaths: ok\n");
    return 0;
}
