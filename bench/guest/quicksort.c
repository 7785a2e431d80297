/* Recursive quicksort of random numbers, median of three, insertion for short parts: branches that nobody can predict. */

#include "bench.h"

#define COUNT 100000
#define SHORT 12

static uint32_t numbers[COUNT], sorted[COUNT];

static void insertion(uint32_t *v, long n) {
    for (long i = 1; i < n; i++) {
        uint32_t x = v[i];
        long j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

static inline uint32_t median(uint32_t a, uint32_t b, uint32_t c) {
    if (a < b)
        return b < c ? b : a < c ? c : a;
    return a < c ? a : b < c ? c : b;
}

static NOINLINE void quicksort(uint32_t *v, long n) {
    if (n <= SHORT) {
        insertion(v, n);
        return;
    }
    uint32_t pivot = median(v[0], v[n / 2], v[n - 1]);
    long i = -1, j = n;
    for (;;) {
        do
            i++;
        while (v[i] < pivot);
        do
            j--;
        while (v[j] > pivot);
        if (i >= j)
            break;
        uint32_t t = v[i];
        v[i] = v[j];
        v[j] = t;
    }
    quicksort(v, j + 1);
    quicksort(v + j + 1, n - j - 1);
}

/* Of a sorted array the same numbers, whatever their order. */
static uint64_t sum_of(const uint32_t *v) {
    uint64_t sum = 0;
    for (long i = 0; i < COUNT; i++)
        sum += v[i] ^ (uint64_t)v[i] * v[i];
    return sum;
}

int main(int argc, char **argv) {
    long repetitions = argument(argc, argv, 1, 1);
    uint64_t state = 4711;
    for (long i = 0; i < COUNT; i++)
        numbers[i] = (uint32_t)(next_random(&state) >> 32);
    uint64_t sum = sum_of(numbers);

    uint64_t ns = 0;
    for (long r = 0; r < repetitions; r++) {
        memcpy(sorted, numbers, sizeof sorted);
        FORGET();
        uint64_t begin = now_ns();
        quicksort(sorted, COUNT);
        ns += now_ns() - begin;
        for (long i = 1; i < COUNT; i++)
            if (sorted[i - 1] > sorted[i])
                fail("quicksort: number %ld is less than the one before", i);
        EXPECT(sum_of(sorted), sum);
    }
    report(sorted[COUNT / 2], ns);
    return 0;
}
