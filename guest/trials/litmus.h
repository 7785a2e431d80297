/*
 * Litmus tests: what threads on several harts may see of each other's memory accesses.
 *
 * Two kinds. A `litmus` is a shape: a few instructions per thread over two words, run over fresh words again and again with the
 * threads as close together as can be; the values read and the words' last values are an outcome, and outcomes are counted. A
 * `contest` is a protocol (counters, locks) whose threads run freely, and which counts what went wrong.
 *
 * What is forbidden is what RVWMO forbids (RISC-V Unprivileged ISA, "RVWMO Memory Consistency Model", ppo rules 1-13). What is
 * allowed need not ever be seen: on x86 only the outcomes that come of store buffers are.
 */

#ifndef LITMUS_H
#define LITMUS_H

#include "check.h"

#define LITMUS_THREADS 4

/* The code of one thread: the words x and y, and the values it reports (a and b, of which a histogram tells 0 to 14 apart). */
typedef void litmus_body(uint32_t *x, uint32_t *y, uint64_t *r);

/*
 * Conditions are alternatives separated by |, each a list of what must hold: "1:a=1 1:b=0 x=2" is thread 1's a and b and the last
 * value of x. A shape without bodies from some thread on has no more threads.
 */
struct litmus {
    const char *name;
    litmus_body *bodies[LITMUS_THREADS];
    /* What must not be seen; may be NULL. */
    const char *forbidden;
    /* What only weak memory shows and may be seen; may be NULL. */
    const char *weak;
};

struct contest {
    const char *name;
    /* How many threads; 0: as many as harts, but 2 to LITMUS_THREADS. */
    int threads;
    void (*reset)(void);
    /* Thread `me` does rounds first to first + count - 1 and returns how much went wrong. All threads start a call together. */
    long (*run)(int me, int threads, long first, long count);
    /* What is wrong after all threads have done `rounds`. */
    long (*wrong)(int threads, long rounds);
};

/* The tables, ended by one without a name. */
extern const struct litmus litmus_order[], litmus_coherence[], litmus_reservations[], litmus_rmw[];
extern const struct contest litmus_amo[], litmus_locks[];

/* Run one and print its line; return whether nothing forbidden was seen. */
bool litmus_run_shape(const struct litmus *test, long rounds, bool verbose);
bool litmus_run_contest(const struct contest *test, long rounds, bool verbose);

/* For loops that wait for another thread: call it each time around, with a counter that begins with 0. */
void litmus_relax(unsigned *turns);

/* The body of a thread. In the code, %[a] and %[b] are reported, %[t] is scratch, %[one] and %[two] are values to store. */
#define BODY(name, code) \
    static void name(uint32_t *x, uint32_t *y, uint64_t *r) \
    { \
        uint64_t a = 0, b = 0, t = 0; \
        __asm__ volatile(code \
                         : [a] "+&r"(a), [b] "+&r"(b), [t] "+&r"(t) \
                         : [x] "r"(x), [y] "r"(y), [one] "r"(1l), [two] "r"(2l) \
                         : "memory"); \
        r[0] = a; \
        r[1] = b; \
    }

/* Instructions of bodies: store a value (one, two) to a word (x, y); load a word into a or b. */
#define W(word, value) "sw %[" #value "], 0(%[" #word "])\n"
#define R(value, word) "lw %[" #value "], 0(%[" #word "])\n"
#define FENCE(before, after) "fence " #before ", " #after "\n"

#endif
