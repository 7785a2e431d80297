/*
 * Code written at run time. After fence.i (or __builtin___clear_cache, which asks the kernel to do it on all harts) the new
 * instructions run, however often the old ones did before.
 */

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define SIZE 65536

typedef long function(long);

static uint32_t *code;
static volatile int phase;

/* Writes `addi a0, a0, n; ret` at `where`. */
static void write_adder(uint32_t *where, int n)
{
    where[0] = 0x00050513u | (uint32_t)n << 20;
    where[1] = 0x00008067u;
}

static void publish(void *from, size_t size)
{
    __builtin___clear_cache((char *)from, (char *)from + size);
}

static void *other_thread(void *unused)
{
    function *f = (function *)(uintptr_t)code;
    for (int i = 1; i <= 20; i++) {
        while (phase != 2 * i - 1) {
        }
        CHECK_EQ(f(1000), 1000 + i);
        phase = 2 * i;
    }
    return unused;
}

int new_code_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    code = mmap(NULL, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    function *f = (function *)(uintptr_t)code;

    /* Rewritten in place, each version run often enough to be translated. */
    for (int n = 0; n < 50; n++) {
        write_adder(code, n);
        publish(code, 8);
        long sum = 0;
        for (int i = 0; i < 300; i++)
            sum += f(i);
        CHECK_EQ(sum, 44850 + 300 * n);
    }
    printf("rewritten: ok\n");

    /* With fence.i alone, which suffices for one's own hart. */
    for (int n = 0; n < 50; n++) {
        write_adder(code, 100 + n);
        __asm__ volatile("fence.i" ::: "memory");
        CHECK_EQ(f(0), 100 + n);
    }
    printf("fence.i: ok\n");

    /* Many functions, some across a page's border. */
    for (int i = 0; i < SIZE / 8; i++)
        write_adder(code + 2 * i, i % 2000);
    publish(code, SIZE);
    long sum = 0;
    for (int i = 0; i < SIZE / 8; i++)
        sum += ((function *)(uintptr_t)(code + 2 * i))(1);
    CHECK_EQ(sum, 8192 + 4 * 1999000l + 192 * 191 / 2);
    printf("many: ok\n");

    /* An instruction of four bytes that straddles two pages. */
    unsigned char *edge = (unsigned char *)code + 4094;
    uint32_t words[2];
    write_adder(words, 77);
    memcpy(edge, words, sizeof words);
    publish(edge, 8);
    CHECK_EQ(((function *)(uintptr_t)edge)(1), 78);
    printf("straddling: ok\n");

    /* Pages unmapped and mapped again at the same place hold other code; protections change between write and run. */
    for (int n = 0; n < 20; n++) {
        CHECK(mmap(code, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == code);
        write_adder(code, 500 + n);
        CHECK_OK(mprotect(code, 4096, PROT_READ | PROT_EXEC));
        publish(code, 8);
        CHECK_EQ(f(1), 501 + n);
    }
    printf("remapped: ok\n");

    /* Written by one thread, run by another that has run the old version. */
    CHECK_OK(mprotect(code, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
    pthread_t thread;
    CHECK_ZERO(pthread_create(&thread, NULL, other_thread, NULL));
    for (int i = 1; i <= 20; i++) {
        write_adder(code, i);
        publish(code, 8);
        phase = 2 * i - 1;
        while (phase != 2 * i) {
        }
    }
    CHECK_ZERO(pthread_join(thread, NULL));
    printf("new_code: ok\n");
    return 0;
}
