/*
 * A mutex made of one word and futexes: 0 it is free, 1 somebody has it, 2 somebody has it and others may sleep (the third mutex of
 * Drepper, "Futexes are tricky").
 *
 * Who sleeps has left a 2 behind, and whoever has slept locks with a 2, for it cannot know whether it was the last; so an unlock that finds 2
 * wakes one, and one that finds 1 needs to wake nobody.
 */

#include <sys/syscall.h>

#include "agent.h"

#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

long lock(int32_t *word)
{
    int32_t expected = 0;
    if (__atomic_compare_exchange_n(word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return 0;
    long slept = 0;
    while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0) {
        call6(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
        slept++;
    }
    return slept;
}

long unlock(int32_t *word)
{
    if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) != 2)
        return 0;
    return call6(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}
