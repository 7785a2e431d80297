/*
 * Lengths, copies, comparisons and searches over words: `own` by loops over bytes, `libc` by the C library. Each checks the other.
 *
 * The words have 1 to 24 letters, as words have. In long strings a native C library's SIMD instructions would be what is measured.
 */

#include "bench.h"

#define WORDS 2000
#define LONGEST 24

static char words[WORDS][LONGEST + 1];
static char buffer[LONGEST + 1];

/* Without it, the compiler sees a loop for what it is and calls the library. */
#define OWN_LOOP() __asm__ volatile("")

static NOINLINE size_t own_strlen(const char *s) {
    const char *end = s;
    while (*end != '\0') {
        OWN_LOOP();
        end++;
    }
    return (size_t)(end - s);
}

static NOINLINE void *own_memcpy(void *to, const void *from, size_t n) {
    char *t = to;
    for (const char *f = from; n > 0; n--) {
        OWN_LOOP();
        *t++ = *f++;
    }
    return to;
}

static NOINLINE int own_strcmp(const char *a, const char *b) {
    for (; *a != '\0' && *a == *b; a++, b++)
        OWN_LOOP();
    return (unsigned char)*a - (unsigned char)*b;
}

static NOINLINE void *own_memchr(const void *s, int c, size_t n) {
    for (const unsigned char *p = s; n > 0; n--, p++) {
        OWN_LOOP();
        if (*p == (unsigned char)c)
            return (void *)p;
    }
    return NULL;
}

static NOINLINE void *own_memset(void *s, int c, size_t n) {
    for (char *p = s; n > 0; n--) {
        OWN_LOOP();
        *p++ = (char)c;
    }
    return s;
}

/* The same calls with either set of functions. */
#define ROUND(name, strlen, memcpy, strcmp, memchr, memset) \
    static NOINLINE uint64_t name(void) { \
        uint64_t sum = 0; \
        for (long i = 0; i < WORDS; i++) { \
            const char *word = words[i], *other = words[(i * 7 + 1) % WORDS]; \
            size_t length = strlen(word); \
            memset(buffer, '.', sizeof buffer); \
            memcpy(buffer, word, length + 1); \
            int order = strcmp(buffer, other); \
            int equal = strcmp(buffer, word) == 0; \
            const char *found = memchr(buffer, 'e', length); \
            sum = sum * 31 + length * 8 + (uint64_t)(order < 0) * 4 + (uint64_t)equal; \
            sum += found == NULL ? 1000 : (uint64_t)(found - buffer); \
        } \
        return sum; \
    }

ROUND(own_round, own_strlen, own_memcpy, own_strcmp, own_memchr, own_memset)
ROUND(libc_round, strlen, memcpy, strcmp, memchr, memset)

int main(int argc, char **argv) {
    long repetitions = argument(argc, argv, 1, 1);
    const char *variant = argc > 2 ? argv[2] : "own";
    int own = strcmp(variant, "own") == 0;
    if (!own && strcmp(variant, "libc") != 0)
        fail("strings: '%s' is neither own nor libc", variant);

    uint64_t state = 31415;
    for (long i = 0; i < WORDS; i++) {
        /* Every third begins as the one before it does, so that comparisons go on for a while. */
        long length = 1 + (long)(next_random(&state) % LONGEST), j = 0;
        if (i % 3 == 2)
            for (; j < length && words[i - 1][j] != '\0'; j++)
                words[i][j] = words[i - 1][j];
        for (; j < length; j++)
            words[i][j] = (char)('a' + next_random(&state) % 26);
    }
    uint64_t expected = own ? libc_round() : own_round();

    uint64_t begin = now_ns();
    for (long i = 0; i < repetitions; i++) {
        EXPECT(own ? own_round() : libc_round(), expected);
        FORGET();
    }
    report(expected, now_ns() - begin);
    return 0;
}
