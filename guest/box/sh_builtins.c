/*
 * What the shell does itself, because a process of its own could not: it changes the shell. In a pipeline these run in a child like
 * everything else, and change that.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sh.h"

static int complain(const char *name, const char *what, const char *why)
{
    fprintf(stderr, "sh: %s: %s: %s\n", name, what, why);
    return 2;
}

/* The current directory, to be freed; NULL with errno set. */
static char *current_directory(void)
{
    for (size_t room = 128;; room *= 2) {
        char *path = take(room);
        if (getcwd(path, room))
            return path;
        free(path);
        if (errno != ERANGE)
            return NULL;
    }
}

static int cd_builtin(int argc, char **argv)
{
    const char *to = argc > 1 ? argv[1] : variable("HOME");
    bool back = to && strcmp(to, "-") == 0;

    if (back)
        to = variable("OLDPWD");
    if (!to || argc > 2)
        return complain("cd", argc > 2 ? argv[2] : back ? "OLDPWD" : "HOME", argc > 2 ? "too many arguments" : "not set");
    char *before = current_directory();
    if (chdir(to) == -1) {
        free(before);
        return complain("cd", to, strerror(errno));
    }
    char *now = current_directory();
    if (back && now)
        puts(now);
    if (before)
        set_variable("OLDPWD", before);
    if (now)
        set_variable("PWD", now);
    free(before);
    free(now);
    return 0;
}

static int pwd_builtin(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    char *path = current_directory();
    if (!path)
        return complain("pwd", "current directory", strerror(errno));
    puts(path);
    free(path);
    return 0;
}

/* `exit`: leaves with its argument, or the last status. */
static int exit_builtin(int argc, char **argv)
{
    static bool warned;
    char *end = "";
    long status = shell.status;

    if (argc > 1) {
        status = strtol(argv[1], &end, 10);
        if (*end || end == argv[1] || argc > 2)
            return complain("exit", argv[argc > 2 ? 2 : 1], "not a status");
    }
    for (const struct job *job = jobs_first(); job && shell.job_control && !warned; job = job->next)
        if (job_state(job) == JOB_STOPPED) {
            warned = true;
            fprintf(stderr, "sh: there are stopped jobs\n");
            return 1;
        }
    fflush(NULL);
    _exit((int)(status & 255));
}

static int export_builtin(int argc, char **argv)
{
    int status = 0;
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "-p") == 0)) {
        print_exported();
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        size_t length = name_length(argv[i]);
        if (!length || (argv[i][length] && argv[i][length] != '=')) {
            status = complain("export", argv[i], "not a name");
            continue;
        }
        if (argv[i][length])
            assign(argv[i]);
        char *name = copy(argv[i]);
        name[length] = 0;
        export_variable(name);
        free(name);
    }
    return status;
}

static int unset_builtin(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        unset_variable(argv[i]);
    return 0;
}

/* exec: the program in the place of the shell; without one, the redirections stay (sh_run.c). */
int exec_builtin(int argc, char **argv)
{
    if (argc == 1)
        return 0;
    fflush(NULL);
    run_program(argv + 1);
}

static int umask_builtin(int argc, char **argv)
{
    if (argc == 1) {
        mode_t mask = umask(0);
        umask(mask);
        printf("%04o\n", (unsigned)mask);
        return 0;
    }
    char *end;
    unsigned long mask = strtoul(argv[1], &end, 8);
    if (!isdigit((unsigned char)argv[1][0]) || *end || mask > 0777)
        return complain("umask", argv[1], "not an octal mask");
    umask((mode_t)mask);
    return 0;
}

static int source_builtin(int argc, char **argv)
{
    if (argc != 2)
        return complain(argv[0], "one file", "is what this needs");
    return run_file(argv[1]);
}

static int shift_builtin(int argc, char **argv)
{
    char *end = "";
    long count = argc > 1 ? strtol(argv[1], &end, 10) : 1;
    if (*end || count < 0 || count > shell.parameter_count)
        return complain("shift", argc > 1 ? argv[1] : "1", "there are not as many parameters");
    /* $0 stays: the list is moved over the first ones. */
    memmove(shell.parameters + 1, shell.parameters + 1 + count, ((size_t)(shell.parameter_count - count) + 1) * sizeof(char *));
    shell.parameter_count -= (int)count;
    return 0;
}

static int colon_builtin(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static int help_builtin(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("Programs:\n");
    for (const struct applet *a = applets; a->name; a++)
        if (*a->summary)
            printf("  %-11s %-32s %s\n", a->name, a->arguments, a->summary);
    printf("Of the shell itself:\n"
           "  cd [folder], pwd               change the current directory (- is the one before), print it\n"
           "  export NAME[=value], unset     hand a variable to programs, forget it; NAME=value sets it\n"
           "  jobs, fg, bg [%%n]              list jobs, go on with one in the foreground or background\n"
           "  wait [pid | %%n]                wait for all background jobs, or one\n"
           "  kill [-signal] pid | %%n        send a signal to processes and jobs\n"
           "  exec, exit, umask, shift, . file, : and help\n"
           "a | b joins programs by a pipe; < > >> <> 2> &> n>&m redirect; a && b, a || b, ! a go by the status; ( ) is a\n"
           "subshell; a & runs in the background; ; separates; 'text', \"text\" and \\c quote; # begins a comment.\n"
           "$NAME $? $! $$ $# $@ $1 are replaced, and * ? [a-z] by the names of files. ^C ends, ^Z stops what is in the\n"
           "foreground. There is no if, for or $( ): busybox sh has that.\n");
    return 0;
}

static const struct {
    const char *name;
    builtin *function;
} builtins[] = {
    { "cd", cd_builtin },       { "pwd", pwd_builtin },     { "exit", exit_builtin }, { "export", export_builtin },
    { "unset", unset_builtin }, { "exec", exec_builtin },   { "umask", umask_builtin }, { ".", source_builtin },
    { "shift", shift_builtin }, { ":", colon_builtin },     { "help", help_builtin }, { "jobs", jobs_builtin },
    { "fg", fg_builtin },       { "bg", bg_builtin },       { "wait", wait_builtin }, { "kill", kill_builtin },
};

builtin *find_builtin(const char *name)
{
    for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++)
        if (strcmp(builtins[i].name, name) == 0)
            return builtins[i].function;
    return NULL;
}
