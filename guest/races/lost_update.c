/*
 * A counter without a lock: both threads read the same value, and one of the two increments is lost.
 */

#include <assert.h>

#include "races.h"

static long counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *count(void *unused)
{
    (void)unused;
    if (fixed)
        pthread_mutex_lock(&lock);
    counter++;
    if (fixed)
        pthread_mutex_unlock(&lock);
    return NULL;
}

void lost_update(void)
{
    pthread_t a = start(count, NULL);
    pthread_t b = start(count, NULL);
    await(a);
    await(b);
    assert(counter == 2);
}
