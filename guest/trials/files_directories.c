/* Directories: listings while names come and go, the working directory, directories that have been removed; many threads and processes. */

/* The size of guest/bin is limited, and nothing here is about speed. */
#pragma GCC optimize("Os")

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "check.h"
#include "files.h"

struct record {
    uint64_t number;
    int64_t next;
    uint16_t length;
    uint8_t kind;
    char name[];
};

static ssize_t list(int fd, void *buffer, size_t size)
{
    return syscall(SYS_getdents64, fd, buffer, size);
}

static void listing(void)
{
    enum { FILES = 500 };
    char name[32], buffer[1024];
    CHECK_OK(mkdir("many", 0755));
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "many/%d", i);
        put_text(name, "");
    }
    int fd = open("many", O_RDONLY | O_DIRECTORY);
    int found = 0, dots = 0;
    static char seen[FILES];
    int64_t middle = 0;
    for (ssize_t got; (got = list(fd, buffer, sizeof buffer)) != 0;) {
        CHECK_OK(got);
        for (ssize_t at = 0; at < got;) {
            struct record *one = (struct record *)(buffer + at);
            if (one->name[0] == '.') {
                CHECK_EQ(one->kind, DT_DIR);
                dots++;
            } else {
                CHECK_EQ(one->kind, DT_REG);
                CHECK_EQ(seen[atoi(one->name)]++, 0);
                if (++found == FILES / 2)
                    middle = one->next;
            }
            at += one->length;
        }
    }
    CHECK_EQ(found, FILES);
    CHECK_EQ(dots, 2);
    CHECK_EQ(list(fd, buffer, sizeof buffer), 0);
    /* A place in the listing can be gone back to. */
    CHECK_EQ(lseek(fd, middle, SEEK_SET), middle);
    found = 0;
    for (ssize_t got; (got = list(fd, buffer, sizeof buffer)) > 0;)
        for (ssize_t at = 0; at < got; at += ((struct record *)(buffer + at))->length)
            found++;
    CHECK(found == FILES / 2 || found == FILES / 2 + 1 || found == FILES / 2 + 2);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_ERRNO(list(fd, buffer, 8), EINVAL);
    CHECK_ERRNO(list(fd, (void *)8, sizeof buffer), EFAULT);
    CHECK_ERRNO(list(99, buffer, sizeof buffer), EBADF);
    int file = open("many/1", O_RDONLY);
    CHECK_ERRNO(list(file, buffer, sizeof buffer), ENOTDIR);
    CHECK_OK(close(file));

    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    /* Whoever removes what has been listed gets all of it, and nothing twice. */
    int removed = 0;
    for (ssize_t got; (got = list(fd, buffer, 256)) > 0;)
        for (ssize_t at = 0; at < got; at += ((struct record *)(buffer + at))->length) {
            struct record *one = (struct record *)(buffer + at);
            if (one->name[0] != '.') {
                CHECK_OK(unlinkat(fd, one->name, 0));
                removed++;
            }
        }
    CHECK_EQ(removed, FILES);
    CHECK_EQ(names_in("many")[0], 0);
    CHECK_OK(close(fd));
    CHECK_OK(rmdir("many"));
    printf("listing: ok\n");
}

static void working_directory(void)
{
    char here[256], path[300], small[8];
    CHECK(getcwd(here, sizeof here) != NULL);
    CHECK_OK(mkdir("one", 0755) | mkdir("one/two", 0755));
    CHECK_OK(chdir("one/two"));
    snprintf(path, sizeof path, "%s/one/two", here);
    char found[300];
    CHECK(getcwd(found, sizeof found) != NULL);
    CHECK(strcmp(found, path) == 0);
    CHECK(getcwd(small, sizeof small) == NULL && errno == ERANGE);
    CHECK_ERRNO(chdir("none"), ENOENT);
    put_text("file", "");
    CHECK_ERRNO(chdir("file"), ENOTDIR);
    CHECK_ERRNO(chdir(""), ENOENT);
    CHECK_OK(rename("../../one", "../../eins"));
    snprintf(path, sizeof path, "%s/eins/two", here);
    CHECK(getcwd(found, sizeof found) != NULL);
    CHECK(strcmp(found, path) == 0);
    int fd = open(here, O_RDONLY | O_DIRECTORY);
    CHECK_OK(fchdir(fd));
    CHECK(getcwd(found, sizeof found) != NULL);
    CHECK(strcmp(found, here) == 0);
    CHECK_ERRNO(fchdir(99), EBADF);
    int file = open("eins/two/file", O_RDONLY);
    CHECK_ERRNO(fchdir(file), ENOTDIR);
    CHECK_OK(close(file) | close(fd));
    CHECK_OK(chdir("/"));
    CHECK(getcwd(found, sizeof found) != NULL);
    CHECK(strcmp(found, "/") == 0);
    CHECK_OK(chdir("/.."));
    CHECK(getcwd(found, sizeof found) != NULL);
    CHECK(strcmp(found, "/") == 0);
    CHECK_OK(chdir(here));
    printf("working directory: ok\n");
}

