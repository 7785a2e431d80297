/*
 * The parts of the shell, from the text of a command to its processes:
 *
 *     sh.c           reads lines, options, prompt                      sh_text.c     growing strings, lists and the tree's memory
 *     sh_lex.c       characters -> tokens                              sh_vars.c     variables, parameters, environment
 *     sh_parse.c     tokens -> tree of one line                        sh_match.c    patterns and the file names that match them
 *     sh_expand.c    words of the tree -> arguments                    sh_redirect.c < > >> and their like
 *     sh_run.c       the tree -> pipelines, processes                  sh_jobs.c     jobs, waiting, the terminal's foreground
 *     sh_builtins.c  what the shell does itself                        sh_control.c  its commands about jobs: fg bg wait kill jobs
 */

#ifndef SH_H
#define SH_H

#include <setjmp.h>
#include <signal.h>

#include "box.h"

/* ---- sh_text.c ---- */

/* A string that grows. */
struct text {
    char *bytes; /* ends with a zero byte; NULL while empty */
    size_t length, room;
};

void text_add(struct text *text, char c);
void text_add_string(struct text *text, const char *string);
void text_clear(struct text *text);

/* Strings in a list that grows; argv ends with NULL, and is NULL itself while there is none. */
struct words {
    char **argv;
    size_t count, room;
};

/* Adds `string`, which the list frees. */
void words_add(struct words *words, char *string);
void words_clear(struct words *words);

/* Memory that is freed all at once: the tree of a line. */
struct arena {
    struct arena_block *blocks;
};

void *arena_take(struct arena *arena, size_t size); /* zeroed */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);
void arena_free(struct arena *arena);

/* malloc and strdup that end the shell when there is no memory. */
void *take(size_t size);
char *copy(const char *string);

/* ---- sh_lex.c ---- */

enum token {
    T_WORD,
    T_NUMBER, /* of a descriptor, right before < or > */
    T_NEWLINE,
    T_END,
    T_SEMICOLON,
    T_AMPERSAND,
    T_AND,
    T_OR,
    T_PIPE,
    T_OPEN,
    T_CLOSE,
    T_READ,       /* < */
    T_WRITE,      /* > and >| */
    T_APPEND,     /* >> */
    T_READ_WRITE, /* <> */
    T_DUP,        /* <& and >& */
    T_BOTH,       /* &> */
    T_BOTH_APPEND,
    T_UNFINISHED, /* the text ends within quotes or after a backslash: more is needed */
    T_ERROR       /* described in `error` */
};

struct lexer {
    const char *at;    /* what follows the token */
    const char *begin; /* the token's first character */
    enum token token;
    const char *word; /* of T_WORD as written, quotes and all, and of T_NUMBER */
    bool output;      /* T_DUP: >& rather than <& */
    const char *error;
    struct arena *arena;
};

/* Moves on to the next token. */
void next_token(struct lexer *lexer);

/* Length of the name of a variable at `p`, 0 when there is none. */
size_t name_length(const char *p);

/* ---- sh_parse.c ---- */

struct redirect {
    struct redirect *next;
    enum token kind;
    int fd;           /* what is redirected */
    const char *word; /* where to, not expanded */
};

struct word {
    struct word *next;
    const char *raw;
};

/* A simple command, or a list in parentheses (body). */
struct command {
    struct command *next; /* of the pipeline */
    struct word *assignments, *words;
    struct redirect *redirects;
    struct list *body;
};

struct pipeline {
    struct pipeline *next;
    struct command *commands;
    bool negated;       /* ! before it */
    enum token joined;  /* T_AND, T_OR: how it hangs together with the one before; else T_SEMICOLON */
    const char *text;   /* as written, for messages */
};

/* Pipelines joined by && and ||; then what follows after ; or & */
struct list {
    struct list *next;
    struct pipeline *pipelines;
    bool background;
    const char *text;
};

enum parse_result { PARSE_LIST, PARSE_END, PARSE_UNFINISHED, PARSE_ERROR };

/*
 * Takes one line (all of it that belongs together) off *source. PARSE_LIST: *list holds it, NULL for an empty one. PARSE_UNFINISHED: more
 * text is needed, *source stays. PARSE_ERROR: *error says what is wrong.
 */
enum parse_result parse_line(const char **source, struct arena *arena, struct list **list, const char **error);

/* ---- sh_vars.c ---- */

extern char **environ;

