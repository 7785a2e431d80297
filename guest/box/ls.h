/* What the parts of ls share: ls.c lists and sorts, ls_print.c prints. */

#ifndef LS_H
#define LS_H

#include <sys/stat.h>

#include "box.h"

struct file {
    char *name; /* as printed */
    char *path;
    struct stat stat;
    char *target; /* of a symbolic link, with -l */
};

struct ls_options {
    bool all, almost_all, one, directories, recursive, marks, inodes, longs, numeric, by_time, backwards;
};

extern struct ls_options ls_options;

/* Prints files in the way the options say. `blocks`: the line with the total first. */
void ls_print(const struct file *files, size_t count, bool blocks);

#endif
