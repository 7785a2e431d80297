/* mkfifo: makes FIFOs, pipes with a name; -m with a mode. */

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"

int mkfifo_main(int argc, char **argv)
{
    bool moded = false;
    mode_t mode = 0666;
    int status = 0;

    for (int option; (option = getopt(argc, argv, "m:")) != -1;) {
        if (option == '?' || !parse_mode(optarg, &mode))
            return usage("mkfifo");
        moded = true;
    }
    if (optind == argc)
        return usage("mkfifo");
    for (char **path = argv + optind; *path; path++)
        if (mkfifo(*path, mode) == -1 || (moded && chmod(*path, mode) == -1))
            status = fail(*path);
    return status;
}

/* chmod: sets the mode, an octal number. */
int chmod_main(int argc, char **argv)
{
    mode_t mode;
    int status = 0;
    if (argc < 3 || !parse_mode(argv[1], &mode))
        return usage("chmod");
    for (char **path = argv + 2; *path; path++)
        if (chmod(*path, mode) == -1)
            status = fail(*path);
    return status;
}
