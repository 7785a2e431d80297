/*
 * Transfers in opposite directions: each thread holds the lock of one account and waits for that of the other. The fixed one takes them in
 * the order of their addresses.
 */

#include <assert.h>

#include "races.h"

struct account {
    pthread_mutex_t lock;
    int balance;
};

static struct account here = { PTHREAD_MUTEX_INITIALIZER, 100 };
static struct account there = { PTHREAD_MUTEX_INITIALIZER, 100 };

static void transfer(struct account *from, struct account *to)
{
    bool swap = fixed && from > to;
    struct account *first = swap ? to : from;
    struct account *second = swap ? from : to;

    pthread_mutex_lock(&first->lock);
    pthread_mutex_lock(&second->lock);
    from->balance -= 10;
    to->balance += 10;
    pthread_mutex_unlock(&second->lock);
    pthread_mutex_unlock(&first->lock);
}

static void *forth(void *unused)
{
    (void)unused;
    transfer(&here, &there);
    return NULL;
}

static void *back(void *unused)
{
    (void)unused;
    transfer(&there, &here);
    return NULL;
}

void crossed_locks(void)
{
    pthread_t a = start(forth, NULL);
    pthread_t b = start(back, NULL);
    await(a);
    await(b);
    assert(here.balance == 100 && there.balance == 100);
}
