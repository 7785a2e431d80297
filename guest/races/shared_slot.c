/*
 * A ring whose index is no atomic: two producers put into the same slot, and one item is gone.
 */

#include <assert.h>
#include <stdatomic.h>

#include "races.h"

#define SLOTS 8

static int ring[SLOTS];
static unsigned tail;
static atomic_uint claimed;

static void put(int item)
{
    if (fixed) {
        ring[atomic_fetch_add(&claimed, 1) % SLOTS] = item;
        return;
    }
    ring[tail % SLOTS] = item;
    tail++;
}

static void *produce(void *first)
{
    int item = *(int *)first;
    put(item);
    put(item + 1);
    return NULL;
}

void shared_slot(void)
{
    int firsts[] = { 1, 3 };
    pthread_t a = start(produce, &firsts[0]);
    pthread_t b = start(produce, &firsts[1]);
    await(a);
    await(b);
    int sum = 0;
    for (int i = 0; i < SLOTS; i++)
        sum += ring[i];
    assert(sum == 1 + 2 + 3 + 4);
}
