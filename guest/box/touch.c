/* touch: sets the times of files to now, and makes those that are not there, unless -c. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"

int touch_main(int argc, char **argv)
{
    bool create = true;
    int status = 0;
    for (int option; (option = getopt(argc, argv, "c")) != -1;) {
        if (option == '?')
            return usage("touch");
        create = false;
    }
    if (optind == argc)
        return usage("touch");
    for (char **path = argv + optind; *path; path++) {
        if (utimensat(AT_FDCWD, *path, NULL, 0) == 0)
            continue;
        int made = errno == ENOENT && create ? open(*path, O_WRONLY | O_CREAT, 0666) : -1;
        if (made != -1)
            close(made);
        else if (errno != ENOENT || create)
            status = fail(*path);
    }
    return status;
}
