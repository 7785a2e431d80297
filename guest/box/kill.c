/* kill: sends a signal, named (TERM, SIGTERM) or numbered, to processes. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "box.h"

/* The highest number of a signal that has a name; real-time ones follow. */
#define LAST_NAMED 31

/* The signal called `text`, or -1. */
static int signal_number(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (end != text && !*end)
        return number >= 0 && number <= 64 ? (int)number : -1;
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (int i = 1; i <= LAST_NAMED; i++)
        if (sigabbrev_np(i) && strcasecmp(sigabbrev_np(i), text) == 0)
            return i;
    return -1;
}

int kill_main(int argc, char **argv)
{
    int signal = SIGTERM, first = 1, status = 0;

    if (argc == 2 && strcmp(argv[1], "-l") == 0) {
        for (int i = 1; i <= LAST_NAMED; i++)
            printf("%d %s\n", i, sigabbrev_np(i) ? sigabbrev_np(i) : "?");
        return 0;
    }
    if (argc > 1 && argv[1][0] == '-') {
        signal = signal_number(argv[1] + 1);
        if (signal < 0) {
            fprintf(stderr, "kill: %s: no such signal\n", argv[1] + 1);
            return 2;
        }
        first = 2;
    }
    if (first >= argc)
        return usage("kill");
    for (int i = first; i < argc; i++) {
        char *end;
        long pid = strtol(argv[i], &end, 10);
        if (end == argv[i] || *end || pid != (pid_t)pid) {
            fprintf(stderr, "kill: %s: not a process number\n", argv[i]);
            status = 2;
        } else if (kill((pid_t)pid, signal) == -1) {
            status = fail(argv[i]);
        }
    }
    return status;
}
