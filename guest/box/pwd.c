/* pwd: the current directory. */

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "box.h"

int pwd_main(int argc, char **argv)
{
    char path[PATH_MAX];
    (void)argc;
    (void)argv;
    if (!getcwd(path, sizeof path))
        return fail("current directory");
    puts(path);
    return 0;
}
