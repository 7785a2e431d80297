/* What ends gives everything back: processes of all kinds come and go, and in the end as much is in use as before. */

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "ports.h"

#define WARM_UP 3

static void *nothing(void *unused)
{
    return unused;
}

static void once(uint32_t port)
{
    static const char *const deaths[][2] = { { "exit", "0" },      { "raise", "9" },   { "memory", "overflow-stack" },
                                             { "illegal", "" },    { "abort", "" },    { "thread-exit", "3" },
                                             { "main-leaves", "" } };
    pid_t pids[8];
    for (size_t i = 0; i < sizeof deaths / sizeof deaths[0]; i++)
        wait_status_of(spawn_self("child", deaths[i][0], deaths[i][1], NULL));
    for (int i = 0; i < 8; i++)
        pids[i] = spawn_self("child", i % 2 ? "sleep" : "spin", NULL);
    for (int i = 0; i < 8; i++)
        CHECK_OK(kill(pids[i], SIGKILL));
    for (int i = 0; i < 8; i++)
        wait_status_of(pids[i]);
    wait_status_of(spawn_self("child", "own-ports", text_of(name_of(port)), "3", NULL));
    for (int i = 0; i < 3; i++)
        receive_number(port, NULL);
    wait_status_of(spawn_self("heap", "500", NULL));
    wait_status_of(spawn_self("exit_group", NULL));
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        CHECK_ZERO(pthread_create(&thread, NULL, nothing, NULL));
        CHECK_ZERO(pthread_join(thread, NULL));
    }
}

int leaks_trial(int argc, char **argv)
{
    long rounds = number_argument(argc, argv, 1, 3);
    uint32_t port = new_port();
    /* What this process itself needs once (stacks, heap, pages never touched before) it has after these. */
    for (int i = 0; i < WARM_UP; i++)
        once(port);
    struct hb_stats before = settled_stats();
    for (long i = 0; i < rounds; i++)
        once(port);
    check_no_leak(&before);
    CHECK_OK(ipc_destroy_port(port));
    printf("leaks: ok\n");
    return 0;
}
