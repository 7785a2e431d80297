/* What files are like: modes, owners, times, rights of others than root, and the errors of each. */

/* The size of guest/bin is limited, and nothing here is about speed. */
#pragma GCC optimize("Os")

#include <sys/statfs.h>
#include <sys/wait.h>

#include "check.h"
#include "files.h"

enum { NOBODY = 65534 };

static void modes(void)
{
    struct stat st;
    umask(027);
    int fd = open("masked", O_CREAT | O_WRONLY, 0777);
    CHECK_EQ(mode_of("masked"), S_IFREG | 0750);
    umask(022);
    CHECK_OK(fchmod(fd, 0600));
    CHECK_EQ(mode_of("masked"), S_IFREG | 0600);
    CHECK_OK(chmod("masked", 07777 | S_IFDIR)); /* the kind does not change */
    CHECK_EQ(mode_of("masked"), S_IFREG | 07777);
    CHECK_OK(chmod("masked", 0644));
    CHECK_ERRNO(chmod("none", 0644), ENOENT);
    CHECK_ERRNO(chmod("masked/", 0644), ENOTDIR);
    CHECK_ERRNO(fchmod(-1, 0644), EBADF);
    CHECK_OK(symlink("masked", "link"));
    CHECK_OK(chmod("link", 0604));
    CHECK_EQ(mode_of("masked"), S_IFREG | 0604);
    CHECK_EQ(mode_of("link"), S_IFLNK | 0777);
    CHECK_OK(close(fd));

    CHECK_OK(fstatat(AT_FDCWD, "link", &st, 0));
    CHECK(S_ISREG(st.st_mode));
    CHECK_OK(fstatat(AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW));
    CHECK(S_ISLNK(st.st_mode));
    CHECK_ERRNO(fstatat(AT_FDCWD, "link", &st, 0x10), EINVAL);
    CHECK_ERRNO(fstatat(AT_FDCWD, "", &st, 0), ENOENT);
    CHECK_OK(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
    CHECK(S_ISDIR(st.st_mode));
    CHECK_ERRNO(fstatat(99, "", &st, AT_EMPTY_PATH), EBADF);
    CHECK_ERRNO(fstatat(99, "x", &st, 0), EBADF);

    struct statx sx;
    CHECK_OK(statx(AT_FDCWD, "masked", 0, STATX_BASIC_STATS, &sx));
    CHECK((sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CHECK_EQ(sx.stx_mode, S_IFREG | 0604);
    CHECK_EQ(sx.stx_nlink, 1);
    CHECK_EQ(sx.stx_size, 0);
    CHECK_ERRNO(statx(AT_FDCWD, "none", 0, STATX_BASIC_STATS, &sx), ENOENT);
    CHECK_ERRNO(statx(AT_FDCWD, "masked", 0x6000, STATX_BASIC_STATS, &sx), EINVAL);

    CHECK_OK(access("masked", F_OK));
    CHECK_OK(access("masked", R_OK | W_OK));
    CHECK_ERRNO(access("masked", X_OK), EACCES); /* not even root */
    CHECK_ERRNO(access("masked", 8), EINVAL);
    CHECK_ERRNO(access("none", F_OK), ENOENT);
    CHECK_OK(access(".", X_OK));
    CHECK_OK(faccessat(AT_FDCWD, "link", F_OK, AT_SYMLINK_NOFOLLOW));

    struct statfs fs;
    CHECK_OK(statfs(".", &fs));
    CHECK(fs.f_bsize > 0 && fs.f_blocks > 0 && fs.f_namelen >= 255);
    CHECK_ERRNO(statfs("none", &fs), ENOENT);
    printf("modes: ok\n");
}

static int before(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

static void times(void)
{
    struct stat first, second;
    put_text("timed", "x");
    CHECK_OK(stat("timed", &first));
    CHECK(!before(first.st_ctim, first.st_mtim));
    struct timespec now;
    CHECK_OK(clock_gettime(CLOCK_REALTIME, &now));
    CHECK(now.tv_sec - first.st_mtim.tv_sec < 60 && now.tv_sec >= first.st_mtim.tv_sec);
    sleep_ms(20);
    int fd = open("timed", O_RDWR);
    CHECK_EQ(write(fd, "y", 1), 1);
    CHECK_OK(fstat(fd, &second));
    CHECK(before(first.st_mtim, second.st_mtim));
    CHECK(before(first.st_ctim, second.st_ctim));

    struct timespec pair[2] = { { 1000, 5 }, { 2000, 999999999 } };
    CHECK_OK(futimens(fd, pair));
    CHECK_OK(fstat(fd, &second));
    CHECK_EQ(second.st_atim.tv_sec, 1000);
    CHECK_EQ(second.st_atim.tv_nsec, 5);
    CHECK_EQ(second.st_mtim.tv_sec, 2000);
    CHECK_EQ(second.st_mtim.tv_nsec, 999999999);
    CHECK(second.st_ctim.tv_sec > 2000);
    pair[0].tv_nsec = UTIME_OMIT;
    pair[1].tv_nsec = UTIME_NOW;
    CHECK_OK(utimensat(AT_FDCWD, "timed", pair, 0));
    CHECK_OK(fstat(fd, &second));
    CHECK_EQ(second.st_atim.tv_sec, 1000);
    CHECK(second.st_mtim.tv_sec > 2000);
    pair[1].tv_nsec = 1000000000;
    CHECK_ERRNO(utimensat(AT_FDCWD, "timed", pair, 0), EINVAL);
    pair[1].tv_nsec = UTIME_OMIT;
    CHECK_OK(utimensat(AT_FDCWD, "none", pair, 0)); /* nothing is to be done */
    CHECK_ERRNO(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
    CHECK_OK(utimensat(AT_FDCWD, "timed", NULL, 0));
    pair[0].tv_sec = -10;
    pair[0].tv_nsec = 7;
    CHECK_OK(utimensat(AT_FDCWD, "timed", pair, 0));
    CHECK_OK(fstat(fd, &second));
    CHECK_EQ(second.st_atim.tv_sec, -10);
    CHECK_OK(close(fd));

    /* Names come and go: the directory has changed. */
    CHECK_OK(mkdir("dir", 0755));
    CHECK_OK(stat("dir", &first));
    sleep_ms(20);
    put_text("dir/new", "");
    CHECK_OK(stat("dir", &second));
    CHECK(before(first.st_mtim, second.st_mtim));
    CHECK_OK(stat("timed", &first));
    sleep_ms(20);
    CHECK_OK(link("timed", "dir/more"));
    CHECK_OK(stat("timed", &second));
    CHECK(before(first.st_ctim, second.st_ctim));
    CHECK(!before(first.st_mtim, second.st_mtim));
    /* Reading is noted when something has changed since. */
    pair[0] = (struct timespec){ 100, 0 };
    pair[1] = (struct timespec){ 200, 0 };
    CHECK_OK(utimensat(AT_FDCWD, "timed", pair, 0));
    check_text("timed", "y");
    CHECK_OK(stat("timed", &second));
    CHECK(second.st_atim.tv_sec > 200);
    printf("times: ok\n");
}

static void owners(void)
{
    struct stat st;
    put_text("owned", "");
    CHECK_OK(chmod("owned", 06755));
    CHECK_OK(chown("owned", 5, 6));
    CHECK_OK(stat("owned", &st));
    CHECK_EQ(st.st_uid, 5);
    CHECK_EQ(st.st_gid, 6);
    CHECK_EQ(st.st_mode, S_IFREG | 0755); /* no longer set-id */
    CHECK_OK(chown("owned", -1, 7));
    CHECK_OK(stat("owned", &st));
    CHECK_EQ(st.st_uid, 5);
    CHECK_EQ(st.st_gid, 7);
    CHECK_OK(symlink("owned", "ownedlink"));
    CHECK_OK(lchown("ownedlink", 8, 9));
    CHECK_OK(lstat("ownedlink", &st));
    CHECK_EQ(st.st_uid, 8);
    CHECK_OK(stat("ownedlink", &st));
    CHECK_EQ(st.st_uid, 5);
    CHECK_ERRNO(chown("none", 1, 1), ENOENT);
    CHECK_ERRNO(fchown(-1, 1, 1), EBADF);
    CHECK_ERRNO(fchownat(AT_FDCWD, "owned", 1, 1, 4), EINVAL);

    /* In a set-group-id directory the group is the directory's. */
    CHECK_OK(mkdir("group", 0755));
    CHECK_OK(chown("group", 0, 77));
    CHECK_OK(chmod("group", 02755));
    put_text("group/file", "");
    CHECK_OK(mkdir("group/sub", 0755));
    CHECK_OK(stat("group/file", &st));
    CHECK_EQ(st.st_gid, 77);
    CHECK_OK(stat("group/sub", &st));
    CHECK_EQ(st.st_gid, 77);
    CHECK_EQ(st.st_mode, S_IFDIR | 02755);
    printf("owners: ok\n");
}

/* What a child finds that is nobody. */
static int as_nobody(void)
{
    struct timespec pair[2] = { { 1, 0 }, { 1, 0 } };
    CHECK_ERRNO(open("secret", O_RDONLY), EACCES);
    CHECK_ERRNO(open("read-only", O_WRONLY), EACCES);
    CHECK_ERRNO(open("read-only", O_RDONLY | O_TRUNC), EACCES);
    CHECK_OK(close(open("read-only", O_RDONLY)));
    CHECK_ERRNO(open("read-only", O_RDONLY | O_NOATIME), EPERM);
    CHECK_ERRNO(open("closed/file", O_RDONLY), EACCES);
    CHECK_ERRNO(open("listed/file", O_RDONLY), EACCES);
    CHECK_OK(close(open("listed", O_RDONLY)));
    CHECK_OK(close(open("passed/file", O_RDONLY)));
    CHECK_ERRNO(open("passed", O_RDONLY), EACCES);
    CHECK_ERRNO(open("new", O_RDONLY | O_CREAT, 0644), EACCES);
    CHECK_ERRNO(mkdir("new", 0755), EACCES);
    CHECK_ERRNO(mkdir("secret", 0755), EEXIST);
    CHECK_ERRNO(symlink("a", "new"), EACCES);
    CHECK_ERRNO(unlink("secret"), EACCES);
    CHECK_ERRNO(rmdir("passed"), EACCES);
    CHECK_ERRNO(rename("secret", "new"), EACCES);
    CHECK_ERRNO(chmod("read-only", 0666), EPERM);
    CHECK_ERRNO(chown("read-only", NOBODY, -1), EPERM);
    CHECK_ERRNO(utimensat(AT_FDCWD, "read-only", pair, 0), EPERM);
    CHECK_ERRNO(utimensat(AT_FDCWD, "read-only", NULL, 0), EACCES);
    CHECK_OK(utimensat(AT_FDCWD, "shared", NULL, 0));
    CHECK_ERRNO(truncate("read-only", 0), EACCES);
    CHECK_ERRNO(access("secret", R_OK), EACCES);
    CHECK_OK(access("read-only", R_OK));
    CHECK_ERRNO(mknod("open/device", S_IFCHR | 0666, 0x103), EPERM);
    CHECK_ERRNO(chdir("listed"), EACCES);

    /* Everybody may write here, but take away what is theirs only. */
    put_text("sticky/own", "");
    CHECK_ERRNO(unlink("sticky/roots"), EPERM);
    CHECK_ERRNO(rename("sticky/roots", "sticky/x"), EPERM);
    CHECK_ERRNO(rename("sticky/own", "sticky/roots"), EPERM);
    CHECK_OK(unlink("sticky/own"));
    CHECK_OK(unlink("open/roots"));

    int fd = open("open/mine", O_RDWR | O_CREAT, 0000); /* a file just made can be used */
    CHECK_EQ(write(fd, "x", 1), 1);
    CHECK_ERRNO(open("open/mine", O_RDONLY), EACCES);
    CHECK_OK(fchmod(fd, 04700));
    CHECK_EQ(mode_of("open/mine"), S_IFREG | 04700);
    CHECK_EQ(write(fd, "x", 1), 1);
    CHECK_EQ(mode_of("open/mine"), S_IFREG | 0700); /* whoever writes ends set-user-id */
    CHECK_ERRNO(chown("open/mine", 0, -1), EPERM);
    CHECK_ERRNO(chown("open/mine", -1, 12), EPERM);
    CHECK_OK(chown("open/mine", -1, NOBODY));
    CHECK_OK(close(fd));

    /* The owner's rights count, not those of all. */
    fd = open("open/odd", O_WRONLY | O_CREAT, 0644);
    CHECK_OK(fchmod(fd, 0077));
    CHECK_OK(close(fd));
    CHECK_ERRNO(open("open/odd", O_RDONLY), EACCES);
    /* What counts for access(2) is who one is really. */
    printf("as nobody: ok\n");
    fflush(stdout);
    return 0;
}

static void rights(void)
{
    CHECK_OK(chmod(".", 0755));
    put_text("secret", "");
    CHECK_OK(chmod("secret", 0600));
    put_text("read-only", "");
    put_text("shared", "");
    CHECK_OK(chmod("shared", 0666));
    const char *directories[] = { "closed", "listed", "passed", "sticky", "open" };
    const mode_t with[] = { 0700, 0744, 0711, 01777, 0777 };
    for (int i = 0; i < 5; i++) {
        char path[32];
        CHECK_OK(mkdir(directories[i], 0755));
        snprintf(path, sizeof path, "%s/file", directories[i]);
        put_text(path, "");
        snprintf(path, sizeof path, "%s/roots", directories[i]);
        put_text(path, "");
        CHECK_OK(chmod(directories[i], with[i]));
    }
    CHECK_OK(chown("sticky", 0, 0));
    pid_t pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        CHECK_OK(setgid(NOBODY));
        CHECK_OK(setuid(NOBODY));
        _exit(as_nobody());
    }
    CHECK_EQ(wait_status_of(pid), 0);
    /* Real and effective users differ. */
    pid = fork();
    if (pid == 0) {
        CHECK_OK(setresuid(NOBODY, 0, 0));
        CHECK_ERRNO(access("secret", R_OK), EACCES);
        CHECK_OK(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS));
        CHECK_OK(close(open("secret", O_RDONLY)));
        _exit(0);
    }
    CHECK_EQ(wait_status_of(pid), 0);
}

int files_attributes_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    enter_scratch();
    modes();
    times();
    if (geteuid() == 0) {
        owners();
        fflush(stdout);
        rights();
    }
    leave_scratch();
    printf("files_attributes: ok\n");
    return 0;
}
