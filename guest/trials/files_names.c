/* Names of files: opening, making, linking, renaming and removing them, and every error of that. */

/* The size of guest/bin is limited, and nothing here is about speed. */
#pragma GCC optimize("Os")

#include <sys/sysmacros.h>

#include "check.h"
#include "files.h"

/* What the compiler does not know to be a bad pointer. */
static char *volatile bad = (char *)8;

static char long_name[300];

static ino_t number_of(const char *path)
{
    struct stat st;
    CHECK_OK(lstat(path, &st));
    return st.st_ino;
}

static nlink_t links_of(const char *path)
{
    struct stat st;
    CHECK_OK(lstat(path, &st));
    return st.st_nlink;
}

static void opening(void)
{
    put_text("file", "text");
    CHECK_OK(mkdir("dir", 0755));
    CHECK_OK(symlink("file", "link"));
    CHECK_OK(symlink("nowhere", "dangling"));
    CHECK_ERRNO(open("", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("none", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("none/x", O_RDONLY | O_CREAT, 0644), ENOENT);
    CHECK_ERRNO(open("file/x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("file/", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("file/.", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(open("dir", O_WRONLY), EISDIR);
    CHECK_ERRNO(open("dir", O_RDWR), EISDIR);
    CHECK_ERRNO(open("dir", O_RDONLY | O_CREAT, 0644), EISDIR);
    CHECK_ERRNO(open("dir", O_RDONLY | O_TRUNC), EISDIR);
    CHECK_ERRNO(open("new/", O_RDONLY | O_CREAT, 0644), EISDIR);
    CHECK_ERRNO(open("dir/.", O_RDONLY | O_CREAT, 0644), EISDIR);
    CHECK_ERRNO(open("file", O_RDONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    CHECK_ERRNO(open("dangling", O_RDONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    CHECK_ERRNO(open("dir/..", O_RDONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    CHECK_ERRNO(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK_ERRNO(open("dangling", O_RDONLY), ENOENT);
    CHECK_ERRNO(open(long_name, O_RDONLY), ENAMETOOLONG);
    CHECK_ERRNO(open(bad, O_RDONLY), EFAULT);
    CHECK_ERRNO(openat(77, "file", O_RDONLY), EBADF);
    CHECK_ERRNO(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
    char path[5000];
    memset(path, '/', sizeof path);
    strcpy(path + 4094, "");
    CHECK_OK(access(path, F_OK));
    memset(path, '/', sizeof path);
    path[4999] = 0;
    CHECK_ERRNO(open(path, O_RDONLY), ENAMETOOLONG);

    int fd = open("dangling", O_WRONLY | O_CREAT, 0640); /* makes what the link leads to */
    CHECK_OK(fd);
    CHECK_EQ(mode_of("nowhere"), S_IFREG | 0640);
    CHECK_OK(close(fd));
    int file = open("link", O_RDONLY), directory = open("dir", O_RDONLY | O_DIRECTORY);
    CHECK_ERRNO(openat(file, "x", O_RDONLY), ENOTDIR);
    CHECK_OK(fd = openat(file, "/dev/null", O_RDONLY));
    CHECK_OK(close(fd));
    CHECK_OK(fd = openat(directory, "inner", O_WRONLY | O_CREAT, 0600));
    CHECK_OK(close(fd));
    CHECK_EQ(mode_of("dir/inner"), S_IFREG | 0600);
    char buffer[4];
    CHECK_ERRNO(read(directory, buffer, 4), EISDIR);
    CHECK_OK(close(file) | close(directory));

    /* O_PATH: a place in the tree, not its bytes. */
    CHECK_OK(fd = open("link", O_PATH | O_NOFOLLOW));
    CHECK_ERRNO(read(fd, buffer, 4), EBADF);
    CHECK_ERRNO(fchmod(fd, 0600), EBADF);
    CHECK_ERRNO(lseek(fd, 0, SEEK_SET), EBADF);
    struct stat st;
    CHECK_OK(fstat(fd, &st));
    CHECK(S_ISLNK(st.st_mode));
    CHECK_EQ(readlinkat(fd, "", buffer, 4), 4);
    CHECK_OK(close(fd));
    CHECK_OK(fd = open("file", O_WRONLY | O_TRUNC));
    CHECK_OK(close(fd));
    check_text("file", "");
    CHECK_EQ(fcntl(fd = open("file", O_RDWR | O_APPEND | O_CLOEXEC), F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_OK(close(fd));
    printf("opening: ok\n");
}

static void making(void)
{
    CHECK_ERRNO(mkdir("dir", 0755), EEXIST);
    CHECK_ERRNO(mkdir("file", 0755), EEXIST);
    CHECK_ERRNO(mkdir("dangling", 0755), EEXIST);
    CHECK_ERRNO(mkdir(".", 0755), EEXIST);
    CHECK_ERRNO(mkdir("/", 0755), EEXIST);
    CHECK_ERRNO(mkdir("none/x", 0755), ENOENT);
    CHECK_ERRNO(mkdir("file/x", 0755), ENOTDIR);
    CHECK_ERRNO(mkdir("", 0755), ENOENT);
    CHECK_ERRNO(mkdir(long_name, 0755), ENAMETOOLONG);
    nlink_t before = links_of(".");
    CHECK_OK(mkdir("sub/", 0777));
    CHECK_EQ(links_of("."), before + 1);
    CHECK_EQ(links_of("sub"), 2);
    CHECK_EQ(mode_of("sub"), S_IFDIR | 0755);
    CHECK_OK(mknod("node", 0644, 0));
    CHECK_EQ(mode_of("node"), S_IFREG | 0644);
    CHECK_OK(mkfifo("fifo", 0666));
    CHECK_EQ(mode_of("fifo"), S_IFIFO | 0644);
    CHECK_OK(mknod("socket", S_IFSOCK | 0600, 0));
    CHECK_ERRNO(open("socket", O_RDONLY), ENXIO);
    CHECK_ERRNO(mknod("node", 0644, 0), EEXIST);
    CHECK_ERRNO(mknod("other", S_IFDIR | 0755, 0), EPERM);
    CHECK_ERRNO(mknod("other", 0150000 | 0644, 0), EINVAL);
    CHECK_ERRNO(mknod("other/", 0644, 0), ENOENT);
    if (geteuid() == 0) {
        CHECK_OK(mknod("device", S_IFCHR | 0666, makedev(1, 5)));
        char byte = 1;
        int fd = open("device", O_RDONLY);
        if (fd >= 0) { /* a file system of the host may forbid it */
            CHECK_EQ(read(fd, &byte, 1), 1);
            CHECK_EQ(byte, 0);
            CHECK_OK(close(fd));
        }
        CHECK_OK(unlink("device"));
    }
    printf("making: ok\n");
}

static void links(void)
{
    char text[64];
    CHECK_OK(link("file", "second"));
    CHECK_EQ(links_of("file"), 2);
    CHECK_EQ(number_of("file"), number_of("second"));
    CHECK_ERRNO(link("file", "second"), EEXIST);
    CHECK_ERRNO(link("none", "x"), ENOENT);
    CHECK_ERRNO(link("dir", "x"), EPERM);
    CHECK_ERRNO(link("file", "none/x"), ENOENT);
    CHECK_ERRNO(link("file", "x/"), ENOENT);
    CHECK_ERRNO(link("file/", "x"), ENOTDIR);
    CHECK_ERRNO(linkat(AT_FDCWD, "file", AT_FDCWD, "x", 8), EINVAL);
    CHECK_OK(link("link", "link2")); /* the link itself */
    CHECK(S_ISLNK(mode_of("link2")));
    CHECK_OK(linkat(AT_FDCWD, "link", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
    CHECK_EQ(number_of("followed"), number_of("file"));
    CHECK_EQ(links_of("file"), 3);
    CHECK_OK(unlink("second") | unlink("followed") | unlink("link2"));
    CHECK_EQ(links_of("file"), 1);

    CHECK_ERRNO(symlink("", "x"), ENOENT);
    CHECK_ERRNO(symlink("file", "link"), EEXIST);
    CHECK_ERRNO(symlink("file", "x/"), ENOENT);
    CHECK_EQ(readlink("link", text, sizeof text), 4);
    CHECK(memcmp(text, "file", 4) == 0);
    CHECK_EQ(readlink("link", text, 2), 2);
    CHECK_ERRNO(readlink("file", text, 4), EINVAL);
    CHECK_ERRNO(readlink("none", text, 4), ENOENT);
    CHECK_ERRNO(readlink("link", text, 0), EINVAL);
    CHECK_ERRNO(readlink("link/", text, 4), ENOTDIR);
    CHECK_EQ(mode_of("link"), S_IFLNK | 0777);
    struct stat st;
    CHECK_OK(lstat("link", &st));
    CHECK_EQ(st.st_size, 4);
    CHECK_OK(symlink("loop2", "loop1") | symlink("loop1", "loop2"));
    CHECK_ERRNO(open("loop1", O_RDONLY), ELOOP);
    CHECK_ERRNO(stat("loop1/x", &st), ELOOP);
    CHECK_OK(lstat("loop1", &st));
    /* Forty on a way are enough, and no more. */
    for (int i = 0; i < 41; i++) {
        char name[16], target[16];
        snprintf(name, sizeof name, "chain%d", i);
        snprintf(target, sizeof target, i == 0 ? "file" : "chain%d", i - 1);
        CHECK_OK(symlink(target, name));
    }
    CHECK_OK(stat("chain39", &st));
    CHECK_ERRNO(stat("chain40", &st), ELOOP);
    for (int i = 0; i < 41; i++) {
        char name[16];
        snprintf(name, sizeof name, "chain%d", i);
        CHECK_OK(unlink(name));
    }
    CHECK_OK(symlink("dir", "dirlink"));
    CHECK_OK(stat("dirlink/inner", &st));
    CHECK_OK(stat("dirlink/", &st));
    CHECK_OK(lstat("dirlink/", &st));
    CHECK(S_ISDIR(st.st_mode));
    CHECK_OK(symlink("../file", "dir/up"));
    CHECK_OK(stat("dir/up", &st));
    CHECK(S_ISREG(st.st_mode));
    char target[1000];
    memset(target, 'q', sizeof target - 1);
    target[999] = 0;
    CHECK_OK(symlink(target, "long"));
    char found[1000];
    CHECK_EQ(readlink("long", found, sizeof found), 999);
    CHECK(memcmp(found, target, 999) == 0);
    CHECK_OK(unlink("loop1") | unlink("loop2") | unlink("dirlink") | unlink("dir/up") | unlink("long"));
    printf("links: ok\n");
}

static void removing(void)
{
    CHECK_ERRNO(unlink("none"), ENOENT);
    CHECK_ERRNO(unlink("dir"), EISDIR);
    CHECK_ERRNO(unlink("dir/"), EISDIR);
    CHECK_ERRNO(unlink("file/"), ENOTDIR);
    CHECK_ERRNO(unlink("."), EISDIR);
    CHECK_ERRNO(unlink(""), ENOENT);
    CHECK_ERRNO(rmdir("dir"), ENOTEMPTY);
    CHECK_ERRNO(rmdir("file"), ENOTDIR);
    CHECK_ERRNO(rmdir("none"), ENOENT);
    CHECK_ERRNO(rmdir("sub/."), EINVAL);
    CHECK_ERRNO(rmdir("sub/.."), ENOTEMPTY);
    CHECK_ERRNO(rmdir("/"), EBUSY);
    CHECK_ERRNO(unlinkat(AT_FDCWD, "file", 1), EINVAL);
    CHECK_OK(symlink("sub", "sublink"));
    CHECK_ERRNO(rmdir("sublink"), ENOTDIR);
    CHECK_ERRNO(rmdir("sublink/"), ENOTDIR);
    CHECK_OK(unlink("sublink"));
    CHECK_OK(rmdir("sub/"));
    CHECK_OK(unlink("node") | unlink("fifo") | unlink("socket") | unlink("link") | unlink("dangling") | unlink("nowhere"));
    printf("removing:%s: ok\n", names_in("."));
}

static void renaming(void)
{
    put_text("one", "1");
    put_text("two", "2");
    CHECK_OK(rename("one", "three"));
    CHECK_ERRNO(rename("one", "x"), ENOENT);
    check_text("three", "1");
    CHECK_OK(rename("three", "two")); /* replaces it */
    check_text("two", "1");
    CHECK_OK(rename("two", "two"));
    CHECK_OK(link("two", "same"));
    CHECK_OK(rename("two", "same")); /* names of one file: nothing happens */
    CHECK_EQ(links_of("two"), 2);
    CHECK_OK(unlink("same"));
    CHECK_OK(mkdir("d1", 0755) | mkdir("d2", 0755) | mkdir("d1/in", 0755));
    CHECK_ERRNO(rename("two", "d1"), EISDIR);
    CHECK_ERRNO(rename("d1", "two"), ENOTDIR);
    CHECK_ERRNO(rename("d2", "d1"), ENOTEMPTY);
    CHECK_ERRNO(rename("d1", "d1/in/x"), EINVAL);
    CHECK_ERRNO(rename("d1", "d1/in"), EINVAL);
    CHECK_ERRNO(rename("d1/in", "d1"), ENOTEMPTY);
    CHECK_ERRNO(rename("two/", "x"), ENOTDIR);
    CHECK_ERRNO(rename("two", "x/"), ENOTDIR);
    CHECK_ERRNO(rename("two", "none/x"), ENOENT);
    CHECK_ERRNO(rename(".", "x"), EBUSY);
    CHECK_ERRNO(rename("d1", ".."), EBUSY);
    CHECK_ERRNO(rename("two", ""), ENOENT);
    nlink_t before = links_of(".");
    CHECK_OK(rename("d1", "d2")); /* an empty directory is replaced */
    CHECK_EQ(links_of("."), before - 1);
    CHECK_EQ(links_of("d2"), 3);
    CHECK_OK(mkdir("d3", 0755));
    CHECK_OK(rename("d2/in", "d3/out/"));
    CHECK_EQ(links_of("d2"), 2);
    CHECK_EQ(links_of("d3"), 3);
    struct stat st;
    CHECK_OK(stat("d3/out/..", &st));
    CHECK_EQ(st.st_ino, number_of("d3"));

    put_text("left", "L");
    put_text("right", "R");
    CHECK_ERRNO(renameat2(AT_FDCWD, "left", AT_FDCWD, "right", RENAME_NOREPLACE), EEXIST);
    CHECK_ERRNO(renameat2(AT_FDCWD, "left", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
    CHECK_ERRNO(renameat2(AT_FDCWD, "left", AT_FDCWD, "right", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
    CHECK_ERRNO(renameat2(AT_FDCWD, "left", AT_FDCWD, "right", 64), EINVAL);
    CHECK_OK(renameat2(AT_FDCWD, "left", AT_FDCWD, "right", RENAME_EXCHANGE));
    check_text("left", "R");
    check_text("right", "L");
    CHECK_OK(renameat2(AT_FDCWD, "left", AT_FDCWD, "fresh", RENAME_NOREPLACE));
    before = links_of(".");
    CHECK_OK(renameat2(AT_FDCWD, "right", AT_FDCWD, "d3/out", RENAME_EXCHANGE)); /* a file against a directory */
    CHECK_EQ(links_of("."), before + 1);
    CHECK_EQ(links_of("d3"), 2);
    CHECK(S_ISDIR(mode_of("right")));
    check_text("d3/out", "L");
    CHECK_ERRNO(renameat2(AT_FDCWD, "d3", AT_FDCWD, "d3/out", RENAME_EXCHANGE), EINVAL);
    CHECK_ERRNO(renameat2(AT_FDCWD, "d3/out", AT_FDCWD, "d3", RENAME_EXCHANGE), EINVAL);
    printf("renaming:%s: ok\n", names_in("."));
}

static void long_names(void)
{
    char name[256];
    for (int length = 1; length <= 255; length += length < 30 ? 1 : 25) {
        memset(name, 'n', length);
        name[length] = 0;
        put_text(name, name + length - 1);
    }
    memset(name, 'n', 255);
    name[255] = 0;
    put_text(name, "longest");
    check_text(name, "longest");
    name[254] = 'x';
    CHECK_ERRNO(open(name, O_RDONLY), ENOENT);
    name[254] = 0;
    CHECK_ERRNO(open(name, O_RDONLY), ENOENT);
    name[254] = 'n';
    CHECK_OK(unlink(name));
    for (int length = 1; length <= 255; length += length < 30 ? 1 : 25) {
        memset(name, 'n', length);
        name[length] = 0;
        if (length < 255)
            CHECK_OK(unlink(name));
    }
    printf("long names: ok\n");
}

int files_names_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    memset(long_name, 'x', 256);
    enter_scratch();
    opening();
    making();
    links();
    removing();
    renaming();
    long_names();
    leave_scratch();
    printf("files_names: ok\n");
    return 0;
}
