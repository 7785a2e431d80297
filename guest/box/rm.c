/* rm: removes files; -r directories with all that is in them, -f without a word about what is not there. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"

static bool recursive, force;

static int remove_path(const char *path);

static int remove_directory(const char *path)
{
    int status = 0;
    DIR *directory = opendir(path);
    if (!directory)
        return fail(path);
    /* Entries may move while others are removed: once more from the beginning until nothing is left or nothing goes. */
    for (bool removed = true; removed && status == 0;) {
        removed = false;
        rewinddir(directory);
        for (const struct dirent *entry; (entry = readdir(directory));) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            char *below = join_path(path, entry->d_name);
            if (remove_path(below) == 0)
                removed = true;
            else
                status = 1;
            free(below);
        }
    }
    closedir(directory);
    if (rmdir(path) == -1)
        return status ? status : fail(path);
    return status;
}

static int remove_path(const char *path)
{
    struct stat stat;
    if (lstat(path, &stat) == -1)
        return force && (errno == ENOENT || errno == ENOTDIR) ? 0 : fail(path);
    if (S_ISDIR(stat.st_mode)) {
        if (recursive)
            return remove_directory(path);
        errno = EISDIR;
        return fail(path);
    }
    return unlink(path) == 0 || (force && errno == ENOENT) ? 0 : fail(path);
}

/* Not the root, nor anything whose last part is . or .. */
static bool is_refused(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length == 1 && *path == '/')
        return true;
    const char *last = path + length;
    while (last > path && last[-1] != '/')
        last--;
    size_t rest = (size_t)(path + length - last);
    return (rest == 1 && last[0] == '.') || (rest == 2 && last[0] == '.' && last[1] == '.');
}

int rm_main(int argc, char **argv)
{
    int status = 0;
    for (int option; (option = getopt(argc, argv, "frR")) != -1;) {
        if (option == '?')
            return usage("rm");
        force |= option == 'f';
        recursive |= option != 'f';
    }
    if (optind == argc)
        return force ? 0 : usage("rm");
    for (char **path = argv + optind; *path; path++) {
        if (is_refused(*path)) {
            fprintf(stderr, "rm: %s: refused\n", *path);
            status = 1;
        } else if (remove_path(*path) != 0) {
            status = 1;
        }
    }
    return status;
}
