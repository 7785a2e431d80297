/* cp: copies files, to a name or into a directory; -r with all that is in directories. Modes are kept as the umask allows. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"

static bool recursive;

static int copy_path(const char *from, const char *to, bool named);

/* Copies the bytes; closes nothing. */
static int copy_bytes(int in, int out, const char *from, const char *to)
{
    static char buffer[65536];
    ssize_t n;
    while ((n = read(in, buffer, sizeof buffer)) != 0) {
        if (n == -1 && errno != EINTR)
            return fail(from);
        for (ssize_t done = 0, wrote; done < n; done += wrote)
            if ((wrote = write(out, buffer + done, (size_t)(n - done))) == -1)
                return fail(to);
    }
    return 0;
}

static int copy_file(const char *from, const char *to, mode_t mode)
{
    int in = open(from, O_RDONLY);
    if (in == -1)
        return fail(from);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, mode & 0777);
    int status = out == -1 ? fail(to) : copy_bytes(in, out, from, to);
    if (out != -1 && close(out) == -1)
        status = fail(to);
    close(in);
    return status;
}

static int copy_directory(const char *from, const char *to, mode_t mode)
{
    DIR *directory = opendir(from);
    int status = 0;
    if (!directory)
        return fail(from);
    if (mkdir(to, mode | 0700) == -1 && !is_directory(to)) {
        status = fail(to);
        closedir(directory);
        return status;
    }
    for (const struct dirent *entry; (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *source = join_path(from, entry->d_name), *target = join_path(to, entry->d_name);
        if (copy_path(source, target, false) != 0)
            status = 1;
        free(source);
        free(target);
    }
    closedir(directory);
    return status;
}

/* Does the directory `from` contain what `to` is or would be in? Then copying it would never end. */
static bool contains(const struct stat *from, const char *to)
{
    struct stat stat_of;
    char *path = strdup(to);
    bool found = false;
    /* The nearest directory above `to` that exists, and all above that by "..". */
    while (path && lstat(path, &stat_of) == -1) {
        char *slash = strrchr(path, '/');
        if (!slash) {
            strcpy(path, ".");
            break;
        }
        slash[slash == path] = 0;
    }
    for (int depth = 0; path && !found && depth < PATH_MAX / 2 && stat(path, &stat_of) == 0; depth++) {
        found = stat_of.st_dev == from->st_dev && stat_of.st_ino == from->st_ino;
        struct stat above;
        char *up = join_path(path, "..");
        bool top = stat(up, &above) == -1 || (above.st_ino == stat_of.st_ino && above.st_dev == stat_of.st_dev);
        free(path);
        path = up;
        if (top)
            break;
    }
    free(path);
    return found;
}

/* A link that is named is followed; one within a directory is copied as a link. */
static int copy_path(const char *from, const char *to, bool named)
{
    struct stat source, target;
    char link[PATH_MAX];

    if ((named && !recursive ? stat : lstat)(from, &source) == -1)
        return fail(from);
    if (stat(to, &target) == 0 && source.st_dev == target.st_dev && source.st_ino == target.st_ino) {
        fprintf(stderr, "cp: %s and %s are the same file\n", from, to);
        return 1;
    }
    if (S_ISDIR(source.st_mode)) {
        if (recursive && !(named && contains(&source, to)))
            return copy_directory(from, to, source.st_mode & 0777);
        fprintf(stderr, "cp: %s: %s\n", from, recursive ? "cannot be copied into itself" : "is a directory (-r copies it)");
        return 1;
    }
    if (S_ISLNK(source.st_mode)) {
        ssize_t length = readlink(from, link, sizeof link - 1);
        if (length == -1)
            return fail(from);
        link[length] = 0;
        unlink(to);
        return symlink(link, to) == -1 ? fail(to) : 0;
    }
    if (recursive && S_ISFIFO(source.st_mode))
        return mkfifo(to, source.st_mode & 0777) == -1 ? fail(to) : 0;
    return copy_file(from, to, source.st_mode);
}

int cp_main(int argc, char **argv)
{
    int status = 0;
    for (int option; (option = getopt(argc, argv, "rRf")) != -1;) {
        if (option == '?')
            return usage("cp");
        recursive |= option != 'f';
    }
    int count = argc - optind - 1;
    if (count < 1)
        return usage("cp");
    const char *to = argv[argc - 1];
    bool into = is_directory(to);
    if (count > 1 && !into) {
        errno = ENOTDIR;
        return fail(to);
    }
    for (char **from = argv + optind; count-- > 0; from++) {
        char *target = into ? target_path(to, *from) : strdup(to);
        if (!target || copy_path(*from, target, true) != 0)
            status = 1;
        free(target);
    }
    return status;
}
