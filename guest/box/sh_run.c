/*
 * Runs the tree: lists, pipelines, simple commands.
 *
 * A pipeline's commands are processes side by side, each joined to the next by a pipe. The shell closes each end as soon as the child that
 * uses it is there, and a child closes the end that is the next one's: while anybody holds a write end that he does not use, its reader
 * never sees the end of file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define DEFAULT_PATH "/bin"

/* Ends a child of the shell without running what the shell registered for its own end. */
static _Noreturn void end_child(int status)
{
    fflush(stdout);
    _exit(status & 255);
}

/* execve; a file without a known beginning is a script for this shell. */
static void execute(const char *path, char **argv, char **environment)
{
    execve(path, argv, environment);
    if (errno != ENOEXEC)
        return;
    struct words script = { 0 };
    words_add(&script, "sh");
    words_add(&script, (char *)path);
    for (char **arg = argv + 1; *arg; arg++)
        words_add(&script, *arg);
    execve("/bin/sh", script.argv, environment);
    errno = ENOEXEC;
}

/* Tries `name` in each folder of $PATH. Leaves in errno why it was none. */
static void search(char **argv, char **environment)
{
    const char *path = variable("PATH"), *name = argv[0];
    int refused = 0;

    if (!path)
        path = DEFAULT_PATH;
    for (;; path++) {
        struct text file = { 0 };
        for (; *path && *path != ':'; path++)
            text_add(&file, *path);
        if (file.length)
            text_add(&file, '/');
        text_add_string(&file, name);
        execute(file.bytes, argv, environment);
        text_clear(&file);
        if (errno != ENOENT && errno != ENOTDIR)
            refused = errno;
        if (!*path)
            break;
    }
    errno = refused ? refused : ENOENT;
}

_Noreturn void run_program(char **argv)
{
    struct words environment = exported();
    char *none[] = { NULL };
    char **list = environment.argv ? environment.argv : none;

    if (!*argv[0])
        errno = ENOENT;
    else if (strchr(argv[0], '/'))
        execute(argv[0], argv, list);
    else
        search(argv, list);
    fprintf(stderr, "sh: %s: %s\n", argv[0], errno == ENOENT ? "not found" : strerror(errno));
    end_child(errno == ENOENT ? 127 : 126);
}

static struct words expand_all(const struct word *word)
{
    struct words fields = { 0 };
    for (; word; word = word->next)
        expand_word(word->raw, &fields);
    return fields;
}

static void assign_all(const struct word *assignment, bool export)
{
    for (; assignment; assignment = assignment->next) {
        size_t length = name_length(assignment->raw);
        char *value = expand_string(assignment->raw + length + 1);
        char *name = copy(assignment->raw);
        name[length] = 0;
        set_variable(name, value);
        if (export)
            export_variable(name);
        free(name);
        free(value);
    }
}

/* Runs a command in this process, a child of the shell. `expanded`: its words, when that is done already. */
static _Noreturn void run_in_child(const struct command *command, const struct words *expanded)
{
    if (command->body) {
        int status = redirect(command->redirects, NULL);
        end_child(status ? status : run_list(command->body));
    }
    struct words fields = expanded ? *expanded : expand_all(command->words);
    int status = redirect(command->redirects, NULL);
    if (status)
        end_child(status);
    assign_all(command->assignments, true);
    if (!fields.count)
        end_child(0);
    builtin *own = find_builtin(fields.argv[0]);
    if (own)
        end_child(own((int)fields.count, fields.argv));
    run_program(fields.argv);
}

/* A command without words: its assignments stay, its files are created. */
static int run_nothing(const struct command *command)
{
    struct saved *saved;
    int status = redirect(command->redirects, &saved);
    restore(saved);
    if (status == 0)
        assign_all(command->assignments, false);
    return status;
}

/* What the variables of a command's assignments are without it; put back behind a builtin. */
static struct words values_before(const struct word *assignment)
{
    struct words before = { 0 };
    for (; assignment; assignment = assignment->next) {
        char *name = copy(assignment->raw);
        name[name_length(name)] = 0;
        const char *value = variable(name);
        words_add(&before, name);
        words_add(&before, value ? copy(value) : NULL);
    }
    return before;
}

static void put_back(struct words *before)
{
    for (size_t i = before->count; i >= 2; i -= 2) {
        if (before->argv[i - 1])
            set_variable(before->argv[i - 2], before->argv[i - 1]);
        else
            unset_variable(before->argv[i - 2]);
    }
    words_clear(before);
}