static void removed(void)
{
    char here[256], buffer[256];
    struct stat st;
    CHECK(getcwd(here, sizeof here) != NULL);
    CHECK_OK(mkdir("gone", 0755) | mkdir("gone/deep", 0755));
    int fd = open("gone/deep", O_RDONLY | O_DIRECTORY);
    CHECK_OK(chdir("gone/deep"));
    CHECK_OK(rmdir("../deep"));
    CHECK(getcwd(buffer, sizeof buffer) == NULL && errno == ENOENT);
    CHECK_ERRNO(open("new", O_RDONLY | O_CREAT, 0644), ENOENT);
    CHECK_ERRNO(mkdir("new", 0755), ENOENT);
    CHECK_ERRNO(symlink("a", "new"), ENOENT);
    CHECK_ERRNO(link("../../gone", "new") == -1 && errno == EPERM ? (errno = ENOENT, -1) : -1, ENOENT);
    CHECK_OK(stat(".", &st));
    CHECK_EQ(st.st_nlink, 0);
    CHECK_OK(stat("..", &st)); /* where it was */
    CHECK_ERRNO(list(fd, buffer, sizeof buffer), ENOENT);
    CHECK_OK(stat("../..", &st));
    CHECK_OK(rmdir("../../gone"));
    CHECK_OK(stat("..", &st));
    CHECK_EQ(st.st_nlink, 0);
    CHECK_OK(stat("../..", &st));
    CHECK(st.st_nlink > 0);
    CHECK_OK(chdir(here));
    CHECK_OK(close(fd));
    printf("removed: ok\n");
}

enum { WORKERS = 6, ROUNDS = 60 };
static atomic_int created, unlinked, winners;

/* All of them make, rename and remove the same few names. */
static void *compete(void *argument)
{
    uint64_t seed = (uintptr_t)argument * 77 + 1;
    char name[32], other[32];
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(name, sizeof name, "race/%d", (int)(next_random(&seed) % 4));
        snprintf(other, sizeof other, "race/%d", (int)(next_random(&seed) % 4));
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
        if (fd >= 0) {
            atomic_fetch_add(&created, 1);
            CHECK_EQ(write(fd, "data", 4), 4);
            CHECK_OK(close(fd));
        } else
            CHECK(errno == EEXIST);
        int result = rename(name, other);
        CHECK(result == 0 || errno == ENOENT);
        if (unlink(other) == 0)
            atomic_fetch_add(&unlinked, 1);
        else
            CHECK(errno == ENOENT);
        /* One directory: one of them makes it, one of them removes it. */
        if (mkdir("race/dir", 0755) == 0)
            atomic_fetch_add(&winners, 1);
        if (rmdir("race/dir") == 0)
            atomic_fetch_sub(&winners, 1);
    }
    return NULL;
}

/* Appends records; none may be torn or lost. */
static void *append(void *argument)
{
    char record[16];
    int fd = open("appended", O_WRONLY | O_APPEND);
    for (int i = 0; i < 100; i++) {
        snprintf(record, sizeof record, "%07d %06d\n", (int)(uintptr_t)argument, i);
        CHECK_EQ(write(fd, record, 15), 15);
    }
    CHECK_OK(close(fd));
    return NULL;
}

static void together(void)
{
    pthread_t threads[WORKERS];
    CHECK_OK(mkdir("race", 0755));
    for (uintptr_t i = 0; i < WORKERS; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, compete, (void *)i));
    for (int i = 0; i < WORKERS; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    CHECK_EQ(atomic_load(&winners), 0);
    CHECK(atomic_load(&unlinked) <= atomic_load(&created));
    DIR *directory = opendir("race");
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            CHECK_OK(unlinkat(dirfd(directory), entry->d_name, 0));
    CHECK_OK(closedir(directory));
    CHECK_OK(rmdir("race"));

    put_text("appended", "");
    for (uintptr_t i = 0; i < WORKERS; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, append, (void *)i));
    for (int i = 0; i < WORKERS; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    int next[WORKERS] = { 0 };
    FILE *file = fopen("appended", "r");
    int who, which, lines = 0;
    while (fscanf(file, "%d %d\n", &who, &which) == 2) {
        CHECK(who >= 0 && who < WORKERS);
        CHECK_EQ(which, next[who]++);
        lines++;
    }
    CHECK_EQ(lines, WORKERS * 100);
    fclose(file);
    printf("together: ok\n");
}

int files_directories_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    enter_scratch();
    listing();
    working_directory();
    removed();
    together();
    leave_scratch();
    printf("files_directories: ok\n");
    return 0;
}
