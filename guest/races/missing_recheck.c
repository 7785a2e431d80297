/*
 * `if` instead of `while` around pthread_cond_wait: between the signal and the moment at which the woken thread has the lock again, another
 * one takes what there was.
 */

#include <assert.h>

#include "races.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t there_is_one = PTHREAD_COND_INITIALIZER;
static int items;

static void *take(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    if (fixed) {
        while (items == 0)
            pthread_cond_wait(&there_is_one, &lock);
    } else if (items == 0) {
        pthread_cond_wait(&there_is_one, &lock);
    }
    assert(items > 0);
    items--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void put(void)
{
    pthread_mutex_lock(&lock);
    items++;
    pthread_cond_signal(&there_is_one);
    pthread_mutex_unlock(&lock);
}

void missing_recheck(void)
{
    pthread_t a = start(take, NULL);
    pthread_t b = start(take, NULL);
    put();
    put();
    await(a);
    await(b);
}
