/* mremap, mincore, mlock, msync: what moves, what stays, and the errors. */

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul

static char *map(size_t pages, int flags)
{
    char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

/* A hole of that many pages, free for now. */
static char *hole(size_t pages)
{
    char *p = map(pages, MAP_PRIVATE);
    CHECK_OK(munmap(p, pages * PAGE));
    return p;
}

static void fill(char *p, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        p[i * PAGE] = p[i * PAGE + PAGE - 1] = (char)(i + 1);
}

static void check(const char *p, size_t from, size_t to, int first)
{
    for (size_t i = from; i < to; i++) {
        CHECK_EQ(p[i * PAGE], (char)((int)(i - from) + first));
        CHECK_EQ(p[i * PAGE + PAGE - 1], (char)((int)(i - from) + first));
    }
}

static bool is_mapped(char *p)
{
    unsigned char vector;
    return mincore(p, PAGE, &vector) == 0;
}

static void grow_and_shrink(int flags)
{
    char *space = hole(40);
    char *p = mmap(space, 8 * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(p == space);
    fill(p, 8);
    CHECK(mremap(p, 8 * PAGE, 4 * PAGE, 0) == p);
    check(p, 0, 4, 1);
    CHECK(!is_mapped(p + 4 * PAGE));
    CHECK(mremap(p, 4 * PAGE, 4 * PAGE, 0) == p);
    CHECK(mremap(p, 4 * PAGE, 6 * PAGE, 0) == p); /* in place */
    check(p, 0, 4, 1);
    if (flags == MAP_PRIVATE)
        CHECK_EQ(p[5 * PAGE], 0);
    CHECK(mremap(p + PAGE, PAGE, PAGE - 1, 0) == p + PAGE);
    /* No room above. */
    char *wall = mmap(p + 6 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(wall == p + 6 * PAGE);
    CHECK(mremap(p, 6 * PAGE, 7 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
    char *q = mremap(p, 6 * PAGE, 12 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q != p);
    check(q, 0, 4, 1);
    CHECK(!is_mapped(p));
    CHECK(!is_mapped(p + 5 * PAGE));
    if (flags == MAP_PRIVATE)
        CHECK_EQ(q[11 * PAGE], 0);
    /* A part from the middle moves; the rest stays. */
    char *middle = mremap(q + PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE);
    CHECK(middle != MAP_FAILED && middle != q + PAGE);
    check(middle, 0, 2, 2);
    check(q, 0, 1, 1);
    check(q, 3, 4, 4);
    CHECK(!is_mapped(q + PAGE));
    CHECK(!is_mapped(q + 2 * PAGE));
    CHECK_OK(munmap(q, 12 * PAGE));
    CHECK_OK(munmap(middle, 3 * PAGE));
    CHECK_OK(munmap(wall, PAGE));
}

static void fixed(void)
{
    char *p = map(4, MAP_PRIVATE), *target = map(10, MAP_PRIVATE);
    fill(p, 4);
    memset(target, 99, 10 * PAGE);
    CHECK(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 2 * PAGE) == target + 2 * PAGE);
    check(target, 2, 6, 1);
    CHECK_EQ(target[0], 99);
    CHECK_EQ(target[6 * PAGE], 99);
    CHECK(!is_mapped(p));
    /* Shorter, and longer, on the way. */
    CHECK(mremap(target + 2 * PAGE, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 8 * PAGE) == target + 8 * PAGE);
    check(target, 8, 10, 1);
    CHECK(!is_mapped(target + 4 * PAGE));
    char *far = hole(8);
    CHECK(mremap(target + 8 * PAGE, 2 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, far) == far);
    check(far, 0, 2, 1);
    CHECK_EQ(far[5 * PAGE], 0);
    CHECK_OK(munmap(far, 8 * PAGE));
    CHECK_OK(munmap(target, 10 * PAGE));
}

static void keeping_the_old(void)
{
    char *p = map(3, MAP_PRIVATE);
    fill(p, 3);
    char *q = mremap(p, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    CHECK(q != MAP_FAILED && q != p);
    check(q, 0, 3, 1);
    CHECK_EQ(p[0], 0); /* still there, and empty */
    CHECK_EQ(p[2 * PAGE], 0);
    p[0] = 50;
    CHECK_EQ(q[0], 1);
    CHECK_OK(munmap(p, 3 * PAGE));
    CHECK_OK(munmap(q, 3 * PAGE));
    /* Of shared memory both show the same pages; so do two mappings made of one by a length of 0. */
    p = map(3, MAP_SHARED);
    fill(p, 3);
    q = mremap(p, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    CHECK(q != MAP_FAILED);
    char *r = q + PAGE;
    if (on_hartbeat()) { /* qemu 7.2 refuses a length of 0 */
        r = mremap(q + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE);
        CHECK(r != MAP_FAILED && r != q + PAGE);
    }
    check(q, 0, 3, 1);
    check(p, 0, 3, 1);
    check(r, 0, 2, 2);
    p[PAGE] = 70;
    CHECK_EQ(q[PAGE], 70);
    CHECK_EQ(r[0], 70);
    CHECK_OK(munmap(p, 3 * PAGE));
    if (r != q + PAGE)
        CHECK_OK(munmap(q, 3 * PAGE));
    r[0] = 71;
    CHECK_EQ(r[PAGE], 3);
    CHECK_OK(munmap(r, 2 * PAGE));
}

/* Shared memory has the size it was made with: a mapping that is grown shows nothing behind it. */
static void behind_the_end(void)
{
    char *p = map(2, MAP_SHARED);
    p[0] = 1;
    char *q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    CHECK_EQ(q[0], 1);
    q[2 * PAGE - 1] = 1;
    fflush(stdout);
    for (int access = 0; access < 2; access++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (access == 0)
                q[2 * PAGE] = 1;
            _exit(((volatile char *)q)[3 * PAGE]);
        }
        CHECK_EQ(wait_status_of(pid), SIGBUS);
    }
    CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, q + 2 * PAGE), EFAULT);
    CHECK_OK(munmap(q, 4 * PAGE));
}

static void errors(void)
{
    char *p = map(8, MAP_PRIVATE);
    char *free_place = hole(8);
    fill(p, 8);
    CHECK(mremap(p, PAGE, PAGE, 8) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(p, PAGE, PAGE, MREMAP_FIXED, free_place) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(p, PAGE, PAGE, MREMAP_DONTUNMAP, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(p + 1, PAGE, PAGE, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(p, PAGE, 0, 0) == MAP_FAILED && (errno == EINVAL || !on_hartbeat())); /* qemu: ENOMEM */
    CHECK(mremap(free_place, PAGE, PAGE, 0) == MAP_FAILED && errno == EFAULT);
    CHECK(mremap(p, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && (errno == EINVAL || !on_hartbeat()));
    CHECK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, free_place + 1) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE) == MAP_FAILED && errno == EINVAL);
    /* Over the end of an area. */
    CHECK_OK(mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ));
    CHECK(mremap(p, 6 * PAGE, 7 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
    CHECK(mremap(p, 6 * PAGE, 2 * PAGE, 0) == p); /* shrinking does not mind */
    CHECK(!is_mapped(p + 4 * PAGE));
    check(p, 0, 2, 1);
    check(p, 6, 8, 7);
    CHECK_OK(munmap(p, 8 * PAGE));
}

/* Pages that a child shares move in one process only. */
static void with_a_child(void)
{
    char *p = map(6, MAP_PRIVATE);
    fill(p, 6);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char *q = mremap(p, 6 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
        CHECK(q != MAP_FAILED);
        check(q, 0, 6, 1);
        q[0] = 80;
        _exit(0);
    }
    p[PAGE] = 81;
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_EQ(p[0], 1);
    CHECK_EQ(p[PAGE], 81);
    check(p, 2, 6, 3);
    CHECK_OK(munmap(p, 6 * PAGE));
}

static void residence(void)
{
    char *p = map(6, MAP_PRIVATE);
    unsigned char vector[6];
    CHECK_OK(mincore(p, 6 * PAGE, vector));
    for (int i = 0; i < 6; i++)
        CHECK_EQ(vector[i] & 1, 0);
    p[PAGE] = 1;
    p[4 * PAGE] = 1;
    CHECK_OK(mincore(p, 6 * PAGE - 1, vector));
    for (int i = 0; i < 6; i++)
        CHECK_EQ(vector[i] & 1, i == 1 || i == 4);
    CHECK_OK(mlock(p + 10, PAGE)); /* two pages */
    CHECK_OK(mincore(p, 6 * PAGE, vector));
    CHECK_EQ(vector[0] & 1, 1);
    CHECK_ERRNO(mincore(p + 1, PAGE, vector), EINVAL);
    CHECK_OK(mincore(p, 0, vector));
    CHECK_OK(munmap(p + 5 * PAGE, PAGE));
    CHECK_ERRNO(mincore(p, 6 * PAGE, vector), ENOMEM);
    CHECK_ERRNO(mlock(p, 6 * PAGE), ENOMEM);
    CHECK_ERRNO(munlock(p, 6 * PAGE), ENOMEM);
    CHECK_OK(munlock(p, 5 * PAGE));
    CHECK_OK(mlock(p, 0));
    if (on_hartbeat()) { /* not in qemu 7.2 */
        CHECK_ERRNO(syscall(SYS_mlock2, p, PAGE, 2), EINVAL);
        CHECK_OK(syscall(SYS_mlock2, p, 5 * PAGE, 1));
    }
    CHECK_ERRNO(mlockall(0), EINVAL);
    CHECK_ERRNO(mlockall(8), EINVAL);
    CHECK_ERRNO(mlockall(4), EINVAL);
    CHECK_OK(munlockall());
    CHECK_OK(msync(p, PAGE, MS_SYNC));
    CHECK_OK(msync(p, 3 * PAGE - 1, MS_ASYNC));
    CHECK_OK(msync(p, 0, 0));
    CHECK_ERRNO(msync(p + 1, PAGE, MS_SYNC), EINVAL);
    CHECK_ERRNO(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK_ERRNO(msync(p, PAGE, 8), EINVAL);
    CHECK_ERRNO(msync(p, 6 * PAGE, MS_SYNC), ENOMEM);
    CHECK_ERRNO(msync(p + 5 * PAGE, PAGE, MS_SYNC), ENOMEM);
    CHECK_OK(munmap(p, 5 * PAGE));
}

int remaps_trial(int argc, char **argv)
{
    (void)argc, (void)argv;
    grow_and_shrink(MAP_PRIVATE);
    grow_and_shrink(MAP_SHARED);
    fixed();
    keeping_the_old();
    if (on_hartbeat()) /* qemu 7.2 fails an assertion */
        behind_the_end();
    errors();
    with_a_child();
    residence();
    printf("remaps: ok\n");
    return 0;
}
