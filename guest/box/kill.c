/* kill: sends a signal, named (TERM, SIGTERM) or numbered, to processes and, behind a minus sign, to process groups. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "box.h"

/* The highest number of a signal that has a name; real-time ones follow. */
#define LAST_NAMED 31

int signal_number(const char *text)
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
    return strcmp(text, "EXIT") == 0 ? 0 : -1;
}

/* -l: all names; -l NUMBER: the name of a signal, also as $? shows it; -l NAME: its number. */
static int list(char **argv)
{
    if (!*argv)
        for (int i = 1; i <= LAST_NAMED; i++)
            printf("%d %s\n", i, sigabbrev_np(i) ? sigabbrev_np(i) : "?");
    for (; *argv; argv++) {
        int number = atoi(*argv) > 128 ? atoi(*argv) - 128 : signal_number(*argv);
        if (number < 0 || number > 64) {
            fprintf(stderr, "kill: %s: no such signal\n", *argv);
            return 2;
        }
        if ((*argv)[strspn(*argv, "0123456789")])
            printf("%d\n", number);
        else
            printf("%s\n", number && sigabbrev_np(number) ? sigabbrev_np(number) : *argv);
    }
    return 0;
}

int kill_main(int argc, char **argv)
{
    int signal = SIGTERM, i = 1, status = 0;

    if (argc > 1 && strcmp(argv[1], "-l") == 0)
        return list(argv + 2);
    if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--") != 0) {
        bool named = strcmp(argv[1], "-s") == 0 && argc > 2;
        const char *name = named ? argv[2] : argv[1] + 1;
        signal = signal_number(name);
        if (signal < 0) {
            fprintf(stderr, "kill: %s: no such signal\n", name);
            return 2;
        }
        i = named ? 3 : 2;
    }
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    if (i >= argc)
        return usage("kill");
    for (; i < argc; i++) {
        char *end;
        long pid = strtol(argv[i], &end, 10);
        if (end == argv[i] || *end || pid != (pid_t)pid) {
            fprintf(stderr, "kill: %s: not a process number\n", argv[i]);
            status = 2;
        } else if (kill((pid_t)pid, signal) == -1) {
            fprintf(stderr, "kill: %s: %s\n", argv[i], strerror(errno));
            status = 1;
        }
    }
    return status;
}
