/* The allocator under stress: every block is filled with a pattern of its own and checked before it goes. */

#include <malloc.h>
#include <pthread.h>

#include "check.h"

#define SLOTS 256
#define THREADS 4

struct work {
    uint64_t seed;
    long rounds;
};

static void fill(unsigned char *block, size_t size, unsigned char tag)
{
    for (size_t i = 0; i < size; i += 61)
        block[i] = (unsigned char)(tag + i);
    block[size - 1] = tag;
}

static void verify(const unsigned char *block, size_t size, unsigned char tag)
{
    CHECK_EQ(block[size - 1], tag);
    for (size_t i = 0; i + 1 < size; i += 61)
        CHECK_EQ(block[i], (unsigned char)(tag + i));
}

static void *stress(void *argument)
{
    struct work *work = argument;
    unsigned char *blocks[SLOTS] = { NULL };
    size_t sizes[SLOTS];
    uint64_t seed = work->seed;

    for (long round = 0; round < work->rounds; round++) {
        uint64_t r = next_random(&seed);
        size_t slot = r % SLOTS;
        /* Mostly small, at times large enough for mmap. */
        size_t size = 1 + (r >> 16) % ((r >> 8 & 255) == 0 ? 300000 : 2000);
        if (!blocks[slot]) {
            blocks[slot] = malloc(size);
        } else if (r >> 60 == 0) {
            verify(blocks[slot], sizes[slot], (unsigned char)slot);
            blocks[slot] = realloc(blocks[slot], size);
        } else {
            verify(blocks[slot], sizes[slot], (unsigned char)slot);
            free(blocks[slot]);
            blocks[slot] = NULL;
            continue;
        }
        CHECK(blocks[slot] != NULL);
        sizes[slot] = size;
        fill(blocks[slot], size, (unsigned char)slot);
    }
    for (size_t slot = 0; slot < SLOTS; slot++)
        free(blocks[slot]);
    return NULL;
}

int heap_trial(int argc, char **argv)
{
    long rounds = number_argument(argc, argv, 1, 20000);
    struct work alone = { 7, rounds };
    stress(&alone);
    printf("one thread: ok\n");

    pthread_t threads[THREADS];
    struct work works[THREADS];
    for (int i = 0; i < THREADS; i++) {
        works[i] = (struct work){ 100 + (uint64_t)i, rounds / 4 };
        CHECK_ZERO(pthread_create(&threads[i], NULL, stress, &works[i]));
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    printf("%d threads: ok\n", THREADS);

    char *zeroed = calloc(1000, 1000);
    CHECK(zeroed != NULL);
    for (size_t i = 0; i < 1000000; i += 4096)
        CHECK_EQ(zeroed[i], 0);
    free(zeroed);
    void *aligned = aligned_alloc(65536, 65536);
    CHECK(aligned != NULL && (uintptr_t)aligned % 65536 == 0);
    free(aligned);
    errno = 0;
    volatile size_t absurd = (size_t)1 << 62;
    CHECK(malloc(absurd) == NULL && errno == ENOMEM);
    malloc_trim(0);
    printf("heap: ok\n");
    return 0;
}
