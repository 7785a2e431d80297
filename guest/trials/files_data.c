/* Bytes of files: reading, writing, positions, holes, appending, truncating, and the errors of each. */

/* The size of guest/bin is limited, and nothing here is about speed. */
#pragma GCC optimize("Os")

#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "check.h"
#include "files.h"

/* What the compiler does not know to be a bad pointer. */
static char *volatile bad = (char *)8;

static void reading_and_writing(void)
{
    char buffer[64];
    int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0644);
    CHECK_OK(fd);
    CHECK_EQ(read(fd, buffer, 10), 0);
    CHECK_EQ(write(fd, "hello world", 11), 11);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 11);
    CHECK_EQ(read(fd, buffer, 10), 0);
    CHECK_EQ(lseek(fd, 6, SEEK_SET), 6);
    CHECK_EQ(read(fd, buffer, 100 > sizeof buffer ? sizeof buffer : 100), 5);
    CHECK(memcmp(buffer, "world", 5) == 0);
    CHECK_EQ(pread(fd, buffer, 5, 0), 5);
    CHECK(memcmp(buffer, "hello", 5) == 0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 11);
    CHECK_EQ(pwrite(fd, "HELLO", 5, 0), 5);
    CHECK_EQ(pwrite(fd, "!", 1, 11), 1);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 11);
    CHECK_EQ(lseek(fd, -1, SEEK_END), 11);
    CHECK_ERRNO(lseek(fd, -13, SEEK_END), EINVAL);
    CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERRNO(lseek(fd, 0, 7), EINVAL);
    CHECK_ERRNO(pread(fd, buffer, 1, -1), EINVAL);
    CHECK_ERRNO(pwrite(fd, buffer, 1, -1), EINVAL);
    CHECK_ERRNO(read(fd, bad, 4), EFAULT);
    CHECK_ERRNO(write(fd, bad, 4), EFAULT);
    struct stat st;
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_size, 12); /* a failed write has left nothing */
    CHECK_EQ(st.st_nlink, 1);
    CHECK(S_ISREG(st.st_mode));
    struct iovec two[2] = { { "one", 3 }, { "two", 3 } };
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(writev(fd, two, 2), 6);
    CHECK_EQ(pwritev(fd, two, 2, 6), 6);
    CHECK_OK(close(fd));
    check_text("a", "onetwoonetwo");
    CHECK_ERRNO(read(fd, buffer, 1), EBADF);

    int reader = open("a", O_RDONLY), writer = open("a", O_WRONLY);
    CHECK_ERRNO(write(reader, "x", 1), EBADF);
    CHECK_ERRNO(read(writer, buffer, 1), EBADF);
    CHECK_ERRNO(ftruncate(reader, 0), EINVAL);
    /* Two openings have two positions, a duplicate has the same. */
    int twin = dup(reader);
    CHECK_EQ(read(reader, buffer, 3), 3);
    CHECK_EQ(read(twin, buffer, 3), 3);
    CHECK(memcmp(buffer, "two", 3) == 0);
    CHECK_EQ(write(writer, "THREE", 5), 5);
    CHECK_EQ(pread(reader, buffer, 5, 0), 5);
    CHECK(memcmp(buffer, "THREE", 5) == 0);
    CHECK_OK(close(reader) | close(writer) | close(twin));
    printf("reading and writing: ok\n");
}

static void appending(void)
{
    put_text("log", "");
    int one = open("log", O_WRONLY | O_APPEND), two = open("log", O_RDWR | O_APPEND);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(write(one, "1", 1), 1);
        CHECK_EQ(write(two, "2", 1), 1);
    }
    CHECK_EQ(lseek(one, 0, SEEK_CUR), 19);
    CHECK_EQ(pwrite(two, "end", 3, 0), 3); /* appends in spite of its offset */
    check_text("log", "12121212121212121212end");
    CHECK((fcntl(one, F_GETFL) & O_APPEND) != 0);
    CHECK_OK(fcntl(one, F_SETFL, 0));
    CHECK_EQ(lseek(one, 0, SEEK_SET), 0);
    CHECK_EQ(write(one, "X", 1), 1);
    check_text("log", "X2121212121212121212end");
    CHECK_OK(close(one) | close(two));
    printf("appending: ok\n");
}

