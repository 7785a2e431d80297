/*
 * sh: the shell. Reads lines, runs their commands one after the other.
 *
 * With a terminal (or -i) it prompts with "> " and tells of background jobs as they start and end. Input is read a byte at a time
 * unless it is a terminal's: what follows a command's line belongs to the command.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define MAX_LINE 131072

static struct sh_values values;
static bool interactive;

static void help(void)
{
    printf("Programs:\n");
    for (const struct applet *a = applets; a->name; a++)
        if (*a->summary)
            printf("  %-9s %-20s %s\n", a->name, a->arguments, a->summary);
    printf("Of the shell itself:\n"
           "  help                           this text\n"
           "  exit      [status]             leave the shell\n"
           "  wait                           wait for all background jobs\n"
           "A command is a program of /bin, or the path of one, and its arguments; `command &` runs it in the background.\n"
           "'text', \"text\" and \\c quote; `;` separates commands; # begins a comment; $? is the last status, $! the last\n"
           "background process, $$ the shell.\n");
}

/* Reads a line without its newline; false at the end of input. Too long a line is cut there and reported. */
static bool read_line(struct text *line)
{
    bool any = false, too_long = false;
    char c;

    for (;;) {
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        any = true;
        if (c == '\n')
            break;
        if (c == 0)
            continue;
        if (line->length < MAX_LINE)
            text_add(line, c);
        else
            too_long = true;
    }
    if (too_long) {
        fprintf(stderr, "sh: line too long\n");
        text_clear(line);
        text_add(line, '#');
        values.status = 2;
    }
    return any;
}

/* `exit`: leaves with its argument, or the last status. */
static int leave(struct words *words)
{
    char *end = "";
    long status = values.status;
    if (words->count > 1) {
        status = strtol(words->argv[1], &end, 10);
        if (*end || end == words->argv[1] || words->count > 2) {
            fprintf(stderr, "sh: exit: not a status: %s\n", words->argv[words->count > 2 ? 2 : 1]);
            return 2;
        }
    }
    fflush(NULL);
    exit((int)(status & 255));
}

static int run_command(struct words *words)
{
    const char *name = words->argv[0];
    if (strcmp(name, "exit") == 0)
        return leave(words);
    if (strcmp(name, "help") == 0)
        return help(), 0;
    if (strcmp(name, "wait") == 0)
        return wait_for_jobs();
    int status = run_program(words, &values);
    if (words->background && status == 0 && interactive)
        fprintf(stderr, "[started] %d\n", (int)values.background);
    return status;
}

/* Runs the commands of `line`; false when it is unfinished and none of the unfinished command has run. `*rest` is what remains. */
static bool run_line(const char *line, const char **rest)
{
    for (;;) {
        struct words words = { 0 };
        *rest = line;
        enum word_result result = next_command(&line, &words, &values);
        if (result == WORDS_ERROR) {
            fprintf(stderr, "sh: %s\n", words.error);
            values.status = 2;
        } else if (result == WORDS_COMMAND && words.count > 0) {
            values.status = run_command(&words);
        }
        words_clear(&words);
        if (result == WORDS_UNFINISHED)
            return false;
        if (result != WORDS_COMMAND)
            return true;
    }
}

static void prompt(const char *text)
{
    fflush(stdout);
    reap_jobs(interactive);
    if (!interactive)
        return;
    fputs(text, stdout);
    fflush(stdout);
}

/* Runs standard input to its end. */
static void run_input(void)
{
    struct text line = { 0 };
    for (;;) {
        prompt(line.length ? ". " : "> ");
        if (!read_line(&line))
            break;
        const char *rest;
        if (!line.bytes || run_line(line.bytes, &rest)) {
            text_clear(&line);
            continue;
        }
        struct text more = { 0 };
        text_add_string(&more, rest);
        text_add(&more, '\n');
        text_clear(&line);
        line = more;
    }
    if (line.length) {
        fprintf(stderr, "sh: end of input within a command\n");
        values.status = 2;
    }
    text_clear(&line);
    if (interactive)
        putchar('\n');
}

int sh_main(int argc, char **argv)
{
    const char *command = NULL;
    interactive = isatty(STDIN_FILENO);
    values.self = getpid();

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-i") == 0)
            interactive = true;
        else if (strcmp(argv[i], "-c") == 0 && i + 1 < argc)
            command = argv[++i];
        else
            return usage("sh");
    }
    signal(SIGINT, SIG_IGN);
    if (command) {
        const char *rest;
        interactive = false;
        if (!run_line(command, &rest)) {
            fprintf(stderr, "sh: the command is unfinished\n");
            values.status = 2;
        }
    } else {
        run_input();
    }
    return values.status;
}
