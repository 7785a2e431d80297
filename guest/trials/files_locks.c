/* Advisory locks: ranges and whole files, of processes, open files and flock; who waits, and what takes them away. */

/* The size of guest/bin is limited, and nothing here is about speed. */
#pragma GCC optimize("Os")

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "check.h"
#include "files.h"

static int set(int fd, int command, int type, off_t start, off_t length)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    return fcntl(fd, command, &lock);
}

/* What another process is told that asks for a write lock: type, range. */
static void told(int fd, int type, off_t start, off_t length)
{
    fflush(stdout);
    pid_t parent = getpid(), pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };
        CHECK_OK(fcntl(fd, F_GETLK, &lock));
        CHECK_EQ(lock.l_type, type);
        if (type != F_UNLCK) {
            CHECK_EQ(lock.l_start, start);
            CHECK_EQ(lock.l_len, length);
            CHECK_EQ(lock.l_pid, parent);
            CHECK_ERRNO(set(fd, F_SETLK, F_WRLCK, start, 1), EAGAIN);
        }
        _exit(0);
    }
    CHECK_EQ(wait_status_of(pid), 0);
}

static void ranges(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644), reader = open("file", O_RDONLY);
    CHECK_OK(set(fd, F_SETLK, F_WRLCK, 10, 10));
    told(fd, F_WRLCK, 10, 10);
    CHECK_OK(set(fd, F_SETLK, F_UNLCK, 13, 4)); /* a hole in the middle */
    CHECK_OK(set(fd, F_SETLK, F_UNLCK, 10, 3));
    told(fd, F_WRLCK, 17, 3);
    CHECK_OK(set(fd, F_SETLK, F_RDLCK, 17, 3)); /* its own does not stand in its way */
    told(fd, F_RDLCK, 17, 3);
    CHECK_OK(set(fd, F_SETLK, F_RDLCK, 20, 5)); /* neighbours become one */
    told(fd, F_RDLCK, 17, 8);
    CHECK_OK(set(fd, F_SETLK, F_UNLCK, 0, 0));
    told(fd, F_UNLCK, 0, 0);
    CHECK_OK(set(fd, F_SETLK, F_WRLCK, 5, 0)); /* to the end, wherever that is */
    told(fd, F_WRLCK, 5, 0);
    struct flock back = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = -5 };
    CHECK_OK(fcntl(fd, F_SETLK, &back));
    told(fd, F_WRLCK, 0, 0);
    CHECK_OK(close(open("file", O_RDONLY))); /* any descriptor of the file that is closed takes them away */
    told(fd, F_UNLCK, 0, 0);

    CHECK_ERRNO(set(reader, F_SETLK, F_WRLCK, 0, 1), EBADF);
    CHECK_OK(set(reader, F_SETLK, F_RDLCK, 0, 1));
    CHECK_ERRNO(set(fd, F_SETLK, 7, 0, 1), EINVAL);
    CHECK_ERRNO(set(fd, F_SETLK, F_WRLCK, -1, 1), EINVAL);
    CHECK_ERRNO(set(fd, F_SETLK, F_WRLCK, 2, -3), EINVAL);
    CHECK_ERRNO(set(99, F_SETLK, F_WRLCK, 0, 1), EBADF);
    back.l_whence = 9;
    CHECK_ERRNO(fcntl(fd, F_SETLK, &back), EINVAL);
    CHECK_ERRNO(fcntl(fd, F_SETLK, (void *)-1), EFAULT);
    CHECK_OK(close(fd) | close(reader));
    printf("ranges: ok\n");
}

static void do_nothing(int signal)
{
    (void)signal;
}

static void waiting(void)
{
    int fd = open("file", O_RDWR), ready[2], done[2];
    char byte = 0;
    CHECK_OK(pipe(ready) | pipe(done));
    CHECK_OK(set(fd, F_SETLK, F_WRLCK, 0, 100));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK_EQ(write(ready[1], &byte, 1), 1);
        CHECK_OK(set(fd, F_SETLKW, F_WRLCK, 50, 1));
        CHECK_EQ(write(done[1], &byte, 1), 1);
        pause(); /* dies with its lock */
    }
    CHECK_EQ(read(ready[0], &byte, 1), 1);
    sleep_ms(30);
    CHECK_OK(fcntl(done[0], F_SETFL, O_NONBLOCK));
    CHECK_ERRNO(read(done[0], &byte, 1), EAGAIN); /* it waits */
    CHECK_OK(fcntl(done[0], F_SETFL, 0));
    CHECK_OK(set(fd, F_SETLK, F_UNLCK, 50, 50));
    CHECK_EQ(read(done[0], &byte, 1), 1);
    CHECK_ERRNO(set(fd, F_SETLK, F_RDLCK, 40, 20), EAGAIN);
    CHECK_OK(kill(pid, SIGKILL));
    CHECK_OK(set(fd, F_SETLKW, F_WRLCK, 0, 0));
    wait_status_of(pid);

    /* A signal ends the waiting. */
    pid = fork();
    if (pid == 0) {
        struct sigaction act = { .sa_handler = do_nothing };
        sigaction(SIGALRM, &act, NULL);
        alarm(1);
        CHECK_ERRNO(set(fd, F_SETLKW, F_WRLCK, 0, 1), EINTR);
        _exit(0);
    }
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_OK(close(fd) | close(ready[0]) | close(ready[1]) | close(done[0]) | close(done[1]));
    printf("waiting: ok\n");
}

