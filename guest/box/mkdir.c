/* mkdir: makes directories; -p with those above, and content when it is there; -m with a mode. rmdir: removes empty ones. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"

bool parse_mode(const char *text, mode_t *mode)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);
    if (*text < '0' || *text > '7' || *end || value > 07777)
        return false;
    *mode = (mode_t)value;
    return true;
}

/* All directories above `path`. */
static int make_above(const char *path)
{
    char *copy = strdup(path);
    int status = copy ? 0 : fail("memory");
    for (char *slash = copy; status == 0 && (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        if (mkdir(copy, 0777) == -1 && errno != EEXIST && !is_directory(copy))
            status = fail(copy);
        *slash = '/';
        while (slash[1] == '/')
            slash++;
        if (!slash[1])
            break;
    }
    free(copy);
    return status;
}

int mkdir_main(int argc, char **argv)
{
    bool parents = false, moded = false;
    mode_t mode = 0777;
    int status = 0;

    for (int option; (option = getopt(argc, argv, "m:p")) != -1;) {
        if (option == '?' || (option == 'm' && !parse_mode(optarg, &mode)))
            return usage("mkdir");
        parents |= option == 'p';
        moded |= option == 'm';
    }
    if (optind == argc)
        return usage("mkdir");
    for (char **path = argv + optind; *path; path++) {
        if (parents && make_above(*path) != 0) {
            status = 1;
            continue;
        }
        if (mkdir(*path, mode) == -1 && !(parents && is_directory(*path)))
            status = fail(*path);
        else if (moded && chmod(*path, mode) == -1) /* whatever the umask is */
            status = fail(*path);
    }
    return status;
}

int rmdir_main(int argc, char **argv)
{
    int status = 0;
    if (argc < 2)
        return usage("rmdir");
    for (char **path = argv + 1; *path; path++)
        if (rmdir(*path) == -1)
            status = fail(*path);
    return status;
}
