/* What trials share: see check.h. */

#include "check.h"

#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/wait.h>

#include "hartbeat.h"

extern char **environ;

#define MAX_ARGUMENTS 16

void check_failed(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    char what[512];
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    fflush(stderr);
    _Exit(1);
}

pid_t spawn_self(const char *argument, ...)
{
    char *argv[MAX_ARGUMENTS];
    const char *runner = getenv("TRIALS_RUNNER");
    char *path = (char *)getauxval(AT_EXECFN);
    char *self = path ? path : "/bin/trials";
    int n = 0;
    va_list arguments;
    pid_t pid;

    if (runner)
        argv[n++] = (char *)runner;
    argv[n++] = self;
    va_start(arguments, argument);
    for (const char *a = argument; a; a = va_arg(arguments, const char *)) {
        CHECK(n < MAX_ARGUMENTS - 1);
        argv[n++] = (char *)a;
    }
    va_end(arguments);
    argv[n] = NULL;
    fflush(NULL);
    CHECK_ZERO(posix_spawn(&pid, runner ? runner : self, NULL, NULL, argv, environ));
    return pid;
}

int wait_status_of(pid_t pid)
{
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    return status;
}

long number_argument(int argc, char **argv, int index, long otherwise)
{
    char *end;
    if (index >= argc)
        return otherwise;
    long value = strtol(argv[index], &end, 0);
    if (end == argv[index] || *end || value < 0) {
        fprintf(stderr, "%s: %s: not a number\n", argv[0], argv[index]);
        exit(2);
    }
    return value;
}

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void sleep_ms(long milliseconds)
{
    struct timespec left = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
    while (nanosleep(&left, &left) == -1) {
    }
}

bool on_hartbeat(void)
{
    return hb_harts(NULL, 0) > 0;
}

int hart_count(void)
{
    int harts = hb_harts(NULL, 0);
    cpu_set_t set;
    if (harts > 0)
        return harts;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void pin_to(int hart)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(hart % hart_count(), &set);
    CHECK_OK(sched_setaffinity(0, sizeof set, &set));
}

uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}