static void holes(void)
{
    enum { FAR = 10000000 };
    char buffer[8192];
    int fd = open("sparse", O_RDWR | O_CREAT, 0644);
    CHECK_EQ(lseek(fd, FAR, SEEK_SET), FAR);
    CHECK_EQ(write(fd, "end", 3), 3);
    CHECK_EQ(pread(fd, buffer, sizeof buffer, FAR - 4096), 4099);
    for (int i = 0; i < 4096; i++)
        CHECK_EQ(buffer[i], 0);
    struct stat st;
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_size, FAR + 3);
    CHECK(st.st_blocks <= 64);
    CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_DATA), FAR / 4096 * 4096);
    CHECK_EQ(lseek(fd, FAR, SEEK_HOLE), FAR + 3);
    CHECK_ERRNO(lseek(fd, FAR + 3, SEEK_DATA), ENXIO);
    CHECK_ERRNO(lseek(fd, FAR + 3, SEEK_HOLE), ENXIO);

    /* What is cut off does not come back. */
    memset(buffer, 'x', sizeof buffer);
    CHECK_OK(ftruncate(fd, 0));
    CHECK_EQ(pwrite(fd, buffer, 8192, 0), 8192);
    CHECK_OK(ftruncate(fd, 100));
    CHECK_OK(ftruncate(fd, 5000));
    CHECK_EQ(pread(fd, buffer, sizeof buffer, 0), 5000);
    for (int i = 0; i < 5000; i++)
        CHECK_EQ(buffer[i], i < 100 ? 'x' : 0);
    CHECK_OK(ftruncate(fd, 0));
    CHECK_EQ(pwrite(fd, "y", 1, 200), 1);
    CHECK_EQ(pread(fd, buffer, 201, 0), 201);
    CHECK_EQ(buffer[150], 0);
    CHECK_EQ(buffer[200], 'y');
    CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
    CHECK_OK(truncate("sparse", 3));
    CHECK_OK(stat("sparse", &st));
    CHECK_EQ(st.st_size, 3);
    CHECK_ERRNO(truncate("sparse", -1), EINVAL);
    CHECK_ERRNO(truncate("nothing", 1), ENOENT);
    CHECK_ERRNO(truncate(".", 1), EISDIR);
    CHECK_OK(fallocate(fd, 0, 0, 10000));
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_size, 10000);
    CHECK_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_size, 10000);
    CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
    CHECK_ERRNO(fallocate(fd, 0, -1, 5), EINVAL);
    CHECK_EQ(pwrite(fd, "abc", 3, 0), 3);
    CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 1));
    CHECK_EQ(pread(fd, buffer, 3, 0), 3);
    CHECK(memcmp(buffer, "a\0c", 3) == 0);
    CHECK_OK(close(fd));
    fd = open("sparse", O_RDONLY);
    CHECK_ERRNO(fallocate(fd, 0, 0, 10), EBADF);
    CHECK_OK(close(fd));
    printf("holes: ok\n");
}

static void faults_half_way(void)
{
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(two, 'z', 4096);
    CHECK_OK(munmap(two + 4096, 4096));
    int fd = open("half", O_RDWR | O_CREAT | O_TRUNC, 0644);
    /* Linux may take what comes before the fault, or none of it; never more. */
    ssize_t written = write(fd, two + 4000, 200);
    CHECK(written == 96 || (written == -1 && errno == EFAULT));
    struct stat st;
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_size, written < 0 ? 0 : 96);
    CHECK_OK(ftruncate(fd, 0));
    CHECK_EQ(write(fd, two, 4096), 4096);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    ssize_t got = read(fd, two + 4000, 200);
    CHECK(got == 96 || (got == -1 && errno == EFAULT));
    CHECK_OK(close(fd));
    CHECK_OK(munmap(two, 4096));
    printf("faults half way: ok\n");
}

