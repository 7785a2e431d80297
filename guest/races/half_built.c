/*
 * Double-checked initialisation that publishes too early: the pointer is set before what it points to, and whoever finds it set does not
 * ask for the lock.
 */

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

#include "races.h"

struct table {
    atomic_int entries;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct table only;
static struct table *_Atomic table;

static struct table *get_table(void)
{
    if (table != NULL)
        return table;
    pthread_mutex_lock(&lock);
    if (table == NULL) {
        if (fixed) {
            only.entries = 64;
            table = &only;
        } else {
            table = &only;
            only.entries = 64;
        }
    }
    pthread_mutex_unlock(&lock);
    return table;
}

static void *look_up(void *unused)
{
    (void)unused;
    assert(get_table()->entries == 64);
    return NULL;
}

void half_built(void)
{
    pthread_t a = start(look_up, NULL);
    pthread_t b = start(look_up, NULL);
    await(a);
    await(b);
}
