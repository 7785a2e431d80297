/*
 * What the benchmark programs share. Each is one file of plain C that is compiled unchanged for riscv64 and for the host:
 *
 *   program REPETITIONS [VARIANT or SIZE] [THREADS]
 *
 * A program prepares its data, runs its kernel REPETITIONS times between two looks at the clock (so the start of the process is not
 * in the time), checks what came out against a value that is known otherwise, and prints
 *
 *   result=…    a number that depends on the work alone, not on machine or repetitions
 *   ns=…        nanoseconds that the kernel has taken
 *
 * or, when something is wrong, says what on stderr and ends with status 1.
 *
 * Two things keep the comparison honest. Kernels are NOINLINE and their data is FORGOTTEN between repetitions, so that no compiler
 * computes a repetition once for all. Trip counts come from variables: gcc -O2 vectorises only loops whose count it knows, and SIMD
 * instructions, which RV64GC has none of, would compare instruction sets instead of machines.
 */

#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOINLINE __attribute__((noinline, noclone))

/* From here on the compiler knows nothing of what is in memory. */
#define FORGET() __asm__ volatile("" ::: "memory")

/* An opaque copy of a value: the compiler cannot know it to be a constant. */
#define OPAQUE(value) \
    ({ \
        __typeof__(value) opaque_ = (value); \
        __asm__ volatile("" : "+r"(opaque_)); \
        opaque_; \
    })

_Noreturn static inline void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

#define EXPECT(actual, expected) \
    do { \
        unsigned long long actual_ = (unsigned long long)(actual), expected_ = (unsigned long long)(expected); \
        if (actual_ != expected_) \
            fail("%s:%d: %s is %llu (0x%llx), not %llu", __FILE__, __LINE__, #actual, actual_, actual_, expected_); \
    } while (0)

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline uint64_t now_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        fail("clock_gettime: %s", strerror(errno));
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* An argument above 0 as a number; `otherwise` if there is none. */
static inline long argument(int argc, char **argv, int index, long otherwise) {
    if (index >= argc)
        return otherwise;
    char *end;
    long value = strtol(argv[index], &end, 10);
    if (*end != '\0' || value <= 0)
        fail("%s: '%s' is no number above 0", argv[0], argv[index]);
    return value;
}

static inline void report(uint64_t result, uint64_t ns) {
    printf("result=%llu\nns=%llu\n", (unsigned long long)result, (unsigned long long)ns);
}

/* The next of a sequence of pseudo-random numbers (xorshift64*); `state` must not start at 0. */
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

#define MAX_THREADS 64

/* One thread's share of the work. */
struct share {
    /* 0 … threads − 1 */
    int index;
    int threads;
    long repetitions;
    /* Set by the thread. */
    uint64_t result;
    pthread_t thread;
};

/*
 * Runs `work` on as many threads, the calling one being the first, and returns the nanoseconds from before their creation until all
 * have ended. One thread creates none.
 */
static inline uint64_t in_threads(void *(*work)(void *), struct share *shares, int threads, long repetitions) {
    if (threads > MAX_THREADS)
        fail("at most %d threads", MAX_THREADS);
    uint64_t begin = now_ns();
    for (int i = threads - 1; i >= 0; i--) {
        shares[i] = (struct share){.index = i, .threads = threads, .repetitions = repetitions};
        if (i == 0)
            work(&shares[0]);
        else if ((errno = pthread_create(&shares[i].thread, NULL, work, &shares[i])) != 0)
            fail("pthread_create: %s", strerror(errno));
    }
    for (int i = 1; i < threads; i++)
        pthread_join(shares[i].thread, NULL);
    return now_ns() - begin;
}

#endif