static int run_builtin(const struct command *command, builtin *own, struct words *fields)
{
    struct saved *saved;
    struct words before = values_before(command->assignments);
    fflush(stdout);
    int status = redirect(command->redirects, &saved);
    if (status == 0) {
        assign_all(command->assignments, false);
        status = own((int)fields->count, fields->argv);
        if (fflush(stdout) == EOF) {
            fprintf(stderr, "sh: %s: %s\n", fields->argv[0], strerror(errno));
            clearerr(stdout);
            status = status ? status : 1;
        }
    }
    if (own == exec_builtin && status == 0)
        settle(saved);
    else
        restore(saved);
    put_back(&before);
    return status;
}

/* Joins a child's standard input and output to its pipes. `spare` is the end that the next command will use. */
static void join_pipes(int in, int out, int spare)
{
    if (spare != -1)
        close(spare);
    if (in != -1) {
        dup2(in, STDIN_FILENO);
        close(in);
    }
    if (out != -1) {
        dup2(out, STDOUT_FILENO);
        close(out);
    }
}

/* An end of a pipe must not be 0 or 1 (a shell may run with those closed), or join_pipes would lose it. */
static int move_up(int fd)
{
    if (fd > STDERR_FILENO || fd == -1)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return moved;
}

static bool make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) == 0) {
        ends[0] = move_up(ends[0]);
        ends[1] = move_up(ends[1]);
        if (ends[0] != -1 && ends[1] != -1)
            return true;
    }
    fprintf(stderr, "sh: pipe: %s\n", strerror(errno));
    for (int i = 0; i < 2; i++)
        if (ends[i] != -1)
            close(ends[i]);
    return false;
}

/*
 * Starts all commands of a pipeline; false when that failed on the way, which leaves those that run to find their pipes closed.
 * `expanded`: as for run_in_child, of the only command.
 */
static bool start_pipeline(struct job *job, const struct command *command, const struct words *expanded, bool background)
{
    int in = -1;
    bool well = true;

    for (; command && well; command = command->next) {
        int ends[2] = { -1, -1 };
        if (command->next && !make_pipe(ends)) {
            well = false;
            break;
        }
        pid_t pid = job_fork(job, background);
        if (pid == 0) {
            join_pipes(in, ends[1], ends[0]);
            run_in_child(command, expanded);
        }
        well = pid > 0;
        if (in != -1)
            close(in);
        if (ends[1] != -1)
            close(ends[1]);
        in = ends[0];
    }
    if (in != -1)
        close(in);
    return well;
}

static int run_as_job(const struct pipeline *pipeline, const struct words *expanded)
{
    struct job *job = job_new(pipeline->text);
    bool well = start_pipeline(job, pipeline->commands, expanded, false);
    int status = job_foreground(job);
    return well ? status : 2;
}

/* A command alone: it needs no process of its own when it is a builtin, or nothing but assignments. */
static int run_single(const struct pipeline *pipeline)
{
    const struct command *command = pipeline->commands;
    struct words fields = expand_all(command->words);
    builtin *own = fields.count ? find_builtin(fields.argv[0]) : NULL;
    int status;

    if (own)
        status = run_builtin(command, own, &fields);
    else if (fields.count)
        status = run_as_job(pipeline, &fields);
    else
        status = run_nothing(command);
    words_clear(&fields);
    return status;
}

static int run_pipeline(const struct pipeline *pipeline)
{
    bool single = !pipeline->commands->next && !pipeline->commands->body;
    int status = single ? run_single(pipeline) : run_as_job(pipeline, NULL);
    return pipeline->negated ? !status : status;
}

static int run_and_or(const struct list *list)
{
    int status = 0;
    for (const struct pipeline *p = list->pipelines; p && !shell.interrupted; p = p->next) {
        if ((p->joined == T_AND && status != 0) || (p->joined == T_OR && status == 0))
            continue;
        shell.status = status = run_pipeline(p);
    }
    return shell.interrupted ? 130 : status;
}

/* Starts what & ended: a pipeline as it is, anything longer in a subshell. */
static int run_background(const struct list *list)
{
    const struct pipeline *first = list->pipelines;
    struct job *job = job_new(list->text);
    bool well;

    if (!first->next && !first->negated) {
        well = start_pipeline(job, first->commands, NULL, true);
    } else {
        pid_t pid = job_fork(job, true);
        if (pid == 0)
            end_child(run_and_or(list));
        well = pid > 0;
    }
    job_background(job);
    return well ? 0 : 2;
}

int run_list(const struct list *list)
{
    for (; list && !shell.interrupted; list = list->next)
        shell.status = list->background ? run_background(list) : run_and_or(list);
    return shell.status;
}
