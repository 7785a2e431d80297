/* Who and where we are: uname, numbers, users, random bytes, limits, names. */

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check.h"

static pid_t thread_number;

static void *other_thread(void *unused)
{
    thread_number = gettid();
    CHECK_EQ(pthread_setname_np(pthread_self(), "a-thread"), 0);
    char name[16];
    CHECK_OK(prctl(PR_GET_NAME, name));
    CHECK(strcmp(name, "a-thread") == 0);
    return unused;
}

static void random_bytes(void)
{
    unsigned char a[64] = { 0 }, b[64] = { 0 };
    CHECK_EQ(getrandom(a, sizeof a, 0), 64);
    CHECK_EQ(getrandom(b, sizeof b, GRND_NONBLOCK), 64);
    CHECK(memcmp(a, b, sizeof a) != 0);
    CHECK_EQ(getrandom(a, 0, 0), 0);
    CHECK_ERRNO(getrandom(a, 1, 0x1000), EINVAL);
    /* Of 8192 random bits, the number of ones lies within 12 standard deviations of the half. */
    unsigned char many[1024];
    CHECK_EQ(getrandom(many, sizeof many, 0), 1024);
    int ones = 0;
    for (size_t i = 0; i < sizeof many; i++)
        ones += __builtin_popcount(many[i]);
    CHECK(ones > 4096 - 543 && ones < 4096 + 543);
}

int identity_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct utsname name;
    CHECK_OK(uname(&name));
    printf("%s %s\n", name.sysname, name.machine);
    int major = 0, minor = 0;
    CHECK_EQ(sscanf(name.release, "%d.%d", &major, &minor), 2);
    CHECK(major > 4 || (major == 4 && minor >= 15)); /* the C library asks for no less */

    CHECK(getpid() > 0);
    CHECK_EQ(getpid(), gettid());
    CHECK(getppid() >= 0);
    CHECK_EQ(syscall(SYS_getpid), getpid());
    CHECK_EQ(geteuid(), getuid());
    CHECK_EQ(getegid(), getgid());
    pthread_t thread;
    CHECK_ZERO(pthread_create(&thread, NULL, other_thread, NULL));
    CHECK_ZERO(pthread_join(thread, NULL));
    CHECK(thread_number > 0 && thread_number != getpid());
    printf("numbers: ok\n");

    random_bytes();
    printf("random: ok\n");

    struct sysinfo info;
    CHECK_OK(sysinfo(&info));
    CHECK(info.totalram > 0 && info.freeram <= info.totalram && info.procs >= 1 && info.mem_unit >= 1);
    struct rlimit limit;
    CHECK_OK(getrlimit(RLIMIT_STACK, &limit));
    CHECK(limit.rlim_cur >= 1024 * 1024);
    CHECK_ERRNO(getrlimit(99, &limit), EINVAL);

    char text[16];
    CHECK_OK(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
    CHECK_OK(prctl(PR_GET_NAME, text));
    printf("name: %s\n", text);
    CHECK_ERRNO(prctl(99999, 0, 0, 0, 0), EINVAL);
    CHECK_EQ(isatty(77), 0);
    CHECK_EQ(errno, EBADF);
    CHECK_ERRNO(write(77, "x", 1), EBADF);
    CHECK_ERRNO(close(77), EBADF);
    printf("identity: ok\n");
    return 0;
}
