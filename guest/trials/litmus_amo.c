/*
 * Atomicity of every AMO in both widths, of LR/SC, and of the two together, on one word that all threads change.
 *
 * No update may be lost and none be seen twice: counters add up, tokens that are swapped in come out once each, each thread's own
 * bits stay as it left them, maxima never sink and minima never rise.
 */

#include "litmus.h"

#define LANE(me) (0xffull << 8 * (me))

static union {
    uint32_t w;
    uint64_t d;
} cell __attribute__((aligned(128)));

/* What a thread has left, for its next call. */
static struct {
    uint64_t last, given, taken;
} __attribute__((aligned(128))) mine[LITMUS_THREADS];

#define AMO(instruction, word, value) \
    ({ \
        uint64_t amo_old; \
        __asm__ volatile(instruction " %0, %2, %1" : "=r"(amo_old), "+A"(word) : "r"((uint64_t)(value)) : "memory"); \
        amo_old; \
    })

/* Adds by LR/SC. */
#define ADD_LRSC(width, word, value) \
    do { \
        uint64_t add_old, add_failed; \
        __asm__ volatile("1: lr." width " %0, %2\n add %0, %0, %3\n sc." width " %1, %0, %2\n bnez %1, 1b" \
                         : "=&r"(add_old), "=&r"(add_failed), "+A"(word) \
                         : "r"((uint64_t)(value)) \
                         : "memory"); \
    } while (0)

static void reset(void)
{
    cell.d = 0;
    memset(mine, 0, sizeof mine);
}

static long no_wrong(int threads, long rounds)
{
    (void)threads, (void)rounds;
    return 0;
}

/* A pattern within the thread's own byte, never empty. */
static uint64_t bits_of(int me, long i)
{
    uint64_t state = (uint64_t)i * 2654435761u + 1;
    return ((next_random(&state) & 0xff) | 1) << 8 * me;
}

#define RUN(name) static long name(int me, int threads, long first, long count)
#define EACH(i) for (long i = first; i < first + count; i++)