static void copying(void)
{
    char big[20000], found[20000];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = 'a' + i % 26;
    int from = open("from", O_RDWR | O_CREAT, 0644), to = open("to", O_RDWR | O_CREAT, 0644);
    CHECK_EQ(write(from, big, sizeof big), sizeof big);
    off_t offset = 5;
    CHECK_EQ(sendfile(to, from, &offset, 10000), 10000);
    CHECK_EQ(offset, 10005);
    CHECK_EQ(lseek(from, 0, SEEK_CUR), sizeof big);
    CHECK_EQ(pread(to, found, sizeof found, 0), 10000);
    CHECK(memcmp(found, big + 5, 10000) == 0);
    CHECK_EQ(lseek(from, 0, SEEK_SET), 0);
    CHECK_EQ(sendfile(to, from, NULL, 30000), 20000);
    CHECK_EQ(lseek(from, 0, SEEK_CUR), 20000);
    CHECK_EQ(lseek(to, 0, SEEK_CUR), 30000);
    CHECK_EQ(sendfile(to, from, NULL, 1), 0);
    CHECK_ERRNO(sendfile(-1, from, NULL, 1), EBADF);
    CHECK_ERRNO(sendfile(to, -1, NULL, 1), EBADF);
    CHECK_OK(ftruncate(to, 0));
    off_t in = 0, out = 3;
    CHECK_EQ(copy_file_range(from, &in, to, &out, 7000, 0), 7000);
    CHECK_EQ(in, 7000);
    CHECK_EQ(out, 7003);
    CHECK_EQ(pread(to, found, sizeof found, 0), 7003);
    CHECK(memcmp(found + 3, big, 7000) == 0);
    CHECK_ERRNO(copy_file_range(from, &in, to, &out, 1, 1), EINVAL);
    CHECK_OK(close(from) | close(to));
    int fd = memfd_create("name", MFD_CLOEXEC);
    CHECK_OK(fd);
    CHECK_EQ(write(fd, "memory", 6), 6);
    CHECK_EQ(pread(fd, found, 10, 0), 6);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_OK(close(fd));
    printf("copying: ok\n");
}

static void devices(void)
{
    char buffer[100];
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
    CHECK_OK(null);
    CHECK_OK(zero);
    CHECK_OK(full);
    CHECK_EQ(read(null, buffer, 10), 0);
    CHECK_EQ(write(null, buffer, 10), 10);
    memset(buffer, 1, sizeof buffer);
    CHECK_EQ(read(zero, buffer, sizeof buffer), sizeof buffer);
    for (size_t i = 0; i < sizeof buffer; i++)
        CHECK_EQ(buffer[i], 0);
    CHECK_EQ(write(zero, buffer, 10), 10);
    CHECK_EQ(read(full, buffer, 10), 10);
    CHECK_ERRNO(write(full, buffer, 10), ENOSPC);
    CHECK_EQ(lseek(null, 100, SEEK_SET), 0);
    struct stat st;
    CHECK_OK(fstat(null, &st));
    CHECK(S_ISCHR(st.st_mode));
    CHECK_EQ(st.st_rdev, 0x103);
    CHECK_OK(close(null) | close(zero) | close(full));
    int random = open("/dev/urandom", O_RDONLY);
    CHECK_EQ(read(random, buffer, sizeof buffer), sizeof buffer);
    int zeroes = 0;
    for (size_t i = 0; i < sizeof buffer; i++)
        zeroes += buffer[i] == 0;
    CHECK(zeroes < 20);
    CHECK_OK(close(random));
    printf("devices: ok\n");
}

