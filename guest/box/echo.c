/* echo: its arguments, with spaces between; -n leaves the newline out. */

#include <stdio.h>
#include <string.h>

#include "box.h"

int echo_main(int argc, char **argv)
{
    bool newline = !(argc > 1 && strcmp(argv[1], "-n") == 0);
    int first = newline ? 1 : 2;

    for (int i = first; i < argc; i++)
        printf("%s%s", i > first ? " " : "", argv[i]);
    if (newline)
        putchar('\n');
    return 0;
}
