/* POSIX threads, all that a program builds on them. */

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "check.h"

#define MANY 64
#define ROUNDS 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static sem_t semaphore;
static long counter, initialised, destroyed, turn;
static volatile long pair[2];
static __thread long local = 5;
static __thread char local_zero[100];

static void *count(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void *take_turns(void *argument)
{
    long me = (intptr_t)argument;
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 50; i++) {
        while (turn % 4 != me)
            pthread_cond_wait(&condition, &mutex);
        turn++;
        pthread_cond_broadcast(&condition);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void *meet(void *argument)
{
    static long arrived;
    long serial = 0;
    for (int i = 1; i <= 20; i++) {
        __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
        serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
        CHECK_EQ(__atomic_load_n(&arrived, __ATOMIC_SEQ_CST), 4 * i);
        pthread_barrier_wait(&barrier);
    }
    return (char *)argument + serial;
}

static void *read_write(void *argument)
{
    for (int i = 0; i < 300; i++) {
        if ((intptr_t)argument == 0) {
            pthread_rwlock_wrlock(&rwlock);
            pair[0]++;
            sched_yield();
            pair[1]++;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            CHECK_EQ(pair[0], pair[1]);
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return NULL;
}

static void initialise(void)
{
    initialised++;
}

static void destroy(void *value)
{
    __atomic_fetch_add(&destroyed, (intptr_t)value, __ATOMIC_SEQ_CST);
}

static void *one_of_many(void *argument)
{
    intptr_t me = (intptr_t)argument;
    pthread_once(&once, initialise);
    CHECK_EQ(local, 5);
    CHECK_EQ(local_zero[me], 0);
    local += me;
    local_zero[me] = 1;
    pthread_setspecific(key, argument);
    sched_yield();
    CHECK_EQ(local, 5 + me);
    CHECK_EQ((intptr_t)pthread_getspecific(key), me);
    return (void *)(me * me);
}

static void *post(void *unused)
{
    for (int i = 0; i < 100; i++)
        sem_post(&semaphore);
    return unused;
}

/* Runs `work` in `n` threads with arguments 0 ... n-1; returns the sum of their results. */
static long in_threads(int n, void *(*work)(void *))
{
    pthread_t threads[MANY];
    long sum = 0;
    for (int i = 0; i < n; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i));
    for (int i = 0; i < n; i++) {
        void *result;
        CHECK_ZERO(pthread_join(threads[i], &result));
        sum += (intptr_t)result;
    }
    return sum;
}

static void errors(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t checking;
    struct timespec soon;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checking, &attributes);
    CHECK_EQ(pthread_mutex_unlock(&checking), EPERM);
    CHECK_ZERO(pthread_mutex_lock(&checking));
    CHECK_EQ(pthread_mutex_lock(&checking), EDEADLK);
    CHECK_EQ(pthread_mutex_trylock(&checking), EBUSY);
    CHECK_ZERO(pthread_mutex_unlock(&checking));
    CHECK_EQ(pthread_join(pthread_self(), NULL), EDEADLK);

    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 5000000;
    if (soon.tv_nsec >= 1000000000)
        soon.tv_sec++, soon.tv_nsec -= 1000000000;
    pthread_mutex_lock(&mutex);
    CHECK_EQ(pthread_cond_timedwait(&condition, &mutex, &soon), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

int threads_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    in_threads(8, count);
    CHECK_EQ(counter, 8 * ROUNDS);
    printf("mutex: %ld\n", counter);

    in_threads(4, take_turns);
    CHECK_EQ(turn, 200);
    printf("condition: %ld\n", turn);

    pthread_barrier_init(&barrier, NULL, 4);
    long serial = in_threads(4, meet) - (0 + 1 + 2 + 3);
    CHECK_EQ(serial, 20);
    printf("barrier: %ld\n", serial);

    in_threads(6, read_write);
    CHECK_EQ(pair[0], 300);
    printf("rwlock: %ld\n", pair[0]);

    sem_init(&semaphore, 0, 0);
    pthread_t poster;
    CHECK_ZERO(pthread_create(&poster, NULL, post, NULL));
    for (int i = 0; i < 100; i++)
        CHECK_OK(sem_wait(&semaphore));
    pthread_join(poster, NULL);
    CHECK_ERRNO(sem_trywait(&semaphore), EAGAIN);
    printf("semaphore: ok\n");

    pthread_key_create(&key, destroy);
    long squares = in_threads(MANY, one_of_many);
    CHECK_EQ(squares, 85344);
    CHECK_EQ(initialised, 1);
    CHECK_EQ(destroyed, 2016);
    CHECK_EQ(local, 5);
    printf("%d threads: %ld\n", MANY, squares);

    /* Thread structures and stacks are used again: many more threads than could live at once. */
    for (int i = 0; i < 10; i++)
        CHECK_EQ(in_threads(16, one_of_many), 1240);
    printf("again: ok\n");
    errors();
    printf("threads: ok\n");
    return 0;
}
