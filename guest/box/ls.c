/*
 * ls: names of files, and what is in directories, sorted. -a also those that begin with a dot, -A without . and .., -d directories as
 * files, -R all below, -l in long lines (-n with numbers of owners), -1 a line each, -F with marks, -i with inode numbers, -t by time, -r
 * backwards.
 */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ls.h"

struct ls_options ls_options;

struct listing {
    struct file *files;
    size_t count, room;
};

static int status;
static bool printed; /* something, so that a blank line goes before the next directory */

static int compare(const void *first, const void *second)
{
    const struct file *a = first, *b = second;
    int order = 0;
    if (ls_options.by_time) {
        const struct timespec *x = &a->stat.st_mtim, *y = &b->stat.st_mtim;
        order = x->tv_sec != y->tv_sec ? (x->tv_sec < y->tv_sec ? 1 : -1) : (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
    }
    if (!order)
        order = strcmp(a->name, b->name);
    return ls_options.backwards ? -order : order;
}

static char *checked(char *string)
{
    if (!string)
        exit(fail("memory"));
    return string;
}

/* Adds a file, of which `stat` is known. */
static void add(struct listing *list, const char *name, const char *path, const struct stat *stat)
{
    char target[PATH_MAX];
    ssize_t length;

    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 32;
        list->files = realloc(list->files, list->room * sizeof *list->files);
        if (!list->files)
            exit(fail("memory"));
    }
    struct file *file = &list->files[list->count++];
    *file = (struct file){ .name = checked(strdup(name)), .path = checked(strdup(path)), .stat = *stat };
    if (ls_options.longs && S_ISLNK(stat->st_mode) && (length = readlink(path, target, sizeof target - 1)) >= 0) {
        target[length] = 0;
        file->target = checked(strdup(target));
    }
}

static void sort(struct listing *list)
{
    if (list->count)
        qsort(list->files, list->count, sizeof *list->files, compare);
}

static void clear(struct listing *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->files[i].name);
        free(list->files[i].path);
        free(list->files[i].target);
    }
    free(list->files);
}

static void complain(const char *path, int grade)
{
    fail(path);
    if (status < grade)
        status = grade;
}

static bool is_wanted(const char *name)
{
    if (name[0] != '.' || ls_options.all)
        return true;
    return ls_options.almost_all && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void list_directory(const char *path, bool titled, int grade)
{
    DIR *directory = opendir(path);
    struct listing list = { 0 };
    struct stat stat;

    if (!directory)
        return complain(path, grade);
    if (titled)
        printf("%s%s:\n", printed ? "\n" : "", path);
    printed = true;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        if (!is_wanted(entry->d_name))
            continue;
        char *below = join_path(path, entry->d_name);
        if (lstat(below, &stat) == 0)
            add(&list, entry->d_name, below, &stat);
        else if (errno != ENOENT) /* it may have been removed just now */
            complain(below, 1);
        free(below);
    }
    closedir(directory);
    sort(&list);
    ls_print(list.files, list.count, true);
    for (size_t i = 0; i < list.count && ls_options.recursive; i++) {
        const struct file *file = &list.files[i];
        if (S_ISDIR(file->stat.st_mode) && strcmp(file->name, ".") != 0 && strcmp(file->name, "..") != 0)
            list_directory(file->path, true, 1);
    }
    clear(&list);
}

/* Files that are named come first, then the directories. A link to a directory is one, unless -l or -F or -d shows the link. */
static void list_arguments(char **names, int count)
{
    struct listing files = { 0 }, directories = { 0 };
    struct stat stat_of;

    for (; *names; names++) {
        bool follow = !ls_options.longs && !ls_options.directories && !ls_options.marks;
        if (follow ? stat(*names, &stat_of) == -1 && lstat(*names, &stat_of) == -1 : lstat(*names, &stat_of) == -1)
            complain(*names, 2);
        else
            add(S_ISDIR(stat_of.st_mode) && !ls_options.directories ? &directories : &files, *names, *names, &stat_of);
    }
    sort(&files);
    ls_print(files.files, files.count, false);
    printed = files.count > 0;
    sort(&directories);
    for (size_t i = 0; i < directories.count; i++)
        list_directory(directories.files[i].path, count > 1 || ls_options.recursive, 2);
    clear(&files);
    clear(&directories);
}

int ls_main(int argc, char **argv)
{
    static char *here[] = { ".", NULL };
    struct ls_options *o = &ls_options;

    o->one = !isatty(STDOUT_FILENO);
    for (int option; (option = getopt(argc, argv, "1aAdCFilnRrt")) != -1;) {
        switch (option) {
        case '1': o->one = true; break;
        case 'C': o->one = o->longs = false; break;
        case 'a': o->all = true; break;
        case 'A': o->almost_all = true; break;
        case 'd': o->directories = true; break;
        case 'F': o->marks = true; break;
        case 'i': o->inodes = true; break;
        case 'n': o->numeric = true; /* fall through */
        case 'l': o->longs = true; break;
        case 'R': o->recursive = true; break;
        case 'r': o->backwards = true; break;
        case 't': o->by_time = true; break;
        default: return usage("ls");
        }
    }
    list_arguments(optind < argc ? argv + optind : here, argc - optind);
    return status;
}
