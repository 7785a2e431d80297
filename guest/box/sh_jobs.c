/*
 * The shell's children: starting and awaiting programs.
 *
 * The shell ignores SIGINT. A program in the foreground gets it back to its default, one in the background keeps ignoring it.
 * Every wait is for any child: when the shell is process 1, orphans come to it and must be reaped too.
 */

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "sh.h"

#define MAX_JOBS 64

struct job {
    pid_t pid; /* 0: free */
    bool done;
    int wait_status;
    char *name;
};

static struct job jobs[MAX_JOBS];
extern char **environ;

/* A wait status as $? shows it. */
static int exit_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* Notes the end of a background job; true if `pid` is one. */
static bool note_end(pid_t pid, int wait_status)
{
    for (struct job *job = jobs; job < jobs + MAX_JOBS; job++)
        if (job->pid == pid) {
            job->done = true;
            job->wait_status = wait_status;
            return true;
        }
    return false;
}

static void forget(struct job *job)
{
    free(job->name);
    *job = (struct job){ 0 };
}

static struct job *free_job(void)
{
    for (struct job *job = jobs; job < jobs + MAX_JOBS; job++)
        if (!job->pid)
            return job;
    return NULL;
}

void reap_jobs(bool report)
{
    int wait_status;
    pid_t pid;
    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
        note_end(pid, wait_status);
    for (struct job *job = jobs; job < jobs + MAX_JOBS; job++) {
        if (!job->pid || !job->done)
            continue;
        int status = exit_status(job->wait_status);
        if (!report) {
        } else if (WIFSIGNALED(job->wait_status)) {
            fprintf(stderr, "[%d] %d %s  %s\n", (int)(job - jobs) + 1, (int)job->pid, strsignal(status - 128), job->name);
        } else if (status != 0) {
            fprintf(stderr, "[%d] %d Exit %d  %s\n", (int)(job - jobs) + 1, (int)job->pid, status, job->name);
        } else {
            fprintf(stderr, "[%d] %d Done  %s\n", (int)(job - jobs) + 1, (int)job->pid, job->name);
        }
        forget(job);
    }
}

int wait_for_jobs(void)
{
    int status = 0;
    for (struct job *job = jobs; job < jobs + MAX_JOBS; job++) {
        while (job->pid && !job->done) {
            int wait_status;
            pid_t pid = waitpid(-1, &wait_status, 0);
            if (pid == -1 && errno != EINTR)
                break;
            if (pid > 0)
                note_end(pid, wait_status);
        }
        if (job->pid && job->done)
            status = exit_status(job->wait_status);
    }
    return status;
}

/* Waits for `pid`; whatever else ends meanwhile is noted or, an orphan, let go. */
static int wait_for(pid_t pid)
{
    for (;;) {
        int wait_status;
        pid_t ended = waitpid(-1, &wait_status, 0);
        if (ended == -1 && errno != EINTR)
            return fail("waitpid");
        if (ended != pid) {
            if (ended > 0)
                note_end(ended, wait_status);
            continue;
        }
        if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) != SIGPIPE)
            fprintf(stderr, "%s\n", WTERMSIG(wait_status) == SIGINT ? "" : strsignal(WTERMSIG(wait_status)));
        return exit_status(wait_status);
    }
}

/* posix_spawn with the signals a child is to have; returns 0 or an errno. */
static int spawn(pid_t *pid, const char *path, struct words *words)
{
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int error = posix_spawnattr_init(&attributes);
    if (error)
        return error;
    sigemptyset(&defaults);
    if (!words->background) {
        sigaddset(&defaults, SIGINT);
        posix_spawnattr_setsigdefault(&attributes, &defaults);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    }
    error = posix_spawn(pid, path, NULL, &attributes, words->argv, environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

int run_program(struct words *words, struct sh_values *values)
{
    struct text path = { 0 };
    pid_t pid = 0;
    struct job *job = NULL;

    if (words->background && !(job = free_job())) {
        fprintf(stderr, "sh: too many background jobs\n");
        return 2;
    }
    if (!strchr(words->argv[0], '/'))
        text_add_string(&path, "/bin/");
    text_add_string(&path, words->argv[0]);
    fflush(NULL);
    int error = spawn(&pid, path.bytes ? path.bytes : "", words);
    text_clear(&path);
    if (error) {
        fprintf(stderr, "sh: %s: %s\n", words->argv[0], error == ENOENT ? "not found" : strerror(error));
        return error == ENOENT ? 127 : 126;
    }
    if (!job)
        return wait_for(pid);
    job->pid = values->background = pid;
    job->name = strdup(words->argv[0]);
    return 0;
}
