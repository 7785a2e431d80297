/* Users and groups: what root may become, what others may not, and who may send signals to whom. Needs root; says nothing where it is not. */

#include <grp.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void expect_users(uid_t real, uid_t effective, uid_t saved)
{
    uid_t r, e, s;
    CHECK_OK(getresuid(&r, &e, &s));
    CHECK_EQ(r, real);
    CHECK_EQ(e, effective);
    CHECK_EQ(s, saved);
    CHECK_EQ(getuid(), real);
    CHECK_EQ(geteuid(), effective);
}

static void expect_groups(gid_t real, gid_t effective, gid_t saved)
{
    gid_t r, e, s;
    CHECK_OK(getresgid(&r, &e, &s));
    CHECK_EQ(r, real);
    CHECK_EQ(e, effective);
    CHECK_EQ(s, saved);
    CHECK_EQ(getgid(), real);
    CHECK_EQ(getegid(), effective);
}

/* Each in a process of its own. */
static int becomes(const char *what)
{
    gid_t list[40] = { 5, 6, 7 };
    if (strcmp(what, "setuid") == 0) {
        CHECK_OK(setgid(50));
        expect_groups(50, 50, 50);
        CHECK_OK(setuid(100));
        expect_users(100, 100, 100);
        CHECK_ERRNO(setuid(0), EPERM);
        CHECK_ERRNO(setgid(0), EPERM);
        CHECK_ERRNO(setgroups(0, NULL), EPERM);
        CHECK_OK(setuid(100));
        CHECK_ERRNO(setresuid(100, 0, (uid_t)-1), EPERM);
        CHECK_ERRNO(setreuid(0, (uid_t)-1), EPERM);
        /* Of others. */
        CHECK_ERRNO(kill(getppid(), 0), EPERM);
        CHECK_ERRNO(kill(getppid(), SIGTERM), EPERM);
        CHECK_ERRNO(kill(1, 0), EPERM);
        CHECK_OK(kill(getpid(), 0));
        /* In the same session everybody may continue everybody. */
        CHECK_OK(kill(getppid(), SIGCONT));
    } else if (strcmp(what, "setreuid") == 0) {
        CHECK_OK(setregid(30, 40));
        expect_groups(30, 40, 40);
        CHECK_OK(setreuid(100, 200));
        expect_users(100, 200, 200);
        CHECK_OK(setreuid(200, 100));
        expect_users(200, 100, 100);
        CHECK_OK(setreuid((uid_t)-1, 200));
        expect_users(200, 200, 100);
        CHECK_ERRNO(setreuid((uid_t)-1, 300), EPERM);
    } else if (strcmp(what, "seteuid") == 0) {
        CHECK_OK(seteuid(100));
        expect_users(0, 100, 0);
        CHECK_ERRNO(setuid(300), EPERM);
        CHECK_OK(seteuid(0));
        expect_users(0, 0, 0);
    } else if (strcmp(what, "setresuid") == 0) {
        CHECK_OK(setresgid(1, 2, 3));
        expect_groups(1, 2, 3);
        CHECK_OK(setresuid(10, 20, 30));
        expect_users(10, 20, 30);
        CHECK_OK(setresuid((uid_t)-1, 30, 10));
        expect_users(10, 30, 10);
        CHECK_ERRNO(setresuid(20, (uid_t)-1, (uid_t)-1), EPERM);
    } else if (strcmp(what, "groups") == 0) {
        CHECK_OK(setgroups(3, list));
        CHECK_EQ(getgroups(0, NULL), 3);
        memset(list, 0, sizeof list);
        CHECK_EQ(getgroups(40, list), 3);
        CHECK(list[0] + list[1] + list[2] == 18);
        CHECK_ERRNO(getgroups(2, list), EINVAL);
        CHECK_ERRNO(syscall(SYS_getgroups, -1, list), EINVAL);
        CHECK_ERRNO(syscall(SYS_setgroups, 3, (void *)8), EFAULT);
        CHECK_OK(setgroups(0, NULL));
        CHECK_EQ(getgroups(0, NULL), 0);
    } else if (strcmp(what, "fsuid") == 0) {
        CHECK_EQ(setfsuid(77), 0);
        CHECK_EQ(setfsuid((uid_t)-1), 77);
        CHECK_OK(setuid(100));
        CHECK_EQ(setfsuid(55), 100);
        CHECK_EQ(setfsuid((uid_t)-1), 100);
        CHECK_EQ(setfsgid(99), 0);
    }
    return 0;
}

int users_trial(int argc, char **argv)
{
    static const char *const ways[] = { "setuid", "setreuid", "seteuid", "setresuid", "groups", "fsuid" };
    if (argc > 1)
        return becomes(argv[1]);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (geteuid() == 0)
            CHECK_EQ(wait_status_of(spawn_self("users", ways[i], NULL)), 0);
        printf("%s: ok\n", ways[i]);
    }
    CHECK_ERRNO(syscall(SYS_setuid, -1), EINVAL);
    CHECK_ERRNO(syscall(SYS_setgid, -1), EINVAL);
    printf("users: ok\n");
    return 0;
}
