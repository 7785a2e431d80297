/*
 * What the applets of box share.
 */

#ifndef BOX_H
#define BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "hartbeat.h"

struct applet {
    const char *name;
    const char *arguments;
    const char *summary; /* empty: not shown by help */
    int (*main)(int argc, char **argv);
};

/* All applets, ended by one without a name. */
extern const struct applet applets[];

#define APPLET(name, arguments, summary) int name##_main(int argc, char **argv);
#include "applets.h"
#undef APPLET

/* Prints "NAME: what: strerror(errno)" to stderr; returns 1, for `return fail(...)`. */
int fail(const char *what);

/* Prints "usage: ..." of the applet `name` to stderr; returns 2. */
int usage(const char *name);

/* Parses seconds with a fraction, as in "0.25"; false when `text` is not that or is beyond a year. */
bool parse_seconds(const char *text, double *seconds);

/* The number of a signal called "TERM", "SIGTERM" or "15", -1 when there is none. (kill.c) */
int signal_number(const char *text);

/* Sleeps, whatever interrupts. */
void sleep_seconds(double seconds);

/* Starts /bin/NAME with argv (argv[0] is the name); returns its pid, or -1 with errno set. */
pid_t start(char *const argv[]);

/* Calls `use` for each file named, standard input when there is none or for "-"; returns the last status that is not 0. (input.c) */
int each_input(char **names, int (*use)(FILE *file, const char *name));

/* Parses a whole number, perhaps with k, M or G behind it; false when `text` is none. */
bool parse_count(const char *text, long long *count);

/* folder/name, for the caller to free. */
char *join_path(const char *folder, const char *name);

/* folder/ and the last part of `source`, for the caller to free. */
char *target_path(const char *folder, const char *source);

bool is_directory(const char *path);

/* Parses an octal mode; false when `text` is none. (mkdir.c) */
bool parse_mode(const char *text, mode_t *mode);

/* All processes, in a block the caller frees; NULL with errno set when the machine does not tell. */
struct hb_process *list_processes(size_t *count);

/* READY, RUNNING, BLOCKED, STOPPED, ZOMBIE, or ? */
const char *state_name(uint32_t state);

#endif