/* Sums: the word in 1s and 3s, so that carries cross the bytes. */
#define COUNTERS(width, type) \
    RUN(add_##width) \
    { \
        (void)me, (void)threads; \
        EACH(i) AMO("amoadd." #width, cell.width, i % 2 ? 1 : 3); \
        return 0; \
    } \
    RUN(lrsc_##width) \
    { \
        (void)me, (void)threads; \
        EACH(i) ADD_LRSC(#width, cell.width, i % 2 ? 1 : 3); \
        return 0; \
    } \
    RUN(mixed_##width) \
    { \
        (void)threads; \
        EACH(i) \
        { \
            if ((me + i / 16) % 2) \
                AMO("amoadd." #width, cell.width, i % 2 ? 1 : 3); \
            else \
                ADD_LRSC(#width, cell.width, i % 2 ? 1 : 3); \
        } \
        return 0; \
    } \
    static long sum_wrong_##width(int threads, long rounds) \
    { \
        return cell.width != (type)((unsigned long)threads * (unsigned long)(rounds / 2 * 1 + (rounds + 1) / 2 * 3)); \
    }

/* Tokens: everything given comes back once, but for the one that is there in the end. */
#define TOKENS(width, type) \
    RUN(swap_##width) \
    { \
        EACH(i) \
        { \
            type token = (type)(i * threads + me + 1); \
            uint64_t old = (type)AMO("amoswap." #width, cell.width, token); \
            mine[me].given += token * (token + 7ull); \
            mine[me].taken += old * (old + 7); \
        } \
        return 0; \
    } \
    static long swap_wrong_##width(int threads, long rounds) \
    { \
        uint64_t left = (uint64_t)cell.width * (cell.width + 7ull); \
        (void)rounds; \
        for (int t = 0; t < threads; t++) \
            left += mine[t].taken - mine[t].given; \
        return left != 0; \
    }

/* Bits: a thread puts bits into its byte and takes them out; nobody else changes them. */
#define BITS(width) \
    RUN(or_##width) \
    { \
        long wrong = 0; \
        (void)threads; \
        EACH(i) \
        { \
            uint64_t bits = bits_of(me, i), more = bits_of(me, i + 1); \
            wrong += (AMO("amoor." #width, cell.width, bits) & LANE(me)) != 0; \
            wrong += (AMO("amoor." #width, cell.width, more) & LANE(me)) != bits; \
            wrong += (AMO("amoxor." #width, cell.width, bits | more) & LANE(me)) != (bits | more); \
        } \
        return wrong; \
    } \
    RUN(and_##width) \
    { \
        long wrong = 0; \
        (void)threads; \
        EACH(i) \
        { \
            uint64_t bits = bits_of(me, i), keep = bits_of(me, i + 1); \
            wrong += (AMO("amoxor." #width, cell.width, bits) & LANE(me)) != 0; \
            wrong += (AMO("amoand." #width, cell.width, ~LANE(me) | keep) & LANE(me)) != bits; \
            wrong += (AMO("amoand." #width, cell.width, ~LANE(me)) & LANE(me)) != (bits & keep); \
        } \
        return wrong; \
    } \
    RUN(xor_##width) \
    { \
        long wrong = 0; \
        (void)threads; \
        EACH(i) \
        { \
            uint64_t bits = bits_of(me, i); \
            wrong += (AMO("amoxor." #width, cell.width, bits) & LANE(me)) != mine[me].last; \
            mine[me].last ^= bits; \
        } \
        return wrong; \
    }

/* Extremes: each thread's values go one way, across the point where signed and unsigned order differ. */
#define EXTREME(name, width, type, from, sign, worse) \
    static void name##_##width##_reset(void) \
    { \
        cell.d = 0; \
        cell.width = (type)(from); \
        for (int t = 0; t < LITMUS_THREADS; t++) \
            mine[t].last = (uint64_t)(type)(from); \
    } \
    RUN(name##_##width) \
    { \
        long wrong = 0; \
        EACH(i) \
        { \
            type value = (type)((uint64_t)(from) + (uint64_t)(sign) * (uint64_t)(i * threads + me)); \
            type old = (type)AMO("amo" #name "." #width, cell.width, (int64_t)(type)value); \
            wrong += old worse (type)mine[me].last; \
            mine[me].last = (uint64_t)value; \
        } \
        return wrong; \
    } \
    static long name##_##width##_wrong(int threads, long rounds) \
    { \
        return (type)cell.width != (type)((uint64_t)(from) + (uint64_t)(sign) * (uint64_t)(rounds * threads - 1)); \
    }

COUNTERS(w, uint32_t)
COUNTERS(d, uint64_t)
TOKENS(w, uint32_t)
TOKENS(d, uint64_t)
BITS(w)
BITS(d)
EXTREME(max, w, int32_t, -1000, 1, <)
EXTREME(max, d, int64_t, -1000, 1, <)
EXTREME(min, w, int32_t, 1000, -1, >)
EXTREME(min, d, int64_t, 1000, -1, >)
EXTREME(maxu, w, uint32_t, 0x80000000u - 1000, 1, <)
EXTREME(maxu, d, uint64_t, (1ull << 63) - 1000, 1, <)
EXTREME(minu, w, uint32_t, 0x80000000u + 1000, -1, >)
EXTREME(minu, d, uint64_t, (1ull << 63) + 1000, -1, >)

const struct contest litmus_amo[] = {
    { "amoadd.w", 0, reset, add_w, sum_wrong_w },
    { "amoadd.d", 0, reset, add_d, sum_wrong_d },
    { "amoswap.w", 0, reset, swap_w, swap_wrong_w },
    { "amoswap.d", 0, reset, swap_d, swap_wrong_d },
    { "amoor.w", 0, reset, or_w, no_wrong },
    { "amoor.d", 0, reset, or_d, no_wrong },
    { "amoand.w", 0, reset, and_w, no_wrong },
    { "amoand.d", 0, reset, and_d, no_wrong },
    { "amoxor.w", 0, reset, xor_w, no_wrong },
    { "amoxor.d", 0, reset, xor_d, no_wrong },
    { "amomax.w", 0, max_w_reset, max_w, max_w_wrong },
    { "amomax.d", 0, max_d_reset, max_d, max_d_wrong },
    { "amomin.w", 0, min_w_reset, min_w, min_w_wrong },
    { "amomin.d", 0, min_d_reset, min_d, min_d_wrong },
    { "amomaxu.w", 0, maxu_w_reset, maxu_w, maxu_w_wrong },
    { "amomaxu.d", 0, maxu_d_reset, maxu_d, maxu_d_wrong },
    { "amominu.w", 0, minu_w_reset, minu_w, minu_w_wrong },
    { "amominu.d", 0, minu_d_reset, minu_d, minu_d_wrong },
    { "lrsc.w", 0, reset, lrsc_w, sum_wrong_w },
    { "lrsc.d", 0, reset, lrsc_d, sum_wrong_d },
    { "lrsc+amoadd.w", 0, reset, mixed_w, sum_wrong_w },
    { "lrsc+amoadd.d", 0, reset, mixed_d, sum_wrong_d },
    { NULL, 0, NULL, NULL, NULL },
};
