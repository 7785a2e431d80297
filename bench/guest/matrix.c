/*
 * Products of square matrices, elements in 32 or 64 bits or doubles, by the schoolbook's three loops. Each thread computes its rows.
 *
 * The check is Freivalds': A(Br) = Cr for a vector r. That costs n² and knows nothing of the way in which C was computed.
 */

#include <math.h>

#include "bench.h"

#define MAX_SIZE 120

typedef uint32_t i32;
typedef uint64_t i64;
typedef double f64;

/* Elements of all bits, which multiply as signed ones do; of the doubles no product or sum is exact. */
static i32 random_i32(uint64_t *state) { return (i32)next_random(state); }
static i64 random_i64(uint64_t *state) { return next_random(state); }
static f64 random_f64(uint64_t *state) { return (f64)(next_random(state) >> 11) / 9007199254740992.0; }

static int same_i32(i32 x, i32 y) { return x == y; }
static int same_i64(i64 x, i64 y) { return x == y; }
static int same_f64(f64 x, f64 y) { return fabs(x - y) <= 1e-10 * fabs(y); }

static volatile long size_ = MAX_SIZE;

#define MATRIX(T) \
    static T a_##T[MAX_SIZE][MAX_SIZE], b_##T[MAX_SIZE][MAX_SIZE], c_##T[MAX_SIZE][MAX_SIZE]; \
\
    static NOINLINE void rows_##T(long low, long high, long n) { \
        for (long i = low; i < high; i++) { \
            for (long j = 0; j < n; j++) { \
                T sum = 0; \
                for (long k = 0; k < n; k++) \
                    sum += a_##T[i][k] * b_##T[k][j]; \
                c_##T[i][j] = sum; \
            } \
        } \
    } \
\
    static void *work_##T(void *argument) { \
        struct share *share = argument; \
        long n = size_; \
        long low = n * share->index / share->threads, high = n * (share->index + 1) / share->threads; \
        for (long r = 0; r < share->repetitions; r++) { \
            /* One that a repetition did not compute is missed. */ \
            for (long i = low; i < high; i++) \
                c_##T[i][(i + r) % n] = 0; \
            rows_##T(low, high, n); \
            FORGET(); \
        } \
        return NULL; \
    } \
\
    static uint64_t prepare_##T(void) { \
        uint64_t state = 88172645463325252u; \
        for (long i = 0; i < MAX_SIZE; i++) { \
            for (long j = 0; j < MAX_SIZE; j++) { \
                a_##T[i][j] = random_##T(&state); \
                b_##T[i][j] = random_##T(&state); \
            } \
        } \
        return state; \
    } \
\
    static uint64_t check_##T(uint64_t state) { \
        T r[MAX_SIZE], br[MAX_SIZE] = {0}, trace = 0; \
        for (long i = 0; i < MAX_SIZE; i++) \
            r[i] = random_##T(&state); \
        for (long i = 0; i < MAX_SIZE; i++) \
            for (long j = 0; j < MAX_SIZE; j++) \
                br[i] += b_##T[i][j] * r[j]; \
        for (long i = 0; i < MAX_SIZE; i++) { \
            T abr = 0, cr = 0; \
            for (long j = 0; j < MAX_SIZE; j++) { \
                abr += a_##T[i][j] * br[j]; \
                cr += c_##T[i][j] * r[j]; \
            } \
            if (!same_##T(abr, cr)) \
                fail("matrix: row %ld of the product is wrong", i); \
            trace += c_##T[i][i]; \
        } \
        return (uint64_t)trace; \
    }

MATRIX(i32)
MATRIX(i64)
MATRIX(f64)

#define RUN(T) \
    if (strcmp(variant, #T) == 0) { \
        uint64_t state = prepare_##T(); \
        uint64_t ns = in_threads(work_##T, shares, threads, repetitions); \
        report(check_##T(state), ns); \
        return 0; \
    }

int main(int argc, char **argv) {
    long repetitions = argument(argc, argv, 1, 1);
    const char *variant = argc > 2 ? argv[2] : "i64";
    int threads = (int)argument(argc, argv, 3, 1);
    struct share shares[MAX_THREADS];
    RUN(i32)
    RUN(i64)
    RUN(f64)
    fail("matrix: '%s' is none of i32, i64, f64", variant);
}
