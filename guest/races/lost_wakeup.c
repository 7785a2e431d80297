/*
 * The flag is looked at outside of the lock: if it is set, and the signal given, between the look and the wait, the wait never ends.
 */

#include <stdatomic.h>

#include "races.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static atomic_bool ready;

static void *wait_for_it(void *unused)
{
    (void)unused;
    if (fixed) {
        pthread_mutex_lock(&lock);
        while (!ready)
            pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
    } else if (!ready) {
        pthread_mutex_lock(&lock);
        pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

void lost_wakeup(void)
{
    pthread_t waiter = start(wait_for_it, NULL);
    compute();
    pthread_mutex_lock(&lock);
    ready = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    await(waiter);
}
