/* env: prints the environment, or runs a program in a changed one: -i an empty one, -u without a name, NAME=value. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

extern char **environ;

int env_main(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "+iu:")) != -1;) {
        if (option == '?')
            return usage("env");
        if (option == 'i')
            clearenv();
        else if (unsetenv(optarg) == -1)
            return fail(optarg);
    }
    char **rest = argv + optind;
    for (; *rest && strchr(*rest, '='); rest++)
        if (putenv(*rest) != 0)
            return fail(*rest);
    if (!*rest) {
        for (char **e = environ; e && *e; e++)
            puts(*e);
        return 0;
    }
    execvp(*rest, rest);
    int status = errno == ENOENT ? 127 : 126;
    fail(*rest);
    return status;
}

/* printenv: all of it, or the values of some names. */
int printenv_main(int argc, char **argv)
{
    int status = 0;
    if (argc == 1)
        for (char **e = environ; *e; e++)
            puts(*e);
    for (int i = 1; i < argc; i++) {
        const char *value = getenv(argv[i]);
        if (value)
            puts(value);
        else
            status = 1;
    }
    return status;
}
