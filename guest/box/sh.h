/*
 * The parts of the shell: sh.c reads and runs lines, sh_words.c cuts a line into commands, sh_jobs.c starts and awaits programs.
 */

#ifndef SH_H
#define SH_H

#include "box.h"

/* A string that grows. */
struct text {
    char *bytes; /* ends with a zero byte; NULL while empty */
    size_t length, room;
};

void text_add(struct text *text, char c);
void text_add_string(struct text *text, const char *string);
void text_clear(struct text *text);

/* What $? $$ and $! stand for. */
struct sh_values {
    int status;
    pid_t self;
    pid_t background; /* last one started, 0 for none */
};

/* What the next command of a line is. */
enum word_result {
    WORDS_COMMAND,    /* words hold a command, perhaps none */
    WORDS_END,        /* the line is done */
    WORDS_UNFINISHED, /* it ends within quotes or after a backslash: more is needed */
    WORDS_ERROR       /* a syntax error, described in `error` */
};

struct words {
    char **argv; /* ended by NULL */
    size_t count, room;
    bool background; /* the command ended with & */
    const char *error;
};

/*
 * Takes the next command off *line. Quotes: single ones keep everything, double ones keep all but $ and backslash; a backslash keeps
 * the next character. ; & and newline end a command, # begins a comment.
 */
enum word_result next_command(const char **line, struct words *words, const struct sh_values *values);
void words_clear(struct words *words);

/* Starts a program and, unless in the background, waits for it; returns its status as $? shows it. */
int run_program(struct words *words, struct sh_values *values);

/* Reaps what has ended; says so of background jobs if `report`. */
void reap_jobs(bool report);

/* Waits for all background jobs; returns the status of the last. */
int wait_for_jobs(void);

#endif
