/*
 * A job on its creator's stack: the thread says that it is done, and looks at the job once more. By then the creator may have returned, and
 * other things be where the job was.
 */

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "races.h"

struct job {
    volatile int number;
    volatile int result;
};

static atomic_bool done;

static void *work(void *argument)
{
    struct job *job = argument;
    int number = job->number;
    job->result = number * number;
    if (fixed) {
        assert(job->number == number);
        done = true;
    } else {
        done = true;
        assert(job->number == number);
    }
    return NULL;
}

static pthread_t __attribute__((noinline)) do_job(void)
{
    struct job job = { .number = 7 };
    pthread_t worker = start(work, &job);
    while (!done)
        compute();
    assert(job.result == 49);
    return worker;
}

/* What comes next takes the place of the job on the stack. */
static void __attribute__((noinline)) do_other_things(void)
{
    volatile char buffer[512];
    memset((char *)buffer, 0x55, sizeof buffer);
}

void gone_stack(void)
{
    pthread_t worker = do_job();
    do_other_things();
    await(worker);
}
