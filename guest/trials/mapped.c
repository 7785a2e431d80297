/* Files that are mapped: what readers, writers and other processes see of it, and what is left when the file gets shorter. */

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul

static int touches(volatile char *byte)
{
    fflush(stdout);
    pid_t pid = fork();
    CHECK_OK(pid);
    if (pid == 0)
        _exit(*byte);
    return wait_status_of(pid);
}

int mapped_trial(int argc, char **argv)
{
    char path[] = "/tmp/mapped.XXXXXX", buffer[3 * PAGE];
    (void)argc, (void)argv;
    int fd = mkstemp(path);
    CHECK_OK(fd);
    memset(buffer, 'a', sizeof buffer);
    CHECK_EQ(write(fd, buffer, sizeof buffer), sizeof buffer);
    char *s = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(s != MAP_FAILED && p != MAP_FAILED);
    p[0] = 'Q';
    p[2 * PAGE] = 'P';
    s[1] = 'S';
    pid_t pid = fork();
    if (pid == 0) {
        s[PAGE] = 'C';
        p[PAGE] = 'X';
        _exit(0);
    }
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_EQ(pread(fd, buffer, 2, 0), 2);
    CHECK_EQ(buffer[0], 'a');
    CHECK_EQ(buffer[1], 'S');
    CHECK_EQ(s[PAGE], 'C');
    CHECK_EQ(p[PAGE] == 'X', 0);
    CHECK_EQ(pwrite(fd, "W", 1, 2), 1);
    CHECK_EQ(s[2], 'W');
    CHECK_EQ(p[2], 'a'); /* its copy was made before */

    CHECK_EQ(s[2 * PAGE], 'a');
    CHECK_OK(ftruncate(fd, PAGE + 100));
    if (on_hartbeat()) { /* qemu 7.2 fails an assertion at a SIGBUS */
        CHECK_EQ(touches(s + 2 * PAGE), SIGBUS);
        CHECK_EQ(touches(p + 2 * PAGE), SIGBUS);
        CHECK_EQ(touches(s + 3 * PAGE), SIGBUS);
    }
    CHECK_EQ(touches(s + PAGE), 'C' << 8);
    CHECK_EQ(touches(s + PAGE + 100), 0);
    CHECK_OK(ftruncate(fd, 3 * PAGE));
    CHECK_EQ(s[2 * PAGE], 0);
    CHECK_EQ(p[2 * PAGE], 0);
    s[2 * PAGE] = 5;
    CHECK_EQ(pread(fd, buffer, 1, 2 * PAGE), 1);
    CHECK_EQ(buffer[0], 5);

    /* A mapping keeps the file. */
    CHECK_OK(close(fd));
    CHECK_OK(unlink(path));
    s[0] = 'Z';
    CHECK_EQ(touches(s), 'Z' << 8);
    char *moved = mremap(s, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED);
    CHECK_EQ(moved[0], 'Z');
    CHECK_OK(munmap(moved, 8 * PAGE));
    CHECK_OK(munmap(p, 3 * PAGE));
    printf("mapped: ok\n");
    return 0;
}