static void mapping(void)
{
    put_text("map", "mapped");
    int fd = open("map", O_RDWR), reader = open("map", O_RDONLY), writer = open("map", O_WRONLY);
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
    CHECK(shared != MAP_FAILED && private != MAP_FAILED);
    CHECK(memcmp(shared, "mapped\0", 7) == 0);
    shared[0] = 'M';
    private[1] = 'X';
    CHECK_OK(msync(shared, 4096, MS_SYNC));
    check_text("map", "Mapped");
    CHECK_EQ(pwrite(fd, "PED", 3, 3), 3);
    CHECK(memcmp(shared, "MapPED", 6) == 0);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, writer, 0) == MAP_FAILED && errno == EACCES);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 5) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EINVAL);
    int directory = open(".", O_RDONLY);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, directory, 0) == MAP_FAILED && errno == ENODEV);
    CHECK_OK(close(fd) | close(reader) | close(writer) | close(directory));
    CHECK_OK(unlink("map"));
    shared[1] = 'A';
    CHECK_EQ(shared[1], 'A');
    char *read_only = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd = open("map2", O_RDONLY | O_CREAT, 0644), 0);
    CHECK(read_only != MAP_FAILED);
    CHECK_ERRNO(mprotect(read_only, 4096, PROT_READ | PROT_WRITE), EACCES);
    CHECK_OK(munmap(shared, 4096) | munmap(private, 4096) | munmap(read_only, 4096) | close(fd));
    /* Behind the end of the file there is nothing. */
    fd = open("map3", O_RDWR | O_CREAT, 0644);
    CHECK_OK(ftruncate(fd, 3 * 4096));
    shared = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(shared != MAP_FAILED);
    memset(shared, 'm', 3 * 4096);
    CHECK_OK(ftruncate(fd, 4096 + 10));
    CHECK_EQ(shared[4096 + 9], 'm');
    CHECK_EQ(shared[4096 + 10], 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        shared[2 * 4096] = 1;
        _exit(0);
    }
    CHECK_EQ(WTERMSIG(wait_status_of(pid)), SIGBUS);
    CHECK_OK(ftruncate(fd, 3 * 4096));
    CHECK_EQ(shared[2 * 4096], 0);
    pid = fork(); /* a child sees the same memory */
    if (pid == 0) {
        shared[2 * 4096] = 7;
        _exit(0);
    }
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_EQ(shared[2 * 4096], 7);
    CHECK_OK(munmap(shared, 3 * 4096) | close(fd));
    int zero = open("/dev/zero", O_RDWR);
    char *zeroes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    CHECK(zeroes != MAP_FAILED);
    CHECK_EQ(zeroes[100], 0);
    zeroes[100] = 1;
    CHECK_OK(munmap(zeroes, 4096) | close(zero));
    printf("mapping: ok\n");
}

static void unlinked(void)
{
    char buffer[16];
    int fd = open("gone", O_RDWR | O_CREAT, 0644);
    CHECK_EQ(write(fd, "still", 5), 5);
    CHECK_OK(unlink("gone"));
    CHECK_EQ(pread(fd, buffer, 16, 0), 5);
    struct stat st;
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_nlink, 0);
    CHECK_ERRNO(open("gone", O_RDONLY), ENOENT);
    CHECK_OK(close(fd));
    fd = open(".", O_TMPFILE | O_RDWR, 0600);
    if (fd >= 0) { /* not every file system has it */
        CHECK_EQ(write(fd, "nameless", 8), 8);
        CHECK_OK(fstat(fd, &st));
        CHECK_EQ(st.st_nlink, 0);
        CHECK_OK(close(fd));
    }
    printf("unlinked: ok\n");
}

static void syncing(void)
{
    int fd = open("a", O_RDWR), directory = open(".", O_RDONLY | O_DIRECTORY), null = open("/dev/null", O_RDWR);
    CHECK_OK(fsync(fd) | fdatasync(fd) | fsync(directory) | syncfs(fd));
    CHECK_ERRNO(fsync(null), EINVAL);
    CHECK_ERRNO(fsync(-1), EBADF);
    CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    CHECK_EQ(posix_fadvise(fd, 0, 0, 77), EINVAL);
    CHECK_OK(close(fd) | close(directory) | close(null));
    printf("syncing: ok\n");
}

int files_data_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    enter_scratch();
    reading_and_writing();
    appending();
    holes();
    faults_half_way();
    copying();
    devices();
    mapping();
    unlinked();
    syncing();
    leave_scratch();
    printf("files_data: ok\n");
    return 0;
}
