/* FractureOS's signals (fracture.h): every number, handlers, ignoring, blocking, taking what is pending. */

#include <sys/wait.h>

#include "check.h"
#include "fracture.h"

static const int numbers[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20 };
static volatile int seen[65];

static void see(int signal)
{
    seen[signal]++;
}

static int is_special(int signal)
{
    return signal == SIGKILL || signal == SIGSTOP;
}

static void handlers(void)
{
    struct fracture_action action = { FRACTURE_HANDLER, see };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int signal = numbers[i];
        if (is_special(signal)) {
            CHECK_ERRNO(fracture_set_handler(0, signal, action), EINVAL);
            continue;
        }
        CHECK_OK(fracture_set_handler(getpid(), signal, action));
        CHECK_OK(fracture_send_signal(getpid(), signal));
        CHECK_EQ(seen[signal], 1);
        CHECK_OK(fracture_set_handler(0, signal, (struct fracture_action){ FRACTURE_IGNORE, NULL }));
        CHECK_OK(fracture_send_signal(getpid(), signal));
        CHECK_EQ(seen[signal], 1);
        CHECK_OK(fracture_set_handler(0, signal, (struct fracture_action){ FRACTURE_DEFAULT, NULL }));
    }
    CHECK_ERRNO(fracture_set_handler(getppid(), SIGUSR1, action), EPERM);
    CHECK_ERRNO(fracture_send_signal(getpid(), 0), EINVAL);
    CHECK_ERRNO(fracture_send_signal(getpid(), 65), EINVAL);
    CHECK_ERRNO(fracture_send_signal(4194303, SIGTERM), ESRCH);
    printf("handlers: ok\n");
}

static void blocking(void)
{
    struct fracture_action action = { FRACTURE_HANDLER, see };
    CHECK_EQ(fracture_process_signals(0, NULL), 0);
    CHECK_OK(fracture_set_handler(0, SIGUSR1, action));
    CHECK_OK(fracture_block_signal(0, SIGUSR1));
    CHECK_OK(fracture_block_signal(0, SIGTERM));
    seen[SIGUSR1] = 0;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(fracture_send_signal(getpid(), SIGTERM));
        CHECK_OK(fracture_send_signal(getpid(), SIGUSR1));
    }
    CHECK_EQ(fracture_process_signals(0, &action), SIGUSR1);
    CHECK(action.kind == FRACTURE_HANDLER && action.handler == see);
    CHECK_EQ(fracture_process_signals(0, &action), SIGTERM);
    CHECK(action.kind == FRACTURE_DEFAULT && action.handler == NULL);
    CHECK_EQ(fracture_process_signals(0, NULL), 0);
    CHECK_EQ(seen[SIGUSR1], 0);
    CHECK_OK(fracture_send_signal(getpid(), SIGUSR1));
    CHECK_OK(fracture_unblock_signal(0, SIGUSR1));
    CHECK_EQ(seen[SIGUSR1], 1);
    CHECK_OK(fracture_unblock_signal(0, SIGTERM));
    printf("blocking: ok\n");
}

/* What a process does by default about each of them. */
static void defaults(void)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int signal = numbers[i], status;
        /* qemu takes these two for its own. */
        if ((signal == SIGTRAP || signal == SIGBUS) && !on_hartbeat()) {
            printf("%d: ends\n", signal);
            continue;
        }
        pid_t pid = spawn_self("child", "sleep", NULL);
        CHECK_OK(fracture_send_signal(pid, signal));
        if (signal == SIGCHLD || signal == SIGCONT || signal == SIGTSTP) {
            /* Nothing; and a group without a shell over it is an orphan, which does not stop for the terminal's. */
            CHECK_OK(kill(pid, SIGKILL));
            CHECK_EQ(wait_status_of(pid), SIGKILL);
            continue;
        }
        CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
        if (WIFSTOPPED(status)) {
            CHECK_EQ(WSTOPSIG(status), signal);
            CHECK_OK(kill(pid, SIGKILL));
            CHECK_EQ(wait_status_of(pid), SIGKILL);
        } else {
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signal);
        }
        printf("%d: %s\n", signal, WIFSTOPPED(status) ? "stops" : "ends");
    }
}

int fracture_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    handlers();
    blocking();
    defaults();
    printf("fracture: ok\n");
    return 0;
}
