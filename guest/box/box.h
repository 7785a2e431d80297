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

/* Sleeps, whatever interrupts. */
void sleep_seconds(double seconds);

/* Starts /bin/NAME with argv (argv[0] is the name); returns its pid, or -1 with errno set. */
pid_t start(char *const argv[]);

/* All processes, in a block the caller frees; NULL with errno set when the machine does not tell. */
struct hb_process *list_processes(size_t *count);

/* READY, RUNNING, BLOCKED, ZOMBIE, or ? */
const char *state_name(uint32_t state);

#endif
