/*
 * Threads report that they are done by a counter without a lock, and the main thread spins until all have: if a report is lost, for ever.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "races.h"

static volatile int finished;
static atomic_int finished_atomic;

static void *work(void *unused)
{
    (void)unused;
    if (fixed)
        finished_atomic++;
    else
        finished = finished + 1;
    return NULL;
}

void endless_spin(void)
{
    pthread_t a = start(work, NULL);
    pthread_t b = start(work, NULL);
    while (finished + finished_atomic != 2) {
    }
    await(a);
    await(b);
}
