/*
 * Checks for trials, and the little they share. A failed check prints file:line and what was found, and ends the process with
 * status 1; so a trial that ends with status 0 has passed.
 *
 * A trial's output is the same on every machine and in every run: no process numbers, addresses or times.
 */

#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

/* Says where and why, and ends the process. */
_Noreturn void check_failed(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define FAIL(...) check_failed(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(condition) \
    do { \
        if (!(condition)) \
            FAIL("%s", #condition); \
    } while (0)

/* Two integers are equal. */
#define CHECK_EQ(actual, expected) \
    do { \
        long long check_a = (long long)(actual), check_e = (long long)(expected); \
        if (check_a != check_e) \
            FAIL("%s is %lld (0x%llx), not %lld", #actual, check_a, check_a, check_e); \
    } while (0)

/* A call does not return -1. */
#define CHECK_OK(call) \
    do { \
        if ((long long)(call) == -1) \
            FAIL("%s: %s", #call, strerrorname_np(errno)); \
    } while (0)

/* A call returns -1 with this errno. */
#define CHECK_ERRNO(call, error) \
    do { \
        errno = 0; \
        long long check_r = (long long)(call); \
        if (check_r != -1 || errno != (error)) \
            FAIL("%s returned %lld with errno %s, not -1 with %s", #call, check_r, errno ? strerrorname_np(errno) : "0", #error); \
    } while (0)

/* A pthread function, or posix_spawn, returns 0. */
#define CHECK_ZERO(call) \
    do { \
        int check_z = (call); \
        if (check_z != 0) \
            FAIL("%s: %s", #call, strerrorname_np(check_z)); \
    } while (0)

struct trial {
    const char *name;
    const char *group;
    const char *arguments;
    const char *summary;
    int (*main)(int argc, char **argv);
};

/* All trials, ended by one without a name. */
extern const struct trial trials[];

#define TRIAL(name, group, arguments, summary) int name##_trial(int argc, char **argv);
#include "trials.h"
#undef TRIAL

/*
 * Starts `trials` again as a new process with these arguments (NULL ends them), through $TRIALS_RUNNER if that is set, as it must be
 * where the system does not run RISC-V executables by itself.
 */
pid_t spawn_self(const char *argument, ...) __attribute__((sentinel));

/* Waits for `pid` and returns its wait status. */
int wait_status_of(pid_t pid);

/* The argument as a number; `otherwise` if there is none. Ends the process if it is no number. */
long number_argument(int argc, char **argv, int index, long otherwise);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t now_ns(void);

void sleep_ms(long milliseconds);

/* Lets the calling thread run on this hart only; modulo the number of harts. */
void pin_to(int hart);

/* True on Hartbeat, false under qemu: for what user-mode qemu is known to do otherwise than Linux. */
bool on_hartbeat(void);

/* Harts of this machine. */
int hart_count(void);

/* The next of a sequence of pseudo-random numbers (xorshift64*), which a seed fixes. */
uint64_t next_random(uint64_t *state);

#endif
