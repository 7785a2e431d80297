/*
 * The wrong order: a thread uses what its creator sets only after it has created the thread. Mostly the creator is faster.
 */

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

#include "races.h"

static const char *_Atomic name;

static void *greet(void *unused)
{
    (void)unused;
    compute();
    assert(name != NULL);
    return NULL;
}

void early_use(void)
{
    if (fixed)
        name = "worker";
    pthread_t worker = start(greet, NULL);
    if (!fixed)
        name = "worker";
    await(worker);
}
