/* How ls prints: long lines, columns on a terminal, else a name a line. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "ls.h"

#define HALF_A_YEAR (365 * 86400L / 2)
#define DEFAULT_WIDTH 80
#define GAP 2

/* Widths of the columns of long lines. */
struct widths {
    int links, owner, group, size, major, inode;
};

static int digits(unsigned long long number)
{
    return snprintf(NULL, 0, "%llu", number);
}

static void widen(int *width, int needed)
{
    if (needed > *width)
        *width = needed;
}

/* The name of a user or group by its number, from a file of lines name:x:number:...; the number itself when there is none. */
static const char *name_of(const char *list, unsigned number, char text[32])
{
    char line[256];
    FILE *file = ls_options.numeric ? NULL : fopen(list, "r");
    bool found = false;

    while (file && !found && fgets(line, sizeof line, file)) {
        char *name_end = strchr(line, ':');
        char *number_begin = name_end ? strchr(name_end + 1, ':') : NULL;
        if (!number_begin || strtoul(number_begin + 1, NULL, 10) != number)
            continue;
        found = true;
        snprintf(text, 32, "%.*s", (int)(name_end - line), line);
    }
    if (file)
        fclose(file);
    if (!found)
        snprintf(text, 32, number == 0 && !ls_options.numeric ? "root" : "%u", number);
    return text;
}

static const char *owner_of(const struct file *f)
{
    static char text[32];
    static unsigned known = (unsigned)-1;
    if (f->stat.st_uid != known)
        name_of("/etc/passwd", known = f->stat.st_uid, text);
    return text;
}

static const char *group_of(const struct file *f)
{
    static char text[32];
    static unsigned known = (unsigned)-1;
    if (f->stat.st_gid != known)
        name_of("/etc/group", known = f->stat.st_gid, text);
    return text;
}

static bool is_device(const struct file *f)
{
    return S_ISCHR(f->stat.st_mode) || S_ISBLK(f->stat.st_mode);
}

/* The sign that -F puts behind a name, or 0. */
static char mark(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return '/';
    case S_IFLNK: return '@';
    case S_IFIFO: return '|';
    case S_IFSOCK: return '=';
    case S_IFREG: return mode & 0111 ? '*' : 0;
    default: return 0;
    }
}

