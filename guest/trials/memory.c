/* Address spaces: what mmap, munmap, mprotect, madvise and brk promise, and the errors they report. */

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul

static char *map(size_t pages, int protection)
{
    char *p = mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    CHECK((uintptr_t)p % PAGE == 0);
    return p;
}

static void zero_pages(void)
{
    char *p = map(64, PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < 64 * PAGE; i += 509)
        CHECK_EQ(p[i], 0);
    memset(p, 0x5a, 64 * PAGE);
    CHECK_OK(madvise(p, 32 * PAGE, MADV_DONTNEED));
    CHECK_EQ(p[0], 0);
    CHECK_EQ(p[32 * PAGE - 1], 0);
    CHECK_EQ(p[32 * PAGE], 0x5a);
    CHECK_OK(munmap(p, 64 * PAGE));
    p = map(64, PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < 64; i++)
        CHECK_EQ(p[i * PAGE + i], 0); /* nobody's old data */
    CHECK_OK(munmap(p, 64 * PAGE));
}

static void holes(void)
{
    char *p = map(16, PROT_READ | PROT_WRITE);
    memset(p, 1, 16 * PAGE);
    CHECK_OK(munmap(p + 4 * PAGE, 4 * PAGE));
    CHECK_OK(munmap(p + 4 * PAGE, 4 * PAGE)); /* nothing there: not an error */
    CHECK_EQ(p[4 * PAGE - 1], 1);
    CHECK_EQ(p[8 * PAGE], 1);
    char *q = mmap(p + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(q == p + 4 * PAGE);
    CHECK_EQ(q[0], 0);
    /* MAP_FIXED replaces what is there. */
    q = mmap(p + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(q == p + 2 * PAGE);
    CHECK_EQ(q[0], 0);
    CHECK_EQ(p[2 * PAGE - 1], 1);
    if (on_hartbeat()) /* qemu 7.2 replaces */
        CHECK_ERRNO(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    CHECK_OK(munmap(p, 16 * PAGE));
}

static void errors(void)
{
    char *p = map(2, PROT_READ | PROT_WRITE);
    CHECK_ERRNO(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(NULL, (size_t)1 << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), ENOMEM);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
    CHECK_ERRNO(munmap(p + 1, PAGE), EINVAL);
    CHECK_ERRNO(munmap(p, 0), EINVAL);
    CHECK_ERRNO(mprotect(p + 1, PAGE, PROT_READ), EINVAL);
    if (on_hartbeat()) /* qemu 7.2: ENOMEM */
        CHECK_OK(mprotect(p, 0, PROT_READ));
    CHECK_OK(munmap(p + PAGE, PAGE));
    CHECK_ERRNO(mprotect(p, 2 * PAGE, PROT_READ), ENOMEM);
    CHECK_ERRNO(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
    CHECK_OK(munmap(p, PAGE));
}

/* A child does `what` with memory and must die of SIGSEGV; status 0 would mean that it survived. */
static void must_fault(const char *what)
{
    int status = wait_status_of(spawn_self("child", "memory", what, NULL));
    if (!WIFSIGNALED(status) || WTERMSIG(status) != 11)
        FAIL("%s: wait status 0x%x, not a death by SIGSEGV", what, status);
    printf("%s: SIGSEGV\n", what);
}

static void program_break(void)
{
    char *start = sbrk(0);
    CHECK(start != (char *)-1);
    char *p = sbrk(3 * PAGE + 100);
    CHECK(p == start);
    memset(p, 7, 3 * PAGE + 100);
    CHECK(sbrk(-(intptr_t)(2 * PAGE)) == start + 3 * PAGE + 100);
    CHECK_EQ(p[PAGE], 7);
    CHECK(sbrk(2 * PAGE) == start + PAGE + 100);
    CHECK_EQ(p[3 * PAGE], 0); /* pages that went and came back are zero */
    CHECK_OK(brk(start));
    /* The raw call never fails: it returns the break as it is. */
    CHECK_EQ(syscall(SYS_brk, 0), (intptr_t)start);
    CHECK_EQ(syscall(SYS_brk, 1), (intptr_t)start);
}

static void protections(void)
{
    char *p = map(3, PROT_READ | PROT_WRITE);
    strcpy(p + PAGE, "kept");
    CHECK_OK(mprotect(p + PAGE, PAGE, PROT_NONE));
    p[0] = p[2 * PAGE] = 1;
    CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ));
    CHECK(strcmp(p + PAGE, "kept") == 0);
    CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
    p[PAGE] = 'K';
    CHECK(strcmp(p + PAGE, "Kept") == 0);
    CHECK_OK(munmap(p, 3 * PAGE));
}

static void many_areas(void)
{
    /* Alternate protections make every page an area of its own; giving them back must join or free them. */
    char *p = map(200, PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < 200; i += 2)
        CHECK_OK(mprotect(p + i * PAGE, PAGE, PROT_READ));
    for (size_t i = 1; i < 200; i += 2)
        p[i * PAGE] = (char)i;
    CHECK_OK(mprotect(p, 200 * PAGE, PROT_READ | PROT_WRITE));
    for (size_t i = 0; i < 200; i++)
        CHECK_EQ(p[i * PAGE], (char)(i % 2 ? i : 0));
    CHECK_OK(munmap(p, 200 * PAGE));
    for (int i = 0; i < 300; i++) {
        p = map(16, PROT_READ | PROT_WRITE);
        p[15 * PAGE] = 1;
        CHECK_OK(munmap(p, 16 * PAGE));
    }
}

int memory_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    zero_pages();
    holes();
    protections();
    errors();
    program_break();
    many_areas();
    must_fault("read-null");
    must_fault("write-null");
    must_fault("jump-null");
    must_fault("write-readonly");
    must_fault("read-none");
    must_fault("run-data");
    must_fault("read-unmapped");
    must_fault("write-code");
    must_fault("read-kernel");
    must_fault("overflow-stack");
    printf("memory: ok\n");
    return 0;
}
