/* Deep recursion: the stack grows on demand, and a thread's stack is its own. */

#include <pthread.h>

#include "check.h"

__attribute__((noinline)) static uint64_t sum_down(uint64_t n)
{
    volatile char frame[200];
    frame[n % sizeof frame] = (char)n;
    if (n == 0)
        return 0;
    uint64_t below = sum_down(n - 1);
    CHECK_EQ(frame[n % sizeof frame], (char)n);
    return below + n;
}

static void *in_thread(void *unused)
{
    CHECK_EQ(sum_down(10000), 50005000);
    return unused;
}

__attribute__((noinline)) static size_t large_frame(void)
{
    volatile char block[6 * 1024 * 1024];
    /* From the far end towards the near one: the pages between have never been touched. */
    block[0] = 1;
    block[sizeof block - 1] = 2;
    return sizeof block - 3 + (size_t)(block[0] + block[sizeof block - 1]);
}

int stack_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t threads[4];

    CHECK_EQ(sum_down(20000), 200010000);
    printf("main thread: ok\n");
    CHECK_EQ(large_frame(), 6 * 1024 * 1024);
    printf("large frame: ok\n");
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, in_thread, NULL));
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    printf("stack: ok\n");
    return 0;
}
