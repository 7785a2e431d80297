/*
 * Jobs: a pipeline's processes, from fork until their end is known.
 *
 * With job control (a shell that prompts at a terminal) each job is a process group, and the one in the foreground owns the terminal: ^C
 * and ^Z go to it and not to the shell. Without, all stay in the shell's group, and what runs in the background ignores ^C and reads
 * nothing.
 *
 * Every wait is for any child: when the shell is process 1, orphans come to it and must be reaped too. What is learnt of a process is
 * noted in its job, and jobs are asked, never the kernel a second time. The list is this process's own: a child of the shell drops it.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "sh.h"

/* Ended jobs that nobody asked for are kept for `wait`, this many. */
#define MAX_KEPT 512

static struct job *jobs;
static int terminal = -1;          /* the terminal, with job control */
static struct termios own_modes;   /* the terminal's modes while the shell reads */

/* What a shell that prompts ignores, and its children get back. */
static const int shielded[] = { SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU };
#define SHIELDED (sizeof shielded / sizeof shielded[0])

sigjmp_buf jobs_interrupted;
volatile sig_atomic_t jobs_reading;

/* ^C at the prompt. A flag alone would be late when the signal comes right before the read that is to be broken off. */
static void interrupt(int signal)
{
    (void)signal;
    shell.interrupted = true;
    if (jobs_reading) {
        jobs_reading = false;
        siglongjmp(jobs_interrupted, 1);
    }
}

/* Takes the terminal once the shell's group is in its foreground; false when there is no job control to be had. */
static bool take_terminal(void)
{
    terminal = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    if (terminal == -1)
        return false;
    for (;;) {
        pid_t foreground = tcgetpgrp(terminal);
        if (foreground == -1)
            return false;
        if (foreground == getpgrp())
            break;
        kill(0, SIGTTIN); /* stops until somebody brings the shell to the foreground */
    }
    for (size_t i = 0; i < SHIELDED; i++)
        signal(shielded[i], SIG_IGN);
    if (getpgrp() != shell.self)
        setpgid(0, 0); /* fails for the leader of a session, which leads its group anyway */
    return tcsetpgrp(terminal, getpgrp()) == 0 && tcgetattr(terminal, &own_modes) == 0;
}

void jobs_begin(void)
{
    if (!shell.interactive)
        return;
    /* Not SA_RESTART: what waits is to end. */
    struct sigaction action = { .sa_handler = interrupt };
    sigaction(SIGINT, &action, NULL);
    shell.job_control = isatty(STDIN_FILENO) && take_terminal();
}

struct job *jobs_first(void)
{
    return jobs;
}

struct job *job_new(const char *text)
{
    struct job *job = take(sizeof *job);
    job->text = copy(text);
    job->number = 1;
    /* In the order of their numbers; the smallest free one is taken. */
    struct job **place = &jobs;
    for (; *place && (*place)->number == job->number; place = &(*place)->next)
        job->number++;
    job->next = *place;
    *place = job;
    return job;
}

void job_forget(struct job *job)
{
    for (struct job **place = &jobs; *place; place = &(*place)->next)
        if (*place == job) {
            *place = job->next;
            break;
        }
    free(job->members);
    free(job->text);
    free(job);
}

/* Makes the child that has just been forked what it is to be: a subshell without jobs, in its group, with its signals. */
static void become_child(struct job *job, bool background)
{
    if (shell.job_control) {
        pid_t group = job->group ? job->group : getpid();
        setpgid(0, group);
        if (!background)
            tcsetpgrp(terminal, group); /* the shell does both as well: whoever comes first */
        for (size_t i = 0; i < SHIELDED; i++)
            signal(shielded[i], SIG_DFL);
    }
    if (shell.interactive)
        signal(SIGINT, SIG_DFL);
    if (background && !shell.job_control) {
        signal(SIGINT, SIG_IGN);
        signal(SIGQUIT, SIG_IGN);
        int null = job->count ? -1 : open("/dev/null", O_RDONLY);
        if (null > 0) {
            dup2(null, STDIN_FILENO);
            close(null);
        }
    }
    shell.interactive = shell.job_control = shell.interrupted = false;
    while (jobs)
        job_forget(jobs);
}

pid_t job_fork(struct job *job, bool background)
{
    struct member *members = realloc(job->members, (job->count + 1) * sizeof *members);
    if (members)
        job->members = members;
    fflush(NULL);
    pid_t pid = members ? fork() : -1;
    if (pid == 0) {
        become_child(job, background);
        return 0;
    }
    if (pid == -1) {
        fprintf(stderr, "sh: fork: %s\n", strerror(errno));
        return -1;
    }
    if (shell.job_control) {
        if (!job->group)
            job->group = pid;
        setpgid(pid, job->group);
        if (!background && !job->count)
            tcsetpgrp(terminal, job->group);
    }
    members[job->count++] = (struct member){ .pid = pid };
    return pid;
}

enum job_state job_state(const struct job *job)
{
    enum job_state state = JOB_DONE;
    for (size_t i = 0; i < job->count; i++) {
        if (!job->members[i].done && !job->members[i].stopped)
            return JOB_RUNNING;
        if (!job->members[i].done)
            state = JOB_STOPPED;
    }
    return state;
}

