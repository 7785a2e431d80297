/* Stopping, continuing and waiting for children, what parents hear of them, process groups and sessions. */

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static volatile int children_heard, last_code, last_status, last_pid;
static volatile int ready, others;

static void on_child(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    children_heard++;
    last_code = info->si_code;
    last_status = info->si_status;
    last_pid = info->si_pid;
}

static void on_ready(int signal)
{
    (void)signal;
    ready++;
}

static void on_other(int signal)
{
    (void)signal;
    others++;
}

static void hear(int flags)
{
    struct sigaction action = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART | flags };
    CHECK_OK(sigaction(SIGCHLD, &action, NULL));
    children_heard = 0;
}

/* Until a child has said that it is ready. */
static void await_ready(int count)
{
    while (ready < count)
        sleep_ms(1);
    ready = 0;
}

static pid_t start(const char *mode)
{
    ready = 0;
    pid_t pid = spawn_self("jobs", mode, NULL);
    await_ready(1);
    return pid;
}

static void show_status(const char *what, int status)
{
    if (WIFEXITED(status))
        printf("%s: exit %d\n", what, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: killed by %s\n", what, sigabbrev_np(WTERMSIG(status)));
    else if (WIFSTOPPED(status))
        printf("%s: stopped by %s\n", what, sigabbrev_np(WSTOPSIG(status)));
    else if (WIFCONTINUED(status))
        printf("%s: continued\n", what);
    else
        printf("%s: status %x\n", what, (unsigned)status);
}

static void expect_heard(pid_t pid, int code, int status)
{
    while (children_heard == 0)
        sleep_ms(1);
    CHECK_EQ(last_pid, pid);
    CHECK_EQ(last_code, code);
    CHECK_EQ(last_status, status);
    children_heard = 0;
}

static void stop_and_go(const char *mode)
{
    int status;
    hear(0);
    pid_t pid = start(mode);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(kill(pid, SIGSTOP));
        CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
        if (i == 0)
            show_status(mode, status);
        expect_heard(pid, CLD_STOPPED, SIGSTOP);
        CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
        CHECK_OK(kill(pid, SIGCONT));
        CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
        if (i == 0)
            show_status(mode, status);
        expect_heard(pid, CLD_CONTINUED, SIGCONT);
        CHECK_EQ(waitpid(pid, &status, WCONTINUED | WUNTRACED | WNOHANG), 0);
    }
    /* A stopped process takes a signal that ends it only when it goes on, but KILL at once. */
    CHECK_OK(kill(pid, SIGSTOP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK_OK(kill(pid, SIGTERM));
    sleep_ms(20);
    CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
    CHECK_OK(kill(pid, SIGCONT));
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    show_status("TERM and CONT", status);
    pid = start(mode);
    CHECK_OK(kill(pid, SIGSTOP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK_OK(kill(pid, SIGKILL));
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    show_status("KILL", status);
}

static void with_waitid(void)
{
    siginfo_t info;
    struct rusage usage;
    hear(0);
    pid_t pid = start("idle");
    CHECK_OK(kill(pid, SIGSTOP));
    for (int i = 0; i < 3; i++) {
        memset(&info, 0, sizeof info);
        CHECK_OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | (i < 2 ? WNOWAIT : 0)));
        CHECK(info.si_pid == pid && info.si_signo == SIGCHLD && info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
    }
    CHECK_OK(waitid(P_ALL, 0, &info, WSTOPPED | WEXITED | WCONTINUED | WNOHANG));
    CHECK(info.si_pid == 0 && info.si_signo == 0);
    CHECK_OK(kill(pid, SIGCONT));
    CHECK_OK(waitid(P_ALL, 0, &info, WCONTINUED));
    CHECK(info.si_pid == pid && info.si_code == CLD_CONTINUED && info.si_status == SIGCONT);
    CHECK_OK(kill(pid, SIGKILL));
    CHECK_OK(waitid(P_PGID, (id_t)getpgrp(), &info, WEXITED | WNOWAIT));
    CHECK(info.si_code == CLD_KILLED && info.si_status == SIGKILL && info.si_uid == getuid());
    CHECK_OK(syscall(SYS_waitid, P_PID, pid, &info, WEXITED, &usage));
    CHECK_ERRNO(waitid(P_PID, (id_t)pid, &info, WEXITED), ECHILD);
    pid = spawn_self("child", "exit", "33", NULL);
    CHECK_OK(waitid(P_PID, (id_t)pid, &info, WEXITED));
    CHECK(info.si_code == CLD_EXITED && info.si_status == 33);
    CHECK_ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
    CHECK_ERRNO(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
    CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED | 0x100), EINVAL);
    CHECK_ERRNO(waitid(P_PID, 0, &info, WEXITED), EINVAL);
    CHECK_ERRNO(waitid(77, 1, &info, WEXITED), EINVAL);
    CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    CHECK_ERRNO(waitpid(INT32_MIN, NULL, 0), ESRCH);
    CHECK_ERRNO(waitpid(-getpgrp(), NULL, 0), ECHILD);
    CHECK_ERRNO(syscall(SYS_wait4, -1, NULL, 0x100, NULL), EINVAL);
    printf("waitid: ok\n");
}

static void what_parents_hear(void)
{
    int status;
    hear(0);
    pid_t pid = spawn_self("child", "exit", "5", NULL);
    expect_heard(pid, CLD_EXITED, 5);
    CHECK_EQ(wait_status_of(pid), 5 << 8);
    pid = start("idle");
    CHECK_OK(kill(pid, SIGKILL));
    expect_heard(pid, CLD_KILLED, SIGKILL);
    CHECK_EQ(wait_status_of(pid), SIGKILL);
    hear(SA_NOCLDSTOP);
    pid = start("idle");
    CHECK_OK(kill(pid, SIGSTOP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK_OK(kill(pid, SIGCONT));
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    /* User-mode qemu does not tell its host of this flag and the next. */
    if (on_hartbeat())
        CHECK_EQ(children_heard, 0);
    children_heard = 0;
    CHECK_OK(kill(pid, SIGKILL));
    expect_heard(pid, CLD_KILLED, SIGKILL);
    wait_status_of(pid);
    /* Without zombies there is nothing to wait for but the end of them all. */
    if (on_hartbeat()) {
        hear(SA_NOCLDWAIT);
        pid = spawn_self("child", "exit", "6", NULL);
        CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
        CHECK_EQ(children_heard, 1);
    }
    signal(SIGCHLD, SIG_IGN);
    pid = spawn_self("child", "exit", "7", NULL);
    CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
    signal(SIGCHLD, SIG_DFL);
    printf("parents: ok\n");
}

/* Stopping signals and CONT take each other away. */
static void discarding(void)
{
    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGTTIN);
    sigaddset(&set, SIGCONT);
    CHECK_OK(sigprocmask(SIG_BLOCK, &set, &old));
    raise(SIGTSTP);
    raise(SIGTTIN);
    CHECK_OK(sigpending(&pending));
    CHECK(sigismember(&pending, SIGTSTP) && sigismember(&pending, SIGTTIN));
    raise(SIGCONT);
    CHECK_OK(sigpending(&pending));
    CHECK(!sigismember(&pending, SIGTSTP) && !sigismember(&pending, SIGTTIN) && sigismember(&pending, SIGCONT));
    raise(SIGTSTP);
    CHECK_OK(sigpending(&pending));
    CHECK(sigismember(&pending, SIGTSTP) && !sigismember(&pending, SIGCONT));
    signal(SIGTSTP, SIG_IGN);
    CHECK_OK(sigprocmask(SIG_SETMASK, &old, NULL));
    signal(SIGTSTP, SIG_DFL);
    printf("discarding: ok\n");
}

static void groups(void)
{
    int status;
    pid_t a = start("group"), b = start("idle");
    CHECK_EQ(getpgid(a), a);
    CHECK_EQ(getpgid(b), getpgrp());
    CHECK_EQ(getsid(a), getsid(0));
    CHECK_ERRNO(getpgid(4194303), ESRCH);
    CHECK_ERRNO(getsid(4194303), ESRCH);
    /* It has executed a program already. */
    CHECK_ERRNO(setpgid(b, a), EACCES);
    CHECK_ERRNO(setpgid(0, -1), EINVAL);
    CHECK_ERRNO(setpgid(4194303, 0), ESRCH);
    CHECK_ERRNO(setpgid(getppid(), 0), ESRCH);
    CHECK_OK(kill(-a, 0));
    CHECK_ERRNO(kill(-4194303, SIGTERM), ESRCH);
    CHECK_OK(kill(-a, SIGTERM));
    CHECK_EQ(waitpid(-a, &status, 0), a);
    show_status("group", status);
    CHECK_ERRNO(kill(-a, 0), ESRCH);
    CHECK_EQ(waitpid(b, &status, WNOHANG), 0);
    CHECK_OK(kill(b, SIGKILL));
    CHECK_EQ(wait_status_of(b), SIGKILL);
    printf("groups: ok\n");
}

static void sessions(void)
{
    int status = wait_status_of(spawn_self("jobs", "session", NULL));
    show_status("session", status);
    CHECK_EQ(status, 0);
}

/* A group whose last connection to its session ends while it is stopped is hung up and continued. */
static void orphans(void)
{
    struct sigaction action = { .sa_handler = on_other };
    CHECK_OK(sigaction(SIGUSR2, &action, NULL));
    others = 0;
    pid_t leader = start("leader");
    CHECK_EQ(wait_status_of(leader), 0);
    while (others == 0)
        sleep_ms(1);
    printf("orphans: hung up\n");
}

static int in_own_session(void)
{
    if (getpid() == getpgrp())
        return 2;
    pid_t own = getpid();
    if (setsid() != own || getsid(0) != own || getpgrp() != own)
        return 3;
    CHECK_ERRNO(setsid(), EPERM);
    CHECK_ERRNO(setpgid(0, 0), EPERM);
    CHECK_ERRNO(setpgid(0, getsid(getppid())), EPERM);
    return 0;
}

static pid_t told;

static void hung_up(int signal)
{
    (void)signal;
    kill(told, SIGUSR2);
    _exit(0);
}

static void *sleeps(void *unused)
{
    for (;;)
        sleep_ms(1000);
    return unused;
}

static void *computes(void *unused)
{
    for (volatile long i = 0;; i++) {
    }
    return unused;
}

static void say_ready(pid_t pid)
{
    CHECK_OK(kill(pid, SIGUSR1));
}

static int child_mode(int argc, char **argv)
{
    const char *mode = argv[1];
    pthread_t thread;
    if (strcmp(mode, "session") == 0)
        return in_own_session();
    if (strcmp(mode, "leader") == 0) {
        /* Starts a member of its own group that stops, and leaves it behind. */
        char parent[16];
        int status;
        CHECK_OK(setpgid(0, 0));
        snprintf(parent, sizeof parent, "%d", (int)getppid());
        signal(SIGUSR1, on_ready);
        pid_t pid = spawn_self("jobs", "stops", parent, NULL);
        CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
        CHECK(WIFSTOPPED(status));
        say_ready(getppid());
        return 0;
    }
    if (strcmp(mode, "stops") == 0) {
        told = (pid_t)number_argument(argc, argv, 2, 0);
        signal(SIGHUP, hung_up);
        raise(SIGSTOP);
        return 9;
    }
    if (strcmp(mode, "group") == 0)
        CHECK_OK(setpgid(0, 0));
    if (strcmp(mode, "threads") == 0) {
        for (int i = 0; i < 3; i++)
            CHECK_ZERO(pthread_create(&thread, NULL, i == 0 ? computes : sleeps, NULL));
    }
    say_ready(getppid());
    sleeps(NULL);
    return 1;
}

int jobs_trial(int argc, char **argv)
{
    if (argc > 1)
        return child_mode(argc, argv);
    struct sigaction action = { .sa_handler = on_ready, .sa_flags = SA_RESTART };
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    discarding();
    stop_and_go("idle");
    stop_and_go("threads");
    with_waitid();
    what_parents_hear();
    groups();
    sessions();
    orphans();
    printf("jobs: ok\n");
    return 0;
}
