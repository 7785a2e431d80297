/*
 * Put away while in use: a worker looks whether the log is still open, and writes; in between the main thread may close it.
 */

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

#include "races.h"

struct log {
    atomic_int lines;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool closed;
static struct log the_log;
static struct log *_Atomic log_file = &the_log;

static void *work(void *unused)
{
    (void)unused;
    if (fixed)
        pthread_mutex_lock(&lock);
    if (!closed) {
        struct log *file = log_file;
        assert(file != NULL);
        file->lines++;
    }
    if (fixed)
        pthread_mutex_unlock(&lock);
    return NULL;
}

void late_use(void)
{
    pthread_t worker = start(work, NULL);
    if (fixed)
        pthread_mutex_lock(&lock);
    closed = true;
    log_file = NULL;
    if (fixed)
        pthread_mutex_unlock(&lock);
    await(worker);
}
