/*
 * What programs build of fences and atomics: locks that guard plain data, a sequence lock, and a loop that waits for a plain store.
 */

#include "litmus.h"

#define APART __attribute__((aligned(128)))
#define fence(before, after) __asm__ volatile("fence " #before ", " #after ::: "memory")

static volatile uint32_t flag[2][32] APART;
static volatile uint32_t turn APART;
static volatile uint32_t ticket APART, served APART;
static volatile uint32_t lock APART;
static volatile uint64_t first_word APART, second_word APART;

static void reset(void)
{
    flag[0][0] = flag[1][0] = turn = ticket = served = lock = 0;
    first_word = second_word = 0;
}

/* Under a lock: two words that are equal whenever nobody holds it. */
static long critical(void)
{
    uint64_t value = first_word;
    long wrong = second_word != value;
    first_word = value + 1;
    second_word = value + 1;
    return wrong;
}

static long count_wrong(int threads, long rounds)
{
    return first_word != (uint64_t)threads * (uint64_t)rounds || second_word != first_word;
}

static long peterson(int me, int threads, long first, long count)
{
    long wrong = 0;
    int other = !me;
    (void)threads, (void)first;
    for (; count > 0; count--) {
        unsigned turns = 0;
        flag[me][0] = 1;
        fence(w, w);
        turn = (uint32_t)other;
        fence(rw, rw);
        while (flag[other][0] && turn == (uint32_t)other)
            litmus_relax(&turns);
        fence(r, rw);
        wrong += critical();
        fence(rw, w);
        flag[me][0] = 0;
    }
    return wrong;
}

static long dekker(int me, int threads, long first, long count)
{
    long wrong = 0;
    int other = !me;
    (void)threads, (void)first;
    for (; count > 0; count--) {
        unsigned turns = 0;
        flag[me][0] = 1;
        fence(rw, rw);
        while (flag[other][0]) {
            litmus_relax(&turns);
            if (turn != (uint32_t)me) {
                flag[me][0] = 0;
                while (turn != (uint32_t)me)
                    litmus_relax(&turns);
                flag[me][0] = 1;
                fence(rw, rw);
            }
        }
        fence(r, rw);
        wrong += critical();
        fence(rw, w);
        turn = (uint32_t)other;
        fence(w, w);
        flag[me][0] = 0;
    }
    return wrong;
}

static long swap_lock(int me, int threads, long first, long count)
{
    long wrong = 0;
    (void)me, (void)threads, (void)first;
    for (; count > 0; count--) {
        unsigned turns = 0;
        uint32_t taken;
        for (;;) {
            __asm__ volatile("amoswap.w.aq %0, %2, %1" : "=r"(taken), "+A"(lock) : "r"(1) : "memory");
            if (!taken)
                break;
            litmus_relax(&turns);
        }
        wrong += critical();
        __asm__ volatile("amoswap.w.rl zero, zero, %0" : "+A"(lock)::"memory");
    }
    return wrong;
}

static long lrsc_lock(int me, int threads, long first, long count)
{
    long wrong = 0;
    (void)me, (void)threads, (void)first;
    for (; count > 0; count--) {
        unsigned turns = 0;
        uint64_t failed;
        for (;;) {
            __asm__ volatile("lr.w.aq %0, %1\n bnez %0, 1f\n sc.w %0, %2, %1\n 1:" : "=&r"(failed), "+A"(lock) : "r"(1) : "memory");
            if (!failed)
                break;
            litmus_relax(&turns);
        }
        wrong += critical();
        fence(rw, w);
        lock = 0;
    }
    return wrong;
}

static long ticket_lock(int me, int threads, long first, long count)
{
    long wrong = 0;
    (void)me, (void)threads, (void)first;
    for (; count > 0; count--) {
        unsigned turns = 0;
        uint32_t mine;
        __asm__ volatile("amoadd.w %0, %2, %1" : "=r"(mine), "+A"(ticket) : "r"(1) : "memory");
        while (served != mine)
            litmus_relax(&turns);
        fence(r, rw);
        wrong += critical();
        fence(rw, w);
        served = mine + 1;
    }
    return wrong;
}

/* Thread 0 writes; the others read both words and the sequence number around them. */
static long sequence_lock(int me, int threads, long first, long count)
{
    long wrong = 0;
    (void)threads;
    for (long i = first; i < first + count; i++) {
        if (me == 0) {
            turn = turn + 1;
            fence(w, w);
            first_word = (uint64_t)i + 1;
            second_word = ((uint64_t)i + 1) * 3;
            fence(w, w);
            turn = turn + 1;
        } else {
            unsigned turns = 0;
            uint32_t before;
            uint64_t a, b;
            for (;;) {
                before = turn;
                fence(r, r);
                a = first_word;
                b = second_word;
                fence(r, r);
                if (before % 2 == 0 && turn == before)
                    break;
                litmus_relax(&turns);
            }
            wrong += b != a * 3 || a != before / 2;
        }
    }
    return wrong;
}

static long sequence_wrong(int threads, long rounds)
{
    (void)threads;
    return turn != 2 * (uint32_t)rounds || first_word != (uint64_t)rounds;
}

static void wait_for(volatile uint32_t *word, uint32_t value)
{
    __asm__ volatile("1: lw t0, 0(%0)\n bne t0, %1, 1b" : : "r"(word), "r"((long)(int32_t)value) : "t0", "memory");
}

/*
 * A loop of nothing but a plain load ends when another hart has stored: no load may be moved out of a loop for good. On one hart a
 * wait lasts a time slice, so there are few.
 */
static long plain_wait(int me, int threads, long first, long count)
{
    int waits = hart_count() > 1 ? 16 : 1;
    uint32_t number = (uint32_t)first;
    (void)threads, (void)count;
    for (int i = 0; i < waits; i++) {
        number++;
        if (me == 0) {
            /* Long enough for the other's loop to become hot. */
            for (int delay = i * 400; delay > 0; delay--)
                __asm__ volatile("");
            flag[0][0] = number;
            wait_for(&flag[1][0], number);
        } else {
            wait_for(&flag[0][0], number);
            flag[1][0] = number;
        }
    }
    return 0;
}

static long never_wrong(int threads, long rounds)
{
    (void)threads, (void)rounds;
    return 0;
}

const struct contest litmus_locks[] = {
    { "Peterson", 2, reset, peterson, count_wrong },
    { "Dekker", 2, reset, dekker, count_wrong },
    { "spinlock.amoswap", 0, reset, swap_lock, count_wrong },
    { "spinlock.lrsc", 0, reset, lrsc_lock, count_wrong },
    /* With more threads than host cores, each ticket would wait for the host's scheduler. */
    { "ticketlock", 2, reset, ticket_lock, count_wrong },
    { "seqlock", 0, reset, sequence_lock, sequence_wrong },
    { "wait.plain", 2, reset, plain_wait, never_wrong },
    { NULL, 0, NULL, NULL, NULL },
};
