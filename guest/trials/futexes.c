/* The futex system call itself, beneath the C library. */

#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static uint32_t word, other;
static long woken;

static long futex(uint32_t *address, int operation, uint32_t value, const void *timeout, uint32_t *address2, uint32_t value3)
{
    return syscall(SYS_futex, address, operation, value, timeout, address2, value3);
}

static void *wait_private(void *unused)
{
    CHECK_OK(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    return unused;
}

static void *wait_bits(void *bits)
{
    CHECK_OK(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (uint32_t)(uintptr_t)bits));
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Wakes up to `count` until `expected` in all have been: the waiters may not wait yet. */
static void wake_in_all(uint32_t *address, int count, long expected)
{
    long sum = 0;
    for (int i = 0; i < 5000 && sum < expected; i++) {
        long n = futex(address, FUTEX_WAKE_PRIVATE, (uint32_t)count, NULL, NULL, 0);
        CHECK(n >= 0 && n <= count);
        sum += n;
        if (sum < expected)
            sleep_ms(1);
    }
    CHECK_EQ(sum, expected);
}

static void start(pthread_t *threads, int n, void *(*work)(void *), uintptr_t argument)
{
    for (int i = 0; i < n; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, work, (void *)argument));
}

static void join(pthread_t *threads, int n)
{
    for (int i = 0; i < n; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
}

static void wake_some(void)
{
    pthread_t threads[5];
    woken = 0;
    start(threads, 5, wait_private, 0);
    wake_in_all(&word, 1, 5);
    join(threads, 5);
    CHECK_EQ(woken, 5);
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0), 0);
    printf("wake: ok\n");
}

static void requeue(void)
{
    pthread_t threads[6];
    long moved = 0;
    woken = 0;
    start(threads, 6, wait_private, 0);
    /* Each call wakes none and moves all there are; a call counts what it wakes and moves. */
    for (int i = 0; i < 5000 && moved < 6; i++) {
        long n = futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)100, &other, 0);
        CHECK(n >= 0);
        moved += n;
        if (moved < 6)
            sleep_ms(1);
    }
    CHECK_EQ(moved, 6);
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0), 0);
    CHECK_EQ(woken, 0);
    CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)100, &other, 77), EAGAIN);
    CHECK_EQ(futex(&other, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0), 2);
    CHECK_EQ(futex(&other, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0), 4);
    join(threads, 6);
    CHECK_EQ(woken, 6);
    printf("requeue: ok\n");
}

static void bitsets(void)
{
    pthread_t low, high;
    woken = 0;
    start(&low, 1, wait_bits, 1);
    start(&high, 1, wait_bits, 0x80000000u);
    for (int i = 0; i < 5000 && __atomic_load_n(&woken, __ATOMIC_SEQ_CST) == 0; i++) {
        futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 100, NULL, NULL, 0x80000000u);
        sleep_ms(1);
    }
    join(&high, 1);
    CHECK_EQ(woken, 1); /* the other one's bit was never named */
    wake_in_all(&word, 100, 1);
    join(&low, 1);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    printf("bitsets: ok\n");
}

static void timeouts(void)
{
    struct timespec relative = { 0, 20000000 }, bad = { 0, 1000000000 }, negative = { -1, 0 }, absolute;
    uint64_t before = now_ns();
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, &relative, NULL, 0), ETIMEDOUT);
    CHECK(now_ns() - before >= 20000000);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, &bad, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, &negative, NULL, 0), EINVAL);
    relative.tv_nsec = 0;
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, &relative, NULL, 0), ETIMEDOUT);

    /* WAIT_BITSET takes an absolute time, of the monotonic clock unless told otherwise. */
    clock_gettime(CLOCK_MONOTONIC, &absolute);
    absolute.tv_nsec += 10000000;
    if (absolute.tv_nsec >= 1000000000)
        absolute.tv_sec++, absolute.tv_nsec -= 1000000000;
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &absolute, NULL, ~0u), ETIMEDOUT);
    absolute = (struct timespec){ 1, 0 };
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &absolute, NULL, ~0u), ETIMEDOUT);
    printf("timeouts: ok\n");
}

static void errors(void)
{
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EAGAIN);
    CHECK_ERRNO(futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex((uint32_t *)((char *)&word + 2), FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex((uint32_t *)4096, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
    printf("errors: ok\n");
}

/* A lock of three states (free, taken, taken and awaited), as in "Futexes Are Tricky". */
static uint32_t lock;
static long guarded;

static void *contend(void *unused)
{
    for (int i = 0; i < 2000; i++) {
        uint32_t c = 0;
        if (!__atomic_compare_exchange_n(&lock, &c, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
            if (c != 2)
                c = __atomic_exchange_n(&lock, 2, __ATOMIC_ACQUIRE);
            while (c != 0) {
                futex(&lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
                c = __atomic_exchange_n(&lock, 2, __ATOMIC_ACQUIRE);
            }
        }
        guarded++;
        if (__atomic_exchange_n(&lock, 0, __ATOMIC_RELEASE) == 2)
            futex(&lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    return unused;
}

int futexes_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t threads[6];

    errors();
    timeouts();
    wake_some();
    requeue();
    bitsets();
    start(threads, 6, contend, 0);
    join(threads, 6);
    CHECK_EQ(guarded, 12000);
    printf("lock: %ld\n", guarded);
    printf("futexes: ok\n");
    return 0;
}
