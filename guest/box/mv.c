/* mv: renames a file, or moves files into a directory. Between file systems it does not copy: cp and rm do. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"

int mv_main(int argc, char **argv)
{
    int status = 0;
    for (int option; (option = getopt(argc, argv, "f")) != -1;)
        if (option == '?')
            return usage("mv");
    int count = argc - optind - 1;
    if (count < 1)
        return usage("mv");
    const char *to = argv[argc - 1];
    bool into = is_directory(to);
    if (count > 1 && !into) {
        errno = ENOTDIR;
        return fail(to);
    }
    for (char **from = argv + optind; count-- > 0; from++) {
        char *target = into ? target_path(to, *from) : strdup(to);
        struct stat a, b;
        if (!target)
            return fail("memory");
        /* rename does nothing for two names of one file, and says it was done. */
        if (lstat(*from, &a) == 0 && lstat(target, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
            fprintf(stderr, "mv: %s and %s are the same file\n", *from, target);
            status = 1;
        } else if (rename(*from, target) == -1) {
            bool missing = errno == ENOENT && lstat(*from, &a) == -1;
            status = fail(missing ? *from : target);
        }
        free(target);
    }
    return status;
}

/* ln: another name for a file; -s a symbolic link, -f in the place of what is there. */
int ln_main(int argc, char **argv)
{
    bool symbolic = false, force = false;
    static char here[] = ".";
    int status = 0;

    for (int option; (option = getopt(argc, argv, "sf")) != -1;) {
        if (option == '?')
            return usage("ln");
        symbolic |= option == 's';
        force |= option == 'f';
    }
    int count = argc - optind - 1;
    if (count < 0)
        return usage("ln");
    /* With one operand the link is made here. */
    const char *to = count == 0 ? here : argv[argc - 1];
    bool into = is_directory(to);
    if (count > 1 && !into) {
        errno = ENOTDIR;
        return fail(to);
    }
    count += count == 0;
    for (char **from = argv + optind; count-- > 0; from++) {
        char *target = into ? target_path(to, *from) : strdup(to);
        if (!target)
            return fail("memory");
        if (force)
            unlink(target);
        if ((symbolic ? symlink(*from, target) : link(*from, target)) == -1)
            status = fail(target);
        free(target);
    }
    return status;
}
