/*
 * Two values that belong together, written one after the other: a reader in between sees a pair that never was meant to be.
 */

#include <assert.h>
#include <stdatomic.h>

#include "races.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int width = 3, height = 3;

static void *grow(void *unused)
{
    (void)unused;
    if (fixed)
        pthread_mutex_lock(&lock);
    width = 4;
    height = 4;
    if (fixed)
        pthread_mutex_unlock(&lock);
    return NULL;
}

static void *look(void *unused)
{
    (void)unused;
    if (fixed)
        pthread_mutex_lock(&lock);
    int w = width;
    int h = height;
    if (fixed)
        pthread_mutex_unlock(&lock);
    assert(w == h);
    return NULL;
}

void torn_pair(void)
{
    pthread_t writer = start(grow, NULL);
    pthread_t reader = start(look, NULL);
    await(writer);
    await(reader);
}
