/*
 * signal_demo: what a signal is, and what it is not. A parent sends, its child has handlers for SIGUSR1, SIGUSR2 and a real-time signal.
 *
 * The child blocks them all while the parent sends: they stay pending. SIGUSR1 is sent three times and arrives once, for standard signals
 * carry no more than "it happened". The real-time signal is queued: it arrives as often as it was sent, in order, each with its value. Then
 * SIGUSR2 asks the child to end. SIGKILL cannot be caught, which sigaction says.
 *
 * The signals are blocked before fork, so that none comes before its handler is there, and sigsuspend opens them and waits in one step, so
 * that none comes between the two.
 *
 * As a program of its own: riscv64-linux-gnu-gcc -O2 -static -Dsignal_demo_main=main -o signal_demo guest/examples/signal_demo.c
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUEUED 3

int signal_demo_main(int argc, char **argv);

/* What the handlers note. They run with all three blocked: one is never within another. */
static volatile sig_atomic_t usr1, usr2, values[QUEUED], queued, sender;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    sender = info->si_pid;
    if (signal == SIGUSR1)
        usr1++;
    else if (signal == SIGUSR2)
        usr2++;
    else if (queued < QUEUED)
        values[queued++] = info->si_value.sival_int;
}

static int child(const sigset_t *all, int go)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO, .sa_mask = *all };
    sigset_t none;
    char byte;

    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGRTMIN, &action, NULL);

    while (read(go, &byte, 1) == -1) /* until all are sent, and pending */
        if (errno != EINTR)
            return 1;
    if (sigaction(SIGKILL, &action, NULL) == -1)
        printf("child: no handler for SIGKILL: %s\n", strerror(errno));
    sigemptyset(&none);
    while (!usr2 || queued < QUEUED)
        sigsuspend(&none);

    printf("child: SIGUSR1 came %d time%s, from %s\n", (int)usr1, usr1 == 1 ? "" : "s", sender == getppid() ? "my parent" : "a stranger");
    printf("child: the real-time signal came %d times, with", (int)queued);
    for (int i = 0; i < queued; i++)
        printf(" %d", (int)values[i]);
    printf("\nchild: SIGUSR2 came, I end\n");
    fflush(stdout);
    return 0;
}

int signal_demo_main(int argc, char **argv)
{
    sigset_t all, before;
    int go[2], status;

    if (argc > 1) {
        fprintf(stderr, "usage: %s\n", argv[0]);
        return 2;
    }
    sigemptyset(&all);
    sigaddset(&all, SIGUSR1);
    sigaddset(&all, SIGUSR2);
    sigaddset(&all, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &all, &before);
    if (pipe(go) == -1) {
        perror("pipe");
        return 1;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(child(&all, go[0]));
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid == -1) {
        perror("fork");
        return 1;
    }
    for (int i = 1; i <= QUEUED; i++) {
        kill(pid, SIGUSR1);
        if (sigqueue(pid, SIGRTMIN, (union sigval){ .sival_int = i * 10 }) == -1)
            perror("sigqueue");
    }
    kill(pid, SIGUSR2);
    printf("parent: sent SIGUSR1 %d times, a real-time signal %d times, SIGUSR2 once\n", QUEUED, QUEUED);
    fflush(stdout);
    if (write(go[1], "g", 1) != 1)
        perror("write");
    if (waitpid(pid, &status, 0) == -1) {
        perror("waitpid");
        return 1;
    }
    return WEXITSTATUS(status);
}