/* $? $$ $! and the rest of what the shell knows of itself. */
struct shell {
    int status;
    pid_t self;
    pid_t background;  /* last one started, 0 for none */
    bool interactive;  /* prompts, tells of jobs */
    bool job_control;  /* every pipeline is a process group of its own */
    volatile bool interrupted; /* ^C ended a command or was typed at the prompt: the rest of the line is dropped */
    char **parameters; /* $0 $1 ..., ended by NULL */
    int parameter_count; /* $0 not counted */
};

extern struct shell shell;

/* The variable's value, NULL when it is not set. */
const char *variable(const char *name);
void set_variable(const char *name, const char *value);
void unset_variable(const char *name);
/* Sets from "NAME=value". */
void assign(const char *assignment);
/* Exports `name`, which need not have a value yet. */
void export_variable(const char *name);
void print_exported(void);
/* The environment for a program, to be freed with words_clear. */
struct words exported(void);
/* Takes over the environment that the shell was started with. */
void import_environment(void);

/* ---- sh_match.c ---- */

/* Does all of `name` match `pattern`? In it * ? [a-z] [!a-z] are special unless a backslash precedes them. */
bool pattern_matches(const char *pattern, const char *name);

/* Adds the sorted names of files that match; false when there is none. */
bool match_files(const char *pattern, struct words *found);

/* ---- sh_expand.c ---- */

/* Adds what `raw` stands for: any number of fields. */
void expand_word(const char *raw, struct words *fields);
/* What `raw` stands for as one string (not split, no file names); the caller frees it. */
char *expand_string(const char *raw);

/* ---- sh_redirect.c ---- */

struct saved; /* descriptors as they were */

/* Performs redirections. With `saved`, the descriptors can be put back by restore; it is set in any case. Returns 0, or 2 after a message. */
int redirect(const struct redirect *redirects, struct saved **saved);
void restore(struct saved *saved);
/* Forgets what was saved: the redirections stay. */
void settle(struct saved *saved);

/* ---- sh_jobs.c ---- */

/* One process of a job. */
struct member {
    pid_t pid;
    bool done, stopped;
    int wait_status; /* of the end or the stop */
};

/* The processes of one pipeline. */
struct job {
    struct job *next;
    int number;
    pid_t group; /* 0 without job control */
    struct member *members;
    size_t count;
    bool told; /* that it is stopped */
    char *text;
};

/* What is left to do with a job: its processes run, they are stopped, or all are done. */
enum job_state { JOB_RUNNING, JOB_STOPPED, JOB_DONE };

/* Where ^C jumps to while jobs_reading, with shell.interrupted set. */
extern sigjmp_buf jobs_interrupted;
extern volatile sig_atomic_t jobs_reading;

void jobs_begin(void); /* once: the terminal, signals */
struct job *job_new(const char *text);
/* Forks a process of the job. In the child, which starts as a subshell, returns 0; in the shell its pid, -1 after a message. */
pid_t job_fork(struct job *job, bool background);
/* Waits until no process of it runs; returns its status. A job that is done is gone afterwards, one that is stopped stays. */
int job_foreground(struct job *job);
/* Keeps a job that was started in the background, or forgets it if it has no process. */
void job_background(struct job *job);
void job_forget(struct job *job);
enum job_state job_state(const struct job *job);
int job_status(const struct job *job);
/* Lets a stopped job go on. */
void job_continue(struct job *job, bool foreground);
void job_print(const struct job *job, FILE *to);
/* By "%1", "%%", "%+", "%-", "%text" or a process number; NULL "" means the current one. NULL when there is none. */
struct job *job_named(const char *name);
struct job *jobs_first(void);
/* Waits for news of any child; false when interrupted or when there is none. */
bool jobs_wait(void);
/* Notes what has ended or stopped; says so if the shell is interactive. */
void jobs_report(void);

/* ---- sh_run.c ---- */

/* Runs a list; returns its status, which also is $?. */
int run_list(const struct list *list);
/* Replaces the process by the program; does not return. */
_Noreturn void run_program(char **argv);

/* ---- sh_builtins.c, sh_control.c ---- */

typedef int builtin(int argc, char **argv);

/* What `name` does within the shell, NULL when it is a program. */
builtin *find_builtin(const char *name);

builtin exec_builtin, jobs_builtin, fg_builtin, bg_builtin, wait_builtin, kill_builtin;

/* ---- sh.c ---- */

/* Runs all of a text, line by line; returns the status. A syntax error ends it with 2. */
int run_text(const char *text);
/* Runs a file in this shell; returns its status, 127 or 126 when it cannot be read. */
int run_file(const char *path);

#endif
