/* Load-reserved and store-conditional: when they must succeed, when they must fail, and that they count right across threads. */

#include <pthread.h>

#include "check.h"

static uint64_t cell64 __attribute__((aligned(64)));
static uint32_t cell32 __attribute__((aligned(64)));
static volatile uint32_t step;
static long rounds;

#define LR_D(address) ({ uint64_t v; __asm__ volatile("lr.d.aqrl %0, %1" : "=r"(v) : "A"(*(address)) : "memory"); v; })
#define SC_D(address, value) \
    ({ uint64_t f; __asm__ volatile("sc.d.aqrl %0, %2, %1" : "=&r"(f), "+A"(*(address)) : "r"(value) : "memory"); f; })
#define LR_W(address) ({ int64_t v; __asm__ volatile("lr.w.aqrl %0, %1" : "=r"(v) : "A"(*(address)) : "memory"); v; })
#define SC_W(address, value) \
    ({ uint64_t f; __asm__ volatile("sc.w.aqrl %0, %2, %1" : "=&r"(f), "+A"(*(address)) : "r"(value) : "memory"); f; })

static void *count(void *unused)
{
    for (long i = 0; i < rounds; i++) {
        uint64_t value, failed;
        /* The loop as the architecture promises progress for: nothing but a few instructions between the two. */
        __asm__ volatile("1: lr.d.aq %0, %2\n   addi %0, %0, 1\n   sc.d.rl %1, %0, %2\n   bnez %1, 1b"
                         : "=&r"(value), "=&r"(failed), "+A"(cell64)
                         :
                         : "memory");
        __asm__ volatile("1: lr.w.aq %0, %2\n   addiw %0, %0, 1\n   sc.w.rl %1, %0, %2\n   bnez %1, 1b"
                         : "=&r"(value), "=&r"(failed), "+A"(cell32)
                         :
                         : "memory");
    }
    return unused;
}

/* Stores another value into the cell when the main thread has reserved it. */
static void *disturb(void *unused)
{
    while (step != 1) {
    }
    __atomic_store_n(&cell64, 99, __ATOMIC_SEQ_CST);
    step = 2;
    return unused;
}

int lrsc_trial(int argc, char **argv)
{
    rounds = number_argument(argc, argv, 1, 10000);
    pthread_t threads[4];

    /* Alone, a pair succeeds, perhaps not at once. */
    uint64_t failed = 1;
    cell64 = 5;
    for (int i = 0; i < 1000 && failed; i++) {
        CHECK_EQ(LR_D(&cell64), 5);
        failed = SC_D(&cell64, 6ul);
    }
    CHECK_EQ(failed, 0);
    CHECK_EQ(cell64, 6);
    /* The reservation is gone: a second store-conditional fails. */
    CHECK(SC_D(&cell64, 7ul) != 0);
    CHECK_EQ(cell64, 6);

    /* lr.w sign-extends. */
    cell32 = 0x80000000u;
    CHECK_EQ(LR_W(&cell32), (int32_t)0x80000000u);

    /* To another address it may fail or not, but must not store when it says that it failed. */
    (void)LR_W(&cell32);
    failed = SC_D(&cell64, 8ul);
    CHECK_EQ(cell64, failed ? 6 : 8);

    /* Another thread's store of another value breaks the reservation. */
    cell64 = 1;
    CHECK_ZERO(pthread_create(&threads[0], NULL, disturb, NULL));
    CHECK_EQ(LR_D(&cell64), 1);
    step = 1;
    while (step != 2) {
    }
    CHECK(SC_D(&cell64, 2ul) != 0);
    CHECK_EQ(cell64, 99);
    CHECK_ZERO(pthread_join(threads[0], NULL));
    printf("reservations: ok\n");

    cell64 = 0;
    cell32 = 0;
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, count, NULL));
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    CHECK_EQ(cell64, 4 * rounds);
    CHECK_EQ(cell32, 4 * rounds);
    printf("lrsc: ok\n");
    return 0;
}
