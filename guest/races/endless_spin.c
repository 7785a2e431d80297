/*
 * Threads report that they are done by a counter without a lock, and one spins until both have: if a report is lost, for ever.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "races.h"

static volatile int finished;
static atomic_int finished_atomic;

static void finish(void)
{
    if (fixed)
        finished_atomic++;
    else
        finished = finished + 1;
}

static void *work(void *unused)
{
    (void)unused;
    finish();
    return NULL;
}

void endless_spin(void)
{
    pthread_t worker = start(work, NULL);
    finish();
    while (finished + finished_atomic != 2) {
    }
    await(worker);
}
