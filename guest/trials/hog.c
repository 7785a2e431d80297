/*
 * Takes as much of one thing as there is, and says how it was refused. With `keep`, more than is there for one: the process holds what
 * it has got, and waits to be killed.
 *
 * Memory that is promised but not there kills who touches it (SIGKILL): `memory` and `stack` do not return.
 */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports.h"

#define MOST 20000
#define MEGABYTE (1ul << 20)

extern char **environ;

/* Touches page after page until there is none. */
static int touch_memory(void)
{
    for (;;) {
        char *p = mmap(NULL, MEGABYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        CHECK(p != MAP_FAILED);
        for (size_t i = 0; i < MEGABYTE; i += 4096)
            p[i] = 1;
    }
}

/* Makes the kernel do it: nobody is killed, the calls fail. */
static int populate(void)
{
    for (int i = 0; i < MOST; i++) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE;
        char *p = mmap(NULL, 64 * MEGABYTE, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (p == MAP_FAILED)
            return errno;
    }
    return 0;
}

/* A page table for every page. */
static int page_tables(void)
{
    for (uint64_t at = 1ul << 32; at < 1ul << 38; at += 1ul << 21) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
        char *p = mmap((void *)at, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (p == MAP_FAILED && errno == EEXIST)
            continue;
        if (p == MAP_FAILED)
            return errno;
        *p = 1;
    }
    return 0;
}

/* Areas that cannot be joined. */
static int areas(void)
{
    uint64_t at = 1ul << 33;
    for (int i = 0; i < 100000; i++, at += 8192)
        if (mmap((void *)at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
            return errno;
    return 0;
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        sleep_ms(100000);
    return unused;
}

static int threads(void)
{
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    for (int i = 0; i < MOST; i++) {
        int error = pthread_create(&thread, &small, sleep_for_ever, NULL);
        if (error != 0)
            return error;
    }
    return 0;
}

static void *nothing(void *unused)
{
    return unused;
}

/* Threads that come and go: never more than one beside this one. */
static int threads_in_turn(long count)
{
    pthread_t thread;
    for (long i = 0; i < count; i++) {
        CHECK_ZERO(pthread_create(&thread, NULL, nothing, NULL));
        CHECK_ZERO(pthread_join(thread, NULL));
    }
    return 0;
}

static int processes(void)
{
    static pid_t pids[MOST];
    char *const argv[] = { "trials", "child", "sleep", NULL };
    int count = 0, error = 0;
    while (count < MOST && (error = posix_spawn(&pids[count], "/bin/trials", NULL, NULL, argv, environ)) == 0)
        count++;
    for (int i = 0; i < count; i++)
        CHECK_OK(kill(pids[i], SIGKILL));
    for (int i = 0; i < count; i++)
        wait_status_of(pids[i]);
    return error;
}

/*
 * Children, and with `all` their children, and so on, until there are no more to be had; they wait for the word, in memory that all share,
 * that the first one gives when it has been refused, unless it is to keep them.
 */
static int forks(bool all, bool keep)
{
    volatile int *enough = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(enough != MAP_FAILED);
    pid_t first = getpid();
    for (;;) {
        pid_t pid = fork();
        if (pid > 0 || (pid == 0 && all))
            continue;
        if (pid < 0 && getpid() == first)
            break;
        while (!*enough)
            sleep_ms(5);
        while (wait(NULL) > 0) {
        }
        _exit(0);
    }
    int error = errno;
    if (keep)
        return error;
    *enough = 1;
    while (wait(NULL) > 0) {
    }
    return error;
}

/* Mappings of memory that could be shared. */
static int shared_mappings(void)
{
    for (int i = 0; i < 100000; i++)
        if (mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return errno;
    return 0;
}

static int touch_shared(void)
{
    for (;;) {
        char *p = mmap(NULL, MEGABYTE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        CHECK(p != MAP_FAILED);
        for (size_t i = 0; i < MEGABYTE; i += 4096)
            p[i] = 1;
    }
}

static int ports(void)
{
    for (int i = 0; i < MOST; i++)
        if (ipc_create_port() == -1)
            return errno;
    return 0;
}

/* A file without a name that takes all the room there is for files. */
static int disk(void)
{
    static char block[65536];
    memset(block, 1, sizeof block);
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    CHECK_OK(fd);
    while (write(fd, block, sizeof block) > 0) {
    }
    return errno;
}

/* As many empty files as there can be; they are removed again. */
static int files(void)
{
    char name[32];
    int count = 0, error = 0;
    for (; error == 0; count++) {
        snprintf(name, sizeof name, "/tmp/hog%d", count);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        error = fd < 0 ? errno : 0;
        close(fd);
    }
    while (count-- > 0) {
        snprintf(name, sizeof name, "/tmp/hog%d", count);
        unlink(name);
    }
    return error;
}

static int descriptors(void)
{
    while (dup(0) >= 0) {
    }
    return errno;
}

__attribute__((noinline)) static int recurse(volatile char *above)
{
    volatile char frame[256];
    frame[0] = *above;
    return frame[0] ? 0 : recurse(frame) + frame[0];
}

static void *recurse_in_thread(void *unused)
{
    char c = 0;
    recurse(&c);
    return unused;
}

static int stack_of_thread(void)
{
    pthread_t thread;
    CHECK_ZERO(pthread_create(&thread, NULL, recurse_in_thread, NULL));
    pthread_join(thread, NULL);
    return 0;
}

/* Not printf, which wants memory. */
static void report(int error, bool aloud)
{
    char line[32];
    const char *name = error ? strerrorname_np(error) : "0";
    size_t length = strlen(name);
    memcpy(line, name, length);
    line[length++] = '\n';
    CHECK_OK(write(1, line, aloud ? length : 0));
}

int hog_trial(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int error = -1;
    /* Brings in code and data for the end, while there is memory for them. */
    report(ENOMEM, false);
    sleep_ms(0);
    CHECK_ERRNO(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    if (strcmp(what, "memory") == 0)
        error = touch_memory();
    else if (strcmp(what, "populate") == 0)
        error = populate();
    else if (strcmp(what, "tables") == 0)
        error = page_tables();
    else if (strcmp(what, "areas") == 0)
        error = areas();
    else if (strcmp(what, "threads") == 0)
        error = threads();
    else if (strcmp(what, "turns") == 0)
        error = threads_in_turn(number_argument(argc, argv, 2, 10000));
    else if (strcmp(what, "processes") == 0)
        error = processes();
    else if (strcmp(what, "forks") == 0)
        error = forks(false, argc > 2);
    else if (strcmp(what, "bomb") == 0)
        error = forks(true, argc > 2);
    else if (strcmp(what, "shared") == 0)
        error = touch_shared();
    else if (strcmp(what, "shared-mappings") == 0)
        error = shared_mappings();
    else if (strcmp(what, "ports") == 0)
        error = ports();
    else if (strcmp(what, "disk") == 0)
        error = disk();
    else if (strcmp(what, "files") == 0)
        error = files();
    else if (strcmp(what, "descriptors") == 0)
        error = descriptors();
    else if (strcmp(what, "stack") == 0)
        recurse_in_thread(NULL);
    else if (strcmp(what, "thread-stack") == 0)
        error = stack_of_thread();
    CHECK(error >= 0);
    report(error, true);
    if (argc > 2 && strcmp(argv[2], "keep") == 0)
        sleep_for_ever(NULL);
    _exit(0);
}
