/* Recursive calls: Fibonacci's numbers, Ackermann's function, and the towers of Hanoi with a move noted in memory for each disc. */

#include "bench.h"

#define FIB 24
#define FIB_RESULT 46368
#define ACK_M 3
#define ACK_N 5
#define ACK_RESULT 253 /* 2^(n+3) - 3 */
#define DISCS 14

static NOINLINE uint64_t fib(uint64_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static NOINLINE uint64_t ack(uint64_t m, uint64_t n) {
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ack(m - 1, 1);
    return ack(m - 1, ack(m, n - 1));
}

static uint32_t discs_on[3];

static NOINLINE uint64_t hanoi(int discs, int from, int to, int over) {
    if (discs == 0)
        return 0;
    uint64_t moves = hanoi(discs - 1, from, over, to);
    discs_on[from]--;
    discs_on[to]++;
    return moves + 1 + hanoi(discs - 1, over, to, from);
}

int main(int argc, char **argv) {
    long repetitions = argument(argc, argv, 1, 1);
    uint64_t begin = now_ns();
    for (long i = 0; i < repetitions; i++) {
        EXPECT(fib(OPAQUE(FIB)), FIB_RESULT);
        EXPECT(ack(OPAQUE(ACK_M), OPAQUE(ACK_N)), ACK_RESULT);
        discs_on[0] = DISCS;
        discs_on[2] = 0;
        EXPECT(hanoi(OPAQUE(DISCS), 0, 2, 1), (1 << DISCS) - 1);
        EXPECT(discs_on[2], DISCS);
        FORGET();
    }
    report(FIB_RESULT, now_ns() - begin);
    return 0;
}
