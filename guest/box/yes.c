/* yes: a line again and again, until nobody reads it any more. */

#include <stdio.h>

#include "box.h"

int yes_main(int argc, char **argv)
{
    while (!ferror(stdout)) {
        if (argc < 2)
            fputs("y", stdout);
        for (int i = 1; i < argc; i++)
            printf("%s%s", i > 1 ? " " : "", argv[i]);
        putchar('\n');
    }
    return fail("stdout");
}
