/*
 * sh: the shell. Reads lines, runs their commands one after the other.
 *
 * With a terminal (or -i) it prompts with "> " and tells of background jobs as they start and end. Standard input is read a byte at a
 * time: what follows a command's line belongs to the command.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define MAX_LINE 131072

/* Reads a line and adds it with its newline; false at the end of input. Too long a line is reported, and left out. ^C ends it at once. */
static bool read_line(struct text *lines)
{
    volatile bool any = false, too_long = false;
    size_t before = lines->length;
    char c = 0;

    if (sigsetjmp(jobs_interrupted, 1))
        return true;
    while (c != '\n' && !shell.interrupted) {
        /* Only within read, so that nothing is left half done. */
        jobs_reading = true;
        ssize_t n = shell.interrupted ? 0 : read(STDIN_FILENO, &c, 1);
        jobs_reading = false;
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        any = true;
        if (c == 0 || c == '\n')
            continue;
        if (lines->length - before < MAX_LINE)
            text_add(lines, c);
        else
            too_long = true;
    }
    if (shell.interrupted)
        return true;
    if (too_long) {
        fprintf(stderr, "sh: line too long\n");
        lines->length = before;
        shell.status = 2;
    }
    if (any)
        text_add(lines, '\n');
    return any;
}

/* Runs the lines of `*text`, which becomes what is left: nothing, or the line that is wrong or unfinished. */
static enum parse_result run_lines(const char **text)
{
    for (;;) {
        struct arena arena = { 0 };
        struct list *list;
        const char *error;
        enum parse_result result = parse_line(text, &arena, &list, &error);
        if (result == PARSE_LIST && list)
            run_list(list);
        arena_free(&arena);
        if (result == PARSE_ERROR) {
            fprintf(stderr, "sh: %s\n", error);
            shell.status = 2;
        }
        if (result != PARSE_LIST || shell.interrupted)
            return result;
        if (!shell.interactive)
            jobs_report();
    }
}

int run_text(const char *text)
{
    if (run_lines(&text) == PARSE_UNFINISHED) {
        fprintf(stderr, "sh: the command is unfinished\n");
        shell.status = 2;
    }
    return shell.status;
}

int run_file(const char *path)
{
    struct text text = { 0 };
    char buffer[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    while (fd != -1 && (n = read(fd, buffer, sizeof buffer)) != 0) {
        if (n == -1)
            break;
        for (ssize_t i = 0; i < n; i++)
            if (buffer[i])
                text_add(&text, buffer[i]);
    }
    if (fd == -1 || n == -1) {
        fprintf(stderr, "sh: %s: %s\n", path, strerror(errno));
        text_clear(&text);
        return errno == ENOENT ? 127 : 126;
    }
    close(fd);
    shell.status = 0;
    int status = text.bytes ? run_text(text.bytes) : 0;
    text_clear(&text);
    return status;
}

static void prompt(const char *text)
{
    if (!shell.interactive)
        return;
    fflush(stdout);
    jobs_report();
    fputs(text, stdout);
    fflush(stdout);
}

/* Runs standard input to its end. A syntax error ends a shell without a prompt. */
static void run_input(void)
{
    struct text lines = { 0 };
    bool wrong = false;

    for (;;) {
        prompt(lines.length ? ". " : "> ");
        if (!read_line(&lines))
            break;
        if (shell.interrupted) { /* ^C: the line is forgotten */
            shell.interrupted = false;
            shell.status = 130;
            fputc('\n', stderr);
            text_clear(&lines);
            continue;
        }
        const char *rest = lines.bytes;
        enum parse_result result = run_lines(&rest);
        shell.interrupted = false;
        wrong = result == PARSE_ERROR && !shell.interactive;
        if (wrong)
            break;
        if (result != PARSE_UNFINISHED) {
            text_clear(&lines);
            continue;
        }
        /* What of it has run is cut off; the unfinished line waits for more. */
        struct text more = { 0 };
        text_add_string(&more, rest);
        text_clear(&lines);
        lines = more;
    }
    if (lines.length && !wrong) {
        fprintf(stderr, "sh: end of input within a command\n");
        shell.status = 2;
    }
    text_clear(&lines);
    if (shell.interactive)
        putchar('\n');
}

int sh_main(int argc, char **argv)
{
    const char *command = NULL;
    bool interactive = false;
    int i = 1;

    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strcmp(argv[i], "-i") == 0)
            interactive = true;
        else if (strcmp(argv[i], "-c") == 0 && i + 1 < argc && !command)
            command = argv[++i];
        else
            return usage("sh");
    }
    /* What remains: with -c the name and parameters, else a file and its parameters. */
    const char *file = !command && i < argc ? argv[i] : NULL;
    static char *nameless[] = { "sh", NULL };
    shell.parameters = i < argc ? argv + i : nameless;
    shell.parameter_count = i < argc ? argc - i - 1 : 0;
    shell.self = getpid();
    shell.interactive = !command && !file && (interactive || isatty(STDIN_FILENO));
    import_environment();
    jobs_begin();
    if (command)
        return run_text(command);
    if (file)
        return run_file(file);
    run_input();
    return shell.status;
}
