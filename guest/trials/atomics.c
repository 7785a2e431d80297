/* C11 atomics: every width and operation, counted across threads; message passing; Dekker's lock, which needs full fences. */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "check.h"

#define THREADS 4

static long rounds;
static _Atomic uint8_t sum8;
static _Atomic uint16_t sum16;
static _Atomic uint32_t sum32, bits32, maximum;
static _Atomic uint64_t sum64, xor64;
static _Atomic long compare_sum;
static long plain, message;
static atomic_int flag[2], turn, ready;

static void *count(void *argument)
{
    uint32_t me = (uint32_t)(uintptr_t)argument;
    for (long i = 0; i < rounds; i++) {
        atomic_fetch_add(&sum8, 1);
        atomic_fetch_add(&sum16, 1);
        atomic_fetch_add(&sum32, 3);
        atomic_fetch_sub(&sum64, 1);
        atomic_fetch_xor(&xor64, (uint64_t)i << me * 8);
        atomic_fetch_or(&bits32, 1u << (me * 8 + (uint32_t)i % 8));
        uint32_t seen = atomic_load(&maximum), mine = (uint32_t)i * THREADS + me;
        while (seen < mine && !atomic_compare_exchange_weak(&maximum, &seen, mine)) {
        }
        long old = atomic_load_explicit(&compare_sum, memory_order_relaxed);
        while (!atomic_compare_exchange_strong(&compare_sum, &old, old + 2)) {
        }
    }
    return NULL;
}

static void *produce(void *unused)
{
    for (long i = 1; i <= rounds / 4; i++) {
        while (atomic_load_explicit(&ready, memory_order_acquire))
            sched_yield();
        message = i * 7;
        atomic_store_explicit(&ready, 1, memory_order_release);
    }
    return unused;
}

static void consume(void)
{
    for (long i = 1; i <= rounds / 4; i++) {
        while (!atomic_load_explicit(&ready, memory_order_acquire))
            sched_yield();
        CHECK_EQ(message, i * 7);
        atomic_store_explicit(&ready, 0, memory_order_release);
    }
}

static void *dekker(void *argument)
{
    int me = (int)(intptr_t)argument;
    for (long i = 0; i < rounds / 4; i++) {
        atomic_store(&flag[me], 1);
        while (atomic_load(&flag[!me])) {
            if (atomic_load(&turn) != me) {
                atomic_store(&flag[me], 0);
                while (atomic_load(&turn) != me)
                    sched_yield();
                atomic_store(&flag[me], 1);
            }
        }
        plain++;
        atomic_store(&turn, !me);
        atomic_store(&flag[me], 0);
    }
    /* Leave the other one its turn for good. */
    atomic_store(&turn, !me);
    return NULL;
}

/* The AMOs that C cannot name. */
static void minima(void)
{
    int32_t w = -5;
    uint32_t uw = 5;
    int64_t d = 7, old;
    uint64_t ud = 9;
    __asm__ volatile("amomin.w %0, %2, %1" : "=r"(old), "+A"(w) : "r"(-9L));
    CHECK(old == -5 && w == -9);
    __asm__ volatile("amomax.w %0, %2, %1" : "=r"(old), "+A"(w) : "r"(3L));
    CHECK(old == -9 && w == 3);
    __asm__ volatile("amominu.w %0, %2, %1" : "=r"(old), "+A"(uw) : "r"(-1L));
    CHECK(old == 5 && uw == 5);
    __asm__ volatile("amomaxu.w %0, %2, %1" : "=r"(old), "+A"(uw) : "r"(-1L));
    CHECK(old == 5 && uw == 0xffffffffu);
    __asm__ volatile("amoswap.w %0, %2, %1" : "=r"(old), "+A"(uw) : "r"(1L));
    CHECK(old == -1 && uw == 1); /* .w results are sign-extended */
    __asm__ volatile("amomin.d %0, %2, %1" : "=r"(old), "+A"(d) : "r"(-1L));
    CHECK(old == 7 && d == -1);
    __asm__ volatile("amomax.d %0, %2, %1" : "=r"(old), "+A"(d) : "r"(2L));
    CHECK(old == -1 && d == 2);
    __asm__ volatile("amomaxu.d %0, %2, %1" : "=r"(old), "+A"(ud) : "r"(-1L));
    CHECK(old == 9 && ud == UINT64_MAX);
    __asm__ volatile("amominu.d %0, %2, %1" : "=r"(old), "+A"(ud) : "r"(4L));
    CHECK(old == -1 && ud == 4);
    __asm__ volatile("amoand.d %0, %2, %1" : "=r"(old), "+A"(ud) : "r"(12L));
    CHECK(old == 4 && ud == 4);
}

int atomics_trial(int argc, char **argv)
{
    pthread_t threads[THREADS];
    rounds = number_argument(argc, argv, 1, 8000);

    minima();
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, count, (void *)i));
    for (int i = 0; i < THREADS; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    CHECK_EQ(sum8, (uint8_t)(THREADS * rounds));
    CHECK_EQ(sum16, (uint16_t)(THREADS * rounds));
    CHECK_EQ(sum32, 3 * THREADS * rounds);
    CHECK_EQ(sum64, -THREADS * rounds);
    CHECK_EQ(compare_sum, 2 * THREADS * rounds);
    CHECK_EQ(maximum, rounds * THREADS - 1);
    uint64_t each = 0, all = 0;
    for (long i = 0; i < rounds; i++)
        each ^= (uint64_t)i;
    for (int i = 0; i < THREADS; i++)
        all ^= each << i * 8;
    CHECK_EQ(xor64, all);
    if (rounds >= 8)
        CHECK_EQ(bits32, 0xffffffffu);
    printf("counters: ok\n");

    CHECK_ZERO(pthread_create(&threads[0], NULL, produce, NULL));
    consume();
    CHECK_ZERO(pthread_join(threads[0], NULL));
    printf("message passing: ok\n");

    for (intptr_t i = 0; i < 2; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, dekker, (void *)i));
    for (int i = 0; i < 2; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    CHECK_EQ(plain, rounds / 4 * 2);
    printf("atomics: ok\n");
    return 0;
}
