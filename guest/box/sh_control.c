/*
 * The shell's commands about jobs: jobs, fg, bg, wait, and kill, which knows %n here.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

int jobs_builtin(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    bool interactive = shell.interactive;
    shell.interactive = false; /* reaps, but leaves the telling to us */
    jobs_report();
    shell.interactive = interactive;
    for (struct job *job = jobs_first(), *next; job; job = next) {
        next = job->next;
        job_print(job, stdout);
        job->told = job_state(job) == JOB_STOPPED;
        if (job_state(job) == JOB_DONE)
            job_forget(job);
    }
    return 0;
}

/* The job that fg or bg means; NULL after a message. */
static struct job *chosen(int argc, char **argv)
{
    if (!shell.job_control) {
        fprintf(stderr, "sh: %s: no job control here\n", argv[0]);
        return NULL;
    }
    struct job *job = job_named(argc > 1 ? argv[1] : "");
    if (!job || job_state(job) == JOB_DONE) {
        fprintf(stderr, "sh: %s: %s: no such job\n", argv[0], argc > 1 ? argv[1] : "%%");
        return NULL;
    }
    return job;
}

int fg_builtin(int argc, char **argv)
{
    struct job *job = chosen(argc, argv);
    if (!job)
        return 1;
    puts(job->text);
    fflush(stdout);
    job_continue(job, true);
    return job_foreground(job);
}

int bg_builtin(int argc, char **argv)
{
    struct job *job = chosen(argc, argv);
    if (!job)
        return 1;
    job_continue(job, false);
    job_print(job, stdout);
    return 0;
}

/* Waits for one job; returns its status, 130 when interrupted, 127 when nothing is known of it any more. */
static int await(struct job *job)
{
    while (job_state(job) == JOB_RUNNING)
        if (!jobs_wait() && (errno != EINTR || shell.interrupted))
            return errno == EINTR ? 130 : 127;
    int status = job_status(job);
    if (job_state(job) == JOB_DONE)
        job_forget(job);
    return status;
}

int wait_builtin(int argc, char **argv)
{
    int status = 0;

    if (argc == 1) {
        for (struct job *job = jobs_first(), *next; job && !shell.interrupted; job = next) {
            next = job->next;
            if (job_state(job) != JOB_STOPPED)
                await(job);
        }
        return shell.interrupted ? 130 : 0;
    }
    for (int i = 1; i < argc; i++) {
        struct job *job = job_named(argv[i]);
        status = job ? await(job) : 127;
        if (!job && argv[i][strspn(argv[i], "0123456789")]) {
            fprintf(stderr, "sh: wait: %s: no such job\n", argv[i]);
            status = *argv[i] == '%' ? 127 : 2;
        }
    }
    return status;
}

/* Does this kill end what it is sent to? Then a stopped job has to go on, to do so. */
static bool is_to_end(int argc, char **argv)
{
    int signal = SIGTERM;
    if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--") != 0)
        signal = signal_number(argc > 2 && strcmp(argv[1], "-s") == 0 ? argv[2] : argv[1] + 1);
    return signal == SIGTERM || signal == SIGHUP;
}

/* kill: the program's function, behind putting processes in the place of %n. A job with a group of its own gets it as a whole. */
int kill_builtin(int argc, char **argv)
{
    struct words list = { 0 };
    int status = 0;
    bool ends = is_to_end(argc, argv);

    for (int i = 0; i < argc; i++) {
        if (i == 1 && argv[1][0] != '-')
            words_add(&list, copy("--")); /* the first group would look like a signal */
        struct job *job = i > 0 && *argv[i] == '%' ? job_named(argv[i]) : NULL;
        if (i == 0 || *argv[i] != '%') {
            words_add(&list, copy(argv[i]));
        } else if (!job) {
            fprintf(stderr, "sh: kill: %s: no such job\n", argv[i]);
            status = 2;
        } else {
            for (size_t m = 0; m < (job->group ? 1 : job->count); m++) {
                char number[16];
                snprintf(number, sizeof number, "%d", (int)(job->group ? -job->group : job->members[m].pid));
                words_add(&list, copy(number));
            }
        }
    }
    if (status == 0)
        status = kill_main((int)list.count, list.argv);
    for (int i = 1; i < argc && status == 0 && ends && shell.job_control; i++) {
        struct job *job = *argv[i] == '%' ? job_named(argv[i]) : NULL;
        if (job && job_state(job) == JOB_STOPPED)
            job_continue(job, false);
    }
    words_clear(&list);
    return status;
}
