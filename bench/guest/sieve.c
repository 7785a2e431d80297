/* The sieve of Eratosthenes over bytes: strided stores, then a scan. Each thread sieves its part of the numbers. */

#include "bench.h"

#define LIMIT 2000000
#define PRIMES 148933 /* below LIMIT, from the tables */
#define ROOT 1415
#define LINE 64

static uint8_t composite[LIMIT] __attribute__((aligned(LINE)));

/* Primes in [low, high). */
static NOINLINE uint64_t sieve(uint8_t *marks, long low, long high) {
    uint8_t small[ROOT] = {0};
    memset(marks + low, 0, (size_t)(high - low));
    for (long p = 2; p < ROOT; p++) {
        if (small[p])
            continue;
        for (long m = p * p; m < ROOT; m += p)
            small[m] = 1;
        long first = (low + p - 1) / p * p;
        for (long m = first > p * p ? first : p * p; m < high; m += p)
            marks[m] = 1;
    }
    uint64_t primes = 0;
    for (long n = low < 2 ? 2 : low; n < high; n++)
        if (!marks[n])
            primes++;
    return primes;
}

static void *work(void *argument) {
    struct share *share = argument;
    long part = (LIMIT / share->threads + LINE - 1) / LINE * LINE;
    long low = share->index * part;
    long high = share->index == share->threads - 1 ? LIMIT : low + part;
    for (long i = 0; i < share->repetitions; i++) {
        share->result += sieve(composite, low, high);
        FORGET();
    }
    return NULL;
}

int main(int argc, char **argv) {
    long repetitions = argument(argc, argv, 1, 1);
    int threads = (int)argument(argc, argv, 2, 1);
    struct share shares[MAX_THREADS];
    uint64_t ns = in_threads(work, shares, threads, repetitions);
    uint64_t primes = 0;
    for (int i = 0; i < threads; i++)
        primes += shares[i].result;
    EXPECT(primes, (uint64_t)repetitions * PRIMES);
    report(PRIMES, ns);
    return 0;
}
