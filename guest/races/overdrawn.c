/*
 * Check, then act: each thread finds enough money in the account, and takes it. Each access is atomic; together they are not.
 */

#include <assert.h>
#include <stdatomic.h>

#include "races.h"

static atomic_int balance = 100;

static void *withdraw(void *unused)
{
    (void)unused;
    int seen = atomic_load(&balance);
    if (fixed) {
        while (seen >= 60 && !atomic_compare_exchange_strong(&balance, &seen, seen - 60)) {
        }
    } else if (seen >= 60) {
        atomic_fetch_sub(&balance, 60);
    }
    return NULL;
}

void overdrawn(void)
{
    pthread_t a = start(withdraw, NULL);
    pthread_t b = start(withdraw, NULL);
    await(a);
    await(b);
    assert(balance == 40);
}
