/*
 * Redirections: < file, > file, >> file, <> file, n>&m, n>&-, &> file.
 *
 * A child performs them for good. The shell itself, for what it does without a child, keeps the old descriptors at numbers that no
 * command uses and puts them back in reverse order.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

/* Where the shell keeps descriptors of its own. */
#define OWN_DESCRIPTORS 10

struct saved {
    struct saved *next;
    int fd;
    int kept; /* -1: it was closed */
};

/* False when there is no number left to keep it at: it may not be changed then. */
static bool keep(struct saved **saved, int fd)
{
    int kept = fcntl(fd, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
    if (kept == -1 && errno != EBADF)
        return false;
    struct saved *entry = take(sizeof *entry);
    entry->next = *saved;
    entry->fd = fd;
    entry->kept = kept;
    *saved = entry;
    return true;
}

void settle(struct saved *saved)
{
    while (saved) {
        struct saved *entry = saved;
        saved = entry->next;
        if (entry->kept != -1)
            close(entry->kept);
        free(entry);
    }
}

void restore(struct saved *saved)
{
    while (saved) {
        struct saved *entry = saved;
        saved = entry->next;
        if (entry->kept == -1) {
            close(entry->fd);
        } else {
            dup2(entry->kept, entry->fd);
            close(entry->kept);
        }
        free(entry);
    }
}

static int fail_at(const char *what)
{
    fprintf(stderr, "sh: %s: %s\n", what, strerror(errno));
    return 2;
}

static int open_flags(enum token kind)
{
    switch (kind) {
    case T_READ: return O_RDONLY;
    case T_READ_WRITE: return O_RDWR | O_CREAT;
    case T_APPEND:
    case T_BOTH_APPEND: return O_WRONLY | O_CREAT | O_APPEND;
    default: return O_WRONLY | O_CREAT | O_TRUNC;
    }
}

/* n>&m, and n>&- which closes. */
static int duplicate(int fd, const char *from)
{
    char *end;
    long source = strtol(from, &end, 10);
    if (strcmp(from, "-") == 0) {
        close(fd);
        return 0;
    }
    if (end == from || *end || source < 0 || source > 9999) {
        fprintf(stderr, "sh: %s: not the number of a descriptor\n", from);
        return 2;
    }
    if (source == fd ? fcntl(fd, F_GETFD) == -1 : dup2((int)source, fd) == -1)
        return fail_at(from);
    return 0;
}

static int open_as(int fd, const char *path, enum token kind)
{
    int opened = open(path, open_flags(kind), 0666);
    if (opened == -1)
        return fail_at(path);
    if (opened != fd) {
        if (dup2(opened, fd) == -1) {
            int status = fail_at(path);
            close(opened);
            return status;
        }
        close(opened);
    }
    return 0;
}

int redirect(const struct redirect *list, struct saved **saved)
{
    int status = 0;

    if (saved)
        *saved = NULL;
    for (; list && status == 0; list = list->next) {
        bool both = list->kind == T_BOTH || list->kind == T_BOTH_APPEND;
        char *word = expand_string(list->word);
        if (saved && !(keep(saved, list->fd) && (!both || keep(saved, STDERR_FILENO))))
            status = fail_at(word);
        else
            status = list->kind == T_DUP ? duplicate(list->fd, word) : open_as(list->fd, word, list->kind);
        if (status == 0 && both && dup2(list->fd, STDERR_FILENO) == -1)
            status = fail_at(word);
        free(word);
    }
    return status;
}