/* What $? is to be: of the last process, also while that is stopped. */
int job_status(const struct job *job)
{
    int status = job->count ? job->members[job->count - 1].wait_status : 0;
    if (WIFSTOPPED(status))
        return 128 + WSTOPSIG(status);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Notes what became of a child; one that belongs to no job is an orphan, let go. */
static void note(pid_t pid, int wait_status)
{
    for (struct job *job = jobs; job; job = job->next)
        for (size_t i = 0; i < job->count; i++) {
            struct member *member = &job->members[i];
            if (member->pid != pid || member->done)
                continue;
            member->stopped = WIFSTOPPED(wait_status);
            member->done = WIFEXITED(wait_status) || WIFSIGNALED(wait_status);
            member->wait_status = wait_status;
            return;
        }
}

bool jobs_wait(void)
{
    int wait_status;
    pid_t pid = waitpid(-1, &wait_status, shell.job_control ? WUNTRACED | WCONTINUED : 0);
    if (pid > 0)
        note(pid, wait_status);
    return pid > 0;
}

void job_print(const struct job *job, FILE *to)
{
    char how[64];
    int status = job_status(job);

    switch (job_state(job)) {
    case JOB_RUNNING: strcpy(how, "Running"); break;
    case JOB_STOPPED: strcpy(how, "Stopped"); break;
    default:
        if (status > 128 && WIFSIGNALED(job->members[job->count - 1].wait_status))
            snprintf(how, sizeof how, "%s", strsignal(status - 128));
        else if (status)
            snprintf(how, sizeof how, "Exit %d", status);
        else
            strcpy(how, "Done");
    }
    fprintf(to, "[%d] %d %s  %s\n", job->number, (int)job->members[job->count - 1].pid, how, job->text);
}

int job_foreground(struct job *job)
{
    while (job_state(job) == JOB_RUNNING)
        if (!jobs_wait() && errno != EINTR)
            break;
    int status = job_status(job);
    int how = job->count ? job->members[job->count - 1].wait_status : 0;
    bool stopped = job_state(job) == JOB_STOPPED;

    if (shell.job_control) {
        tcsetpgrp(terminal, getpgrp());
        if (stopped || WIFSIGNALED(how))
            tcsetattr(terminal, TCSADRAIN, &own_modes); /* it had no time to do so itself */
        else
            tcgetattr(terminal, &own_modes);
    }
    if (stopped) {
        fputc('\n', stderr);
        job_print(job, stderr);
        job->told = true;
        return status;
    }
    if (WIFSIGNALED(how) && WTERMSIG(how) != SIGPIPE)
        fprintf(stderr, "%s\n", WTERMSIG(how) == SIGINT ? "" : strsignal(WTERMSIG(how)));
    if (WIFSIGNALED(how) && WTERMSIG(how) == SIGINT && shell.interactive)
        shell.interrupted = true;
    job_forget(job);
    return status;
}

void job_background(struct job *job)
{
    if (!job->count) {
        job_forget(job);
        return;
    }
    shell.background = job->members[job->count - 1].pid;
    if (shell.interactive)
        fprintf(stderr, "[started] %d\n", (int)shell.background);
}

void job_continue(struct job *job, bool foreground)
{
    if (foreground) {
        tcsetpgrp(terminal, job->group);
        tcsetattr(terminal, TCSADRAIN, &own_modes);
    }
    for (size_t i = 0; i < job->count; i++)
        job->members[i].stopped = false;
    job->told = false;
    kill(-job->group, SIGCONT);
}

struct job *job_named(const char *name)
{
    struct job *found = NULL;
    char *end;

    if (*name == '%')
        name++;
    else if (*name) {
        long pid = strtol(name, &end, 10);
        for (struct job *job = jobs; job && !*end; job = job->next)
            for (size_t i = 0; i < job->count; i++)
                if (job->members[i].pid == pid)
                    return job;
        return NULL;
    }
    long number = strtol(name, &end, 10);
    for (struct job *job = jobs; job; job = job->next) {
        if (end != name && !*end) {
            if (job->number == number)
                return job;
        } else if (!*name || strcmp(name, "%") == 0 || strcmp(name, "+") == 0) {
            /* The current one: of those that are stopped, else of all, the youngest. */
            if (!found || job_state(job) == JOB_STOPPED || job_state(found) != JOB_STOPPED)
                found = job;
        } else if (strncmp(job->text, name, strlen(name)) == 0) {
            found = job;
        }
    }
    return found;
}

/* Lets the oldest of too many ended jobs go. */
static void limit_kept(void)
{
    struct job *oldest = NULL;
    int kept = 0;
    for (struct job *job = jobs; job; job = job->next)
        if (job_state(job) == JOB_DONE) {
            kept++;
            oldest = oldest ? oldest : job;
        }
    if (kept > MAX_KEPT)
        job_forget(oldest);
}

void jobs_report(void)
{
    int wait_status;
    pid_t pid;

    while ((pid = waitpid(-1, &wait_status, WNOHANG | (shell.job_control ? WUNTRACED | WCONTINUED : 0))) > 0)
        note(pid, wait_status);
    if (!shell.interactive) {
        limit_kept();
        return;
    }
    for (struct job *job = jobs, *next; job; job = next) {
        next = job->next;
        enum job_state state = job_state(job);
        if (state == JOB_DONE || (state == JOB_STOPPED && !job->told))
            job_print(job, stderr);
        job->told = state == JOB_STOPPED;
        if (state == JOB_DONE)
            job_forget(job);
    }
}