static void of_open_files(void)
{
    int one = open("file", O_RDWR), two = open("file", O_RDWR), twin = dup(one);
    CHECK_OK(set(one, F_OFD_SETLK, F_WRLCK, 0, 10));
    CHECK_ERRNO(set(two, F_OFD_SETLK, F_WRLCK, 5, 10), EAGAIN);
    CHECK_OK(set(twin, F_OFD_SETLK, F_WRLCK, 5, 10)); /* the same open file */
    CHECK_ERRNO(set(two, F_SETLK, F_WRLCK, 0, 1), EAGAIN); /* in the way of the process, too */
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    CHECK_OK(fcntl(two, F_OFD_GETLK, &lock));
    CHECK_EQ(lock.l_pid, -1);
    CHECK_EQ(lock.l_len, 15);
    lock.l_pid = 5;
    CHECK_ERRNO(fcntl(two, F_OFD_SETLK, &lock), EINVAL);
    CHECK_OK(close(one));
    CHECK_ERRNO(set(two, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN);
    CHECK_OK(close(twin));
    CHECK_OK(set(two, F_OFD_SETLK, F_WRLCK, 0, 1));
    CHECK_OK(close(two));
    printf("of open files: ok\n");
}

static void whole_files(void)
{
    int one = open("file", O_RDONLY), two = open("file", O_RDONLY), twin = dup(one);
    CHECK_OK(flock(one, LOCK_SH));
    CHECK_OK(flock(two, LOCK_SH));
    CHECK_ERRNO(flock(one, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_OK(flock(two, LOCK_UN));
    CHECK_OK(flock(twin, LOCK_EX | LOCK_NB));
    CHECK_ERRNO(flock(two, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    int writer = open("file", O_RDWR);
    CHECK_OK(set(writer, F_SETLK, F_WRLCK, 0, 0)); /* they do not see each other */
    CHECK_OK(close(one));
    CHECK_ERRNO(flock(two, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK_OK(close(twin));
    CHECK_OK(flock(two, LOCK_EX));
    CHECK_ERRNO(flock(two, 0), EINVAL);
    CHECK_ERRNO(flock(99, LOCK_SH), EBADF);
    int directory = open(".", O_RDONLY);
    CHECK_OK(flock(directory, LOCK_EX));
    fflush(stdout);
    pid_t pid = fork(); /* the child has the same open file */
    if (pid == 0) {
        CHECK_OK(flock(two, LOCK_EX | LOCK_NB));
        _exit(0);
    }
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_OK(close(two) | close(writer) | close(directory));
    printf("whole files: ok\n");
}

/* Many processes count under a lock: none is lost. */
static void counting(void)
{
    enum { PROCESSES = 5, ROUNDS = 40 };
    put_text("count", "0");
    pid_t pids[PROCESSES];
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            int fd = open("count", O_RDWR);
            for (int round = 0; round < ROUNDS; round++) {
                char text[16] = { 0 };
                CHECK_OK(i % 2 ? flock(fd, LOCK_UN) : 0);
                CHECK_OK(set(fd, F_SETLKW, F_WRLCK, 0, 0));
                CHECK(pread(fd, text, 15, 0) > 0);
                int length = snprintf(text, sizeof text, "%d", atoi(text) + 1);
                CHECK_EQ(pwrite(fd, text, length, 0), length);
                CHECK_OK(set(fd, F_SETLK, F_UNLCK, 0, 0));
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++)
        CHECK_EQ(wait_status_of(pids[i]), 0);
    check_text("count", "200");
    printf("counting: ok\n");
}

int files_locks_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    enter_scratch();
    ranges();
    waiting();
    of_open_files();
    whole_files();
    counting();
    leave_scratch();
    printf("files_locks: ok\n");
    return 0;
}
