/* System calls given pointers to nothing, to the null page, to read-only pages, past the end of a page, to kernel addresses. */

#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096

/* Calls that write to (or read from) their pointer argument must fail with EFAULT for every bad one. */
static void reject(void *bad)
{
    CHECK_ERRNO(syscall(SYS_write, 1, bad, 1), EFAULT);
    CHECK_ERRNO(syscall(SYS_uname, bad), EFAULT);
    CHECK_ERRNO(syscall(SYS_sysinfo, bad), EFAULT);
    CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad), EFAULT);
    CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_REALTIME, bad), EFAULT);
    CHECK_ERRNO(syscall(SYS_gettimeofday, bad, NULL), EFAULT);
    if (on_hartbeat()) /* qemu 7.2: EINVAL */
        CHECK_ERRNO(syscall(SYS_nanosleep, bad, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_getrandom, bad, 16, 0), EFAULT);
    CHECK_ERRNO(syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, bad), EFAULT);
    CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 128, bad), EFAULT);
    CHECK_ERRNO(syscall(SYS_futex, bad, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 0, bad, NULL, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, 10, bad, NULL, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_fstat, 1, bad), EFAULT);
    CHECK_ERRNO(syscall(SYS_execve, bad, NULL, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_writev, 1, bad, 1), EFAULT);
}

int bad_pointers_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    char *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    CHECK_OK(munmap(pages + 2 * PAGE, PAGE));

    reject((void *)16);
    printf("null page: ok\n");
    reject(pages + 2 * PAGE);
    printf("unmapped: ok\n");
    reject((void *)0xffffffff80000000ul);
    printf("kernel half: ok\n");
    reject((void *)0x7fffffffffff0000ul);
    printf("not canonical: ok\n");
    CHECK_OK(mprotect(pages + PAGE, PAGE, PROT_NONE));
    reject(pages + PAGE);
    printf("PROT_NONE: ok\n");

    /* Writes to a read-only page; reads from it are fine. */
    CHECK_OK(mprotect(pages + PAGE, PAGE, PROT_READ));
    CHECK_ERRNO(syscall(SYS_uname, pages + PAGE), EFAULT);
    CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, pages + PAGE), EFAULT);
    CHECK_ERRNO(syscall(SYS_getrandom, pages + PAGE, 16, 0), EFAULT);
    CHECK_EQ(syscall(SYS_write, 1, pages + PAGE, 0), 0);
    printf("read-only: ok\n");

    /* A structure that begins well and ends on a bad page. */
    CHECK_OK(mprotect(pages + PAGE, PAGE, PROT_NONE));
    CHECK_ERRNO(syscall(SYS_uname, pages + PAGE - 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, pages + PAGE - 8), EFAULT);
    if (on_hartbeat())
        CHECK_ERRNO(syscall(SYS_nanosleep, pages + PAGE - 8, NULL), EFAULT);
    /* A pointer so near the end of the address space that adding the size wraps. */
    CHECK_ERRNO(syscall(SYS_uname, -8l), EFAULT);
    CHECK_ERRNO(syscall(SYS_write, 1, -8l, 16), EFAULT);
    struct iovec bad_vector = { (void *)16, 4 };
    CHECK_ERRNO(syscall(SYS_writev, 1, &bad_vector, 1), EFAULT);
    CHECK_ERRNO(syscall(SYS_writev, 1, &bad_vector, -1), EINVAL);
    printf("straddling: ok\n");

    /* A path that runs into nothing; argument lists of nothing, where a missing file may be noticed first. */
    memset(pages, 'x', PAGE);
    CHECK_ERRNO(syscall(SYS_execve, pages + PAGE - 100, NULL, NULL), EFAULT);
    char *const bad_list[] = { (char *)16, NULL };
    CHECK_EQ(syscall(SYS_execve, "/bin/none", 16, NULL), -1);
    CHECK(errno == EFAULT || errno == ENOENT);
    CHECK_EQ(syscall(SYS_execve, "/bin/none", bad_list, NULL), -1);
    CHECK(errno == EFAULT || errno == ENOENT);
    printf("bad_pointers: ok\n");
    return 0;
}
