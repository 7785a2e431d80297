/* Processes: posix_spawn, what waitpid tells of their ends, and the errors of both. */

#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

extern char **environ;

static void ends_with(int expected, pid_t pid)
{
    int status = wait_status_of(pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
        FAIL("wait status 0x%x, not exit %d", status, expected);
    printf("exit %d\n", expected);
}

static void dies_of(int signal, pid_t pid)
{
    int status = wait_status_of(pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != signal)
        FAIL("wait status 0x%x, not signal %d", status, signal);
    printf("SIG%s\n", sigabbrev_np(signal));
}

static void killed_with(int signal, const char *mode)
{
    pid_t pid = spawn_self("child", mode, NULL);
    sleep_ms(30);
    CHECK_OK(kill(pid, signal));
    dies_of(signal, pid);
}

static void waiting(void)
{
    int status;
    pid_t pids[8];
    CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
    for (int i = 0; i < 8; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", 20 + i);
        pids[i] = spawn_self("child", "exit", text, NULL);
    }
    /* In another order than they were started, then whichever comes. */
    for (int i = 7; i >= 4; i--)
        CHECK_EQ(WEXITSTATUS(wait_status_of(pids[i])), 20 + i);
    int sum = 0;
    for (int i = 0; i < 4; i++) {
        struct rusage usage;
        CHECK(wait4(-1, &status, 0, &usage) > 0);
        sum += WEXITSTATUS(status);
    }
    CHECK_EQ(sum, 20 + 21 + 22 + 23);
    CHECK_ERRNO(waitpid(pids[0], &status, 0), ECHILD);
    CHECK_ERRNO(waitpid(getpid(), &status, 0), ECHILD);
    CHECK_ERRNO(waitpid(-1, &status, 0x40), EINVAL);

    pid_t sleeper = spawn_self("child", "sleep", NULL);
    CHECK_EQ(waitpid(sleeper, &status, WNOHANG), 0);
    CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
    CHECK_OK(kill(sleeper, 0));
    CHECK_OK(kill(sleeper, SIGKILL));
    CHECK_EQ(waitpid(sleeper, NULL, 0), sleeper);
    CHECK_ERRNO(kill(sleeper, 0), ESRCH);
    CHECK_ERRNO(kill(getpid(), 99), EINVAL);
    printf("waiting: ok\n");
}

static void not_found(void)
{
    pid_t pid = 12345;
    char *argv[] = { "nothing", NULL };
    if (on_hartbeat()) { /* qemu makes a fork of it, and the error does not come back */
        CHECK_EQ(posix_spawn(&pid, "/no/such/program", NULL, NULL, argv, environ), ENOENT);
        CHECK_EQ(pid, 12345);
        CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD); /* the half-made child is gone */
    }
    CHECK_ERRNO(execve("/no/such/program", argv, environ), ENOENT);
    printf("not found: ok\n");
}

int spawn_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    not_found();
    ends_with(0, spawn_self("child", "exit", "0", NULL));
    ends_with(1, spawn_self("child", "_exit", "1", NULL));
    ends_with(255, spawn_self("child", "exit", "255", NULL));
    ends_with(44, spawn_self("child", "exit", "300", NULL));
    ends_with(9, spawn_self("child", "thread-exit", "9", NULL));
    ends_with(0, spawn_self("child", "main-leaves", NULL));
    ends_with(3, spawn_self("child", "ignored", "15", NULL));
    ends_with(0, spawn_self("child", "print", "one", "two words", "", NULL));
    dies_of(SIGTERM, spawn_self("child", "raise", "15", NULL));
    dies_of(SIGKILL, spawn_self("child", "raise", "9", NULL));
    dies_of(SIGUSR1, spawn_self("child", "raise", "10", NULL));
    ends_with(0, spawn_self("child", "raise", "17", NULL)); /* CHLD is ignored by default */
    dies_of(SIGABRT, spawn_self("child", "abort", NULL));
    dies_of(SIGILL, spawn_self("child", "illegal", NULL));
    dies_of(SIGILL, spawn_self("child", "csr", NULL));
    dies_of(SIGTRAP, spawn_self("child", "break", NULL));
    dies_of(SIGSEGV, spawn_self("child", "memory", "read-null", NULL));
    killed_with(SIGKILL, "sleep");
    killed_with(SIGTERM, "sleep");
    killed_with(SIGKILL, "spin");
    killed_with(SIGINT, "spin");
    waiting();
    printf("spawn: ok\n");
    return 0;
}