static void print_mode(mode_t mode)
{
    static const char letters[] = "rwxrwxrwx";
    char text[11] = "-";
    switch (mode & S_IFMT) {
    case S_IFDIR: text[0] = 'd'; break;
    case S_IFLNK: text[0] = 'l'; break;
    case S_IFIFO: text[0] = 'p'; break;
    case S_IFSOCK: text[0] = 's'; break;
    case S_IFCHR: text[0] = 'c'; break;
    case S_IFBLK: text[0] = 'b'; break;
    }
    for (int i = 0; i < 9; i++)
        text[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
    if (mode & S_ISUID)
        text[3] = mode & 0100 ? 's' : 'S';
    if (mode & S_ISGID)
        text[6] = mode & 0010 ? 's' : 'S';
    if (mode & S_ISVTX)
        text[9] = mode & 0001 ? 't' : 'T';
    fputs(text, stdout);
}

/* The time of day for what is younger than half a year, else the year. */
static void print_time(time_t time, time_t now)
{
    char text[32];
    bool recent = time <= now && time > now - HALF_A_YEAR;
    strftime(text, sizeof text, recent ? "%b %e %H:%M" : "%b %e  %Y", localtime(&time));
    fputs(text, stdout);
}

static void print_name(const struct file *f, bool with_mark)
{
    fputs(f->name, stdout);
    if (with_mark && mark(f->stat.st_mode))
        putchar(mark(f->stat.st_mode));
}

static void print_long(const struct file *f, const struct widths *w, time_t now)
{
    if (ls_options.inodes)
        printf("%*llu ", w->inode, (unsigned long long)f->stat.st_ino);
    print_mode(f->stat.st_mode);
    printf(" %*lu %-*s %-*s ", w->links, (unsigned long)f->stat.st_nlink, w->owner, owner_of(f), w->group, group_of(f));
    if (is_device(f))
        printf("%*u, %*u ", w->major, major(f->stat.st_rdev), w->size - w->major - 2, minor(f->stat.st_rdev));
    else
        printf("%*llu ", w->size, (unsigned long long)f->stat.st_size);
    print_time(f->stat.st_mtime, now);
    putchar(' ');
    print_name(f, ls_options.marks && !f->target);
    if (f->target) {
        struct stat target;
        printf(" -> %s", f->target);
        if (ls_options.marks && stat(f->path, &target) == 0 && mark(target.st_mode))
            putchar(mark(target.st_mode));
    }
    putchar('\n');
}

static void print_all_long(const struct file *files, size_t count)
{
    struct widths w = { 0 };
    int minor_width = 0;
    for (const struct file *f = files; f < files + count; f++) {
        widen(&w.inode, digits(f->stat.st_ino));
        widen(&w.links, digits(f->stat.st_nlink));
        widen(&w.owner, (int)strlen(owner_of(f)));
        widen(&w.group, (int)strlen(group_of(f)));
        if (is_device(f)) {
            widen(&w.major, digits(major(f->stat.st_rdev)));
            widen(&minor_width, digits(minor(f->stat.st_rdev)));
        } else {
            widen(&w.size, digits((unsigned long long)f->stat.st_size));
        }
    }
    if (w.major)
        widen(&w.size, w.major + 2 + minor_width);
    time_t now = time(NULL);
    for (const struct file *f = files; f < files + count; f++)
        print_long(f, &w, now);
}

/* Characters that a name takes in columns. */
static int width_of(const struct file *f, int inode)
{
    return (int)strlen(f->name) + (ls_options.marks && mark(f->stat.st_mode)) + (inode ? inode + 1 : 0);
}

/* Widths of `columns` columns, downwards filled; returns whether they fit the terminal. */
static bool fits(const struct file *files, size_t count, size_t columns, int inode, int terminal, int *widths)
{
    size_t rows = (count + columns - 1) / columns;
    int sum = 0;
    for (size_t column = 0; column * rows < count; column++) {
        widths[column] = 0;
        for (size_t i = column * rows; i < (column + 1) * rows && i < count; i++)
            widen(&widths[column], width_of(&files[i], inode));
        sum += widths[column] + ((column + 1) * rows < count ? GAP : 0);
    }
    return sum < terminal;
}

static void print_columns(const struct file *files, size_t count, int inode)
{
    struct winsize size;
    int terminal = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : DEFAULT_WIDTH;
    size_t columns = count < (size_t)terminal ? count : (size_t)terminal;
    int *widths = calloc(columns + 1, sizeof *widths);

    if (!widths)
        exit(fail("memory"));
    while (columns > 1 && !fits(files, count, columns, inode, terminal, widths))
        columns--;
    size_t rows = (count + columns - 1) / columns;
    for (size_t row = 0; row < rows; row++)
        for (size_t i = row, column = 0; i < count; i += rows, column++) {
            if (inode)
                printf("%*llu ", inode, (unsigned long long)files[i].stat.st_ino);
            print_name(&files[i], ls_options.marks);
            if (i + rows < count)
                printf("%*s", widths[column] + GAP - width_of(&files[i], inode), "");
            else
                putchar('\n');
        }
    free(widths);
}

void ls_print(const struct file *files, size_t count, bool blocks)
{
    unsigned long long sum = 0;
    int inode = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (unsigned long long)files[i].stat.st_blocks;
        if (ls_options.inodes)
            widen(&inode, digits(files[i].stat.st_ino));
    }
    if (ls_options.longs && blocks)
        printf("total %llu\n", sum / 2);
    if (ls_options.longs)
        print_all_long(files, count);
    else if (count && !ls_options.one)
        print_columns(files, count, inode);
    else
        for (size_t i = 0; i < count; i++) {
            if (inode)
                printf("%*llu ", inode, (unsigned long long)files[i].stat.st_ino);
            print_name(&files[i], ls_options.marks);
            putchar('\n');
        }
}
