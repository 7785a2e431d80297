/* The size of guest/bin is limited, and nothing here is about speed. */
#pragma GCC optimize("Os")

#include "files.h"

#include <dirent.h>
#include <ftw.h>

#include "check.h"

static char scratch[64];

void enter_scratch(void)
{
    strcpy(scratch, "/tmp/trial-XXXXXX");
    CHECK(mkdtemp(scratch) != NULL);
    CHECK_OK(chdir(scratch));
    umask(022);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st;
    (void)kind;
    (void)walk;
    return remove(path);
}

void leave_scratch(void)
{
    CHECK_OK(chdir("/"));
    CHECK_OK(nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS));
    CHECK_ERRNO(access(scratch, F_OK), ENOENT);
}

void put_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK_OK(fd);
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
    CHECK_OK(close(fd));
}

void check_text(const char *path, const char *text)
{
    char found[256];
    int fd = open(path, O_RDONLY);
    CHECK_OK(fd);
    ssize_t length = read(fd, found, sizeof found - 1);
    CHECK_OK(length);
    found[length] = 0;
    if (strcmp(found, text) != 0)
        FAIL("%s has \"%s\", not \"%s\"", path, found, text);
    CHECK_OK(close(fd));
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *names_in(const char *path)
{
    static char text[4096];
    char *names[64];
    int count = 0;
    DIR *directory = opendir(path);
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names[count++] = strdup(entry->d_name);
    CHECK_OK(closedir(directory));
    qsort(names, count, sizeof *names, compare);
    text[0] = 0;
    for (int i = 0; i < count; i++) {
        strcat(strcat(text, " "), names[i]);
        free(names[i]);
    }
    return text;
}

mode_t mode_of(const char *path)
{
    struct stat st;
    CHECK_OK(lstat(path, &st));
    return st.st_mode;
}
